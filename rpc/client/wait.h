/*
 * Threads that wait for the answers to their requests. A worker that waits in a handler is not
 * idle meanwhile: it takes in the calls that come over the same session, for its client may
 * have to make them before it answers, and no other worker may be free. One lock for all who
 * wait, never held across anything else.
 */
#ifndef DUET_WAIT_H
#define DUET_WAIT_H

#include "call.h"
#include "request.h"

/* Who runs handlers on a thread of its own: a worker. */
struct duet_runner {
    struct duet_call *call; /* whose handler runs */
    unsigned depth;         /* of calls that were taken in by others that wait */
    void (*rest)(struct duet_runner *runner); /* it is going to sleep */
};

/* This thread is that runner from now on. */
void duet_runner_enter(struct duet_runner *runner);

/* The call whose handler runs here is its runner's no more: it is kept, and may go. */
void duet_runner_let_go(const struct duet_call *call);

/* A call on its way to a worker; embedded in whoever holds it. */
struct duet_inner {
    struct duet_inner *next;
    void (*run)(struct duet_inner *inner, struct duet_runner *runner);
    void (*give_back)(struct duet_inner *inner); /* nobody waits any more; any thread */
};

/* A call has come over a session. True: it is taken, a handler that waits for the session's
 * client runs it, or gives it back. The session's loop. */
bool duet_waits_take_in(struct duet_session *session, struct duet_inner *inner);

/* A call has been cancelled: its handler waits no longer. The call's loop. */
void duet_waits_cancel(struct duet_call *call);

/* A request has ended. */
void duet_waits_tell(struct duet_request *request);

#endif
