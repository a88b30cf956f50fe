/*
 * The arena: alignment, ceiling, what a reset keeps, resizing in place, going back.
 */
#include "arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { LARGE = 16 * 1024 * 1024 };

static void blocks_are_aligned_and_apart(void **state)
{
    (void)state;
    struct duet_arena arena;
    duet_arena_init(&arena, LARGE);
    uint8_t *blocks[300];
    for (size_t i = 0; i < 300; i++) {
        blocks[i] = duet_arena_alloc(&arena, i);
        assert_non_null(blocks[i]);
        assert_int_equal((uintptr_t)blocks[i] % _Alignof(max_align_t), 0);
        memset(blocks[i], (int)(i & 0xff), i);
    }
    for (size_t i = 0; i < 300; i++)
        for (size_t k = 0; k < i; k++)
            assert_int_equal(blocks[i][k], i & 0xff);
    duet_arena_done(&arena);
}

static void a_block_of_nothing_is_a_block(void **state)
{
    (void)state;
    struct duet_arena arena;
    duet_arena_init(&arena, LARGE);
    void *first = duet_arena_alloc(&arena, 0);
    void *second = duet_arena_alloc(&arena, 0);
    assert_non_null(first);
    assert_non_null(second);
    assert_true(first != second);
    duet_arena_done(&arena);
}

static void the_ceiling_holds_to_the_byte(void **state)
{
    (void)state;
    struct duet_arena arena;
    duet_arena_init(&arena, 10000);
    size_t given = 0;
    while (duet_arena_alloc(&arena, 16) != NULL)
        given += 16;
    assert_int_equal(given, 10000);
    assert_true(arena.total <= 10000);
    assert_null(duet_arena_alloc(&arena, 1));
    duet_arena_done(&arena);
}

static void the_last_bytes_below_the_ceiling_come_in_one_chunk(void **state)
{
    (void)state;
    struct duet_arena arena;
    duet_arena_init(&arena, 3000);
    assert_non_null(duet_arena_alloc(&arena, 2048));
    assert_non_null(duet_arena_alloc(&arena, 16));
    const struct duet_arena_piece *piece = arena.pieces;
    while (duet_arena_alloc(&arena, 16) != NULL)
        continue;
    assert_ptr_equal(arena.pieces, piece);
    duet_arena_done(&arena);
}

static void absurd_sizes_are_refused_under_any_ceiling(void **state)
{
    (void)state;
    static const size_t ceilings[] = {0, 1, 4096, SIZE_MAX / 2, SIZE_MAX};
    static const size_t sizes[] = {SIZE_MAX,      SIZE_MAX - 1,           SIZE_MAX - 14,
                                   SIZE_MAX - 15, SIZE_MAX - 16,          SIZE_MAX - 64,
                                   SIZE_MAX / 2,  (size_t)PTRDIFF_MAX + 1};
    for (size_t i = 0; i < sizeof ceilings / sizeof *ceilings; i++)
        for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
            struct duet_arena arena;
            duet_arena_init(&arena, ceilings[i]);
            assert_null(duet_arena_alloc(&arena, sizes[k]));
            assert_int_equal(arena.total, 0);
            duet_arena_done(&arena);
        }
}

static void a_reset_keeps_one_chunk_that_would_have_held_it_all(void **state)
{
    (void)state;
    struct duet_arena arena;
    duet_arena_init(&arena, LARGE);
    for (int i = 0; i < 400; i++)
        assert_non_null(duet_arena_alloc(&arena, 100));
    size_t total = arena.total;
    duet_arena_reset(&arena);
    assert_int_equal(arena.total, total);

    const struct duet_arena_piece *piece = arena.pieces;
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 400; i++)
            assert_non_null(duet_arena_alloc(&arena, 100));
        assert_ptr_equal(arena.pieces, piece); /* a steady server does not touch malloc */
        duet_arena_reset(&arena);
    }
    duet_arena_done(&arena);
}

static void a_reset_lets_large_memory_go(void **state)
{
    (void)state;
    struct duet_arena arena;
    duet_arena_init(&arena, LARGE);
    assert_non_null(duet_arena_alloc(&arena, 1024 * 1024));
    duet_arena_reset(&arena);
    assert_int_equal(arena.total, 0);
    assert_non_null(duet_arena_alloc(&arena, 10));
    duet_arena_reset(&arena);
    assert_non_null(arena.pieces);
    duet_arena_done(&arena);
    duet_arena_reset(&arena);
    assert_null(arena.pieces);
}

static void after_a_refusal_it_serves_on(void **state)
{
    (void)state;
    struct duet_arena arena;
    duet_arena_init(&arena, 4096);
    assert_null(duet_arena_alloc(&arena, 5000));
    assert_non_null(duet_arena_alloc(&arena, 4096));
    assert_null(duet_arena_alloc(&arena, 1));
    duet_arena_reset(&arena);
    assert_non_null(duet_arena_alloc(&arena, 4096));
    duet_arena_done(&arena);
}

static void only_the_newest_block_can_be_resized(void **state)
{
    (void)state;
    struct duet_arena arena;
    duet_arena_init(&arena, LARGE);
    uint8_t *first = duet_arena_alloc(&arena, 100);
    uint8_t *second = duet_arena_alloc(&arena, 100);
    assert_false(duet_arena_resize(&arena, first, 100, 50));
    assert_true(duet_arena_resize(&arena, second, 100, 500));
    assert_true(duet_arena_resize(&arena, second, 500, 17));
    assert_ptr_equal(duet_arena_alloc(&arena, 1), second + 32);
    assert_false(duet_arena_resize(&arena, second, 17, 0));
    duet_arena_done(&arena);
}

static void a_block_is_not_resized_out_of_its_chunk(void **state)
{
    (void)state;
    struct duet_arena arena;
    duet_arena_init(&arena, LARGE);
    uint8_t *block = duet_arena_alloc(&arena, 100);
    assert_false(duet_arena_resize(&arena, block, 100, 1024 * 1024));
    assert_false(duet_arena_resize(&arena, block, 100, SIZE_MAX));
    assert_false(duet_arena_resize(&arena, block, 100, SIZE_MAX - 20));
    assert_ptr_equal(arena.next, block + 112);
    assert_true(duet_arena_resize(&arena, block, 100, (size_t)(arena.end - block)));
    assert_true(arena.next == arena.end);
    assert_true(duet_arena_resize(&arena, block, (size_t)(arena.end - block), 0));
    assert_ptr_equal(arena.next, block);
    duet_arena_done(&arena);
}

static void a_rewind_goes_back_over_pieces_and_their_memory(void **state)
{
    (void)state;
    struct duet_arena arena;
    duet_arena_init(&arena, LARGE);
    struct duet_arena_mark mark = duet_arena_mark(&arena);
    duet_arena_alloc(&arena, 100);
    duet_arena_rewind(&arena, mark);
    assert_int_equal(arena.total, 0);

    duet_arena_alloc(&arena, 100);
    struct duet_arena before = arena;
    mark = duet_arena_mark(&arena);
    for (size_t size = 16; size <= 1024 * 1024; size *= 4)
        assert_non_null(duet_arena_alloc(&arena, size));
    assert_true(arena.total > before.total);
    duet_arena_rewind(&arena, mark);
    assert_memory_equal(&arena, &before, sizeof arena);
    assert_ptr_equal(duet_arena_alloc(&arena, 16), before.next);
    assert_non_null(duet_arena_alloc(&arena, LARGE - before.total));
    duet_arena_done(&arena);
}

static void text_is_copied_with_a_nul_behind(void **state)
{
    (void)state;
    struct duet_arena arena;
    duet_arena_init(&arena, LARGE);
    assert_string_equal(duet_arena_text(&arena, "abcdef", 3), "abc");
    assert_string_equal(duet_arena_text(&arena, NULL, 0), "");
    assert_memory_equal(duet_arena_text(&arena, "a\0b", 3), "a\0b", 4);
    duet_arena_done(&arena);

    duet_arena_init(&arena, 16);
    assert_null(duet_arena_text(&arena, "0123456789abcdef", 16));
    assert_non_null(duet_arena_text(&arena, "0123456789abcde", 15));
    duet_arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_are_aligned_and_apart),
        cmocka_unit_test(a_block_of_nothing_is_a_block),
        cmocka_unit_test(the_ceiling_holds_to_the_byte),
        cmocka_unit_test(the_last_bytes_below_the_ceiling_come_in_one_chunk),
        cmocka_unit_test(absurd_sizes_are_refused_under_any_ceiling),
        cmocka_unit_test(a_reset_keeps_one_chunk_that_would_have_held_it_all),
        cmocka_unit_test(a_reset_lets_large_memory_go),
        cmocka_unit_test(after_a_refusal_it_serves_on),
        cmocka_unit_test(only_the_newest_block_can_be_resized),
        cmocka_unit_test(a_block_is_not_resized_out_of_its_chunk),
        cmocka_unit_test(a_rewind_goes_back_over_pieces_and_their_memory),
        cmocka_unit_test(text_is_copied_with_a_nul_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
