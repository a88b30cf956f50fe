/*
 * Slots lie in blocks that never move; an id is a generation and a place among them.
 */
#include "kept_slots.h"

#include "call.h"

#include <stdlib.h>
#include <time.h>

enum {
    BLOCK = 64,      /* slots in a block */
    PLACE_BITS = 24, /* of an id: 16 million calls at once, and each place used 2^40 times */
};

static struct {
    pthread_mutex_t lock;
    pthread_once_t once;
    pthread_cond_t changed;
    unsigned waiting; /* threads, for `changed` */
    struct duet_slot **blocks;
    uint32_t block_count;
    struct duet_slot *free;
} table = {.lock = PTHREAD_MUTEX_INITIALIZER, .once = PTHREAD_ONCE_INIT};

void duet_slots_lock(void)
{
    pthread_mutex_lock(&table.lock);
}

void duet_slots_unlock(void)
{
    pthread_mutex_unlock(&table.lock);
}

/* ---- Places ---- */

static void put_on_list(struct duet_slot *slot, struct duet_slot *_Atomic *head)
{
    slot->next = atomic_load_explicit(head, memory_order_relaxed);
    if (slot->next != NULL)
        slot->next->previous = slot;
    slot->previous = NULL;
    atomic_store(head, slot);
}

static struct duet_slot *add_block(void)
{
    if (table.block_count == (UINT32_C(1) << PLACE_BITS) / BLOCK)
        return NULL;
    uint32_t n = table.block_count;
    struct duet_slot **blocks = realloc(table.blocks, (n + 1) * sizeof(struct duet_slot *));
    if (blocks == NULL)
        return NULL;
    table.blocks = blocks;
    blocks[n] = calloc(BLOCK, sizeof **blocks);
    if (blocks[n] == NULL)
        return NULL;
    table.block_count++;
    for (uint32_t i = BLOCK; i-- > 0;) {
        blocks[n][i].id = n * BLOCK + i; /* generation 0: never handed out */
        blocks[n][i].next = table.free;
        table.free = &blocks[n][i];
    }
    return table.free;
}

struct duet_slot *duet_slot_take(struct duet_call *call, enum duet_slot_state state)
{
    struct duet_slot *slot = table.free != NULL ? table.free : add_block();
    if (slot == NULL)
        return NULL;
    table.free = slot->next;
    *slot = (struct duet_slot){
        .id = slot->id + (UINT64_C(1) << PLACE_BITS),
        .state = state,
        .call = call,
        .service = call->service,
    };
    put_on_list(slot, &call->root->slots);
    return slot;
}

void duet_slot_detach(struct duet_slot *slot)
{
    if (slot->call == NULL)
        return;
    struct duet_slot *_Atomic *head = &slot->call->root->slots;
    if (slot->previous != NULL)
        slot->previous->next = slot->next;
    else
        atomic_store_explicit(head, slot->next, memory_order_relaxed);
    if (slot->next != NULL)
        slot->next->previous = slot->previous;
    slot->cancelled = NULL;
    slot->call = NULL;
}

void duet_slot_free(struct duet_slot *slot)
{
    duet_slot_detach(slot);
    slot->state = SLOT_FREE;
    slot->next = table.free;
    table.free = slot;
    duet_slots_changed();
}

static struct duet_slot *slot_at(uint32_t place)
{
    return &table.blocks[place / BLOCK][place % BLOCK];
}

struct duet_slot *duet_slot_find(uint64_t id)
{
    uint32_t place = (uint32_t)(id & ((UINT32_C(1) << PLACE_BITS) - 1));
    if (place >= table.block_count * BLOCK)
        return NULL;
    struct duet_slot *slot = slot_at(place);
    return slot->id == id && slot->state != SLOT_FREE ? slot : NULL;
}

struct duet_slot *duet_slot_next_of(const struct duet_service *service,
                                    const struct duet_slot *after)
{
    uint32_t mask = (UINT32_C(1) << PLACE_BITS) - 1;
    uint32_t place = after != NULL ? ((uint32_t)after->id & mask) + 1 : 0;
    for (; place < table.block_count * BLOCK; place++)
        if (slot_at(place)->state != SLOT_FREE && slot_at(place)->service == service)
            return slot_at(place);
    return NULL;
}

/* ---- Waiting ---- */

static void init_condition(void)
{
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&table.changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

bool duet_slots_wait(uint64_t until_ns)
{
    enum { NS = 1000000000 };
    struct timespec until = {.tv_sec = (time_t)(until_ns / NS),
                             .tv_nsec = (long)(until_ns % NS)};
    pthread_once(&table.once, init_condition);
    table.waiting++;
    int rc = until_ns == UINT64_MAX
                 ? pthread_cond_wait(&table.changed, &table.lock)
                 : pthread_cond_timedwait(&table.changed, &table.lock, &until);
    table.waiting--;
    return rc == 0;
}

void duet_slots_changed(void)
{
    if (table.waiting > 0)
        pthread_cond_broadcast(&table.changed);
}
