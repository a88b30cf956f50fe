/*
 * The memory of messages under way, which is used again: buffers of large ones, and the states
 * of framings. What lies idle is on the account of the loop. Called by the reading side.
 */
#include "conn_parts.h"

#include <stdlib.h>

enum {
    SPARE_SLACK = 2, /* a spare buffer may be so many times larger than what is wanted */
    SPARE_SMALL = 64 * 1024, /* or this large, whatever is wanted */
    SPARE_STATES = 64,
};

void duet_conns_reuse(struct duet_conns *conns, struct duet_buf *buf)
{
    bool fits = buf->data != NULL &&
                buf->capacity <= conns->conn_limits.max_spare - conns->spare_bytes &&
                !duet_budget_is_awaited(conns->budget);
    for (size_t i = 0; i < DUET_SPARE_BUFFERS && fits; i++) {
        struct duet_buf *spare = &conns->spare_buffers[i];
        if (spare->data != NULL)
            continue;
        duet_buf_hand(spare, buf, &conns->account);
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

int duet_conn_reserve(struct duet_conn *conn, size_t more, size_t rest)
{
    struct duet_buf *in = &conn->in, *spare;
    if (more <= in->capacity - in->size)
        return 0;
    spare = find_spare(conn->conns, in->size + rest);
    if (spare == NULL) {
        in->max = rest > more ? in->size + rest : SIZE_MAX; /* it need not double beyond that */
        int rc = duet_buf_reserve(in, more);
        in->max = SIZE_MAX;
        return rc;
    }
    struct duet_buf old = *in;
    conn->conns->spare_bytes -= spare->capacity;
    duet_buf_hand(in, spare, &conn->account);
    duet_buf_append(in, old.data, old.size);
    duet_conns_reuse(conn->conns, &old);
    return 0;
}

void *duet_conn_take_state(struct duet_conn *conn)
{
    struct duet_conns *conns = conn->conns;
    void **spare = conns->spare_states;
    if (spare == NULL) {
        duet_account_take(&conn->account, conns->state_size, DUET_RANK_SMALL);
        void *state = malloc(conns->state_size);
        if (state == NULL)
            duet_account_give(&conn->account, conns->state_size);
        return state;
    }
    conns->spare_states = *spare;
    conns->spare_state_count--;
    duet_account_move(&conns->account, &conn->account, conns->state_size);
    return spare;
}

void duet_conn_reuse_state(struct duet_conn *conn, void *state)
{
    struct duet_conns *conns = conn->conns;
    if (state == NULL)
        return;
    if (conns->spare_state_count >= SPARE_STATES) {
        free(state);
        duet_account_give(&conn->account, conns->state_size);
        return;
    }
    *(void **)state = conns->spare_states;
    conns->spare_states = state;
    conns->spare_state_count++;
    duet_account_move(&conn->account, &conns->account, conns->state_size);
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
        duet_account_give(&conns->account, conns->state_size);
    }
    conns->spare_state_count = 0;
}
