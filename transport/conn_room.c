/*
 * Connections and the account: those who wait for room, and those who give way. What the rules
 * are stands in account.h.
 */
#include "block.h"
#include "conn_parts.h"
#include "holder.h"

enum {
    LET_IN = 64, /* each may read 64 KiB: half of what small ones have for themselves */

    STALL_MS = 1000,         /* longer than a network's hiccup */
    ENOUGH_MOVE = 4 * 1024,  /* bytes in that time: --min-rate's default */
    UPLOAD_MOVE = 64 * 1024, /* to keep a reservation that others wait for */
    LOOK_MS = 250,           /* between looks at who stalls: it takes a pass over all */
    SHEDS_AFTER_FLOOD = 8,   /* looks: the last of it comes back a little later */
};

/* ---- Waiting for room ---- */

/* It holds nothing, and so little has come that it is read when nothing else is. */
static bool is_tiny(const struct duet_conn *conn)
{
    int arrived = conn->stream.kind->pending(&conn->stream, STREAM_UNREAD);
    return conn->in_flight == 0 && !duet_budget_is_spent(conn->conns->budget) &&
           atomic_load_explicit(&conn->part->held, memory_order_relaxed) <= DUET_TINY &&
           arrived >= 0 && arrived <= DUET_TINY && (arrived > 0 || conn->input == INPUT_ENDING);
}

bool duet_conn_slips_through(struct duet_conn *conn)
{
    conn->is_tiny = conn->conns->is_short && is_tiny(conn);
    return conn->is_tiny && duet_conn_may_read(conn);
}

/* Bytes that its peer has taken, if it is to take some, or sent. */
static int64_t moved_bytes(const struct duet_conn *conn)
{
    return conn->write_blocked ? duet_conn_taken_by_now(conn) : (int64_t)conn->received;
}

void duet_conn_note_move(struct duet_conn *conn)
{
    conn->moved_is_taken = conn->write_blocked;
    conn->moved_before = conn->write_blocked ? conn->pace.taken : (int64_t)conn->received;
    conn->moved_ms = conn->conns->loop->now_ms;
}

/* How long a message will be that does not say so. If it gets longer it asks again, before
 * those who came after it. */
static size_t guess(const struct duet_conns *conns, size_t held)
{
    enum { USUAL = 1024 * 1024, PART = 16 };
    size_t part = conns->budget->max / PART, least = part < USUAL ? part : USUAL;
    return 2 * held > least ? 2 * held : least;
}

bool duet_conn_ask_room(struct duet_conn *conn)
{
    struct duet_conns *conns = conn->conns;
    size_t held = conn->in.size - conn->in_start;
    conn->room_for = conn->in_need > 0 ? conn->in_need : guess(conns, held);
    if (conn->waiter.ticket == 0)
        conn->waiter.ticket = duet_budget_draw(conns->budget);
    size_t wants = conns->events->will_need(conn, conn->room_for);
    duet_conn_note_move(conn);
    if (duet_budget_admit(conns->budget, &conn->account, wants))
        return true;
    duet_count(&conns->paused_buffered, 1);
    duet_conn_wait_for_room(conn, wants);
    return false;
}

void duet_conn_wait_for_room(struct duet_conn *conn, size_t wants)
{
    duet_account_release(&conn->account); /* who waits must not hold what others wait for */
    duet_line_join(&conn->conns->line, &conn->waiter, wants);
    conn->is_held_back = true;
}

/* One that holds nothing else may have one request at least. */
void duet_conn_see_part(struct duet_conn *conn)
{
    bool has_others = conn->in_flight > 0 || conn->out_size > 0;
    conn->is_held_back = duet_waiter_waits(&conn->waiter) ||
                         (has_others && duet_budget_part_is_full(conn->part));
}

static struct duet_conn *conn_of(struct duet_waiter *waiter)
{
    return DUET_HOLDER(waiter, struct duet_conn, waiter);
}

static void let_in(struct duet_conn *conn, bool is_admitted)
{
    conn->is_paused = conn->is_held_back = false;
    if (conn->parked > 0 || !is_admitted)
        conn->waiter.ticket = 0; /* the next time it waits is another one */
    conn->conns->let_in_ms = conn->conns->loop->now_ms;
    duet_conn_note_move(conn);
    duet_conn_touch(conn); /* it is read on, when its output is looked after */
    if (conn->parked > 0)
        conn->conns->events->resume(conn, is_admitted);
}

/* At most so many a turn: what those before have read is counted then. */
static void serve_line(struct duet_conns *conns)
{
    for (int i = 0; i < LET_IN; i++) {
        struct duet_waiter *waiter = duet_line_next(&conns->line);
        if (waiter == NULL)
            return;
        let_in(conn_of(waiter), waiter->wants > 0);
    }
    duet_loop_wake(conns->loop);
}

/* ---- Giving way ---- */

static void note_progress(struct duet_conn *conn, int64_t moved)
{
    conn->moved_before += moved;
    conn->moved_ms = conn->conns->loop->now_ms;
}

/* Its peer could move something, and does not: so long that others need not wait. An upload
 * that has its reservation must come faster, or do without. */
static bool stalls(struct duet_conn *conn)
{
    bool is_upload = conn->framing_state != NULL && !duet_waiter_waits(&conn->waiter) &&
                     duet_conn_may_read(conn);
    if (!conn->write_blocked && !is_upload)
        return false;
    if (conn->moved_is_taken != conn->write_blocked)
        duet_conn_note_move(conn);
    int64_t moved = moved_bytes(conn) - conn->moved_before;
    uint64_t since_ms = conn->conns->loop->now_ms - conn->moved_ms;
    if (since_ms < STALL_MS)
        return false;
    if (conn->account.is_admitted && moved < UPLOAD_MOVE)
        duet_account_release(&conn->account);
    if (moved < ENOUGH_MOVE)
        return true;
    note_progress(conn, moved);
    return false;
}

/* It waits itself, behind others. */
static bool waits_behind(struct duet_conn *conn)
{
    const struct duet_line *line = &conn->conns->line;
    return duet_waiter_waits(&conn->waiter) && &conn->waiter != line->large.first &&
           &conn->waiter != line->small.first;
}

/* Who is to give way, and how much. */
struct giving {
    bool (*may)(struct duet_conn *conn);
    size_t largest; /* what the largest of them holds, */
    size_t all;     /* and what they do together */
    size_t from;    /* those that hold at least that much */
    size_t missing; /* bytes */
};

static size_t may_give(struct duet_conn *conn, const struct giving *giving)
{
    bool may = conn->state != CONN_CLOSED && giving->may(conn);
    return may ? atomic_load(&conn->part->held) : 0;
}

static void find_largest(struct duet_conn *conn, void *ctx)
{
    struct giving *giving = ctx;
    size_t size = may_give(conn, giving);
    giving->all += size;
    if (size > giving->largest)
        giving->largest = size;
}

/* An upload is told so; who does not read cannot be told. */
static void give_way(struct duet_conn *conn)
{
    struct duet_conns *conns = conn->conns;
    duet_count(&conns->gave_way, 1);
    if (conn->write_blocked || conn->framing_state == NULL)
        duet_conn_close(conn);
    else
        duet_conn_refuse_busy(conn);
}

static void give_way_if_large(struct duet_conn *conn, void *ctx)
{
    struct giving *giving = ctx;
    size_t size = giving->missing > 0 ? may_give(conn, giving) : 0;
    if (size == 0 || size < giving->from)
        return;
    giving->missing -= size < giving->missing ? size : giving->missing;
    give_way(conn);
}

/* Nobody has been let in for long. */
static bool is_slow(const struct duet_conns *conns)
{
    return conns->loop->now_ms - conns->let_in_ms >= STALL_MS;
}

/* Those who hold most and stall are closed, until there is room for the next one who waits: the
 * largest, and others more than half as large, so that it does not take one look for each. If
 * nobody stalls and nothing goes on either, so are those who wait behind the first. */
static void make_way(struct duet_conns *conns)
{
    struct giving giving = {.may = stalls, .missing = duet_budget_missing(conns->budget)};
    bool nobody_runs = atomic_load(&conns->budget->admitted) == 0;
    duet_conns_each(conns, find_largest, &giving);
    atomic_store(&conns->line.stalled, giving.largest);
    if (!nobody_runs && !is_slow(conns))
        return; /* there will be room soon without that */
    bool is_stuck = giving.largest == 0 && nobody_runs && is_slow(conns) &&
                    duet_line_holds_most(&conns->line, 0);
    conns->stuck_looks = is_stuck ? conns->stuck_looks + 1 : 0;
    if (conns->stuck_looks * LOOK_MS >= STALL_MS) {
        giving.may = waits_behind;
        duet_conns_each(conns, find_largest, &giving);
        if (giving.all * duet_budget_lines(conns->budget) < giving.missing)
            return; /* it is not they that hold what is missing */
    }
    if (giving.largest == 0 || !duet_line_holds_most(&conns->line, giving.largest))
        return;
    giving.from = giving.largest;
    duet_conns_each(conns, give_way_if_large, &giving);
    giving.from = giving.largest / 2 + 1;
    duet_conns_each(conns, give_way_if_large, &giving);
}

void duet_conns_shed(struct duet_conns *conns)
{
    duet_conns_free_spares(conns);
    duet_conns_free_slabs(conns);
    conns->events->shed(conns);
}

/* It waits among those who found everything used up: what is tiny need not wait on. */
static void let_in_if_tiny(struct duet_conn *conn, void *ctx)
{
    (void)ctx;
    bool waits = duet_waiter_waits(&conn->waiter) && conn->waiter.wants == 0;
    if (!waits || conn->parked > 0 || !is_tiny(conn))
        return;
    duet_line_leave(&conn->conns->line, &conn->waiter);
    let_in(conn, false);
    conn->is_tiny = true; /* until it has been read */
}

/* Looks at who stalls while anybody waits; after a flood, at what it has left. */
static void on_look(struct duet_deadline *look)
{
    struct duet_conns *conns = DUET_HOLDER(look, struct duet_conns, look);
    bool is_awaited = duet_budget_is_awaited(conns->budget);
    if (!is_awaited)
        atomic_store(&conns->line.stalled, 0);
    if (!is_awaited && conns->sheds_left == 0)
        return;
    duet_conns_shed(conns);
    if (is_awaited) {
        make_way(conns);
        duet_conns_each(conns, let_in_if_tiny, NULL);
    } else {
        conns->sheds_left--;
    }
    duet_block_give_back_holes();
    duet_wheel_set(&conns->loop->wheel, look, conns->loop->now_ms + LOOK_MS);
}

/* When somebody begins to wait, what is kept for later is given up. */
static void see_first_waiter(struct duet_conns *conns)
{
    bool was_awaited = conns->is_awaited;
    conns->is_awaited = duet_budget_is_awaited(conns->budget);
    if (!conns->is_awaited || was_awaited)
        return;
    conns->let_in_ms = conns->loop->now_ms;
    duet_conns_shed(conns);
}

/* What is kept for later, on this loop or another, is not to be in the way. */
static void see_beginning_of_shortage(struct duet_conns *conns)
{
    bool was_short = conns->was_short;
    conns->was_short = conns->is_short;
    if (!conns->is_short || was_short)
        return;
    duet_conns_shed(conns);
    if (conns->budget->tell != NULL)
        conns->budget->tell(conns->budget->ctx);
}

static void see_end_of_flood(struct duet_conns *conns)
{
    unsigned floods = atomic_load_explicit(&conns->budget->floods, memory_order_relaxed);
    if (floods == conns->floods_seen)
        return;
    conns->floods_seen = floods;
    conns->sheds_left = SHEDS_AFTER_FLOOD;
}

void duet_conns_look_after_room_slow(struct duet_conns *conns)
{
    see_end_of_flood(conns);
    see_first_waiter(conns);
    see_beginning_of_shortage(conns);
    if (!conns->is_awaited && conns->sheds_left == 0)
        return;
    conns->look.expired = on_look;
    if (!duet_deadline_is_set(&conns->look))
        duet_wheel_set(&conns->loop->wheel, &conns->look, conns->loop->now_ms);
    if (conns->is_awaited)
        serve_line(conns);
}
