/*
 * See sessions.h. On the loop's thread, but for duet_server_each_session().
 */
#include "sessions.h"

#include "home_parts.h"

#include <errno.h>
#include <stdlib.h>

/* ---- The list ---- */

static void enter_list(struct duet_session_list *list, struct duet_session *session)
{
    pthread_mutex_lock(&list->lock);
    session->next = list->first;
    if (session->next != NULL)
        session->next->link = &session->next;
    session->link = &list->first;
    list->first = session;
    list->count++;
    pthread_mutex_unlock(&list->lock);
}

static void leave_list(struct duet_session_list *list, struct duet_session *session)
{
    pthread_mutex_lock(&list->lock);
    *session->link = session->next;
    if (session->next != NULL)
        session->next->link = session->link;
    list->count--;
    pthread_mutex_unlock(&list->lock);
}

/* ---- Begin and end ---- */

/* In the order they were added, until one refuses. */
static bool hooks_let_in(struct duet_session *session, const struct duet_hook_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct duet_hook *hook = &list->at[i];
        if (hook->hooks.session_open != NULL &&
            hook->hooks.session_open(session, hook->ctx) < 0)
            return false;
    }
    return true;
}

/* The last one added is the first to be told. */
static void tell_hooks(struct duet_session *session, const struct duet_hook_list *list)
{
    for (size_t i = list->count; i-- > 0;)
        if (list->at[i].hooks.session_close != NULL)
            list->at[i].hooks.session_close(session, list->at[i].ctx);
}

bool duet_sessions_begin(struct duet_conn *conn, duet_protocol protocol, bool is_turned_away)
{
    struct duet_home *home = conn->conns->ctx;
    struct duet_server *server = home->server;
    struct duet_session *session =
        duet_session_new(home->keeper, conn->id, protocol, &conn->peer.in6);
    duet_caller_of(conn)->session = session;
    if (session == NULL || is_turned_away)
        return session != NULL;
    atomic_store(&session->is_open, true);
    session->has_been_opened = hooks_let_in(session, &server->service.hooks);
    if (session->has_been_opened)
        enter_list(&server->sessions, session);
    return session->has_been_opened;
}

void duet_sessions_end(struct duet_conn *conn)
{
    struct duet_home *home = conn->conns->ctx;
    struct duet_session *session = duet_caller_of(conn)->session;
    if (session == NULL)
        return;
    atomic_store(&session->is_open, false);
    duet_sessions_end_requests(conn);
    duet_outbound_free(duet_caller_of(conn)->outbound);
    duet_caller_of(conn)->outbound = NULL;
    if (session->has_been_opened) {
        leave_list(&home->server->sessions, session);
        tell_hooks(session, &home->server->service.hooks);
    }
    duet_caller_of(conn)->session = NULL;
    session->next = home->ended;
    home->ended = session;
}

void duet_sessions_bury(struct duet_home *home)
{
    while (home->ended != NULL) {
        struct duet_session *session = home->ended;
        home->ended = session->next;
        duet_session_leave(session);
    }
}

/* ---- What others ask ---- */

static uint64_t idle_ms(unsigned timeout_ms)
{
    return timeout_ms == DUET_NO_TIMEOUT ? DUET_CONN_NEVER : timeout_ms;
}

static void attend(void *ctx, struct duet_session *session, unsigned asked)
{
    struct duet_home *home = ctx;
    struct duet_conn *conn = duet_conns_find(&home->conns, session->conn);
    if (conn == NULL)
        return;
    if (asked & DUET_ASKED_IDLE)
        duet_conn_set_idle_timeout(conn, idle_ms(atomic_load(&session->idle_timeout_ms)));
    if (asked & DUET_ASKED_ABORT) {
        duet_conn_close(conn);
    } else if (asked & DUET_ASKED_CLOSE) {
        duet_home_mind_fin(conn);
        duet_conn_finish(conn);
    }
}

/* ---- Requests to its client ---- */

void duet_sessions_end_requests(struct duet_conn *conn)
{
    const struct duet_home *home = conn->conns->ctx;
    struct duet_outbound *outbound = duet_caller_of(conn)->outbound;
    if (outbound != NULL)
        duet_outbound_end(outbound, home->is_draining ? -ESHUTDOWN : -ENOTCONN);
}

static int outbound_of(void *ctx, struct duet_session *session, struct duet_outbound **outbound)
{
    struct duet_home *home = ctx;
    struct duet_conn *conn = duet_conns_find(&home->conns, session->conn);
    if (conn == NULL)
        return -ENOTCONN;
    if (home->is_past_deadline || home->is_over)
        return -ESHUTDOWN;
    struct duet_caller *caller = duet_caller_of(conn);
    if (caller->outbound == NULL)
        caller->outbound = duet_outbound_new(conn, &home->dropped);
    *outbound = caller->outbound;
    return *outbound != NULL ? 0 : -ENOMEM;
}

int duet_sessions_open(struct duet_home *home)
{
    const struct duet_server *server = home->server;
    const struct duet_service *service = &server->service;
    home->keeper = duet_session_keeper_new(&home->loop);
    if (home->keeper == NULL)
        return -ENOMEM;
    home->keeper->ctx = home;
    home->keeper->attend = attend;
    home->keeper->outbound = outbound_of;
    home->keeper->terms = (struct duet_session_terms){
        .limits = service->limits,
        .style = service->style,
        .int_is_strict = service->int_is_strict,
        .max_arena = service->max_arena,
        .max_write_depth = service->max_write_depth,
        .max_posted = home->conns.conn_limits.max_part,
        .request_timeout_ms = (unsigned)server->options.value[DUET_OPT_REQUEST_TIMEOUT],
    };
    return 0;
}

/* ---- All of them ---- */

int duet_sessions_take_all(struct duet_session_list *list, struct duet_session ***taken,
                           size_t *count)
{
    pthread_mutex_lock(&list->lock);
    struct duet_session **sessions = calloc(list->count + 1, sizeof(struct duet_session *));
    size_t n = 0;
    for (struct duet_session *at = list->first; at != NULL && sessions != NULL; at = at->next)
        sessions[n++] = duet_session_ref(at);
    pthread_mutex_unlock(&list->lock);
    *taken = sessions;
    *count = n;
    return sessions != NULL ? 0 : -ENOMEM;
}

int duet_server_each_session(duet_server *server,
                             int (*visit)(duet_session *session, void *ctx), void *ctx)
{
    if (server == NULL)
        return -ENOMEM;
    if (visit == NULL)
        return -EINVAL;
    struct duet_session **sessions;
    size_t count;
    int rc = duet_sessions_take_all(&server->sessions, &sessions, &count);
    for (size_t i = 0; i < count; i++) {
        if (rc == 0 && duet_session_is_open(sessions[i]))
            rc = visit(sessions[i], ctx);
        duet_session_unref(sessions[i]);
    }
    free(sessions);
    return rc;
}
