/*
 * Telling those who work on an answer that nobody waits for it any more. Asked for on the
 * thread that holds the call, told on the thread of its loop, with no lock held.
 */
#include "call.h"
#include "kept.h"
#include "kept_slots.h"
#include "loop.h"

#include <errno.h>

/* ---- Asking ---- */

/* Under the lock. Its handler's slot is made when it is first asked for. */
static struct duet_slot *slot_for(struct duet_call *call)
{
    if (call->kept != 0)
        return duet_slot_find(call->kept);
    if (call->note == NULL)
        return NULL;
    duet_kept_use(call->note);
    struct duet_slot *slot = duet_slot_find(call->note->watched);
    if (slot == NULL)
        slot = duet_slot_take(call, SLOT_WATCHED);
    if (slot != NULL)
        call->note->watched = slot->id;
    return slot;
}

int duet_call_on_cancel(duet_call *call, void (*cancelled)(duet_kept kept, void *ctx),
                        void *ctx)
{
    if (call == NULL)
        return -EALREADY;
    if (call->kept == 0 && (duet_loop_is_here() || !duet_call_is_lent(call->root)))
        return -ENOTSUP; /* who would tell it is here */
    duet_slots_lock();
    struct duet_slot *slot = slot_for(call);
    uint64_t id = slot != NULL ? slot->id : 0;
    if (slot != NULL) {
        slot->cancelled = cancelled;
        slot->ctx = ctx;
    }
    duet_slots_unlock();
    if (slot == NULL)
        return -ENOMEM;
    /* Who dooms it does so before it looks for slots: one of both sees the other. */
    if (!duet_call_is_doomed(call->root))
        return 0;
    return call->service->keeper->tell_soon(call->root, id);
}

/* ---- Telling ---- */

/* Under the lock, which is released meanwhile. The slot of a kept call may be gone after. */
static void tell(struct duet_slot *slot)
{
    void (*cancelled)(duet_kept kept, void *ctx) = slot->cancelled;
    void *ctx = slot->ctx;
    uint64_t id = slot->id;
    duet_kept kept = {slot->state == SLOT_WATCHED ? 0 : id};
    slot->cancelled = NULL;
    slot->is_telling = true;
    duet_slots_unlock();
    cancelled(kept, ctx);
    duet_slots_lock();
    slot = duet_slot_find(id);
    if (slot != NULL)
        slot->is_telling = false;
}

/* Under the lock. */
static struct duet_slot *next_asking(struct duet_call *call)
{
    struct duet_slot *slot = atomic_load_explicit(&call->slots, memory_order_relaxed);
    while (slot != NULL && slot->cancelled == NULL)
        slot = slot->next;
    return slot;
}

void duet_kept_tell(struct duet_call *call)
{
    struct duet_slot *slot;
    duet_slots_lock();
    while ((slot = next_asking(call)) != NULL)
        tell(slot);
    duet_slots_changed();
    duet_slots_unlock();
}

void duet_kept_tell_slot(uint64_t id)
{
    duet_slots_lock();
    struct duet_slot *slot = duet_slot_find(id);
    if (slot != NULL && slot->cancelled != NULL)
        tell(slot);
    duet_slots_changed();
    duet_slots_unlock();
}
