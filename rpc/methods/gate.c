/*
 * A counter and a line under one lock, held for a few instructions.
 */
#include "gate.h"

#include <stddef.h>

void duet_gate_init(struct duet_gate *gate, unsigned max)
{
    *gate = (struct duet_gate){.max = max, .last = &gate->first};
    pthread_mutex_init(&gate->lock, NULL);
}

void duet_gate_done(struct duet_gate *gate)
{
    pthread_mutex_destroy(&gate->lock);
}

/* Under lock. */
static bool take_place(struct duet_gate *gate)
{
    if (gate->running >= gate->max)
        return false;
    gate->running++;
    return true;
}

bool duet_gate_try(struct duet_gate *gate)
{
    pthread_mutex_lock(&gate->lock);
    bool has_place = take_place(gate);
    pthread_mutex_unlock(&gate->lock);
    return has_place;
}

bool duet_gate_enter(struct duet_gate *gate, struct duet_gate_link *link)
{
    pthread_mutex_lock(&gate->lock);
    bool has_place = take_place(gate);
    if (!has_place) {
        link->next = NULL;
        *gate->last = link;
        gate->last = &link->next;
    }
    pthread_mutex_unlock(&gate->lock);
    return has_place;
}

struct duet_gate_link *duet_gate_leave(struct duet_gate *gate)
{
    pthread_mutex_lock(&gate->lock);
    struct duet_gate_link *next = gate->first;
    if (next == NULL) {
        gate->running--;
    } else {
        gate->first = next->next;
        if (gate->first == NULL)
            gate->last = &gate->first;
    }
    pthread_mutex_unlock(&gate->lock);
    return next;
}
