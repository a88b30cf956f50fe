/*
 * Numbers to text and back: ranges, shortest digits, bit for bit, in any locale.
 */
#include "xmlrpc_number.h"

#include "duet.h"

#include <float.h>
#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void integers_are_read_strictly(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int rc;
        bool negative;
        uint64_t magnitude;
    } rows[] = {
        {"0", 0, false, 0},
        {"-0", 0, false, 0},
        {" \n5\t", 0, false, 5},
        {"+5", 0, false, 5},
        {"-5", 0, true, 5},
        {"007", 0, false, 7},
        {"9223372036854775808", 0, false, UINT64_C(9223372036854775808)},
        {"-9223372036854775808", 0, true, UINT64_C(9223372036854775808)},
        {"18446744073709551615", 0, false, UINT64_MAX},
        {"18446744073709551616", DUET_FAULT_PARAMS, false, 0},
        {"99999999999999999999999999", DUET_FAULT_PARAMS, false, 0},
        {"", DUET_FAULT_REQUEST, false, 0},
        {"  ", DUET_FAULT_REQUEST, false, 0},
        {"-", DUET_FAULT_REQUEST, false, 0},
        {"+-5", DUET_FAULT_REQUEST, false, 0},
        {"- 5", DUET_FAULT_REQUEST, false, 0},
        {"1_000", DUET_FAULT_REQUEST, false, 0},
        {"5.0", DUET_FAULT_REQUEST, false, 0},
        {"0x10", DUET_FAULT_REQUEST, false, 0},
        {"99999999999999999999999x", DUET_FAULT_REQUEST, false, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        bool negative = false;
        uint64_t magnitude = 0;
        int rc =
            duet_xml_integer_read(rows[i].text, strlen(rows[i].text), &negative, &magnitude);
        assert_int_equal(rc, rows[i].rc);
        assert_int_equal(negative, rows[i].negative);
        assert_true(magnitude == rows[i].magnitude);
    }
}

static void integers_are_written_in_decimal(void **state)
{
    (void)state;
    static const struct {
        int64_t value;
        const char *text;
    } rows[] = {
        {0, "0"},
        {7, "7"},
        {-7, "-7"},
        {1234567890, "1234567890"},
        {INT64_MAX, "9223372036854775807"},
        {INT64_MIN, "-9223372036854775808"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char room[DUET_XML_INTEGER_ROOM];
        size_t size = duet_xml_integer_write(room, rows[i].value);
        assert_int_equal(size, strlen(rows[i].text));
        assert_memory_equal(room, rows[i].text, size);
    }
}

static void doubles_are_read_as_clients_write_them(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double value;
    } rows[] = {
        {"1.5", 1.5},
        {" 1.5 ", 1.5},
        {"\n-1.5\r\n", -1.5},
        {"+1.5", 1.5},
        {"5", 5},
        {"5.", 5},
        {".5", .5},
        {"-0", -0.0},
        {"-0.0", -0.0},
        {"1e5", 1e5},
        {"1E+5", 1e5},
        {"1e-5", 1e-5},
        {"1e22", 1e22},
        {"1e23", 1e23},
        {"0.1", 0.1},
        {"0.30000000000000004", 0.1 + 0.2},
        {"123456789.12345679", 123456789.12345679},
        {"1.7976931348623157e308", DBL_MAX},
        {"5e-324", 5e-324},
        {"1e-400", 0},
        {"2.2250738585072014e-308", DBL_MIN},
        {"9007199254740993", 9007199254740992.0},
        {"9007199254740993.0000000000000000001", 9007199254740994.0},
        {"0.000000000000000000000000000000000000000000001", 1e-45},
        {"100000000000000000000000000000000000000000000", 1e44},
        {"00000000000000000000000000000000001.5", 1.5},
        {"1e0000000000000000000000000000005", 1e5},
        {"0e999999999999", 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        double value = 1234;
        assert_int_equal(duet_xml_double_read(rows[i].text, strlen(rows[i].text), &value), 0);
        assert_memory_equal(&value, &rows[i].value, sizeof value);
    }
}

static void doubles_that_are_none_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int rc;
    } rows[] = {
        {"", DUET_FAULT_REQUEST},      {".", DUET_FAULT_REQUEST},
        {"-", DUET_FAULT_REQUEST},     {"e5", DUET_FAULT_REQUEST},
        {"1e", DUET_FAULT_REQUEST},    {"1e+", DUET_FAULT_REQUEST},
        {"1,5", DUET_FAULT_REQUEST},   {"1.5.2", DUET_FAULT_REQUEST},
        {"0x10", DUET_FAULT_REQUEST},  {"1_000.0", DUET_FAULT_REQUEST},
        {"1 5", DUET_FAULT_REQUEST},   {"--1", DUET_FAULT_REQUEST},
        {"nan1", DUET_FAULT_REQUEST},  {"1e999", DUET_FAULT_PARAMS},
        {"-1e999", DUET_FAULT_PARAMS}, {"1e99999999999999999999", DUET_FAULT_PARAMS},
        {"1.5f", DUET_FAULT_REQUEST},  {"infinit", DUET_FAULT_REQUEST},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        double value = 1234;
        assert_int_equal(duet_xml_double_read(rows[i].text, strlen(rows[i].text), &value),
                         rows[i].rc);
        assert_true(value == 1234);
    }
}

static void nan_and_infinity_are_read(void **state)
{
    (void)state;
    double value;
    assert_int_equal(duet_xml_double_read("NaN", 3, &value), 0);
    assert_true(isnan(value));
    assert_int_equal(duet_xml_double_read(" inf", 4, &value), 0);
    assert_true(value == INFINITY);
    assert_int_equal(duet_xml_double_read("-Infinity", 9, &value), 0);
    assert_true(value == -INFINITY);
}

static void only_the_bytes_given_are_read(void **state)
{
    (void)state;
    double value;
    assert_int_equal(duet_xml_double_read("1e300<", 5, &value), 0);
    assert_true(value == 1e300);
    assert_int_equal(duet_xml_double_read("12345678901234567890.5 7", 22, &value), 0);
    assert_true(value == 12345678901234567890.5);
}

/* Writes, compares, reads back. */
static void check_written(double value, const char *text)
{
    char room[DUET_XML_DOUBLE_ROOM + 1];
    size_t size = duet_xml_double_write(room, value);
    assert_true(size > 0 && size <= DUET_XML_DOUBLE_ROOM);
    room[size] = '\0';
    if (text != NULL)
        assert_string_equal(room, text);
    assert_null(strpbrk(room, "eE,"));
    assert_non_null(strchr(room, '.'));

    double back;
    assert_int_equal(duet_xml_double_read(room, size, &back), 0);
    assert_memory_equal(&back, &value, sizeof back);
    assert_true(strtod(room, NULL) == value);
}

static void doubles_are_written_shortest_and_without_exponent(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *text;
    } rows[] = {
        {0, "0.0"},
        {-0.0, "-0.0"},
        {1, "1.0"},
        {14, "14.0"},
        {-42.5, "-42.5"},
        {0.1, "0.1"},
        {0.05, "0.05"},
        {0.000001, "0.000001"},
        {0.0000001, "0.0000001"},
        {1.1, "1.1"},
        {3.14159, "3.14159"},
        {0.1 + 0.2, "0.30000000000000004"},
        {1.0 / 3, "0.3333333333333333"},
        {123456789.12345679, "123456789.12345679"},
        {999999999999999.0, "999999999999999.0"},
        {1e15, "1000000000000000.0"},
        {9007199254740993.0, "9007199254740992.0"},
        {1e22, "10000000000000000000000.0"},
        {1.5e-10, "0.00000000015"},
        {-1e-7, "-0.0000001"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check_written(rows[i].value, rows[i].text);
}

static void extreme_doubles_survive(void **state)
{
    (void)state;
    char room[DUET_XML_DOUBLE_ROOM];
    assert_int_equal(duet_xml_double_write(room, 5e-324), 326);
    assert_int_equal(room[325], '5');
    const double rows[] = {5e-324,      -5e-324,
                           DBL_MAX,     -DBL_MAX,
                           DBL_MIN,     2.2250738585072011e-308,
                           1e-310,      1e308,
                           DBL_EPSILON, 9223372036854775808.0,
                           1e100,       4.35e-200,
                           1e23};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check_written(rows[i], NULL);
}

static void random_doubles_survive(void **state)
{
    (void)state;
    uint64_t seed = 88172645463325252;
    for (int i = 0; i < 20000; i++) {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        double value;
        memcpy(&value, &seed, sizeof value);
        if (isfinite(value))
            check_written(value, NULL);
        check_written((double)(int64_t)(seed % 2000000000000) / 10000, NULL);
    }
}

static void what_is_not_finite_is_not_written(void **state)
{
    (void)state;
    char room[DUET_XML_DOUBLE_ROOM];
    assert_int_equal(duet_xml_double_write(room, NAN), 0);
    assert_int_equal(duet_xml_double_write(room, INFINITY), 0);
    assert_int_equal(duet_xml_double_write(room, -INFINITY), 0);
}

/* Any locale whose decimal point is a comma will do. */
static bool use_a_comma(void)
{
    static const char *const names[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "de_DE", "ru_RU.UTF-8"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (setlocale(LC_ALL, names[i]) != NULL)
            return true;
    return false;
}

static void the_locale_does_not_matter(void **state)
{
    (void)state;
    if (!use_a_comma())
        skip();
    char room[DUET_XML_DOUBLE_ROOM];
    double value = 0;
    size_t size = duet_xml_double_write(room, 0.1 + 0.2);
    int rc = duet_xml_double_read("0.30000000000000004", 19, &value);
    setlocale(LC_ALL, "C");

    assert_int_equal(size, 19);
    assert_memory_equal(room, "0.30000000000000004", 19);
    assert_int_equal(rc, 0);
    assert_true(value == 0.1 + 0.2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_are_read_strictly),
        cmocka_unit_test(integers_are_written_in_decimal),
        cmocka_unit_test(doubles_are_read_as_clients_write_them),
        cmocka_unit_test(doubles_that_are_none_are_refused),
        cmocka_unit_test(nan_and_infinity_are_read),
        cmocka_unit_test(only_the_bytes_given_are_read),
        cmocka_unit_test(doubles_are_written_shortest_and_without_exponent),
        cmocka_unit_test(extreme_doubles_survive),
        cmocka_unit_test(random_doubles_survive),
        cmocka_unit_test(what_is_not_finite_is_not_written),
        cmocka_unit_test(the_locale_does_not_matter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
