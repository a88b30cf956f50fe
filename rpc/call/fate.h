/*
 * How a call ends that two know of: who holds it, and who has lent it out. Its holder ends it
 * with its own answer; the lender may drop it or answer in its place. Only one of them does,
 * and the other one learns it.
 */
#ifndef DUET_FATE_H
#define DUET_FATE_H

#include <stdbool.h>

struct duet_call;

/*  OWN --it is lent--> WANTED --its own answer is complete--> ENDED
 *                         |---its client is gone------------> DROPPED
 *                         |---its time is up----------------> TIMED_OUT, answered in its place
 *                         |---the drain's time is up--------> STOPPED, answered in its place
 *                         \--those who ask are told first---> TIMING_OUT, STOPPING, and then
 *                                                             as its own answer, or above */
enum duet_fate {
    FATE_OWN,
    FATE_WANTED,
    FATE_ENDED,
    FATE_TIMING_OUT,
    FATE_STOPPING,
    FATE_DROPPED,
    FATE_TIMED_OUT,
    FATE_STOPPED
};

/* From here on somebody else holds it. */
void duet_call_lend(struct duet_call *call);

/* Whether it has been lent. */
bool duet_call_is_lent(const struct duet_call *call);

/* The lender is about to end it as that: duet_call_cancelled() is true, and an answer that is
 * completed now still is the call's. False: one is complete and on its way. */
bool duet_call_warn(struct duet_call *call, enum duet_fate fate);

/* The holder of one that is about to be ended has no other answer. */
void duet_call_concede(struct duet_call *call);

/* The lender ends it, if that is not so already. False: its own answer is complete and on its
 * way. */
bool duet_call_doom(struct duet_call *call, enum duet_fate fate);

/* The holder of one that is lent has completed its answer. If another one has been given in its
 * place, however it ended, that one is the call's: what its caller was told, its after-hook is
 * told. */
void duet_call_end(struct duet_call *call);

/* Whether the lender has ended it: then it need not begin, and its handler is told that nobody
 * waits. And whether by answering. */
bool duet_call_is_doomed(const struct duet_call *call);
bool duet_call_is_answered(const struct duet_call *call);

/* Makes what a caller is told at its time limit, or at the end of a drain, the call's fault;
 * returns DUET_FAILED. */
int duet_call_fail_as(struct duet_call *call, enum duet_fate fate);

#endif
