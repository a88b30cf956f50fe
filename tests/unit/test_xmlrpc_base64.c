/*
 * base64 both ways, and what is none.
 */
#include "xmlrpc_base64.h"

#include "duet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void text_is_decoded_leniently_about_space_and_padding(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *bytes;
    } rows[] = {
        {"", ""},
        {" \r\n\t", ""},
        {"Zg==", "f"},
        {"Zg=", "f"},
        {"Zg", "f"},
        {"Zm8=", "fo"},
        {"Zm8", "fo"},
        {"Zm9v", "foo"},
        {"Zm9vYg==", "foob"},
        {"Z m\n9\tv\r\nYmFy\n", "foobar"},
        {"Zg=\n=\n", "f"},
        {"eW91IGNhbid0IHJlYWQgdGhpcyE=", "you can't read this!"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[64];
        size_t bad;
        strcpy(text, rows[i].text);
        ptrdiff_t size = duet_xml_base64_decode(text, strlen(text), &bad);
        assert_int_equal(size, strlen(rows[i].bytes));
        assert_memory_equal(text, rows[i].bytes, (size_t)size);
    }
}

static void what_is_no_base64_is_refused_where_it_stands(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t bad;
    } rows[] = {
        {"Zm9v!", 4}, {"Z", 1},     {"Zm9vY", 5},    {"=", 0},    {"Z===", 1}, {"Zg===", 4},
        {"Zm8==", 4}, {"Zm9v=", 4}, {"Zg==Zg==", 4}, {"Zm-_", 2}, {"Zg=x", 3}, {"\xc3\xa9", 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[64];
        size_t bad = 99;
        strcpy(text, rows[i].text);
        assert_int_equal(duet_xml_base64_decode(text, strlen(text), &bad), DUET_FAULT_REQUEST);
        assert_int_equal(bad, rows[i].bad);
    }
}

static void all_bytes_come_back_at_all_lengths(void **state)
{
    (void)state;
    uint8_t bytes[256];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(255 - i);
    for (size_t size = 0; size <= sizeof bytes; size++) {
        char text[400];
        size_t bad;
        duet_xml_base64_encode(text, bytes, size);
        size_t coded = duet_xml_base64_size(size);
        assert_int_equal(coded % 4, 0);
        assert_int_equal(duet_xml_base64_decode(text, coded, &bad), size);
        assert_memory_equal(text, bytes, size);
    }
}

static void the_standards_examples_are_written(void **state)
{
    (void)state;
    char text[8];
    duet_xml_base64_encode(text, (const uint8_t *)"foob", 4);
    assert_memory_equal(text, "Zm9vYg==", 8);
    duet_xml_base64_encode(text, (const uint8_t *)"fooba", 5);
    assert_memory_equal(text, "Zm9vYmE=", 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_decoded_leniently_about_space_and_padding),
        cmocka_unit_test(what_is_no_base64_is_refused_where_it_stands),
        cmocka_unit_test(all_bytes_come_back_at_all_lengths),
        cmocka_unit_test(the_standards_examples_are_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
