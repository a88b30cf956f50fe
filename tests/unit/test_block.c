/*
 * Accounted memory: what costs and what does not, the budget's ceiling, large blocks.
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
    budget.used = 0;
    budget.max = 8 * MIB;
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

static void only_blocks_above_a_size_cost(void **state)
{
    (void)state;
    static const struct {
        size_t size, cost;
    } rows[] = {
        {1, 0},
        {DUET_FREE_OF_CHARGE, 0},
        {DUET_FREE_OF_CHARGE + 1, DUET_FREE_OF_CHARGE + 1},
        {2 * MIB, 2 * MIB},
        {MIB, MIB},
        {DUET_FREE_OF_CHARGE, 0},
        {3 * MIB, 3 * MIB},
        {0, 0},
    };
    void *block = NULL;
    size_t size = 0;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        block = duet_block_resize(&account, block, size, rows[i].size);
        size = rows[i].size;
        assert_int_equal(budget.used, rows[i].cost);
    }
    assert_null(block);
}

static void over_the_budget_a_block_stays_as_it_was(void **state)
{
    (void)state;
    uint8_t *block = duet_block_resize(&account, NULL, 0, 5 * MIB);
    block[5 * MIB - 1] = 7;
    assert_null(duet_block_resize(&account, block, 5 * MIB, 9 * MIB));
    assert_true(account.refused);
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

static void a_disowned_block_costs_its_account_nothing(void **state)
{
    (void)state;
    void *block = duet_block_resize(&account, NULL, 0, 2 * MIB);
    duet_block_disown(&account, 2 * MIB);
    assert_int_equal(budget.used, 0);
    duet_block_free(NULL, block, 2 * MIB);
}

static void a_budget_has_room_up_to_its_last_byte(void **state)
{
    (void)state;
    assert_true(duet_budget_take(&budget, 8 * MIB));
    assert_false(duet_budget_take(&budget, 1));
    duet_budget_give(&budget, 1);
    assert_false(duet_budget_take(&budget, 2));
    assert_true(duet_budget_take(&budget, 1));
    assert_false(duet_budget_take(&budget, SIZE_MAX));
    assert_int_equal(budget.used, 8 * MIB);
}

static void a_buffer_says_that_the_budget_has_no_room(void **state)
{
    (void)state;
    struct duet_buf buf;
    duet_buf_init(&buf, SIZE_MAX);
    buf.account = &account;
    assert_int_equal(duet_buf_reserve(&buf, 9 * MIB), -ENOBUFS);
    assert_int_equal(duet_buf_reserve(&buf, 5 * MIB), 0);
    assert_false(account.refused);
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
    assert_true(account.refused);
    assert_true(taken > 7 * MIB && budget.used <= budget.max);
    duet_arena_done(&arena);
    assert_int_equal(budget.used, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_block_keeps_its_bytes_at_whatever_size, set_up),
        cmocka_unit_test_setup(only_blocks_above_a_size_cost, set_up),
        cmocka_unit_test_setup(over_the_budget_a_block_stays_as_it_was, set_up),
        cmocka_unit_test_setup(a_disowned_block_costs_its_account_nothing, set_up),
        cmocka_unit_test_setup(a_budget_has_room_up_to_its_last_byte, set_up),
        cmocka_unit_test_setup(a_buffer_says_that_the_budget_has_no_room, set_up),
        cmocka_unit_test_setup(an_arena_takes_what_is_left_when_a_whole_step_is_too_much,
                               set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
