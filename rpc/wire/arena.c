/*
 * The arena's pieces. After a reset at most one piece stays: the one that would have held the
 * whole last call, if that is at most KEEP bytes.
 */
#include "arena.h"

#include <stdint.h>
#include <string.h>

enum {
    FIRST_CHUNK = 2048,         /* an everyday call fits */
    KEEP = 64 * 1024,           /* what a recycled call may hold on to */
    LARGEST_STEP = 4096 * 1024, /* pieces double up to here */
};

struct duet_arena_piece {
    _Alignas(max_align_t) struct duet_arena_piece *older;
    size_t size;
    _Alignas(max_align_t) uint8_t bytes[];
};

void duet_arena_init(struct duet_arena *arena, size_t max)
{
    *arena = (struct duet_arena){.max = max};
}

/* Frees what is newer than `oldest`, which may be NULL. */
static void free_newer(struct duet_arena *arena, const struct duet_arena_piece *oldest)
{
    while (arena->pieces != oldest) {
        struct duet_arena_piece *piece = arena->pieces;
        arena->pieces = piece->older;
        arena->total -= piece->size;
        duet_block_free(arena->account, piece, sizeof *piece + piece->size);
    }
}

static void free_pieces(struct duet_arena *arena)
{
    free_newer(arena, NULL);
    arena->next = arena->end = NULL;
}

void duet_arena_done(struct duet_arena *arena)
{
    free_pieces(arena);
}

static int add_piece(struct duet_arena *arena, size_t size)
{
    if (size > arena->max - arena->total)
        return -1;
    struct duet_arena_piece *piece =
        duet_block_resize(arena->account, NULL, 0, sizeof *piece + size);
    if (piece == NULL)
        return -1;

    piece->older = arena->pieces;
    piece->size = size;
    arena->pieces = piece;
    arena->next = piece->bytes;
    arena->end = piece->bytes + size;
    arena->total += size;
    return 0;
}

void duet_arena_reset(struct duet_arena *arena)
{
    if (arena->pieces == NULL)
        return;
    size_t total = arena->total;
    if (arena->pieces->older != NULL || total > KEEP) {
        free_pieces(arena);
        if (total > KEEP || add_piece(arena, total) < 0)
            return;
    }
    arena->next = arena->pieces->bytes;
}

void duet_arena_rewind(struct duet_arena *arena, struct duet_arena_mark mark)
{
    if (arena->pieces != mark.pieces) {
        free_newer(arena, mark.pieces);
        arena->end = mark.pieces != NULL ? mark.pieces->bytes + mark.pieces->size : NULL;
    }
    arena->next = mark.next;
}

/* There was no room for a step: but perhaps for what is needed. */
static int add_exactly(struct duet_arena *arena, size_t size)
{
    if (arena->account != NULL)
        arena->account->room = DUET_ROOM_FOUND;
    return add_piece(arena, size);
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
        step = arena->max - arena->total; /* the last piece is all that is left, not crumbs */
    if (add_piece(arena, rounded > step ? rounded : step) < 0 &&
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
