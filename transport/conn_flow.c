/*
 * Whether a connection is read now: which limit stops it, what epoll is asked for, and the
 * numbers that its owner keeps of its calls. On the loop's thread.
 */
#include "conn.h"

#include "conn_parts.h"

#include <sys/epoll.h>

/* ---- What epoll is asked for ---- */

/* The counter of the limit that the connection is at; NULL when it is at none. */
static _Atomic uint64_t *reached_limit(const struct duet_conn *conn)
{
    if (conn->in_flight >= conn->max_in_flight)
        return &conn->conns->paused_in_flight;
    if (conn->in_flight_bytes >= conn->conns->conn_limits.max_in_flight_bytes)
        return &conn->conns->paused_in_flight_bytes;
    if (conn->out_size > conn->conns->conn_limits.out_mark)
        return &conn->conns->paused_out_mark;
    return duet_conn_lacks_room(conn) ? &conn->conns->paused_buffered : NULL;
}

/* The same of the limit that stops it from being read now. Who awaits an answer reads on; what
 * comes beside it is refused, which takes memory too if the peer reads nothing. */
static _Atomic uint64_t *stopping_limit(const struct duet_conn *conn)
{
    enum { REFUSALS = 2 }; /* so many times the mark they may fill */
    _Atomic uint64_t *limit = reached_limit(conn);
    if (limit == NULL || conn->awaited == 0 || duet_waiter_waits(&conn->waiter))
        return limit;
    return conn->out_size / REFUSALS > conn->conns->conn_limits.out_mark ? limit : NULL;
}

bool duet_conn_is_over(const struct duet_conn *conn)
{
    const struct duet_conn_limits *limits = &conn->conns->conn_limits;
    return conn->in_flight >= conn->max_in_flight + conn->excused ||
           conn->in_flight_bytes >= limits->max_in_flight_bytes ||
           conn->out_size > limits->out_mark || conn->is_held_back;
}

bool duet_conn_may_read(const struct duet_conn *conn)
{
    return duet_conn_is_heard(conn) && stopping_limit(conn) == NULL;
}

void duet_conn_count_pause(struct duet_conn *conn)
{
    _Atomic uint64_t *counter = duet_conn_is_heard(conn) ? stopping_limit(conn) : NULL;
    if (counter == &conn->conns->paused_buffered && conn->conns->is_short)
        duet_conn_wait_for_room(conn, 0);
    if (counter == NULL || conn->is_paused)
        return;
    duet_count(counter, 1);
    conn->is_paused = true;
}

/* When memory is short, what comes is looked at before it has to wait: it may be tiny. */
static bool may_be_read(const struct duet_conn *conn)
{
    bool is_only_short = conn->conns->is_short && !conn->is_held_back;
    return duet_conn_may_read(conn) || (is_only_short && duet_conn_is_heard(conn) &&
                                        stopping_limit(conn) == &conn->conns->paused_buffered);
}

void duet_conn_watch(struct duet_conn *conn)
{
    if (conn->state == CONN_CLOSED)
        return;
    uint32_t events = 0;
    bool is_read = may_be_read(conn) && conn->input != INPUT_ENDED;
    if (conn->state == CONN_LINGERING || is_read)
        events |= EPOLLIN;
    if (conn->state == CONN_ABANDONED && !is_read)
        events |= EPOLLET; /* a hang-up cannot be asked not to be told: but once is enough */
    if (conn->state != CONN_LINGERING && conn->input == INPUT_OPEN)
        events |= EPOLLRDHUP;
    if (conn->write_blocked)
        events |= EPOLLOUT;
    if (events == conn->watched)
        return;
    bool was_its_turn = duet_conn_is_its_turn(conn);
    conn->watched = events;
    if (conn->framing_state != NULL && duet_conn_is_its_turn(conn) && !was_its_turn)
        duet_conn_wait_since_now(conn); /* the time of its message stood still */
    if (duet_loop_change(conn->conns->loop, conn->stream.fd, events, &conn->source) < 0)
        duet_conn_close(conn);
}

/* ---- Calls under way ---- */

void duet_conn_hold(struct duet_conn *conn, size_t bytes)
{
    conn->in_flight++;
    conn->in_flight_bytes += bytes;
}

void duet_conn_release(struct duet_conn *conn, size_t bytes)
{
    conn->in_flight--;
    conn->in_flight_bytes -= bytes;
    if (conn->in_flight < conn->max_in_flight &&
        conn->in_flight_bytes < conn->conns->conn_limits.max_in_flight_bytes)
        conn->is_paused = false; /* if its reply stops it, that is another pause */
    duet_conn_touch(conn);
}

void duet_conn_await(struct duet_conn *conn)
{
    conn->awaited++;
    duet_conn_touch(conn);
}

void duet_conn_unawait(struct duet_conn *conn)
{
    conn->awaited--;
    if (conn->state != CONN_CLOSED)
        duet_conn_touch(conn);
}

void duet_conn_park(struct duet_conn *conn)
{
    conn->parked++;
    duet_conn_touch(conn);
}

void duet_conn_unpark(struct duet_conn *conn)
{
    conn->parked--;
}

void duet_conn_keep(struct duet_conn *conn, size_t bytes)
{
    conn->kept++;
    duet_conn_release(conn, bytes);
}

void duet_conn_release_kept(struct duet_conn *conn)
{
    conn->kept--;
    duet_conn_touch(conn);
}
