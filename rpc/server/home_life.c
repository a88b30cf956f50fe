/*
 * A home's own life: opening, accepting, the end of each turn, draining, closing. On the loop's
 * thread.
 */
#include "holder.h"
#include "home.h"
#include "home_parts.h"
#include "on_worker.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/epoll.h>

/* ---- Draining ---- */

static void drain_conn(struct duet_conn *conn, void *ctx)
{
    (void)ctx;
    duet_conn_drain(conn);
}

static void finish_conn(struct duet_conn *conn, void *ctx)
{
    struct duet_home *home = ctx;
    duet_sessions_end_requests(conn);
    if (duet_conn_has_unread(conn))
        atomic_store(&home->server->deadline_passed, true);
    if (conn->state == CONN_LINGERING)
        duet_conn_close(conn); /* it has had its last reply, and time to take it */
    else
        duet_conn_finish(conn);
}

/* Its peer has not taken the last replies. */
static void note_unsent(struct duet_conn *conn, void *ctx)
{
    struct duet_home *home = conn->conns->ctx;
    (void)ctx;
    if (conn->out_size > 0)
        atomic_store(&home->server->deadline_passed, true);
}

static void on_drain_deadline(struct duet_deadline *deadline)
{
    struct duet_home *home = DUET_HOLDER(deadline, struct duet_home, drain_deadline);
    enum { LAST_WORDS_MS = 1000 }; /* for the faults to leave */
    if (home->is_past_deadline) {
        duet_conns_each(&home->conns, note_unsent, NULL);
        duet_loop_stop(&home->loop);
        return;
    }
    home->is_past_deadline = true;
    if (home->tickets.open > 0)
        atomic_store(&home->server->deadline_passed, true);
    duet_tickets_each(&home->tickets, duet_home_cancel_ticket, NULL);
    duet_conns_each(&home->conns, finish_conn, home);
    duet_wheel_set(&home->loop.wheel, deadline, home->loop.now_ms + LAST_WORDS_MS);
}

/* Nobody accepts any more: who tries to connect is told so by the kernel, and every loop may
 * end. */
static void close_listeners(struct duet_server *server)
{
    for (size_t i = 0; i < server->listener_count; i++)
        duet_listener_end(&server->listeners[i]);
    for (size_t i = 0; i < server->home_count; i++)
        duet_loop_wake(&server->homes[i].loop);
}

void duet_home_leave_accepting(struct duet_home *home)
{
    if (!home->is_accepting)
        return;
    home->is_accepting = false;
    if (atomic_fetch_sub(&home->server->homes_accepting, 1) == 1)
        close_listeners(home->server);
}

static void begin_drain(struct duet_home *home)
{
    struct duet_server *server = home->server;
    home->is_draining = true;
    duet_wheel_clear(&home->drain_deadline);
    for (size_t i = 0; i < server->listener_count; i++)
        duet_acceptor_stop(&home->acceptors[i]);
    duet_conns_each(&home->conns, drain_conn, NULL);
    duet_home_mind_drain(home);
    home->drain_deadline.expired = on_drain_deadline;
    duet_wheel_set(&home->loop.wheel, &home->drain_deadline,
                   home->loop.now_ms + (uint64_t)server->options.value[DUET_OPT_DRAIN_MS]);
    duet_home_leave_accepting(home);
}

static void on_delay_over(struct duet_deadline *deadline)
{
    begin_drain(DUET_HOLDER(deadline, struct duet_home, drain_deadline));
}

/* In the order that the hooks were added. */
static void tell_drain(struct duet_server *server)
{
    const struct duet_hook_list *list = &server->service.hooks;
    for (size_t i = 0; i < list->count; i++)
        if (list->at[i].hooks.drain != NULL)
            list->at[i].hooks.drain(server, list->at[i].ctx);
}

/* The server was asked to drain. For a while it may go on as before but for its health check:
 * whoever sends it clients learns to send them elsewhere. */
static void see_drain(struct duet_home *home)
{
    if (!atomic_exchange(&home->server->has_told_drain, true))
        tell_drain(home->server);
    uint64_t delay_ms = (uint64_t)home->server->options.value[DUET_OPT_DRAIN_DELAY_MS];
    if (delay_ms == 0) {
        begin_drain(home);
        return;
    }
    if (duet_deadline_is_set(&home->drain_deadline))
        return;
    home->drain_deadline.expired = on_delay_over;
    duet_wheel_set(&home->loop.wheel, &home->drain_deadline, home->loop.now_ms + delay_ms);
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
    if (home->stretch.calls > 0)
        duet_slow_inline_end(home);
    if (!home->is_draining &&
        atomic_load_explicit(&home->server->is_draining, memory_order_relaxed))
        see_drain(home);
    duet_home_push(home);
    if (duet_home_works(home))
        duet_on_worker_turn(home);
    do {
        duet_home_push(home);
        duet_conns_turn_over(&home->conns);
    } while (home->batch_count > 0); /* a connection that was read on has brought more calls */
    if (home->ended != NULL)
        duet_sessions_bury(home);
    if (duet_home_works(home) && duet_pool_waiting(home->pool) > 0)
        duet_loop_wake(&home->loop); /* others come first, then the next ones run */
    if (home->spare_job_bytes > home->conns.conn_limits.max_spare)
        duet_jobs_free(home);
    atomic_store_explicit(&home->conns.idle_bytes,
                          home->conns.account.held + home->spare_job_bytes,
                          memory_order_relaxed);
    if (is_drained(home))
        duet_loop_stop(&home->loop);
}

/* ---- Opening and closing ---- */

/* What a loop keeps of large messages for the next ones: enough for one at its default limit,
 * and little of what they all may hold. */
static size_t spare_share(const struct duet_server *server)
{
    enum { LARGEST = 16 * 1024 * 1024, PART = 8 };
    size_t share = server->budget.max / PART / (size_t)server->options.value[DUET_OPT_LOOPS];
    return share < LARGEST ? share : LARGEST;
}

static uint64_t idle_timeout_ms(const struct duet_server *server)
{
    int64_t ms = server->options.value[DUET_OPT_IDLE_TIMEOUT];
    return ms == 0 ? DUET_CONN_NEVER : (uint64_t)ms;
}

/* Without workers a home is its own. */
static int open_pool(struct duet_home *home)
{
    const int64_t *option = home->server->options.value;
    home->pool = &home->server->pool;
    if (option[DUET_OPT_WORKERS] > 0)
        return 0;
    home->pool = &home->own_pool;
    home->worker.home = home;
    return duet_pool_init(home->pool, (size_t)option[DUET_OPT_WORKER_QUEUE], 0);
}

static struct duet_conn_limits conn_limits(const struct duet_server *server)
{
    enum { RATE_MS = 10 * 1000 }; /* longer than a network hiccups */
    const int64_t *option = server->options.value;
    return (struct duet_conn_limits){
        .max_in_flight_bytes = (size_t)option[DUET_OPT_MAX_IN_FLIGHT_BYTES],
        .max_part =
            (size_t)duet_options_get(&server->options, DUET_OPT_MAX_BUFFERED_PER_CONNECTION),
        .max_spare = spare_share(server),
        .out_mark = (size_t)option[DUET_OPT_OUT_MARK],
        .head_timeout_ms = (uint64_t)option[DUET_OPT_HEAD_TIMEOUT],
        .body_timeout_ms = (uint64_t)option[DUET_OPT_BODY_TIMEOUT],
        .write_timeout_ms = (uint64_t)option[DUET_OPT_WRITE_TIMEOUT],
        .idle_timeout_ms = idle_timeout_ms(server),
        .linger_timeout_ms = (uint64_t)option[DUET_OPT_LINGER_TIMEOUT],
        .linger_idle_ms = (uint64_t)option[DUET_OPT_LINGER_IDLE],
        .min_rate = (uint64_t)option[DUET_OPT_MIN_RATE],
        .rate_ms = RATE_MS,
    };
}

int duet_home_init(struct duet_home *home, struct duet_server *server)
{
    home->server = server;
    home->number = (size_t)(home - server->homes);
    home->is_accepting = true;
    int rc = duet_loop_init(&home->loop, on_turn_over, home);
    if (rc == 0)
        rc = open_pool(home);
    home->loop.busy_poll_us = (unsigned)server->options.value[DUET_OPT_BUSY_POLL_US];
    home->conns = (struct duet_conns){
        .loop = &home->loop,
        .events = &duet_home_events,
        .ctx = home,
        .limits = &server->service.limits,
        .budget = &server->budget,
        .conn_limits = conn_limits(server),
    };
    if (rc == 0)
        rc = duet_sessions_open(home);
    size_t acceptors = server->listener_count > 0 ? server->listener_count : 1; /* not NULL */
    home->acceptors = calloc(acceptors, sizeof *home->acceptors);
    if (rc == 0 && home->acceptors == NULL)
        rc = -ENOMEM;
    if (rc == 0)
        rc = duet_conns_init(&home->conns);
    if (rc == 0) {
        duet_view_renew(home);
        rc = home->view != NULL ? 0 : -ENOMEM;
    }
    return rc;
}

/* The end of this turn sees the drain. */
static void on_drain(struct duet_source *source, uint32_t events)
{
    (void)events;
    struct duet_home *home = DUET_HOLDER(source, struct duet_home, drain_source);
    duet_loop_remove(&home->loop, home->server->drain_fd, source); /* readable for ever */
}

int duet_home_start(struct duet_home *home)
{
    home->drain_source.ready = on_drain;
    int rc = duet_loop_add(&home->loop, home->server->drain_fd, EPOLLIN, &home->drain_source);
    if (rc == 0)
        rc = duet_home_start_accepting(home);
    duet_loop_wake(&home->loop); /* a drain that came before the first turn is seen in it */
    return rc;
}

/* Calls that came home after the last turn, and connections that were sent here: delivered, so
 * that they are closed like all others. */
static void free_late_letters(struct duet_home *home)
{
    struct duet_letter *letter = atomic_exchange(&home->loop.mailbox, NULL);
    while (letter != NULL) {
        struct duet_letter *next = letter->next;
        letter->deliver(letter);
        letter = next;
    }
}

/* Calls that nobody runs any more, for the loop has ended: not handed over yet, or, without
 * workers, not begun. */
static void free_unrun(struct duet_home *home)
{
    struct duet_queue_link *item;
    while (home->batch_count > 0)
        duet_job_recycle(
            DUET_HOLDER(home->batch[--home->batch_count], struct duet_job, queued));
    while (duet_home_works(home) && (item = duet_pool_take(home->pool)) != NULL)
        duet_job_recycle(DUET_HOLDER(item, struct duet_job, queued));
    duet_pool_done(&home->own_pool);
}

static void end_requests(struct duet_conn *conn, void *ctx)
{
    (void)ctx;
    duet_sessions_end_requests(conn);
}

void duet_home_end(struct duet_home *home)
{
    duet_session_keeper_close(home->keeper);
    free_late_letters(home);
    duet_conns_each(&home->conns, end_requests, NULL);
}

void duet_home_done(struct duet_home *home)
{
    if (home->server == NULL)
        return;
    duet_session_keeper_close(home->keeper);
    free_late_letters(home);
    if (home->conns.scratch != NULL)
        duet_conns_done(&home->conns);
    duet_sessions_bury(home);
    duet_view_retire(home);
    free_unrun(home);
    duet_jobs_free(home);
    duet_tickets_done(&home->tickets);
    duet_loop_done(&home->loop);
    duet_session_keeper_unref(home->keeper);
    free(home->acceptors);
}
