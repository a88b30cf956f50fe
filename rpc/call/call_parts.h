/*
 * What call.c, route.c and invoke.c share; nobody else includes it.
 */
#ifndef DUET_CALL_PARTS_H
#define DUET_CALL_PARTS_H

#include "call.h"

/* Finds the method that the request names. 0 or DUET_FAILED with the fault set. */
int duet_call_find_method(struct duet_call *call);

/* Makes it the fault of a call whose method there is not. Returns DUET_FAILED. */
int duet_call_fail_unknown(struct duet_call *call);

/* What a codec calls out of memory is the budget's doing, if it had no room. */
static inline int duet_call_tell_budget(struct duet_call *call, int rc)
{
    bool has_lacked = rc < 0 && call->account.room != DUET_ROOM_FOUND;
    return has_lacked ? duet_call_fail_over_budget(call) : rc;
}

/* call_hooks.c, for a service that has hooks. The first two: 0, or what refused the call. */
int duet_call_admit_hooks(struct duet_call *call);
int duet_call_before_hooks(struct duet_call *call);
void duet_call_after_hooks(struct duet_call *call);

/* The steps of a call from its method on, in their order: the hooks that let it in, those
 * before it, the handler, what its fault is in the end, the hooks after it. */
static inline int duet_call_ask_admit(struct duet_call *call)
{
    return call->service->hooks.has_admit ? duet_call_admit_hooks(call) : 0;
}

static inline int duet_call_ask_before(struct duet_call *call)
{
    return call->service->hooks.count > 0 ? duet_call_before_hooks(call) : 0;
}

int duet_call_handle(struct duet_call *call);
void duet_call_settle(struct duet_call *call, int rc);

static inline void duet_call_tell_after(struct duet_call *call)
{
    if (call->service->hooks.count > 0)
        duet_call_after_hooks(call);
}

/* A fault of the writer, which does not know whose value it writes, gets the method's name.
 * Returns DUET_FAILED. */
int duet_call_name_method(struct duet_call *call);

/* An invoked call has ended: its fault is settled, its end counted and told. */
void duet_call_end_invoked(struct duet_call *call, int rc);

/* The same for one that was kept, which leaves its method's gate too. */
void duet_call_end_within(struct duet_call *call, int rc);

#endif
