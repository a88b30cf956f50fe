/*
 * The byte buffer: growth, ceiling, moving and letting go.
 */
#include "buf.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void it_grows_up_to_its_ceiling_and_not_beyond(void **state)
{
    (void)state;
    struct duet_buf buf;
    duet_buf_init(&buf, 1000);

    for (int i = 0; i < 1000; i++)
        assert_int_equal(duet_buf_append(&buf, "x", 1), 0);
    assert_int_equal(buf.size, 1000);
    assert_int_equal(duet_buf_append(&buf, "x", 1), -EMSGSIZE);
    assert_int_equal(buf.size, 1000);
    duet_buf_done(&buf);
}

static void an_absurd_size_is_refused_before_it_is_allocated(void **state)
{
    (void)state;
    struct duet_buf buf;
    duet_buf_init(&buf, 1000);

    assert_int_equal(duet_buf_append(&buf, "abc", 3), 0);
    assert_int_equal(duet_buf_reserve(&buf, SIZE_MAX), -EMSGSIZE);
    assert_int_equal(duet_buf_reserve(&buf, SIZE_MAX - 2), -EMSGSIZE);
    assert_true(buf.capacity <= 1000);
    duet_buf_done(&buf);
}

static void taking_moves_the_bytes(void **state)
{
    (void)state;
    struct duet_buf from, to;
    duet_buf_init(&from, 1000);
    duet_buf_append(&from, "abc", 3);

    duet_buf_take(&to, &from);
    assert_memory_equal(to.data, "abc", 3);
    assert_null(from.data);
    assert_int_equal(from.max, 1000);
    duet_buf_done(&to);
    duet_buf_done(&from);
}

static void a_reset_keeps_small_memory_and_frees_large(void **state)
{
    (void)state;
    struct duet_buf buf;
    duet_buf_init(&buf, 100000);

    duet_buf_append(&buf, "abc", 3);
    duet_buf_reset(&buf, 256);
    assert_int_equal(buf.size, 0);
    assert_non_null(buf.data);

    assert_int_equal(duet_buf_reserve(&buf, 50000), 0);
    duet_buf_reset(&buf, 256);
    assert_null(buf.data);
    duet_buf_done(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_grows_up_to_its_ceiling_and_not_beyond),
        cmocka_unit_test(an_absurd_size_is_refused_before_it_is_allocated),
        cmocka_unit_test(taking_moves_the_bytes),
        cmocka_unit_test(a_reset_keeps_small_memory_and_frees_large),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
