/*
 * At most so many calls of a method run at once; the rest wait in line without holding a
 * worker. Knows no calls: what waits is a link that its owner embeds. Any thread.
 */
#ifndef DUET_GATE_H
#define DUET_GATE_H

#include <pthread.h>
#include <stdbool.h>

struct duet_gate_link {
    struct duet_gate_link *next;
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
bool duet_gate_enter(struct duet_gate *gate, struct duet_gate_link *link);

/* Gives the place to the first in line, which the caller must now see through (it has entered),
 * or frees it: NULL. */
struct duet_gate_link *duet_gate_leave(struct duet_gate *gate);

#endif
