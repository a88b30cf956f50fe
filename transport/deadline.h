/*
 * When the loop must wake next. A wheel of slots, so that setting and clearing a deadline costs
 * a few stores and never allocates. Coarse: a deadline fires up to DUET_TICK_MS late, never
 * early. The loop owns the wheel; its thread only.
 */
#ifndef DUET_DEADLINE_H
#define DUET_DEADLINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    DUET_TICK_MS = 4,
    DUET_WHEEL_SLOTS = 512, /* two seconds ahead; what lies further is looked at again when its
                               slot comes */
};

/* Embedded in what waits. All zero is a deadline that is not set. */
struct duet_deadline {
    struct duet_deadline *next;
    struct duet_deadline **link; /* what points to this one; NULL when not set */
    uint64_t at_ms;
    void (*expired)(struct duet_deadline *deadline); /* it is no longer set; may set it again */
};

struct duet_wheel {
    uint64_t tick; /* all slots up to this one have been looked at */
    uint64_t used[DUET_WHEEL_SLOTS / 64];
    struct duet_deadline *slots[DUET_WHEEL_SLOTS];
};

void duet_wheel_init(struct duet_wheel *wheel, uint64_t now_ms);

/* Sets the deadline, or moves it. */
void duet_wheel_set(struct duet_wheel *wheel, struct duet_deadline *deadline, uint64_t at_ms);

/* Forgets it; nothing happens if it was not set. */
void duet_wheel_clear(struct duet_deadline *deadline);

static inline bool duet_deadline_is_set(const struct duet_deadline *deadline)
{
    return deadline->link != NULL;
}

/* The time at which duet_wheel_expire must be called next; UINT64_MAX when nothing is set. */
uint64_t duet_wheel_next_ms(const struct duet_wheel *wheel);

/* Calls `expired` of each deadline that is due. */
void duet_wheel_expire(struct duet_wheel *wheel, uint64_t now_ms);

#endif
