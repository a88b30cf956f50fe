/*
 * The account: marks, reservations, parts, and the order of those who wait.
 */
#include "account.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { KIB = 1024, MIB = 1024 * 1024 };

static struct duet_budget budget;
static struct duet_account one, two, three;
static unsigned told;

static void on_tell(void *ctx)
{
    (void)ctx;
    told++;
}

static int set_up(void **state)
{
    (void)state;
    duet_budget_init(&budget, 16 * MIB);
    budget.tell = on_tell;
    one = two = three = (struct duet_account){.budget = &budget};
    told = 0;
    return 0;
}

static void newcomers_leave_room_for_those_who_run_and_these_for_small_ones(void **state)
{
    (void)state;
    assert_true(duet_account_take(&one, 13 * MIB, DUET_RANK_NEW));
    assert_false(duet_account_take(&two, 1, DUET_RANK_NEW));
    assert_int_equal(two.room, DUET_ROOM_TAKEN);
    assert_true(duet_account_take(&two, MIB, DUET_RANK_RUNNING));
    assert_false(duet_account_take(&two, 1, DUET_RANK_RUNNING));
    assert_true(duet_account_take(&three, 1, DUET_RANK_RUNNING)); /* it has nothing yet */
    duet_account_give(&three, 1);
    assert_false(duet_budget_is_short(&budget));
    assert_true(duet_account_take(&two, MIB, DUET_RANK_SMALL));
    assert_true(duet_budget_is_short(&budget));
    assert_false(duet_budget_is_spent(&budget));
    assert_true(duet_account_take(&two, MIB, DUET_RANK_SMALL));
    assert_true(duet_budget_is_spent(&budget));
    duet_account_give(&two, 3 * MIB);
    duet_account_give(&one, 13 * MIB);
    assert_int_equal(budget.used, 0);
}

static void who_can_never_have_so_much_is_told_so(void **state)
{
    (void)state;
    assert_true(duet_account_take(&one, 8 * MIB, DUET_RANK_RUNNING));
    assert_false(duet_account_take(&two, 12 * MIB, DUET_RANK_RUNNING));
    assert_int_equal(two.room, DUET_ROOM_TAKEN);
    assert_false(duet_account_take(&three, 15 * MIB, DUET_RANK_RUNNING)); /* nor alone */
    assert_int_equal(three.room, DUET_ROOM_NEVER);
    assert_false(duet_account_take(&one, 7 * MIB, DUET_RANK_RUNNING));
    assert_int_equal(one.room, DUET_ROOM_NEVER);
    duet_account_give(&one, 8 * MIB);
    assert_true(duet_budget_can_hold(&budget, 14 * MIB));
    assert_false(duet_budget_can_hold(&budget, 14 * MIB + 1));

    /* What lies about for the next calls is in nobody's way for ever. */
    assert_true(duet_account_take(&three, MIB / 2, DUET_RANK_SMALL));
    assert_true(duet_account_take(&one, 13 * MIB, DUET_RANK_RUNNING));
    assert_false(duet_account_take(&one, MIB, DUET_RANK_RUNNING));
    assert_int_equal(one.room, DUET_ROOM_NEVER);
    duet_account_give(&one, 13 * MIB);
    duet_account_give(&three, MIB / 2);
}

static void sizes_that_overflow_are_refused(void **state)
{
    (void)state;
    assert_false(duet_account_take(&one, SIZE_MAX, DUET_RANK_RUNNING));
    assert_true(duet_account_take(&one, 10, DUET_RANK_SMALL));
    assert_false(duet_account_take(&one, SIZE_MAX, DUET_RANK_RUNNING));
    assert_int_equal(budget.used, 10);
    duet_account_give(&one, 10);
}

static void what_is_reserved_is_taken_without_asking(void **state)
{
    (void)state;
    assert_true(duet_account_take(&one, MIB, DUET_RANK_RUNNING));
    assert_true(duet_account_reserve(&one, 8 * MIB)); /* what it has is part of it */
    assert_int_equal(budget.used, 8 * MIB);
    assert_int_equal(budget.admitted, 1);
    assert_true(duet_account_take(&two, 6 * MIB, DUET_RANK_RUNNING));
    assert_true(duet_account_take(&one, 7 * MIB, DUET_RANK_RUNNING));
    assert_int_equal(budget.used, 14 * MIB);
    assert_false(duet_account_take(&one, 1, DUET_RANK_RUNNING));

    duet_account_give(&one, 6 * MIB); /* back into the reservation */
    assert_int_equal(budget.used, 14 * MIB);
    duet_account_shrink(&one, 5 * MIB);
    assert_int_equal(budget.used, 11 * MIB);
    duet_account_release(&one);
    assert_int_equal(budget.used, 8 * MIB);
    assert_int_equal(budget.admitted, 0);
    duet_account_give(&one, 2 * MIB);
    duet_account_give(&two, 6 * MIB);
    assert_int_equal(budget.used, 0);
}

static void a_reservation_goes_on_to_another_account(void **state)
{
    (void)state;
    assert_true(duet_account_reserve(&one, 4 * MIB));
    assert_true(duet_account_take(&one, MIB, DUET_RANK_RUNNING));
    duet_account_pass(&one, &two);
    duet_account_move(&one, &two, MIB);
    assert_false(one.is_admitted);
    assert_true(two.is_admitted);
    assert_int_equal(one.held, 0);
    assert_int_equal(budget.used, 4 * MIB);
    assert_int_equal(budget.admitted, 1);
    duet_account_release(&one); /* has none */
    assert_int_equal(budget.admitted, 1);
    duet_account_release(&two);
    duet_account_give(&two, MIB);
    assert_int_equal(budget.used, 0);
}

static void a_part_counts_what_is_taken_in_its_name(void **state)
{
    (void)state;
    struct duet_budget_part *part = duet_budget_part_new(3 * MIB);
    assert_true(duet_account_take(&one, MIB, DUET_RANK_RUNNING));
    duet_account_join(&one, part, false); /* what it had before is not of it */
    assert_int_equal(part->held, 0);
    assert_true(duet_account_take(&one, 2 * MIB, DUET_RANK_RUNNING));
    assert_int_equal(part->held, 2 * MIB);
    part->users++;
    duet_account_join(&two, part, true);
    assert_true(duet_account_take(&two, MIB, DUET_RANK_RUNNING));
    assert_true(duet_budget_part_is_full(part));
    duet_account_join(&one, part, true);
    assert_int_equal(part->held, 4 * MIB);
    duet_account_give(&one, 3 * MIB);
    assert_int_equal(part->held, MIB);
    duet_account_give(&two, MIB);
    duet_account_join(&one, NULL, false);
    duet_account_join(&two, NULL, false);
    assert_int_equal(part->held, 0);
    duet_budget_part_leave(part);
    duet_budget_part_leave(part);
    duet_budget_part_leave(NULL);
}

/* ---- Lines ---- */

static struct duet_line line, other;
static struct duet_waiter first, second, third;

static int set_up_lines(void **state)
{
    set_up(state);
    line = other = (struct duet_line){0};
    duet_line_init(&line, &budget);
    duet_line_init(&other, &budget);
    first = (struct duet_waiter){.account = &one};
    second = (struct duet_waiter){.account = &two};
    third = (struct duet_waiter){.account = &three};
    return 0;
}

static void first_come_first_served_whatever_they_want(void **state)
{
    (void)state;
    struct duet_account runs = {.budget = &budget};
    assert_true(duet_account_take(&runs, 9 * MIB, DUET_RANK_RUNNING));
    duet_line_join(&line, &first, 6 * MIB);
    duet_line_join(&line, &second, MIB); /* would have room, but came later */
    duet_line_join(&other, &third, MIB); /* on another loop, too */
    assert_null(duet_line_next(&line));
    assert_null(duet_line_next(&other));
    assert_false(duet_budget_admit(&budget, &runs, 9 * MIB + 1));
    assert_int_equal(budget.waiting, 3);

    duet_account_give(&runs, 4 * MIB);
    assert_ptr_equal(duet_line_next(&line), &first);
    assert_true(one.is_admitted);
    assert_null(duet_line_next(&other));
    assert_ptr_equal(duet_line_next(&line), &second);
    assert_ptr_equal(duet_line_next(&other), &third);
    assert_null(duet_line_next(&line));
    assert_int_equal(budget.waiting, 0);
    assert_int_equal(budget.admitted, 3);
    assert_int_equal(budget.used, 13 * MIB);
}

static void who_waits_is_told_when_there_is_room_and_not_before(void **state)
{
    (void)state;
    struct duet_account runs = {.budget = &budget};
    assert_true(duet_account_take(&runs, 12 * MIB, DUET_RANK_RUNNING));
    duet_line_join(&line, &first, 3 * MIB);
    assert_null(duet_line_next(&line));
    told = 0;
    assert_true(duet_budget_missing(&budget) > 0);
    duet_account_give(&runs, MIB);
    assert_int_equal(told, 0);
    duet_account_give(&runs, MIB);
    assert_int_equal(told, 1);
    assert_int_equal(duet_budget_missing(&budget), 0);
    assert_ptr_equal(duet_line_next(&line), &first);
}

static void small_ones_wait_only_while_it_is_short(void **state)
{
    (void)state;
    assert_true(duet_account_take(&three, 15 * MIB, DUET_RANK_SMALL));
    duet_line_join(&line, &first, 8 * MIB);
    duet_line_join(&line, &second, 0);
    duet_line_join(&line, &second, 0); /* once */
    assert_null(duet_line_next(&line));
    duet_account_give(&three, 1);
    assert_ptr_equal(duet_line_next(&line), &second);
    assert_null(duet_line_next(&line));
    duet_line_leave(&line, &first);
    duet_line_leave(&line, &first);
    assert_int_equal(budget.waiting, 0);
}

static void the_one_before_leaves_and_the_next_is_told(void **state)
{
    (void)state;
    assert_true(duet_account_take(&three, 12 * MIB, DUET_RANK_SMALL));
    duet_line_join(&line, &first, 8 * MIB);
    duet_line_join(&other, &second, MIB);
    assert_null(duet_line_next(&other));
    told = 0;
    duet_line_leave(&line, &first);
    assert_true(told > 0);
    assert_ptr_equal(duet_line_next(&other), &second);
}

static void what_can_never_have_room_is_let_in_when_it_is_alone(void **state)
{
    (void)state;
    duet_line_join(&line, &first, SIZE_MAX);
    assert_ptr_equal(duet_line_next(&line), &first);
    duet_line_join(&line, &second, SIZE_MAX);
    assert_null(duet_line_next(&line)); /* one after another */
    duet_account_release(&one);
    assert_ptr_equal(duet_line_next(&line), &second);
}

static void the_end_of_a_flood_is_told(void **state)
{
    (void)state;
    assert_true(duet_account_take(&one, 12 * MIB, DUET_RANK_RUNNING));
    duet_account_give(&one, 2 * MIB);
    assert_int_equal(budget.floods, 0);
    duet_account_give(&one, 8 * MIB);
    assert_int_equal(budget.floods, 1);
    assert_int_equal(told, 1);
    duet_account_give(&one, 2 * MIB);
    assert_int_equal(budget.floods, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(newcomers_leave_room_for_those_who_run_and_these_for_small_ones,
                               set_up),
        cmocka_unit_test_setup(who_can_never_have_so_much_is_told_so, set_up),
        cmocka_unit_test_setup(sizes_that_overflow_are_refused, set_up),
        cmocka_unit_test_setup(what_is_reserved_is_taken_without_asking, set_up),
        cmocka_unit_test_setup(a_reservation_goes_on_to_another_account, set_up),
        cmocka_unit_test_setup(a_part_counts_what_is_taken_in_its_name, set_up),
        cmocka_unit_test_setup(first_come_first_served_whatever_they_want, set_up_lines),
        cmocka_unit_test_setup(who_waits_is_told_when_there_is_room_and_not_before,
                               set_up_lines),
        cmocka_unit_test_setup(small_ones_wait_only_while_it_is_short, set_up_lines),
        cmocka_unit_test_setup(the_one_before_leaves_and_the_next_is_told, set_up_lines),
        cmocka_unit_test_setup(what_can_never_have_room_is_let_in_when_it_is_alone,
                               set_up_lines),
        cmocka_unit_test_setup(the_end_of_a_flood_is_told, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
