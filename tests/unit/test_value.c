/*
 * Reading values: types, numbers, times, containers, and strings that get their NUL without a
 * copy, whatever stands beside them in the message.
 */
#include "codec_msgpack.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- A message's parameters, decoded from memory of its exact size and one byte */

static const struct duet_limits limits = {
    .max_message = 1 << 20, .max_values = 10000, .max_depth = 64};
static struct duet_arena arena;
static struct duet_fault fault;
static struct duet_incoming request;

static int set_up(void **state)
{
    (void)state;
    duet_arena_init(&arena, 1 << 20);
    request = (struct duet_incoming){.limits = &limits, .arena = &arena, .fault = &fault};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    free(request.bytes);
    duet_arena_done(&arena);
    return 0;
}

/* Decodes [2, "m", params]; `behind` is what stands behind the message. */
static const duet_value *decode(const void *params, size_t size, uint8_t behind)
{
    free(request.bytes);
    duet_arena_reset(&arena);
    request.size = 4 + size;
    request.bytes = malloc(request.size + 1);
    memcpy(request.bytes, "\x93\x02\xa1m", 4);
    memcpy(request.bytes + 4, params, size);
    request.bytes[request.size] = behind;
    assert_int_equal(duet_msgpack_check(&request), 0);
    assert_int_equal(duet_codec_msgpack.head(&request), 0);
    assert_int_equal(duet_codec_msgpack.decode(&request), 0);
    return (const duet_value *)&request.params;
}
#define DECODE(text) decode(text, sizeof(text) - 1, 0xc1)

/* ---- Types and numbers */

static void every_value_has_its_type(void **state)
{
    (void)state;
    static const duet_type types[] = {
        DUET_TYPE_NIL,  DUET_TYPE_BOOL,   DUET_TYPE_INT,    DUET_TYPE_INT,    DUET_TYPE_INT,
        DUET_TYPE_UINT, DUET_TYPE_DOUBLE, DUET_TYPE_DOUBLE, DUET_TYPE_STRING, DUET_TYPE_BYTES,
        DUET_TYPE_TIME, DUET_TYPE_ARRAY,  DUET_TYPE_MAP,    DUET_TYPE_EXT,
    };
    const duet_value *args =
        DECODE("\x9e\xc0\xc3\x05\xff\xcf\x7f\xff\xff\xff\xff\xff\xff\xff"
               "\xcf\x80\0\0\0\0\0\0\0\xca\x3f\xc0\0\0\xcb\x3f\xf8\0\0\0\0\0\0"
               "\xa1s\xc4\x01r\xd6\xff\0\0\0\1\x90\x80\xd4\x05x");
    assert_int_equal(duet_value_count(args), sizeof types / sizeof *types);
    for (size_t i = 0; i < duet_value_count(args); i++)
        assert_int_equal(duet_value_type(duet_value_item(args, i)), types[i]);
    assert_true(duet_value_double(duet_value_item(args, 6)) == 1.5);
    assert_true(duet_value_double(duet_value_item(args, 7)) == 1.5);
    assert_int_equal(duet_value_ext_type(duet_value_item(args, 13)), 5);
}

static void every_type_has_a_name(void **state)
{
    (void)state;
    static const char *const names[] = {"nil",   "bool", "int",   "uint", "double", "string",
                                        "bytes", "time", "array", "map",  "ext"};
    for (int i = 0; i < 11; i++)
        assert_string_equal(duet_type_name((duet_type)i), names[i]);
    assert_string_equal(duet_type_name((duet_type)11), "unknown");
}

static duet_value real(double value)
{
    return (duet_value){.object = {.type = MSGPACK_OBJECT_FLOAT64, .via.f64 = value}};
}

static duet_value integer(int64_t value)
{
    duet_value result = {.object = {.type = MSGPACK_OBJECT_NEGATIVE_INTEGER}};
    if (value >= 0)
        result.object.type = MSGPACK_OBJECT_POSITIVE_INTEGER;
    result.object.via.i64 = value;
    return result;
}

static void doubles_read_as_integers_where_they_are_some(void **state)
{
    (void)state;
    static const struct {
        double value;
        int64_t as_int;
        uint64_t as_uint;
    } rows[] = {
        {0.0, 0, 0},
        {-0.0, 0, 0},
        {7.0, 7, 7},
        {7.5, 0, 0},
        {-3.0, -3, 0},
        {-0x1p63, INT64_MIN, 0},
        {0x1p63, 0, (uint64_t)1 << 63},
        {0x1p64, 0, 0},
        {0x1.fffffffffffffp63, 0, 0xfffffffffffff800},
        {-0x1.0000000000001p63, 0, 0},
        {1e300, 0, 0},
        {__builtin_nan(""), 0, 0},
        {__builtin_inf(), 0, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        duet_value value = real(rows[i].value);
        assert_true(duet_value_int(&value) == rows[i].as_int);
        assert_true(duet_value_uint(&value) == rows[i].as_uint);
    }
}

static void integers_read_as_each_other_where_they_fit(void **state)
{
    (void)state;
    duet_value large = {
        .object = {.type = MSGPACK_OBJECT_POSITIVE_INTEGER, .via.u64 = UINT64_MAX}};
    assert_true(duet_value_uint(&large) == UINT64_MAX);
    assert_true(duet_value_int(&large) == 0);
    assert_true(duet_value_double(&large) == 0x1p64);

    duet_value negative = integer(INT64_MIN);
    assert_true(duet_value_int(&negative) == INT64_MIN);
    assert_true(duet_value_uint(&negative) == 0);
    assert_true(duet_value_double(&negative) == -0x1p63);
}

static void the_wrong_type_reads_as_nothing(void **state)
{
    (void)state;
    const duet_value *args = DECODE("\x93\xa1s\xc3\x01");
    const duet_value *text = duet_value_item(args, 0), *truth = duet_value_item(args, 1);
    const duet_value *missing = duet_value_item(args, 3);
    size_t size = 5;

    assert_false(duet_value_bool(text));
    assert_false(duet_value_bool(duet_value_item(args, 2)));
    assert_int_equal(duet_value_int(truth), 0);
    assert_int_equal(duet_value_uint(text), 0);
    assert_true(duet_value_double(text) == 0);
    assert_string_equal(duet_value_string(truth, &size), "");
    assert_int_equal(size, 0);
    assert_non_null(duet_value_bytes(truth, NULL));
    assert_int_equal(duet_value_time(text).seconds, 0);
    assert_int_equal(duet_value_ext_type(text), 0);
    assert_int_equal(duet_value_count(text), 0);

    assert_int_equal(duet_value_type(missing), DUET_TYPE_NIL);
    assert_int_equal(duet_value_type(duet_value_item(missing, 0)), DUET_TYPE_NIL);
    assert_int_equal(duet_value_type(duet_value_key(args, 0)), DUET_TYPE_NIL);
    assert_int_equal(duet_value_type(duet_value_get(args, "s")), DUET_TYPE_NIL);
}

/* ---- Times */

static void timestamps_of_all_sizes(void **state)
{
    (void)state;
    static const struct {
        msgpack_object_ext ext;
        duet_type type;
        int64_t seconds;
        uint32_t nanoseconds;
    } rows[] = {
        {{-1, 4, "\xff\xff\xff\xff"}, DUET_TYPE_TIME, 4294967295, 0},
        {{-1, 8, "\0\0\0\x07\xff\xff\xff\xff"}, DUET_TYPE_TIME, 17179869183, 1},
        {{-1, 8, "\xee\x6b\x27\xfc\0\0\0\1"}, DUET_TYPE_TIME, 1, 999999999},
        {{-1, 8, "\xee\x6b\x28\0\0\0\0\1"}, DUET_TYPE_EXT, 0, 0},
        {{-1, 12, "\x3b\x9a\xc9\xff\xff\xff\xff\xff\xff\xff\xff\xff"},
         DUET_TYPE_TIME,
         -1,
         999999999},
        {{-1, 12, "\x3b\x9a\xca\0\0\0\0\0\0\0\0\1"}, DUET_TYPE_EXT, 0, 0},
        {{-1, 5, "\0\0\0\0\0"}, DUET_TYPE_EXT, 0, 0},
        {{-1, 0, ""}, DUET_TYPE_EXT, 0, 0},
        {{1, 4, "\0\0\0\1"}, DUET_TYPE_EXT, 0, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        duet_value value = {.object = {.type = MSGPACK_OBJECT_EXT, .via.ext = rows[i].ext}};
        assert_int_equal(duet_value_type(&value), rows[i].type);
        assert_true(duet_value_time(&value).seconds == rows[i].seconds);
        assert_int_equal(duet_value_time(&value).nanoseconds, rows[i].nanoseconds);

        size_t size;
        duet_value_bytes(&value, &size);
        bool is_ext = rows[i].type == DUET_TYPE_EXT;
        assert_int_equal(size, is_ext ? rows[i].ext.size : 0);
        assert_int_equal(duet_value_ext_type(&value), is_ext ? rows[i].ext.type : 0);
    }
}

/* ---- Strings */

/* Parameters with strings side by side, of every header, among all that may follow one. Each
 * string's bytes are what `texts` says. */
static const char neighbours[] = "\x9e"
                                 "\xa3"
                                 "abc"
                                 "\xa0"
                                 "\xa2"
                                 "\0d" /* begins with a NUL, right behind an empty one */
                                 "\xa1"
                                 "e"
                                 "\xa2\0\0"
                                 "\xc4\x02"
                                 "fg"
                                 "\x00" /* the integer 0 behind bytes */
                                 "\xd9\x01"
                                 "h"
                                 "\xda\x00\x02"
                                 "ij"
                                 "\xdb\x00\x00\x00\x01"
                                 "k"
                                 "\xc5\x00\x01"
                                 "l"
                                 "\xc6\x00\x00\x00\x02"
                                 "m\0"
                                 "\xc4\x00"
                                 "\xa1"
                                 "n";
static const struct {
    const char *bytes;
    size_t size;
} texts[14] = {{"abc", 3}, {"", 0},   {"\0d", 2}, {"e", 1}, {"\0\0", 2}, {"fg", 2}, {"", 0},
               {"h", 1},   {"ij", 2}, {"k", 1},   {"l", 1}, {"m\0", 2},  {"", 0},   {"n", 1}};

static void check_text(const duet_value *args, size_t i, bool with_nul)
{
    size_t size;
    const duet_value *value = duet_value_item(args, i);
    const char *text =
        with_nul ? duet_value_string(value, &size) : duet_value_bytes(value, &size);
    assert_int_equal(size, texts[i].size);
    assert_memory_equal(text, texts[i].bytes, size);
    if (with_nul)
        assert_int_equal(text[size], 0);
}

/* Asks for the strings in a shuffled order, twice each, and after each step looks at all that
 * were asked for before: none may have changed or lost its NUL. */
static void strings_end_with_a_nul_in_any_order_of_asking(void **state)
{
    (void)state;
    enum { COUNT = 14 };
    srand(1);
    for (int round = 0; round < 2000; round++) {
        uint8_t behind = round & 1 ? 0xa1 : 0;
        const duet_value *args = decode(neighbours, sizeof neighbours - 1, behind);
        const char *asked[COUNT] = {NULL};
        for (int step = 0; step < 2 * COUNT; step++) {
            size_t i = (size_t)rand() % COUNT;
            const char *text = duet_value_string(duet_value_item(args, i), NULL);
            assert_true(asked[i] == NULL || asked[i] == text);
            asked[i] = text;
            for (size_t k = 0; k < COUNT; k++)
                check_text(args, k, false);
            for (size_t k = 0; k < COUNT; k++)
                if (asked[k] != NULL)
                    assert_int_equal(asked[k][texts[k].size], 0);
        }
        for (size_t k = 0; k < COUNT; k++)
            check_text(args, k, true);
        assert_int_equal(request.bytes[request.size], behind); /* not ours to write */
        assert_memory_equal(request.bytes, "\x93\x02\xa1m\x9e", 5);
    }
}

static void a_size_is_optional_and_null_strings_are_empty(void **state)
{
    (void)state;
    duet_value empty = {.object = {.type = MSGPACK_OBJECT_STR, .via.str = {0, NULL}}};
    assert_string_equal(duet_value_string(&empty, NULL), "");
    assert_non_null(duet_value_bytes(&empty, NULL));
    assert_string_equal(duet_value_string(duet_value_item(DECODE("\x91\xa2xy"), 0), NULL),
                        "xy");
}

/* ---- Maps */

static void maps_are_read_by_position_and_by_key(void **state)
{
    (void)state;
    const duet_value *map = duet_value_item(DECODE("\x91\x86\xa1"
                                                   "a\x01\xa1"
                                                   "b\x02\xc4\x01"
                                                   "a\x03\x07\x04\xa0\x05\xa2"
                                                   "ab\x06"),
                                            0);
    assert_int_equal(duet_value_count(map), 6);
    assert_int_equal(duet_value_int(duet_value_item(map, 1)), 2);
    assert_int_equal(duet_value_int(duet_value_key(map, 3)), 7);
    assert_int_equal(duet_value_int(duet_value_get(map, "a")), 3); /* the last one counts */
    assert_int_equal(duet_value_int(duet_value_get(map, "b")), 2);
    assert_int_equal(duet_value_int(duet_value_get(map, "")), 5);
    assert_int_equal(duet_value_int(duet_value_get(map, "ab")), 6);
    assert_int_equal(duet_value_type(duet_value_get(map, "c")), DUET_TYPE_NIL);

    assert_string_equal(duet_value_string(duet_value_key(map, 1), NULL), "b");
    assert_int_equal(duet_value_int(duet_value_get(map, "b")), 2);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(every_value_has_its_type),
        TEST(every_type_has_a_name),
        TEST(doubles_read_as_integers_where_they_are_some),
        TEST(integers_read_as_each_other_where_they_fit),
        TEST(the_wrong_type_reads_as_nothing),
        TEST(timestamps_of_all_sizes),
        TEST(strings_end_with_a_nul_in_any_order_of_asking),
        TEST(a_size_is_optional_and_null_strings_are_empty),
        TEST(maps_are_read_by_position_and_by_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
