/*
 * Calls that are answered later, as a program sees them: on a server that runs, finished by the
 * test.
 */
#include "served.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- What the handlers have kept ---- */

enum { MOST = 16 };

static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int count, told, returned;
    duet_kept kept[MOST];
    int64_t numbers[MOST]; /* their arguments */
    int reason;
} it = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static void wait_until(const int *count, int wanted)
{
    pthread_mutex_lock(&it.lock);
    while (*count < wanted)
        pthread_cond_wait(&it.changed, &it.lock);
    pthread_mutex_unlock(&it.lock);
}

static void count(int *what)
{
    pthread_mutex_lock(&it.lock);
    (*what)++;
    pthread_cond_broadcast(&it.changed);
    pthread_mutex_unlock(&it.lock);
}

static void wake(duet_kept kept, void *ctx)
{
    (void)kept;
    (void)ctx;
    count(&it.told);
}

/* Under the lock nobody else knows of it. */
static int keep(duet_call *call, void *ctx)
{
    (void)ctx;
    pthread_mutex_lock(&it.lock);
    it.numbers[it.count] = duet_arg_int(call, 0);
    it.kept[it.count] = duet_call_keep(call);
    int rc = it.kept[it.count].id != 0 ? duet_call_on_cancel(call, wake, NULL) : 0;
    it.count++;
    pthread_cond_broadcast(&it.changed);
    pthread_mutex_unlock(&it.lock);
    return rc;
}

/* Half of its answer is there before it is kept, more after, while nobody knows of it yet. */
static int write_and_keep(duet_call *call, void *ctx)
{
    (void)ctx;
    duet_write_array(duet_call_writer(call), 3);
    duet_write_text(duet_call_writer(call), "one");
    pthread_mutex_lock(&it.lock);
    it.kept[0] = duet_call_keep(call);
    duet_write_int(duet_call_writer(call), 2);
    it.count = 1;
    pthread_cond_broadcast(&it.changed);
    pthread_mutex_unlock(&it.lock);
    return 0;
}

static int keep_and_fail(duet_call *call, void *ctx)
{
    (void)ctx;
    duet_kept kept = duet_call_keep(call);
    (void)kept;
    return duet_fail(call, 7, "no luck");
}

static int outer(duet_call *call, void *ctx)
{
    duet_writer *writer = duet_call_writer(call);
    duet_write_array(writer, 2);
    duet_write_text(writer, "outer");
    int rc = duet_call_invoke(call, ctx, duet_arg(call, 0), writer);
    it.reason = duet_call_cancel_reason(call);
    count(&it.returned);
    return rc;
}

static int twice(duet_call *call, void *ctx)
{
    (void)ctx;
    return duet_reply_int(call, 2 * duet_arg_int(call, 0));
}

/* Waits for something else, as a handler does that is not kept. */
static int sleep_until_told(duet_call *call, void *ctx)
{
    (void)ctx;
    if (duet_call_on_cancel(call, wake, NULL) < 0)
        return -EPROTO;
    count(&it.count);
    wait_until(&it.told, 1);
    it.reason = duet_call_cancel_reason(call);
    count(&it.returned);
    return 0;
}

static int ask_and_return(duet_call *call, void *ctx)
{
    (void)ctx;
    int rc = duet_call_on_cancel(call, wake, NULL);
    return rc < 0 ? rc : duet_reply_int(call, 1);
}

static const duet_method methods[] = {
    {.name = "keep", .handler = keep},
    {.name = "gated", .handler = keep, .max_running = 1},
    {.name = "write", .handler = write_and_keep},
    {.name = "fail", .handler = keep_and_fail},
    {.name = "twice", .handler = twice, .flags = DUET_METHOD_INLINE},
    {.name = "sleep", .handler = sleep_until_told},
    {.name = "sleep_soon", .handler = sleep_until_told, .timeout_ms = 20},
    {.name = "ask", .handler = ask_and_return},
    {.name = "ask_here", .handler = ask_and_return, .flags = DUET_METHOD_INLINE},
    {0},
};

static const duet_method outers[] = {
    {.name = "outer", .handler = outer},
    {.name = "outer_soon", .handler = outer, .timeout_ms = 20},
    {.name = "outer_here", .handler = outer, .flags = DUET_METHOD_INLINE},
    {0},
};

/* ---- The server ---- */

static struct served served;
static int peer;

static void start_with(const char *inner)
{
    it.count = it.told = it.returned = it.reason = 0;
    served_open(&served, methods, NULL);
    assert_int_equal(duet_server_add(served.server, outers, (void *)(uintptr_t)inner), 0);
    served_start(&served);
    peer = served_connect(&served);
}

static int start(void **state)
{
    (void)state;
    start_with("keep");
    return 0;
}

static int stop(void **state)
{
    (void)state;
    close(peer);
    served_stop(&served);
    assert_int_equal(served.result, 0);
    return 0;
}

/* A FIN alone would leave it waiting for its answers. */
static void reset(int fd)
{
    const struct linger none = {.l_onoff = 1};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof none);
    close(fd);
}

static int finish(int i, int64_t value)
{
    return duet_kept_finish(it.kept[i], duet_reply_int(duet_kept_call(it.kept[i]), value));
}

/* ---- Claims ---- */

static void *claim_here(void *arg)
{
    duet_kept *kept = arg;
    duet_call *call = duet_kept_call(*kept);
    duet_kept_release(*kept); /* nothing, for who does not hold it */
    int rc = duet_kept_finish(*kept, duet_reply_int(call, 2));
    return rc == -EALREADY ? call : arg;
}

static void who_holds_it_holds_it_alone(void **state)
{
    (void)state;
    served_tell(peer, "[0,1,'keep',[1]]");
    wait_until(&it.count, 1);
    duet_call *call = duet_kept_call(it.kept[0]);
    assert_non_null(call);
    pthread_t other;
    void *seen;
    pthread_create(&other, NULL, claim_here, &it.kept[0]);
    pthread_join(other, &seen);
    assert_null(seen);
    assert_ptr_equal(duet_kept_call(it.kept[0]), call);
    assert_int_equal(duet_arg_int(call, 0), 1);
    assert_int_equal(finish(0, 3), 0);
    served_expect(peer, "[1,1,nil,3]");
}

/* ---- Calls within calls ---- */

static void an_invoked_call_is_waited_for(void **state)
{
    (void)state;
    served_tell(peer, "[0,1,'outer',[[5]]]");
    wait_until(&it.count, 1);
    assert_int_equal(it.returned, 0);
    assert_int_equal(finish(0, 6), 0);
    served_expect(peer, "[1,1,nil,['outer',6]]");
}

static void its_fault_is_the_outer_calls_to_deal_with(void **state)
{
    (void)state;
    close(peer);
    served_stop(&served);
    start_with("fail");
    served_ask(peer, "[0,1,'outer',[[5]]]", "[1,1,[7,'no luck'],nil]");
}

static void what_it_wrote_before_and_after_it_was_kept_is_one_answer(void **state)
{
    (void)state;
    close(peer);
    served_stop(&served);
    start_with("write");
    served_tell(peer, "[0,1,'outer',[[5]]]");
    wait_until(&it.count, 1);
    assert_int_equal(finish(0, 3), 0);
    served_expect(peer, "[1,1,nil,['outer',['one',2,3]]]");
}

static void on_a_loop_it_is_a_fault_that_names_it(void **state)
{
    (void)state;
    served_tell(peer, "[0,1,'outer_here',[[5]]]");
    char got[512];
    served_read(peer, got, 5);
    ssize_t n = read(peer, got, sizeof got - 1);
    got[n > 0 ? n : 0] = '\0';
    assert_non_null(
        strstr(got, "keep keeps its calls: it cannot be called from a handler that"));
    assert_int_equal(it.kept[0].id, 0);
}

static void who_waits_in_it_stops_when_the_outer_call_ends(void **state)
{
    (void)state;
    int other = served_connect(&served);
    served_tell(other, "[0,1,'outer',[[5]]]");
    wait_until(&it.count, 1);
    reset(other);
    wait_until(&it.told, 1);
    wait_until(&it.returned, 1);
    assert_int_equal(it.reason, -ECONNRESET);
    assert_int_equal(finish(0, 1), -ECANCELED);
    served_ask(peer, "[0,2,'twice',[4]]", "[1,2,nil,8]");
}

static void one_that_nobody_waits_for_any_more_may_never_be_finished(void **state)
{
    (void)state;
    served_tell(peer, "[0,1,'outer_soon',[[5]]]");
    char got[64];
    served_read(peer, got, 5);
    wait_until(&it.returned, 1);
    assert_int_equal(it.reason, DUET_FAULT_TIMEOUT);
}

/* ---- Entries ---- */

static void entries_are_answered_in_their_order_whatever_order_they_end_in(void **state)
{
    (void)state;
    served_tell(peer, "[0,1,'system.multicall',[[%s,%s,%s,%s,%s]]]",
                "{'methodName':'keep','params':[1]}", "{'methodName':'twice','params':[4]}",
                "{'methodName':'keep','params':[2]}", "{'methodName':'fail','params':[]}",
                "{'methodName':'keep','params':[3]}");
    wait_until(&it.count, 3);
    for (int i = 3; i-- > 0;)
        assert_int_equal(finish(i, 10 * it.numbers[i]), 0);
    served_expect(peer,
                  "[1,1,nil,[[10],[8],[20],{'faultCode':7,'faultString':'no luck'},[30]]]");
}

static void a_fault_of_an_entry_hides_no_other(void **state)
{
    (void)state;
    served_tell(peer, "[0,1,'system.multicall',[[%s,%s]]]",
                "{'methodName':'keep','params':[1]}", "{'methodName':'keep','params':[2]}");
    wait_until(&it.count, 2);
    assert_int_equal(
        duet_kept_finish(it.kept[0], duet_fail(duet_kept_call(it.kept[0]), 3, "x")), 0);
    assert_int_equal(finish(1, 5), 0);
    served_expect(peer, "[1,1,nil,[{'faultCode':3,'faultString':'x'},[5]]]");
}

static void an_entry_holds_its_place_until_it_is_finished(void **state)
{
    (void)state;
    served_tell(peer, "[0,1,'system.multicall',[[%s,%s]]]",
                "{'methodName':'gated','params':[1]}", "{'methodName':'twice','params':[2]}");
    wait_until(&it.count, 1);
    served_tell(peer, "[0,2,'gated',[2]]");
    served_ask(peer, "[0,3,'twice',[4]]", "[1,3,nil,8]");
    assert_int_equal(finish(0, 1), 0);
    served_expect(peer, "[1,1,nil,[[1],[4]]]");
    wait_until(&it.count, 2);
    assert_int_equal(finish(1, 2), 0);
    served_expect(peer, "[1,2,nil,2]");
}

static void entries_that_nobody_finishes_do_not_keep_a_server(void **state)
{
    (void)state;
    served_tell(peer, "[0,1,'system.multicall',[[%s,%s]]]",
                "{'methodName':'keep','params':[1]}", "{'methodName':'keep','params':[2]}");
    wait_until(&it.count, 2);
    reset(peer);
    wait_until(&it.told, 2);
    assert_int_equal(finish(1, 5), -ECANCELED);
    peer = served_connect(&served);
}

/* ---- Handlers that wait for something else ---- */

static void a_handler_is_woken_when_its_client_leaves(void **state)
{
    (void)state;
    int other = served_connect(&served);
    served_tell(other, "[0,1,'sleep',[]]");
    wait_until(&it.count, 1);
    reset(other);
    wait_until(&it.returned, 1);
    assert_int_equal(it.reason, -ECONNRESET);
}

static void a_handler_is_woken_at_its_time_limit(void **state)
{
    (void)state;
    served_tell(peer, "[0,1,'sleep_soon',[]]");
    wait_until(&it.returned, 1);
    assert_int_equal(it.reason, DUET_FAULT_TIMEOUT);
}

static void a_handler_that_has_returned_is_not_told(void **state)
{
    (void)state;
    served_ask(peer, "[0,1,'ask',[]]", "[1,1,nil,1]");
    int other = peer;
    peer = served_connect(&served);
    reset(other);
    served_ask(peer, "[0,2,'ask',[]]", "[1,2,nil,1]");
    assert_int_equal(it.told, 0);
}

static void on_a_loop_nobody_could_be_told(void **state)
{
    (void)state;
    served_tell(peer, "[0,1,'ask_here',[]]");
    char got[64];
    served_read(peer, got, 5);
    assert_int_equal((unsigned char)got[0], 0x94);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(who_holds_it_holds_it_alone),
        TEST(an_invoked_call_is_waited_for),
        TEST(its_fault_is_the_outer_calls_to_deal_with),
        TEST(what_it_wrote_before_and_after_it_was_kept_is_one_answer),
        TEST(on_a_loop_it_is_a_fault_that_names_it),
        TEST(who_waits_in_it_stops_when_the_outer_call_ends),
        TEST(one_that_nobody_waits_for_any_more_may_never_be_finished),
        TEST(entries_are_answered_in_their_order_whatever_order_they_end_in),
        TEST(a_fault_of_an_entry_hides_no_other),
        TEST(an_entry_holds_its_place_until_it_is_finished),
        TEST(entries_that_nobody_finishes_do_not_keep_a_server),
        TEST(a_handler_is_woken_when_its_client_leaves),
        TEST(a_handler_is_woken_at_its_time_limit),
        TEST(a_handler_that_has_returned_is_not_told),
        TEST(on_a_loop_nobody_could_be_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
