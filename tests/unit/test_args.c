/*
 * The command line: what is taken, what is refused and with which words, and what is printed.
 */
#include "args.h"

#include "args_text.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MAX_ARGUMENTS = 8 };

/* What the callback was told of, each address followed by a space. */
struct heard {
    char addresses[256];
    int answer;
};

static int hear(const char *address, void *ctx)
{
    struct heard *heard = ctx;
    size_t used = strlen(heard->addresses);
    snprintf(heard->addresses + used, sizeof heard->addresses - used, "%s ", address);
    return heard->answer;
}

static const struct duet_own_flags no_flags;

/* Parses a line cut at its spaces, after the program's name. */
static int parse(const char *line, struct duet_options *options, struct heard *heard,
                 struct duet_args_result *result)
{
    char copy[1024], *argv[MAX_ARGUMENTS + 1] = {"/usr/bin/double_server"}, *rest = copy;
    int argc = 1;
    snprintf(copy, sizeof copy, "%s", line);
    for (char *word; (word = strsep(&rest, " ")) != NULL && argc < MAX_ARGUMENTS;)
        if (*word != '\0')
            argv[argc++] = word;
    duet_options_init(options);
    return duet_args_parse(options, argc, argv, &no_flags, hear, heard, result);
}

static void good_values_are_stored(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        duet_option option;
        int64_t value;
    } rows[] = {
        {"--loops 3", DUET_OPT_LOOPS, 3},
        {"--loops=3", DUET_OPT_LOOPS, 3},
        {"--loops 3 --loops 4", DUET_OPT_LOOPS, 4},
        {"--max-message 4096", DUET_OPT_MAX_MESSAGE, 4096},
        {"--max-message 1K", DUET_OPT_MAX_MESSAGE, 1024},
        {"--max-message=2m", DUET_OPT_MAX_MESSAGE, 2 << 20},
        {"--max-message 1G", DUET_OPT_MAX_MESSAGE, 1 << 30},
        {"--head-timeout 250", DUET_OPT_HEAD_TIMEOUT, 250},
        {"--head-timeout 250ms", DUET_OPT_HEAD_TIMEOUT, 250},
        {"--head-timeout 2s", DUET_OPT_HEAD_TIMEOUT, 2000},
        {"--head-timeout 5m", DUET_OPT_HEAD_TIMEOUT, 5 * 60 * 1000},
        {"--head-timeout 24h", DUET_OPT_HEAD_TIMEOUT, 24 * 3600 * 1000},
        {"--busy-poll-us 50us", DUET_OPT_BUSY_POLL_US, 50},
        {"--busy-poll-us 2ms", DUET_OPT_BUSY_POLL_US, 2000},
        {"--no-inline", DUET_OPT_NO_INLINE, 1},
        {"--server-timing", DUET_OPT_SERVER_TIMING, 1},
        {"--check-results", DUET_OPT_CHECK_RESULTS, 1},
        {"--i8 ex:i8", DUET_OPT_I8, DUET_I8_EX},
        {"--nil=fault", DUET_OPT_NIL, DUET_NIL_FAULT},
        {"--raw old", DUET_OPT_RAW, DUET_RAW_OLD},
        {"--raw auto", DUET_OPT_RAW, DUET_RAW_AUTO},
        {"--control-chars replace", DUET_OPT_CONTROL_CHARS, DUET_CONTROL_CHARS_REPLACE},
        {"--error-style jubatus", DUET_OPT_ERROR_STYLE, DUET_ERROR_STYLE_JUBATUS},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct duet_options options;
        struct heard heard = {.answer = 0};
        struct duet_args_result result;
        assert_int_equal(parse(rows[i].line, &options, &heard, &result), 0);
        assert_int_equal(options.value[rows[i].option], rows[i].value);
        assert_string_equal(result.words, "");
        assert_null(result.text);
        assert_false(result.listened);
        assert_string_equal(heard.addresses, "");
    }
}

static void bad_lines_are_refused_in_words(void **state)
{
    (void)state;
    static const struct {
        const char *line, *words;
    } rows[] = {
        {"--max-mesage 5", "unknown flag --max-mesage: did you mean --max-message?"},
        {"--lissen=tcp://x", "unknown flag --lissen: did you mean --listen?"},
        {"--inline", "unknown flag --inline: did you mean --no-inline?"},
        {"--frobnicate", "unknown flag --frobnicate; --help shows them all"},
        {"--", "unknown flag --; --help shows them all"},
        {"serve", "unexpected argument serve; --help shows the flags"},
        {"--max-depth", "--max-depth needs a value: 1 to 1024"},
        {"--max-depth --help", "--max-depth needs a value: 1 to 1024"},
        {"--max-depth x", "--max-depth x: must be 1 to 1024"},
        {"--max-depth=", "--max-depth : must be 1 to 1024"},
        {"--max-depth 0", "--max-depth 0: must be 1 to 1024"},
        {"--max-depth -1", "--max-depth -1: must be 1 to 1024"},
        {"--max-depth +1", "--max-depth +1: must be 1 to 1024"},
        {"--max-depth 1K", "--max-depth 1K: must be 1 to 1024"},
        {"--max-depth 0x10", "--max-depth 0x10: must be 1 to 1024"},
        {"--max-depth 99999999999999999999",
         "--max-depth 99999999999999999999: must be 1 to 1024"},
        {"--max-message 9007199254740992G",
         "--max-message 9007199254740992G: must be 64 to 1073741824 bytes (K, M and G may "
         "follow)"},
        {"--head-timeout 1d",
         "--head-timeout 1d: must be 1 to 86400000 ms (ms, s, m or h may follow)"},
        {"--busy-poll-us 1s", "--busy-poll-us 1s: must be 0 to 10000 us (us or ms may follow)"},
        {"--raw newer", "--raw newer: must be new, old or auto"},
        {"--raw new|old", "--raw new|old: must be new, old or auto"},
        {"--raw", "--raw needs a value: new, old or auto"},
        {"--no-inline=1", "--no-inline takes no value"},
        {"--allow-origin app.example",
         "--allow-origin app.example: must be an origin as https://app.example or "
         "http://127.0.0.1:3000 (no path), null, or * for the pages of every site"},
        {"--allow-host",
         "--allow-host needs a value: a name as app.example, without scheme and "
         "port"},
        {"--alow-host x", "unknown flag --alow-host: did you mean --allow-host?"},
        {"--help=all", "--help takes no value"},
        {"--listen", "--listen needs an address, as tcp://127.0.0.1:6789"},
        {"--listen --loops 1", "--listen needs an address, as tcp://127.0.0.1:6789"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct duet_options options;
        struct heard heard = {.answer = 0};
        struct duet_args_result result;
        assert_int_equal(parse(rows[i].line, &options, &heard, &result), -EINVAL);
        assert_string_equal(result.words, rows[i].words);
        assert_null(result.text);
        assert_string_equal(heard.addresses, "");
    }
}

static const char *line_of(const char *text, const char *start)
{
    for (const char *line = text; line != NULL; line = strchr(line, '\n'))
        if (line += *line == '\n', strncmp(line, start, strlen(start)) == 0)
            return line;
    return NULL;
}

static void texts_are_collected(void **state)
{
    (void)state;
    struct duet_options options;
    struct heard heard = {.answer = 0};
    struct duet_args_result result;
    assert_int_equal(parse("--print-limits --allow-origin HTTP://A:80 --allow-origin=null "
                           "--allow-host x.example",
                           &options, &heard, &result),
                     1);
    assert_true(duet_texts_have(&options.texts[DUET_TEXT_ALLOW_ORIGIN], "http://a"));
    assert_true(duet_texts_have(&options.texts[DUET_TEXT_ALLOW_ORIGIN], "null"));
    assert_true(duet_texts_have(&options.texts[DUET_TEXT_ALLOW_HOST], "x.example"));
    assert_non_null(line_of(result.text, "--allow-origin         http://a,null  list    "
                                         "URL|null|*            whose pages may call"));
    assert_non_null(line_of(result.text, "--allow-host            x.example  list    NAME "));
    free(result.text);
    duet_options_done(&options);
}

static void every_listen_is_heard_in_order(void **state)
{
    (void)state;
    struct duet_options options;
    struct heard heard = {.answer = 0};
    struct duet_args_result result;
    assert_int_equal(
        parse("--listen tcp://a:1 --loops 2 --listen=unix:/b", &options, &heard, &result), 0);
    assert_true(result.listened);
    assert_string_equal(heard.addresses, "tcp://a:1 unix:/b ");
}

static void a_failed_listen_ends_the_reading(void **state)
{
    (void)state;
    struct duet_options options;
    struct heard heard = {.answer = -EADDRINUSE};
    struct duet_args_result result;
    assert_int_equal(parse("--listen a --listen b", &options, &heard, &result), -EADDRINUSE);
    assert_string_equal(heard.addresses, "a ");
    assert_string_equal(result.words, "");
}

static void nothing_is_bound_when_a_later_flag_is_bad_or_asks_for_text(void **state)
{
    (void)state;
    struct duet_options options;
    struct heard heard = {.answer = 0};
    struct duet_args_result result;
    assert_int_equal(parse("--listen a --loops x", &options, &heard, &result), -EINVAL);
    assert_string_equal(heard.addresses, "");
    assert_int_equal(parse("--listen a --help", &options, &heard, &result), 1);
    assert_string_equal(heard.addresses, "");
    free(result.text);
}

static void help_names_program_flags_and_defaults(void **state)
{
    (void)state;
    struct duet_options options;
    struct heard heard = {.answer = 0};
    struct duet_args_result result;
    assert_int_equal(parse("--help", &options, &heard, &result), 1);

    assert_memory_equal(result.text, "Usage: double_server ", 21);
    for (int i = 0; i < DUET_OPTION_COUNT; i++)
        assert_non_null(strstr(result.text, duet_option_flag(duet_option_at(i))));
    assert_non_null(strstr(result.text, "[16M]\n"));
    assert_non_null(strstr(result.text, "[10s]\n"));
    assert_non_null(strstr(result.text, "[auto]\n"));
    assert_non_null(strstr(result.text, "--listen"));
    assert_non_null(strstr(result.text, "http+unix:"));
    free(result.text);
}

static void a_pinned_option_has_no_flag_to_show(void **state)
{
    (void)state;
    struct duet_options options;
    char words[200];
    duet_options_init(&options);
    assert_int_equal(duet_options_pin(&options, DUET_OPT_WORKERS, 0, words, sizeof words), 0);
    char *help = duet_args_help("one", &options, &no_flags),
         *limits = duet_args_limits(&options);
    assert_null(strstr(help, "--workers"));
    assert_non_null(strstr(help, "--loops"));
    assert_non_null(line_of(limits, "--workers ")); /* it is in force */
    free(help);
    free(limits);

    char *const argv[] = {"one", "--workers", "2"};
    struct duet_args_result result;
    assert_int_equal(duet_args_parse(&options, 3, argv, &no_flags, NULL, NULL, &result),
                     -EINVAL);
    assert_string_equal(result.words, "--workers 2: this program pins it to 0");
}

static void limits_are_printed_as_they_are_in_force(void **state)
{
    (void)state;
    struct duet_options options;
    struct heard heard = {.answer = 0};
    struct duet_args_result result;
    assert_int_equal(
        parse("--print-limits --max-depth 7 --no-inline --raw old", &options, &heard, &result),
        1);

    for (int i = 0; i < DUET_OPTION_COUNT; i++) {
        char start[64];
        snprintf(start, sizeof start, "%s ", duet_option_flag(duet_option_at(i)));
        assert_non_null(line_of(result.text, start));
    }
    static const char *const lines[] = {
        "--max-depth                     7  count   1-1024                levels of nesting",
        "--no-inline                    on  switch  on|off                run every method",
        "--raw                         old  choice  new|old|auto          strings and bytes",
        "--max-message            16777216  bytes   64-1073741824         one request",
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        assert_non_null(line_of(result.text, lines[i]));
    free(result.text);
}

static void the_version_is_told(void **state)
{
    (void)state;
    struct duet_options options;
    struct heard heard = {.answer = 0};
    struct duet_args_result result;
    assert_int_equal(parse("--version", &options, &heard, &result), 1);
    assert_string_equal(result.text, "double_server, with Duet " DUET_VERSION "\n");
    free(result.text);
}

static void no_arguments_at_all_are_fine(void **state)
{
    (void)state;
    struct duet_options options;
    struct duet_args_result result;
    char *const argv[] = {NULL};
    duet_options_init(&options);
    assert_int_equal(duet_args_parse(&options, 0, argv, &no_flags, hear, NULL, &result), 0);
    assert_false(result.listened);
}

static void words_for_endless_arguments_are_cut(void **state)
{
    (void)state;
    char flag[2000], value[2000];
    memset(flag, '-', sizeof flag);
    memset(value, '9', sizeof value);
    flag[sizeof flag - 1] = value[sizeof value - 1] = '\0';
    struct duet_options options;
    struct duet_args_result result;
    duet_options_init(&options);

    char *const unknown[] = {"x", flag, NULL};
    assert_int_equal(duet_args_parse(&options, 2, unknown, &no_flags, hear, NULL, &result),
                     -EINVAL);
    assert_true(strlen(result.words) < 200);
    char *const bad[] = {"x", "--loops", value, NULL};
    assert_int_equal(duet_args_parse(&options, 3, bad, &no_flags, hear, NULL, &result),
                     -EINVAL);
    assert_true(strlen(result.words) < 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_values_are_stored),
        cmocka_unit_test(bad_lines_are_refused_in_words),
        cmocka_unit_test(texts_are_collected),
        cmocka_unit_test(every_listen_is_heard_in_order),
        cmocka_unit_test(a_failed_listen_ends_the_reading),
        cmocka_unit_test(nothing_is_bound_when_a_later_flag_is_bad_or_asks_for_text),
        cmocka_unit_test(help_names_program_flags_and_defaults),
        cmocka_unit_test(a_pinned_option_has_no_flag_to_show),
        cmocka_unit_test(limits_are_printed_as_they_are_in_force),
        cmocka_unit_test(the_version_is_told),
        cmocka_unit_test(no_arguments_at_all_are_fine),
        cmocka_unit_test(words_for_endless_arguments_are_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
