/*
 * Signatures of letters: which arguments pass, and the exact words where they do not. What goes
 * inside is in test_type_check.c, what is no signature in test_type_parse.c.
 */
#include "signature.h"

#include "packed.h"
#include "writer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* ---- Arguments, as codecs decode them */

static msgpack_object nil(void)
{
    return (msgpack_object){.type = MSGPACK_OBJECT_NIL};
}

static msgpack_object boolean(bool value)
{
    return (msgpack_object){.type = MSGPACK_OBJECT_BOOLEAN, .via.boolean = value};
}

static msgpack_object integer(int64_t value)
{
    if (value < 0)
        return (msgpack_object){.type = MSGPACK_OBJECT_NEGATIVE_INTEGER, .via.i64 = value};
    return (msgpack_object){.type = MSGPACK_OBJECT_POSITIVE_INTEGER,
                            .via.u64 = (uint64_t)value};
}

static msgpack_object natural(uint64_t value)
{
    return (msgpack_object){.type = MSGPACK_OBJECT_POSITIVE_INTEGER, .via.u64 = value};
}

static msgpack_object real(double value)
{
    return (msgpack_object){.type = MSGPACK_OBJECT_FLOAT64, .via.f64 = value};
}

static msgpack_object string(void)
{
    return (msgpack_object){.type = MSGPACK_OBJECT_STR, .via.str = {2, "ab"}};
}

static msgpack_object bytes(void)
{
    return (msgpack_object){.type = MSGPACK_OBJECT_BIN, .via.bin = {2, "ab"}};
}

static msgpack_object ext(int8_t type)
{
    return (msgpack_object){.type = MSGPACK_OBJECT_EXT, .via.ext = {type, 4, "\0\0\0\1"}};
}

static msgpack_object array(void)
{
    return (msgpack_object){.type = MSGPACK_OBJECT_ARRAY};
}

static msgpack_object array_of_one(void)
{
    static msgpack_object item;
    return (msgpack_object){.type = MSGPACK_OBJECT_ARRAY, .via.array = {1, &item}};
}

static msgpack_object map(void)
{
    return (msgpack_object){.type = MSGPACK_OBJECT_MAP};
}

static void parse(struct duet_signature *signature, const char *text)
{
    char words[200] = "";
    assert_int_equal(duet_signature_init(signature, text, NULL, NULL, words, sizeof words), 0);
    assert_string_equal(words, "");
}

static struct duet_arena arena;

static int set_up(void **state)
{
    (void)state;
    duet_arena_init(&arena, 1 << 16);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    duet_arena_done(&arena);
    return 0;
}

static struct duet_incoming request_of(msgpack_object *arguments, uint32_t count,
                                       struct duet_fault *fault)
{
    return (struct duet_incoming){
        .params = {.type = MSGPACK_OBJECT_ARRAY, .via.array = {count, arguments}},
        .arena = &arena,
        .fault = fault};
}

static int check(const char *text, msgpack_object *arguments, uint32_t count,
                 struct duet_fault *fault)
{
    struct duet_signature signature;
    parse(&signature, text);
    struct duet_incoming request = request_of(arguments, count, fault);
    fault->code = 0;
    fault->message[0] = '\0';
    int rc = duet_signature_check(&signature, "m", &request);
    duet_signature_done(&signature);
    return rc;
}

/* ---- Parsing */

static void alternatives_are_counted(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int alternatives;
    } rows[] = {
        {NULL, 0},
        {"", 0},
        {"  ", 0},
        {"i:", 1},
        {"i:i d:d", 2},
        {" i:i  d:d ", 2},
        {"v:nbiudsrtamv", 1},
        {"a:*", 0},
        {"a:* i:i ", 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct duet_signature signature;
        parse(&signature, rows[i].text);
        assert_int_equal(signature.alternatives, rows[i].alternatives);
        duet_signature_done(&signature);
    }
}

static void what_a_call_is_checked_by_quickly_has_an_end(void **state)
{
    (void)state;
    struct duet_signature signature;
    char text[DUET_SIGNATURE_LEAVES + 3] = "i:";
    memset(text + 2, 'i', DUET_SIGNATURE_LEAVES - 1);
    parse(&signature, text);
    assert_int_equal(signature.size, DUET_SIGNATURE_LEAVES);
    assert_int_equal(signature.alternatives, 1);
    duet_signature_done(&signature);

    text[DUET_SIGNATURE_LEAVES + 1] = 'i';
    parse(&signature, text);
    assert_int_equal(signature.alternatives, 0);
    assert_true(signature.is_checked);
    duet_signature_done(&signature);
}

/* ---- Checking */

static void each_letter_takes_its_types_and_no_other(void **state)
{
    (void)state;
    /* One column for each value below: x taken, . refused. */
    static const struct {
        const char *signature, *taken;
    } rows[] = {
        {"v:n", "x..........."}, {"v:b", ".x.........."}, {"v:i", "..xx........"},
        {"v:u", "...xx......."}, {"v:d", "..xx.x......"}, {"v:s", "......x....."},
        {"v:r", "......xx...."}, {"v:t", "........x..."}, {"v:a", "..........x."},
        {"v:m", "...........x"}, {"v:v", "xxxxxxxxxxxx"}, {"v:*", "xxxxxxxxxxxx"},
    };
    msgpack_object values[] = {
        nil(),    boolean(true), integer(-1), integer(7), natural(UINT64_MAX), real(1.5),
        string(), bytes(),       ext(-1),     ext(5),     array_of_one(),      map()};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (size_t j = 0; j < sizeof values / sizeof *values; j++) {
            struct duet_fault fault;
            int rc = check(rows[i].signature, &values[j], 1, &fault);
            assert_int_equal(rc, rows[i].taken[j] == 'x' ? 0 : DUET_FAILED);
            assert_int_equal(fault.code, rc == 0 ? 0 : DUET_FAULT_PARAMS);
        }
}

static void an_integer_is_taken_for_a_double_only_if_exact(void **state)
{
    (void)state;
    static const struct {
        int64_t value;
        bool exact;
    } rows[] = {
        {0, true},
        {-1, true},
        {INT64_C(1) << 53, true},
        {(INT64_C(1) << 53) + 1, false},
        {-(INT64_C(1) << 53), true},
        {-(INT64_C(1) << 53) - 1, false},
        {(INT64_C(1) << 53) + 2, true},
        {INT64_MAX, false},
        {INT64_MIN, true},
        {INT64_MIN + 1, false},
        {INT64_C(1) << 62, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct duet_fault fault;
        msgpack_object value = integer(rows[i].value);
        assert_int_equal(check("d:d", &value, 1, &fault), rows[i].exact ? 0 : DUET_FAILED);
    }
    struct duet_fault fault;
    msgpack_object high = natural(UINT64_C(1) << 63), odd = natural((UINT64_C(1) << 63) + 1);
    assert_int_equal(check("d:d", &high, 1, &fault), 0);
    assert_int_equal(check("d:d", &odd, 1, &fault), DUET_FAILED);
}

static void an_empty_array_becomes_a_map_where_only_that_is_declared(void **state)
{
    (void)state;
    static const struct {
        const char *signature;
        msgpack_object_type becomes;
    } rows[] = {
        {"v:sm", MSGPACK_OBJECT_MAP},        {"v:sa", MSGPACK_OBJECT_ARRAY},
        {"v:sv", MSGPACK_OBJECT_ARRAY},      {"v:sm v:sa", MSGPACK_OBJECT_ARRAY},
        {"v:sm v:si", MSGPACK_OBJECT_MAP},   {"v:sm v:sv", MSGPACK_OBJECT_ARRAY},
        {"v:im v:sv", MSGPACK_OBJECT_ARRAY}, {"v:sm v:a", MSGPACK_OBJECT_MAP},
        {NULL, MSGPACK_OBJECT_ARRAY},        {"v:*", MSGPACK_OBJECT_ARRAY},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct duet_fault fault;
        msgpack_object arguments[] = {string(), array()};
        assert_int_equal(check(rows[i].signature, arguments, 2, &fault), 0);
        assert_int_equal(arguments[1].type, rows[i].becomes);
        assert_int_equal(duet_value_count((const duet_value *)&arguments[1]), 0);
        struct duet_incoming request = request_of(arguments, 2, &fault);
        duet_signature_restore(&request);
        assert_int_equal(arguments[1].type, MSGPACK_OBJECT_ARRAY);
        assert_int_equal(arguments[1].via.array.size, 0);
    }
    struct duet_fault fault;
    msgpack_object arguments[] = {array(), array(), map(), integer(1)};
    assert_int_equal(check("v:mmms", arguments, 4, &fault), DUET_FAILED);
    assert_int_equal(arguments[0].type, MSGPACK_OBJECT_ARRAY);
    assert_int_equal(check("v:mmmi", arguments, 4, &fault), 0);
    struct duet_incoming request = request_of(arguments, 4, &fault);
    duet_signature_restore(&request);
    assert_int_equal(arguments[2].type, MSGPACK_OBJECT_MAP);
}

static void good_calls_pass(void **state)
{
    (void)state;
    struct duet_fault fault;
    msgpack_object ii[] = {integer(1), integer(2)}, dd[] = {real(1), real(2)};
    msgpack_object is[] = {integer(1), string()}, id[] = {integer(1), real(2)};
    assert_int_equal(check(NULL, ii, 2, &fault), 0);
    assert_int_equal(check("i:", NULL, 0, &fault), 0);
    assert_int_equal(check("i:i i:", NULL, 0, &fault), 0);
    assert_int_equal(check("i:i d:d", ii, 1, &fault), 0);
    assert_int_equal(check("i:i d:d", dd, 1, &fault), 0);
    assert_int_equal(check("i:i i:ii", ii, 2, &fault), 0);
    assert_int_equal(check("n:is", is, 2, &fault), 0);
    assert_int_equal(check("d:dd", id, 2, &fault), 0);
    assert_int_equal(check("d:dd i:i", id, 2, &fault), 0);
    assert_int_equal(check("i:ii d:dd", dd, 2, &fault), 0);
}

static void bad_arguments_are_told_in_words(void **state)
{
    (void)state;
    const struct {
        const char *signature;
        uint32_t count;
        msgpack_object arguments[2];
        const char *words;
    } rows[] = {
        {"i:i d:d", 1, {string()}, "m: argument 1 must be int or double, got string"},
        {"n:is", 1, {integer(1)}, "m: takes 2 arguments (int, string), got 1"},
        {"n:is", 2, {integer(1), integer(2)}, "m: argument 2 must be string, got int"},
        {"i:", 1, {integer(1)}, "m: takes no arguments, got 1"},
        {"i:i", 0, {nil()}, "m: takes 1 argument (int), got 0"},
        {"i:i d:d", 2, {nil(), nil()}, "m: takes 1 argument (int or double), got 2"},
        {"i:i i:", 2, {nil(), nil()}, "m: takes no arguments or 1 argument (int), got 2"},
        {"i:iii i:v i:",
         2,
         {nil(), nil()},
         "m: takes no arguments, 1 argument (any value) or 3 arguments (int, int, int), got 2"},
        {"i:i",
         1,
         {natural(UINT64_C(9223372036854775808))},
         "m: argument 1 must be int, got 9223372036854775808, which exceeds 64 bits signed"},
        {"i:i d:d",
         1,
         {natural(UINT64_C(9223372036854775808))},
         "m: argument 1 must be int or double, got 9223372036854775808, which exceeds 64 bits "
         "signed"},
        {"d:d",
         1,
         {integer(INT64_C(9007199254740993))},
         "m: argument 1 must be double, got 9007199254740993, which a double does not hold "
         "exactly"},
        {"d:d",
         1,
         {natural(UINT64_MAX)},
         "m: argument 1 must be double, got 18446744073709551615, which a double does not hold "
         "exactly"},
        {"i:u", 1, {integer(-5)}, "m: argument 1 must be uint, got -5, which is negative"},
        {"i:m", 1, {array_of_one()}, "m: argument 1 must be map, got array"},
        {"i:m i:a", 1, {integer(1)}, "m: argument 1 must be array or map, got int"},
        {"i:s i:r i:t", 1, {map()}, "m: argument 1 must be string, bytes or time, got map"},
        {"i:t", 1, {ext(5)}, "m: argument 1 must be time, got ext"},
        /* "d alone": beside an int, a double takes no int. */
        {"i:ii d:dd", 2, {integer(1), real(2.5)}, "m: argument 2 must be int, got double"},
        {"i:ii d:dd",
         2,
         {string(), real(2.5)},
         "m: argument 1 must be int or double, got string"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct duet_fault fault;
        msgpack_object arguments[2] = {rows[i].arguments[0], rows[i].arguments[1]};
        assert_int_equal(check(rows[i].signature, arguments, rows[i].count, &fault),
                         DUET_FAILED);
        assert_int_equal(fault.code, DUET_FAULT_PARAMS);
        assert_string_equal(fault.message, rows[i].words);
    }
}

static void words_about_the_longest_signature_stay_whole(void **state)
{
    (void)state;
    struct duet_fault fault;
    char text[125] = "i:";
    memset(text + 2, 's', 122);
    assert_int_equal(check(text, NULL, 0, &fault), DUET_FAILED);
    assert_memory_equal(fault.message, "m: takes 122 arguments (string, string, ", 40);
    assert_non_null(strstr(fault.message, ", got 0"));
}

/* ---- Telling */

static void it_is_told_as_xml_rpc_names(void **state)
{
    (void)state;
    static const struct {
        const char *signature, *told;
    } rows[] = {
        {NULL, "'undef'"},
        {"a:*", "[['array']]"},
        {"i:", "[['int']]"},
        {"i:i d:d", "[['int','int'],['double','double']]"},
        {"n:nbudsrtamv", "[['nil','nil','boolean','i8','double','string','base64',"
                         "'dateTime.iso8601','array','struct','any']]"},
        {"[i]:<i,s>(a:i)", "[['array','array','struct']]"},
        {"{a:i}?:{*:s}{i:s}s?", "[['struct','struct','struct','string']]"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct duet_signature signature;
        struct duet_writer writer;
        struct duet_fault fault;
        parse(&signature, rows[i].signature);
        duet_writer_init(&writer, 1000);
        duet_writer_start(&writer, &duet_writer_ops_msgpack, (struct duet_style){0}, &fault, 8);
        assert_int_equal(duet_signature_write(&signature, &writer), 0);
        assert_int_equal(duet_writer_finish(&writer), 0);
        assert_packed(writer.out.data, writer.out.size, "%s", rows[i].told);
        duet_writer_done(&writer);
        duet_signature_done(&signature);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(alternatives_are_counted),
        cmocka_unit_test(what_a_call_is_checked_by_quickly_has_an_end),
        cmocka_unit_test(each_letter_takes_its_types_and_no_other),
        cmocka_unit_test(an_integer_is_taken_for_a_double_only_if_exact),
        cmocka_unit_test(an_empty_array_becomes_a_map_where_only_that_is_declared),
        cmocka_unit_test(good_calls_pass),
        cmocka_unit_test(bad_arguments_are_told_in_words),
        cmocka_unit_test(words_about_the_longest_signature_stay_whole),
        cmocka_unit_test(it_is_told_as_xml_rpc_names),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
