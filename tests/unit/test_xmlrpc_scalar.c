/*
 * Each scalar type with good text, text out of its range (-32602) and text that is none of it
 * (-32600), as a client would send it.
 */
#include "xmlrpc_scalar.h"

#include "xmlrpc_reading.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void scalars_are_read_as_their_types(void **state)
{
    (void)state;
    static const struct {
        const char *value, *shown;
    } rows[] = {
        {"  a \n", "['  a \n']"},
        {"", "['']"},
        {"<string/>", "['']"},
        {"<string>  a\n </string>", "['  a\n ']"},
        {"<string>a&lt;b&amp;&#65;&#x20ac;&quot;&apos;&gt;</string>",
         "['a<b&A\xe2\x82\xac\"'>']"},
        {"<string>a<![CDATA[<b>&amp;]]>c</string>", "['a<b>&amp;c']"},
        {"<string>a<!-- no -->b<?pi no?>c</string>", "['abc']"},
        {"<string>a\r\nb\rc&#13;d</string>", "['a\nb\nc\rd']"},
        {"<int>5</int>", "[5]"},
        {"<int> 5 </int>", "[5]"},
        {"<int>+5</int>", "[5]"},
        {"<int>-5</int>", "[-5]"},
        {"<int>-0</int>", "[0]"},
        {"<int>2147483647</int>", "[2147483647]"},
        {"<i4>-2147483648</i4>", "[-2147483648]"},
        {"<i4>2147483648</i4>", "[2147483648]"},
        {"<int>-2147483649</int>", "[-2147483649]"},
        {"<i4>99999999999999</i4>", "[99999999999999]"},
        {"<int>9223372036854775807</int>", "[9223372036854775807]"},
        {"<i4>-9223372036854775808</i4>", "[-9223372036854775808]"},
        {"<int>9223372036854775808</int>", "fault -32602"},
        {"<i4>-9223372036854775809</i4>", "fault -32602"},
        {"<int>99999999999999999999</int>", "fault -32602"},
        {"<int>1_000</int>", "fault -32600"},
        {"<int></int>", "fault -32600"},
        {"<int/>", "fault -32600"},
        {"<int>5.0</int>", "fault -32600"},
        {"<i1>127</i1>", "[127]"},
        {"<i1>-128</i1>", "[-128]"},
        {"<i1>300</i1>", "fault -32602"},
        {"<i1>-129</i1>", "fault -32602"},
        {"<i2>32767</i2>", "[32767]"},
        {"<i2>-32769</i2>", "fault -32602"},
        {"<i8>9223372036854775807</i8>", "[9223372036854775807]"},
        {"<i8>-9223372036854775808</i8>", "[-9223372036854775808]"},
        {"<i8>9223372036854775808</i8>", "fault -32602"},
        {"<i8>-9223372036854775809</i8>", "fault -32602"},
        {"<i8>99999999999999999999999999999</i8>", "fault -32602"},
        {"<i8>junk</i8>", "fault -32600"},
        {"<ex:i8>5</ex:i8>", "[5]"},
        {"<anything:i8>5</anything:i8>", "[5]"},
        {"<ex:i1>1</ex:i1>", "[1]"},
        {"<ex:i2>1</ex:i2>", "[1]"},
        {"<ex:biginteger>18446744073709551615</ex:biginteger>", "[18446744073709551615]"},
        {"<ex:biginteger>-9223372036854775808</ex:biginteger>", "[-9223372036854775808]"},
        {"<ex:biginteger>-9223372036854775809</ex:biginteger>", "fault -32602"},
        {"<ex:biginteger>18446744073709551616</ex:biginteger>", "fault -32602"},
        {"<boolean>0</boolean>", "[false]"},
        {"<boolean>1</boolean>", "[true]"},
        {"<boolean> 1 </boolean>", "[true]"},
        {"<boolean>true</boolean>", "[true]"},
        {"<boolean>false</boolean>", "[false]"},
        {"<boolean>2</boolean>", "fault -32600"},
        {"<boolean></boolean>", "fault -32600"},
        {"<boolean>yes</boolean>", "fault -32600"},
        {"<double>1.5</double>", "[1.5]"},
        {"<double> 1.5 </double>", "[1.5]"},
        {"<double>1e5</double>", "[100000]"},
        {"<double>NaN</double>", "[nan]"},
        {"<double>-inf</double>", "[-inf]"},
        {"<double>1e999</double>", "fault -32602"},
        {"<double>one</double>", "fault -32600"},
        {"<double>0x10</double>", "fault -32600"},
        {"<double/>", "fault -32600"},
        {"<float>1.5</float>", "[1.5]"},
        {"<ex:float>1.5</ex:float>", "[1.5]"},
        {"<ex:bigdecimal>1.5</ex:bigdecimal>", "[1.5]"},
        {"<nil/>", "[nil]"},
        {"<nil> </nil>", "[nil]"},
        {"<ex:nil/>", "[nil]"},
        {"<nil>x</nil>", "fault -32600"},
        {"<base64>\n Zm9v\r\n Yg==\n</base64>", "[b(666f6f62)]"},
        {"<base64>Zg</base64>", "[b(66)]"},
        {"<base64/>", "[b()]"},
        {"<base64>Zg!</base64>", "fault -32600"},
        {"<base64>Z</base64>", "fault -32600"},
        {"<dateTime.iso8601>19980717T14:08:55</dateTime.iso8601>", "[t(35af5af7)]"},
        {"<dateTime.iso8601>19980717T14:08:55.5</dateTime.iso8601>", "[t(7735940035af5af7)]"},
        {"<dateTime.iso8601>19691231T23:59:59</dateTime.iso8601>",
         "[t(00000000ffffffffffffffff)]"},
        {"<ex:dateTime>1998-07-17T14:08:55.000+00:00</ex:dateTime>", "[t(35af5af7)]"},
        {"<dateTime.iso8601>19980230T14:08:55</dateTime.iso8601>", "fault -32602"},
        {"<dateTime.iso8601>tomorrow</dateTime.iso8601>", "fault -32600"},
        {"<dateTime.iso8601/>", "fault -32600"},
        {"<ex:dom>x</ex:dom>", "fault -32600"},
        {"<ex:serializable>x</ex:serializable>", "fault -32600"},
        {"\n  <int>5</int>\n ", "[5]"},
    };
    struct reading reading;
    reading_init(&reading);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_string_equal(read_value(&reading, rows[i].value), rows[i].shown);
    reading_done(&reading);
}

static void an_int_holds_32_bits_where_that_is_asked_for(void **state)
{
    (void)state;
    static const struct {
        const char *value, *shown;
    } rows[] = {
        {"<int>2147483647</int>", "[2147483647]"}, {"<i4>-2147483648</i4>", "[-2147483648]"},
        {"<i4>2147483648</i4>", "fault -32602"},   {"<int>-2147483649</int>", "fault -32602"},
        {"<i8>2147483648</i8>", "[2147483648]"},
    };
    struct reading reading;
    reading_init(&reading);
    reading.int_is_strict = true;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_string_equal(read_value(&reading, rows[i].value), rows[i].shown);
    read_value(&reading, "<i4>99999999999999</i4>");
    assert_string_equal(
        reading.fault.message,
        "argument 1: <i4> holds \"99999999999999\", which is out of range: -2147483648 to "
        "2147483647 with --int strict (line 2, column 79)");
    reading_done(&reading);
}

static void a_refusal_says_what_and_where(void **state)
{
    (void)state;
    static const struct {
        const char *value, *message;
    } rows[] = {
        {"<i4>9223372036854775808</i4>",
         "argument 1: <i4> holds \"9223372036854775808\", which is out of range: "
         "-9223372036854775808 to 9223372036854775807 (line 2, column 84)"},
        {"<i2>40000</i2>", "argument 1: <i2> holds \"40000\", which is out of range: -32768 to "
                           "32767 (line 2, column 70)"},
        {"<int>1_000</int>",
         "argument 1: <int> holds \"1_000\", which is no integer (line 2, column 71)"},
        {"<ex:serializable>x</ex:serializable>",
         "argument 1: type <ex:serializable> is not supported (line 2, column 61)"},
        {"<base64>Zm9v!</base64>",
         "argument 1: <base64> is no base64 at character 5 (line 2, column 74)"},
        {"<base64>Zm9vY</base64>",
         "argument 1: <base64> is base64 that ends early, after character 5 (line 2, column "
         "74)"},
    };
    struct reading reading;
    reading_init(&reading);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        read_value(&reading, rows[i].value);
        assert_string_equal(reading.fault.message, rows[i].message);
    }
    reading_done(&reading);
}

static void a_long_text_is_cut_in_the_refusal(void **state)
{
    (void)state;
    struct reading reading;
    reading_init(&reading);
    char value[2000];
    memset(value, '9', sizeof value);
    memcpy(value, "<int>", 5);
    strcpy(value + 1900, "</int>");
    assert_string_equal(read_value(&reading, value), "fault -32602");
    assert_true(strlen(reading.fault.message) < 400);
    assert_non_null(strstr(reading.fault.message, "999\"..., which"));
    reading_done(&reading);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scalars_are_read_as_their_types),
        cmocka_unit_test(an_int_holds_32_bits_where_that_is_asked_for),
        cmocka_unit_test(a_refusal_says_what_and_where),
        cmocka_unit_test(a_long_text_is_cut_in_the_refusal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
