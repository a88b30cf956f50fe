/*
 * The time that a connection has: what it waits for, how long it may, and what happens when
 * that is over. One deadline per connection, looked at lazily: one that fires for an earlier
 * wait is set again. On the loop's thread.
 */
#include "conn_parts.h"

#include "holder.h"

#include <stddef.h>
#include <stdio.h>
#include <sys/epoll.h>

enum wait {
    FOR_US,      /* a call runs, or a limit of ours keeps the connection from being read */
    FOR_REQUEST, /* the next one */
    FOR_HEAD,
    FOR_BODY,
    FOR_READER,  /* the peer, to take what was written */
    FOR_SILENCE, /* of a peer that has its last reply */
};

/* As epoll was told: a limit that went in this very turn has not let it send yet. */
bool duet_conn_is_its_turn(const struct duet_conn *conn)
{
    return conn->watched & EPOLLIN && !(conn->watched & EPOLLOUT);
}

static enum wait what_for(const struct duet_conn *conn)
{
    if (conn->state == CONN_LINGERING)
        return conn->pace.taken < (int64_t)conn->written ? FOR_READER : FOR_SILENCE;
    if (conn->write_blocked)
        return FOR_READER;
    if (!duet_conn_is_its_turn(conn))
        return FOR_US;
    if (conn->framing_state != NULL)
        return conn->in_body ? FOR_BODY : FOR_HEAD;
    bool is_busy = duet_conn_has_calls(conn) || conn->awaited > 0 || conn->out_size > 0;
    return is_busy ? FOR_US : FOR_REQUEST;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* No event tells what a reader has taken: it is looked at several times in the time it has, or
 * before a silence after it has begun for long. */
static uint64_t look_ms(const struct duet_conn *conn)
{
    enum { LOOKS = 4, MOST_MS = 1000 };
    uint64_t time_ms = conn->state == CONN_LINGERING
                           ? conn->linger_idle_ms
                           : conn->conns->conn_limits.write_timeout_ms;
    return earlier(time_ms / LOOKS, MOST_MS);
}

static uint64_t due_ms(const struct duet_conn *conn, enum wait wait)
{
    const struct duet_conn_limits *limits = &conn->conns->conn_limits;
    uint64_t active_ms = conn->active_ms, since_ms = conn->pace.since_ms;
    switch (wait) {
    case FOR_HEAD:
        return active_ms + limits->head_timeout_ms;
    case FOR_BODY:
        return limits->min_rate == 0
                   ? active_ms + limits->body_timeout_ms
                   : earlier(active_ms + limits->body_timeout_ms, since_ms + limits->rate_ms);
    case FOR_READER:
        return earlier(active_ms + limits->write_timeout_ms,
                       conn->conns->loop->now_ms + look_ms(conn));
    case FOR_SILENCE:
        return earlier(active_ms + conn->linger_idle_ms, since_ms + limits->linger_timeout_ms);
    case FOR_US:
    case FOR_REQUEST:
        break;
    }
    return conn->idle_timeout_ms == DUET_CONN_NEVER ? DUET_CONN_NEVER
                                                    : active_ms + conn->idle_timeout_ms;
}

static void set_deadline(struct duet_conn *conn)
{
    uint64_t due = due_ms(conn, what_for(conn));
    if (due == DUET_CONN_NEVER)
        return;
    if (!duet_deadline_is_set(&conn->deadline) || due < conn->deadline.at_ms)
        duet_wheel_set(&conn->conns->loop->wheel, &conn->deadline, due);
}

static void measure_since_now(struct duet_conn *conn)
{
    conn->pace.since_ms = conn->conns->loop->now_ms;
    conn->pace.bytes = 0;
}

void duet_conn_wait_since_now(struct duet_conn *conn)
{
    conn->active_ms = conn->conns->loop->now_ms;
    measure_since_now(conn);
    set_deadline(conn);
}

void duet_conn_set_idle_timeout(struct duet_conn *conn, uint64_t ms)
{
    conn->idle_timeout_ms = ms;
    if (conn->state != CONN_CLOSED)
        set_deadline(conn);
}

/* ---- Rates ---- */

/* Bytes per second since measuring began. */
static uint64_t rate_of(const struct duet_conn *conn)
{
    uint64_t ms = conn->conns->loop->now_ms - conn->pace.since_ms;
    return ms > 0 ? conn->pace.bytes * 1000 / ms : UINT64_MAX;
}

static bool is_too_slow(const struct duet_conn *conn)
{
    return rate_of(conn) < conn->conns->conn_limits.min_rate;
}

static bool is_measured(const struct duet_conn *conn)
{
    return conn->conns->loop->now_ms - conn->pace.since_ms >= conn->conns->conn_limits.rate_ms;
}

/* ---- Readers ---- */

int64_t duet_conn_taken_by_now(const struct duet_conn *conn)
{
    int untaken = conn->stream.kind->pending(&conn->stream, STREAM_UNTAKEN);
    return untaken < 0 ? conn->pace.taken : (int64_t)conn->written - untaken;
}

bool duet_conn_is_taken(struct duet_conn *conn)
{
    bool is_tcp = conn->peer.any.sa_family == AF_INET || conn->peer.any.sa_family == AF_INET6;
    conn->pace.taken = is_tcp ? duet_conn_taken_by_now(conn) : (int64_t)conn->written;
    return conn->pace.taken >= (int64_t)conn->written;
}

/* Whether the peer has taken anything since the last look. */
static bool look_at_reader(struct duet_conn *conn)
{
    int64_t taken = duet_conn_taken_by_now(conn), before = conn->pace.taken;
    if (taken <= before)
        return false;
    conn->pace.taken = taken;
    conn->pace.bytes += (uint64_t)(taken - before);
    conn->active_ms = conn->conns->loop->now_ms;
    return true;
}

void duet_conn_wait_for_reader(struct duet_conn *conn, size_t written)
{
    bool is_new = !(conn->watched & EPOLLOUT);
    if (!is_new)
        look_at_reader(conn);
    if (is_new || written > 0)
        conn->pace.taken = duet_conn_taken_by_now(conn);
    if (is_new) {
        duet_conn_wait_since_now(conn);
        return;
    }
    if (written > 0) /* there was room: the peer has taken something, whatever is counted */
        conn->active_ms = conn->conns->loop->now_ms;
    set_deadline(conn);
}

/* Its rate is looked at only once it has taken something again: its kernel may let us know of
 * what it takes in large pieces. Who takes nothing has the write timeout. */
static bool is_slow_reader(struct duet_conn *conn)
{
    if (!is_measured(conn) || conn->pace.bytes == 0)
        return false;
    bool is_slow = is_too_slow(conn);
    measure_since_now(conn);
    return is_slow;
}

/* Looks how the reader goes on; false when the connection ended because of it. */
static bool mind_reader(struct duet_conn *conn)
{
    look_at_reader(conn);
    if (is_slow_reader(conn)) {
        duet_conn_close(conn);
        return false;
    }
    if (what_for(conn) == FOR_SILENCE)
        duet_conn_wait_since_now(conn);
    return true;
}

/* ---- Messages ---- */

static struct duet_message *too_late(struct duet_conn *conn)
{
    struct duet_message *message = &conn->conns->message;
    duet_conn_tell(conn, conn->in.data + conn->in_start, conn->in.size - conn->in_start,
                   message);
    message->bad = DUET_BAD_LIMIT;
    message->status = 408;
    return message;
}

/* The message under way is refused; what would come of it is read away. */
static void give_up_message(struct duet_conn *conn, struct duet_message *message)
{
    conn->conns->events->bad(conn, message);
    duet_conn_finish(conn);
}

static void say_timed_out(struct duet_conn *conn)
{
    struct duet_message *message = too_late(conn);
    const struct duet_conn_limits *limits = &conn->conns->conn_limits;
    uint64_t limit = conn->in_body ? limits->body_timeout_ms : limits->head_timeout_ms;
    snprintf(message->reason, sizeof message->reason,
             "request not complete after %llu ms (%s %llu)", (unsigned long long)limit,
             conn->in_body ? "--body-timeout" : "--head-timeout", (unsigned long long)limit);
    give_up_message(conn, message);
}

static void say_too_slow(struct duet_conn *conn)
{
    struct duet_message *message = too_late(conn);
    const struct duet_conn_limits *limits = &conn->conns->conn_limits;
    snprintf(message->reason, sizeof message->reason,
             "request too slow: %llu bytes per second over %llu s (--min-rate %llu)",
             (unsigned long long)rate_of(conn), (unsigned long long)limits->rate_ms / 1000,
             (unsigned long long)limits->min_rate);
    give_up_message(conn, message);
}

/* All its time is over, or so much of it that its rate can be told. */
static void mind_body(struct duet_conn *conn)
{
    uint64_t end = conn->active_ms + conn->conns->conn_limits.body_timeout_ms;
    if (conn->conns->loop->now_ms >= end) {
        say_timed_out(conn);
    } else if (is_too_slow(conn)) {
        say_too_slow(conn);
    } else {
        measure_since_now(conn);
        set_deadline(conn);
    }
}

/* ---- The deadline ---- */

static void end_wait(struct duet_conn *conn, enum wait wait)
{
    switch (wait) {
    case FOR_US:
        conn->active_ms = conn->conns->loop->now_ms;
        set_deadline(conn);
        return;
    case FOR_HEAD:
        say_timed_out(conn);
        return;
    case FOR_BODY:
        mind_body(conn);
        return;
    case FOR_READER:
    case FOR_SILENCE:
    case FOR_REQUEST:
        duet_conn_close(conn);
        return;
    }
}

void duet_conn_expired(struct duet_deadline *deadline)
{
    struct duet_conn *conn = DUET_HOLDER(deadline, struct duet_conn, deadline);
    if (what_for(conn) == FOR_READER && !mind_reader(conn))
        return;
    enum wait wait = what_for(conn);
    if (due_ms(conn, wait) > conn->conns->loop->now_ms)
        set_deadline(conn);
    else
        end_wait(conn, wait);
}
