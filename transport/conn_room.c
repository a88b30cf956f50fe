/*
 * The memory of messages under way: what each connection holds is accounted for, and what large
 * messages leave is used again.
 */
#include "conn_parts.h"

#include <stdlib.h>

enum {
    SPARE_SLACK = 8, /* a spare buffer may be so many times larger than what is wanted */
    SPARE_SMALL = 64 * 1024, /* or this large, whatever is wanted */
    SPARE_STATES = 64,
};

/* What has come counts, not the room that waits for more: the kernel gives that its pages when
 * bytes come, so a length that is announced and never sent costs nobody anything. */
void duet_conn_charge(struct duet_conn *conn)
{
    size_t held = conn->in.size + (conn->write_blocked ? conn->slab_bytes : 0);
    if (held == conn->charged)
        return;
    if (held > conn->charged)
        duet_budget_add(conn->conns->budget, held - conn->charged);
    else
        duet_budget_give(conn->conns->budget, conn->charged - held);
    conn->charged = held;
}

bool duet_conn_has_budget(const struct duet_conn *conn, size_t more)
{
    const struct duet_budget *budget = conn->conns->budget;
    size_t used = atomic_load(&budget->used);
    return used < budget->max && more <= budget->max - used;
}

void duet_conns_reuse(struct duet_conns *conns, struct duet_buf *buf)
{
    bool fits =
        buf->data != NULL && buf->capacity <= conns->conn_limits.max_spare - conns->spare_bytes;
    for (size_t i = 0; i < DUET_SPARE_BUFFERS && fits; i++) {
        struct duet_buf *spare = &conns->spare_buffers[i];
        if (spare->data != NULL)
            continue;
        duet_buf_take(spare, buf);
        spare->size = 0;
        spare->max = SIZE_MAX; /* the framing bounds what comes next */
        conns->spare_bytes += spare->capacity;
        return;
    }
    duet_buf_done(buf);
}

/* The smallest spare buffer of at least that size which is not far too large, or NULL. */
static struct duet_buf *find_spare(struct duet_conns *conns, size_t size)
{
    struct duet_buf *best = NULL;
    for (size_t i = 0; i < DUET_SPARE_BUFFERS; i++) {
        struct duet_buf *spare = &conns->spare_buffers[i];
        bool fits = spare->capacity >= size &&
                    (spare->capacity <= SPARE_SMALL || spare->capacity / SPARE_SLACK <= size);
        if (fits && (best == NULL || spare->capacity < best->capacity))
            best = spare;
    }
    return best;
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
    conn->conns->spare_bytes -= spare->capacity;
    duet_buf_take(in, spare);
    duet_buf_append(in, old.data, old.size);
    duet_conns_reuse(conn->conns, &old);
    return 0;
}

void *duet_conns_take_state(struct duet_conns *conns)
{
    void **spare = conns->spare_states;
    if (spare == NULL)
        return malloc(conns->state_size);
    conns->spare_states = *spare;
    conns->spare_state_count--;
    return spare;
}

void duet_conns_reuse_state(struct duet_conns *conns, void *state)
{
    if (state == NULL || conns->spare_state_count >= SPARE_STATES) {
        free(state);
        return;
    }
    *(void **)state = conns->spare_states;
    conns->spare_states = state;
    conns->spare_state_count++;
}

void duet_conns_free_spares(struct duet_conns *conns)
{
    for (size_t i = 0; i < DUET_SPARE_BUFFERS; i++)
        duet_buf_done(&conns->spare_buffers[i]);
    conns->spare_bytes = 0;
    while (conns->spare_states != NULL) {
        void *state = conns->spare_states;
        conns->spare_states = *(void **)state;
        free(state);
    }
    conns->spare_state_count = 0;
}
