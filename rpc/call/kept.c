/*
 * Keeping a call, claiming it, finishing it. On any thread; each step is decided under the lock
 * of the slots, and done outside of it by the one who won.
 */
#include "kept.h"

#include "call_parts.h"
#include "kept_slots.h"
#include "loop.h"
#include "within.h"

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
static uint64_t enter_table(struct duet_call *call, const struct duet_kept_note *note)
{
    duet_slots_lock();
    struct duet_slot *watched = duet_slot_find(note->watched);
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
static int keep_outermost(struct duet_call *call)
{
    uint64_t id = enter_table(call, call->note);
    if (id == 0)
        return -ENOMEM;
    duet_call_enter(call, CALL_KEPT);
    duet_account_release(&call->account); /* it may take long, and others wait for room */
    call->note->invoked = NULL;
    call->kept = call->note->kept = id;
    int rc = call->service->keeper->keep(call);
    if (rc == 0)
        return 0;
    call->kept = call->note->kept = 0;
    leave_table(id);
    return rc;
}

/* The handler goes on with the call that it was given, which writes where the other one does.
 */
static int keep_invoked(struct duet_call *call)
{
    struct duet_writer *writer = call->writer;
    int rc = duet_within_new(call);
    if (rc < 0)
        return rc;
    struct duet_call *own = duet_within_call(call->within);
    uint64_t id = enter_table(own, call->note);
    if (id != 0 && (!call->is_entry || duet_within_enter(call->within))) {
        call->note->invoked = call;
        own->kept = call->kept = call->note->kept = id;
        return 0;
    }
    if (id != 0)
        leave_table(id);
    duet_within_free(call->within);
    call->within = NULL;
    call->writer = writer;
    return -ENOMEM;
}

static int keep(struct duet_call *call)
{
    if (call->note == NULL)
        return duet_fault_set(&call->fault, DUET_FAULT_INTERNAL,
                              "%.200s: a call was kept outside of its handler",
                              duet_call_method(call));
    duet_kept_use(call->note);
    return call == call->root ? keep_outermost(call) : keep_invoked(call);
}

static duet_kept fail_keeping(struct duet_call *call, int rc)
{
    duet_fault_from(&call->fault, rc);
    duet_call_name_method(call);
    call->ending = ENDED_FAULT;
    return none;
}

/* One that was kept for others is now its handler's to finish. */
static duet_kept keep_again(const struct duet_call *call)
{
    duet_slots_lock();
    struct duet_slot *slot = duet_slot_find(call->kept);
    if (slot != NULL)
        slot->is_ours = false;
    duet_slots_unlock();
    return (duet_kept){call->kept};
}

duet_kept duet_call_keep(duet_call *call)
{
    if (call == NULL)
        return none;
    if (is_kept(call))
        return keep_again(call);
    int rc = keep(call);
    return rc == 0 ? (duet_kept){call->kept} : fail_keeping(call, rc);
}

duet_kept duet_kept_with_others(struct duet_call *call)
{
    if (is_kept(call))
        return (duet_kept){call->kept};
    duet_kept_use(call->note);
    if (keep_outermost(call) < 0)
        return none;
    duet_slots_lock();
    duet_slot_find(call->kept)->is_ours = true;
    duet_slots_unlock();
    return (duet_kept){call->kept};
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
    if (slot->call == slot->call->root)
        duet_call_write_anew(slot->call);
    else
        duet_within_write_anew(slot->call);
    duet_slots_lock();
    slot->state = SLOT_OPEN;
    duet_slots_changed();
    duet_slots_unlock();
}

/* ---- Finishing ---- */

/* The slot stays until its service needs nothing more for it: then whoever waits for the
 * service's end finds it gone. */
static int finish_outermost(struct duet_call *call, duet_kept kept, int rc)
{
    if (rc == DUET_FAULT_CANCELLED && call->ending == ENDED_OK)
        duet_call_concede(call);
    rc = duet_call_judge(call, rc);
    if (call->entries != NULL)
        rc = duet_within_gather(call, rc);
    duet_call_finish(call, rc);
    bool is_answer = !duet_call_is_doomed(call);
    call->note = NULL;
    call->kept = 0;
    call->service->keeper->finished(call);
    leave_table(kept.id);
    return is_answer ? 0 : -ECANCELED;
}

/* The last one within a call that is finished but for it finishes that too. */
static int finish_invoked(struct duet_call *call, duet_kept kept, int rc)
{
    bool is_wanted = duet_within_finish(call, duet_call_judge(call, rc));
    struct duet_call *outer_call = NULL;
    duet_kept outer_kept = none;
    duet_slots_lock();
    struct duet_slot *slot = duet_slot_find(kept.id);
    struct duet_method_entry *method = slot->method;
    duet_slot_free(slot);
    struct duet_slot *outer = duet_within_end(call);
    if (outer != NULL) {
        outer_call = outer->call;
        outer_kept.id = outer->id;
        rc = outer->rc;
        duet_slot_detach(outer);
    }
    duet_slots_unlock();
    duet_method_unref(method);
    if (outer_call != NULL)
        finish_outermost(outer_call, outer_kept, rc);
    return is_wanted ? 0 : -ECANCELED;
}

/* Finished, but for the calls within it. */
static int wait_for_others(const struct duet_call *call)
{
    return duet_call_is_doomed(call) ? -ECANCELED : 0;
}

int duet_kept_finish(duet_kept kept, int rc)
{
    duet_slots_lock();
    struct duet_slot *slot = find_kept(kept);
    struct duet_call *call = take_over(slot) ? slot->call : NULL;
    bool is_last = call != NULL && slot->within == 0;
    if (is_last)
        duet_slot_detach(slot);
    int result = call == NULL ? -EALREADY : is_last ? 0 : wait_for_others(call);
    if (call != NULL && !is_last) {
        slot->rc = rc;
        slot->cancelled = NULL;
    }
    duet_slots_unlock();
    if (!is_last)
        return result;
    return call == call->root ? finish_outermost(call, kept, rc)
                              : finish_invoked(call, kept, rc);
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

/* A handler that holds its call when it returns has let go of it. One that was kept for others
 * is finished by its return. */
static bool let_go(duet_kept kept)
{
    duet_slots_lock();
    struct duet_slot *slot = find_kept(kept);
    bool is_ours = slot != NULL && slot->is_ours;
    if (slot != NULL && is_mine(slot))
        slot->state = SLOT_OPEN;
    duet_slots_changed();
    duet_slots_unlock();
    return !is_ours;
}

/* What was said of the call that an invoked handler was given is said of the one that is
 * kept. */
static void adopt(const struct duet_kept_note *note)
{
    if (note->invoked->ending != ENDED_OK && duet_kept_call((duet_kept){note->kept}) != NULL)
        duet_within_adopt(note->invoked);
}

bool duet_kept_leave(const struct duet_kept_note *note, int rc)
{
    const duet_kept kept = {note->kept};
    if (note->watched != 0)
        stop_watching(note->watched);
    if (kept.id == 0)
        return false;
    if (note->invoked != NULL)
        adopt(note);
    if (!let_go(kept) || rc != 0)
        duet_kept_finish(kept, rc);
    return true;
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
