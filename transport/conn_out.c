/*
 * Writing a connection: replies are copied one after another into slabs that the loop
 * recycles, or hung in by reference when large; when the turn is over they leave in one write.
 */
#include "conn_parts.h"

#include "holder.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

enum {
    PARTS_PER_WRITE = 16, /* 256 KiB of slabs: about what a socket takes at once */
    SPARE_SLABS = 64,     /* kept for the next replies: 1 MiB a loop */
};

/* Recycled memory for small replies. */
struct duet_slab {
    struct duet_out out;
    struct duet_conns *conns;
    struct duet_slab *next_spare;
    size_t capacity;
    uint8_t bytes[];
};

static struct duet_slab *slab_of(struct duet_out *out)
{
    return DUET_HOLDER(out, struct duet_slab, out);
}

/* It is on the loop's account by now. */
static void release_slab(struct duet_out *out)
{
    struct duet_slab *slab = slab_of(out);
    struct duet_conns *conns = slab->conns;
    if (slab->capacity > DUET_SLAB_SIZE || conns->spare_slab_count >= SPARE_SLABS) {
        duet_account_give(&conns->account, sizeof *slab + slab->capacity);
        free(slab);
        return;
    }
    slab->next_spare = conns->spare_slabs;
    conns->spare_slabs = slab;
    conns->spare_slab_count++;
}

static struct duet_slab *new_slab(struct duet_conns *conns, size_t size)
{
    size_t capacity = size > DUET_SLAB_SIZE ? size : DUET_SLAB_SIZE;
    struct duet_slab *slab = malloc(sizeof *slab + capacity);
    if (slab == NULL)
        return NULL;
    duet_account_take(&conns->account, sizeof *slab + capacity, DUET_RANK_SMALL);
    duet_conns_see_shortage(conns);
    slab->capacity = capacity;
    slab->conns = conns;
    return slab;
}

static struct duet_slab *take_slab(struct duet_conn *conn, size_t size)
{
    struct duet_conns *conns = conn->conns;
    struct duet_slab *slab = conns->spare_slabs;
    if (slab != NULL && size <= slab->capacity) {
        conns->spare_slabs = slab->next_spare;
        conns->spare_slab_count--;
    } else {
        slab = new_slab(conns, size);
        if (slab == NULL)
            return NULL;
    }
    conn->slab_bytes += sizeof *slab + slab->capacity;
    slab->out = (struct duet_out){.bytes = slab->bytes, .release = release_slab};
    return slab;
}

void duet_conns_free_slabs(struct duet_conns *conns)
{
    while (conns->spare_slabs != NULL) {
        struct duet_slab *slab = conns->spare_slabs;
        conns->spare_slabs = slab->next_spare;
        duet_account_give(&conns->account, sizeof *slab + slab->capacity);
        free(slab);
    }
    conns->spare_slab_count = 0;
}

void duet_conn_touch(struct duet_conn *conn)
{
    if (conn->is_dirty)
        return;
    conn->is_dirty = true;
    conn->next_dirty = conn->conns->dirty;
    conn->conns->dirty = conn;
}

static void enqueue(struct duet_conn *conn, struct duet_out *out)
{
    if (conn->out_last != NULL)
        conn->out_last->next = out;
    else
        conn->out_first = out;
    conn->out_last = out;
}

/* The slab at the end of the queue, if it has room for `size` more bytes; else a new one; NULL
 * when out of memory. */
static struct duet_slab *slab_with_room(struct duet_conn *conn, size_t size)
{
    struct duet_out *last = conn->out_last;
    if (last != NULL && last->release == release_slab &&
        size <= slab_of(last)->capacity - last->size)
        return slab_of(last);
    struct duet_slab *slab = take_slab(conn, size);
    if (slab == NULL)
        return NULL;
    enqueue(conn, &slab->out);
    return slab;
}

static bool is_written(const struct duet_conn *conn)
{
    return conn->state == CONN_OPEN || conn->state == CONN_FINISHING;
}

void duet_conn_send(struct duet_conn *conn, const void *head, size_t head_size,
                    const void *body, size_t body_size)
{
    if (!is_written(conn) || head_size + body_size == 0)
        return; /* nothing to write: an empty part at the end would be written for ever */
    struct duet_slab *slab = slab_with_room(conn, head_size + body_size);
    if (slab == NULL) {
        duet_conn_close(conn);
        return;
    }
    uint8_t *end = slab->bytes + slab->out.size;
    if (head_size > 0)
        memcpy(end, head, head_size);
    if (body_size > 0)
        memcpy(end + head_size, body, body_size);
    slab->out.size += head_size + body_size;
    conn->out_size += head_size + body_size;
    duet_conn_touch(conn);
}

void duet_conn_send_out(struct duet_conn *conn, struct duet_out *out)
{
    if (!is_written(conn) || out->size == 0) {
        out->release(out);
        return;
    }
    out->next = NULL;
    conn->out_size += out->size;
    conn->hung_bytes += out->charge;
    enqueue(conn, out);
    duet_conn_touch(conn);
}

static void release_first(struct duet_conn *conn)
{
    struct duet_out *out = conn->out_first;
    conn->out_first = out->next;
    if (conn->out_first == NULL)
        conn->out_last = NULL;
    conn->out_offset = 0;
    if (out->release == release_slab)
        conn->slab_bytes -= sizeof(struct duet_slab) + slab_of(out)->capacity;
    conn->hung_bytes -= out->charge;
    out->release(out);
}

/* Slabs are the loop's while a turn lasts, and most go back within it. What stays is on the
 * account of its connection. */
static void settle_slabs(struct duet_conn *conn)
{
    struct duet_account *idle = &conn->conns->account;
    if (conn->slab_bytes > conn->slabs_settled)
        duet_account_move(idle, &conn->account, conn->slab_bytes - conn->slabs_settled);
    else if (conn->slab_bytes < conn->slabs_settled)
        duet_account_move(&conn->account, idle, conn->slabs_settled - conn->slab_bytes);
    conn->slabs_settled = conn->slab_bytes;
}

/* The same of what was hung in and is on nobody's account yet. */
static void settle_hung(struct duet_conn *conn)
{
    if (conn->hung_bytes > conn->hung_settled)
        duet_account_take(&conn->account, conn->hung_bytes - conn->hung_settled,
                          DUET_RANK_SMALL);
    else
        duet_account_give(&conn->account, conn->hung_settled - conn->hung_bytes);
    conn->hung_settled = conn->hung_bytes;
}

static void settle_output(struct duet_conn *conn)
{
    settle_slabs(conn);
    if (conn->hung_bytes != conn->hung_settled)
        settle_hung(conn);
}

size_t duet_conn_drop_oldest(struct duet_conn *conn, size_t bytes)
{
    struct duet_out **place = &conn->out_first, *before = NULL;
    size_t dropped = 0, freed = 0;
    while (*place != NULL && freed < bytes) {
        struct duet_out *out = *place;
        bool has_begun = before == NULL && conn->out_offset > 0;
        if (!out->may_drop || has_begun) {
            before = out;
            place = &out->next;
            continue;
        }
        *place = out->next;
        if (conn->out_last == out)
            conn->out_last = before;
        freed += out->size;
        conn->out_size -= out->size;
        conn->hung_bytes -= out->charge;
        dropped++;
        out->release(out);
    }
    return dropped;
}

void duet_conn_drop_output(struct duet_conn *conn)
{
    while (conn->out_first != NULL)
        release_first(conn);
    conn->out_size = 0;
    settle_output(conn);
}

/* Writes up to `share` bytes at once; `asked` is how many it tried to. */
static ssize_t write_parts(struct duet_conn *conn, size_t share, size_t *asked)
{
    struct iovec parts[PARTS_PER_WRITE];
    int count = 0;
    size_t left = share, offset = conn->out_offset;
    for (struct duet_out *out = conn->out_first;
         out != NULL && left > 0 && count < PARTS_PER_WRITE; out = out->next) {
        size_t size = out->size - offset < left ? out->size - offset : left;
        parts[count++] = (struct iovec){.iov_base = (void *)(uintptr_t)(out->bytes + offset),
                                        .iov_len = size};
        left -= size;
        offset = 0;
    }
    *asked = share - left;
    return conn->stream.kind->writev(&conn->stream, parts, count);
}

static void forget_written(struct duet_conn *conn, size_t written)
{
    conn->out_size -= written;
    conn->written += written;
    duet_count(&conn->conns->bytes_out, written);
    while (conn->out_first != NULL && written >= conn->out_first->size - conn->out_offset) {
        written -= conn->out_first->size - conn->out_offset;
        release_first(conn);
    }
    conn->out_offset += written;
}

static void wait_for_reader(struct duet_conn *conn, size_t written)
{
    duet_conn_wait_for_reader(conn, written);
    duet_conn_note_move(conn);
}

/* Writes until everything is out, the kernel takes no more, or the connection has had its share
 * of this turn: then it waits for its next one as if the kernel took no more, and epoll says at
 * once that it does. Progress begins the write timeout anew; another reply behind those that
 * wait does not. */
static void write_share(struct duet_conn *conn)
{
    size_t share = DUET_TURN_SHARE;
    while (conn->out_first != NULL && !conn->write_blocked) {
        size_t asked;
        ssize_t n = write_parts(conn, share, &asked);
        if (n < 0 && n != -EAGAIN) {
            duet_conn_abandon(conn);
            return;
        }
        if (n > 0)
            forget_written(conn, (size_t)n);
        share -= asked;
        conn->write_blocked = n < (ssize_t)asked || (share == 0 && conn->out_first != NULL);
        if (conn->write_blocked)
            wait_for_reader(conn, n > 0 ? (size_t)n : 0);
        else if (conn->framing_state == NULL)
            conn->active_ms = conn->conns->loop->now_ms;
    }
}

/* Calls that were put aside go on when half of the connection's part is free, or when nothing
 * else of it is left to make room. */
static void resume_parked(struct duet_conn *conn)
{
    size_t held = atomic_load_explicit(&conn->part->held, memory_order_relaxed);
    bool is_last = conn->out_size == 0 && conn->in_flight == conn->parked;
    if ((is_last || held < conn->part->max / 2) && !duet_waiter_waits(&conn->waiter))
        conn->conns->events->resume(conn, false);
}

void duet_conn_flush(struct duet_conn *conn)
{
    if (conn->state == CONN_CLOSED)
        return;
    write_share(conn);
    duet_conn_settle(conn);
    if (conn->state == CONN_CLOSED)
        return;
    settle_output(conn);
    duet_conn_see_part(conn);
    if (conn->parked > 0)
        resume_parked(conn);
    bool has_more = duet_conn_has_leftover(conn) || conn->input == INPUT_ENDED;
    bool can_resume = has_more && duet_conn_may_read(conn);
    if (has_more != can_resume || conn->out_size > conn->conns->conn_limits.out_mark)
        duet_conn_count_pause(conn);
    if (can_resume && !conn->is_ready) {
        conn->is_ready = true;
        conn->next_ready = conn->conns->ready;
        conn->conns->ready = conn;
    }
    duet_conn_watch(conn);
}
