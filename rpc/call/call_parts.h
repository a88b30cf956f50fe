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
    return rc < 0 && call->account.refused ? duet_call_fail_over_budget(call) : rc;
}

/* The steps of a call from its method on, in their order: the hook before it, the handler, what
 * its fault is in the end, the hook after it. */
int duet_call_ask_before(struct duet_call *call);
int duet_call_handle(struct duet_call *call);
void duet_call_settle(struct duet_call *call, int rc);
void duet_call_tell_after(struct duet_call *call);

/* A fault of the writer, which does not know whose value it writes, gets the method's name.
 * Returns DUET_FAILED. */
int duet_call_name_method(struct duet_call *call);

#endif
