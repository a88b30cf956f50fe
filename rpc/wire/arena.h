/*
 * The memory of one call: its tree, its strings, a copied message. Grows by pieces up to a
 * ceiling, is freed as a whole and recycled, so that a steady server does not touch malloc. One
 * holder at a time, no locks.
 */
#ifndef DUET_ARENA_H
#define DUET_ARENA_H

#include "block.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct duet_arena_piece;

struct duet_arena {
    struct duet_arena_piece *pieces; /* newest first */
    uint8_t *next, *end;             /* what is free in the newest */
    size_t total;                    /* bytes in all pieces */
    size_t max;                      /* ceiling for total */
    struct duet_account *account;    /* that pieces are taken from; NULL: none */
};

/* An arena that owns no memory yet, and is on no account. */
void duet_arena_init(struct duet_arena *arena, size_t max);
void duet_arena_done(struct duet_arena *arena);

/* Everything allocated is gone; memory up to a small size is kept for the next call. */
void duet_arena_reset(struct duet_arena *arena);

void *duet_arena_alloc_slow(struct duet_arena *arena, size_t size);

/* `size` bytes, aligned for any type, not cleared; a block of its own also for 0. NULL when out
 * of memory, above the ceiling, or over its account's budget. */
static inline void *duet_arena_alloc(struct duet_arena *arena, size_t size)
{
    size_t rounded = (size + 15) & ~(size_t)15;
    /* Less one: a size of 0, and one that rounding made 0, are for the slow path too. */
    if (rounded - 1 >= (size_t)(arena->end - arena->next))
        return duet_arena_alloc_slow(arena, size);
    void *block = arena->next;
    arena->next += rounded;
    return block;
}

/* Makes the newest block longer or shorter in place; 0 gives it back. False, and nothing
 * changed, when `block` is not the newest or there is no room behind it. */
static inline bool duet_arena_resize(struct duet_arena *arena, void *block, size_t old_size,
                                     size_t size)
{
    uint8_t *start = (uint8_t *)block;
    size_t rounded = (size + 15) & ~(size_t)15;
    if (arena->next != start + ((old_size + 15) & ~(size_t)15) || rounded < size ||
        rounded > (size_t)(arena->end - start))
        return false;
    arena->next = start + rounded;
    return true;
}

/* Where an arena stands, to go back there. */
struct duet_arena_mark {
    struct duet_arena_piece *pieces;
    uint8_t *next;
};

static inline struct duet_arena_mark duet_arena_mark(const struct duet_arena *arena)
{
    return (struct duet_arena_mark){.pieces = arena->pieces, .next = arena->next};
}

/* Everything allocated since the mark was taken is gone. */
void duet_arena_rewind(struct duet_arena *arena, struct duet_arena_mark mark);

/* A copy of the bytes with a NUL after them. NULL as duet_arena_alloc. */
char *duet_arena_text(struct duet_arena *arena, const void *bytes, size_t size);

#endif
