/*
 * The gate in front of a method: who may pass, who waits, who is let in by whom.
 */
#include "gate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void only_so_many_pass_at_once(void **state)
{
    (void)state;
    struct duet_gate gate;
    duet_gate_init(&gate, 2);
    assert_true(duet_gate_try(&gate));
    assert_true(duet_gate_try(&gate));
    assert_false(duet_gate_try(&gate));
    assert_null(duet_gate_leave(&gate));
    assert_true(duet_gate_try(&gate));
    duet_gate_done(&gate);
}

static void who_waits_is_let_in_in_turn(void **state)
{
    (void)state;
    struct duet_gate gate;
    struct duet_gate_link links[3] = {0};
    duet_gate_init(&gate, 1);
    assert_true(duet_gate_try(&gate));
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(duet_gate_enter(&gate, &links[i]), GATE_WAITS);
    for (size_t i = 0; i < 3; i++) {
        assert_ptr_equal(duet_gate_leave(&gate), &links[i]);
        assert_false(duet_gate_try(&gate)); /* the place was handed on, not freed */
    }
    assert_null(duet_gate_leave(&gate));
    assert_int_equal(duet_gate_enter(&gate, &links[0]), GATE_PASSED);
    duet_gate_done(&gate);
}

static void who_is_taken_back_is_not_let_in(void **state)
{
    (void)state;
    for (size_t back = 0; back < 3; back++) { /* from the front, the middle, the end */
        struct duet_gate gate;
        struct duet_gate_link links[4] = {0};
        duet_gate_init(&gate, 1);
        assert_true(duet_gate_try(&gate));
        for (size_t i = 0; i < 3; i++)
            assert_int_equal(duet_gate_enter(&gate, &links[i]), GATE_WAITS);
        assert_true(duet_gate_take_back(&gate, &links[back]));
        assert_int_equal(duet_gate_enter(&gate, &links[3]), GATE_WAITS);
        for (size_t i = 0; i < 4; i++)
            if (i != back)
                assert_ptr_equal(duet_gate_leave(&gate), &links[i]);
        assert_null(duet_gate_leave(&gate));
        duet_gate_done(&gate);
    }
}

static void who_is_taken_back_too_early_or_too_late(void **state)
{
    (void)state;
    struct duet_gate gate;
    struct duet_gate_link early = {0}, late = {0};
    duet_gate_init(&gate, 1);
    assert_false(duet_gate_take_back(&gate, &early)); /* on its way to the gate */
    assert_int_equal(duet_gate_enter(&gate, &early), GATE_GONE);

    assert_true(duet_gate_try(&gate));
    assert_int_equal(duet_gate_enter(&gate, &late), GATE_WAITS);
    assert_ptr_equal(duet_gate_leave(&gate), &late);
    assert_false(duet_gate_take_back(&gate, &late)); /* it has been let in */
    assert_null(duet_gate_leave(&gate));
    duet_gate_done(&gate);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_so_many_pass_at_once),
        cmocka_unit_test(who_waits_is_let_in_in_turn),
        cmocka_unit_test(who_is_taken_back_is_not_let_in),
        cmocka_unit_test(who_is_taken_back_too_early_or_too_late),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
