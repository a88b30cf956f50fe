/*
 * One fd that is kept back. When a process may open no more, a connection can still be accepted
 * and closed: its client is told, instead of waiting in the kernel's queue for somebody to
 * leave. All loops of a server share one. Any thread.
 */
#ifndef DUET_RESERVE_H
#define DUET_RESERVE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct duet_reserve {
    _Atomic int fd; /* -1: in use just now, or lost to somebody who opened a file meanwhile */
    _Atomic uint64_t turned_away;
};

/* Keeps an fd back, if there is one. */
void duet_reserve_init(struct duet_reserve *reserve);
void duet_reserve_done(struct duet_reserve *reserve);

/* Accepts one connection in place of the fd and closes it. 0; -EAGAIN when none waits, another
 * -errno when that cannot be done now. */
int duet_reserve_turn_away(struct duet_reserve *reserve, int listener);

/* A connection was accepted otherwise: may it stay? If it has the place that the reserve lost,
 * it is closed. */
bool duet_reserve_spares(struct duet_reserve *reserve, int fd);

#endif
