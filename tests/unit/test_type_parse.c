/*
 * The grammar of types: what is a signature, what is not, and where, in which words.
 */
#include "type_parse.h"

#include "typed.h"

#include <errno.h>
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

#define NO_SUCH "no such type (n b i u d s r t a m v, [T], {name:T}, (name:T), <T,U>, %name)"

static void every_construct_is_read(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "n:",
        "v:nbiudsrtamv",
        "i:[i]",
        "[[[i]]]:[[i?]?]?",
        "i:{a:i}",
        "i:{a:i,b?:s,c:[{d:i}]}",
        "i:(a:i)",
        "i:(a:i,b?:s?)",
        "i:<i>",
        "i:<i,s,<d>>",
        "i:{*:i}",
        "i:{i:s}",
        "i:{i:{i:{*:v}}}",
        "i:{i?:s}",
        "i:{\"i\":s,j?:d}",
        "i:{\"\":s,\"a b\":i,\"\xc3\xa9\":d,\"{\":i}",
        "i:{_:i,A9:i,0:i}",
        "i:{ a : i ,\n b ? : [ i ] }",
        "i:{ * : i }{ i : < i , s > }( a : i )",
        "i:%t %t:[%t]%t?",
        "  i:i\n\td:d\r\n",
        "a:* {a:i}:[i]",
        "i?:i?{a:i}?[i]?%t?",
        "i:%t,i,[i],s",
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        typed_use("t=(x:i)", rows[i], NULL);
}

static void what_is_no_signature_is_told_with_its_place(void **state)
{
    (void)state;
    static const struct {
        const char *text, *where, *what;
    } rows[] = {
        {"i:x", "3 'x'", NO_SUCH},
        {"x:i", "1 'x'", NO_SUCH},
        {"*:i", "1 '*'", NO_SUCH},
        {"?:i", "1 '?'", NO_SUCH},
        {"i:\xc3\xa9", "3 '\xc3\xa9'", NO_SUCH},
        {"i:\x1b", "3 '\\x1b'", NO_SUCH},
        {"i:i d:I", "7 'I'", NO_SUCH},
        {"i:i:i", "4 ':'", NO_SUCH},
        {"a:i*", "4 '*'", NO_SUCH},
        {"i:i, d:d", "5 ' '", "expected an argument's type"},
        {"i:i,", "5 the end", "expected an argument's type"},
        {"i:i,,i", "5 ','", NO_SUCH},
        {"i:,i", "3 ','", NO_SUCH},
        {"i:i??", "5 '?'", NO_SUCH},
        {"i:[{a:q}]", "7 'q'", NO_SUCH},
        {"i:[", "4 the end", NO_SUCH},
        {"i:[]", "4 ']'", NO_SUCH},
        {"i:<>", "4 '>'", NO_SUCH},
        {"i:<i,>", "6 '>'", NO_SUCH},
        {"i:{a:}", "6 '}'", NO_SUCH},
        {"i:{*:}", "6 '}'", NO_SUCH},
        {"i:]", "3 ']'", NO_SUCH},
        {"i", "2 the end", "expected ':' behind the result's type"},
        {"ii:", "2 'i'", "expected ':' behind the result's type"},
        {"[i]", "4 the end", "expected ':' behind the result's type"},
        {"i :i", "2 ' '", "expected ':' behind the result's type"},
        {":i", "1 ':'", "expected the result's type before it"},
        {":", "1 ':'", "expected the result's type before it"},
        {"a:*i", "4 'i'", "nothing may follow '*'"},
        {"i:[i", "5 the end", "expected ']'"},
        {"i:[i,i]", "5 ','", "expected ']'"},
        {"i:[i)", "5 ')'", "expected ']'"},
        {"i:<i", "5 the end", "expected ',' or '>'"},
        {"i:<i s>", "6 's'", "expected ',' or '>'"},
        {"i:{a:i", "7 the end", "expected ',' or '}'"},
        {"i:{a:i)", "7 ')'", "expected ',' or '}'"},
        {"i:(a:i", "7 the end", "expected ',' or ')'"},
        {"i:(a:i}", "7 '}'", "expected ',' or ')'"},
        {"i:{*:i,a:i}", "7 ','", "expected '}'"},
        {"i:{i:s,a:i}", "7 ','",
         "expected '}': {i:T} is a map whose keys are ints; a first member i is written "
         "\"i\""},
        {"i:{a}", "5 '}'", "expected ':' or '?:'"},
        {"i:{a?}", "6 '}'", "expected ':'"},
        {"i:{}", "4 '}'",
         "expected a member's name, of letters, digits and _, or any other in quotes"},
        {"i:{a:i,}", "8 '}'",
         "expected a member's name, of letters, digits and _, or any other in quotes"},
        {"i:(-:i)", "4 '-'",
         "expected a member's name, of letters, digits and _, or any other in quotes"},
        {"i:({s:i})", "4 '{'",
         "expected a member's name, of letters, digits and _, or any other in quotes"},
        {"i:{a:i,*}", "8 '*'",
         "members that are not declared are taken anyway; expected a member's name"},
        {"i:(*:i)", "4 '*'",
         "members that are not declared are taken anyway; expected a member's name"},
        {"i:{\"a:i}", "4 '\"'", "this quote is not closed"},
        {"i:{\"a\x01\":i}", "6 '\\x01'", "a control character, or no UTF-8"},
        {"i:{\"a\xff\":i}", "6 '\\xff'", "a control character, or no UTF-8"},
        {"i:{a:i,b:s,a:d}", "12 'a'", "a member of this name is there already"},
        {"i:(a:i,\"a\"?:d)", "9 'a'", "a member of this name is there already"},
        {"i:%", "3 '%'", "expected a type's name behind it"},
        {"i:%-", "3 '%'", "expected a type's name behind it"},
        {"i:[%lin]", "4 '%lin'",
         "no such type; duet_server_add_types() must have named it before it is used"},
        {"i:%linen", "3 '%linen'",
         "no such type; duet_server_add_types() must have named it before it is used"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char wanted[600], shown[100] = "";
        for (const char *p = rows[i].text; *p != '\0'; p++)
            sprintf(shown + strlen(shown),
                    (unsigned char)*p < 0x20 || (unsigned char)*p == 0xff ? "\\x%02x" : "%c",
                    (unsigned char)*p);
        snprintf(wanted, sizeof wanted, "signature \"%s\": at %s: %s", shown, rows[i].where,
                 rows[i].what);
        assert_string_equal(typed_refuse("line=i", rows[i].text), wanted);
    }
}

static char *repeated(const char *before, const char *part, size_t count, const char *after)
{
    size_t size = strlen(part);
    char *text = malloc(strlen(before) + size * count + strlen(after) + 1);
    char *end = stpcpy(text, before);
    for (size_t i = 0; i < count; i++)
        end = stpcpy(end, part);
    strcpy(end, after);
    return text;
}

static void use_repeated(const char *before, const char *part, size_t count, const char *after)
{
    char *text = repeated(before, part, count, after);
    typed_use("", text, NULL);
    free(text);
}

static void refuse_repeated(const char *before, const char *part, size_t count,
                            const char *after, const char *words)
{
    char *text = repeated(before, part, count, after);
    const char *got = typed_refuse("", text);
    if (strstr(got, words) == NULL)
        print_error("%s\n", got);
    assert_non_null(strstr(got, words));
    free(text);
}

static void a_signature_may_be_long(void **state)
{
    (void)state;
    use_repeated("i:", "s", 10000, "");
    assert_int_equal(typed_signature.types->alternatives[0].count, 10000);
    use_repeated("i:", "[i]", 10000, "");
    use_repeated("i:<i", ",s", 10000, ">");
}

static void what_is_too_much_is_refused(void **state)
{
    (void)state;
    use_repeated("i:", "[", 31, "[i]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]");
    refuse_repeated("i:", "[", 33, "i",
                    "at 35 '[': more than 32 brackets in each other: give a type in there a "
                    "name");
    use_repeated("", "i:i ", 64, "");
    refuse_repeated("", "i:i ", 65, "", "at 257 'i': more than 64 alternatives");
    refuse_repeated("i:", "s", 1 << 20, "", "a signature of more than 1048576 bytes");
    refuse_repeated("i:", "s", 200, "q", "ssssssss…\": at 203 'q': no such type");
}

/* So that finding the ten-thousandth is no walk over all. */
static void members_are_found_wherever_they_stand(void **state)
{
    (void)state;
    enum { MEMBERS = 10000 };
    char *text = malloc(16 * MEMBERS), *end = stpcpy(text, "i:{first:i");
    for (int i = 0; i < MEMBERS; i++)
        end += sprintf(end, ",%dm:i", i);
    strcpy(end, "}");
    typed_use("", text, NULL);
    free(text);
    const struct duet_types *types = typed_signature.types;
    const struct duet_form *form =
        duet_type_form(types, types->parts[types->alternatives[0].first].type);
    assert_int_equal(form->count, MEMBERS + 1);
    assert_int_equal(duet_form_find(types, form, "first", 5, 7), 0);
    for (int i = 0; i < MEMBERS; i++) {
        char name[16];
        size_t size = (size_t)sprintf(name, "%dm", i);
        assert_int_equal(duet_form_find(types, form, name, size, 0), i + 1);
        assert_int_equal(duet_form_find(types, form, name, size, (uint32_t)i + 1), i + 1);
        assert_int_equal(duet_form_find(types, form, name, size - 1, MEMBERS + 1), -1);
    }
}

static void names_of_arguments_are_read(void **state)
{
    (void)state;
    typed_use("", "i:is i:", " x\ty ");
    const struct duet_types *types = typed_signature.types;
    assert_int_equal(types->argument_count, 2);
    assert_string_equal(types->texts + types->arguments[0], "x");
    assert_string_equal(types->texts + types->arguments[1], "y");
    typed_use("", "i:", "");
    typed_use("", "a:*", "any number of them");
    typed_use("", "", "x");
    assert_int_equal(typed_signature.types->argument_count, 1);
    typed_use("", NULL, NULL);
    assert_null(typed_signature.types);
}

static void wrong_names_of_arguments_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *signature, *arguments, *words;
    } rows[] = {
        {"i:i", "x y", "params \"x y\": it has 2 names, the signature up to 1 arguments"},
        {"i:ii i:", "x", "params \"x\": it has 1 names, the signature up to 2 arguments"},
        {"i:i", "x\x01", "params \"x\\x01\": a control character in a name"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct duet_signature signature;
        char words[400];
        int rc = duet_signature_init(&signature, rows[i].signature, rows[i].arguments, NULL,
                                     words, sizeof words);
        assert_int_equal(rc, -EINVAL);
        assert_string_equal(words, rows[i].words);
    }
}

#define TEST(name) cmocka_unit_test_teardown(name, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_construct_is_read),
        TEST(what_is_no_signature_is_told_with_its_place),
        TEST(a_signature_may_be_long),
        TEST(what_is_too_much_is_refused),
        TEST(members_are_found_wherever_they_stand),
        TEST(names_of_arguments_are_read),
        TEST(wrong_names_of_arguments_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
