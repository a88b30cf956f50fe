/*
 * Options by name and text, as duet_server_set_text() sets them; what flags add to that is in
 * test_args.c.
 */
#include "setting.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void every_option_has_a_name(void **state)
{
    (void)state;
    static const struct {
        const char *name, *value;
        duet_option option;
        int64_t wanted;
    } rows[] = {
        {"max-message", "1M", DUET_OPT_MAX_MESSAGE, 1 << 20},
        {"head-timeout", "2s", DUET_OPT_HEAD_TIMEOUT, 2000},
        {"nil", "ex:nil", DUET_OPT_NIL, DUET_NIL_EX},
        {"http-line-ends", "lenient", DUET_OPT_HTTP_LINE_ENDS, DUET_HTTP_LINE_ENDS_LENIENT},
        {"no-inline", "on", DUET_OPT_NO_INLINE, 1},
        {"no-inline", "off", DUET_OPT_NO_INLINE, 0},
        {"server-timing", "on", DUET_OPT_SERVER_TIMING, 1},
        {"server-timing", "off", DUET_OPT_SERVER_TIMING, 0},
    };
    struct duet_options options;
    char words[200] = "";
    duet_options_init(&options);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(
            duet_setting_set_named(&options, rows[i].name, rows[i].value, words, sizeof words),
            0);
        assert_int_equal(options.value[rows[i].option], rows[i].wanted);
        assert_string_equal(words, "");
    }
    for (int setting = 0; setting < DUET_SETTING_COUNT; setting++)
        assert_memory_equal(duet_setting_flag(setting), "--", 2);
}

static void refusals_say_what_is_expected(void **state)
{
    (void)state;
    static const struct {
        const char *name, *value, *words;
    } rows[] = {
        {"max-depth", "0", "--max-depth 0: must be 1 to 1024"},
        {"max-depth", "", "--max-depth : must be 1 to 1024"},
        {"raw", "newer", "--raw newer: must be new, old or auto"},
        {"no-inline", "1", "--no-inline 1: must be on or off"},
        {"allow-origin", "app.example",
         "--allow-origin app.example: must be an origin as https://app.example or "
         "http://127.0.0.1:3000 (no path), null, or * for the pages of every site"},
        {"allow-origin", "https://app.example/path",
         "--allow-origin https://app.example/path: must be an origin as https://app.example or "
         "http://127.0.0.1:3000 (no path), null, or * for the pages of every site"},
        {"allow-host", "app.example:80",
         "--allow-host app.example:80: must be a name as app.example, without scheme and port"},
        {"allow-host", "app.example:",
         "--allow-host app.example:: must be a name as app.example, without scheme and port"},
        {"allow-host", "*",
         "--allow-host *: must be a name as app.example, without scheme and port"},
        {"allow-hosts", "a",
         "there is no option \"allow-hosts\": did you mean \"allow-host\"?"},
        {"--raw", "old", "there is no option \"--raw\": did you mean \"raw\"?"},
        {"frobnicate", "1", "there is no option \"frobnicate\""},
        {"", "1", "there is no option \"\""},
        {"listen", "tcp://127.0.0.1:0", "there is no option \"listen\""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct duet_options options, before;
        char words[300] = "";
        duet_options_init(&options);
        before = options;
        assert_int_equal(
            duet_setting_set_named(&options, rows[i].name, rows[i].value, words, sizeof words),
            -EINVAL);
        assert_string_equal(words, rows[i].words);
        assert_memory_equal(&options, &before, sizeof options);
    }
}

static void lists_grow_by_what_is_new(void **state)
{
    (void)state;
    struct duet_options options;
    char words[200];
    duet_options_init(&options);
    static const char *const origins[] = {"https://App.example/", "null", "*",
                                          "https://app.example:443", "http://[::1]:3000"};
    for (size_t i = 0; i < sizeof origins / sizeof *origins; i++)
        assert_int_equal(
            duet_setting_set_named(&options, "allow-origin", origins[i], words, sizeof words),
            0);
    assert_int_equal(
        duet_setting_set_named(&options, "allow-host", "App.example.", words, sizeof words), 0);

    const struct duet_texts *list = &options.texts[DUET_TEXT_ALLOW_ORIGIN];
    assert_int_equal(list->count, 4);
    assert_true(duet_texts_have(list, "https://app.example"));
    assert_true(duet_texts_have(list, "null"));
    assert_true(duet_texts_have(list, "*"));
    assert_true(duet_texts_have(list, "http://[::1]:3000"));
    assert_true(duet_texts_have(&options.texts[DUET_TEXT_ALLOW_HOST], "app.example"));
    assert_false(duet_texts_have(&options.texts[DUET_TEXT_ALLOW_HOST], "App.example"));
    duet_options_done(&options);
    assert_int_equal(list->count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_option_has_a_name),
        cmocka_unit_test(refusals_say_what_is_expected),
        cmocka_unit_test(lists_grow_by_what_is_new),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
