/*
 * Documents that are no XML: which of -32700, -32701 and -32702 they get.
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
        {"<?xml version='1.0' encoding='UTF-16'?><a/>", DUET_FAULT_ENCODING,
         "not in the encoding \"UTF-16\" that it declares"},
        {"<?xml version='1.0' encoding='utf16'?><a/>", DUET_FAULT_ENCODING,
         "not in the encoding \"utf16\" that it declares"},
        {"<?xml version='1.0' encoding='iso-8859-15'?><a/>", DUET_FAULT_ENCODING,
         "encoding \"iso-8859-15\" is not supported; send UTF-8"},
        {DOCUMENT("utf8", "a\xff"), DUET_FAULT_CHARACTER, "byte 0xff is no character in utf8"},
        {DOCUMENT("ascii", "\xc3\xa9"), DUET_FAULT_CHARACTER, "in ascii"},
        {DOCUMENT("utf8", "a\x1b[0m"), DUET_FAULT_PARSE, "control character U+001B"},
        {DOCUMENT("latin1", "a & b"), DUET_FAULT_PARSE, "not well-formed"},
        {"<?xml version='1.0' encoding='utf8'?><!DOCTYPE a><a/>", DUET_FAULT_PARSE,
         "a DOCTYPE is refused"},
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
        cmocka_unit_test(what_is_no_xml_gets_the_code_of_its_kind),
        cmocka_unit_test(a_nul_byte_is_not_well_formed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
