/*
 * A connection's life: opening, states, closing, and what the loop says of it. On the loop's
 * thread.
 */
#include "conn.h"

#include "conn_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>

/* Whoever was served until a drain began may just be sending: it is waited for this long, which
 * is more than a request takes to anywhere on a network, and little for who stops a server. */
enum { DRAIN_QUIET_MS = 100 };

/* ---- States ---- */

void duet_conn_enter(struct duet_conn *conn, enum duet_conn_state state)
{
    conn->state = (uint8_t)state;
}

void duet_conn_enter_input(struct duet_conn *conn, enum duet_conn_input input)
{
    bool is_news = conn->input == INPUT_OPEN;
    conn->input = (uint8_t)input;
    if (is_news)
        conn->conns->events->peer_finished(conn);
}

/* Lets go of the message under way. */
static void drop_input(struct duet_conn *conn)
{
    duet_conns_reuse(conn->conns, &conn->in);
    conn->in_start = 0;
    duet_conn_reuse_state(conn, conn->framing_state);
    conn->framing_state = NULL;
    duet_account_release(&conn->account);
    duet_line_leave(&conn->conns->line, &conn->waiter);
}

void duet_conn_finish(struct duet_conn *conn)
{
    if (conn->state == CONN_ABANDONED)
        duet_conn_close(conn); /* nobody is there to be told */
    if (conn->state != CONN_OPEN)
        return;
    drop_input(conn);
    duet_conn_enter(conn, CONN_FINISHING);
    duet_conn_touch(conn);
    conn->conns->events->unheard(conn);
}

void duet_conn_take_no_calls(struct duet_conn *conn)
{
    bool is_busy = duet_conn_has_calls(conn) || conn->awaited > 0;
    if (conn->state != CONN_OPEN || !conn->is_two_way || !is_busy) {
        duet_conn_finish(conn);
        return;
    }
    conn->answers_only = true;
    conn->read_left = SIZE_MAX;
    duet_conn_touch(conn);
}

static void start_lingering(struct duet_conn *conn)
{
    if (conn->stream.kind->shutdown(&conn->stream) < 0) {
        duet_conn_close(conn);
        return;
    }
    duet_conn_enter(conn, CONN_LINGERING);
    duet_conn_is_taken(conn);
    duet_conn_wait_since_now(conn);
    duet_conn_watch(conn);
}

void duet_conn_settle(struct duet_conn *conn)
{
    if (conn->answers_only && !duet_conn_has_calls(conn) && conn->awaited == 0)
        duet_conn_finish(conn);
    if (conn->state != CONN_FINISHING || duet_conn_has_calls(conn) || conn->out_size > 0)
        return;
    if (conn->input == INPUT_ENDED)
        duet_conn_close(conn);
    else
        start_lingering(conn);
}

void duet_conn_close(struct duet_conn *conn)
{
    if (conn->state == CONN_CLOSED)
        return;
    struct duet_conns *conns = conn->conns;
    duet_conn_enter(conn, CONN_CLOSED);
    duet_wheel_clear(&conn->deadline);
    /* A process that a handler has started may hold the socket too: closing it here would then
     * neither end it nor take it out of epoll. */
    duet_loop_remove(conns->loop, conn->stream.fd, &conn->source);
    conn->stream.kind->close(&conn->stream);
    duet_conns_free_slot(conns, conn->id);
    duet_conn_drop_output(conn);
    drop_input(conn);
    conn->next_closed = conns->closed;
    conns->closed = conn;
    conns->events->closed(conn);
}

static size_t unread(const struct duet_conn *conn)
{
    int bytes = conn->stream.kind->pending(&conn->stream, STREAM_UNREAD);
    return bytes > 0 ? (size_t)bytes : 0;
}

/* Whether there may be messages in what has come and was not looked at. */
static bool has_unheard(const struct duet_conn *conn)
{
    if (conn->state != CONN_OPEN)
        return false;
    if (duet_conn_has_leftover(conn))
        return true;
    return conn->input != INPUT_ENDED && unread(conn) > 0;
}

void duet_conn_abandon(struct duet_conn *conn)
{
    if (!has_unheard(conn)) {
        duet_conn_close(conn);
        return;
    }
    duet_conn_enter(conn, CONN_ABANDONED);
    duet_conn_drop_output(conn);
    conn->write_blocked = false;
    duet_conn_touch(conn);
    conn->conns->events->abandoned(conn);
}

/* ---- Drain ---- */

/* It owes nothing and is owed nothing. */
static bool is_at_rest(const struct duet_conn *conn)
{
    return conn->framing_state == NULL && !duet_conn_has_calls(conn) && conn->awaited == 0 &&
           conn->out_size == 0;
}

/* With nothing unread and nothing on its way a close can take no reply with it: no stages. */
static void end_at_rest(struct duet_conn *conn)
{
    uint64_t quiet_ms = conn->conns->loop->now_ms - conn->active_ms;
    bool is_quiet = conn->written == 0 || quiet_ms >= DRAIN_QUIET_MS;
    if (is_quiet && duet_conn_is_taken(conn)) {
        duet_conn_close(conn);
        return;
    }
    if (conn->linger_idle_ms > DRAIN_QUIET_MS)
        conn->linger_idle_ms = DRAIN_QUIET_MS;
    duet_conn_finish(conn);
}

void duet_conn_drain(struct duet_conn *conn)
{
    if (conn->state != CONN_OPEN || duet_conn_is_limited(conn) || conn->answers_only)
        return;
    conn->read_left = unread(conn);
    if (conn->read_left > 0 || duet_conn_has_leftover(conn))
        return;
    if (is_at_rest(conn))
        end_at_rest(conn);
    else
        duet_conn_take_no_calls(conn);
}

bool duet_conn_is_last(const struct duet_conn *conn)
{
    if (!duet_conn_is_heard(conn))
        return true;
    return conn->read_left == 0 && !conn->has_more;
}

/* ---- Events ---- */

/* Something has come that is not read now. A FIN is told at once: it may wait behind unread
 * bytes for long. */
static void on_event_unread(struct duet_conn *conn, uint32_t events)
{
    if (events & EPOLLIN)
        duet_conn_count_pause(conn);
    if (events & EPOLLRDHUP && conn->input == INPUT_OPEN)
        duet_conn_enter_input(conn, INPUT_ENDING);
    duet_conn_watch(conn);
}

static void on_ready(struct duet_source *source, uint32_t events)
{
    struct duet_conn *conn = (struct duet_conn *)(void *)source;
    if (conn->state == CONN_CLOSED)
        return;
    if (conn->state == CONN_LINGERING) {
        /* A hang-up too: it may lie behind bytes that must be read first. */
        duet_conn_discard(conn);
        return;
    }
    if (events & (EPOLLERR | EPOLLHUP) && !duet_conn_may_read(conn)) {
        if (conn->state == CONN_ABANDONED)
            duet_conn_watch(conn);
        else
            duet_conn_abandon(conn);
        return;
    }
    if (events & EPOLLOUT) {
        conn->write_blocked = false;
        duet_conn_touch(conn);
    }
    if (conn->input != INPUT_ENDED &&
        (duet_conn_may_read(conn) || duet_conn_slips_through(conn)))
        duet_conn_read(conn);
    else if (events & (EPOLLIN | EPOLLRDHUP))
        on_event_unread(conn, events);
    conn->is_tiny = false;
}

void duet_conn_free(struct duet_conn *conn)
{
    if (conn == NULL)
        return;
    duet_account_join(&conn->account, NULL, false);
    duet_budget_part_leave(conn->part);
    free(conn);
}

static void copy_address(struct duet_conn *conn, const struct sockaddr *peer)
{
    if (peer->sa_family == AF_INET)
        conn->peer.in4 = *(const struct sockaddr_in *)(const void *)peer;
    else if (peer->sa_family == AF_INET6)
        conn->peer.in6 = *(const struct sockaddr_in6 *)(const void *)peer;
}

static struct duet_conn *new_conn(struct duet_conns *conns,
                                  const struct duet_conn_opening *opening)
{
    struct duet_conn *conn = calloc(1, sizeof *conn + opening->owner_size);
    if (conn == NULL)
        return NULL;
    conn->conns = conns;
    conn->part = duet_budget_part_new(conns->conn_limits.max_part);
    conn->account = (struct duet_account){.budget = conns->budget, .part = conn->part};
    if (conn->part == NULL || duet_conns_take_slot(conns, conn) < 0) {
        duet_conn_free(conn);
        return NULL;
    }
    conn->source.ready = on_ready;
    conn->waiter.account = &conn->account;
    conn->stream = opening->stream;
    conn->framing = opening->framing;
    conn->max_in_flight = opening->max_in_flight;
    conn->read_left = SIZE_MAX;
    conn->owner = conn->owner_part;
    conn->deadline.expired = duet_conn_expired;
    conn->linger_idle_ms = conns->conn_limits.linger_idle_ms;
    conn->idle_timeout_ms = conns->conn_limits.idle_timeout_ms;
    conn->watched = EPOLLIN | EPOLLRDHUP;
    duet_buf_init(&conn->in, SIZE_MAX); /* the framing bounds it */
    conn->in.account = &conn->account;
    copy_address(conn, opening->peer);
    return conn;
}

struct duet_conn *duet_conn_open(struct duet_conns *conns,
                                 const struct duet_conn_opening *opening)
{
    struct duet_stream stream = opening->stream;
    struct duet_conn *conn = new_conn(conns, opening);
    if (conn == NULL) {
        stream.kind->close(&stream);
        return NULL;
    }
    if (duet_loop_add(conns->loop, stream.fd, conn->watched, &conn->source) < 0) {
        duet_conns_free_slot(conns, conn->id);
        duet_conn_free(conn);
        stream.kind->close(&stream);
        return NULL;
    }
    duet_conn_wait_since_now(conn);
    return conn;
}
