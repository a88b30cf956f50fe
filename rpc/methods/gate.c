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

/* Under lock. */
static void join_line(struct duet_gate *gate, struct duet_gate_link *link)
{
    link->next = NULL;
    link->link = gate->last;
    *gate->last = link;
    gate->last = &link->next;
}

/* Under lock. */
static void leave_line(struct duet_gate *gate, struct duet_gate_link *link)
{
    *link->link = link->next;
    if (link->next != NULL)
        link->next->link = link->link;
    else
        gate->last = link->link;
    link->link = NULL;
}

enum duet_gate_entry duet_gate_enter(struct duet_gate *gate, struct duet_gate_link *link)
{
    enum duet_gate_entry entry = GATE_WAITS;
    pthread_mutex_lock(&gate->lock);
    if (link->is_gone)
        entry = GATE_GONE;
    else if (take_place(gate))
        entry = GATE_PASSED;
    else
        join_line(gate, link);
    pthread_mutex_unlock(&gate->lock);
    return entry;
}

bool duet_gate_take_back(struct duet_gate *gate, struct duet_gate_link *link)
{
    pthread_mutex_lock(&gate->lock);
    bool is_in_line = link->link != NULL;
    if (is_in_line)
        leave_line(gate, link);
    else
        link->is_gone = true;
    pthread_mutex_unlock(&gate->lock);
    return is_in_line;
}

struct duet_gate_link *duet_gate_leave(struct duet_gate *gate)
{
    pthread_mutex_lock(&gate->lock);
    struct duet_gate_link *next = gate->first;
    if (next == NULL)
        gate->running--;
    else
        leave_line(gate, next);
    pthread_mutex_unlock(&gate->lock);
    return next;
}

void duet_gate_hand_on(struct duet_gate *gate)
{
    struct duet_gate_link *next = duet_gate_leave(gate);
    if (next != NULL)
        next->admit(next, next->ctx);
}
