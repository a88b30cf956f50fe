/*
 * The arena's chunks. After a reset at most one chunk stays: the one that would have held the
 * whole last call, if that is at most KEEP bytes.
 */
#include "arena.h"

#include <stdint.h>
#include <string.h>

enum {
    FIRST_CHUNK = 2048,         /* an everyday call fits */
    KEEP = 64 * 1024,           /* what a recycled call may hold on to */
    LARGEST_STEP = 4096 * 1024, /* chunks double up to here */
};

struct duet_arena_chunk {
    _Alignas(max_align_t) struct duet_arena_chunk *older;
    size_t size;
    _Alignas(max_align_t) uint8_t bytes[];
};

void duet_arena_init(struct duet_arena *arena, size_t max)
{
    *arena = (struct duet_arena){.max = max};
}

/* Frees what is newer than `oldest`, which may be NULL. */
static void free_newer(struct duet_arena *arena, const struct duet_arena_chunk *oldest)
{
    while (arena->chunks != oldest) {
        struct duet_arena_chunk *chunk = arena->chunks;
        arena->chunks = chunk->older;
        arena->total -= chunk->size;
        duet_block_free(arena->account, chunk, sizeof *chunk + chunk->size);
    }
}

static void free_chunks(struct duet_arena *arena)
{
    free_newer(arena, NULL);
    arena->next = arena->end = NULL;
}

void duet_arena_done(struct duet_arena *arena)
{
    free_chunks(arena);
}

static int add_chunk(struct duet_arena *arena, size_t size)
{
    if (size > arena->max - arena->total)
        return -1;
    struct duet_arena_chunk *chunk =
        duet_block_resize(arena->account, NULL, 0, sizeof *chunk + size);
    if (chunk == NULL)
        return -1;

    chunk->older = arena->chunks;
    chunk->size = size;
    arena->chunks = chunk;
    arena->next = chunk->bytes;
    arena->end = chunk->bytes + size;
    arena->total += size;
    return 0;
}

void duet_arena_reset(struct duet_arena *arena)
{
    if (arena->chunks == NULL)
        return;
    size_t total = arena->total;
    if (arena->chunks->older != NULL || total > KEEP) {
        free_chunks(arena);
        if (total > KEEP || add_chunk(arena, total) < 0)
            return;
    }
    arena->next = arena->chunks->bytes;
}

void duet_arena_rewind(struct duet_arena *arena, struct duet_arena_mark mark)
{
    if (arena->chunks != mark.chunks) {
        free_newer(arena, mark.chunks);
        arena->end = mark.chunks != NULL ? mark.chunks->bytes + mark.chunks->size : NULL;
    }
    arena->next = mark.next;
}

/* There was no room for a step: but perhaps for what is needed. */
static int add_exactly(struct duet_arena *arena, size_t size)
{
    if (arena->account != NULL)
        arena->account->room = DUET_ROOM_FOUND;
    return add_chunk(arena, size);
}

void *duet_arena_alloc_slow(struct duet_arena *arena, size_t size)
{
    if (size == 0)
        return duet_arena_alloc(arena, 1);
    if (size > arena->max || size > PTRDIFF_MAX - 64) /* room to round, and for the head */
        return NULL;
    size_t rounded = (size + 15) & ~(size_t)15;
    size_t step = arena->total < FIRST_CHUNK ? FIRST_CHUNK : arena->total;
    if (step > LARGEST_STEP)
        step = LARGEST_STEP;
    if (step > arena->max - arena->total)
        step = arena->max - arena->total; /* the last chunk is all that is left, not crumbs */
    if (add_chunk(arena, rounded > step ? rounded : step) < 0 &&
        add_exactly(arena, rounded) < 0)
        return NULL;
    void *block = arena->next;
    arena->next += rounded;
    return block;
}

char *duet_arena_text(struct duet_arena *arena, const void *bytes, size_t size)
{
    char *text = duet_arena_alloc(arena, size + 1);
    if (text == NULL)
        return NULL;
    if (size > 0)
        memcpy(text, bytes, size);
    text[size] = '\0';
    return text;
}
