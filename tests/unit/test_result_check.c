/*
 * --check-results against a running server: handlers that answer what they declare, and those
 * that do not, in all the ways that there are to write.
 */
#include "served.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

static int answer_nothing(duet_call *call, void *ctx)
{
    (void)call;
    (void)ctx;
    return 0;
}

static int answer_int(duet_call *call, void *ctx)
{
    (void)ctx;
    return duet_reply_int(call, 7);
}

static int answer_argument(duet_call *call, void *ctx)
{
    (void)ctx;
    return duet_reply_value(call, duet_arg(call, 0));
}

/* [{"name":"a","count":1},{"name":"b","count":ARGUMENT}], the second one as an array. */
static int answer_lines(duet_call *call, void *ctx)
{
    (void)ctx;
    duet_writer *writer = duet_call_writer(call);
    duet_write_array(writer, 2);
    for (int i = 0; i < 2; i++) {
        duet_write_record(writer, 2, i == 0 ? DUET_RECORD_MAP : DUET_RECORD_ARRAY);
        duet_write_field(writer, "name");
        duet_write_text(writer, "a");
        duet_write_field(writer, "count");
        if (i == 0)
            duet_write_int(writer, 1);
        else
            duet_write_value(writer, duet_arg(call, 0));
    }
    return 0;
}

/* Takes back part of an array, then all of it. */
static int answer_after_rewinds(duet_call *call, void *ctx)
{
    (void)ctx;
    duet_writer *writer = duet_call_writer(call);
    duet_mark all = duet_writer_mark(writer);
    duet_write_array(writer, 2);
    duet_write_int(writer, 1);
    duet_mark part = duet_writer_mark(writer);
    duet_write_text(writer, "of another type");
    duet_writer_rewind(writer, part);
    duet_write_int(writer, 2);
    duet_writer_rewind(writer, all);
    duet_write_array(writer, 1);
    return duet_write_int(writer, 3);
}

/* What does not fit is an error of the writer, which can be taken back too. */
static int answer_again(duet_call *call, void *ctx)
{
    (void)ctx;
    duet_writer *writer = duet_call_writer(call);
    duet_mark mark = duet_writer_mark(writer);
    if (duet_write_text(writer, "x") >= 0)
        return duet_fail(call, 1, "a string passed");
    duet_writer_rewind(writer, mark);
    return duet_write_int(writer, 5);
}

/* Calls the method that the argument names, and answers -1 if that fails. */
static int answer_by_another(duet_call *call, void *ctx)
{
    (void)ctx;
    duet_writer *writer = duet_call_writer(call);
    const char *name = duet_arg_string(call, 0, NULL);
    duet_write_array(writer, 1);
    if (duet_call_invoke(call, name, duet_arg(call, 1), writer) == 0)
        return 0;
    return duet_write_int(writer, -1);
}

static const duet_method methods[] = {
    {.name = "nil", .signature = "n:", .handler = answer_nothing},
    {.name = "nothing", .signature = "i:", .handler = answer_nothing},
    {.name = "maybe", .signature = "i?:", .handler = answer_nothing},
    {.name = "int", .signature = "i:", .handler = answer_int, .flags = DUET_METHOD_INLINE},
    {.name = "double", .signature = "d:", .handler = answer_int},
    {.name = "string", .signature = "s:", .handler = answer_int},
    {.name = "either", .signature = "s: i:i", .handler = answer_int},
    {.name = "neither", .signature = "s: b:i", .handler = answer_int},
    {.name = "any", .handler = answer_int},
    {.name = "time", .signature = "t:v", .handler = answer_argument},
    {.name = "bytes", .signature = "r:v", .handler = answer_argument},
    {.name = "deep", .signature = "{*:[{a:[i]}]}:v", .handler = answer_argument},
    {.name = "ints", .signature = "{i:s}:v", .handler = answer_argument},
    {.name = "lines", .signature = "[%line]:v", .handler = answer_lines},
    {.name = "rewinds", .signature = "<i>:", .handler = answer_after_rewinds},
    {.name = "again", .signature = "i:", .handler = answer_again},
    {.name = "call", .signature = "[i]:sa", .handler = answer_by_another},
    {0},
};

static struct served served;
static int fd;

static int open_server(void **state)
{
    (void)state;
    served_open(&served, NULL, NULL);
    assert_int_equal(duet_server_add_types(served.server, "line=(name:s,count:i)"), 0);
    assert_int_equal(duet_server_add(served.server, methods, NULL), 0);
    served_start(&served);
    fd = served_connect(&served);
    return 0;
}

static void expect(const char *call, const char *answer)
{
    char request[200];
    snprintf(request, sizeof request, "[0,1,%s]", call);
    char reply[400];
    snprintf(reply, sizeof reply, "[1,1,%s]", answer);
    served_ask(fd, request, reply);
}

static void results_as_declared_pass(void **state)
{
    (void)state;
    static const struct {
        const char *call, *answer;
    } rows[] = {
        {"'nil',[]", "nil,nil"},
        {"'maybe',[]", "nil,nil"},
        {"'int',[]", "nil,7"},
        {"'double',[]", "nil,7"},
        {"'either',[]", "nil,7"},
        {"'any',[]", "nil,7"},
        {"'time',[<d6 ff 00 00 00 07>]", "nil,<d6 ff 00 00 00 07>"},
        {"'bytes',[b'x']", "nil,b'x'"},
        {"'bytes',['x']", "nil,'x'"},
        {"'deep',[{'x':[{'a':[1,2]},{'a':[],'b':nil}]}]",
         "nil,{'x':[{'a':[1,2]},{'a':[],'b':nil}]}"},
        {"'deep',[{}]", "nil,{}"},
        {"'ints',[{1:'a','2':'b'}]", "nil,{1:'a','2':'b'}"},
        {"'lines',[2]", "nil,[{'name':'a','count':1},['a',2]]"},
        {"'rewinds',[]", "nil,[3]"},
        {"'again',[]", "nil,5"},
        {"'call',['int',[]]", "nil,[7]"},
        {"'system.multicall',[[{'methodName':'call','params':['int',[]]}]]", "nil,[[[7]]]"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        expect(rows[i].call, rows[i].answer);
}

static void other_results_are_faults_that_say_where(void **state)
{
    (void)state;
    static const struct {
        const char *call, *words;
    } rows[] = {
        {"'nothing',[]", "nothing: result must be int, got nil"},
        {"'string',[]", "string: result must be string, got int"},
        {"'neither',[]", "neither: result must be bool or string, got int"},
        {"'time',[1]", "time: result must be time, got int"},
        {"'time',[ext(5,'xyz')]", "time: result must be time, got ext"},
        {"'bytes',[1.5]", "bytes: result must be bytes, got double"},
        {"'deep',[{'x':[{'a':[1]},{'a':[1,true]}]}]",
         "deep: result, \"x\", item 2, \"a\", item 2: must be int, got bool"},
        {"'deep',[{'x':[{'b':1}]}]", "deep: result, \"x\", item 1: \"a\" is missing"},
        {"'ints',[{'a':'x'}]", "ints: result: its keys must be int, got \"a\""},
        {"'lines',['x']", "lines: result, item 2, \"count\": must be int, got string"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char answer[300];
        snprintf(answer, sizeof answer, "[-32603,'%s'],nil", rows[i].words);
        expect(rows[i].call, answer);
    }
}

/* The result of a call within a call is its method's; what its caller then writes is its own.
 */
static void calls_within_calls_are_checked_on_their_own(void **state)
{
    (void)state;
    expect("'call',['string',[]]", "nil,[-1]");
    expect("'call',['lines',['x']]", "nil,[-1]");
    expect("'call',['any',[]]", "nil,[7]");
    expect("'call',['lines',[1]]",
           "[-32603,'call: result, item 1: must be int, got array'],nil");
    expect("'system.multicall',[[{'methodName':'string','params':[]},"
           "{'methodName':'int','params':[]}]]",
           "nil,[{'faultCode':-32603,'faultString':'string: result must be string, got "
           "int'},[7]]");
}

static int stop_server(void **state)
{
    (void)state;
    close(fd);
    served_stop(&served);
    return served.result;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(results_as_declared_pass),
        cmocka_unit_test(other_results_are_faults_that_say_where),
        cmocka_unit_test(calls_within_calls_are_checked_on_their_own),
    };
    return cmocka_run_group_tests(tests, open_server, stop_server);
}
