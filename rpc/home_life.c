/*
 * A home's own life: opening, accepting, the end of each turn, draining, closing. On the loop's
 * thread.
 */
#include "home.h"
#include "home_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- Views of the methods ---- */

void duet_view_release(struct duet_view *view)
{
    view->users--;
    if (view->users > 0 || !view->is_old)
        return;
    duet_registry_unref(view->registry);
    free(view);
}

/* Retires the present view; it goes when no call on a worker uses it any more. */
static void retire_view(struct duet_home *home)
{
    struct duet_view *view = home->view;
    home->view = NULL;
    if (view == NULL)
        return;
    view->is_old = true;
    view->users++;
    duet_view_release(view);
}

void duet_view_refresh_slow(struct duet_home *home)
{
    struct duet_server *server = home->server;
    struct duet_view *view = calloc(1, sizeof *view);
    if (view == NULL)
        return; /* the old one goes on; the next call tries again */
    pthread_mutex_lock(&server->lock);
    view->registry = server->registry;
    duet_registry_ref(view->registry);
    home->view_number = atomic_load(&server->registry_number);
    pthread_mutex_unlock(&server->lock);
    retire_view(home);
    home->view = view;
}

/* ---- Accepting ---- */

/* A connection on its way to another loop. */
struct parcel {
    struct duet_letter letter;
    struct duet_home *to;
    int fd;
    uint16_t listener;
    struct sockaddr_storage peer;
};

static void open_conn(struct duet_home *home, uint16_t listener, int fd,
                      const struct sockaddr *peer)
{
    struct duet_conn *conn = duet_conn_open(&home->conns, fd, peer);
    if (conn == NULL) {
        atomic_fetch_sub(&home->server->connections, 1);
        return;
    }
    conn->listener = listener;
    conn->raw = home->server->style.raw;
    if (home->is_draining)
        duet_conn_drain(conn);
}

static void on_parcel(struct duet_letter *letter)
{
    struct parcel *parcel = (struct parcel *)(void *)letter;
    open_conn(parcel->to, parcel->listener, parcel->fd, (const struct sockaddr *)&parcel->peer);
    free(parcel);
}

static void send_parcel(struct duet_home *to, uint16_t listener, int fd,
                        const struct sockaddr *peer)
{
    struct parcel *parcel = calloc(1, sizeof *parcel);
    if (parcel == NULL) {
        close(fd);
        atomic_fetch_sub(&to->server->connections, 1);
        return;
    }
    *parcel =
        (struct parcel){.letter.deliver = on_parcel, .to = to, .fd = fd, .listener = listener};
    if (peer->sa_family == AF_INET)
        memcpy(&parcel->peer, peer, sizeof(struct sockaddr_in));
    else if (peer->sa_family == AF_INET6)
        memcpy(&parcel->peer, peer, sizeof(struct sockaddr_in6));
    else
        parcel->peer.ss_family = peer->sa_family;
    duet_loop_post(&to->loop, &parcel->letter);
    duet_loop_announce(&to->loop);
}

/* Loops take turns: whichever accepts, the connections are shared evenly. */
static void on_accepted(struct duet_acceptor *acceptor, int fd, const struct sockaddr *peer)
{
    struct duet_home *home = acceptor->ctx;
    struct duet_server *server = home->server;
    long long open = atomic_fetch_add(&server->connections, 1);
    if (open >= server->options.value[DUET_MAX_CONNECTIONS]) {
        atomic_fetch_sub(&server->connections, 1);
        close(fd);
        return;
    }
    uint16_t listener = (uint16_t)(acceptor->listener - server->listeners);
    struct duet_home *to =
        &server->homes[atomic_fetch_add(&server->accepted, 1) % server->home_count];
    if (to == home || home->is_draining)
        open_conn(home, listener, fd, peer);
    else
        send_parcel(to, listener, fd, peer);
}

static int start_accepting(struct duet_home *home)
{
    struct duet_server *server = home->server;
    home->acceptors = calloc(server->listener_count, sizeof *home->acceptors);
    if (home->acceptors == NULL)
        return -ENOMEM;
    home->is_accepting = true;
    for (size_t i = 0; i < server->listener_count; i++) {
        struct duet_acceptor *acceptor = &home->acceptors[i];
        acceptor->listener = &server->listeners[i];
        acceptor->loop = &home->loop;
        acceptor->accepted = on_accepted;
        acceptor->ctx = home;
        int rc = duet_acceptor_start(acceptor);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* ---- Draining ---- */

static void drain_conn(struct duet_conn *conn, void *ctx)
{
    (void)ctx;
    duet_conn_drain(conn);
}

static void finish_conn(struct duet_conn *conn, void *ctx)
{
    (void)ctx;
    duet_conn_finish(conn, true);
}

static void on_drain_deadline(struct duet_deadline *deadline)
{
    struct duet_home *home =
        (struct duet_home *)((char *)deadline - offsetof(struct duet_home, drain_deadline));
    enum { LAST_WORDS_MS = 1000 }; /* for the faults to leave */
    if (home->is_past_deadline) {
        duet_loop_stop(&home->loop);
        return;
    }
    home->is_past_deadline = true;
    if (home->tickets.open > 0)
        atomic_store(&home->server->deadline_passed, true);
    duet_tickets_each(&home->tickets, duet_home_cancel_ticket, NULL);
    duet_conns_each(&home->conns, finish_conn, NULL);
    duet_wheel_set(&home->loop.wheel, deadline, home->loop.now_ms + LAST_WORDS_MS);
}

static void begin_drain(struct duet_home *home)
{
    struct duet_server *server = home->server;
    home->is_draining = true;
    for (size_t i = 0; i < server->listener_count; i++)
        duet_acceptor_stop(&home->acceptors[i]);
    home->is_accepting = false;
    duet_conns_each(&home->conns, drain_conn, NULL);
    home->drain_deadline.expired = on_drain_deadline;
    duet_wheel_set(&home->loop.wheel, &home->drain_deadline,
                   home->loop.now_ms + (uint64_t)server->options.value[DUET_DRAIN_MS]);
    if (atomic_fetch_sub(&server->homes_accepting, 1) == 1)
        for (size_t i = 0; i < server->home_count; i++)
            duet_loop_wake(&server->homes[i].loop);
}

/* Nothing is left that could still want an answer, and no other loop can send a connection any
 * more. */
static bool is_drained(const struct duet_home *home)
{
    return home->is_draining && home->conns.open == 0 && home->tickets.open == 0 &&
           atomic_load(&home->server->homes_accepting) == 0 &&
           atomic_load(&home->loop.mailbox) == NULL;
}

/* ---- The end of a turn ---- */

static void on_turn_over(void *ctx)
{
    struct duet_home *home = ctx;
    if (!home->is_draining &&
        atomic_load_explicit(&home->server->is_draining, memory_order_relaxed))
        begin_drain(home);
    do {
        duet_home_push(home);
        duet_conns_turn_over(&home->conns);
    } while (home->batch_count > 0); /* a connection that was read on has brought more calls */
    if (is_drained(home))
        duet_loop_stop(&home->loop);
}

/* ---- Opening and closing ---- */

int duet_home_init(struct duet_home *home, struct duet_server *server)
{
    const int64_t *option = server->options.value;
    home->server = server;
    home->number = (size_t)(home - server->homes);
    int rc = duet_loop_init(&home->loop, on_turn_over, home);
    home->loop.busy_poll_us = (unsigned)option[DUET_BUSY_POLL_US];
    home->conns = (struct duet_conns){
        .loop = &home->loop,
        .events = &duet_home_events,
        .ctx = home,
        .limits = &server->limits,
        .conn_limits =
            {
                .max_in_flight_bytes = (size_t)option[DUET_MAX_IN_FLIGHT_BYTES],
                .out_mark = (size_t)option[DUET_OUT_MARK],
                .head_timeout_ms = (uint64_t)option[DUET_HEAD_TIMEOUT],
                .body_timeout_ms = (uint64_t)option[DUET_BODY_TIMEOUT],
                .write_timeout_ms = (uint64_t)option[DUET_WRITE_TIMEOUT],
                .idle_timeout_ms = (uint64_t)option[DUET_IDLE_TIMEOUT],
            },
    };
    if (rc == 0)
        rc = duet_conns_init(&home->conns);
    if (rc == 0) {
        duet_view_refresh_slow(home);
        rc = home->view != NULL ? 0 : -ENOMEM;
    }
    return rc;
}

int duet_home_run(struct duet_home *home)
{
    int rc = start_accepting(home);
    duet_loop_wake(&home->loop); /* a drain that came before the first turn is seen in it */
    if (rc == 0)
        rc = duet_loop_run(&home->loop);
    return rc;
}

/* Calls that came home after the last turn. */
static void free_late_calls(struct duet_home *home)
{
    struct duet_letter *letter = atomic_exchange(&home->loop.mailbox, NULL);
    while (letter != NULL) {
        struct duet_letter *next = letter->next;
        letter->deliver(letter);
        letter = next;
    }
}

void duet_home_done(struct duet_home *home)
{
    if (home->server == NULL)
        return;
    if (home->conns.scratch != NULL)
        duet_conns_done(&home->conns);
    free_late_calls(home);
    retire_view(home);
    while (home->free_calls != NULL) {
        struct duet_call *call = home->free_calls;
        home->free_calls = call->next_free;
        duet_call_free(call);
    }
    duet_tickets_done(&home->tickets);
    duet_loop_done(&home->loop);
    free(home->acceptors);
}
