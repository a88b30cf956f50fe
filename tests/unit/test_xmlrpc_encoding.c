/*
 * The encodings that are read, under all their names.
 */
#include "xmlrpc_encoding.h"

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

/* Reads the bytes as one value of a document that declares the encoding. */
static const char *read_declared(struct reading *reading, const char *encoding,
                                 const char *text)
{
    char document[400];
    snprintf(document, sizeof document, DOCUMENT("%s", "%s"), encoding, text);
    return read_text(reading, document);
}

static void an_encoding_is_read_under_each_of_its_names(void **state)
{
    (void)state;
    static const struct {
        const char *text, *shown;
        const char *names[20];
    } rows[] = {
        {"\xc3\xa9\xf0\x9f\x98\x80",
         "['\xc3\xa9\xf0\x9f\x98\x80']",
         {"utf8", "UTF8", "utf_8", "Utf-8", "csUTF8", "U8"}},
        {"e&#233;",
         "['e\xc3\xa9']",
         {"ascii", "ASCII", "us", "US_ASCII", "ANSI_X3.4-1968", "ANSI_X3.4-1986", "ISO646-US",
          "iso-ir-6", "IBM367", "cp367", "csASCII", "ISO_646.irv-1991"}},
        {"\xe9\x80",
         "['\xc3\xa9\xc2\x80']",
         {"latin1", "Latin-1", "latin_1", "l1", "L1", "ISO_8859-1", "iso8859-1", "ISO88591",
          "iso8859_1", "iso-ir-100", "IBM819", "CP819", "csISOLatin1", "latin"}},
        {"\x80",
         "['\xe2\x82\xac']",
         {"windows-1252", "WINDOWS_1252", "cp1252", "CP-1252", "cswindows1252", "x-cp1252"}},
    };
    struct reading reading;
    reading_init(&reading);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (const char *const *name = rows[i].names; *name != NULL; name++) {
            assert_string_equal(read_declared(&reading, *name, rows[i].text), rows[i].shown);
            assert_int_equal(reading.fault.code, 0);
        }
    reading_done(&reading);
}

static void utf_16_is_read_under_each_of_its_names(void **state)
{
    (void)state;
    static const char *const names[] = {"UTF-16", "utf16", "utf_16", "csUTF16", "u16"};
    static const uint16_t units[] = {0xd83d, 0xde00};
    struct reading reading;
    reading_init(&reading);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char text[400];
        uint8_t bytes[2 * sizeof text + 2];
        snprintf(text, sizeof text, DOCUMENT("%s", "##"), names[i]);
        for (int form = 0; form < 4; form++) { /* in both orders, with and without its mark */
            size_t size = to_utf16(bytes, text, units, form & 1, form & 2);
            assert_string_equal(read_bytes(&reading, bytes, size), "['\xf0\x9f\x98\x80']");
        }
    }
    static const char wrong[] = DOCUMENT("utf8", "##");
    uint8_t bytes[2 * sizeof wrong + 2];
    size_t size = to_utf16(bytes, wrong, units, true, true);
    assert_string_equal(read_bytes(&reading, bytes, size), "fault -32701");
    reading_done(&reading);
}

static void no_other_name_is_one(void **state)
{
    (void)state;
    static const char *const names[] = {"latin2", "iso-8859-15", "iso-8859-11", "utf-7",
                                        "utf-32", "cp1251",      "x",           "utf8x"};
    struct reading reading;
    reading_init(&reading);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_string_equal(read_declared(&reading, names[i], "a"), "fault -32701");
    reading_done(&reading);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(single_byte_encodings_become_utf_8),
        cmocka_unit_test(an_encoding_is_read_under_each_of_its_names),
        cmocka_unit_test(no_other_name_is_one),
        cmocka_unit_test(utf_16_is_read_in_both_orders),
        cmocka_unit_test(utf_16_is_read_under_each_of_its_names),
        cmocka_unit_test(half_a_character_in_utf_16_is_a_bad_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
