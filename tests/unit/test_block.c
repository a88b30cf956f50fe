/*
 * Blocks, and what is made of them: they keep their bytes and are paid for.
 */
#include "arena.h"
#include "block.h"
#include "buf.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { KIB = 1024, MIB = 1024 * 1024 };

static struct duet_budget budget;
static struct duet_account account;

static int set_up(void **state)
{
    (void)state;
    duet_budget_init(&budget, 8 * MIB);
    account = (struct duet_account){.budget = &budget};
    return 0;
}

static void a_block_keeps_its_bytes_at_whatever_size(void **state)
{
    (void)state;
    static const size_t sizes[] = {1,           100,     64 * KIB, 64 * KIB + 1,
                                   1 * MIB - 1, 1 * MIB, 5 * MIB,  2 * MIB,
                                   1000,        3 * MIB, 10};
    uint8_t *block = NULL;
    size_t size = 0;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        block = duet_block_resize(&account, block, size, sizes[i]);
        assert_non_null(block);
        size_t held = size < sizes[i] ? size : sizes[i];
        for (size_t at = 0; at < held; at += 997)
            assert_int_equal(block[at], (uint8_t)(at * 7));
        size = sizes[i];
        for (size_t at = 0; at < size; at += 997)
            block[at] = (uint8_t)(at * 7);
    }
    duet_block_free(&account, block, size);
    assert_int_equal(budget.used, 0);
}

static void every_block_counts_as_what_it_is(void **state)
{
    (void)state;
    static const size_t sizes[] = {1,  300,     DUET_SMALL, DUET_SMALL + 1, 2 * MIB, MIB,
                                   10, 3 * MIB, 0};
    void *block = NULL;
    size_t size = 0;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        block = duet_block_resize(&account, block, size, sizes[i]);
        size = sizes[i];
        assert_int_equal(budget.used, size);
        assert_int_equal(account.held, size);
    }
    assert_null(block);
}

static void over_the_budget_a_block_stays_as_it_was(void **state)
{
    (void)state;
    uint8_t *block = duet_block_resize(&account, NULL, 0, 5 * MIB);
    block[5 * MIB - 1] = 7;
    assert_null(duet_block_resize(&account, block, 5 * MIB, 9 * MIB));
    assert_int_equal(account.room, DUET_ROOM_NEVER);
    assert_null(duet_block_resize(&account, NULL, 0, 4 * MIB));
    assert_null(duet_block_resize(&account, NULL, 0, SIZE_MAX));
    assert_int_equal(budget.used, 5 * MIB);
    assert_int_equal(block[5 * MIB - 1], 7);

    void *small = duet_block_resize(&account, NULL, 0, 1000); /* always has room */
    assert_non_null(small);
    duet_block_free(&account, small, 1000);
    duet_block_free(&account, block, 5 * MIB);
    assert_int_equal(budget.used, 0);
}

static void a_buffer_that_changes_hands_is_paid_by_who_has_it(void **state)
{
    (void)state;
    struct duet_account other = {.budget = &budget};
    struct duet_buf buf, taken;
    duet_buf_init(&buf, SIZE_MAX);
    buf.account = &account;
    assert_int_equal(duet_buf_append(&buf, "four", 4), 0);
    size_t capacity = buf.capacity;
    duet_buf_hand(&taken, &buf, &other);
    assert_null(buf.data);
    assert_int_equal(account.held, 0);
    assert_int_equal(other.held, capacity);
    assert_int_equal(budget.used, capacity);
    duet_buf_done(&taken);
    assert_int_equal(other.held, 0);
    assert_int_equal(budget.used, 0);
}

static void a_buffer_says_that_the_budget_has_no_room(void **state)
{
    (void)state;
    struct duet_buf buf;
    duet_buf_init(&buf, SIZE_MAX);
    buf.account = &account;
    assert_int_equal(duet_buf_reserve(&buf, 9 * MIB), -ENOBUFS);
    assert_int_equal(duet_buf_reserve(&buf, 5 * MIB), 0);
    assert_int_equal(account.room, DUET_ROOM_FOUND);
    duet_buf_done(&buf);
    assert_ptr_equal(buf.account, &account);
    assert_int_equal(budget.used, 0);
}

static void an_arena_takes_what_is_left_when_a_whole_step_is_too_much(void **state)
{
    (void)state;
    struct duet_arena arena;
    duet_arena_init(&arena, SIZE_MAX);
    arena.account = &account;
    size_t taken = 0;
    while (duet_arena_alloc(&arena, 100 * KIB) != NULL)
        taken += 100 * KIB;
    assert_int_equal(account.room, DUET_ROOM_NEVER);
    assert_true(taken > 6 * MIB && budget.used <= budget.max);
    duet_arena_done(&arena);
    assert_int_equal(budget.used, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_block_keeps_its_bytes_at_whatever_size, set_up),
        cmocka_unit_test_setup(every_block_counts_as_what_it_is, set_up),
        cmocka_unit_test_setup(over_the_budget_a_block_stays_as_it_was, set_up),
        cmocka_unit_test_setup(a_buffer_that_changes_hands_is_paid_by_who_has_it, set_up),
        cmocka_unit_test_setup(a_buffer_says_that_the_budget_has_no_room, set_up),
        cmocka_unit_test_setup(an_arena_takes_what_is_left_when_a_whole_step_is_too_much,
                               set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
