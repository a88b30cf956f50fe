/*
 * Dates: every form that is in use, the dates that do not exist, and the way back.
 */
#include "xmlrpc_time.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static const int64_t spec = 900684535; /* 1998-07-17T14:08:55Z */

static void every_form_is_read(void **state)
{
    (void)state;
    const struct {
        const char *text;
        int64_t seconds;
        uint32_t nanoseconds;
    } rows[] = {
        {"19980717T14:08:55", spec, 0},
        {"1998-07-17T14:08:55", spec, 0},
        {"19980717T140855", spec, 0},
        {"1998-07-17T140855", spec, 0},
        {" \n19980717T14:08:55\t ", spec, 0},
        {"19980717t14:08:55z", spec, 0},
        {"19980717T14:08:55Z", spec, 0},
        {"19980717T14:08:55.25", spec, 250000000},
        {"1998-07-17T14:08:55.250000Z", spec, 250000000},
        {"19980717T14:08:55.123456789999", spec, 123456789},
        {"19980717T14:08:55+09", spec - 9 * 3600, 0},
        {"19980717T14:08:55+0900", spec - 9 * 3600, 0},
        {"1998-07-17T14:08:55+09:00", spec - 9 * 3600, 0},
        {"19980717T14:08:55-03:30", spec + 12600, 0},
        {"19980717T140855.5-0330", spec + 12600, 500000000},
        {"19980717T", 900633600, 0},
        {"19980717", 900633600, 0},
        {"1998-07-17", 900633600, 0},
        {"19981231T23:59:60", 915148800, 0},
        {"19700101T00:00:00", 0, 0},
        {"19691231T23:59:59", -1, 0},
        {"20000229T00:00:00", 951782400, 0},
        {"00010101T00:00:00", -62135596800, 0},
        {"00010101T00:00:00+01:00", -62135600400, 0},
        {"99991231T23:59:59", 253402300799, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        duet_time time = {0};
        assert_int_equal(duet_xml_time_read(rows[i].text, strlen(rows[i].text), &time), 0);
        assert_int_equal(time.seconds, rows[i].seconds);
        assert_int_equal(time.nanoseconds, rows[i].nanoseconds);
    }
}

static void what_is_no_date_is_refused(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "",
        "T",
        "yesterday",
        "1998",
        "199807",
        "1998-0717T14:08:55",
        "19980717 14:08:55",
        "19980717T14",
        "19980717T14:08",
        "19980717T14:0855",
        "19980717T1408:55",
        "19980717T14:08:55.",
        "19980717T14:08:55+",
        "19980717T14:08:55+9",
        "19980717T14:08:55+09:",
        "19980717T14:08:55+09000",
        "19980717T14:08:55ZZ",
        "19980717T14:08:55 Z",
        "+9980717T14:08:55",
        "119980717T14:08:55",
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        duet_time time;
        assert_int_equal(duet_xml_time_read(rows[i], strlen(rows[i]), &time),
                         DUET_FAULT_REQUEST);
    }
}

static void dates_that_do_not_exist_are_out_of_range(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "19980230T00:00:00",       "19990229T00:00:00",       "19000229T00:00:00",
        "19980431T00:00:00",       "19981301T00:00:00",       "19980001T00:00:00",
        "19980100T00:00:00",       "19980132T00:00:00",       "19980717T24:00:00",
        "19980717T14:60:00",       "19980717T14:08:61",       "00000101T00:00:00",
        "19980717T14:08:55+24:00", "19980717T14:08:55+09:60",
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        duet_time time;
        assert_int_equal(duet_xml_time_read(rows[i], strlen(rows[i]), &time),
                         DUET_FAULT_PARAMS);
    }
}

static void every_day_of_ten_thousand_years_comes_back(void **state)
{
    (void)state;
    int days = 0;
    for (int64_t seconds = -62135596800; seconds <= 253402300799; seconds += 86400, days++) {
        char text[DUET_XML_TIME_SIZE];
        duet_time back;
        assert_true(duet_xml_time_write(text, seconds));
        assert_int_equal(duet_xml_time_read(text, sizeof text, &back), 0);
        assert_int_equal(back.seconds, seconds);
    }
    assert_int_equal(days, 3652059);
}

static void dates_agree_with_the_c_library(void **state)
{
    (void)state;
    for (int64_t seconds = -62135596800; seconds <= 253402300799;
         seconds += 86400 * 41 + 12345) {
        char text[DUET_XML_TIME_SIZE], expected[64];
        struct tm tm;
        time_t t = (time_t)seconds;
        if (t != seconds)
            continue; /* more than a time_t of 32 bits holds */
        gmtime_r(&t, &tm);
        snprintf(expected, sizeof expected, "%04d%02d%02dT%02d:%02d:%02d", tm.tm_year + 1900,
                 tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
        assert_true(duet_xml_time_write(text, seconds));
        assert_memory_equal(text, expected, sizeof text);
    }
}

static void years_of_five_digits_are_not_written(void **state)
{
    (void)state;
    char text[DUET_XML_TIME_SIZE];
    assert_false(duet_xml_time_write(text, -62135596801));
    assert_false(duet_xml_time_write(text, 253402300800));
    assert_false(duet_xml_time_write(text, INT64_MIN));
    assert_false(duet_xml_time_write(text, INT64_MAX));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form_is_read),
        cmocka_unit_test(what_is_no_date_is_refused),
        cmocka_unit_test(dates_that_do_not_exist_are_out_of_range),
        cmocka_unit_test(every_day_of_ten_thousand_years_comes_back),
        cmocka_unit_test(dates_agree_with_the_c_library),
        cmocka_unit_test(years_of_five_digits_are_not_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
