/*
 * Faults with data, against a running server: who gets it, what is left out, and that it goes
 * along when a fault is passed on.
 */
#include "served.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct served served;
static int client;

/* ---- Methods that fail */

static int with_data(duet_call *call, void *ctx)
{
    (void)ctx;
    duet_writer *data = duet_fail_begin(call, 7, "%s is out", "rice");
    duet_write_record(data, 1, DUET_RECORD_MAP);
    duet_write_field(data, "left");
    duet_write_value(data, duet_arg(call, 0));
    return 0; /* it is a fault all the same */
}

static int unfinished(duet_call *call, void *ctx)
{
    (void)ctx;
    duet_write_array(duet_fail_begin(call, 7, "words"), 2);
    return 0;
}

static int nothing(duet_call *call, void *ctx)
{
    (void)ctx;
    duet_fail_begin(call, 7, "words");
    return 0;
}

static int twice_written(duet_call *call, void *ctx)
{
    (void)ctx;
    duet_writer *data = duet_fail_begin(call, 7, "words");
    duet_write_int(data, 1);
    duet_write_int(data, 2);
    duet_reply_int(call, 1); /* nor does it matter what else it writes */
    return duet_reply_int(call, 2);
}

/* The last fault counts, with its data or without. */
static int again(duet_call *call, void *ctx)
{
    (void)ctx;
    duet_write_int(duet_fail_begin(call, 7, "first"), 1);
    duet_write_int(duet_fail_begin(call, 8, "second"), 2);
    return 0;
}

static int taken_back(duet_call *call, void *ctx)
{
    (void)ctx;
    duet_write_int(duet_fail_begin(call, 7, "first"), 1);
    return duet_fail(call, 8, "second");
}

/* As large as a reply may be, so that its own fault has no room for it. */
static int large(duet_call *call, void *ctx)
{
    (void)ctx;
    static char text[1024 * 1024 - 8];
    memset(text, 'x', sizeof text);
    duet_write_string(duet_fail_begin(call, 7, "words"), text, sizeof text);
    return 0;
}

/* Keeps its call, which then has memory of its own, and fails it there. */
static int kept(duet_call *call, void *ctx)
{
    (void)ctx;
    duet_kept kept = duet_call_keep(call);
    duet_call *own = duet_kept_call(kept);
    duet_write_value(duet_fail_begin(own, 7, "kept"), duet_arg(own, 0));
    duet_kept_finish(kept, 0);
    return 0;
}

/* ---- Methods that call them */

static int pass_kept_on(duet_call *call, void *ctx)
{
    (void)ctx;
    return duet_call_invoke(call, "kept", duet_arg(call, 0), duet_call_writer(call));
}

static int pass_on(duet_call *call, void *ctx)
{
    (void)ctx;
    return duet_call_invoke(call, "with.data", duet_arg(call, 0), duet_call_writer(call));
}

static int get_over(duet_call *call, void *ctx)
{
    (void)ctx;
    for (int i = 0; i < 1000; i++)
        duet_call_invoke(call, "with.data", duet_arg(call, 0), duet_call_writer(call));
    const char *words;
    int code = duet_call_fault(call, &words);
    return code == 7 && strcmp(words, "rice is out") == 0 ? duet_reply_nil(call) : -EIO;
}

static int fail_otherwise(duet_call *call, void *ctx)
{
    (void)ctx;
    duet_call_invoke(call, "with.data", duet_arg(call, 0), duet_call_writer(call));
    return -EPERM; /* of the same words in every libc */
}

/* Its own fault has begun when it calls one that fails. */
static int within(duet_call *call, void *ctx)
{
    (void)ctx;
    duet_writer *data = duet_fail_begin(call, 9, "mine");
    for (int i = 0; i < 3; i++)
        duet_call_invoke(call, "with.data", duet_arg(call, 0), duet_call_writer(call));
    duet_write_int(data, 1);
    return 0;
}

static const duet_method methods[] = {
    {.name = "with.data", .handler = with_data},
    {.name = "with.data.inline", .handler = with_data, .flags = DUET_METHOD_INLINE},
    {.name = "unfinished", .handler = unfinished},
    {.name = "nothing", .handler = nothing},
    {.name = "twice.written", .handler = twice_written},
    {.name = "again", .handler = again},
    {.name = "taken.back", .handler = taken_back},
    {.name = "large", .handler = large},
    {.name = "kept", .handler = kept},
    {.name = "pass.kept.on", .handler = pass_kept_on},
    {.name = "pass.on", .handler = pass_on},
    {.name = "get.over", .handler = get_over},
    {.name = "fail.otherwise", .handler = fail_otherwise},
    {.name = "within", .handler = within},
    {0},
};

static void open_with(duet_option option, int64_t value)
{
    served_open(&served, methods, NULL);
    assert_int_equal(duet_server_set(served.server, option, value), 0);
    served_start(&served);
    client = served_connect(&served);
}

static int set_up(void **state)
{
    (void)state;
    open_with(DUET_OPT_MAX_REPLY, 1024 * 1024);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    close(client);
    served_stop(&served);
    return 0;
}

/* ---- MessagePack-RPC */

static void it_is_the_third_item_of_the_error(void **state)
{
    (void)state;
    served_ask(client, "[0,1,'with.data',[[1,'a']]]",
               "[1,1,[7,'rice is out',{'left':[1,'a']}],nil]");
    served_ask(client, "[0,2,'with.data.inline',[nil]]",
               "[1,2,[7,'rice is out',{'left':nil}],nil]");
}

static void what_is_not_one_value_is_left_out(void **state)
{
    (void)state;
    served_ask(client, "[0,1,'unfinished',[]]", "[1,1,[7,'words'],nil]");
    served_ask(client, "[0,2,'nothing',[]]", "[1,2,[7,'words'],nil]");
    served_ask(client, "[0,3,'twice.written',[]]", "[1,3,[7,'words'],nil]");
    served_ask(client, "[0,4,'again',[]]", "[1,4,[8,'second',2],nil]");
    served_ask(client, "[0,5,'taken.back',[]]", "[1,5,[8,'second'],nil]");
}

static void what_has_no_room_in_a_reply_is_left_out(void **state)
{
    (void)state;
    served_ask(client, "[0,1,'large',[]]", "[1,1,[7,'words'],nil]");
    served_ask(client, "[0,2,'with.data',[1]]", "[1,2,[7,'rice is out',{'left':1}],nil]");
}

static void it_goes_along_with_a_fault_that_is_passed_on(void **state)
{
    (void)state;
    served_ask(client, "[0,1,'pass.on',[[5]]]", "[1,1,[7,'rice is out',{'left':5}],nil]");
    served_ask(client, "[0,2,'get.over',[[5]]]", "[1,2,nil,nil]");
    served_ask(client, "[0,3,'fail.otherwise',[[5]]]",
               "[1,3,[-32603,'fail.otherwise: internal error: Operation not permitted'],nil]");
}

static void a_fault_that_has_begun_is_the_calls_whatever_it_calls_then(void **state)
{
    (void)state;
    served_ask(client, "[0,1,'within',[[5]]]", "[1,1,[9,'mine',1],nil]");
}

static void it_is_a_member_in_answers_of_a_multicall(void **state)
{
    (void)state;
    served_ask(client,
               "[0,1,'system.multicall',[[{'methodName':'with.data','params':[5]},"
               "{'methodName':'nothing','params':[]},{'methodName':1,'params':[]},"
               "{'methodName':'pass.on','params':[[6]]}]]]",
               "[1,1,nil,[{'faultCode':7,'faultString':'rice is out','faultData':{'left':5}},"
               "{'faultCode':7,'faultString':'words'},"
               "{'faultCode':-32600,'faultString':'methodName must be string, got int'},"
               "{'faultCode':7,'faultString':'rice is out','faultData':{'left':6}}]]");
}

static void a_call_that_is_kept_has_it_too(void **state)
{
    (void)state;
    served_ask(client, "[0,1,'kept',[1]]", "[1,1,[7,'kept',1],nil]");
    served_ask(client, "[0,2,'pass.kept.on',[['a']]]", "[1,2,[7,'kept','a'],nil]");
    served_ask(client,
               "[0,3,'system.multicall',[[{'methodName':'kept','params':[5]},"
               "{'methodName':'pass.kept.on','params':[[6]]},"
               "{'methodName':'kept','params':['b']}]]]",
               "[1,3,nil,[{'faultCode':7,'faultString':'kept','faultData':5},"
               "{'faultCode':7,'faultString':'kept','faultData':6},"
               "{'faultCode':7,'faultString':'kept','faultData':'b'}]]");
}

static void errors_that_are_words_alone_have_no_place_for_it(void **state)
{
    (void)state;
    open_with(DUET_OPT_ERROR_STYLE, DUET_ERROR_STYLE_STRING);
    served_ask(client, "[0,1,'with.data',[1]]", "[1,1,'rice is out',nil]");
    tear_down(NULL);
    open_with(DUET_OPT_ERROR_STYLE, DUET_ERROR_STYLE_JUBATUS);
    served_ask(client, "[0,1,'with.data',[1]]", "[1,1,'rice is out',nil]");
    tear_down(NULL);
}

/* ---- XML-RPC */

#define FAULT_WORDS                                                                            \
    "<fault><value><struct><member><name>faultCode</name><value><int>7</int></value>"          \
    "</member><member><name>faultString</name><value><string>rice is out</string></value>"     \
    "</member>"

static void ask_xml(const char *header, const char *body, char *reply, size_t room)
{
    char request[1500];
    int size = snprintf(request, sizeof request,
                        "POST / HTTP/1.0\r\nHost: 127.0.0.1\r\n%sContent-Length: %zu\r\n\r\n%s",
                        header, strlen(body), body);
    int fd = served_connect(&served);
    served_send(fd, request, (size_t)size);
    reply[served_read_all(fd, reply, room - 1)] = '\0';
    close(fd);
}

static void over_xml_it_is_a_member_for_callers_that_ask(void **state)
{
    (void)state;
    static const char body[] =
        "<methodCall><methodName>with.data</methodName><params><param><value><i8>9876543210"
        "</i8></value></param></params></methodCall>";
    static const char member[] = "<member><name>faultData</name><value><struct><member><name>"
                                 "left</name><value><i8>9876543210</i8></value></member>"
                                 "</struct></value></member></struct></value></fault>";
    char reply[3000];
    ask_xml("Duet-Fault-Data: 1\r\n", body, reply, sizeof reply);
    assert_non_null(strstr(reply, "<methodResponse>" FAULT_WORDS));
    assert_non_null(strstr(reply, member));
    for (size_t i = 0; i < 2; i++) {
        ask_xml(i == 0 ? "" : "Duet-Fault-Data: 0\r\n", body, reply, sizeof reply);
        assert_non_null(strstr(reply, FAULT_WORDS "</struct></value></fault>"));
    }
}

/* Apache's types are declared where they may be inside. */
static void over_xml_its_types_are_those_of_the_style(void **state)
{
    (void)state;
    char reply[3000];
    open_with(DUET_OPT_NIL, DUET_NIL_EX);
    ask_xml("duet-fault-data: 1\r\n",
            "<methodCall><methodName>with.data</methodName></methodCall>", reply, sizeof reply);
    assert_non_null(strstr(reply, "<methodResponse xmlns:ex="));
    assert_non_null(strstr(reply, "<name>left</name><value><ex:nil/></value>"));
    ask_xml("", "<methodCall><methodName>with.data</methodName></methodCall>", reply,
            sizeof reply);
    assert_non_null(strstr(reply, "<methodResponse>" FAULT_WORDS "</struct>"));
    tear_down(NULL);
}

static void over_xml_a_multicall_has_it_for_those_who_ask(void **state)
{
    (void)state;
    static const char body[] =
        "<methodCall><methodName>system.multicall</methodName><params><param><value><array>"
        "<data><value><struct><member><name>methodName</name><value>with.data</value></member>"
        "<member><name>params</name><value><array><data><value><int>5</int></value></data>"
        "</array></value></member></struct></value></data></array></value></param></params>"
        "</methodCall>";
    char reply[3000];
    ask_xml("Duet-Fault-Data: 1\r\n", body, reply, sizeof reply);
    assert_non_null(strstr(reply, "<name>faultData</name><value><struct><member><name>left"));
    ask_xml("", body, reply, sizeof reply);
    assert_null(strstr(reply, "faultData"));
    assert_non_null(strstr(reply, "rice is out"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_is_the_third_item_of_the_error),
        TEST(what_is_not_one_value_is_left_out),
        TEST(what_has_no_room_in_a_reply_is_left_out),
        TEST(it_goes_along_with_a_fault_that_is_passed_on),
        TEST(a_fault_that_has_begun_is_the_calls_whatever_it_calls_then),
        TEST(it_is_a_member_in_answers_of_a_multicall),
        TEST(a_call_that_is_kept_has_it_too),
        cmocka_unit_test(errors_that_are_words_alone_have_no_place_for_it),
        TEST(over_xml_it_is_a_member_for_callers_that_ask),
        cmocka_unit_test(over_xml_its_types_are_those_of_the_style),
        TEST(over_xml_a_multicall_has_it_for_those_who_ask),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
