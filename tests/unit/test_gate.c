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
    struct duet_gate_link links[3];
    duet_gate_init(&gate, 1);
    assert_true(duet_gate_try(&gate));
    for (size_t i = 0; i < 3; i++)
        assert_false(duet_gate_enter(&gate, &links[i]));
    for (size_t i = 0; i < 3; i++) {
        assert_ptr_equal(duet_gate_leave(&gate), &links[i]);
        assert_false(duet_gate_try(&gate)); /* the place was handed on, not freed */
    }
    assert_null(duet_gate_leave(&gate));
    assert_true(duet_gate_enter(&gate, &links[0]));
    duet_gate_done(&gate);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_so_many_pass_at_once),
        cmocka_unit_test(who_waits_is_let_in_in_turn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
