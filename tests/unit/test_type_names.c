/*
 * Types that have names: which are taken, which are refused and where, and that all or none of
 * them are.
 */
#include "type_names.h"

#include "typed.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct duet_type_names *names;
static char words[1000];

static int set_up(void **state)
{
    (void)state;
    names = duet_type_names_new();
    words[0] = '\0';
    return names == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    duet_type_names_unref(names);
    return 0;
}

static int add(const char *text)
{
    return duet_type_names_add(names, text, words, sizeof words);
}

static bool has(const char *name)
{
    return duet_type_names_find(names, name, strlen(name)) >= 0;
}

static void several_are_named_in_one_go(void **state)
{
    (void)state;
    assert_int_equal(add("b=i a=s\n\tlonger=[{x:i, \"} y\":%a}] c={ u : %d? }\n d=(v:%c)"), 0);
    assert_int_equal(add("  "), 0);
    assert_int_equal(add("e=%longer"), 0);
    static const char *const all[] = {"a", "b", "c", "d", "e", "longer"};
    for (size_t i = 0; i < 6; i++)
        assert_true(has(all[i]));
    assert_false(has("l"));
    assert_false(has(""));
    assert_false(has("longest"));
    assert_int_equal(duet_type_names_find(NULL, "a", 1), -1);
}

static void types_that_can_end_may_hold_themselves(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "a={b:[%a]}", "a={b?:%a}", "a=(b:%a?)", "a=<i,%a?>",       "a={*:%a}",
        "a={i:%a}",   "a=[%a]",    "a=%a?",     "a={b:%b} b=[%a]", "a=%b b=%c c={d?:%a}",
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        tear_down(NULL);
        set_up(NULL);
        assert_int_equal(add(rows[i]), 0);
    }
}

#define ENDLESS                                                                                \
    "each value of this type has another one in it, without end; one of the types on the way " \
    "round must be T?, an optional member, or in an array or a map"

static void bad_types_are_refused_and_none_is_there(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int rc;
        const char *where, *what;
    } rows[] = {
        {"a=i a=s", -EEXIST, "5 'a'", "a type of this name is there already"},
        {"old=i", -EEXIST, "1 'o'", "a type of this name is there already"},
        {"b=s old=i", -EEXIST, "5 'o'", "a type of this name is there already"},
        {"a=i b", -EINVAL, "6 the end", "expected '=' behind a type's name"},
        {"a =i", -EINVAL, "2 ' '", "expected '=' behind a type's name"},
        {"=i", -EINVAL, "1 '='", "expected a type's name, of letters, digits and _"},
        {"a=i,b=s", -EINVAL, "4 ','", "expected a space behind the type"},
        {"a=ii", -EINVAL, "4 'i'", "expected a space behind the type"},
        {"a=i]", -EINVAL, "4 ']'", "expected a space behind the type"},
        {"b=s a={x:[i}", -EINVAL, "12 '}'", "expected ']'"},
        {"a=<i b=s", -EINVAL, "6 'b'", "expected ',' or '>'"},
        {"a={\"x:i}", -EINVAL, "4 '\"'", "this quote is not closed"},
        {"a=[%c] b=i", -EINVAL, "4 '%c'",
         "no such type; duet_server_add_types() must have named it before it is used"},
        {"a=%a", -EINVAL, "1 'a'", ENDLESS},
        {"b=[%c] c={x:i,d:%c}", -EINVAL, "8 'c'", ENDLESS},
        {"a=<i,%b> b=(x:%c) c=%a", -EINVAL, "10 'b'", ENDLESS},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char wanted[700];
        tear_down(NULL);
        set_up(NULL);
        assert_int_equal(add("old=s"), 0);
        assert_int_equal(add(rows[i].text), rows[i].rc);
        snprintf(wanted, sizeof wanted, "types \"%s\": at %s: %s", rows[i].text, rows[i].where,
                 rows[i].what);
        assert_string_equal(words, wanted);
        assert_int_equal(duet_type_names_count(names), 1);
        assert_int_equal(add("a=i b=i c=i"), 0);
    }
}

/* Each is in the one before it: nothing here may take the stack, or the square of them. */
static void a_long_chain_of_types_is_no_trouble(void **state)
{
    (void)state;
    enum { TYPES = 20000 };
    char *text = malloc(32 * TYPES), *end = text;
    for (int i = 0; i < TYPES; i++)
        end += sprintf(end, "t%d={n:%%t%d} ", i, i + 1);
    sprintf(end, "t%d=i", TYPES);
    assert_int_equal(add(text), 0);

    struct duet_signature signature;
    int rc = duet_signature_init(&signature, "i:%t0", NULL, names, words, sizeof words);
    assert_int_equal(rc, 0);
    assert_int_equal(signature.types->named_count, TYPES + 1);
    duet_signature_done(&signature);

    text[strlen(text) - 1] = '%';
    strcat(text, "t0");
    tear_down(NULL);
    set_up(NULL);
    assert_int_equal(add(text), -EINVAL);
    assert_non_null(strstr(words, ENDLESS));
    free(text);
}

static void what_is_compiled_needs_the_names_no_more(void **state)
{
    (void)state;
    typed_use("tree={value:i,children:[%tree]}", "i:%tree", NULL);
    assert_string_equal(typed_check_msgpack("[{'value':1,'children':[]}]"), "");
    typed_done();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(several_are_named_in_one_go),
        TEST(types_that_can_end_may_hold_themselves),
        TEST(bad_types_are_refused_and_none_is_there),
        TEST(a_long_chain_of_types_is_no_trouble),
        TEST(what_is_compiled_needs_the_names_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
