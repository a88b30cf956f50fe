/*
 * How calls end that workers hold or that wait for one: at their time limit, at the end of a
 * drain, with their client. Seen by the after-hook, the counters and the caller, who must be
 * told the same, and each once.
 */
#include "latch.h"
#include "served.h"

#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- What the after-hook is told ---- */

enum { MOST = 64 };

struct ending {
    int code;
    size_t reply_bytes;
    pthread_t thread;
    char method[16];
};

static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int count;
    struct ending endings[MOST];
    pthread_t before; /* the thread of the last before-hook */
} told = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static int note_begin(duet_call *call, void *ctx)
{
    (void)call;
    (void)ctx;
    pthread_mutex_lock(&told.lock);
    told.before = pthread_self();
    pthread_mutex_unlock(&told.lock);
    return 0;
}

static void note_end(duet_call *call, const duet_outcome *outcome, void *ctx)
{
    (void)ctx;
    pthread_mutex_lock(&told.lock);
    assert_true(told.count < MOST);
    struct ending *ending = &told.endings[told.count++];
    *ending = (struct ending){
        .code = outcome->code, .reply_bytes = outcome->reply_bytes, .thread = pthread_self()};
    strncpy(ending->method, duet_call_method(call), sizeof ending->method - 1);
    pthread_cond_broadcast(&told.changed);
    pthread_mutex_unlock(&told.lock);
}

static void wait_until_told(int count)
{
    pthread_mutex_lock(&told.lock);
    while (told.count < count)
        pthread_cond_wait(&told.changed, &told.lock);
    pthread_mutex_unlock(&told.lock);
}

static void assert_told(int i, const char *method, int code)
{
    assert_string_equal(told.endings[i].method, method);
    assert_int_equal(told.endings[i].code, code);
}

/* ---- The server ---- */

static sem_t gate_entered, gate_open;

static int pass_gate(duet_call *call, void *ctx)
{
    (void)call;
    (void)ctx;
    sem_post(&gate_entered);
    sem_wait(&gate_open);
    return 0;
}

static const duet_method methods[] = {
    {.name = "gate", .handler = pass_gate, .max_running = 1},
    {.name = "wait", .handler = latch_wait},
    {.name = "soon", .handler = latch_wait, .timeout_ms = 5},
    {.name = "one", .handler = latch_wait, .max_running = 1},
    {.name = "line", .handler = latch_wait, .max_running = 1, .timeout_ms = 5},
    {0},
};

static struct served served;

static int start(int workers, int drain_ms)
{
    latch_close(NULL);
    told.count = 0;
    served_open(&served, methods, NULL);
    assert_int_equal(duet_server_set(served.server, DUET_OPT_WORKERS, workers), 0);
    assert_int_equal(duet_server_set(served.server, DUET_OPT_DRAIN_MS, drain_ms), 0);
    assert_int_equal(
        duet_server_add_hooks(served.server,
                              &(duet_hooks){.before = note_begin, .after = note_end}, NULL),
        0);
    served_start(&served);
    return served_connect(&served);
}

static duet_stats stats_now(void)
{
    duet_stats stats;
    assert_int_equal(duet_server_stats(served.server, &stats), 0);
    return stats;
}

static void wait_until_queued(uint64_t count)
{
    while (stats_now().queue_length != count)
        sched_yield();
}

static void call(int fd, const char *method)
{
    served_tell(fd, "[0,1,'%s',[]]", method);
}

/* The fault of a call that was not done in 5 ms. */
static void read_timeout(int fd, const char *method)
{
    served_expect(fd, "[1,1,[%d,'%s: not done after 5 ms, which is its time limit'],nil]",
                  DUET_FAULT_TIMEOUT, method);
}

enum { TIMEOUT_SIZE = 60 }; /* bytes of that */

static void reset(int fd)
{
    struct linger linger = {.l_onoff = 1};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    close(fd);
}

/* ---- At the time limit ---- */

/* Calls until one has begun before its time was up; returns how many calls that took. */
static int call_until_begun(int fd, const char *method)
{
    int calls = 0;
    do {
        call(fd, method);
        read_timeout(fd, method);
        calls++;
    } while (latch_begun() == 0);
    return calls;
}

static void assert_all_timed_out(int count)
{
    assert_int_equal(told.count, count);
    for (int i = 0; i < count; i++)
        assert_int_equal(told.endings[i].code, DUET_FAULT_TIMEOUT);
}

static void one_that_runs_past_its_time_is_told_as_such_when_it_ends(void **state)
{
    (void)state;
    int fd = start(1, 1000);
    int calls = call_until_begun(fd, "soon");
    wait_until_told(calls - 1);
    latch_allow(1);
    wait_until_told(calls);
    assert_told(calls - 1, "soon", DUET_FAULT_TIMEOUT);
    assert_int_equal(told.endings[calls - 1].reply_bytes, TIMEOUT_SIZE);
    assert_true(pthread_equal(told.endings[calls - 1].thread, told.before));
    while (stats_now().late_results == 0)
        sched_yield();
    assert_int_equal(stats_now().calls.timed_out, calls);
    assert_int_equal(stats_now().calls_accepted, calls);
    close(fd);
    served_stop(&served);
    assert_all_timed_out(calls);
}

static void one_that_waits_past_its_time_is_told_then_and_never_begins(void **state)
{
    (void)state;
    int fd = start(1, 1000);
    call(fd, "wait");
    latch_wait_until_begun(1);
    call(fd, "soon");
    read_timeout(fd, "soon");
    wait_until_told(1);
    assert_told(0, "soon", DUET_FAULT_TIMEOUT);
    assert_int_equal(told.endings[0].reply_bytes, TIMEOUT_SIZE);
    assert_int_equal(stats_now().queue_length, 0);
    assert_int_equal(stats_now().calls.timed_out, 1);
    latch_allow(1);
    served_expect(fd, "[1,1,nil,false]");
    assert_int_equal(stats_now().late_results, 0);
    close(fd);
    served_stop(&served);
    assert_int_equal(latch_begun(), 1);
    assert_int_equal(told.count, 2);
    assert_told(1, "wait", 0);
}

static void one_in_line_past_its_time_too(void **state)
{
    (void)state;
    int fd = start(2, 1000);
    int calls = 1 + call_until_begun(fd, "line");
    call(fd, "line"); /* while the one before still runs */
    read_timeout(fd, "line");
    wait_until_told(calls - 1);
    wait_until_queued(0);
    latch_allow(1);
    wait_until_told(calls);
    assert_int_equal(stats_now().calls.timed_out, calls);
    close(fd);
    served_stop(&served);
    assert_int_equal(latch_begun(), 1);
    assert_all_timed_out(calls);
}

/* ---- At the end of a drain ---- */

static void what_a_drain_cancels_is_told_whether_it_began_or_not(void **state)
{
    (void)state;
    int fd = start(2, 10);
    call(fd, "one");
    latch_wait_until_begun(1);
    call(fd, "one"); /* in line */
    wait_until_queued(1);
    call(fd, "wait");
    latch_wait_until_begun(2);
    call(fd, "wait"); /* in the queue */
    wait_until_queued(2);
    duet_server_drain(served.server);
    wait_until_told(2);
    assert_int_equal(told.endings[0].code, DUET_FAULT_CANCELLED);
    assert_int_equal(told.endings[1].code, DUET_FAULT_CANCELLED);
    assert_int_equal(latch_begun(), 2);
    latch_allow(2);
    char replies[1024];
    assert_true(served_read_all(fd, replies, sizeof replies) > 4 * 20);
    close(fd);
    served_join(&served);
    duet_server_free(served.server);
    assert_int_equal(latch_begun(), 2);
    assert_int_equal(told.count, 4);
    for (int i = 0; i < 4; i++)
        assert_int_equal(told.endings[i].code, DUET_FAULT_CANCELLED);
}

/* ---- With the client ---- */

static void one_that_waits_goes_with_its_client_and_leaves_its_place(void **state)
{
    (void)state;
    int fd = start(2, 1000), other = served_connect(&served);
    call(fd, "one");
    latch_wait_until_begun(1);
    for (int i = 0; i < 4; i++)
        call(other, "one"); /* in line */
    wait_until_queued(4);
    call(fd, "wait");
    latch_wait_until_begun(2);
    for (int i = 0; i < 4; i++)
        call(other, "wait"); /* in the queue */
    wait_until_queued(8);
    reset(other);
    wait_until_queued(0);
    while (stats_now().calls.dropped < 8)
        sched_yield();
    latch_allow(2);
    wait_until_told(2);
    close(fd);
    served_stop(&served);
    assert_int_equal(latch_begun(), 2);
    assert_int_equal(told.count, 2); /* of those that ran */
}

/* A call within a call lets the first in line in, which then waits for a worker. */
static void one_that_was_let_in_gives_its_place_back(void **state)
{
    (void)state;
    int fd = start(2, 1000), other = served_connect(&served);
    sem_init(&gate_entered, 0, 0);
    sem_init(&gate_open, 0, 0);
    served_tell(fd, "[0,1,'system.multicall',[[{'methodName':'gate','params':[]},"
                    "{'methodName':'wait','params':[]}]]]");
    sem_wait(&gate_entered);
    call(other, "gate"); /* in line */
    wait_until_queued(1);
    call(fd, "wait");
    latch_wait_until_begun(1);
    sem_post(&gate_open);
    latch_wait_until_begun(2); /* by now the other one was let in, and no worker is free */
    assert_int_equal(stats_now().queue_length, 1);
    reset(other);
    wait_until_queued(0);
    latch_allow(2);
    sem_post(&gate_open);
    int next = served_connect(&served);
    served_ask(next, "[0,1,'gate',[]]", "[1,1,nil,nil]");
    close(next);
    close(fd);
    served_stop(&served);
    assert_int_equal(latch_begun(), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_that_runs_past_its_time_is_told_as_such_when_it_ends),
        cmocka_unit_test(one_that_waits_past_its_time_is_told_then_and_never_begins),
        cmocka_unit_test(one_in_line_past_its_time_too),
        cmocka_unit_test(what_a_drain_cancels_is_told_whether_it_began_or_not),
        cmocka_unit_test(one_that_waits_goes_with_its_client_and_leaves_its_place),
        cmocka_unit_test(one_that_was_let_in_gives_its_place_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
