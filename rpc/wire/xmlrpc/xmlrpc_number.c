/*
 * Integers and doubles, text to number and back. The C library does the hard doubles; it is
 * never asked about the decimal point, which depends on the process' locale.
 */
#include "xmlrpc_number.h"

#include "duet.h"

#include <float.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

int duet_xml_integer_read(const char *text, size_t size, bool *negative, uint64_t *magnitude)
{
    duet_xml_trim(&text, &size);
    bool minus = size > 0 && text[0] == '-';
    size_t i = minus || (size > 0 && text[0] == '+');
    if (i == size)
        return DUET_FAULT_REQUEST;

    uint64_t value = 0;
    bool overflow = false;
    for (; i < size; i++) {
        if (!is_digit(text[i]))
            return DUET_FAULT_REQUEST;
        overflow |= __builtin_mul_overflow(value, 10, &value);
        overflow |= __builtin_add_overflow(value, (uint64_t)(text[i] - '0'), &value);
    }
    if (overflow)
        return DUET_FAULT_PARAMS;
    *negative = minus && value != 0;
    *magnitude = value;
    return 0;
}

/* Powers of ten that a double holds exactly. */
static const double exact_power[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                     1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                     1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
enum { EXACT_POWER = 22 };

/* A number's text taken apart: mantissa * 10^exponent, if all digits fitted. */
struct decimal {
    uint64_t mantissa;
    int exponent;
    bool exact;
};

/* Below this a mantissa takes another digit without overflow. */
static const uint64_t MANTISSA_ROOM = UINT64_C(1000000000000000000);

static size_t scan_digits(const char *text, size_t i, size_t size, struct decimal *decimal)
{
    for (; i < size && is_digit(text[i]); i++) {
        decimal->exact &= decimal->mantissa < MANTISSA_ROOM;
        if (decimal->exact)
            decimal->mantissa = decimal->mantissa * 10 + (uint64_t)(text[i] - '0');
    }
    return i;
}

static size_t scan_exponent(const char *text, size_t i, size_t size, struct decimal *decimal)
{
    bool minus = text[i] == '-';
    size_t first = i += minus || text[i] == '+';
    int exponent = 0;
    for (; i < size && is_digit(text[i]); i++)
        if (exponent < 100000)
            exponent = exponent * 10 + (text[i] - '0');
    decimal->exponent += minus ? -exponent : exponent;
    return i == first ? size + 1 : i;
}

/* False when the text is not digits[.digits][e[+-]digits] with a digit before or after the
 * point. */
static bool scan_decimal(const char *text, size_t size, struct decimal *decimal)
{
    *decimal = (struct decimal){.exact = true};
    size_t i = scan_digits(text, 0, size, decimal), digits = i;
    if (i < size && text[i] == '.') {
        size_t point = ++i;
        i = scan_digits(text, i, size, decimal);
        digits += i - point;
        decimal->exact &= i - point <= 1000; /* the exponent stays an int */
        decimal->exponent = decimal->exact ? -(int)(i - point) : 0;
    }
    if (digits == 0)
        return false;
    if (i + 1 < size && (text[i] == 'e' || text[i] == 'E'))
        i = scan_exponent(text, i + 1, size, decimal);
    return i == size;
}

/* Neither NaN nor infinity is in the specification, but clients send both. */
static bool read_special(const char *text, size_t size, double *value)
{
    if (size == 3 && strncasecmp(text, "nan", 3) == 0) {
        *value = NAN;
        return true;
    }
    if ((size == 3 && strncasecmp(text, "inf", 3) == 0) ||
        (size == 8 && strncasecmp(text, "infinity", 8) == 0)) {
        *value = INFINITY;
        return true;
    }
    return false;
}

static locale_t c_locale;

static void make_c_locale(void)
{
    c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0); /* glibc's own; allocates nothing */
}

static double read_hard(const char *text)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_c_locale);
    return strtod_l(text, NULL, c_locale);
}

int duet_xml_double_read(const char *text, size_t size, double *value)
{
    duet_xml_trim(&text, &size);
    bool minus = size > 0 && text[0] == '-';
    if (minus || (size > 0 && text[0] == '+'))
        text++, size--;

    struct decimal decimal;
    double result;
    if (scan_decimal(text, size, &decimal)) {
        /* Two doubles that are exact, one operation: correctly rounded (Clinger 1990). */
        bool easy = decimal.exact && decimal.mantissa <= UINT64_C(1) << DBL_MANT_DIG;
        if (easy && decimal.exponent <= 0 && decimal.exponent >= -EXACT_POWER)
            result = (double)decimal.mantissa / exact_power[-decimal.exponent];
        else if (easy && decimal.exponent > 0 && decimal.exponent <= EXACT_POWER)
            result = (double)decimal.mantissa * exact_power[decimal.exponent];
        else
            result = read_hard(text);
        if (isinf(result))
            return DUET_FAULT_PARAMS;
    } else if (!read_special(text, size, &result)) {
        return DUET_FAULT_REQUEST;
    }
    *value = minus ? -result : result;
    return 0;
}

static size_t write_natural(char *room, uint64_t value)
{
    char digits[DUET_XML_INTEGER_ROOM];
    size_t size = 0;
    do {
        digits[sizeof digits - ++size] = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    memcpy(room, digits + sizeof digits - size, size);
    return size;
}

size_t duet_xml_integer_write(char *room, int64_t value)
{
    if (value >= 0)
        return write_natural(room, (uint64_t)value);
    room[0] = '-';
    return 1 + write_natural(room + 1, 0 - (uint64_t)value);
}

/* Writes digits (d.ddd * 10^exponent) without an exponent. */
static size_t write_expanded(char *room, const char *digits, int count, int exponent)
{
    char *to = room;
    if (exponent < 0) {
        *to++ = '0';
        *to++ = '.';
        for (int i = -1; i > exponent; i--)
            *to++ = '0';
    }
    for (int i = 0; i < count || i <= exponent; i++) {
        *to++ = i < count ? digits[i] : '0';
        if (i == exponent) {
            *to++ = '.';
            if (i + 1 >= count)
                *to++ = '0';
        }
    }
    return (size_t)(to - room);
}

/* Most doubles that people send have few decimals. With at most 15 digits the quotient of two
 * exact doubles is the only double that these digits name, and the fewest decimals come first.
 * Returns 0 when it is not one of these. */
static size_t write_easy(char *room, double value)
{
    enum { MOST_DECIMALS = 6 };
    if (value >= 1e15)
        return 0;
    for (int decimals = 0; decimals <= MOST_DECIMALS; decimals++) {
        double scaled = value * exact_power[decimals] + 0.5;
        if (scaled >= 1e15)
            return 0;
        uint64_t whole = (uint64_t)scaled;
        if ((double)whole / exact_power[decimals] != value)
            continue;
        if (decimals == 0) {
            size_t size = write_natural(room, whole);
            memcpy(room + size, ".0", 2);
            return size + 2;
        }
        char digits[DUET_XML_INTEGER_ROOM];
        int count = (int)write_natural(digits, whole);
        return write_expanded(room, digits, count, count - 1 - decimals);
    }
    return 0;
}

/* 15 digits always survive text -> double -> text, 17 always survive double -> text -> double.
 * Only subnormals can do with fewer than %.15g leaves after its trailing zeros. */
static size_t write_hard(char *room, double value)
{
    char text[40];
    int precision = value < DBL_MIN ? 1 : DBL_DIG;
    do
        snprintf(text, sizeof text, "%.*e", precision - 1, value);
    while (strtod(text, NULL) != value && ++precision <= DBL_DECIMAL_DIG);

    char digits[DBL_DECIMAL_DIG];
    int count = 0;
    const char *p = text;
    for (; *p != 'e'; p++)
        if (is_digit(*p)) /* and not the locale's decimal point */
            digits[count++] = *p;
    while (count > 1 && digits[count - 1] == '0')
        count--;
    return write_expanded(room, digits, count, atoi(p + 1));
}

size_t duet_xml_double_write(char *room, double value)
{
    if (!isfinite(value))
        return 0;
    size_t sign = signbit(value) != 0;
    if (sign)
        room[0] = '-';
    value = fabs(value);
    size_t size = write_easy(room + sign, value);
    return sign + (size > 0 ? size : write_hard(room + sign, value));
}
