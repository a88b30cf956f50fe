/*
 * A program's own flags on its command line, through duet.h: what is taken, where reading
 * stops, what is refused and with which words; and what times and sizes are read.
 */
#include "duet.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* What the flags were set to, each after the other. */
static char heard[400];

static int hear(const char *value, void *ctx, char *words)
{
    (void)words;
    size_t size = strlen(heard);
    snprintf(heard + size, sizeof heard - size, "%s=%s ", (const char *)ctx,
             value != NULL ? value : "(none)");
    return 0;
}

static int refuse(const char *value, void *ctx, char *words)
{
    (void)ctx;
    snprintf(words, DUET_FLAG_WORDS, "not before %s", value != NULL ? value : "noon");
    return -EDOM;
}

static int refuse_silently(const char *value, void *ctx, char *words)
{
    (void)value, (void)ctx, (void)words;
    return 1;
}

static const duet_flag flags[] = {
    {"--color", "NAME", "what it looks like", hear, "color"},
    {"-c", "NAME", "the same", hear, "c"},
    {"--verbose", NULL, NULL, hear, "verbose"},
    {"--late", "TIME", "never", refuse, NULL},
    {"--now", NULL, "never either", refuse, NULL},
    {"--silent", NULL, "nor this", refuse_silently, NULL},
    {0},
};

static duet_server *server;

static int set_up(void **state)
{
    (void)state;
    heard[0] = '\0';
    server = duet_server_new();
    return duet_server_listen(server, "tcp://127.0.0.1:0");
}

static int tear_down(void **state)
{
    (void)state;
    duet_server_free(server);
    return 0;
}

/* Reads a line cut at its spaces, after the program's name. */
static int read_line(const char *line, const duet_flag *table, int *rest)
{
    static char copy[400];
    char *argv[20] = {"/usr/bin/painter"}, *next = copy;
    int argc = 1;
    snprintf(copy, sizeof copy, "%s", line);
    for (char *word; (word = strsep(&next, " ")) != NULL;)
        if (*word != '\0')
            argv[argc++] = word;
    return duet_server_args_with(server, argc, argv, table, rest);
}

static void they_are_set_in_their_order_among_the_servers_own(void **state)
{
    (void)state;
    assert_int_equal(
        read_line("--color red --loops 3 --verbose -c=blue --color=--x -c -1", flags, NULL), 0);
    assert_string_equal(heard, "color=red verbose=(none) c=blue color=--x c=-1 ");
    assert_int_equal(duet_server_get(server, DUET_OPT_LOOPS), 3);
}

static void reading_stops_where_the_programs_arguments_begin(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        int rest;
    } rows[] = {
        {"", 1},
        {"--verbose", 2},
        {"--verbose file", 2},
        {"file --verbose", 1},
        {"--color red - --verbose", 3},
        {"--verbose -- --loops 7", 3},
        {"--", 2},
        {"-- --", 2},
        {"-- --listen nowhere", 2},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int rest = -1;
        assert_int_equal(read_line(rows[i].line, flags, &rest), 0);
        assert_int_equal(rest, rows[i].rest);
        assert_int_not_equal(duet_server_get(server, DUET_OPT_LOOPS), 7);
    }
}

static void bad_lines_are_refused_in_words(void **state)
{
    (void)state;
    static const struct {
        const char *line, *words;
        int rc;
    } rows[] = {
        {"--color", "--color needs a value: NAME", -EINVAL},
        {"--color --verbose", "--color needs a value: NAME", -EINVAL},
        {"--verbose=1", "--verbose takes no value", -EINVAL},
        {"--colour red", "unknown flag --colour: did you mean --color?", -EINVAL},
        {"--late 9h", "--late 9h: not before 9h", -EDOM},
        {"--now", "--now: not before noon", -EDOM},
        {"--silent", "--silent: the program does not take it", -EINVAL},
        {"--verbose file", "unexpected argument file; --help shows the flags", -EINVAL},
        {"--", "unknown flag --; --help shows them all", -EINVAL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        tear_down(NULL);
        set_up(NULL);
        assert_int_equal(read_line(rows[i].line, flags, NULL), rows[i].rc);
        assert_string_equal(duet_server_error(server), rows[i].words);
    }
}

static void help_shows_them_first(void **state)
{
    (void)state;
    int rest;
    assert_int_equal(read_line("--help", flags, &rest), 1);
    const char *text = duet_server_args_text(server);
    const char *own = strstr(text, "Flags of painter:\n  --color NAME   ");
    assert_non_null(strstr(text, "[flags] [--] [arguments]\n"));
    assert_non_null(own);
    assert_non_null(strstr(own, " what it looks like\n"));
    assert_true(strstr(text, "--listen ADDRESS  ") > own);
    assert_int_equal(read_line("--help", NULL, NULL), 1);
    assert_null(strstr(duet_server_args_text(server), "Flags of "));
    assert_null(strstr(duet_server_args_text(server), "[arguments]"));
}

static void bad_tables_are_refused_in_words(void **state)
{
    (void)state;
    static const struct {
        duet_flag table[3];
        const char *words;
        int rc;
    } rows[] = {
        {{{"--loops", NULL, "", hear, NULL}, {0}},
         "flag --loops is one of the server's own",
         -EEXIST},
        {{{"-h", NULL, "", hear, NULL}, {0}}, "flag -h is one of the server's own", -EEXIST},
        {{{"--a", NULL, "", hear, NULL}, {"--a", NULL, "", hear, NULL}, {0}},
         "flag --a is there twice",
         -EEXIST},
        {{{"color", NULL, "", hear, NULL}, {0}},
         "\"color\" is no flag's name: it must be as --color or -c",
         -EINVAL},
        {{{"--", NULL, "", hear, NULL}, {0}},
         "\"--\" is no flag's name: it must be as --color or -c",
         -EINVAL},
        {{{"--a=b", NULL, "", hear, NULL}, {0}},
         "\"--a=b\" is no flag's name: it must be as --color or -c",
         -EINVAL},
        {{{"--a", NULL, "", NULL, NULL}, {0}}, "flag --a has no function to set it", -EINVAL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        tear_down(NULL);
        set_up(NULL);
        assert_int_equal(read_line("", rows[i].table, NULL), rows[i].rc);
        assert_string_equal(duet_server_error(server), rows[i].words);
    }
}

static void a_table_without_its_end_is_refused(void **state)
{
    (void)state;
    static const duet_flag endless[] = {{"--a", NULL, "", hear, NULL}};
    char *argv[] = {"painter", NULL};
    assert_int_equal(duet_server_args_with_sized(server, 1, argv, endless, sizeof *endless,
                                                 sizeof endless, NULL),
                     -EINVAL);
    assert_string_equal(duet_server_error(server),
                        "a table of flags has no end: {0} must stand after its 1 row");
    assert_int_equal(duet_server_args_with(NULL, 1, argv, NULL, NULL), -ENOMEM);
}

/* A row as a later duet.h has it, with a member that this library does not know. */
static void a_later_member_is_refused(void **state)
{
    (void)state;
    struct later {
        duet_flag flag;
        const char *more;
    } later[] = {{{"--a", NULL, "", hear, NULL}, NULL}, {{0}, NULL}};
    char *argv[] = {"painter", NULL};
    assert_int_equal(duet_server_args_with_sized(server, 1, argv, &later->flag, sizeof *later,
                                                 sizeof later, NULL),
                     0);
    later[0].more = "x";
    assert_int_equal(duet_server_args_with_sized(server, 1, argv, &later->flag, sizeof *later,
                                                 sizeof later, NULL),
                     -EINVAL);
    assert_non_null(strstr(duet_server_error(server), "flag --a sets what libduet"));
}

/* ---- Times and sizes */

static void times_have_a_unit(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t ms;
    } rows[] = {
        {"0", 0},
        {"0s", 0},
        {"250ms", 250},
        {"2s", 2000},
        {"5m", 300000},
        {"1h", 3600000},
        {"2562047788015h", UINT64_C(9223372036854000000)},
    };
    static const char *const bad[] = {"",
                                      "5",
                                      "s",
                                      "-1s",
                                      "+1s",
                                      " 1s",
                                      "1 s",
                                      "1d",
                                      "1.5s",
                                      "1sm",
                                      "2562047788016h",
                                      "99999999999999999999ms",
                                      "1K"};
    uint64_t ms = 7;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(duet_parse_time(rows[i].text, &ms), 0);
        assert_true(ms == rows[i].ms);
    }
    ms = 7;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(duet_parse_time(bad[i], &ms), -EINVAL);
    assert_int_equal(duet_parse_time(NULL, &ms), -EINVAL);
    assert_int_equal(ms, 7);
}

static void sizes_are_powers_of_1024(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t bytes;
    } rows[] = {
        {"0", 0}, {"512", 512}, {"1K", 1024}, {"16M", 16 << 20}, {"3G", UINT64_C(3) << 30}};
    static const char *const bad[] = {"", "K", "-1", "1.5M", "1T", "1KB", "9007199254740992G"};
    uint64_t bytes = 7;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(duet_parse_size(rows[i].text, &bytes), 0);
        assert_true(bytes == rows[i].bytes);
    }
    bytes = 7;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(duet_parse_size(bad[i], &bytes), -EINVAL);
    assert_int_equal(duet_parse_size(NULL, &bytes), -EINVAL);
    assert_int_equal(bytes, 7);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(they_are_set_in_their_order_among_the_servers_own),
        TEST(reading_stops_where_the_programs_arguments_begin),
        TEST(bad_lines_are_refused_in_words),
        TEST(help_shows_them_first),
        TEST(bad_tables_are_refused_in_words),
        TEST(a_table_without_its_end_is_refused),
        TEST(a_later_member_is_refused),
        cmocka_unit_test(times_have_a_unit),
        cmocka_unit_test(sizes_are_powers_of_1024),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
