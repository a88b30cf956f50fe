/*
 * Values held against types, as both codecs read them: what passes, what a handler then reads,
 * and the words of what does not pass.
 */
#include "type_check.h"

#include "packed.h"
#include "typed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int tear_down(void **state)
{
    (void)state;
    typed_done();
    return 0;
}

/* What signatures are checked with: types, and values that are of them or not. */
static const char types[] = "line=(name:s,count:i,note?:s) tree={value:i,children?:[%tree]} "
                            "list=<i,%list?> maybe=%opt opt=i?";

static void each_construct_takes_what_it_says(void **state)
{
    (void)state;
    static const struct {
        const char *signature, *params;
    } rows[] = {
        {"i:[i]", "[[]]"},
        {"i:[i]", "[[1,2,-3]]"},
        {"i:[[s]]", "[[[],['a'],['b','c']]]"},
        {"i:[v]", "[[1,'a',nil,[],{}]]"},
        {"i:[d]", "[[1,2.5,9007199254740992]]"},
        {"i:[i?]", "[[1,nil]]"},
        {"i:[i]?", "[nil]"},
        {"i:[i]?", "[]"},
        {"i:{a:i}", "[{'a':1}]"},
        {"i:{a:i}", "[{'b':'x','a':1,'c':[]}]"},
        {"i:{a:i,b?:s}", "[{'a':1}]"},
        {"i:{a:i,b?:s}", "[{'a':1,'b':nil}]"},
        {"i:{a:i,b?:s}", "[{'b':'x','a':1}]"},
        {"i:{a:i?}", "[{'a':nil}]"},
        {"i:{a?:i}", "[{}]"},
        {"i:{a:{b:{c:[d]}}}", "[{'a':{'b':{'c':[1]}}}]"},
        {"i:{\"\":i,\"a b\":s}", "[{'a b':'x','':1}]"},
        {"i:(a:i,b:s)", "[{'b':'x','a':1}]"},
        {"i:(a:i,b:s)", "[[1,'x']]"},
        {"i:(a:i,b:s)", "[[1,'x',2,3]]"},
        {"i:(a:i,b?:s)", "[[1]]"},
        {"i:(a:i,b?:s)", "[[1,nil]]"},
        {"i:(a?:i,b?:s)", "[[]]"},
        {"i:(a?:i,b:s)", "[[nil,'x']]"},
        {"i:<i,s>", "[[1,'x']]"},
        {"i:<i,[s]?>", "[[1,nil]]"},
        {"i:{*:i}", "[{}]"},
        {"i:{*:i}", "[{'a':1,'b':2}]"},
        {"i:{*:[i]}", "[{'a':[1]}]"},
        {"i:{i:s}", "[{1:'a',-2:'b',0:'c'}]"},
        {"i:{i:s}", "[{'1':'a','-2':'b','0':'c','-9223372036854775808':'d'}]"},
        {"i:{i:s}", "[{'9223372036854775807':'a'}]"},
        {"i:[%line]", "[[['a',1],{'count':2,'name':'b'},['c',3,'d'],['e',4,nil]]]"},
        {"i:%tree", "[{'value':1,'children':[{'value':2},{'value':3,'children':[]}]}]"},
        {"i:%list", "[[1,[2,[3,nil]]]]"},
        {"i:%maybe", "[nil]"},
        {"i:%maybe", "[]"},
        {"i:%maybe", "[1]"},
        {"i:[%maybe]", "[[1,nil]]"},
        {"i:s%line?", "['x']"},
        {"i:si?d?", "['x']"},
        {"i:si?d?", "['x',1]"},
        {"i:si?d?", "['x',nil,1.5]"},
        {"i:s i:[s]", "[['a']]"},
        {"i:i i:[i] i:{a:i}", "[{'a':1}]"},
        {"i:n?b?u?t?r?a?m?v?", "[nil,true,1]"},
        {"i:[m]{*:a}", "[[{'x':1},{}],{'y':[1]}]"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        typed_use(types, rows[i].signature, NULL);
        typed_both("", "%s", rows[i].params);
    }
}

static void what_does_not_fit_is_told_with_the_way_to_it(void **state)
{
    (void)state;
    static const struct {
        const char *signature, *params, *words;
    } rows[] = {
        {"i:[i]", "[1]", "argument 1 must be array, got int"},
        {"i:[i]", "[{}]", "argument 1 must be array, got map"},
        {"i:[i]", "[nil]", "argument 1 must be array, got nil"},
        {"i:[i]?", "['x']", "argument 1 must be array or nil, got string"},
        {"i:[i]", "[[1,'x']]", "argument 1, item 2: must be int, got string"},
        {"i:[i?]", "[['x']]", "argument 1, item 1: must be int or nil, got string"},
        {"i:[u]", "[[-1]]", "argument 1, item 1: must be uint, got -1, which is negative"},
        {"i:s[[d]]", "['x',[[],[1,9007199254740993]]]",
         "argument 2, item 2, item 2: must be double, got 9007199254740993, which a double "
         "does not hold exactly"},
        {"i:{a:i}", "[7]", "argument 1 must be map, got int"},
        {"i:{a:i}", "[[1]]", "argument 1 must be map, got array"},
        {"i:{a:i}", "[{'a':'x'}]", "argument 1, \"a\": must be int, got string"},
        {"i:{a:i}", "[{'a':nil}]", "argument 1, \"a\": must be int, got nil"},
        {"i:{a:i}", "[{}]", "argument 1: \"a\" is missing"},
        {"i:{a:i}", "[[]]", "argument 1: \"a\" is missing"},
        {"i:{a:i,b:s}", "[{'a':1}]", "argument 1: \"b\" is missing"},
        {"i:{a:i,b:s}", "[{'c':1,'a':1}]", "argument 1: \"b\" is missing"},
        {"i:{a?:i,b:s}", "[{'a':1}]", "argument 1: \"b\" is missing"},
        {"i:[{a:i?}]", "[[{'a':1},{'b':1}]]", "argument 1, item 2: \"a\" is missing"},
        {"i:{a?:i}", "[{'a':'x'}]", "argument 1, \"a\": must be int, got string"},
        {"i:{x:{\"y z\":{a:i}}}", "[{'x':{'y z':{'b':1}}}]",
         "argument 1, \"x\", \"y z\": \"a\" is missing"},
        {"i:(a:i,b:s)", "[7]", "argument 1 must be array or map, got int"},
        {"i:(a:i,b:s)?", "[7]", "argument 1 must be array, map or nil, got int"},
        {"i:(a:i,b:s)", "[[1]]", "argument 1: \"b\" is missing"},
        {"i:(a:i,b:s)", "[[]]", "argument 1: \"a\" is missing"},
        {"i:(a:i,b:s)", "[['x','x']]", "argument 1, \"a\": must be int, got string"},
        {"i:(a:i,b?:[i],c:s)", "[[1,nil,2]]", "argument 1, \"c\": must be string, got int"},
        {"i:<i,s>", "[[1]]", "argument 1: must have 2 items, got 1"},
        {"i:<i,s>", "[[1,'x',2]]", "argument 1: must have 2 items, got 3"},
        {"i:[<i,s>]", "[[[1,'x'],[1,2]]]",
         "argument 1, item 2, item 2: must be string, got int"},
        {"i:{*:i}", "[{'a':1,'b':'x'}]", "argument 1, \"b\": must be int, got string"},
        {"i:{i:s}", "[{'1':'a','2':3}]", "argument 1, \"2\": must be string, got int"},
        {"i:{i:s}", "[{'a':'a'}]", "argument 1: its keys must be int, got \"a\""},
        {"i:{i:s}", "[{'01':'a'}]", "argument 1: its keys must be int, got \"01\""},
        {"i:{i:s}", "[{'':'a'}]", "argument 1: its keys must be int, got \"\""},
        {"i:{i:s}", "[{'-':'a'}]", "argument 1: its keys must be int, got \"-\""},
        {"i:{i:s}", "[{'-0':'a'}]", "argument 1: its keys must be int, got \"-0\""},
        {"i:{i:s}", "[{'1x':'a'}]", "argument 1: its keys must be int, got \"1x\""},
        {"i:{i:s}", "[{'9223372036854775808':'a'}]",
         "argument 1: its keys must be int, got \"9223372036854775808\""},
        {"i:{i:s}", "[{'-9223372036854775809':'a'}]",
         "argument 1: its keys must be int, got \"-9223372036854775809\""},
        {"i:[%line]", "[[['a',1],['b','x']]]",
         "argument 1, item 2, \"count\": must be int, got string"},
        {"i:%tree", "[{'value':1,'children':[{'value':2},{'value':'x'}]}]",
         "argument 1, \"children\", item 2, \"value\": must be int, got string"},
        {"i:%list", "[[1,[2,3]]]", "argument 1, item 2, item 2: must be array or nil, got int"},
        {"i:%maybe", "['x']", "argument 1 must be int or nil, got string"},
        {"i:si?", "[]", "takes 1 or 2 arguments (string, int or nil), got 0"},
        {"i:s?i?", "[1,2,3]", "takes 0 to 2 arguments (string or nil, int or nil), got 3"},
        {"i:[i] i:", "[1,2]", "takes no arguments or 1 argument (array), got 2"},
        {"i:[i] i:s", "[1]", "argument 1 must be string or array, got int"},
        {"i:s i:{a:i}", "[{'a':'x'}]", "argument 1, \"a\": must be int, got string"},
        {"i:s i:{a:i}", "[{}]", "argument 1: \"a\" is missing"},
        {"i:[i] i:[s]", "[[true]]", "argument 1, item 1: must be int, got bool"},
        {"i:s[i] i:i[s]", "[1,[2]]", "argument 2, item 1: must be string, got int"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char words[300];
        snprintf(words, sizeof words, "m: %s", rows[i].words);
        typed_use(types, rows[i].signature, NULL);
        typed_both(words, "%s", rows[i].params);
    }
}

static void arguments_are_named(void **state)
{
    (void)state;
    typed_use(types, "i:[%line]s", "order to");
    typed_both("m: argument 1 'order', item 1, \"count\": must be int, got string",
               "[[['a','b']],'x']");
    typed_both("m: argument 2 'to' must be string, got int", "[[],7]");
    typed_use(types, "i:is i:i", "order to");
    typed_both("m: argument 1 'order' must be int, got string", "['x']");
}

/* A handler reads what was declared. */
static void what_came_otherwise_becomes_what_was_declared(void **state)
{
    (void)state;
    static const struct {
        const char *signature, *params, *becomes;
    } rows[] = {
        {"i:{a?:i}", "[[]]", "[{}]"},
        {"i:[{a?:i}]", "[[[],{'a':1},[]]]", "[[{},{'a':1},{}]]"},
        {"i:[m][a]", "[[[]],[[]]]", "[[{}],[[]]]"},
        {"i:{*:{i:s}}", "[{'a':[]}]", "[{'a':{}}]"},
        {"i:(a:i,b?:s)", "[[1]]", "[{'a':1}]"},
        {"i:(a:i,b?:s)", "[[1,'x',2]]", "[{'a':1,'b':'x'}]"},
        {"i:(a:i,b?:s)", "[{'z':0,'a':1}]", "[{'z':0,'a':1}]"},
        {"i:(a?:i,b?:s)", "[[]]", "[{}]"},
        {"i:[%line]", "[[['a',1],{'count':2,'name':'b'}]]",
         "[[{'name':'a','count':1},{'count':2,'name':'b'}]]"},
        {"i:(a:(b:(c:{d?:i})))", "[[[[[]]]]]", "[{'a':{'b':{'c':{}}}}]"},
        {"i:{i:s}", "[{'1':'a','-2':'b'}]", "[{1:'a',-2:'b'}]"},
        {"i:v[v]", "[[],[[]]]", "[[],[[]]]"},
        {"i:m{x:i}", "[[],{'x':1}]", "[{},{'x':1}]"},
        /* another alternative takes the array as it is */
        {"i:m{x:i} i:[i]{x:i}", "[[],{'x':1}]", "[[],{'x':1}]"},
        {"i:m[i] i:(a?:i)[i]", "[[],[]]", "[{},[]]"},
        /* the changes of an alternative that does not fit are taken back */
        {"i:(a:i)i i:[i]s", "[[1],'x']", "[[1],'x']"},
        {"i:{i:i}i i:{*:i}s", "[{'1':1},'x']", "[{'1':1},'x']"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        typed_use(types, rows[i].signature, NULL);
        assert_string_equal(typed_check_msgpack("%s", rows[i].params), "");
        typed_expect("%s", rows[i].becomes);
        duet_signature_restore(&typed_request);
        typed_expect("%s", rows[i].params);

        assert_string_equal(typed_check_xml("%s", rows[i].params), "");
        typed_expect("%s", rows[i].becomes);
    }
}

/* Reading a string puts a NUL behind it, which may move it. */
static void what_is_taken_back_is_whole_though_it_was_read(void **state)
{
    (void)state;
    typed_use("", "i:[(a:s,b:[(c:s)])]", NULL);
    assert_string_equal(typed_check_msgpack("[[['first',[['second'],['third']]]]]"), "");
    const duet_value *params = (const duet_value *)&typed_request.params;
    const duet_value *record = duet_value_item(duet_value_item(params, 0), 0);
    const duet_value *inner = duet_value_item(duet_value_get(record, "b"), 1);
    assert_string_equal(duet_value_string(duet_value_get(record, "a"), NULL), "first");
    assert_string_equal(duet_value_string(duet_value_get(inner, "c"), NULL), "third");
    assert_string_equal(duet_value_string(duet_value_key(record, 0), NULL), "a");
    duet_signature_restore(&typed_request);
    typed_expect("[[['first',[['second'],['third']]]]]");
}

static void a_key_that_comes_twice_must_be_right_twice(void **state)
{
    (void)state;
    typed_use("", "i:{a:i,b:i}", NULL);
    assert_string_equal(typed_check_msgpack("[{'a':1,'a':2,'b':3}]"), "");
    assert_string_equal(typed_check_msgpack("[{'a':1,'a':'x','b':3}]"),
                        "m: argument 1, \"a\": must be int, got string");
    assert_string_equal(typed_check_msgpack("[{'a':'x','a':1,'b':3}]"),
                        "m: argument 1, \"a\": must be int, got string");
    /* and does not make up for another one */
    assert_string_equal(typed_check_msgpack("[{'a':1,'a':2}]"),
                        "m: argument 1: \"b\" is missing");
    typed_use("", "i:{a:i,b?:i}", NULL);
    assert_string_equal(typed_check_msgpack("[{'a':1,'b':nil,'b':2,'b':nil}]"), "");
}

static void keys_that_are_no_text_are_no_members(void **state)
{
    (void)state;
    typed_use("", "i:{a:i}", NULL);
    assert_string_equal(typed_check_msgpack("[{1:2,nil:3,[4]:5,b'a':6}]"), "");
    assert_string_equal(typed_check_msgpack("[{1:2,nil:3}]"),
                        "m: argument 1: \"a\" is missing");
    typed_use("", "i:{*:i}", NULL);
    assert_string_equal(typed_check_msgpack("[{nil:3,[4]:'x'}]"),
                        "m: argument 1, a array as key: must be int, got string");
    typed_use("", "i:{i:i}", NULL);
    assert_string_equal(typed_check_msgpack("[{nil:3}]"),
                        "m: argument 1: its keys must be int, got nil");
    assert_string_equal(typed_check_msgpack("[{9223372036854775808:3}]"),
                        "m: argument 1: its keys must be int, got 9223372036854775808, which "
                        "exceeds 64 bits signed");
    assert_string_equal(typed_check_msgpack("[{1:3,b'2':4,-3:'x'}]"),
                        "m: argument 1, key -3: must be int, got string");
}

/* Text in which a type or value of that many levels is written. */
static char *nested(const char *open, const char *inside, const char *close, int depth)
{
    char *text = malloc(strlen(inside) + (strlen(open) + strlen(close)) * (size_t)depth + 1);
    char *end = text;
    for (int i = 0; i < depth; i++)
        end = stpcpy(end, open);
    end = stpcpy(end, inside);
    for (int i = 0; i < depth; i++)
        end = stpcpy(end, close);
    return text;
}

static void deep_values_need_no_stack_and_their_words_have_an_end(void **state)
{
    (void)state;
    typed_use("deep=[%deep]? tree={v:i,more?:%tree}", "i:%deep", NULL);
    char *good = nested("91", "c0", "", 300), *bad = nested("91", "01", "", 300);
    assert_string_equal(typed_check_msgpack("<%s>", good), "");
    assert_string_equal(typed_check_msgpack("<%s>", bad),
                        "m: argument 1, item 1, item 1, item 1, item 1, 291 more, item 1, item "
                        "1, item 1, item 1: must be array or nil, got int");
    free(good);
    free(bad);

    typed_use("deep=[%deep]? tree={v:i,more?:%tree}", "i:%tree", NULL);
    good = nested("82a17601a46d6f7265", "c0", "", 200); /* {'v':1,'more': … } */
    assert_string_equal(typed_check_xml("<91%s>", good), "");
    free(good);
    bad = nested("{'v':1,'more':", "{'w':1}", "}", 9);
    typed_both("m: argument 1, \"more\", \"more\", \"more\", \"more\", 1 more, \"more\", "
               "\"more\", \"more\", \"more\": \"v\" is missing",
               "[%s]", bad);
    free(bad);
}

static void long_names_are_cut_and_control_characters_escaped(void **state)
{
    (void)state;
    typed_use("", "i:{*:i}", NULL);
    assert_string_equal(
        typed_check_msgpack("[{'%0100d':'x'}]", 7),
        "m: argument 1, \"0000000000000000000000000000000000000000…\": must be int, got "
        "string");
    assert_string_equal(typed_check_msgpack("[{<a4 61 0a 1b 62>:'x'}]"),
                        "m: argument 1, \"a\\x0a\\x1bb\": must be int, got string");
    assert_string_equal(typed_check_msgpack("[{<c4 02 ff c3>:'x'}]"),
                        "m: argument 1, \"\\xff\\xc3\": must be int, got string");
}

/* ---- Large ones */

enum { MANY = 10000 };

/* A signature {m0:i,m1:i,…}, and a map of that many members from `from` on, as objects. */
static void use_many_members(const char *suffix)
{
    char *text = malloc(16 * MANY), *end = stpcpy(text, "i:{");
    for (int i = 0; i < MANY; i++)
        end += sprintf(end, "%sm%d%s:i", i > 0 ? "," : "", i, suffix);
    strcpy(end, "}");
    typed_use("", text, NULL);
    free(text);
}

static char keys[MANY][8];
static msgpack_object_kv pairs[MANY];

/* The members in this order, checked. */
static const char *check_many(uint32_t count, int (*place)(int i))
{
    static struct duet_fault fault;
    static struct duet_arena arena;
    for (uint32_t i = 0; i < count; i++) {
        int size = sprintf(keys[i], "m%d", place((int)i));
        pairs[i].key = (msgpack_object){.type = MSGPACK_OBJECT_STR};
        pairs[i].key.via.str.ptr = keys[i];
        pairs[i].key.via.str.size = (uint32_t)size;
        pairs[i].val = (msgpack_object){.type = MSGPACK_OBJECT_POSITIVE_INTEGER};
    }
    msgpack_object map = {.type = MSGPACK_OBJECT_MAP, .via.map = {count, pairs}};
    duet_arena_init(&arena, 1 << 20);
    struct duet_incoming request = {
        .params = {.type = MSGPACK_OBJECT_ARRAY, .via.array = {1, &map}},
        .arena = &arena,
        .fault = &fault};
    int rc = duet_signature_check(&typed_signature, "m", &request);
    duet_arena_done(&arena);
    return rc == 0 ? "" : fault.message;
}

static int forwards(int i)
{
    return i;
}

static int backwards(int i)
{
    return MANY - 1 - i;
}

static int shuffled(int i)
{
    return i * 7919 % MANY; /* a prime that does not divide it */
}

static int but_one(int i)
{
    return i == 5000 ? 4999 : i;
}

static void ten_thousand_members_are_checked_in_any_order(void **state)
{
    (void)state;
    use_many_members("");
    assert_string_equal(check_many(MANY, forwards), "");
    assert_string_equal(check_many(MANY, backwards), "");
    assert_string_equal(check_many(MANY, shuffled), "");
    assert_string_equal(check_many(5, forwards), "m: argument 1: \"m5\" is missing");
    assert_string_equal(check_many(MANY, but_one), "m: argument 1: \"m5000\" is missing");
    use_many_members("?");
    assert_string_equal(check_many(MANY, backwards), "");
    assert_string_equal(check_many(5, shuffled), "");
}

static void ten_thousand_arguments_are_checked(void **state)
{
    (void)state;
    char *text = malloc(MANY + 3);
    memset(text, 's', MANY + 2);
    memcpy(text, "i:", 2);
    text[MANY + 2] = '\0';
    typed_use("", text, NULL);
    free(text);
    assert_non_null(strstr(typed_check_msgpack("[1]"), "m: takes 10000 arguments (string, "));
    assert_non_null(strstr(typed_check_msgpack("[1]"), ", got 1"));
}

/* ---- Memory */

static void a_call_without_memory_is_refused_in_words(void **state)
{
    (void)state;
    struct duet_arena arena;
    struct duet_fault fault;
    msgpack_object items[2] = {{.type = MSGPACK_OBJECT_POSITIVE_INTEGER}};
    static const char *const signatures[] = {"i:(a:v)", "i:[m]", "i:[{a?:i}]"};
    for (size_t i = 0; i < 3; i++) {
        items[0].type = i == 0 ? MSGPACK_OBJECT_POSITIVE_INTEGER : MSGPACK_OBJECT_ARRAY;
        items[0].via.array.size = 0;
        msgpack_object argument = {.type = MSGPACK_OBJECT_ARRAY, .via.array = {1, items}};
        typed_use("", signatures[i], NULL);
        duet_arena_init(&arena, 0);
        struct duet_incoming request = {
            .params = {.type = MSGPACK_OBJECT_ARRAY, .via.array = {1, &argument}},
            .arena = &arena,
            .fault = &fault};
        assert_int_equal(duet_signature_check(&typed_signature, "m", &request), DUET_FAILED);
        assert_int_equal(fault.code, DUET_FAULT_LIMIT);
        assert_string_equal(fault.message, "m: the values of the call need more memory than it "
                                           "may use (see --max-message)");
        assert_int_equal(argument.type, MSGPACK_OBJECT_ARRAY);
        duet_arena_done(&arena);
    }
}

#define TEST(name) cmocka_unit_test_teardown(name, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_construct_takes_what_it_says),
        TEST(what_does_not_fit_is_told_with_the_way_to_it),
        TEST(arguments_are_named),
        TEST(what_came_otherwise_becomes_what_was_declared),
        TEST(what_is_taken_back_is_whole_though_it_was_read),
        TEST(a_key_that_comes_twice_must_be_right_twice),
        TEST(keys_that_are_no_text_are_no_members),
        TEST(deep_values_need_no_stack_and_their_words_have_an_end),
        TEST(long_names_are_cut_and_control_characters_escaped),
        TEST(ten_thousand_members_are_checked_in_any_order),
        TEST(ten_thousand_arguments_are_checked),
        TEST(a_call_without_memory_is_refused_in_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
