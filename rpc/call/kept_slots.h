/*
 * The table of calls that others than their handler's thread may touch: those that are kept,
 * and those whose handlers want to hear of their cancellation. One for the whole process, for
 * a duet_kept must be safe to use when its server is gone, and there may be several. It grows
 * to the most calls that were in it at once. Everything under one lock, which is held for a few
 * instructions and never across anybody's callback. Any thread.
 */
#ifndef DUET_KEPT_SLOTS_H
#define DUET_KEPT_SLOTS_H

#include "duet.h"

#include <pthread.h>

struct duet_service;
struct duet_method_entry;

/* clang-format off */
/*   FREE --its handler asks to be told of its cancellation--> WATCHED --the handler has returned--> FREE
 *     \---its handler keeps it--> OPEN <--claimed, released--> CLAIMED
 *                                   \---------finish----------/--> FINISHING --its reply is on its way--> FREE */
/* clang-format on */
enum duet_slot_state { SLOT_FREE, SLOT_WATCHED, SLOT_OPEN, SLOT_CLAIMED, SLOT_FINISHING };

/* A place in the table; it never moves. All of it under the lock. */
struct duet_slot {
    uint64_t id; /* of the call that is in it, or was: never used again */
    enum duet_slot_state state;
    bool is_telling;  /* `cancelled` of it runs now */
    pthread_t holder; /* of one that is claimed */
    struct duet_call *call;
    const struct duet_service *service;
    struct duet_method_entry *method;             /* holds a reference while the call is kept */
    uint64_t since_ns;                            /* when it was kept */
    void (*cancelled)(duet_kept kept, void *ctx); /* NULL: nobody asks, or has been told */
    void *ctx;
    bool is_ours;    /* kept for the calls within it: its handler's return finishes it */
    unsigned within; /* kept calls within it, after which it is finished */
    int rc;          /* of one that is finishing */
    struct duet_slot *next, *previous; /* on its root call's list, or among the free ones */
};

void duet_slots_lock(void);
void duet_slots_unlock(void);

/* The functions below are called under the lock. */

/* A slot for a call, on its root call's list; NULL when out of memory. */
struct duet_slot *duet_slot_take(struct duet_call *call, enum duet_slot_state state);

/* Takes it off its root call's list, which may go then: nobody is told of its cancellation any
 * more. */
void duet_slot_detach(struct duet_slot *slot);

/* Its id names nothing any more. */
void duet_slot_free(struct duet_slot *slot);

/* The slot of that id, unless it is free; NULL for any other number. */
struct duet_slot *duet_slot_find(uint64_t id);

/* Any slot of a service after that one (NULL: the first), or NULL. */
struct duet_slot *duet_slot_next_of(const struct duet_service *service,
                                    const struct duet_slot *after);

/* Waits, with the lock released meanwhile, until something has changed that others wait for:
 * duet_slots_changed() was called. Until `until_ns` of CLOCK_MONOTONIC; false when that is
 * over. */
bool duet_slots_wait(uint64_t until_ns);
void duet_slots_changed(void);

#endif
