/*
 * The system. methods against a running server, over MessagePack-RPC: each multicall entry
 * with the entry of the answer it must become.
 */
#include "served.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

static int twice(duet_call *call, void *ctx)
{
    (void)ctx;
    return duet_reply_int(call, 2 * duet_arg_int(call, 0));
}

/* Fails with half a value written. */
static int half(duet_call *call, void *ctx)
{
    (void)ctx;
    duet_write_array(duet_call_writer(call), 2);
    duet_write_int(duet_call_writer(call), 1);
    return duet_fail(call, 7, "half");
}

static const duet_method methods[] = {
    {.name = "twice",
     .signature = "i:i",
     .handler = twice,
     .flags = DUET_METHOD_INLINE,
     .help = "Doubles."},
    {.name = "half", .handler = half},
    {0},
};

/* For what is told of them. */
static const duet_method typed_methods[] = {
    {.name = "anything", .signature = "m:* n:a", .handler = half, .params = "list"},
    {.name = "types",
     .signature = "{i:d}:%tree<i,s?>{*:t}?(x:i,y?:%tree)?",
     .handler = half,
     .flags = DUET_METHOD_REFUSE_BUSY,
     .timeout_ms = 50,
     .max_running = 2,
     .params = "a b c d"},
    {0},
};

static struct served served;
static int fd;

static int open_server(void **state)
{
    (void)state;
    served_open(&served, methods, NULL);
    assert_int_equal(duet_server_add_types(served.server, "tree={children:[%tree]}"), 0);
    assert_int_equal(duet_server_add(served.server, typed_methods, NULL), 0);
    duet_server_set(served.server, DUET_OPT_MAX_MULTICALL, 3);
    served_start(&served);
    fd = served_connect(&served);
    return 0;
}

/* Calls a method with these arguments; the rest of its reply must be this: "nil,RESULT", or
 * "ERROR,nil". */
__attribute__((format(printf, 3, 4))) static void expect(const char *method, const char *params,
                                                         const char *format, ...)
{
    char answer[4096];
    va_list args;
    va_start(args, format);
    vsnprintf(answer, sizeof answer, format, args);
    va_end(args);
    served_tell(fd, "[0,1,'%s',%s]", method, params);
    served_expect(fd, "[1,1,%s]", answer);
}

static void the_list_is_sorted_and_has_the_system_methods(void **state)
{
    (void)state;
    static const char list[] =
        "nil,['anything','half','system.describe','system.getCapabilities','system.listMethods'"
        ",'system.methodExist',"
        "'system.methodHelp','system.methodSignature','system.multicall','system.stats',"
        "'twice','types']";
    expect("system.listMethods", "[]", "%s", list);

    /* HomeMatic CCUs bring an argument: it changes nothing. */
    expect("system.listMethods", "['x',7]", "%s", list);
    expect("system.methodSignature", "['system.listMethods']", "nil,[['array']]");
}

static void a_method_is_told_of(void **state)
{
    (void)state;
    expect("system.methodSignature", "['twice']", "nil,[['int','int']]");
    expect("system.methodSignature", "['half']", "nil,'undef'");
    expect("system.methodHelp", "['twice']", "nil,'Doubles.'");
    expect("system.methodHelp", "['half']", "nil,''");
    expect("system.methodExist", "['half']", "nil,true");
    expect("system.methodExist", "['hal']", "nil,false");
    expect("system.methodExist", "['']", "nil,false");
}

#define INT "{'type':'int','nil':false}"
#define STRING "{'type':'string','nil':false}"
#define ANY "{'type':'any','nil':true}"

static void a_method_is_described(void **state)
{
    (void)state;
    expect("system.describe", "['twice']", "nil,%s",
           "{'name':'twice','help':'Doubles.','flags':['inline'],'timeout_ms':0,"
           "'max_running':0,'signature':'i:i','alternatives':[{'result':" INT
           ",'takes_anything':false,'params':[{'name':'','optional':false,'type':" INT
           "}]}],'types':{}}");
    expect("system.describe", "['half']", "nil,%s",
           "{'name':'half','help':'','flags':[],'timeout_ms':0,'max_running':0,"
           "'signature':'','alternatives':[],'types':{}}");
    expect("system.describe", "['anything']", "nil,%s",
           "{'name':'anything','help':'','flags':[],'timeout_ms':0,'max_running':0,"
           "'signature':'m:* n:a','alternatives':["
           "{'result':{'type':'map','nil':false,'keys':'any','values':" ANY
           "},'takes_anything':true,'params':[]},"
           "{'result':{'type':'nil','nil':true},'takes_anything':false,'params':["
           "{'name':'list','optional':false,'type':{'type':'array','nil':false,'items':" ANY
           "}}]}],'types':{}}");
}

/* Types that hold themselves are told once, by name. */
static void each_kind_of_type_is_described(void **state)
{
    (void)state;
    expect("system.describe", "['types']", "nil,%s",
           "{'name':'types','help':'','flags':['refuse_busy'],'timeout_ms':50,"
           "'max_running':2,'signature':'{i:d}:%tree<i,s?>{*:t}?(x:i,y?:%tree)?',"
           "'alternatives':[{'result':{'type':'map','nil':false,'keys':'int','values':"
           "{'type':'double','nil':false}},'takes_anything':false,'params':["
           "{'name':'a','optional':false,'type':{'type':'named','nil':false,'name':'tree'}},"
           "{'name':'b','optional':false,'type':{'type':'tuple','nil':false,'items':[" INT
           ",{'type':'string','nil':true}]}},"
           "{'name':'c','optional':true,'type':{'type':'map','nil':true,'keys':'any',"
           "'values':{'type':'time','nil':false}}},"
           "{'name':'d','optional':true,'type':{'type':'record','nil':true,'members':["
           "{'name':'x','optional':false,'type':" INT
           "},{'name':'y','optional':true,'type':{'type':'named','nil':false,'name':'tree'}}"
           "]}}]}],"
           "'types':{'tree':{'type':'struct','nil':false,'members':["
           "{'name':'children','optional':false,'type':{'type':'array','nil':false,'items':"
           "{'type':'named','nil':false,'name':'tree'}}}]}}}");
}

static void an_unknown_name_is_a_fault_that_names_it(void **state)
{
    (void)state;
    static const char *const asking[] = {"system.methodSignature", "system.methodHelp",
                                         "system.describe"};
    for (size_t i = 0; i < 3; i++)
        expect(asking[i], "['nix']", "[%d,\"no method named 'nix'\"],nil", DUET_FAULT_METHOD);
}

/* An entry that cannot be run becomes its fault, and those beside it are answered. */
static void each_multicall_entry_is_answered_on_its_own(void **state)
{
    (void)state;
    static const struct {
        const char *entry;
        int code; /* 0: a result of 8 */
        const char *words;
    } rows[] = {
        {"{'methodName':'twice','params':[4]}", 0, NULL},
        {"{'params':[4],'methodName':b'twice'}", 0, NULL},
        {"{'methodName':'twice','params':[4],'x':nil}", 0, NULL},
        {"{'methodName':'twice','params':[]}", DUET_FAULT_PARAMS,
         "twice: takes 1 argument (int), got 0"},
        {"{'methodName':'half','params':[]}", 7, "half"},
        {"{'methodName':'system.multicall','params':[[]]}", DUET_FAULT_REQUEST,
         "system.multicall must not call itself"},
        {"{'methodName':<a7 74 77 69 63 65 00 78>,'params':[4]}", DUET_FAULT_METHOD,
         "methodName has a NUL in it"},
        {"{'params':[]}", DUET_FAULT_REQUEST, "methodName must be string, got nil"},
        {"{'methodName':'twice'}", DUET_FAULT_REQUEST, "params must be array, got nil"},
        {"{'methodName':'twice','params':{}}", DUET_FAULT_REQUEST,
         "params must be array, got map"},
        {"{'methodName':1,'params':{}}", DUET_FAULT_REQUEST,
         "methodName must be string, got int"},
        {"nil", DUET_FAULT_REQUEST, "a call must be a struct, got nil"},
        {"[]", DUET_FAULT_REQUEST, "a call must be a struct, got array"},
    };
    static const char good[] = "{'methodName':'twice','params':[21]}";
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char params[256], answer[256] = "[8]";
        snprintf(params, sizeof params, "[[%s,%s,%s]]", good, rows[i].entry, good);
        if (rows[i].code != 0)
            snprintf(answer, sizeof answer, "{'faultCode':%d,'faultString':'%s'}", rows[i].code,
                     rows[i].words);
        expect("system.multicall", params, "nil,[[42],%s,[42]]", answer);
    }
}

static void an_empty_multicall_has_an_empty_answer(void **state)
{
    (void)state;
    expect("system.multicall", "[[]]", "nil,[]");
}

static void too_many_calls_are_refused_by_the_flag_that_bounds_them(void **state)
{
    (void)state;
    expect("system.multicall", "[[nil,nil,nil,nil]]",
           "[%d,'system.multicall of 4 calls exceeds --max-multicall 3'],nil",
           DUET_FAULT_LIMIT);
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
        cmocka_unit_test(the_list_is_sorted_and_has_the_system_methods),
        cmocka_unit_test(a_method_is_told_of),
        cmocka_unit_test(a_method_is_described),
        cmocka_unit_test(each_kind_of_type_is_described),
        cmocka_unit_test(an_unknown_name_is_a_fault_that_names_it),
        cmocka_unit_test(each_multicall_entry_is_answered_on_its_own),
        cmocka_unit_test(an_empty_multicall_has_an_empty_answer),
        cmocka_unit_test(too_many_calls_are_refused_by_the_flag_that_bounds_them),
    };
    return cmocka_run_group_tests(tests, open_server, stop_server);
}
