/*
 * What peers send, in words: what is shown as it is, what is escaped, where it is cut.
 */
#include "escape.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define BYTES(text) text, sizeof text - 1

static const struct {
    const char *text;
    size_t size;
    const char *escaped;
} rows[] = {
    {BYTES(""), ""},
    {BYTES("shop.menu"), "shop.menu"},
    {BYTES("a b\\c\"d\xc2\xa0"), "a b\\c\"d\xc2\xa0"},
    {BYTES("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"), "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"},
    {BYTES("a\nb\r\tc"), "a\\x0ab\\x0d\\x09c"},
    {BYTES("\0"), "\\x00"},
    {BYTES("\x1b[31m\x7f"), "\\x1b[31m\\x7f"},
    {BYTES("\xc2\x85\xc2\x9b"), "\\xc2\\x85\\xc2\\x9b"},
    {BYTES("\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xaa"),
     "\\xe2\\x80\\xa8\\xe2\\x80\\xa9\xe2\x80\xaa"},
    {BYTES("\xff\x80z"), "\\xff\\x80z"},
    {BYTES("\xc3"), "\\xc3"},
    {BYTES("\xed\xa0\x80"), "\\xed\\xa0\\x80"},
};

static void only_what_leaves_the_line_is_escaped(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char room[100];
        size_t size = duet_escape(room, sizeof room, rows[i].text, rows[i].size);
        assert_string_equal(room, rows[i].escaped);
        assert_int_equal(size, strlen(room));
    }
}

/* At every room there may be: a whole beginning, and nothing behind it is touched. */
static void what_does_not_fit_is_cut_at_a_whole_character(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (size_t room_size = 1; room_size < 40; room_size++) {
            char room[41];
            memset(room, '#', sizeof room);
            size_t size = duet_escape(room, room_size, rows[i].text, rows[i].size);
            assert_true(size < room_size);
            assert_memory_equal(room, rows[i].escaped, size);
            assert_int_equal(room[size], '\0');
            assert_int_equal(room[room_size], '#');
            assert_int_not_equal((uint8_t)rows[i].escaped[size] & 0xc0, 0x80);
            assert_true(size == strlen(rows[i].escaped) || size + 12 >= room_size);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_leaves_the_line_is_escaped),
        cmocka_unit_test(what_does_not_fit_is_cut_at_a_whole_character),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
