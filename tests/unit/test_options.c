/*
 * The table of options: that it is whole, that its defaults are those of the manual, and that
 * every range is kept at both ends.
 */
#include "options.h"
#include "setting.h"

#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void every_option_has_a_flag_of_its_own_and_a_good_default(void **state)
{
    (void)state;
    struct duet_options options;
    duet_options_init(&options);

    for (int i = 0; i < DUET_OPTION_COUNT; i++) {
        duet_option option = duet_option_at(i);
        const struct duet_option_row *row = duet_option_row(option);
        assert_non_null(row->flag);
        assert_memory_equal(row->flag, "--", 2);
        assert_non_null(row->help);
        assert_in_range(option, 1, DUET_OPTION_END - 1);
        assert_in_range(options.value[option], row->min, row->max);
        assert_int_equal(row->unit == DUET_UNIT_CHOICE, row->choices != NULL);
        for (int j = 0; j < i; j++)
            assert_string_not_equal(row->flag, duet_option_flag(duet_option_at(j)));
        if (i > 0)
            assert_true(option > duet_option_at(i - 1));
    }
}

static void defaults_are_those_of_the_manual(void **state)
{
    (void)state;
    static const struct {
        duet_option option;
        const char *flag;
        int64_t value;
    } rows[] = {
        {DUET_OPT_NO_INLINE, "--no-inline", 0},
        {DUET_OPT_MAX_MESSAGE, "--max-message", 16 << 20},
        {DUET_OPT_MAX_REPLY, "--max-reply", 64 << 20},
        {DUET_OPT_MAX_DEPTH, "--max-depth", 64},
        {DUET_OPT_MAX_VALUES, "--max-values", 1000000},
        {DUET_OPT_MAX_HEAD, "--max-head", 16 << 10},
        {DUET_OPT_MAX_CONNECTIONS, "--max-connections", 10000},
        {DUET_OPT_MAX_PER_ADDRESS, "--max-per-address", 0},
        {DUET_OPT_MAX_IN_FLIGHT, "--max-in-flight", 1024},
        {DUET_OPT_MAX_IN_FLIGHT_BYTES, "--max-in-flight-bytes", 32 << 20},
        {DUET_OPT_MAX_BUFFERED, "--max-buffered", 128 << 20},
        {DUET_OPT_WORKER_QUEUE, "--worker-queue", 4096},
        {DUET_OPT_OUT_MARK, "--out-mark", 1 << 20},
        {DUET_OPT_MAX_BUFFERED_PER_CONNECTION, "--max-buffered-per-connection", 16 << 20},
        {DUET_OPT_HEAD_TIMEOUT, "--head-timeout", 10000},
        {DUET_OPT_BODY_TIMEOUT, "--body-timeout", 600000},
        {DUET_OPT_MIN_RATE, "--min-rate", 4096},
        {DUET_OPT_WRITE_TIMEOUT, "--write-timeout", 30000},
        {DUET_OPT_IDLE_TIMEOUT, "--idle-timeout", 300000},
        {DUET_OPT_LINGER_TIMEOUT, "--linger-timeout", 30000},
        {DUET_OPT_LINGER_IDLE, "--linger-idle", 1000},
        {DUET_OPT_CALL_TIMEOUT, "--call-timeout", 0},
        {DUET_OPT_MAX_MULTICALL, "--max-multicall", 1024},
        {DUET_OPT_SLOW_INLINE_MS, "--slow-inline-ms", 100},
        {DUET_OPT_REQUEST_TIMEOUT, "--request-timeout", 30000},
        {DUET_OPT_DRAIN_MS, "--drain-ms", 3000},
        {DUET_OPT_DRAIN_DELAY_MS, "--drain-delay-ms", 0},
        {DUET_OPT_BUSY_POLL_US, "--busy-poll-us", 0},
        {DUET_OPT_SERVER_TIMING, "--server-timing", 0},
        {DUET_OPT_CHECK_RESULTS, "--check-results", 0},
        {DUET_OPT_CONTROL_CHARS, "--control-chars", DUET_CONTROL_CHARS_BASE64},
        {DUET_OPT_INT, "--int", DUET_INT_WIDE},
        {DUET_OPT_I8, "--i8", DUET_I8_PLAIN},
        {DUET_OPT_NIL, "--nil", DUET_NIL_PLAIN},
        {DUET_OPT_RAW, "--raw", DUET_RAW_AUTO},
        {DUET_OPT_ERROR_STYLE, "--error-style", DUET_ERROR_STYLE_ARRAY},
        {DUET_OPT_HTTP_LINE_ENDS, "--http-line-ends", DUET_HTTP_LINE_ENDS_STRICT},
    };
    struct duet_options options;
    duet_options_init(&options);
    assert_int_equal(sizeof rows / sizeof *rows + 2, DUET_OPTION_COUNT); /* loops, workers */
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_string_equal(duet_option_flag(rows[i].option), rows[i].flag);
        assert_int_equal(duet_options_get(&options, rows[i].option), rows[i].value);
    }
}

static void loops_and_workers_follow_the_cpus_we_may_use(void **state)
{
    (void)state;
    cpu_set_t all, one;
    assert_int_equal(sched_getaffinity(0, sizeof all, &all), 0);
    struct duet_options options;
    duet_options_init(&options);
    int64_t cpus = CPU_COUNT(&all);
    assert_int_equal(options.value[DUET_OPT_LOOPS], cpus);
    assert_int_equal(options.value[DUET_OPT_WORKERS], 2 * cpus > 4 ? 2 * cpus : 4);

    size_t first = 0;
    while (!CPU_ISSET(first, &all))
        first++;
    CPU_ZERO(&one);
    CPU_SET(first, &one);
    assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
    duet_options_init(&options);
    sched_setaffinity(0, sizeof all, &all);
    assert_int_equal(options.value[DUET_OPT_LOOPS], 1);
    assert_int_equal(options.value[DUET_OPT_WORKERS], 4);
}

static void each_range_is_kept_at_both_ends(void **state)
{
    (void)state;
    for (int i = 0; i < DUET_OPTION_COUNT; i++) {
        duet_option option = duet_option_at(i);
        const struct duet_option_row *row = duet_option_row(option);
        struct duet_options options;
        duet_options_init(&options);
        char words[200] = "";

        assert_int_equal(duet_options_set(&options, option, row->min, words, 200), 0);
        assert_int_equal(options.value[option], row->min);
        assert_int_equal(duet_options_set(&options, option, row->max, words, 200), 0);
        assert_int_equal(options.value[option], row->max);
        assert_string_equal(words, "");

        if (row->unit == DUET_UNIT_BYTES)
            assert_true((uint64_t)row->max <= SIZE_MAX);

        assert_int_equal(duet_options_set(&options, option, row->min - 1, words, 200), -EINVAL);
        assert_int_equal(duet_options_set(&options, option, row->max + 1, words, 200), -EINVAL);
        assert_int_equal(options.value[option], row->max);
        assert_non_null(strstr(words, row->flag));
    }
}

static void a_refusal_names_flag_value_and_range(void **state)
{
    (void)state;
    static const struct {
        int option;
        int64_t value;
        const char *words;
    } rows[] = {
        {DUET_OPT_MAX_DEPTH, 70000, "--max-depth 70000: must be 1 to 1024"},
        {DUET_OPT_MAX_MESSAGE, 5, "--max-message 5: must be 64 to 1073741824 bytes"},
        {DUET_OPT_HEAD_TIMEOUT, INT64_MIN,
         "--head-timeout -9223372036854775808: must be 1 to 86400000 ms"},
        {DUET_OPT_RAW, 3, "--raw 3: must be new, old or auto"},
        {1000, 1, "there is no option 1000"},
        {0, 1, "there is no option 0"},
        {-1, 1, "there is no option -1"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct duet_options options, before;
        duet_options_init(&options);
        before = options;
        char words[200];
        assert_int_equal(duet_options_set(&options, (duet_option)rows[i].option, rows[i].value,
                                          words, sizeof words),
                         -EINVAL);
        assert_string_equal(words, rows[i].words);
        assert_memory_equal(&options, &before, sizeof options);
    }
    char words[200];
    struct duet_options options;
    duet_options_init(&options);
    assert_int_equal(duet_options_set(&options, (duet_option)DUET_OPTION_END, 1, words, 200),
                     -EINVAL);
    assert_int_equal(duet_options_get(&options, (duet_option)DUET_OPTION_END), 0);
    assert_int_equal(duet_options_get(&options, DUET_OPT_MAX_DEPTH), 64);
    assert_string_equal(duet_option_flag((duet_option)-1), "");
    assert_string_equal(duet_option_flag((duet_option)DUET_OPTION_END), "");
}

static void a_short_room_cuts_the_words(void **state)
{
    (void)state;
    struct duet_options options;
    duet_options_init(&options);
    char words[12];
    assert_int_equal(duet_options_set(&options, DUET_OPT_RAW, 9, words, sizeof words), -EINVAL);
    assert_string_equal(words, "--raw 9: mu");
    for (size_t room = 1; room <= sizeof words; room++) {
        duet_option_range(DUET_OPT_RAW, words, room);
        assert_int_equal(strlen(words), room - 1);
    }
}

static void values_have_words(void **state)
{
    (void)state;
    static const struct {
        duet_option option;
        int64_t value;
        const char *text;
    } rows[] = {
        {DUET_OPT_MAX_DEPTH, 7, "7"},        {DUET_OPT_I8, DUET_I8_EX, "ex:i8"},
        {DUET_OPT_RAW, DUET_RAW_NEW, "new"}, {DUET_OPT_RAW, DUET_RAW_AUTO, "auto"},
        {DUET_OPT_NO_INLINE, 0, "off"},      {DUET_OPT_NO_INLINE, 1, "on"},
        {DUET_OPT_SERVER_TIMING, 1, "on"},   {DUET_OPT_CHECK_RESULTS, 1, "on"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[32];
        duet_option_text(rows[i].option, rows[i].value, text, sizeof text);
        assert_string_equal(text, rows[i].text);
    }
}

static void a_pinned_option_is_set_by_nothing_else(void **state)
{
    (void)state;
    struct duet_options options;
    char words[200] = "";
    duet_options_init(&options);
    assert_int_equal(duet_options_pin(&options, DUET_OPT_WORKERS, 1000000, words, sizeof words),
                     -EINVAL);
    assert_int_equal(duet_options_pin(&options, (duet_option)DUET_OPTION_END, 1, words, 200),
                     -EINVAL);
    assert_int_equal(duet_options_set(&options, DUET_OPT_WORKERS, 3, words, sizeof words), 0);
    assert_int_equal(duet_options_pin(&options, DUET_OPT_WORKERS, 0, words, sizeof words), 0);
    assert_int_equal(duet_options_set(&options, DUET_OPT_WORKERS, 4, words, sizeof words),
                     -EINVAL);
    assert_string_equal(words, "--workers 4: this program pins it to 0");
    words[0] = 0;
    assert_int_equal(duet_setting_set_named(&options, "workers", "5", words, sizeof words),
                     -EINVAL);
    assert_string_equal(words, "--workers 5: this program pins it to 0");
    assert_int_equal(options.value[DUET_OPT_WORKERS], 0);
    assert_int_equal(duet_setting_set_named(&options, "workers", "0", words, sizeof words), 0);
    assert_int_equal(duet_options_pin(&options, DUET_OPT_WORKERS, 7, words, sizeof words), 0);
    assert_int_equal(options.value[DUET_OPT_WORKERS], 7);
    duet_options_done(&options);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_option_has_a_flag_of_its_own_and_a_good_default),
        cmocka_unit_test(defaults_are_those_of_the_manual),
        cmocka_unit_test(loops_and_workers_follow_the_cpus_we_may_use),
        cmocka_unit_test(a_pinned_option_is_set_by_nothing_else),
        cmocka_unit_test(each_range_is_kept_at_both_ends),
        cmocka_unit_test(a_refusal_names_flag_value_and_range),
        cmocka_unit_test(a_short_room_cuts_the_words),
        cmocka_unit_test(values_have_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
