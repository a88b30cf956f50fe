/*
 * The calls that are out over one connection, by msgid: which one an answer is for. An answer
 * finds its call once. One thread at a time.
 */
#ifndef DUET_PENDING_H
#define DUET_PENDING_H

#include <stdint.h>

/* Embedded in a call that is out. */
struct duet_pending_call {
    uint32_t msgid;
    struct duet_pending_call *next; /* of those that share a slot */
};

struct duet_pending {
    struct duet_pending_call **slots; /* a power of two of them; msgids are given in a row, so
                                         they spread evenly */
    uint32_t slot_count, count;
    uint32_t last_msgid;
};

/* All zero is a table without calls. */
void duet_pending_done(struct duet_pending *pending);

/* Gives the call a msgid that no other one has. 0, -ENOMEM, or -ENOBUFS: too many are out. */
int duet_pending_add(struct duet_pending *pending, struct duet_pending_call *call);

/* The call of that msgid, which is out no more; NULL if there is none. */
struct duet_pending_call *duet_pending_take(struct duet_pending *pending, uint32_t msgid);

/* All of them, linked by `next`; none is out any more. */
struct duet_pending_call *duet_pending_take_all(struct duet_pending *pending);

#endif
