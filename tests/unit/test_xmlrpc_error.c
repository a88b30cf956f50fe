/*
 * Documents that are no XML: which of -32700, -32701 and -32702 they get, and the encodings
 * that are read.
 */
#include "xmlrpc_error.h"

#include "xmlrpc_reading.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define DOCUMENT(encoding, text)                                                               \
    "<?xml version='1.0' encoding='" encoding "'?><methodCall><methodName>m</methodName>"      \
    "<params><param><value>" text "</value></param></params></methodCall>"

static void single_byte_encodings_become_utf_8(void **state)
{
    (void)state;
    static const struct {
        const char *text, *shown;
    } rows[] = {
        {DOCUMENT("UTF-8", "\xe2\x82\xac\xf0\x9f\x98\x80"), "['\xe2\x82\xac\xf0\x9f\x98\x80']"},
        {DOCUMENT("utf-8", "\xc3\xa9"), "['\xc3\xa9']"},
        {DOCUMENT("US-ASCII", "e&#233;"), "['e\xc3\xa9']"},
        {DOCUMENT("ISO-8859-1", "\xe9\x80"), "['\xc3\xa9\xc2\x80']"},
        {DOCUMENT("iso-8859-1", "\xe9"), "['\xc3\xa9']"},
        {DOCUMENT("windows-1252", "\x80 \x93\xe9\x94"),
         "['\xe2\x82\xac \xe2\x80\x9c\xc3\xa9\xe2\x80\x9d']"},
        {DOCUMENT("Windows-1252", "\xff"), "['\xc3\xbf']"},
        {DOCUMENT("cp1252", "\x99"), "['\xe2\x84\xa2']"},
    };
    struct reading reading;
    reading_init(&reading);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_string_equal(read_text(&reading, rows[i].text), rows[i].shown);
    reading_done(&reading);
}

static size_t put_unit(uint8_t *to, uint16_t unit, bool big)
{
    to[!big] = (uint8_t)(unit >> 8);
    to[big] = (uint8_t)unit;
    return 2;
}

/* UTF-16 of some units, most of them given as ASCII; `#` stands for the next of `units`. */
static size_t to_utf16(uint8_t *to, const char *text, const uint16_t *units, bool big, bool bom)
{
    size_t size = bom ? put_unit(to, 0xfeff, big) : 0;
    for (const char *p = text; *p != '\0'; p++)
        size += put_unit(to + size, *p == '#' ? *units++ : (uint8_t)*p, big);
    return size;
}

static void utf_16_is_read_in_both_orders(void **state)
{
    (void)state;
    static const uint16_t units[] = {0x20ac, 0xd83d, 0xde00, 'x', 0xe9};
    static const char text[] = DOCUMENT("UTF-16", "#####");
    struct reading reading;
    reading_init(&reading);
    for (int big = 0; big <= 1; big++) {
        uint8_t bytes[2 * sizeof text + 2];
        size_t size = to_utf16(bytes, text, units, big, true);
        assert_string_equal(read_bytes(&reading, bytes, size),
                            "['\xe2\x82\xac\xf0\x9f\x98\x80x\xc3\xa9']");
        assert_string_equal(read_bytes(&reading, bytes, size - 1), "fault -32702");
        for (size_t cut = 2; cut < size; cut++) {
            read_bytes(&reading, bytes, cut);
            assert_int_equal(reading.rc, DUET_FAILED);
            assert_true(reading.fault.code == DUET_FAULT_CHARACTER ||
                        (cut % 2 == 0 && reading.fault.code == DUET_FAULT_PARSE));
        }
    }
    reading_done(&reading);
}

static void half_a_character_in_utf_16_is_a_bad_one(void **state)
{
    (void)state;
    static const uint16_t rows[][2] = {{0xd83d, 'x'}, {0xde00, 'x'},    {'x', 0xd83d},
                                       {'x', 0xde00}, {0xd83d, 0xd83d}, {0xde00, 0xd83d}};
    static const char text[] = DOCUMENT("UTF-16", "##");
    struct reading reading;
    reading_init(&reading);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (int big = 0; big <= 1; big++) {
            uint8_t bytes[2 * sizeof text + 2];
            size_t size = to_utf16(bytes, text, rows[i], big, big);
            assert_string_equal(read_bytes(&reading, bytes, size), "fault -32702");
        }
    }
    reading_done(&reading);
}

static void what_is_no_xml_gets_the_code_of_its_kind(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int code;
        const char *words;
    } rows[] = {
        {"", DUET_FAULT_PARSE, "no element found (line 1, column 1)"},
        {"   ", DUET_FAULT_PARSE, "no element found"},
        {"hello", DUET_FAULT_PARSE, "not well-formed XML"},
        {"\x93\x01\x02", DUET_FAULT_CHARACTER, "byte 0x93"},
        {"<methodCall>", DUET_FAULT_PARSE, "no element found"},
        {"<methodCall", DUET_FAULT_PARSE, "unclosed token"},
        {"<methodCall></methodcall>", DUET_FAULT_PARSE, "mismatched tag"},
        {"<methodCall><methodName>m</methodName></methodCall>x", DUET_FAULT_PARSE,
         "junk after document element"},
        {"<methodCall a='1' a='2'/>", DUET_FAULT_PARSE, "duplicate attribute"},
        {" <?xml version='1.0'?><methodCall/>", DUET_FAULT_PARSE, "not at start"},
        {"<!DOCTYPE methodCall><methodCall/>", DUET_FAULT_PARSE, "a DOCTYPE is refused"},
        {"<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><a>&b;</a>", DUET_FAULT_PARSE,
         "a DOCTYPE is refused"},
        {"<?xml version='1.0' encoding='KOI8-R'?><a/>", DUET_FAULT_ENCODING,
         "encoding \"KOI8-R\" is not supported; send UTF-8"},
        {"<?xml version='1.0' encoding='Shift_JIS'?><a/>", DUET_FAULT_ENCODING, "Shift_JIS"},
        {"<?xml version='1.0' encoding='UTF-16'?><a/>", DUET_FAULT_ENCODING, "UTF-16"},
        {"<?xml version='1.0' encoding="
         "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'?><a/>",
         DUET_FAULT_ENCODING, "aaaa\" is not supported"},
        {DOCUMENT("UTF-8", "a\xff"), DUET_FAULT_CHARACTER,
         "byte 0xff is no character in UTF-8"},
        {DOCUMENT("UTF-8", "\xc3("), DUET_FAULT_CHARACTER, "0xc3"},
        {DOCUMENT("UTF-8", "\xc0\x80"), DUET_FAULT_CHARACTER, "0xc0"},
        {DOCUMENT("UTF-8", "\xed\xa0\x80"), DUET_FAULT_CHARACTER, "0xed"},
        {DOCUMENT("UTF-8", "\xf4\x90\x80\x80"), DUET_FAULT_CHARACTER, "0xf4"},
        {"<methodCall>\xe9</methodCall>", DUET_FAULT_CHARACTER, "declare the encoding"},
        {"<methodCall>\xc3", DUET_FAULT_CHARACTER, "ends in the middle of a character"},
        {DOCUMENT("US-ASCII", "\xc3\xa9"), DUET_FAULT_CHARACTER, "in US-ASCII"},
        {DOCUMENT("windows-1252", "\x81"), DUET_FAULT_CHARACTER, "in windows-1252"},
        {DOCUMENT("UTF-8", "\xef\xbf\xbe"), DUET_FAULT_PARSE, "not well-formed"},
        {DOCUMENT("UTF-8", "a\x1b[0m"), DUET_FAULT_PARSE, "control character U+001B"},
        {DOCUMENT("ISO-8859-1", "a\x01"), DUET_FAULT_PARSE, "control character U+0001"},
        {"<methodCall>&#0;</methodCall>", DUET_FAULT_PARSE, "invalid character number"},
        {"<methodCall>&#xD800;</methodCall>", DUET_FAULT_PARSE, "invalid character number"},
        {"<methodCall>&unknown;</methodCall>", DUET_FAULT_PARSE, "undefined entity"},
        {DOCUMENT("UTF-8", "a & b"), DUET_FAULT_PARSE, "not well-formed"},
        {"<methodCall><\xc3\x97/></methodCall>", DUET_FAULT_PARSE, "not well-formed"},
        {"<methodCall>\n<a", DUET_FAULT_PARSE, "(line 2, column 1)"},
    };
    struct reading reading;
    reading_init(&reading);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        read_text(&reading, rows[i].text);
        assert_int_equal(reading.fault.code, rows[i].code);
        assert_non_null(strstr(reading.fault.message, rows[i].words));
    }
    reading_done(&reading);
}

static void a_nul_byte_is_not_well_formed(void **state)
{
    (void)state;
    struct reading reading;
    reading_init(&reading);
    assert_string_equal(read_bytes(&reading, "<methodCall>\0</methodCall>", 26),
                        "fault -32700");
    assert_string_equal(read_bytes(&reading, "\0\0\0\0", 4), "fault -32700");
    reading_done(&reading);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(single_byte_encodings_become_utf_8),
        cmocka_unit_test(utf_16_is_read_in_both_orders),
        cmocka_unit_test(half_a_character_in_utf_16_is_a_bad_one),
        cmocka_unit_test(what_is_no_xml_gets_the_code_of_its_kind),
        cmocka_unit_test(a_nul_byte_is_not_well_formed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
