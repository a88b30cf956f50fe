/*
 * A hash table with chains. See pending.h.
 */
#include "pending.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

enum {
    FIRST_SLOTS = 8,    /* most clients have one call or two to answer */
    MOST = 1024 * 1024, /* calls that one client has not answered: who sends more without
                           looking has lost control */
};

static struct duet_pending_call **slot_of(const struct duet_pending *pending, uint32_t msgid)
{
    return &pending->slots[msgid & (pending->slot_count - 1)];
}

static void put(struct duet_pending *pending, struct duet_pending_call *call)
{
    struct duet_pending_call **slot = slot_of(pending, call->msgid);
    call->next = *slot;
    *slot = call;
}

/* Twice as many slots as before. */
static int grow(struct duet_pending *pending)
{
    struct duet_pending old = *pending;
    uint32_t count = old.slot_count > 0 ? 2 * old.slot_count : FIRST_SLOTS;
    pending->slots = calloc(count, sizeof *pending->slots);
    if (pending->slots == NULL) {
        *pending = old;
        return -ENOMEM;
    }
    pending->slot_count = count;
    for (uint32_t i = 0; i < old.slot_count; i++) {
        while (old.slots[i] != NULL) {
            struct duet_pending_call *call = old.slots[i];
            old.slots[i] = call->next;
            put(pending, call);
        }
    }
    free(old.slots);
    return 0;
}

/* What points to the call of that msgid; to NULL if there is none. */
static struct duet_pending_call **find(const struct duet_pending *pending, uint32_t msgid)
{
    struct duet_pending_call **place = slot_of(pending, msgid);
    while (*place != NULL && (*place)->msgid != msgid)
        place = &(*place)->next;
    return place;
}

int duet_pending_add(struct duet_pending *pending, struct duet_pending_call *call)
{
    if (pending->count >= MOST)
        return -ENOBUFS;
    if (pending->count == pending->slot_count && grow(pending) < 0)
        return -ENOMEM;
    do
        call->msgid = ++pending->last_msgid;
    while (*find(pending, call->msgid) != NULL); /* one that is out since the last lap */
    put(pending, call);
    pending->count++;
    return 0;
}

struct duet_pending_call *duet_pending_take(struct duet_pending *pending, uint32_t msgid)
{
    if (pending->count == 0)
        return NULL;
    struct duet_pending_call **place = find(pending, msgid), *call = *place;
    if (call == NULL)
        return NULL;
    *place = call->next;
    pending->count--;
    return call;
}

struct duet_pending_call *duet_pending_take_all(struct duet_pending *pending)
{
    struct duet_pending_call *all = NULL;
    for (uint32_t i = 0; i < pending->slot_count; i++) {
        while (pending->slots[i] != NULL) {
            struct duet_pending_call *call = pending->slots[i];
            pending->slots[i] = call->next;
            call->next = all;
            all = call;
        }
    }
    pending->count = 0;
    return all;
}

void duet_pending_done(struct duet_pending *pending)
{
    free(pending->slots);
    *pending = (struct duet_pending){0};
}
