/*
 * Functions about a call that is over, which is NULL, and about its writer: they read as
 * nothing, and say -EALREADY where they can fail.
 */
#include "duet.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void its_arguments_read_as_nothing(void **state)
{
    (void)state;
    size_t size = 7;
    assert_int_equal(duet_arg_count(NULL), 0);
    assert_int_equal(duet_arg_type(NULL, 0), DUET_TYPE_NIL);
    assert_int_equal(duet_value_type(duet_arg(NULL, 0)), DUET_TYPE_NIL);
    assert_false(duet_arg_bool(NULL, 0));
    assert_int_equal(duet_arg_int(NULL, 0), 0);
    assert_int_equal(duet_arg_uint(NULL, 0), 0);
    assert_true(duet_arg_double(NULL, 0) == 0);
    assert_string_equal(duet_arg_string(NULL, 0, &size), "");
    assert_int_equal(size, 0);
    duet_arg_bytes(NULL, 0, &size);
    assert_int_equal(size, 0);
    assert_int_equal(duet_arg_time(NULL, 0).seconds, 0);
    assert_true(duet_arg_is_text(NULL, 0));
}

static void it_cannot_be_answered(void **state)
{
    (void)state;
    assert_int_equal(duet_reply_nil(NULL), -EALREADY);
    assert_int_equal(duet_reply_bool(NULL, true), -EALREADY);
    assert_int_equal(duet_reply_int(NULL, 1), -EALREADY);
    assert_int_equal(duet_reply_uint(NULL, UINT64_MAX), -EALREADY);
    assert_int_equal(duet_reply_double(NULL, 1), -EALREADY);
    assert_int_equal(duet_reply_string(NULL, "a"), -EALREADY);
    assert_int_equal(duet_reply_string(NULL, NULL), -EALREADY);
    assert_int_equal(duet_reply_bytes(NULL, "a", 1), -EALREADY);
    assert_int_equal(duet_reply_time(NULL, (duet_time){0}), -EALREADY);
    assert_int_equal(duet_reply_value(NULL, NULL), -EALREADY);
    assert_int_equal(duet_fail(NULL, 1, "words"), -EALREADY);
    assert_int_equal(duet_call_invoke(NULL, "m", duet_arg(NULL, 0), NULL), -EALREADY);
}

static void nothing_is_known_of_it(void **state)
{
    (void)state;
    const char *words;
    assert_null(duet_call_writer(NULL));
    assert_int_equal(duet_call_fault(NULL, &words), -EALREADY);
    assert_string_equal(words, "");
    assert_int_equal(duet_call_fault(NULL, NULL), -EALREADY);
    assert_true(duet_call_cancelled(NULL));
    assert_string_equal(duet_call_method(NULL), "");
    assert_string_equal(duet_call_peer(NULL), "");
    assert_int_equal(duet_call_protocol(NULL), DUET_PROTOCOL_XMLRPC);
    assert_false(duet_call_is_notification(NULL));
    assert_null(duet_call_server(NULL));
}

static void nothing_is_written_to_its_writer(void **state)
{
    (void)state;
    assert_int_equal(duet_write_nil(NULL), -EALREADY);
    assert_int_equal(duet_write_bool(NULL, true), -EALREADY);
    assert_int_equal(duet_write_int(NULL, 1), -EALREADY);
    assert_int_equal(duet_write_uint(NULL, UINT64_MAX), -EALREADY);
    assert_int_equal(duet_write_double(NULL, 1), -EALREADY);
    assert_int_equal(duet_write_text(NULL, NULL), -EALREADY);
    assert_int_equal(duet_write_string(NULL, "a", 1), -EALREADY);
    assert_int_equal(duet_write_bytes(NULL, "a", 1), -EALREADY);
    assert_int_equal(duet_write_time(NULL, (duet_time){0}), -EALREADY);
    assert_int_equal(duet_write_value(NULL, NULL), -EALREADY);
    assert_int_equal(duet_write_array(NULL, 1), -EALREADY);
    assert_int_equal(duet_write_map(NULL, 1), -EALREADY);
    assert_int_equal(duet_write_key(NULL, "k", 1), -EALREADY);
    assert_int_equal(duet_write_int_key(NULL, 1), -EALREADY);
    assert_int_equal(duet_write_record(NULL, 1, DUET_RECORD_ARRAY), -EALREADY);
    assert_int_equal(duet_write_field(NULL, "k"), -EALREADY);
    duet_writer_rewind(NULL, duet_writer_mark(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(its_arguments_read_as_nothing),
        cmocka_unit_test(it_cannot_be_answered),
        cmocka_unit_test(nothing_is_known_of_it),
        cmocka_unit_test(nothing_is_written_to_its_writer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
