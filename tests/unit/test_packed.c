/*
 * The text form of MessagePack that other tests are written in: each kind of value once.
 */
#include "packed.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define BYTES(text) text, sizeof(text) - 1

static void each_kind_of_value_has_its_shortest_form(void **state)
{
    (void)state;
    static const struct {
        const char *text, *bytes;
        size_t size;
    } rows[] = {
        {"nil", BYTES("\xc0")},
        {"true", BYTES("\xc3")},
        {"false", BYTES("\xc2")},
        {"127", BYTES("\x7f")},
        {"128", BYTES("\xcc\x80")},
        {"18446744073709551615", BYTES("\xcf\xff\xff\xff\xff\xff\xff\xff\xff")},
        {"-1", BYTES("\xff")},
        {"-32601", BYTES("\xd1\x80\xa7")},
        {"1.5", BYTES("\xcb\x3f\xf8\0\0\0\0\0\0")},
        {"-0.0", BYTES("\xcb\x80\0\0\0\0\0\0\0")},
        {"''", BYTES("\xa0")},
        {"'say \"x\"'", BYTES("\xa7say \"x\"")},
        {"\"it's\"", BYTES("\xa4it's")},
        {"b'xy'", BYTES("\xc4\x02xy")},
        {"ext(-1,'wxyz')", BYTES("\xd6\xffwxyz")},
        {"<dc 00 00>", BYTES("\xdc\x00\x00")},
        {"[]", BYTES("\x90")},
        {"{}", BYTES("\x80")},
        {"[0, 1, 'm', [{'k': [nil]}, 2]]", BYTES("\x94\x00\x01\xa1m\x92\x81\xa1k\x91\xc0\x02")},
        {"1 'm' []", BYTES("\x01\xa1m\x90")},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct packed packed = packed_from("%s", rows[i].text);
        assert_int_equal(packed.size, rows[i].size);
        assert_memory_equal(packed.bytes, rows[i].bytes, packed.size);
        assert_packed(rows[i].bytes, rows[i].size, "%s", rows[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_of_value_has_its_shortest_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
