/*
 * The codec as rpc sees it: a request's head, replies and faults as whole documents, and values
 * that come back as they went.
 */
#include "xmlrpc_reading.h"
#include "xmlrpc_writing.h"

#include <float.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct duet_codec *const codec = &duet_codec_xmlrpc;

static void head_reads_the_whole_request(void **state)
{
    (void)state;
    uint8_t bytes[] = "<?xml version='1.0'?>\n<methodCall>\n<methodName>double</methodName>\n"
                      "<params>\n<param>\n<value><int>7</int></value>\n</param>\n</params>\n"
                      "</methodCall>\n";
    struct reading reading;
    reading_init(&reading);
    struct duet_incoming request = {.bytes = bytes,
                                    .size = sizeof bytes - 1,
                                    .limits = &reading.limits,
                                    .arena = &reading.arena,
                                    .fault = &reading.fault};
    assert_int_equal(codec->head(&request), 0);
    assert_int_equal(request.kind, DUET_KIND_REQUEST);
    assert_false(request.has_msgid);
    assert_int_equal(request.msgid, 0);
    assert_int_equal(request.method_size, 6);
    assert_memory_equal(request.method, "double", 6);
    assert_int_equal(codec->decode(&request), 0);
    assert_int_equal(request.params.type, MSGPACK_OBJECT_ARRAY);
    assert_int_equal(request.params.via.array.ptr[0].via.u64, 7);
    reading_done(&reading);
}

static void a_bad_request_is_a_fault(void **state)
{
    (void)state;
    uint8_t bytes[] = "<methodCall>";
    struct reading reading;
    reading_init(&reading);
    struct duet_incoming request = {.bytes = bytes,
                                    .size = sizeof bytes - 1,
                                    .limits = &reading.limits,
                                    .arena = &reading.arena,
                                    .fault = &reading.fault};
    assert_int_equal(codec->head(&request), DUET_FAILED);
    assert_int_equal(reading.fault.code, DUET_FAULT_PARSE);
    reading_done(&reading);
}

static void a_reply_is_one_param(void **state)
{
    (void)state;
    struct writing writing;
    struct duet_writer *writer = writing_init(&writing, 1000);
    assert_int_equal(codec->begin_reply(writer, 0), 0);
    assert_int_equal(writer->ops->integer(writer, 14), 0);
    assert_int_equal(codec->end_reply(writer), 0);
    assert_string_equal(
        written(&writing),
        "<?xml version=\"1.0\"?>\r\n<methodResponse><params><param><value><int>14"
        "</int></value></param></params></methodResponse>\r\n");
    writing_done(&writing);
}

static void extension_types_are_declared_where_the_style_uses_them(void **state)
{
    (void)state;
    struct writing writing;
    struct duet_writer *writer = writing_init(&writing, 1000);
    const char *declared =
        "<methodResponse "
        "xmlns:ex=\"http://ws.apache.org/xmlrpc/namespaces/extensions\"><params>";
    codec->begin_reply(writer, 0);
    assert_null(strstr(written(&writing), "xmlns"));
    writer->style.nil = DUET_NIL_EX;
    codec->begin_reply(writer, 0);
    assert_non_null(strstr(written(&writing), declared));
    writer->style = (struct duet_style){.i8 = DUET_I8_EX};
    codec->begin_reply(writer, 0);
    assert_non_null(strstr(written(&writing), declared));
    writing_done(&writing);
}

static void a_fault_is_a_struct_and_always_well_formed(void **state)
{
    (void)state;
    struct writing writing;
    struct duet_writer *writer = writing_init(&writing, 1000);
    const struct duet_fault fault = {.code = -32602, .message = "a<b & \x01\xff"};
    assert_int_equal(codec->fault(writer, 0, &fault), 0);
    assert_string_equal(
        written(&writing),
        "<?xml version=\"1.0\"?>\r\n<methodResponse><fault><value><struct><member><name>"
        "faultCode</name><value><int>-32602</int></value></member><member><name>faultString"
        "</name><value><string>a&lt;b &amp; \xef\xbf\xbd\xef\xbf\xbd</string></value></member>"
        "</struct></value></fault></methodResponse>\r\n");
    writing_done(&writing);
}

/* Reads a value that was written. */
static const msgpack_object *read_back(struct reading *reading, struct writing *writing)
{
    static char text[4096];
    snprintf(text, sizeof text,
             "<methodCall><methodName>m</methodName><params><param>%s</param></params>"
             "</methodCall>",
             written(writing));
    read_text(reading, text);
    assert_int_equal(reading->rc, 0);
    return &reading->request.params.via.array.ptr[0];
}

static void values_come_back_as_they_went(void **state)
{
    (void)state;
    struct reading reading;
    struct writing writing;
    reading_init(&reading);
    struct duet_writer *writer = writing_init(&writing, 4000);
    static const int64_t integers[] = {0,         -1,        INT32_MAX, INT32_MIN,
                                       INT64_MAX, INT64_MIN, 1LL << 31, -(1LL << 31) - 1};
    for (size_t i = 0; i < sizeof integers / sizeof *integers; i++) {
        writer->ops->integer(writer, integers[i]);
        assert_int_equal(read_back(&reading, &writing)->via.i64, integers[i]);
    }
    static const double doubles[] = {0.0,     -0.0,   0.1 + 0.2, 123456789.12345679,
                                     DBL_MAX, 5e-324, 1e22,      -2.5};
    for (size_t i = 0; i < sizeof doubles / sizeof *doubles; i++) {
        writer->ops->real(writer, doubles[i]);
        const msgpack_object *back = read_back(&reading, &writing);
        assert_memory_equal(&back->via.f64, &doubles[i], sizeof *doubles);
    }
    static const char *const strings[] = {"",
                                          " a ",
                                          "<![CDATA[",
                                          "]]>",
                                          "&amp;",
                                          "\r\n\t",
                                          "\xf0\x9f\x98\x80\xc2\x85\xe2\x80\xa8"};
    for (size_t i = 0; i < sizeof strings / sizeof *strings; i++) {
        writer->ops->string(writer, strings[i], strlen(strings[i]));
        assert_string_equal(read_back(&reading, &writing)->via.str.ptr, strings[i]);
    }
    writer->ops->string(writer, "\x1b\xff", 2);
    const msgpack_object *back = read_back(&reading, &writing);
    assert_int_equal(back->type, MSGPACK_OBJECT_BIN);
    assert_memory_equal(back->via.bin.ptr, "\x1b\xff", 2);
    reading_done(&reading);
    writing_done(&writing);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(head_reads_the_whole_request),
        cmocka_unit_test(a_bad_request_is_a_fault),
        cmocka_unit_test(a_reply_is_one_param),
        cmocka_unit_test(extension_types_are_declared_where_the_style_uses_them),
        cmocka_unit_test(a_fault_is_a_struct_and_always_well_formed),
        cmocka_unit_test(values_come_back_as_they_went),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
