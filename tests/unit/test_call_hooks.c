/*
 * Hooks against a running server: who lets a call in, how long it took, what is told besides.
 * The order of hooks, and what the after-hook is told, stand in test_server.c.
 */
#include "loop.h"
#include "packed.h"
#include "served.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct served served;
static int client;

/* What hooks have seen, one line after the other; hooks run on many threads. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char seen[2000];

static void see(const char *text, size_t count)
{
    pthread_mutex_lock(&lock);
    size_t size = strlen(seen);
    snprintf(seen + size, sizeof seen - size, "%s %zu\n", text, count);
    pthread_mutex_unlock(&lock);
}

/* ---- Methods */

static int twice(duet_call *call, void *ctx)
{
    (void)ctx;
    return duet_reply_int(call, 2 * duet_arg_int(call, 0));
}

static int ask(duet_call *call, void *ctx)
{
    (void)ctx;
    return duet_call_invoke(call, "slow", duet_arg(call, 0), duet_call_writer(call));
}

enum { SPIN_US = 2000 };

static int spin(duet_call *call, void *ctx)
{
    (void)ctx;
    uint64_t until = duet_clock_ns() + SPIN_US * 1000;
    while (duet_clock_ns() < until)
        ;
    return duet_reply_nil(call);
}

static const duet_method methods[] = {
    {.name = "quick", .signature = "i:i", .handler = twice, .flags = DUET_METHOD_INLINE},
    {.name = "slow", .signature = "i:i", .handler = twice},
    {.name = "secret", .signature = "i:i", .handler = twice},
    {.name = "ask", .signature = "v:a", .handler = ask},
    {.name = "spin", .handler = spin, .max_running = 1},
    {.name = "spin.inline", .handler = spin, .flags = DUET_METHOD_INLINE},
    {0},
};

static void open_with(const duet_hooks *hooks, void *ctx)
{
    seen[0] = '\0';
    served_open(&served, methods, NULL);
    assert_int_equal(duet_server_add_hooks(served.server, hooks, ctx), 0);
    served_start(&served);
    client = served_connect(&served);
}

static void stop(void)
{
    close(client);
    served_stop(&served);
}

/* ---- Who is let in */

/* Sees what is asked for and how many arguments it can see; lets nobody to one method. */
static int admit(duet_call *call, void *ctx)
{
    (void)ctx;
    see(duet_call_method(call), duet_arg_count(call));
    if (strcmp(duet_call_method(call), "secret") == 0)
        return duet_fail(call, DUET_FAULT_UNAUTHORIZED, "not you, %s",
                         duet_call_peer(call)[0] != '\0' ? "known" : "unknown");
    return 0;
}

static void one_is_refused_by_method_before_its_arguments_are_read(void **state)
{
    (void)state;
    open_with(&(duet_hooks){.admit = admit}, NULL);
    served_ask(client, "[0,1,'secret',['no int']]", "[1,1,[-32004,'not you, known'],nil]");
    served_ask(client, "[0,2,'slow',['no int']]",
               "[1,2,[-32602,'slow: argument 1 must be int, got string'],nil]");
    served_ask(client, "[0,3,'slow',[4]]", "[1,3,nil,8]");
    assert_string_equal(seen, "secret 0\nslow 0\nslow 0\n");
    stop();
}

/* Whether they run on the loop or on workers. */
static void calls_of_a_connection_come_in_their_order(void **state)
{
    (void)state;
    open_with(&(duet_hooks){.admit = admit}, NULL);
    served_tell(client, "[0,1,'slow',[1]] [2,'quick',[1]] [0,2,'slow',[2]] [0,3,'secret',[1]] "
                        "[2,'slow',[1]] [0,4,'quick',[1]]");
    struct packed refused = packed_from("[1,3,[-32004,'not you, known'],nil]");
    char replies[1000]; /* in any order */
    served_read(client, replies, 3 * packed_from("[1,1,nil,2]").size + refused.size);
    assert_string_equal(seen, "slow 0\nquick 0\nslow 0\nsecret 0\nslow 0\nquick 0\n");
    stop();
}

static void calls_within_calls_are_asked_for_too(void **state)
{
    (void)state;
    open_with(&(duet_hooks){.admit = admit}, NULL);
    served_ask(client, "[0,1,'ask',[[4]]]", "[1,1,nil,8]");
    assert_string_equal(seen, "ask 0\nslow 0\n");
    served_ask(client,
               "[0,2,'system.multicall',[[{'methodName':'secret','params':[1]},"
               "{'methodName':'slow','params':[1]}]]]",
               "[1,2,nil,[{'faultCode':-32004,'faultString':'not you, known'},[2]]]");
    assert_string_equal(seen, "ask 0\nslow 0\nsystem.multicall 0\nsecret 0\nslow 0\n");
    stop();
}

static void over_xml_there_are_no_arguments_either(void **state)
{
    (void)state;
    static const char body[] = "<methodCall><methodName>slow</methodName><params><param><value>"
                               "<int>4</int></value></param></params></methodCall>";
    char request[600], reply[2000];
    open_with(&(duet_hooks){.admit = admit}, NULL);
    int size = snprintf(request, sizeof request,
                        "POST / HTTP/1.0\r\nHost: 127.0.0.1\r\nContent-Length: %zu\r\n\r\n%s",
                        strlen(body), body);
    int fd = served_connect(&served);
    served_send(fd, request, (size_t)size);
    size_t got = served_read_all(fd, reply, sizeof reply - 1);
    reply[got] = '\0';
    assert_non_null(strstr(reply, "<value><int>8</int></value>"));
    assert_string_equal(seen, "slow 0\n");
    close(fd);
    stop();
}

static int busy(duet_call *call, void *ctx)
{
    (void)call, (void)ctx;
    return -EBUSY;
}

static void a_bare_code_refuses_too(void **state)
{
    (void)state;
    open_with(&(duet_hooks){.admit = busy}, NULL);
    served_ask(client, "[0,1,'slow',[1]]", "[1,1,[-32005,'slow: busy: try again'],nil]");
    served_ask(client, "[0,2,'quick',[1]]", "[1,2,[-32005,'quick: busy: try again'],nil]");
    stop();
}

/* It may answer nothing and call nobody yet: nothing comes of it. */
static int meddle(duet_call *call, void *ctx)
{
    (void)ctx;
    duet_reply_int(call, 1);
    duet_write_array(duet_call_writer(call), 3);
    if (duet_call_invoke(call, "quick", duet_arg(call, 0), duet_call_writer(call)) >= 0)
        see("invoked", 0);
    return 0;
}

static void a_hook_cannot_answer(void **state)
{
    (void)state;
    open_with(&(duet_hooks){.admit = meddle}, NULL);
    served_ask(client, "[0,1,'slow',[4]]", "[1,1,nil,8]");
    served_ask(client, "[0,2,'quick',['x']]",
               "[1,2,[-32602,'quick: argument 1 must be int, got string'],nil]");
    served_ask(client, "[0,3,'quick',[4]]", "[1,3,nil,8]"); /* after a fault */
    served_ask(client, "[0,4,'ask',[[4]]]", "[1,4,nil,8]");
    assert_string_equal(seen, "");
    stop();
}

/* ---- How long it took */

struct outcomes {
    duet_outcome at[8];
    size_t count; /* under lock */
};

static void note(duet_call *call, const duet_outcome *outcome, void *ctx)
{
    (void)call;
    struct outcomes *outcomes = ctx;
    pthread_mutex_lock(&lock);
    outcomes->at[outcomes->count++] = *outcome;
    pthread_mutex_unlock(&lock);
}

static int refuse(duet_call *call, void *ctx)
{
    (void)ctx;
    return strcmp(duet_call_method(call), "secret") == 0 ? DUET_FAULT_UNAUTHORIZED : 0;
}

static void its_times_are_told(void **state)
{
    (void)state;
    struct outcomes outcomes = {.count = 0};
    open_with(&(duet_hooks){.before = refuse, .after = note}, &outcomes);

    /* Two that come together, of which the second waits for the first one's end. */
    served_ask(client, "[0,1,'spin',[]] [0,2,'spin',[]]", "[1,1,nil,nil] [1,2,nil,nil]");
    assert_int_equal(outcomes.count, 2);
    assert_true(outcomes.at[0].run_us >= SPIN_US);
    assert_true(outcomes.at[1].run_us >= SPIN_US);
    assert_true(outcomes.at[1].queue_us >= SPIN_US);
    for (size_t i = 0; i < 2; i++)
        assert_true(outcomes.at[i].total_us >= outcomes.at[i].queue_us + outcomes.at[i].run_us);

    served_ask(client, "[0,3,'spin.inline',[]]", "[1,3,nil,nil]");
    assert_true(outcomes.at[2].run_us >= SPIN_US);
    assert_true(outcomes.at[2].total_us >= outcomes.at[2].run_us);
    assert_int_equal(outcomes.at[2].queue_us, 0);

    served_ask(client, "[0,4,'secret',[1]]", "[1,4,[-32004,'secret: unauthorized'],nil]");
    assert_int_equal(outcomes.at[3].run_us, 0);

    served_ask(client, "[0,5,'ask',[[4]]]", "[1,5,nil,8]");
    assert_int_equal(outcomes.count, 6);
    assert_true(outcomes.at[4].total_us >= outcomes.at[4].run_us); /* the inner one */
    assert_true(outcomes.at[5].run_us >= outcomes.at[4].run_us);
    stop();
}

/* ---- What is told besides */

static void hear(const char *words, void *ctx)
{
    (void)ctx;
    see(words, 0);
}

static void a_table_that_is_refused_while_the_server_runs_leaves_words(void **state)
{
    (void)state;
    static const duet_method taken[] = {{.name = "slow", .handler = twice}, {0}};
    open_with(&(duet_hooks){.notice = hear}, NULL);
    served_ask(client, "[0,1,'slow',[1]]", "[1,1,nil,2]"); /* it runs */
    assert_int_equal(duet_server_add(served.server, taken, NULL), -EEXIST);
    assert_int_equal(duet_server_add(served.server, NULL, NULL), -EINVAL);
    assert_int_equal(duet_server_add_types(served.server, "a=%b"), -EINVAL);
    assert_non_null(strstr(seen, "refused while the server runs: method slow is there already "
                                 "(DUET_METHOD_REPLACE takes its place) 0\n"
                                 "refused while the server runs: duet_server_add() was given "
                                 "no table 0\n"
                                 "refused while the server runs: "));
    stop();
    assert_int_equal(served.result, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_is_refused_by_method_before_its_arguments_are_read),
        cmocka_unit_test(calls_of_a_connection_come_in_their_order),
        cmocka_unit_test(calls_within_calls_are_asked_for_too),
        cmocka_unit_test(over_xml_there_are_no_arguments_either),
        cmocka_unit_test(a_bare_code_refuses_too),
        cmocka_unit_test(a_hook_cannot_answer),
        cmocka_unit_test(its_times_are_told),
        cmocka_unit_test(a_table_that_is_refused_while_the_server_runs_leaves_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
