/*
 * At most so many calls of a method run at once; the rest wait in line without holding a
 * worker. Knows no calls: what waits is a link that its owner embeds. Any thread.
 */
#ifndef DUET_GATE_H
#define DUET_GATE_H

#include <pthread.h>
#include <stdbool.h>

struct duet_gate_link {
    struct duet_gate_link *next, **link; /* under the gate's lock; link is NULL when not in
                                            line */
    bool is_gone;                        /* under lock: it was taken back before it came */

    /* Its owner's, set before it enters: sees to it that it goes on. Any thread. */
    void (*admit)(struct duet_gate_link *link, void *ctx);
    void *ctx;
};

struct duet_gate {
    pthread_mutex_t lock;
    unsigned max;                         /* 0: no limit, and the gate is never asked */
    unsigned running;                     /* under lock */
    struct duet_gate_link *first, **last; /* who waits; under lock */
};

void duet_gate_init(struct duet_gate *gate, unsigned max);
void duet_gate_done(struct duet_gate *gate);

/* True: go on, and leave in the end. False: no room. */
bool duet_gate_try(struct duet_gate *gate);

/* The same, but without room the link waits in line: whoever leaves takes it over. */
enum duet_gate_entry { GATE_PASSED, GATE_WAITS, GATE_GONE };
enum duet_gate_entry duet_gate_enter(struct duet_gate *gate, struct duet_gate_link *link);

/* Takes a link out of the line: true, and nobody will let it in. False: it has been let in, or
 * has not come yet; then it will find that it is gone. */
bool duet_gate_take_back(struct duet_gate *gate, struct duet_gate_link *link);

/* Gives the place to the first in line, which the caller must now see through (it has entered),
 * or frees it: NULL. */
struct duet_gate_link *duet_gate_leave(struct duet_gate *gate);

/* The same, for a caller with other things to do: who is first in line is admitted. */
void duet_gate_hand_on(struct duet_gate *gate);

#endif
