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
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static int twice(duet_call *call, void *ctx)
{
    (void)ctx;
    return duet_reply_int(call, 2 * duet_arg_int(call, 0));
}

static const duet_method methods[] = {
    {.name = "double", .signature = "i:i", .handler = twice, .flags = DUET_INLINE},
    {.name = "wait", .handler = latch_wait},
    {.name = "soon", .handler = latch_wait, .timeout_ms = 5},
    {.name = "two", .handler = latch_wait, .max_running = 2},
    {.name = "one",
     .handler = latch_wait,
     .max_running = 1,
     .flags = DUET_INLINE | DUET_REFUSE_BUSY},
    {0},
};

static uint64_t sum(const duet_call_stats *calls)
{
    return calls->ok + calls->fault + calls->refused + calls->cancelled + calls->dropped +
           calls->timed_out;
}

static duet_call_stats of(const struct served *served, const char *method)
{
    duet_call_stats stats;
    assert_int_equal(duet_server_method_stats(served->server, method, &stats), 0);
    return stats;
}

/* Asks until the loops have counted what has happened already. */
static void wait_for_stats(const struct served *served, duet_stats *stats,
                           bool (*is_there)(const duet_stats *stats))
{
    do
        assert_int_equal(duet_server_stats(served->server, stats), 0);
    while (!is_there(stats));
}

static void every_call_is_counted_once(void **state)
{
    (void)state;
    struct served served;
    served_open(&served, methods, NULL);
    served_start(&served);
    int fd = served_connect(&served);
    for (int i = 0; i < 3; i++)
        EXCHANGE(fd,
                 "\x94\x00\x01\xa6"
                 "double\x91\x15",
                 "\x94\x01\x01\xc0\x2a");
    char fault[7];
    served_send(fd,
                "\x94\x00\x01\xa6"
                "double\x90",
                11);
    served_read(fd, fault, sizeof fault);
    char rest[256];
    assert_true(recv(fd, rest, sizeof rest, 0) > 0);

    duet_stats stats;
    assert_int_equal(duet_server_stats(served.server, &stats), 0);
    assert_int_equal(stats.calls.ok, 3);
    assert_int_equal(stats.calls.fault, 1);
    assert_int_equal(stats.calls_accepted, 4);
    assert_int_equal(stats.calls_in_progress, 0);
    assert_int_equal(stats.connections_open, 1);
    assert_int_equal(stats.bytes_in, 3 * 12 + 11);
    assert_int_equal(of(&served, "double").ok, 3);
    assert_int_equal(of(&served, "double").fault, 1);
    duet_call_stats none;
    assert_int_equal(duet_server_method_stats(served.server, "nope", &none), -ENOENT);
    close(fd);
    served_stop(&served);
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
    struct served served;
    served_open(&served, methods, NULL);
    served_start(&served);
    int fd = served_connect(&served);
    served_send(fd, "\x94\x00\x01\xa4wait\x90", 9);
    latch_wait_until_begun(1);
    struct linger reset = {.l_onoff = 1};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    close(fd);

    duet_stats stats;
    wait_for_stats(&served, &stats, has_dropped);
    latch_allow(1);
    wait_for_stats(&served, &stats, has_late);
    assert_int_equal(stats.calls_accepted, sum(&stats.calls));
    assert_int_equal(of(&served, "wait").dropped, 1);
    served_stop(&served);
}

static void a_call_past_its_time_limit_gets_its_fault_and_the_result_is_dropped(void **state)
{
    (void)state;
    static const char words[] = "soon: not done after 5 ms, which is its time limit";
    struct served served;
    served_open(&served, methods, NULL);
    served_start(&served);
    int fd = served_connect(&served);
    char reply[9 + sizeof words];
    served_send(fd, "\x94\x00\x01\xa4soon\x90", 9);
    served_read(fd, reply, sizeof reply);
    assert_memory_equal(reply, "\x94\x01\x01\x92\xd1\x82\xff\xd9\x32", 9); /* -32001 */
    assert_memory_equal(reply + 9, words, sizeof words - 1);
    latch_allow(1);
    duet_stats stats;
    wait_for_stats(&served, &stats, has_late);
    assert_int_equal(stats.calls.timed_out, 1);
    assert_int_equal(of(&served, "soon").timed_out, 1);
    EXCHANGE(fd,
             "\x94\x00\x01\xa6"
             "double\x91\x15",
             "\x94\x01\x01\xc0\x2a");
    close(fd);
    served_stop(&served);
}

static void no_more_calls_of_a_method_run_than_it_allows(void **state)
{
    (void)state;
    enum { CALLS = 20 };
    struct served served;
    served_open(&served, methods, NULL);
    served_start(&served);
    int fd = served_connect(&served);
    for (int i = 0; i < CALLS; i++)
        served_send(fd, "\x94\x00\x01\xa3two\x90", 8);
    latch_wait_until_begun(2);
    EXCHANGE(fd,
             "\x94\x00\x07\xa6"
             "double\x91\x15",
             "\x94\x01\x07\xc0\x2a"); /* and nobody else waits */
    latch_allow(CALLS);
    char replies[CALLS * 5];
    served_read(fd, replies, sizeof replies);
    assert_int_equal(latch_begun(), CALLS);
    assert_int_equal(latch_most(), 2);
    close(fd);
    served_stop(&served);
}

static void a_busy_method_may_refuse_instead(void **state)
{
    (void)state;
    struct served served;
    served_open(&served, methods, NULL);
    served_start(&served);
    int fd = served_connect(&served);
    served_send(fd, "\x94\x00\x01\xa3one\x90", 8);
    latch_wait_until_begun(1);
    char fault[7];
    served_send(fd, "\x94\x00\x02\xa3one\x90", 8);
    served_read(fd, fault, sizeof fault);
    assert_memory_equal(fault, "\x94\x01\x02\x92\xd1\x82\xfb", 7); /* -32005 */
    assert_int_equal(of(&served, "one").refused, 1);
    latch_allow(1);
    close(fd);
    served_stop(&served);
}

static void the_end_of_a_drain_cancels_what_still_runs(void **state)
{
    (void)state;
    struct served served;
    served_open(&served, methods, NULL);
    assert_int_equal(duet_server_set(served.server, DUET_DRAIN_MS, 10), 0);
    served_start(&served);
    int fd = served_connect(&served);
    served_send(fd, "\x94\x00\x01\xa4wait\x90", 9);
    latch_wait_until_begun(1);
    duet_server_drain(served.server);
    char reply[256];
    assert_true(served_read_all(fd, reply, sizeof reply) > 7);
    assert_memory_equal(reply, "\x94\x01\x01\x92\xd1\x82\xfe", 7); /* -32002 */
    latch_allow(1);
    close(fd);
    served_join(&served);
    assert_int_equal(served.result, 1);
    duet_server_free(served.server);
}

#define LATCHED(test) cmocka_unit_test_setup(test, latch_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LATCHED(every_call_is_counted_once),
        LATCHED(a_client_that_left_is_counted_and_its_late_result_too),
        LATCHED(a_call_past_its_time_limit_gets_its_fault_and_the_result_is_dropped),
        LATCHED(no_more_calls_of_a_method_run_than_it_allows),
        LATCHED(a_busy_method_may_refuse_instead),
        LATCHED(the_end_of_a_drain_cancels_what_still_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
