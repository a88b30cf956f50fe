/*
 * Plain functions as methods: DUET_FUNCTION and DUET_METHOD_OF against a running server. That
 * wrong ones do not compile is tested by tests/system/functions.py.
 */
#include "served.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct served served;
static int client;

static int64_t add(int64_t a, int64_t b)
{
    return a + b;
}
DUET_FUNCTION(add, i, i, i);

static uint64_t most(void)
{
    return UINT64_MAX;
}
DUET_FUNCTION(most, u);

static double half(double x)
{
    return x / 2;
}
DUET_FUNCTION(half, d, d);

static bool not(bool b)
{
    return !b;
}
DUET_FUNCTION(not, b, b);

static int64_t last_size;

static void measure(const char *text)
{
    last_size = (int64_t)strlen(text);
}
DUET_FUNCTION(measure, n, s);

static int64_t measured(void)
{
    return last_size;
}
DUET_FUNCTION(measured, i);

static const char *nothing(void)
{
    return NULL;
}
DUET_FUNCTION(nothing, s);

/* Its result is one of its arguments. */
static const char *pick(const char *a, bool b, uint64_t u, double d, int64_t i, const char *c)
{
    return b && u > 0 && d > 0 && i < 0 ? c : a;
}
DUET_FUNCTION(pick, s, s, b, u, d, i, s);

/* Its result is overwritten by its next call. */
static const char *number(int64_t i)
{
    static _Thread_local char text[32];
    snprintf(text, sizeof text, "number %" PRId64, i);
    return text;
}
DUET_FUNCTION(number, s, i);

static const duet_method methods[] = {
    {DUET_METHOD_OF("math.add", add), .flags = DUET_METHOD_INLINE, .help = "a + b"},
    {DUET_METHOD_OF("most", most)},
    {DUET_METHOD_OF("half", half)},
    {DUET_METHOD_OF("not", not )},
    {DUET_METHOD_OF("measure", measure)},
    {DUET_METHOD_OF("measured", measured)},
    {DUET_METHOD_OF("nothing", nothing)},
    {DUET_METHOD_OF("pick", pick)},
    {DUET_METHOD_OF("number", number)},
    {0},
};

static int set_up(void **state)
{
    (void)state;
    served_open(&served, methods, NULL);
    served_start(&served);
    client = served_connect(&served);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    close(client);
    served_stop(&served);
    return 0;
}

static void each_type_goes_in_and_out(void **state)
{
    (void)state;
    served_ask(client, "[0,1,'math.add',[2,-5]]", "[1,1,nil,-3]");
    served_ask(client, "[0,2,'most',[]]", "[1,2,nil,18446744073709551615]");
    served_ask(client, "[0,3,'half',[5.0]]", "[1,3,nil,2.5]");
    served_ask(client, "[0,4,'half',[5]]", "[1,4,nil,2.5]");
    served_ask(client, "[0,5,'not',[true]]", "[1,5,nil,false]");
    served_ask(client, "[0,6,'pick',['a',true,1,0.5,-1,'c']]", "[1,6,nil,'c']");
    served_ask(client, "[0,7,'pick',['a',true,0,0.5,-1,'c']]", "[1,7,nil,'a']");
    served_ask(client, "[0,8,'number',[7]]", "[1,8,nil,'number 7']");
}

static void a_result_of_void_and_no_string_are_nil(void **state)
{
    (void)state;
    served_ask(client, "[0,1,'measure',['12345']]", "[1,1,nil,nil]");
    served_ask(client, "[0,2,'measured',[]]", "[1,2,nil,5]");
    served_ask(client, "[0,3,'nothing',[]]", "[1,3,nil,nil]");
}

static void wrong_arguments_are_refused_as_a_handlers(void **state)
{
    (void)state;
    served_ask(client, "[0,1,'math.add',[2]]",
               "[1,1,[-32602,'math.add: takes 2 arguments (int, int), got 1'],nil]");
    served_ask(client, "[0,2,'measure',[1]]",
               "[1,2,[-32602,'measure: argument 1 must be string, got int'],nil]");
}

/* Only the first of two strings has one; then the last of six arguments. */
static void a_string_with_a_nul_inside_is_refused(void **state)
{
    (void)state;
    served_ask(client, "[0,4,'measure',['12345']]", "[1,4,nil,nil]");
    served_ask(client, "[0,1,'measure',[<a3 61 00 62>]]",
               "[1,1,[-32602,'measure: argument 1 has a NUL inside, after 1 of 3 bytes: the "
               "method takes text without one'],nil]");
    served_ask(client, "[0,2,'pick',['a',true,1,0.5,-1,<a1 00>]]",
               "[1,2,[-32602,'pick: argument 6 has a NUL inside, after 0 of 1 bytes: the "
               "method takes text without one'],nil]");
    served_ask(client, "[0,3,'measured',[]]", "[1,3,nil,5]"); /* it did not run */
}

static void a_row_can_say_more(void **state)
{
    (void)state;
    served_ask(client, "[0,1,'system.methodHelp',['math.add']]", "[1,1,nil,'a + b']");
    served_ask(client, "[0,2,'system.methodSignature',['pick']]",
               "[1,2,nil,[['string','string','boolean','i8','double','int','string']]]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_type_goes_in_and_out),
        cmocka_unit_test(a_result_of_void_and_no_string_are_nil),
        cmocka_unit_test(wrong_arguments_are_refused_as_a_handlers),
        cmocka_unit_test(a_string_with_a_nul_inside_is_refused),
        cmocka_unit_test(a_row_can_say_more),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
