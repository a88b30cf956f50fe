/*
 * The list of hooks: structs of programs of any age go into it.
 */
#include "hooks.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static int before(duet_call *call, void *ctx)
{
    (void)call, (void)ctx;
    return 0;
}

static void after(duet_call *call, const duet_outcome *outcome, void *ctx)
{
    (void)call, (void)outcome, (void)ctx;
}

static void they_stand_in_the_order_they_were_added(void **state)
{
    (void)state;
    struct duet_hook_list list = {.at = NULL};
    int ctx[2];
    duet_hooks first = {.before = before}, second = {.after = after};
    assert_int_equal(duet_hook_list_add(&list, &first, sizeof first, &ctx[0]), 0);
    assert_int_equal(duet_hook_list_add(&list, &second, sizeof second, &ctx[1]), 0);
    assert_int_equal(list.count, 2);
    assert_ptr_equal(list.at[0].hooks.before, before);
    assert_null(list.at[0].hooks.after);
    assert_ptr_equal(list.at[0].ctx, &ctx[0]);
    assert_ptr_equal(list.at[1].hooks.after, after);
    assert_ptr_equal(list.at[1].ctx, &ctx[1]);
    duet_hook_list_done(&list);
    assert_int_equal(list.count, 0);
}

static void hooks_of_an_older_program_have_nothing_after(void **state)
{
    (void)state;
    struct duet_hook_list list = {.at = NULL};
    duet_hooks hooks = {.before = before, .after = after};
    assert_int_equal(duet_hook_list_add(&list, &hooks, offsetof(duet_hooks, after), NULL), 0);
    assert_ptr_equal(list.at[0].hooks.before, before);
    assert_null(list.at[0].hooks.after);
    duet_hook_list_done(&list);
}

static void a_hook_of_a_newer_program_is_refused(void **state)
{
    (void)state;
    struct duet_hook_list list = {.at = NULL};
    struct {
        duet_hooks known;
        void (*later)(void);
    } hooks = {{.before = before, .after = after}, NULL};
    assert_int_equal(duet_hook_list_add(&list, &hooks.known, sizeof hooks, NULL), 0);
    memset(&hooks.later, 1, sizeof hooks.later);
    assert_int_equal(duet_hook_list_add(&list, &hooks.known, sizeof hooks, NULL), -EINVAL);
    assert_int_equal(list.count, 1);
    duet_hook_list_done(&list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(they_stand_in_the_order_they_were_added),
        cmocka_unit_test(hooks_of_an_older_program_have_nothing_after),
        cmocka_unit_test(a_hook_of_a_newer_program_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
