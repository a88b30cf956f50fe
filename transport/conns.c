/*
 * The connections of one loop: their table, in which ids find them, and what is done for all at
 * the end of a turn, and of everything. On the loop's thread.
 */
#include "conn.h"

#include "conn_parts.h"

#include <errno.h>
#include <stdlib.h>

/* A place for one connection. The id of a connection is generation << 32 | slot. */
struct duet_conn_slot {
    struct duet_conn *conn; /* NULL when free */
    uint32_t generation;
    uint32_t next_free;
};

enum { FIRST_SLOTS = 64 };
static const uint32_t no_slot = UINT32_MAX;

/* ---- The table ---- */

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

int duet_conns_take_slot(struct duet_conns *conns, struct duet_conn *conn)
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

void duet_conns_free_slot(struct duet_conns *conns, uint64_t id)
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
        duet_conn_free(conn);
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
