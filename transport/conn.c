/*
 * A connection's life: opening, states, what epoll is asked for, closing. On the loop's thread.
 */
#include "conn.h"

#include "conn_parts.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/epoll.h>

/* Whoever was served until a drain began may just be sending: it is waited for this long, which
 * is more than a request takes to anywhere on a network, and little for who stops a server. */
enum { DRAIN_QUIET_MS = 100 };

/* A place for one connection. The id of a connection is generation << 32 | slot. */
struct duet_conn_slot {
    struct duet_conn *conn; /* NULL when free */
    uint32_t generation;
    uint32_t next_free;
};

enum { FIRST_SLOTS = 64 };
static const uint32_t no_slot = UINT32_MAX;

/* ---- The table of connections ---- */

static size_t largest_state(const struct duet_limits *limits)
{
    size_t http = duet_framing_http.state_size(limits);
    size_t msgpack = duet_framing_msgpack.state_size(limits);
    return http > msgpack ? http : msgpack;
}

int duet_conns_init(struct duet_conns *conns)
{
    conns->first_free = no_slot;
    conns->account = (struct duet_account){.budget = conns->budget};
    duet_line_init(&conns->line, conns->budget);
    for (size_t i = 0; i < DUET_SPARE_BUFFERS; i++)
        duet_buf_init(&conns->spare_buffers[i], SIZE_MAX);
    conns->scratch = duet_scratch_new();
    conns->state_size = largest_state(conns->limits);
    conns->scratch_state = malloc(conns->state_size);
    if (conns->scratch != NULL && conns->scratch_state != NULL)
        return 0;
    duet_conns_done(conns);
    return -ENOMEM;
}

static int add_slots(struct duet_conns *conns)
{
    uint32_t count = conns->slot_count ? conns->slot_count * 2 : FIRST_SLOTS;
    struct duet_conn_slot *slots = realloc(conns->slots, count * sizeof *slots);
    if (slots == NULL)
        return -ENOMEM;
    for (uint32_t i = conns->slot_count; i < count; i++)
        slots[i] = (struct duet_conn_slot){.next_free = i + 1 < count ? i + 1 : no_slot};
    conns->first_free = conns->slot_count;
    conns->slots = slots;
    conns->slot_count = count;
    return 0;
}

static int take_slot(struct duet_conns *conns, struct duet_conn *conn)
{
    if (conns->first_free == no_slot && add_slots(conns) < 0)
        return -ENOMEM;
    uint32_t i = conns->first_free;
    struct duet_conn_slot *slot = &conns->slots[i];
    conns->first_free = slot->next_free;
    slot->conn = conn;
    slot->generation++;
    conn->id = (uint64_t)slot->generation << 32 | i;
    conns->open++;
    return 0;
}

static void free_slot(struct duet_conns *conns, uint64_t id)
{
    uint32_t i = (uint32_t)id;
    conns->slots[i].conn = NULL;
    conns->slots[i].next_free = conns->first_free;
    conns->first_free = i;
    conns->open--;
}

struct duet_conn *duet_conns_find(const struct duet_conns *conns, uint64_t id)
{
    uint32_t i = (uint32_t)id;
    if (i >= conns->slot_count || conns->slots[i].generation != id >> 32)
        return NULL;
    return conns->slots[i].conn;
}

void duet_conns_each(struct duet_conns *conns, void (*visit)(struct duet_conn *conn, void *ctx),
                     void *ctx)
{
    for (uint32_t i = 0; i < conns->slot_count; i++)
        if (conns->slots[i].conn != NULL)
            visit(conns->slots[i].conn, ctx);
}

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
    free_slot(conns, conn->id);
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

/* ---- Flow control ---- */

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

static void free_conn(struct duet_conn *conn)
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
    if (conn->part == NULL || take_slot(conns, conn) < 0) {
        free_conn(conn);
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
        free_slot(conns, conn->id);
        free_conn(conn);
        stream.kind->close(&stream);
        return NULL;
    }
    duet_conn_wait_since_now(conn);
    return conn;
}

/* ---- The end of a turn, and of everything ---- */

void duet_conns_turn_over(struct duet_conns *conns)
{
    duet_conns_look_after_room(conns);
    while (conns->dirty != NULL || conns->ready != NULL) {
        while (conns->dirty != NULL) {
            struct duet_conn *conn = conns->dirty;
            conns->dirty = conn->next_dirty;
            conn->is_dirty = false;
            duet_conn_flush(conn);
        }
        struct duet_conn *conn = conns->ready;
        if (conn != NULL) {
            conns->ready = conn->next_ready;
            conn->is_ready = false;
            duet_conn_resume(conn);
        }
    }
    while (conns->closed != NULL) {
        struct duet_conn *conn = conns->closed;
        conns->closed = conn->next_closed;
        free_conn(conn);
    }
}

static void close_one(struct duet_conn *conn, void *ctx)
{
    (void)ctx;
    duet_conn_close(conn);
}

void duet_conns_done(struct duet_conns *conns)
{
    duet_conns_each(conns, close_one, NULL);
    duet_conns_turn_over(conns);
    duet_conns_free_slabs(conns);
    duet_conns_free_spares(conns);
    duet_wheel_clear(&conns->look);
    free(conns->slots);
    duet_scratch_release(conns->scratch);
    duet_scratch_release(conns->next_scratch);
    free(conns->scratch_state);
    conns->slots = NULL;
    conns->scratch = conns->next_scratch = NULL;
    conns->scratch_state = NULL;
    conns->slot_count = 0;
    conns->first_free = no_slot;
    for (size_t i = 0; i < DUET_SPARE_BUFFERS; i++)
        duet_buf_init(&conns->spare_buffers[i], SIZE_MAX);
}
