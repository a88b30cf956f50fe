/*
 * Who is asked: the default handler, for names that no method has; methods that take the place
 * of others, the server's own too; calls that may take any time. Against a running server.
 */
#include "latch.h"
#include "served.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct served served;
static int client;

static int answer(duet_call *call, void *ctx)
{
    return duet_reply_string(call, ctx);
}

/* The default: says what it was asked; some names it does not have either. */
static int any(duet_call *call, void *ctx)
{
    (void)ctx;
    const char *method = duet_call_method(call);
    if (strcmp(method, "gone") == 0)
        return DUET_FAULT_METHOD;
    if (strcmp(method, "wrong") == 0)
        return 1;
    if (strcmp(method, "broken") == 0)
        return -EPERM; /* of the same words in every libc */
    duet_writer *writer = duet_call_writer(call);
    duet_write_array(writer, 2);
    duet_write_text(writer, method);
    return duet_write_int(writer, (int64_t)duet_arg_count(call));
}

static int ask(duet_call *call, void *ctx)
{
    (void)ctx;
    return duet_call_invoke(call, "invoked", duet_arg(call, 0), duet_call_writer(call));
}

static const duet_method methods[] = {
    {.name = "known", .handler = answer},
    {.name = "ask", .handler = ask},
    {0},
};

static void open_with(duet_handler handler, unsigned flags)
{
    served_open(&served, methods, "first");
    if (handler != NULL)
        assert_int_equal(duet_server_set_default(served.server, handler, flags, NULL), 0);
}

static void start(void)
{
    served_start(&served);
    client = served_connect(&served);
}

static void stop(void)
{
    close(client);
    served_stop(&served);
}

/* ---- The default handler */

static void it_runs_for_names_that_no_method_has(void **state)
{
    (void)state;
    for (unsigned flags = 0; flags <= DUET_METHOD_INLINE; flags += DUET_METHOD_INLINE) {
        open_with(any, flags);
        start();
        served_ask(client, "[0,1,'any.thing',[1,2]]", "[1,1,nil,['any.thing',2]]");
        served_ask(client, "[0,2,'known',[]]", "[1,2,nil,'first']");
        served_ask(client, "[0,3,'ask',[[5]]]", "[1,3,nil,['invoked',1]]");
        served_ask(client, "[0,4,'a\nb',[]]", "[1,4,nil,['a\\x0ab',0]]");
        stop();
    }
}

#define UNKNOWN(name) "no method named '" name "' (system.listMethods lists those there are)"

static void its_faults_name_what_was_called(void **state)
{
    (void)state;
    open_with(any, 0);
    start();
    served_ask(client, "[0,1,'gone',[]]", "[1,1,[-32601,\"" UNKNOWN("gone") "\"],nil]");
    served_ask(client, "[0,2,'wrong',[]]",
               "[1,2,[-32603,'wrong: the method returned 1 where 0 or less is "
               "allowed'],nil]");
    served_ask(client, "[0,3,'broken',[]]",
               "[1,3,[-32603,'broken: internal error: Operation not permitted'],nil]");
    stop();
}

static void names_of_the_server_are_not_for_it(void **state)
{
    (void)state;
    open_with(any, 0);
    start();
    served_ask(client, "[0,1,'system.nothing',[]]",
               "[1,1,[-32601,\"" UNKNOWN("system.nothing") "\"],nil]");
    served_ask(client, "[0,2,'system.methodExist',['any']]", "[1,2,nil,false]");
    stop();
}

/* However many names callers make up. */
static void its_calls_are_counted_in_one_place(void **state)
{
    (void)state;
    duet_call_stats stats;
    open_with(any, DUET_METHOD_INLINE);
    assert_int_equal(duet_server_method_stats(served.server, "(default)", &stats), 0);
    start();
    served_ask(client, "[0,1,'a',[]]", "[1,1,nil,['a',0]]");
    served_ask(client, "[0,2,'b',[]]", "[1,2,nil,['b',0]]");
    served_ask(client, "[0,3,'gone',[]]", "[1,3,[-32601,\"" UNKNOWN("gone") "\"],nil]");
    assert_int_equal(duet_server_method_stats(served.server, "(default)", &stats), 0);
    assert_int_equal(stats.ok, 2);
    assert_int_equal(stats.fault, 1);
    assert_int_equal(duet_server_method_stats(served.server, "a", &stats), -ENOENT);
    stop();

    open_with(NULL, 0);
    assert_int_equal(duet_server_method_stats(served.server, "(default)", &stats), -ENOENT);
    start();
    stop();
}

static void the_last_one_set_counts(void **state)
{
    (void)state;
    static const duet_method reserved[] = {{.name = "(default)", .handler = any}, {0}};
    open_with(any, 0);
    assert_int_equal(duet_server_set_default(served.server, answer, 0, "second"), 0);
    start();
    served_ask(client, "[0,1,'a',[]]", "[1,1,nil,'second']");
    assert_int_equal(duet_server_set_default(served.server, any, 0, NULL), -EBUSY);
    assert_int_equal(duet_server_add(served.server, reserved, NULL), -EINVAL);
    stop();

    duet_server *server = duet_server_new();
    assert_int_equal(duet_server_set_default(server, NULL, 0, NULL), -EINVAL);
    assert_string_equal(duet_server_error(server), "method (default) has no handler");
    duet_server_free(server);
    assert_int_equal(duet_server_set_default(NULL, any, 0, NULL), -ENOMEM);
}

/* ---- Methods in the place of others */

static void one_takes_the_place_of_another_while_calls_run(void **state)
{
    (void)state;
    static const duet_method waiting[] = {{.name = "m", .handler = latch_wait}, {0}};
    static const duet_method second[] = {
        {.name = "m", .handler = answer, .flags = DUET_METHOD_REPLACE}, {0}};
    latch_close(NULL);
    open_with(NULL, 0);
    assert_int_equal(duet_server_add(served.server, waiting, NULL), 0);
    start();
    served_tell(client, "[0,1,'m',[]]");
    latch_wait_until_begun(1);
    assert_int_equal(duet_server_add(served.server, second, "second"), 0);
    served_ask(client, "[0,2,'m',[]]", "[1,2,nil,'second']");
    latch_allow(1);
    served_expect(client, "[1,1,nil,false]");
    stop();
}

static void the_servers_own_can_be_taken_on_purpose(void **state)
{
    (void)state;
    static const duet_method by_chance[] = {{.name = "system.methodHelp", .handler = answer},
                                            {0}};
    static const duet_method on_purpose[] = {
        {.name = "system.methodHelp",
         .handler = answer,
         .flags = DUET_METHOD_REPLACE,
         .help = "of mine"},
        {.name = "system.mine", .handler = answer, .flags = DUET_METHOD_REPLACE},
        {0}};
    open_with(NULL, 0);
    start();
    served_ask(client, "[0,1,'system.methodHelp',['known']]", "[1,1,nil,'']");
    assert_int_equal(duet_server_add(served.server, by_chance, "x"), -EINVAL);
    assert_int_equal(duet_server_add(served.server, on_purpose, "mine"), 0);
    served_ask(client, "[0,2,'system.methodHelp',['known']]", "[1,2,nil,'mine']");
    served_ask(client, "[0,3,'system.methodExist',['system.mine']]", "[1,3,nil,true]");
    stop();
}

/* ---- Any time */

static void a_method_may_have_no_time_limit_where_all_others_have_one(void **state)
{
    (void)state;
    static const duet_method timeless[] = {
        {.name = "timeless", .handler = latch_wait, .timeout_ms = DUET_NO_TIMEOUT},
        {.name = "limited", .handler = latch_wait},
        {0}};
    latch_close(NULL);
    open_with(NULL, 0);
    assert_int_equal(duet_server_add(served.server, timeless, NULL), 0);
    assert_int_equal(duet_server_set(served.server, DUET_OPT_CALL_TIMEOUT, 1), 0);
    start();
    served_tell(client, "[0,1,'timeless',[]]");
    latch_wait_until_begun(1);
    served_ask(client, "[0,2,'limited',[]]",
               "[1,2,[-32001,'limited: not done after 1 ms, which is its time limit'],nil]");
    latch_allow(2);
    served_expect(client, "[1,1,nil,false]");
    stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_runs_for_names_that_no_method_has),
        cmocka_unit_test(its_faults_name_what_was_called),
        cmocka_unit_test(names_of_the_server_are_not_for_it),
        cmocka_unit_test(its_calls_are_counted_in_one_place),
        cmocka_unit_test(the_last_one_set_counts),
        cmocka_unit_test(one_takes_the_place_of_another_while_calls_run),
        cmocka_unit_test(the_servers_own_can_be_taken_on_purpose),
        cmocka_unit_test(a_method_may_have_no_time_limit_where_all_others_have_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
