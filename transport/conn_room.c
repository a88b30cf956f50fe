/*
 * The memory of messages under way: what each connection holds is accounted for, and what large
 * messages leave is used again.
 */
#include "conn_parts.h"

enum {
    SPARE_MIN = 128 * 1024,      /* where malloc begins to map memory afresh */
    SPARE_MAX = 4 * 1024 * 1024, /* so four of these at most lie idle on a loop */
};

void duet_conn_charge(struct duet_conn *conn)
{
    size_t held = conn->in.capacity + (conn->write_blocked ? conn->chunk_bytes : 0);
    if (held == conn->charged)
        return;
    atomic_fetch_add(conn->conns->buffered, held - conn->charged);
    conn->charged = held;
}

bool duet_conn_has_budget(const struct duet_conn *conn, size_t more)
{
    size_t buffered = atomic_load(conn->conns->buffered),
           max = conn->conns->conn_limits.max_buffered;
    return buffered < max && more <= max - buffered;
}

void duet_conns_reuse(struct duet_conns *conns, struct duet_buf *buf)
{
    bool is_worth_it = buf->capacity >= SPARE_MIN && buf->capacity <= SPARE_MAX;
    for (size_t i = 0; i < DUET_SPARE_BUFFERS && is_worth_it; i++) {
        if (conns->spare_buffers[i].data == NULL) {
            buf->size = 0;
            duet_buf_take(&conns->spare_buffers[i], buf);
            conns->spare_buffers[i].max = SIZE_MAX; /* the framing bounds what comes next */
            return;
        }
    }
    duet_buf_done(buf);
}

/* A spare buffer of at least that size, or NULL. */
static struct duet_buf *find_spare(struct duet_conns *conns, size_t size)
{
    for (size_t i = 0; i < DUET_SPARE_BUFFERS && size >= SPARE_MIN; i++)
        if (conns->spare_buffers[i].capacity >= size)
            return &conns->spare_buffers[i];
    return NULL;
}

int duet_conn_reserve(struct duet_conn *conn, size_t more)
{
    struct duet_buf *in = &conn->in, *spare;
    if (more <= in->capacity - in->size)
        return 0;
    spare = find_spare(conn->conns, in->size + more);
    if (spare == NULL)
        return duet_buf_reserve(in, more);
    struct duet_buf old = *in;
    duet_buf_take(in, spare);
    duet_buf_append(in, old.data, old.size);
    duet_buf_done(&old);
    return 0;
}
