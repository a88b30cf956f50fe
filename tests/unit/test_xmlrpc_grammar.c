/*
 * What may stand where in a request: the lenient readings that clients need, and the refusals.
 */
#include "xmlrpc_grammar.h"

#include "xmlrpc_reading.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define CALL(params) "<methodCall><methodName>m</methodName>" params "</methodCall>"

static void requests_are_read_leniently(void **state)
{
    (void)state;
    static const struct {
        const char *text, *shown;
    } rows[] = {
        {CALL(""), "[]"},
        {CALL("<params/>"), "[]"},
        {CALL("<params><param/></params>"), "[]"},
        {CALL("<params><param/><param><value>a</value></param></params>"), "['a']"},
        {"\xef\xbb\xbf<?xml version='1.0' encoding='UTF-8' standalone='yes'?>\n<!-- c -->"
         "<?pi x?>\n" CALL("<params>\n<param>\n<value>\n<i4>1</i4>\n</value>\n</param>\n</"
                           "params>") "\n<!-- end -->\n",
         "[1]"},
        {"<methodCall a='1' xmlns:ex='http://ws.apache.org/xmlrpc/namespaces/extensions'>"
         "<methodName b='2'>m</methodName><params><param><value c='3'><ex:nil d='4'/></value>"
         "</param></params></methodCall>",
         "[nil]"},
        {"<methodCall><params><param><value>a</value></param></params>"
         "<methodName>m</methodName></methodCall>",
         "['a']"},
        {"<x:methodCall><x:methodName>m</x:methodName></x:methodCall>", "[]"},
    };
    struct reading reading;
    reading_init(&reading);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_string_equal(read_text(&reading, rows[i].text), rows[i].shown);
        assert_int_equal(reading.request.method_size, 1);
        assert_memory_equal(reading.request.method, "m", 1);
    }
    reading_done(&reading);
}

static void containers_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *value, *shown;
    } rows[] = {
        {"<array><data/></array>", "[[]]"},
        {"<array/>", "[[]]"},
        {"<array><data><value>a</value><value><int>1</int></value></data></array>",
         "[['a',1]]"},
        {"\n<array>\n<data>\n<value>\n<array>\n<data>\n</data>\n</array>\n</value>\n</data>\n"
         "</array>\n",
         "[[[]]]"},
        {"<struct/>", "[{}]"},
        {"<struct><member><name>a</name><value>1</value></member></struct>", "[{'a':'1'}]"},
        {"<struct><member><value>1</value><name>a</name></member></struct>", "[{'a':'1'}]"},
        {"<struct><member><value><array><data><value>x</value></data></array></value>"
         "<name>a</name></member></struct>",
         "[{'a':['x']}]"},
        {"<struct>\n<member>\n<name> a </name>\n<value/>\n</member>\n</struct>",
         "[{' a ':''}]"},
        {"<struct><member><name/><value/></member></struct>", "[{'':''}]"},
        {"<struct><member><name>a&amp;<![CDATA[<]]></name><value/></member></struct>",
         "[{'a&<':''}]"},
        {"<struct><member><name>a</name><value>1</value></member><member><name>a</name>"
         "<value>2</value></member></struct>",
         "[{'a':'1','a':'2'}]"},
        {"<struct><member><name>a</name><value><struct><member><name>b</name><value><nil/>"
         "</value></member></struct></value></member><member><name>c</name><value/></member>"
         "</struct>",
         "[{'a':{'b':nil},'c':''}]"},
    };
    struct reading reading;
    reading_init(&reading);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_string_equal(read_value(&reading, rows[i].value), rows[i].shown);
    reading_done(&reading);
}

static void a_method_name_is_trimmed(void **state)
{
    (void)state;
    static const struct {
        const char *text, *name;
    } rows[] = {
        {"<methodCall><methodName>\n a.b:c/d_1 \t</methodName></methodCall>", "a.b:c/d_1"},
        {"<methodCall><methodName>gr\xc3\xbc\xc3\x9f</methodName></methodCall>",
         "gr\xc3\xbc\xc3\x9f"},
        {"<methodCall><methodName><![CDATA[m]]>&#110;</methodName></methodCall>", "mn"},
    };
    struct reading reading;
    reading_init(&reading);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_string_equal(read_text(&reading, rows[i].text), "[]");
        assert_int_equal(reading.request.method_size, strlen(rows[i].name));
        assert_memory_equal(reading.request.method, rows[i].name, strlen(rows[i].name));
    }
    reading_done(&reading);
}

static void what_is_no_request_is_refused_with_words(void **state)
{
    (void)state;
    static const struct {
        const char *text, *words;
    } rows[] = {
        {"<methodResponse/>", "<methodResponse> where <methodCall> must be (line 1, column 1)"},
        {"<html><body/></html>", "<html> where <methodCall> must be"},
        {"<value/>", "<value> where <methodCall> must be"},
        {"<methodCall/>", "<methodCall> has no <methodName>"},
        {"<methodCall><methodName/></methodCall>", "<methodName> is empty"},
        {"<methodCall><methodName> \n</methodName></methodCall>", "<methodName> is empty"},
        {CALL("<methodName>n</methodName>"), "a second <methodName>"},
        {CALL("<params/><params/>"), "a second <params>"},
        {CALL("x"), "text \"x\" does not belong in <methodCall>"},
        {CALL("<params>x</params>"), "text \"x\" does not belong in <params>"},
        {CALL("<params><value/></params>"), "<value> does not belong in <params>"},
        {CALL("<params><param>text</param></params>"), "does not belong in <param>"},
        {CALL("<params><param><int>1</int></param></params>"),
         "<int> does not belong in <param>"},
        {CALL("<params><param><value/><value/></param></params>"),
         "<value> does not belong in <param> after its value"},
        {CALL("<params><param><value/>x</param></params>"),
         "does not belong in <param> after its value"},
        {CALL("<param/>"), "<param> does not belong in <methodCall>"},
        {"<methodCall><methodName><b/></methodName></methodCall>",
         "unknown tag <b> in <methodName>"},
    };
    struct reading reading;
    reading_init(&reading);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_string_equal(read_text(&reading, rows[i].text), "fault -32600");
        assert_non_null(strstr(reading.fault.message, rows[i].words));
    }
    reading_done(&reading);
}

static void what_is_no_value_is_refused_with_words(void **state)
{
    (void)state;
    static const struct {
        const char *value, *words;
    } rows[] = {
        {"<foo>1</foo>", "unknown tag <foo> in <value> (line 2, column 61)"},
        {"<x:foo/>", "unknown tag <x:foo> in <value>"},
        {"<value>1</value>", "<value> does not belong in <value>"},
        {"x<int>1</int>", "argument 1: text \"x\" beside a typed value"},
        {"<int>1</int>y", "text \"y\" does not belong in <value> after its typed value"},
        {"<int>1</int><int>2</int>", "<int> does not belong in <value> after its typed value"},
        {"<int><b/></int>", "unknown tag <b> in a scalar value"},
        {"<int><int>1</int></int>", "<int> does not belong in a scalar value"},
        {"<array><value/></array>", "<value> does not belong in <array>"},
        {"<array><data/><data/></array>", "<data> does not belong in <array> after its data"},
        {"<array>x</array>", "text \"x\" does not belong in <array>"},
        {"<array><data>x</data></array>", "text \"x\" does not belong in <data>"},
        {"<array><data><int>1</int></data></array>", "<int> does not belong in <data>"},
        {"<struct><value/></struct>", "<value> does not belong in <struct>"},
        {"<struct><member/></struct>", "argument 1: <member> without <name>"},
        {"<struct><member><value/></member></struct>", "<member> without <name>"},
        {"<struct><member><name>a</name></member></struct>", "<member> without <value>"},
        {"<struct><member><name>a</name><name>b</name></member></struct>",
         "a second <name> in <member>"},
        {"<struct><member><value/><value/></member></struct>", "a second <value> in <member>"},
        {"<struct><member><name>a</name><value/><value/></member></struct>",
         "a second <value> in <member>"},
        {"<struct><member><value/><name>a</name><name>a</name></member></struct>",
         "a second <name> in <member>"},
        {"<struct><member>x</member></struct>", "text \"x\" does not belong in <member>"},
        {"<struct><member><name><b/></name></member></struct>", "unknown tag <b> in <name>"},
        {"<data/>", "<data> does not belong in <value>"},
        {"<methodCall/>", "<methodCall> does not belong in <value>"},
    };
    struct reading reading;
    reading_init(&reading);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_string_equal(read_value(&reading, rows[i].value), "fault -32600");
        assert_non_null(strstr(reading.fault.message, rows[i].words));
    }
    reading_done(&reading);
}

static void a_refusal_counts_arguments_from_one(void **state)
{
    (void)state;
    struct reading reading;
    reading_init(&reading);
    read_text(&reading, CALL("<params><param><value/></param><param><value><array><data>"
                             "<value><int>1</int></value><value><int>x</int></value>"
                             "</data></array></value></param></params>"));
    assert_non_null(strstr(reading.fault.message, "argument 2: <int> holds \"x\""));
    reading_done(&reading);
}

static void a_long_tag_is_cut_in_the_refusal(void **state)
{
    (void)state;
    struct reading reading;
    reading_init(&reading);
    char text[5000];
    memset(text, 'x', sizeof text);
    text[0] = '<';
    strcpy(text + 4900, "/>");
    assert_string_equal(read_text(&reading, text), "fault -32600");
    assert_true(strlen(reading.fault.message) < 300);
    memcpy(text + 4893, ":int/>", 7);
    assert_string_equal(read_value(&reading, text), "fault -32600");
    assert_true(strlen(reading.fault.message) < 500);
    reading_done(&reading);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_are_read_leniently),
        cmocka_unit_test(containers_are_read),
        cmocka_unit_test(a_method_name_is_trimmed),
        cmocka_unit_test(what_is_no_request_is_refused_with_words),
        cmocka_unit_test(what_is_no_value_is_refused_with_words),
        cmocka_unit_test(a_refusal_counts_arguments_from_one),
        cmocka_unit_test(a_long_tag_is_cut_in_the_refusal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
