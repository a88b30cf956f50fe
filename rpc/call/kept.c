/*
 * Keeping a call, claiming it, finishing it. On any thread; each step is decided under the lock
 * of the slots, and done outside of it by the one who won.
 */
#include "kept.h"

#include "call_parts.h"
#include "kept_slots.h"
#include "loop.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const duet_kept none = {0};

/* ---- Keeping ---- */

/* Only its handler's thread, or who holds it, asks: nobody else changes these. */
static bool is_kept(const struct duet_call *call)
{
    return call->kept != 0;
}

/* From here on it can be found. What its handler has asked for before is dropped. */
static uint64_t enter_table(struct duet_call *call)
{
    duet_slots_lock();
    struct duet_slot *watched = duet_slot_find(call->note->watched);
    struct duet_slot *slot = duet_slot_take(call, SLOT_OPEN);
    uint64_t id = slot != NULL ? slot->id : 0;
    if (slot != NULL) {
        slot->method = call->method;
        slot->since_ns = duet_clock_ns();
        duet_method_ref(slot->method);
    }
    if (slot != NULL && watched != NULL)
        duet_slot_detach(watched);
    duet_slots_unlock();
    return id;
}

static void leave_table(uint64_t id)
{
    duet_slots_lock();
    struct duet_slot *slot = duet_slot_find(id);
    struct duet_method_entry *method = slot->method;
    duet_slot_free(slot);
    duet_slots_unlock();
    duet_method_unref(method);
}

/* Its service is told last: then it is as its finisher will find it. */
static int keep(struct duet_call *call)
{
    uint64_t id = enter_table(call);
    if (id == 0)
        return -ENOMEM;
    duet_call_enter(call, CALL_KEPT);
    call->kept = call->note->kept = id;
    int rc = call->service->keeper->keep(call);
    if (rc == 0)
        return 0;
    call->kept = call->note->kept = 0;
    leave_table(id);
    return rc;
}

static duet_kept fail_keeping(struct duet_call *call, int rc)
{
    duet_fault_from(&call->fault, rc);
    call->fault.is_nameless = true;
    duet_call_name_method(call);
    call->ending = ENDED_FAULT;
    return none;
}

duet_kept duet_call_keep(duet_call *call)
{
    if (call == NULL)
        return none;
    if (is_kept(call))
        return (duet_kept){call->kept};
    if (call->note == NULL)
        return fail_keeping(call, duet_fault_set(&call->fault, DUET_FAULT_INTERNAL,
                                                 "a call was kept outside of its handler"));
    int rc = keep(call);
    return rc == 0 ? (duet_kept){call->kept} : fail_keeping(call, rc);
}

/* ---- Claims ---- */

/* Under the lock. */
static struct duet_slot *find_kept(duet_kept kept)
{
    struct duet_slot *slot = duet_slot_find(kept.id);
    return slot != NULL && slot->state != SLOT_WATCHED ? slot : NULL;
}

static bool is_mine(const struct duet_slot *slot)
{
    return slot->state == SLOT_CLAIMED && pthread_equal(slot->holder, pthread_self());
}

duet_call *duet_kept_call(duet_kept kept)
{
    struct duet_call *call = NULL;
    duet_slots_lock();
    struct duet_slot *slot = find_kept(kept);
    if (slot != NULL && slot->state == SLOT_OPEN) {
        slot->state = SLOT_CLAIMED;
        slot->holder = pthread_self();
    }
    if (slot != NULL && is_mine(slot))
        call = slot->call;
    duet_slots_unlock();
    return call;
}

/* Under the lock: true, and this thread alone goes on with it. */
static bool take_over(struct duet_slot *slot)
{
    if (slot == NULL || !(slot->state == SLOT_OPEN || is_mine(slot)))
        return false;
    slot->state = SLOT_FINISHING;
    return true;
}

void duet_kept_release(duet_kept kept)
{
    duet_slots_lock();
    struct duet_slot *slot = find_kept(kept);
    bool is_held = slot != NULL && is_mine(slot);
    duet_slots_unlock();
    if (!is_held)
        return;
    duet_call_write_anew(slot->call);
    duet_slots_lock();
    slot->state = SLOT_OPEN;
    duet_slots_changed();
    duet_slots_unlock();
}

/* ---- Finishing ---- */

/* The slot stays until its service needs nothing more for it: then whoever waits for the
 * service's end finds it gone. */
static int finish(struct duet_call *call, duet_kept kept, int rc)
{
    duet_call_finish(call, duet_call_judge(call, rc));
    bool is_answer = !duet_call_is_doomed(call);
    call->note = NULL;
    call->kept = 0;
    call->service->keeper->finished(call);
    leave_table(kept.id);
    return is_answer ? 0 : -ECANCELED;
}

int duet_kept_finish(duet_kept kept, int rc)
{
    struct duet_call *call = NULL;
    duet_slots_lock();
    struct duet_slot *slot = find_kept(kept);
    if (take_over(slot)) {
        call = slot->call;
        duet_slot_detach(slot);
    }
    duet_slots_unlock();
    return call != NULL ? finish(call, kept, rc) : -EALREADY;
}

/* ---- The handler's return ---- */

/* Nobody tells it of its cancellation any more: who does just now is waited for. */
static void stop_watching(uint64_t id)
{
    duet_slots_lock();
    struct duet_slot *slot = duet_slot_find(id);
    while (slot != NULL && slot->is_telling)
        duet_slots_wait(UINT64_MAX);
    if (slot != NULL)
        duet_slot_free(slot);
    duet_slots_unlock();
}

/* A handler that holds its call when it returns has let go of it. */
static void let_go(duet_kept kept)
{
    duet_slots_lock();
    struct duet_slot *slot = find_kept(kept);
    if (slot != NULL && is_mine(slot))
        slot->state = SLOT_OPEN;
    duet_slots_changed();
    duet_slots_unlock();
}

bool duet_kept_leave(const struct duet_kept_note *note, int rc)
{
    const duet_kept kept = {note->kept};
    if (note->watched != 0)
        stop_watching(note->watched);
    if (kept.id != 0 && rc == 0)
        let_go(kept);
    else if (kept.id != 0)
        duet_kept_finish(kept, rc);
    return kept.id != 0;
}

/* ---- The service ---- */

bool duet_kept_is_watched(const struct duet_call *call)
{
    return atomic_load(&call->slots) != NULL;
}

/* Under the lock. */
static void name_held(const struct duet_service *service, char *names, size_t room)
{
    size_t size = 0;
    for (struct duet_slot *slot = NULL; (slot = duet_slot_next_of(service, slot)) != NULL;)
        if (slot->method != NULL && size < room)
            size += (size_t)snprintf(names + size, room - size, "%s%s", size ? ", " : "",
                                     slot->method->name);
}

/* Under the lock. */
static struct duet_slot *find_open(const struct duet_service *service)
{
    struct duet_slot *slot = NULL;
    while ((slot = duet_slot_next_of(service, slot)) != NULL)
        if (slot->state == SLOT_OPEN)
            return slot;
    return NULL;
}

bool duet_kept_end(const struct duet_service *service, uint64_t until_ns, char *names,
                   size_t room)
{
    bool has_ended = true;
    duet_slots_lock();
    while (has_ended && duet_slot_next_of(service, NULL) != NULL) {
        struct duet_slot *slot = find_open(service);
        if (slot != NULL) {
            duet_kept kept = {slot->id};
            duet_slots_unlock();
            duet_kept_finish(kept, DUET_FAULT_CANCELLED);
            duet_slots_lock();
        } else {
            has_ended = duet_slots_wait(until_ns);
        }
    }
    if (!has_ended)
        name_held(service, names, room);
    duet_slots_unlock();
    return has_ended;
}

void duet_kept_look(const struct duet_service *service, struct duet_kept_count *count)
{
    struct duet_slot *slot = NULL, *oldest = NULL;
    *count = (struct duet_kept_count){0};
    duet_slots_lock();
    while ((slot = duet_slot_next_of(service, slot)) != NULL) {
        if (slot->method == NULL)
            continue;
        count->count++;
        if (oldest == NULL || slot->since_ns < oldest->since_ns)
            oldest = slot;
    }
    if (oldest != NULL) {
        count->oldest_ns = oldest->since_ns;
        memcpy(count->oldest, oldest->method->name, oldest->method->name_size + 1);
    }
    duet_slots_unlock();
}
