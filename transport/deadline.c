/*
 * The wheel: a deadline hangs in the slot of its tick. One that lies further ahead than the
 * wheel reaches hangs in the last slot and is hung up again when that slot comes. A bit per
 * slot tells which hold anything. A bit may outlive the slot's last deadline: then the loop
 * wakes once for nothing.
 */
#include "deadline.h"

void duet_wheel_init(struct duet_wheel *wheel, uint64_t now_ms)
{
    *wheel = (struct duet_wheel){.tick = now_ms / DUET_TICK_MS};
}

static void hang(struct duet_deadline **slot, struct duet_deadline *deadline)
{
    deadline->next = *slot;
    if (deadline->next != NULL)
        deadline->next->link = &deadline->next;
    deadline->link = slot;
    *slot = deadline;
}

void duet_wheel_clear(struct duet_deadline *deadline)
{
    if (deadline->link == NULL)
        return;
    *deadline->link = deadline->next;
    if (deadline->next != NULL)
        deadline->next->link = deadline->link;
    deadline->link = NULL;
}

void duet_wheel_set(struct duet_wheel *wheel, struct duet_deadline *deadline, uint64_t at_ms)
{
    duet_wheel_clear(deadline);
    deadline->at_ms = at_ms;

    uint64_t tick = at_ms / DUET_TICK_MS + 1; /* the first tick that is not early */
    if (tick <= wheel->tick)
        tick = wheel->tick + 1;
    if (tick >= wheel->tick + DUET_WHEEL_SLOTS)
        tick = wheel->tick + DUET_WHEEL_SLOTS - 1;

    size_t slot = tick % DUET_WHEEL_SLOTS;
    hang(&wheel->slots[slot], deadline);
    wheel->used[slot / 64] |= UINT64_C(1) << slot % 64;
}

/* The distance from `from` to the next used slot, going round; DUET_WHEEL_SLOTS when there is
 * none. */
static unsigned distance(const struct duet_wheel *wheel, size_t from)
{
    for (unsigned gone = 0; gone < DUET_WHEEL_SLOTS;) {
        size_t slot = (from + gone) % DUET_WHEEL_SLOTS;
        uint64_t bits = wheel->used[slot / 64] >> slot % 64;
        if (bits != 0)
            return gone + (unsigned)__builtin_ctzll(bits);
        gone += 64 - (unsigned)(slot % 64);
    }
    return DUET_WHEEL_SLOTS;
}

uint64_t duet_wheel_next_ms(const struct duet_wheel *wheel)
{
    unsigned ahead = distance(wheel, (wheel->tick + 1) % DUET_WHEEL_SLOTS);
    if (ahead >= DUET_WHEEL_SLOTS)
        return UINT64_MAX;
    return (wheel->tick + 1 + ahead) * DUET_TICK_MS;
}

static void expire_slot(struct duet_wheel *wheel, size_t slot, uint64_t now_ms)
{
    struct duet_deadline *due = wheel->slots[slot];
    wheel->slots[slot] = NULL;
    wheel->used[slot / 64] &= ~(UINT64_C(1) << slot % 64);
    if (due != NULL)
        due->link = &due; /* callbacks may clear others of this list */

    while (due != NULL) {
        struct duet_deadline *deadline = due;
        duet_wheel_clear(deadline);
        if (deadline->at_ms > now_ms)
            duet_wheel_set(wheel, deadline, deadline->at_ms);
        else
            deadline->expired(deadline);
    }
}

void duet_wheel_expire(struct duet_wheel *wheel, uint64_t now_ms)
{
    uint64_t now = now_ms / DUET_TICK_MS;
    if (now > wheel->tick + DUET_WHEEL_SLOTS)
        wheel->tick = now - DUET_WHEEL_SLOTS; /* a long sleep: one round looks at every slot */
    while (wheel->tick < now) {
        wheel->tick++;
        size_t slot = wheel->tick % DUET_WHEEL_SLOTS;
        if (wheel->used[slot / 64] & UINT64_C(1) << slot % 64)
            expire_slot(wheel, slot, now_ms);
    }
}
