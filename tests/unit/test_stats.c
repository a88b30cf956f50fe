/*
 * Counters, time limits of calls and limits of methods: seen through duet.h and a socket.
 * Handlers wait for the test to open a latch, so that nothing depends on how fast anything
 * runs.
 */
#include "latch.h"
#include "served.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static int twice(duet_call *call, void *ctx)
{
    (void)ctx;
    return duet_reply_int(call, 2 * duet_arg_int(call, 0));
}

static const duet_method methods[] = {
    {.name = "double", .signature = "i:i", .handler = twice, .flags = DUET_METHOD_INLINE},
    {.name = "wait", .handler = latch_wait},
    {.name = "soon", .handler = latch_wait, .timeout_ms = 100},
    {.name = "two", .handler = latch_wait, .max_running = 2},
    {.name = "one",
     .handler = latch_wait,
     .max_running = 1,
     .flags = DUET_METHOD_INLINE | DUET_METHOD_REFUSE_BUSY},
    {0},
};

/* ---- Fixture: a running server and one client */

static struct served served;
static int fd;

static void open_server(void)
{
    latch_close(NULL);
    served_open(&served, methods, NULL);
}

static int serve(void)
{
    served_start(&served);
    fd = served_connect(&served);
    return 0;
}

static int set_up(void **state)
{
    (void)state;
    open_server();
    return serve();
}

static int set_up_with_a_short_drain(void **state)
{
    (void)state;
    open_server();
    assert_int_equal(duet_server_set(served.server, DUET_OPT_DRAIN_MS, 10), 0);
    return serve();
}

static int tear_down(void **state)
{
    (void)state;
    if (fd >= 0)
        close(fd);
    served_stop(&served);
    return 0;
}

static int tear_down_after_drain(void **state)
{
    (void)state;
    close(fd);
    duet_server_free(served.server);
    return 0;
}

static uint64_t sum(const duet_call_stats *calls)
{
    return calls->ok + calls->fault + calls->refused + calls->cancelled + calls->dropped +
           calls->timed_out;
}

static duet_call_stats of(const char *method)
{
    duet_call_stats stats;
    assert_int_equal(duet_server_method_stats(served.server, method, &stats), 0);
    return stats;
}

/* Asks until the loops have counted what has happened already. */
static void wait_for_stats(duet_stats *stats, bool (*is_there)(const duet_stats *stats))
{
    do
        assert_int_equal(duet_server_stats(served.server, stats), 0);
    while (!is_there(stats));
}

static void every_call_is_counted_once(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++)
        served_ask(fd, "[0,1,'double',[21]]", "[1,1,nil,42]");
    served_tell(fd, "[0,1,'double',[]]");
    served_expect(fd, "[1,1,[%d,'double: takes 1 argument (int), got 0'],nil]",
                  DUET_FAULT_PARAMS);

    duet_stats stats;
    assert_int_equal(duet_server_stats(served.server, &stats), 0);
    assert_int_equal(stats.calls.ok, 3);
    assert_int_equal(stats.calls.fault, 1);
    assert_int_equal(stats.calls_accepted, 4);
    assert_int_equal(stats.calls_in_progress, 0);
    assert_int_equal(stats.connections_open, 1);
    assert_int_equal(stats.bytes_in, 3 * 12 + 11);
    assert_int_equal(of("double").ok, 3);
    assert_int_equal(of("double").fault, 1);
    duet_call_stats none;
    assert_int_equal(duet_server_method_stats(served.server, "nope", &none), -ENOENT);
}

static bool has_dropped(const duet_stats *stats)
{
    return stats->calls.dropped == 1;
}

static bool has_late(const duet_stats *stats)
{
    return stats->late_results == 1;
}

static void a_client_that_left_is_counted_and_its_late_result_too(void **state)
{
    (void)state;
    served_tell(fd, "[0,1,'wait',[]]");
    latch_wait_until_begun(1);
    struct linger reset = {.l_onoff = 1};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    close(fd);
    fd = -1;

    duet_stats stats;
    wait_for_stats(&stats, has_dropped);
    latch_allow(1);
    wait_for_stats(&stats, has_late);
    assert_int_equal(stats.calls_accepted, sum(&stats.calls));
    assert_int_equal(of("wait").dropped, 1);
}

static void a_call_past_its_time_limit_gets_its_fault_and_the_result_is_dropped(void **state)
{
    (void)state;
    served_tell(fd, "[0,1,'soon',[]]");
    served_expect(fd, "[1,1,[%d,'soon: not done after 100 ms, which is its time limit'],nil]",
                  DUET_FAULT_TIMEOUT);
    latch_allow(1);
    duet_stats stats;
    if (latch_begun() == 1) /* no worker was so late that the call was taken back instead */
        wait_for_stats(&stats, has_late);
    assert_int_equal(duet_server_stats(served.server, &stats), 0);
    assert_int_equal(stats.calls.timed_out, 1);
    assert_int_equal(of("soon").timed_out, 1);
    served_ask(fd, "[0,1,'double',[21]]", "[1,1,nil,42]");
}

static void no_more_calls_of_a_method_run_than_it_allows(void **state)
{
    (void)state;
    enum { CALLS = 20 };
    for (int i = 0; i < CALLS; i++)
        served_tell(fd, "[0,1,'two',[]]");
    latch_wait_until_begun(2);
    served_ask(fd, "[0,7,'double',[21]]", "[1,7,nil,42]"); /* and nobody else waits */
    latch_allow(CALLS);
    for (int i = 0; i < CALLS; i++)
        served_expect(fd, "[1,1,nil,false]");
    assert_int_equal(latch_begun(), CALLS);
    assert_int_equal(latch_most(), 2);
}

static void a_busy_method_may_refuse_instead(void **state)
{
    (void)state;
    served_tell(fd, "[0,1,'one',[]]");
    latch_wait_until_begun(1);
    served_tell(fd, "[0,2,'one',[]]");
    served_expect(fd,
                  "[1,2,[%d,'one is busy: 1 calls of it run already, as many as its "
                  "max_running allows; try again'],nil]",
                  DUET_FAULT_BUSY);
    assert_int_equal(of("one").refused, 1);
    latch_allow(1);
}

static void the_end_of_a_drain_cancels_what_still_runs(void **state)
{
    (void)state;
    served_tell(fd, "[0,1,'wait',[]]");
    latch_wait_until_begun(1);
    duet_server_drain(served.server);
    served_expect(fd,
                  "[1,1,[%d,'cancelled: the server shuts down and --drain-ms 10 have "
                  "passed'],nil]",
                  DUET_FAULT_CANCELLED);
    char rest[1];
    assert_int_equal(served_read_all(fd, rest, sizeof rest), 0);
    latch_allow(1);
    served_join(&served);
    assert_int_equal(served.result, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(every_call_is_counted_once),
        TEST(a_client_that_left_is_counted_and_its_late_result_too),
        TEST(a_call_past_its_time_limit_gets_its_fault_and_the_result_is_dropped),
        TEST(no_more_calls_of_a_method_run_than_it_allows),
        TEST(a_busy_method_may_refuse_instead),
        cmocka_unit_test_setup_teardown(the_end_of_a_drain_cancels_what_still_runs,
                                        set_up_with_a_short_drain, tear_down_after_drain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
