/*
 * Calls within calls that are kept: they get memory and a writer of their own, for what they
 * answer is written while others write their outer call's answer, or nobody does. Their outer
 * call's handler waits for them; or, for entries of a system.multicall, the answer of that
 * does.
 */
#ifndef DUET_WITHIN_H
#define DUET_WITHIN_H

#include "call.h"

struct duet_within;
struct duet_slot;

/* The handler of an invoked call keeps it: gives it its memory. 0, or DUET_FAILED with the
 * fault in the call. */
int duet_within_new(struct duet_call *call);
void duet_within_free(struct duet_within *within);

/* The same call, in its own memory. */
struct duet_call *duet_within_call(struct duet_within *within);

/* What the handler has said of the call that it was given, it has said of this one. The slot of
 * it is held. */
void duet_within_adopt(struct duet_call *call);

/* The outermost call of an entry is finished after it, and with it, in the order in which they
 * enter. False: out of memory. */
bool duet_within_enter(struct duet_within *within);

/* Waits until it is finished and writes its result to its outer call's writer; or until that
 * outer call is cancelled, and then it may go on (`is_over` stays false). 0, or DUET_FAILED
 * with the fault in `outer`. */
int duet_within_await(struct duet_within *within, struct duet_call *outer, bool *is_over);

/* Leaves the entry that has entered last out of the answer, which gets it later. 0, or the
 * error that sticks in the writer. */
int duet_within_leave_out(struct duet_call *outer);

/* Its answer begins anew; and is completed: `rc` as duet_call_finish has it. Returns whether
 * anybody still wanted it. */
void duet_within_write_anew(struct duet_call *call);
bool duet_within_finish(struct duet_call *call, int rc);

/* It is finished, and its slot free. Under the lock: the slot of an outer call that only waited
 * for this, or NULL. */
struct duet_slot *duet_within_end(struct duet_call *call);

/* Puts what entries have answered into their outer call's answer, and frees them; with `rc`
 * below 0 it only does that. Returns `rc`, or the error that sticks. */
int duet_within_gather(struct duet_call *outer, int rc);

#endif
