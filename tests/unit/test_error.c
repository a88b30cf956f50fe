/*
 * Faults: codes and words, cutting at whole characters, and what a bare code becomes.
 */
#include "error.h"

#include "duet.h"

#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void a_fault_has_its_code_and_words(void **state)
{
    (void)state;
    struct duet_fault fault = {0};
    assert_int_equal(duet_fault_set(&fault, 42, "no %s for %d", "room", 7), DUET_FAILED);
    assert_int_equal(fault.code, 42);
    assert_string_equal(fault.message, "no room for 7");
}

static void code_zero_stands_for_an_error_of_the_application(void **state)
{
    (void)state;
    struct duet_fault fault = {0};
    duet_fault_set(&fault, 0, "x");
    assert_int_equal(fault.code, DUET_FAULT_APPLICATION);
}

__attribute__((format(printf, 3, 4))) static void
set_verbatim(struct duet_fault *fault, int code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    assert_int_equal(duet_fault_vset_verbatim(fault, code, format, args), DUET_FAILED);
    va_end(args);
}

static void words_are_utf8_whatever_is_put_in_them(void **state)
{
    (void)state;
    static const struct {
        const char *text, *words;
    } rows[] = {
        {"\xff\xfe", "??"},
        {"a\x80z", "a?z"},
        {"\xc3", "?"},
        {"\xc0\x80", "??"},
        {"\xed\xa0\x80", "???"},
        {"\xe2\x82", "??"},
        {"h\xc3\xa9 \xf0\x9f\x98\x80", "h\xc3\xa9 \xf0\x9f\x98\x80"},
        {"two\nlines\t", "two\nlines\t"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct duet_fault fault = {0};
        set_verbatim(&fault, 1, "%s", rows[i].text);
        assert_string_equal(fault.message, rows[i].words);
    }
    struct duet_fault fault = {0};
    set_verbatim(&fault, 0, "x");
    assert_int_equal(fault.code, DUET_FAULT_APPLICATION);
}

static void what_peers_send_is_escaped_in_our_words(void **state)
{
    (void)state;
    struct duet_fault fault = {0};
    duet_fault_set(&fault, 1, "unknown tag <%s>", "a\n\x1b[31m\xff\xc3\xa9");
    assert_string_equal(fault.message, "unknown tag <a\\x0a\\x1b[31m\\xff\xc3\xa9>");
}

/* Whether the bytes are well-formed, as far as whole characters go. */
static bool ends_with_a_whole_character(const char *text)
{
    size_t size = strlen(text), start = size;
    while (start > 0 && ((unsigned char)text[start - 1] & 0xc0) == 0x80)
        start--;
    size_t tail = size - start;
    unsigned char lead = start > 0 ? (unsigned char)text[start - 1] : 0;
    size_t wanted = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : lead >= 0xc0 ? 1 : 0;
    return tail == wanted;
}

static void long_messages_are_cut_at_a_whole_character(void **state)
{
    (void)state;
    static const char *const characters[] = {"x", "é", "€", "😀"};
    for (size_t i = 0; i < sizeof characters / sizeof *characters; i++)
        for (size_t shift = 0; shift < 4; shift++) {
            char text[3000] = "";
            memset(text, '.', shift);
            while (strlen(text) < 2000)
                strcat(text, characters[i]);
            struct duet_fault fault = {0};
            duet_fault_set(&fault, 1, "%s", text);

            size_t size = strlen(fault.message);
            assert_in_range(size, DUET_FAULT_MESSAGE_MAX - 4, DUET_FAULT_MESSAGE_MAX);
            assert_memory_equal(fault.message, text, size);
            assert_true(ends_with_a_whole_character(fault.message));
        }
}

static void a_message_that_fits_is_not_cut(void **state)
{
    (void)state;
    char text[DUET_FAULT_MESSAGE_MAX + 1] = "";
    while (strlen(text) < DUET_FAULT_MESSAGE_MAX)
        strcat(text, "é");
    struct duet_fault fault = {0};
    duet_fault_set(&fault, 1, "%s", text);
    assert_string_equal(fault.message, text);
}

static void bytes_that_are_no_characters_do_not_eat_the_message(void **state)
{
    (void)state;
    char text[2001];
    memset(text, 0x80, 2000);
    text[2000] = '\0';
    struct duet_fault fault = {0};
    duet_fault_set(&fault, 1, "%s", text);
    assert_true(strlen(fault.message) >= DUET_FAULT_MESSAGE_MAX - 4);
}

static void a_bare_code_becomes_a_fault_with_words(void **state)
{
    (void)state;
    static const struct {
        int rc, code;
        const char *words;
    } rows[] = {
        {DUET_FAULT_PARSE, DUET_FAULT_PARSE, "not well formed"},
        {DUET_FAULT_METHOD, DUET_FAULT_METHOD, "method not found"},
        {DUET_FAULT_APPLICATION, DUET_FAULT_APPLICATION, "application error"},
        {DUET_FAULT_LIMIT, DUET_FAULT_LIMIT, "limit exceeded"},
        {DUET_FAULT_TIMEOUT, DUET_FAULT_TIMEOUT, "timed out"},
        {DUET_FAULT_UNAUTHORIZED, DUET_FAULT_UNAUTHORIZED, "unauthorized"},
        {DUET_FAULT_BUSY, DUET_FAULT_BUSY, "busy: try again"},
        {-32099, -32099, "fault"},
        {INT_MIN, INT_MIN, "fault"},
        {-EMSGSIZE, DUET_FAULT_LIMIT, "limit exceeded"},
        {-EAGAIN, DUET_FAULT_BUSY, "busy: try again"},
        {-EBUSY, DUET_FAULT_BUSY, "busy: try again"},
        {-ENOENT, DUET_FAULT_INTERNAL, "internal error: No such file or directory"},
        {-12345, DUET_FAULT_INTERNAL, "internal error: unknown error"},
        {7, DUET_FAULT_INTERNAL, "internal error: unknown error"},
        {INT_MAX, DUET_FAULT_INTERNAL, "internal error: unknown error"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct duet_fault fault = {0};
        assert_int_equal(duet_fault_from(&fault, rows[i].rc), DUET_FAILED);
        assert_int_equal(fault.code, rows[i].code);
        assert_string_equal(fault.message, rows[i].words);
    }
}

static void a_fault_with_words_keeps_them(void **state)
{
    (void)state;
    struct duet_fault fault = {0};
    int rc = duet_fault_set(&fault, 5, "mine");
    assert_int_equal(duet_fault_from(&fault, rc), DUET_FAILED);
    assert_int_equal(fault.code, 5);
    assert_string_equal(fault.message, "mine");
}

static void a_failure_that_left_no_fault_is_internal(void **state)
{
    (void)state;
    struct duet_fault fault = {0};
    duet_fault_from(&fault, DUET_FAILED);
    assert_int_equal(fault.code, DUET_FAULT_INTERNAL);
    assert_true(strlen(fault.message) > 0);
}

/* A handler's bare -errno must never be taken for a fault that has its words already. */
static void the_mark_of_a_fault_is_no_code_of_any_list(void **state)
{
    (void)state;
    assert_string_equal(duet_fault_words(DUET_FAILED), "fault");
    assert_true(DUET_FAILED < -4095);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fault_has_its_code_and_words),
        cmocka_unit_test(code_zero_stands_for_an_error_of_the_application),
        cmocka_unit_test(words_are_utf8_whatever_is_put_in_them),
        cmocka_unit_test(what_peers_send_is_escaped_in_our_words),
        cmocka_unit_test(long_messages_are_cut_at_a_whole_character),
        cmocka_unit_test(a_message_that_fits_is_not_cut),
        cmocka_unit_test(bytes_that_are_no_characters_do_not_eat_the_message),
        cmocka_unit_test(a_bare_code_becomes_a_fault_with_words),
        cmocka_unit_test(a_fault_with_words_keeps_them),
        cmocka_unit_test(a_failure_that_left_no_fault_is_internal),
        cmocka_unit_test(the_mark_of_a_fault_is_no_code_of_any_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
