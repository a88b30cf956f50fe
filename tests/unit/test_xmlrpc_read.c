/*
 * Whole documents: limits, hostile ones, large ones in slices, cut and mutated ones.
 */
#include "xmlrpc_read.h"

#include "xmlrpc_reading.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define BEGIN "<methodCall><methodName>m</methodName><params><param>"
#define END "</param></params></methodCall>"
#define GOOD BEGIN "<value><int>7</int></value>" END

/* `begin`, then `open` as often as `count`, `middle`, `close` as often, and the end. */
static char *nested(const char *open, const char *middle, const char *close, size_t count)
{
    char *text = malloc(sizeof BEGIN + sizeof END + strlen(middle) +
                        count * (strlen(open) + strlen(close))),
         *to = stpcpy(text, BEGIN);
    for (size_t i = 0; i < count; i++)
        to = stpcpy(to, open);
    to = stpcpy(to, middle);
    for (size_t i = 0; i < count; i++)
        to = stpcpy(to, close);
    strcpy(to, END);
    return text;
}

static void read_nested(struct reading *reading, const char *open, const char *middle,
                        const char *close, size_t count)
{
    char *text = nested(open, middle, close, count);
    read_text(reading, text);
    free(text);
}

#define ARRAY_BEGIN "<value><array><data>"
#define ARRAY_END "</data></array></value>"
#define STRUCT_BEGIN "<value><struct><member><name>a</name>"
#define STRUCT_END "</member></struct></value>"

static void max_depth_levels_are_taken_and_one_more_is_refused(void **state)
{
    (void)state;
    struct reading reading;
    reading_init(&reading);
    read_nested(&reading, ARRAY_BEGIN, "", ARRAY_END, 64);
    assert_int_equal(reading.rc, 0);
    read_nested(&reading, ARRAY_BEGIN, "", ARRAY_END, 65);
    assert_int_equal(reading.fault.code, DUET_FAULT_LIMIT);
    assert_non_null(strstr(reading.fault.message, "exceeds --max-depth 64"));
    read_nested(&reading, STRUCT_BEGIN, "<value/>", STRUCT_END, 64);
    assert_int_equal(reading.rc, 0);
    read_nested(&reading, STRUCT_BEGIN, "<value/>", STRUCT_END, 65);
    assert_int_equal(reading.fault.code, DUET_FAULT_LIMIT);

    reading.limits.max_depth = 1000;
    read_nested(&reading, ARRAY_BEGIN, "", ARRAY_END, 1000);
    assert_int_equal(reading.rc, 0);
    reading.limits.max_depth = 0;
    read_nested(&reading, ARRAY_BEGIN, "", ARRAY_END, 1);
    assert_non_null(strstr(reading.fault.message, "exceeds --max-depth 0"));
    reading_done(&reading);
}

static void a_hostile_depth_is_refused_and_the_next_call_is_read(void **state)
{
    (void)state;
    static const struct {
        const char *open, *close;
        int code;
    } rows[] = {
        {ARRAY_BEGIN, ARRAY_END, DUET_FAULT_LIMIT}, {ARRAY_BEGIN, "", DUET_FAULT_LIMIT},
        {STRUCT_BEGIN, "", DUET_FAULT_LIMIT},       {"<value>", "</value>", DUET_FAULT_REQUEST},
        {"<a>", "</a>", DUET_FAULT_REQUEST},
    };
    struct reading reading;
    reading_init(&reading);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        read_nested(&reading, rows[i].open, "", rows[i].close, 200000);
        assert_int_equal(reading.fault.code, rows[i].code);
        assert_string_equal(read_text(&reading, GOOD), "[7]");
    }
    reading_done(&reading);
}

static void values_are_counted_exactly(void **state)
{
    (void)state;
    struct reading reading;
    reading_init(&reading);
    reading.limits.max_values = 5;
    const char *four = ARRAY_BEGIN "<value/><value/><value/><value/>" ARRAY_END;
    const char *five = ARRAY_BEGIN "<value/><value/><value/><value/><value/>" ARRAY_END;
    read_nested(&reading, "", four, "", 1);
    assert_int_equal(reading.rc, 0);
    read_nested(&reading, "", five, "", 1);
    assert_int_equal(reading.fault.code, DUET_FAULT_LIMIT);
    assert_non_null(strstr(reading.fault.message, "exceeds --max-values 5"));
    reading_done(&reading);
}

static void a_million_values_are_read_and_one_more_is_refused(void **state)
{
    (void)state;
    struct reading reading;
    reading_init(&reading);
    read_nested(&reading, "<value/>", "", "", 1);
    assert_int_equal(reading.rc, 0);

    char *text = nested("<value/>", ARRAY_END, "", 999999);
    char *begin = malloc(strlen(text) + sizeof ARRAY_BEGIN);
    sprintf(begin, BEGIN ARRAY_BEGIN "%s", text + strlen(BEGIN));
    read_text(&reading, begin);
    assert_int_equal(reading.rc, 0);
    assert_int_equal(reading.request.params.via.array.ptr[0].via.array.size, 999999);
    assert_true(reading.arena.total < 40 << 20);
    free(text);
    free(begin);

    text = nested("<value/>", ARRAY_END, "", 1000000);
    begin = malloc(strlen(text) + sizeof ARRAY_BEGIN);
    sprintf(begin, BEGIN ARRAY_BEGIN "%s", text + strlen(BEGIN));
    read_text(&reading, begin);
    assert_int_equal(reading.fault.code, DUET_FAULT_LIMIT);
    free(text);
    free(begin);
    reading_done(&reading);
}

static void duplicate_members_are_linear_and_all_kept(void **state)
{
    (void)state;
    struct reading reading;
    reading_init(&reading);
    char *text = nested("<member><name>a</name><value>x</value></member>", "</struct></value>",
                        "", 100000);
    char *begin = malloc(strlen(text) + 100);
    sprintf(begin, BEGIN "<value><struct>%s", text + strlen(BEGIN));
    read_text(&reading, begin);
    assert_int_equal(reading.rc, 0);
    assert_int_equal(reading.request.params.via.array.ptr[0].via.map.size, 100000);
    free(text);
    free(begin);
    reading_done(&reading);
}

static void a_large_string_comes_through_whole(void **state)
{
    (void)state;
    struct reading reading;
    reading_init(&reading);
    read_nested(&reading, "", "<value><string>", "", 1); /* and no NUL to trip over */
    const size_t lines = 200000;
    char *text =
        nested("0123456789abcdefghijklmnopqrstuvwxyz\xe2\x82\xac\n", "</value>", "", lines);
    char *begin = malloc(strlen(text) + 100);
    sprintf(begin, BEGIN "<value>%s", text + strlen(BEGIN));
    read_text(&reading, begin);
    assert_int_equal(reading.rc, 0);
    const msgpack_object_str *string = &reading.request.params.via.array.ptr[0].via.str;
    assert_int_equal(string->size, lines * 40);
    assert_memory_equal(string->ptr, text + strlen(BEGIN), string->size);
    assert_true(reading.arena.total < 4 * lines * 40);
    free(text);
    free(begin);
    reading_done(&reading);
}

static void a_tag_across_slices_is_read_wherever_it_is_cut(void **state)
{
    (void)state;
    struct reading reading;
    reading_init(&reading);
    for (size_t blank = 65400; blank < 65560; blank++) {
        char *text = malloc(blank + sizeof GOOD);
        memset(text, ' ', blank);
        strcpy(text + blank, GOOD);
        assert_string_equal(read_text(&reading, text), "[7]");
        free(text);
    }
    reading_done(&reading);
}

static void an_arena_that_is_full_is_the_limit_of_the_message(void **state)
{
    (void)state;
    struct reading reading;
    reading_init(&reading);
    reading.arena.max = 4096;
    char *text = nested("<value/>", "", "", 1);
    read_text(&reading, text);
    assert_int_equal(reading.rc, 0);
    free(text);
    text = nested("xxxxxxxx", "</value>", "", 10000);
    char *begin = malloc(strlen(text) + 100);
    sprintf(begin, BEGIN "<value>%s", text + strlen(BEGIN));
    read_text(&reading, begin);
    assert_int_equal(reading.fault.code, DUET_FAULT_LIMIT);
    assert_non_null(strstr(reading.fault.message, "--max-message"));
    free(text);
    free(begin);
    reading_done(&reading);
}

static void text_fits_twice_the_size_of_its_message(void **state)
{
    (void)state;
    static const struct {
        size_t values;
        const char *open, *repeated, *close;
        size_t count;
    } rows[] = {
        {1, "<value>", "x", "</value>", 999000},
        {1, "<value><base64>", "AAA\n", "</base64></value>", 249000},
        {1, "<value>", "x\n\n\n\n\n\n\n\n", "</value>", 110000},
        {3, "<value>", "0123456789", "</value>", 30000},
    };
    struct reading reading;
    reading_init(&reading);
    reading.limits.max_message = 1000000;
    reading.arena.max = 2 * reading.limits.max_message + 65536;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *text = malloc(1000000), *to = stpcpy(text, BEGIN ARRAY_BEGIN);
        for (size_t value = 0; value < rows[i].values; value++) {
            to = stpcpy(to, rows[i].open);
            for (size_t n = 0; n < rows[i].count; n++)
                to = stpcpy(to, rows[i].repeated);
            to = stpcpy(to, rows[i].close);
        }
        strcpy(to, ARRAY_END END);
        read_text(&reading, text);
        assert_int_equal(reading.rc, 0);
        free(text);
    }
    reading_done(&reading);
}

static const char everything[] =
    "<?xml version='1.0' encoding='UTF-8'?>\n<methodCall><methodName>m</methodName><params>"
    "<param><value><struct><member><name>a&amp;</name><value><i8>-1</i8></value></member>"
    "<member><value><array><data><value><double>1.5e3</double></value><value>x\r\ny</value>"
    "<value><string><![CDATA[<>]]>\xe2\x82\xac</string></value><value><nil/></value>"
    "<value><base64>Zm9v</base64></value><value><boolean>1</boolean></value>"
    "<value><dateTime.iso8601>19980717T14:08:55</dateTime.iso8601></value></data></array>"
    "</value><name>b</name></member></struct></value></param></params></methodCall>";

static void a_document_cut_at_any_byte_is_refused(void **state)
{
    (void)state;
    struct reading reading;
    reading_init(&reading);
    for (size_t size = 0; size < sizeof everything - 1; size++) {
        read_bytes(&reading, everything, size);
        assert_int_equal(reading.rc, DUET_FAILED);
        assert_true(reading.fault.code == DUET_FAULT_PARSE ||
                    reading.fault.code == DUET_FAULT_CHARACTER);
    }
    assert_string_equal(
        read_bytes(&reading, everything, sizeof everything - 1),
        "[{'a&':-1,'b':[1500,'x\ny','<>\xe2\x82\xac',nil,b(666f6f),true,t(35af5af7)]}]");
    reading_done(&reading);
}

static void a_document_that_is_no_xml_is_told_so_whatever_else_is_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int code;
    } rows[] = {
        {BEGIN "<value><unheard/></value>" END, DUET_FAULT_REQUEST},
        {BEGIN "<value><unheard/></value>" END "<", DUET_FAULT_PARSE},
        {BEGIN "<value><unheard></value></unheard>" END, DUET_FAULT_PARSE},
        {BEGIN "<value><int>x</int></value>" END, DUET_FAULT_REQUEST},
        {BEGIN "<value><int>x</int></value>", DUET_FAULT_PARSE},
        {BEGIN "<value><i1>300</i1></value>" END, DUET_FAULT_PARAMS},
        {BEGIN "<value><i1>300</i1>\xff</value>" END, DUET_FAULT_CHARACTER},
        {"<methodCal><methodName>m</methodName></methodCall>", DUET_FAULT_PARSE},
        {"<a><b/></a>", DUET_FAULT_REQUEST},
        {"<a>&b;</a>", DUET_FAULT_PARSE},
    };
    struct reading reading;
    reading_init(&reading);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        read_text(&reading, rows[i].text);
        assert_int_equal(reading.fault.code, rows[i].code);
        assert_string_equal(read_text(&reading, GOOD), "[7]");
    }
    reading_done(&reading);
}

static void mutated_documents_do_no_harm(void **state)
{
    (void)state;
    struct reading reading;
    reading_init(&reading);
    uint32_t seed = 2463534242;
    for (int round = 0; round < 20000; round++) {
        char text[sizeof everything];
        memcpy(text, everything, sizeof text);
        for (int i = 0; i < 1 + round % 4; i++) {
            seed = seed * 1664525 + 1013904223;
            size_t at = (seed >> 8) % (sizeof text - 1);
            text[at] =
                round % 2 ? (char)(seed >> 24) : everything[(seed >> 12) % (sizeof text)];
        }
        read_bytes(&reading, text, sizeof text - 1);
        assert_true(reading.rc == 0 || (reading.fault.code <= DUET_FAULT_REQUEST &&
                                        reading.fault.code >= DUET_FAULT_CHARACTER));
    }
    assert_string_equal(read_text(&reading, GOOD), "[7]");
    reading_done(&reading);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(max_depth_levels_are_taken_and_one_more_is_refused),
        cmocka_unit_test(a_hostile_depth_is_refused_and_the_next_call_is_read),
        cmocka_unit_test(values_are_counted_exactly),
        cmocka_unit_test(a_million_values_are_read_and_one_more_is_refused),
        cmocka_unit_test(duplicate_members_are_linear_and_all_kept),
        cmocka_unit_test(a_large_string_comes_through_whole),
        cmocka_unit_test(a_tag_across_slices_is_read_wherever_it_is_cut),
        cmocka_unit_test(an_arena_that_is_full_is_the_limit_of_the_message),
        cmocka_unit_test(text_fits_twice_the_size_of_its_message),
        cmocka_unit_test(a_document_cut_at_any_byte_is_refused),
        cmocka_unit_test(a_document_that_is_no_xml_is_told_so_whatever_else_is_wrong),
        cmocka_unit_test(mutated_documents_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
