/*
 * Calls that are answered later: whose handlers have kept them, so that any thread may finish
 * them. Whoever runs a handler learns that its call is kept as the handler's outcome, and
 * touches it no more.
 */
#ifndef DUET_KEPT_H
#define DUET_KEPT_H

#include "method.h"

#include <stddef.h>

struct duet_service;

/* Returned where others return 0 or an error: the call has been kept, and may be over
 * already. */
enum { DUET_CALL_IS_KEPT = 1 };

/* What a handler has done with its call that outlives its return. It lies with whoever runs the
 * handler, for the call may be gone by then. */
struct duet_kept_note {
    bool is_used;              /* if not, the rest is not set */
    uint64_t kept, watched;    /* ids of slots, 0 if none */
    struct duet_call *invoked; /* with `kept`: the call that was given to the handler, if that
                                  is another one */
};

/* The note that it writes, to be used from now on. */
static inline void duet_kept_use(struct duet_kept_note *note)
{
    if (!note->is_used)
        *note = (struct duet_kept_note){.is_used = true};
}

/* What whoever serves calls does for those that are kept. */
struct duet_keeper {
    /* Its handler keeps it, on this thread: from here on it may be finished at any time, by any
     * thread. 0 or -ENOMEM. */
    int (*keep)(struct duet_call *call);

    /* It is finished: takes it. Any thread. */
    void (*finished)(struct duet_call *call);

    /* Sees to it that duet_kept_tell_slot() is called soon, on the loop's thread. 0 or
     * -ENOMEM. Any thread. */
    int (*tell_soon)(struct duet_call *call, uint64_t slot);
};

/* The handler has returned `rc`, and its note is used. True: its call is kept. False: it
 * was only watched, and nobody is told of its cancellation any more. */
bool duet_kept_leave(const struct duet_kept_note *note, int rc);

/* The slot of an outermost call that is to be finished after kept calls within it: it is kept
 * for them, if it is not kept yet. Id 0: out of memory. Who holds the call. */
duet_kept duet_kept_with_others(struct duet_call *call);

/* Calls those who want to hear of a call's cancellation. The thread that recycles the call,
 * when it has been warned or doomed. And one of them, who has asked when it was so already. */
void duet_kept_tell(struct duet_call *call);
void duet_kept_tell_slot(uint64_t slot);

/* Whether anybody wants to hear of it, or has kept it. */
bool duet_kept_is_watched(const struct duet_call *call);

/* The service ends: kept calls that nobody holds are finished, and those that somebody holds
 * are waited for. False if `until_ns` (CLOCK_MONOTONIC) came first: then `names` are the
 * methods of those that are held. No handler runs any more. */
bool duet_kept_end(const struct duet_service *service, uint64_t until_ns, char *names,
                   size_t room);

/* How many calls of a service are kept now, and which one has been for longest: its method's
 * name, and since when. Any thread. */
struct duet_kept_count {
    size_t count;
    uint64_t oldest_ns;
    char oldest[DUET_METHOD_NAME_MAX + 1];
};
void duet_kept_look(const struct duet_service *service, struct duet_kept_count *count);

#endif
