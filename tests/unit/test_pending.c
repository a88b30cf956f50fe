/*
 * Calls that are out, by msgid.
 */
#include "pending.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { MANY = 1000 };

static struct duet_pending_call calls[MANY];

static void each_call_is_found_once_in_any_order(void **state)
{
    (void)state;
    struct duet_pending pending = {0};
    for (uint32_t i = 0; i < MANY; i++) {
        assert_int_equal(duet_pending_add(&pending, &calls[i]), 0);
        assert_int_equal(calls[i].msgid, i + 1);
    }
    for (uint32_t i = 0; i < MANY; i++) {
        uint32_t at = i * 7 % MANY;
        assert_ptr_equal(duet_pending_take(&pending, at + 1), &calls[at]);
        assert_null(duet_pending_take(&pending, at + 1));
    }
    assert_int_equal(pending.count, 0);
    duet_pending_done(&pending);
}

static void what_nobody_asked_is_not_found(void **state)
{
    (void)state;
    struct duet_pending pending = {0};
    assert_null(duet_pending_take(&pending, 0));
    assert_int_equal(duet_pending_add(&pending, &calls[0]), 0);
    assert_null(duet_pending_take(&pending, 0));
    assert_null(duet_pending_take(&pending, 9)); /* in the slot of 1 */
    assert_null(duet_pending_take(&pending, UINT32_MAX));
    assert_ptr_equal(duet_pending_take(&pending, 1), &calls[0]);
    duet_pending_done(&pending);
}

static void a_msgid_is_not_given_twice_at_a_time(void **state)
{
    (void)state;
    struct duet_pending pending = {.last_msgid = UINT32_MAX - 1};
    assert_int_equal(duet_pending_add(&pending, &calls[0]), 0);
    assert_int_equal(duet_pending_add(&pending, &calls[1]), 0);
    assert_int_equal(calls[0].msgid, UINT32_MAX);
    assert_int_equal(calls[1].msgid, 0);
    pending.last_msgid = UINT32_MAX - 1; /* a lap later both are still out */
    assert_int_equal(duet_pending_add(&pending, &calls[2]), 0);
    assert_int_equal(calls[2].msgid, 1);
    duet_pending_done(&pending);
}

static void all_of_them_are_taken_at_once(void **state)
{
    (void)state;
    struct duet_pending pending = {0};
    assert_null(duet_pending_take_all(&pending));
    for (int i = 0; i < 20; i++)
        assert_int_equal(duet_pending_add(&pending, &calls[i]), 0);
    int count = 0;
    for (const struct duet_pending_call *call = duet_pending_take_all(&pending); call != NULL;
         call = call->next)
        count++;
    assert_int_equal(count, 20);
    assert_null(duet_pending_take(&pending, 1));
    assert_null(duet_pending_take_all(&pending));
    duet_pending_done(&pending);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_call_is_found_once_in_any_order),
        cmocka_unit_test(what_nobody_asked_is_not_found),
        cmocka_unit_test(a_msgid_is_not_given_twice_at_a_time),
        cmocka_unit_test(all_of_them_are_taken_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
