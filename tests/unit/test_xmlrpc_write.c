/*
 * The writer's operations for XML-RPC: each value's elements, the styles, and what is a fault
 * because the format cannot carry it.
 */
#include "duet.h"
#include "writer.h"
#include "xmlrpc_writing.h"

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static const struct duet_writer_ops *const ops = &duet_writer_ops_xmlrpc;

static void integers_beyond_32_bits_follow_the_style(void **state)
{
    (void)state;
    static const struct {
        int64_t value;
        uint8_t style;
        const char *xml; /* NULL: a fault */
    } rows[] = {
        {0, DUET_I8_PLAIN, "<value><int>0</int></value>"},
        {-7, DUET_I8_FAULT, "<value><int>-7</int></value>"},
        {INT32_MAX, DUET_I8_FAULT, "<value><int>2147483647</int></value>"},
        {INT32_MIN, DUET_I8_EX, "<value><int>-2147483648</int></value>"},
        {INT64_C(2147483648), DUET_I8_PLAIN, "<value><i8>2147483648</i8></value>"},
        {INT64_MIN, DUET_I8_PLAIN, "<value><i8>-9223372036854775808</i8></value>"},
        {INT64_MAX, DUET_I8_EX, "<value><ex:i8>9223372036854775807</ex:i8></value>"},
        {INT64_C(-2147483649), DUET_I8_FAULT, NULL},
    };
    struct writing writing;
    struct duet_writer *writer = writing_init(&writing, 1000);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        writer->style.i8 = rows[i].style;
        int rc = ops->integer(writer, rows[i].value);
        assert_int_equal(rc, rows[i].xml != NULL ? 0 : DUET_FAILED);
        assert_string_equal(written(&writing), rows[i].xml != NULL ? rows[i].xml : "");
    }
    assert_int_equal(writing.fault.code, DUET_FAULT_INTERNAL);
    assert_string_equal(writing.fault.message,
                        "integer -2147483649 exceeds XML-RPC's 32 bits, and --i8 fault forbids "
                        "the extension");
    writing_done(&writing);
}

static void integers_beyond_63_bits_are_a_fault(void **state)
{
    (void)state;
    struct writing writing;
    struct duet_writer *writer = writing_init(&writing, 1000);
    assert_int_equal(ops->natural(writer, UINT64_MAX), DUET_FAILED);
    assert_int_equal(writing.fault.code, DUET_FAULT_INTERNAL);
    assert_non_null(strstr(writing.fault.message, "18446744073709551615"));
    writing_done(&writing);
}

static void nil_follows_the_style(void **state)
{
    (void)state;
    struct writing writing;
    struct duet_writer *writer = writing_init(&writing, 1000);
    assert_int_equal(ops->nil(writer), 0);
    assert_string_equal(written(&writing), "<value><nil/></value>");
    writer->style.nil = DUET_NIL_EX;
    assert_int_equal(ops->nil(writer), 0);
    assert_string_equal(written(&writing), "<value><ex:nil/></value>");
    writer->style.nil = DUET_NIL_EMPTY;
    assert_int_equal(ops->nil(writer), 0);
    assert_string_equal(written(&writing), "<value><string></string></value>");
    writer->style.nil = DUET_NIL_FALSE;
    assert_int_equal(ops->nil(writer), 0);
    assert_string_equal(written(&writing), "<value><boolean>0</boolean></value>");
    writer->style.nil = DUET_NIL_FAULT;
    assert_int_equal(ops->nil(writer), DUET_FAILED);
    assert_int_equal(writing.fault.code, DUET_FAULT_INTERNAL);
    writing_done(&writing);
}

static void scalars_are_written(void **state)
{
    (void)state;
    struct writing writing;
    struct duet_writer *writer = writing_init(&writing, 1000);
    ops->boolean(writer, true);
    assert_string_equal(written(&writing), "<value><boolean>1</boolean></value>");
    ops->boolean(writer, false);
    assert_string_equal(written(&writing), "<value><boolean>0</boolean></value>");
    ops->real(writer, 14);
    assert_string_equal(written(&writing), "<value><double>14.0</double></value>");
    ops->real(writer, 0.1 + 0.2);
    assert_string_equal(written(&writing),
                        "<value><double>0.30000000000000004</double></value>");
    ops->bytes(writer, "foob", 4);
    assert_string_equal(written(&writing), "<value><base64>Zm9vYg==</base64></value>");
    ops->bytes(writer, NULL, 0);
    assert_string_equal(written(&writing), "<value><base64></base64></value>");
    ops->time(writer, (duet_time){900684535, 500000000});
    assert_string_equal(
        written(&writing),
        "<value><dateTime.iso8601>19980717T14:08:55</dateTime.iso8601></value>");
    ops->ext(writer, -1, "\x35\xaf\x5a\xf7", 4);
    assert_string_equal(
        written(&writing),
        "<value><dateTime.iso8601>19980717T14:08:55</dateTime.iso8601></value>");
    writing_done(&writing);
}

static void what_xml_rpc_has_no_type_for_is_a_fault(void **state)
{
    (void)state;
    struct writing writing;
    struct duet_writer *writer = writing_init(&writing, 1000);
    assert_int_equal(ops->real(writer, NAN), DUET_FAILED);
    assert_int_equal(ops->real(writer, -INFINITY), DUET_FAILED);
    assert_int_equal(writing.fault.code, DUET_FAULT_INTERNAL);
    assert_int_equal(ops->time(writer, (duet_time){253402300800, 0}), DUET_FAILED);
    assert_non_null(strstr(writing.fault.message, "0001 to 9999"));
    assert_int_equal(ops->ext(writer, 7, "x", 1), DUET_FAILED);
    assert_non_null(strstr(writing.fault.message, "extension of type 7"));
    assert_int_equal(ops->ext(writer, -1, "xxx", 3), DUET_FAILED);
    assert_int_equal(writer->out.size, 0);
    writing_done(&writing);
}

static void strings_are_typed_and_escaped_and_follow_the_style(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint8_t style;
        const char *xml; /* NULL: a fault */
    } rows[] = {
        {"", DUET_CONTROL_CHARS_BASE64, "<value><string></string></value>"},
        {"a<b>&\r\n", DUET_CONTROL_CHARS_FAULT,
         "<value><string>a&lt;b&gt;&amp;&#13;\n</string></value>"},
        {"a\x1b", DUET_CONTROL_CHARS_BASE64, "<value><base64>YRs=</base64></value>"},
        {"a\x1b", DUET_CONTROL_CHARS_REPLACE, "<value><string>a\xef\xbf\xbd</string></value>"},
        {"a\xff<", DUET_CONTROL_CHARS_BASE64, "<value><base64>Yf88</base64></value>"},
        {"a\xff<", DUET_CONTROL_CHARS_REPLACE,
         "<value><string>a\xef\xbf\xbd&lt;</string></value>"},
        {"a\xff<", DUET_CONTROL_CHARS_FAULT, NULL},
    };
    struct writing writing;
    struct duet_writer *writer = writing_init(&writing, 1000);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        writer->style.control_chars = rows[i].style;
        int rc = ops->string(writer, rows[i].text, strlen(rows[i].text));
        assert_int_equal(rc, rows[i].xml != NULL ? 0 : DUET_FAILED);
        assert_string_equal(written(&writing), rows[i].xml != NULL ? rows[i].xml : "");
    }
    assert_string_equal(writing.fault.message,
                        "a string holds byte 0xff at offset 1, which XML cannot carry; "
                        "--control-chars base64 or replace would send it");
    writing_done(&writing);
}

static msgpack_object text(const char *name)
{
    return (msgpack_object){.type = MSGPACK_OBJECT_STR,
                            .via.str = {.size = (uint32_t)strlen(name), .ptr = name}};
}

static void containers_close_what_they_open(void **state)
{
    (void)state;
    struct writing writing;
    struct duet_writer *writer = writing_init(&writing, 1000);
    const msgpack_object name = text("a&b");
    ops->begin_array(writer, 1);
    ops->begin_map(writer, 1);
    ops->key(writer, &name);
    ops->boolean(writer, true);
    ops->end_member(writer);
    ops->end_map(writer);
    ops->end_array(writer);
    assert_string_equal(written(&writing),
                        "<value><array><data><value><struct><member><name>a&amp;b</name>"
                        "<value><boolean>1</boolean></value></member></struct></value>"
                        "</data></array></value>");
    assert_true(ops->has_field_names);
    writing_done(&writing);
}

static void keys_of_any_scalar_type_become_text(void **state)
{
    (void)state;
    const struct {
        msgpack_object key;
        const char *name;
    } rows[] = {
        {text(""), ""},
        {text("a\x01"
              "b"),
         "a\xef\xbf\xbd"
         "b"},
        {{.type = MSGPACK_OBJECT_BIN, .via.bin = {2, "\xff<"}}, "\xef\xbf\xbd&lt;"},
        {{.type = MSGPACK_OBJECT_POSITIVE_INTEGER, .via.u64 = 42}, "42"},
        {{.type = MSGPACK_OBJECT_POSITIVE_INTEGER, .via.u64 = UINT64_MAX},
         "18446744073709551615"},
        {{.type = MSGPACK_OBJECT_NEGATIVE_INTEGER, .via.i64 = -42}, "-42"},
        {{.type = MSGPACK_OBJECT_BOOLEAN, .via.boolean = true}, "true"},
        {{.type = MSGPACK_OBJECT_BOOLEAN, .via.boolean = false}, "false"},
        {{.type = MSGPACK_OBJECT_FLOAT64, .via.f64 = 1.5}, "1.5"},
        {{.type = MSGPACK_OBJECT_NIL}, "nil"},
        {{.type = MSGPACK_OBJECT_EXT, .via.ext = {-1, 4, "\x35\xaf\x5a\xf7"}},
         "19980717T14:08:55"},
    };
    struct writing writing;
    struct duet_writer *writer = writing_init(&writing, 1000);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char expected[100];
        snprintf(expected, sizeof expected, "<member><name>%s</name>", rows[i].name);
        assert_int_equal(ops->key(writer, &rows[i].key), 0);
        assert_string_equal(written(&writing), expected);
    }
    writing_done(&writing);
}

static void keys_that_are_no_text_are_a_fault(void **state)
{
    (void)state;
    const msgpack_object rows[] = {
        {.type = MSGPACK_OBJECT_ARRAY},
        {.type = MSGPACK_OBJECT_MAP},
        {.type = MSGPACK_OBJECT_FLOAT64, .via.f64 = (double)NAN},
        {.type = MSGPACK_OBJECT_EXT, .via.ext = {5, 1, "x"}},
        {.type = MSGPACK_OBJECT_EXT, .via.ext = {-1, 3, "xxx"}},
        {.type = MSGPACK_OBJECT_EXT,
         .via.ext = {-1, 12, "\0\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff"}},
        text("a\x01"),
    };
    struct writing writing;
    struct duet_writer *writer = writing_init(&writing, 1000);
    writer->style.control_chars = DUET_CONTROL_CHARS_FAULT;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        writing.fault.code = 0;
        assert_int_equal(ops->key(writer, &rows[i]), DUET_FAILED);
        assert_int_equal(writing.fault.code, DUET_FAULT_INTERNAL);
    }
    writing_done(&writing);
}

static void a_full_reply_is_an_error_of_every_operation(void **state)
{
    (void)state;
    struct writing writing;
    struct duet_writer *writer = writing_init(&writing, 10);
    const msgpack_object key = text("k");
    assert_int_equal(ops->nil(writer), -EMSGSIZE);
    assert_int_equal(ops->boolean(writer, true), -EMSGSIZE);
    assert_int_equal(ops->integer(writer, 1), -EMSGSIZE);
    assert_int_equal(ops->integer(writer, INT64_MAX), -EMSGSIZE);
    assert_int_equal(ops->real(writer, 1), -EMSGSIZE);
    assert_int_equal(ops->string(writer, "x", 1), -EMSGSIZE);
    assert_int_equal(ops->bytes(writer, "x", 1), -EMSGSIZE);
    assert_int_equal(ops->time(writer, (duet_time){0, 0}), -EMSGSIZE);
    assert_int_equal(ops->begin_array(writer, 1), -EMSGSIZE);
    assert_int_equal(ops->end_array(writer), -EMSGSIZE);
    assert_int_equal(ops->begin_map(writer, 1), -EMSGSIZE);
    assert_int_equal(ops->key(writer, &key), -EMSGSIZE);
    assert_int_equal(ops->end_map(writer), -EMSGSIZE);
    writing_done(&writing);
}

static void a_reply_may_be_exactly_as_long_as_its_limit(void **state)
{
    (void)state;
    struct writing writing;
    struct duet_writer *writer = writing_init(&writing, strlen("<value><int>7</int></value>"));
    assert_int_equal(ops->integer(writer, 7), 0);
    writing_done(&writing);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_beyond_32_bits_follow_the_style),
        cmocka_unit_test(integers_beyond_63_bits_are_a_fault),
        cmocka_unit_test(nil_follows_the_style),
        cmocka_unit_test(scalars_are_written),
        cmocka_unit_test(what_xml_rpc_has_no_type_for_is_a_fault),
        cmocka_unit_test(strings_are_typed_and_escaped_and_follow_the_style),
        cmocka_unit_test(containers_close_what_they_open),
        cmocka_unit_test(keys_of_any_scalar_type_become_text),
        cmocka_unit_test(keys_that_are_no_text_are_a_fault),
        cmocka_unit_test(a_full_reply_is_an_error_of_every_operation),
        cmocka_unit_test(a_reply_may_be_exactly_as_long_as_its_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
