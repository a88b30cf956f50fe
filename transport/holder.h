/*
 * From a member to the struct that holds it: queues, timers and event sources are members of
 * what they are about, and whoever handles them is given the member.
 */
#ifndef DUET_HOLDER_H
#define DUET_HOLDER_H

#include <stddef.h>

/* The `type` whose `member` the pointer points to. A pointer of another type does not
 * compile without a warning. */
#define DUET_HOLDER(pointer, type, member)                                                     \
    ((type *)(void *)((char *)(1 ? (pointer) : &((type *)0)->member) - offsetof(type, member)))

#endif
