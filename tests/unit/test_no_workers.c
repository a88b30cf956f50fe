/*
 * --workers 0: what workers would run runs on the loop, in its turns, and with one loop that a
 * program turns there is no other thread at all.
 */
#include "latch.h"
#include "turned.h"

#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- Threads ---- */

static _Atomic int threads_made;

int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*run)(void *), void *arg);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*run)(void *), void *arg);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*run)(void *), void *arg)
{
    atomic_fetch_add(&threads_made, 1);
    return __real_pthread_create(thread, attributes, run, arg);
}

/* As the kernel sees it. */
static int count_tasks(void)
{
    DIR *tasks = opendir("/proc/self/task");
    assert_non_null(tasks);
    int count = 0;
    for (const struct dirent *task; (task = readdir(tasks)) != NULL;)
        count += task->d_name[0] != '.';
    closedir(tasks);
    return count;
}

/* ---- Methods ---- */

static pthread_t programs_thread;
static int ran, slow_ran;

static int twice(duet_call *call, void *ctx)
{
    (void)ctx;
    ran++;
    assert_true(pthread_equal(programs_thread, pthread_self()));
    return duet_reply_int(call, 2 * duet_arg_int(call, 0));
}

/* Takes more than a turn's share. */
static int slow(duet_call *call, void *ctx)
{
    (void)ctx;
    struct timespec begin, now;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    do
        clock_gettime(CLOCK_MONOTONIC, &now);
    while ((now.tv_sec - begin.tv_sec) * 1000000000 + now.tv_nsec - begin.tv_nsec < 2000000);
    slow_ran++;
    return duet_reply_int(call, duet_arg_int(call, 0));
}

/* Calls another one that is gated, as a call of its own. */
static int through(duet_call *call, void *ctx)
{
    (void)ctx;
    return duet_call_invoke(call, "one", duet_arg(call, 0), duet_call_writer(call));
}

static int add_timed(duet_call *call, void *ctx)
{
    (void)ctx;
    static const duet_method timed[] = {{.name = "timed", .handler = twice, .timeout_ms = 5},
                                        {0}};
    return duet_reply_int(call, duet_server_add(duet_call_server(call), timed, NULL));
}

static const duet_method methods[] = {
    {.name = "double", .handler = twice, .flags = DUET_METHOD_INLINE},
    {.name = "double.worker", .signature = "i:i", .handler = twice},
    {.name = "slow", .handler = slow},
    {.name = "one", .handler = twice, .max_running = 1},
    {.name = "through", .handler = through},
    {.name = "add", .handler = add_timed},
    {0},
};

static int set_up(void **state)
{
    programs_thread = pthread_self();
    ran = slow_ran = 0;
    return latch_close(state);
}

static void open_server(struct served *served)
{
    served_open(served, methods, NULL);
    assert_int_equal(duet_server_set(served->server, DUET_OPT_LOOPS, 1), 0);
    assert_int_equal(duet_server_pin(served->server, DUET_OPT_WORKERS, 0), 0);
}

static void start(struct served *served)
{
    open_server(served);
    assert_int_equal(duet_server_start(served->server), 0);
}

/* ---- One thread ---- */

static void not_one_thread_is_made(void **state)
{
    (void)state;
    int before = count_tasks();
    atomic_store(&threads_made, 0);
    struct served served;
    start(&served);
    int fd = served_connect(&served);
    turned_ask(&served, fd, "[0,1,'double',[21]]", "[1,1,nil,42]");
    turned_ask(&served, fd, "[0,2,'double.worker',[21]]", "[1,2,nil,42]");
    turned_ask(&served, fd, "[0,3,'one',[21]]", "[1,3,nil,42]");
    turned_ask(&served, fd, "[0,4,'through',[[21]]]", "[1,4,nil,42]");
    turned_ask(&served, fd, "[0,5,'system.multicall',[[{'methodName':'one','params':[21]}]]]",
               "[1,5,nil,[[42]]]");
    assert_int_equal(count_tasks(), before);
    close(fd);
    turned_stop(&served);
    assert_int_equal(atomic_load(&threads_made), 0);
    assert_int_equal(ran, 5);
}

static void a_run_without_workers_serves_too(void **state)
{
    (void)state;
    struct served served;
    served_open(&served, methods, NULL);
    assert_int_equal(duet_server_set(served.server, DUET_OPT_WORKERS, 0), 0);
    served_start(&served);
    int fd = served_connect(&served);
    served_ask(fd, "[0,1,'slow',[21]]", "[1,1,nil,21]");
    duet_stats stats;
    assert_int_equal(duet_server_stats(served.server, &stats), 0);
    assert_int_equal(stats.workers + stats.workers_active + stats.workers_waiting, 0);
    assert_int_equal(stats.calls.ok, 1);
    close(fd);
    served_stop(&served);
}

/* ---- Turns ---- */

static void a_turn_runs_calls_for_its_share_and_leaves_the_others(void **state)
{
    (void)state;
    struct served served;
    start(&served);
    int fd = served_connect(&served), other = served_connect(&served);
    turned_rest(&served);
    for (int i = 1; i <= 4; i++)
        served_tell(fd, "[0,%d,'slow',[%d]]", i, i);
    for (int i = 0; i < 4; i = slow_ran) {
        assert_int_equal(turned(&served), 0);
        assert_in_range(slow_ran, i, i + 1);
        if (slow_ran == 1 && ran == 0) { /* the others wait, and let others come first */
            duet_stats stats;
            assert_int_equal(duet_server_stats(served.server, &stats), 0);
            assert_int_equal(stats.queue_length, 3);
            turned_ask(&served, other, "[0,9,'double',[21]]", "[1,9,nil,42]");
            assert_in_range(slow_ran, 1, 3);
        }
    }
    served_expect(fd, "[1,1,nil,1][1,2,nil,2][1,3,nil,3][1,4,nil,4]");
    close(other);
    close(fd);
    turned_stop(&served);
}

static void calls_whose_client_has_left_do_not_run(void **state)
{
    (void)state;
    struct served served;
    start(&served);
    int fd = served_connect(&served);
    turned_rest(&served);
    for (int i = 1; i <= 4; i++)
        served_tell(fd, "[0,%d,'slow',[%d]]", i, i);
    while (slow_ran == 0)
        assert_int_equal(turned(&served), 0);
    struct linger reset = {.l_onoff = 1};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    close(fd);
    turned_rest(&served);
    assert_int_equal(slow_ran, 1);
    turned_stop(&served);
}

static void a_drain_answers_what_has_arrived(void **state)
{
    (void)state;
    struct served served;
    start(&served);
    int fd = served_connect(&served);
    turned_rest(&served);
    for (int i = 1; i <= 4; i++)
        served_tell(fd, "[0,%d,'slow',[%d]]", i, i);
    turned_stop(&served);
    served_expect(fd, "[1,1,nil,1][1,2,nil,2][1,3,nil,3][1,4,nil,4]");
    assert_int_equal(slow_ran, 4);
    close(fd);
}

static void the_end_of_a_drain_cancels_what_waits(void **state)
{
    (void)state;
    struct served served;
    open_server(&served);
    assert_int_equal(duet_server_set(served.server, DUET_OPT_DRAIN_MS, 0), 0);
    assert_int_equal(duet_server_start(served.server), 0);
    int fd = served_connect(&served);
    turned_rest(&served);
    for (int i = 1; i <= 50; i++) /* a drain of no time lasts a tick */
        served_tell(fd, "[0,%d,'slow',[%d]]", i, i);
    while (slow_ran == 0)
        assert_int_equal(turned(&served), 0);
    duet_server_drain(served.server);
    turned_until_drained(&served);
    assert_int_equal(duet_server_wait(served.server), 1);
    assert_in_range(slow_ran, 1, 49);
    duet_stats stats;
    assert_int_equal(duet_server_stats(served.server, &stats), 0);
    duet_server_free(served.server);
    close(fd);
}

/* ---- Limits ---- */

static void more_calls_than_may_wait_are_refused(void **state)
{
    (void)state;
    struct served served;
    open_server(&served);
    assert_int_equal(duet_server_set(served.server, DUET_OPT_WORKER_QUEUE, 1), 0);
    assert_int_equal(duet_server_start(served.server), 0);
    int fd = served_connect(&served);
    turned_rest(&served);
    served_tell(fd, "[0,1,'slow',[1]][0,2,'slow',[2]]");
    turned_until_readable(&served, fd);
    turned_rest(&served);
    served_expect(fd,
                  "[1,2,[%d,'the server is busy: 1 calls wait for their turn already "
                  "(--worker-queue 1); try again'],nil]",
                  DUET_FAULT_BUSY);
    served_expect(fd, "[1,1,nil,1]");
    close(fd);
    turned_stop(&served);
}

/* Two loops on threads: what one of them runs, the other one's calls wait for, and it goes on.
 */
static const duet_method held[] = {
    {.name = "held", .handler = latch_wait, .max_running = 1},
    {.name = "held.refuse",
     .handler = latch_wait,
     .flags = DUET_METHOD_REFUSE_BUSY,
     .max_running = 1},
    {.name = "echo", .handler = slow},
    {0},
};

static void a_method_that_runs_on_another_loop_is_waited_for(void **state)
{
    (void)state;
    struct served served;
    served_open(&served, held, NULL);
    assert_int_equal(duet_server_set(served.server, DUET_OPT_WORKERS, 0), 0);
    assert_int_equal(duet_server_start_threads(served.server), 0);
    int first = served_connect(&served), second = served_connect(&served);
    served_ask(first, "[0,1,'echo',[1]]", "[1,1,nil,1]");
    served_ask(second, "[0,1,'echo',[1]]", "[1,1,nil,1]");
    served_tell(first, "[0,2,'held',[]]");
    latch_wait_until_begun(1);
    served_tell(second, "[0,2,'held',[]]");
    served_ask(second, "[0,3,'echo',[3]]", "[1,3,nil,3]"); /* it does not hold its loop up */
    latch_allow(1);
    served_expect(first, "[1,2,nil,false]");
    latch_wait_until_begun(2);
    latch_allow(1);
    served_expect(second, "[1,2,nil,false]");
    assert_int_equal(latch_most(), 1);

    served_tell(first, "[0,4,'held.refuse',[]]");
    latch_wait_until_begun(3);
    served_ask(second, "[0,4,'held.refuse',[]]",
               "[1,4,[-32005,'held.refuse is busy: 1 calls of it run already, as many as its "
               "max_running allows; try again'],nil]");
    latch_allow(1);
    served_expect(first, "[1,4,nil,false]");
    close(first);
    close(second);
    duet_server_drain(served.server);
    assert_int_equal(duet_server_wait(served.server), 0);
    duet_server_free(served.server);
}

static void a_client_that_leaves_a_line_is_taken_out_of_it(void **state)
{
    (void)state;
    struct served served;
    served_open(&served, held, NULL);
    assert_int_equal(duet_server_set(served.server, DUET_OPT_WORKERS, 0), 0);
    assert_int_equal(duet_server_start_threads(served.server), 0);
    int conns[4]; /* each is taken before the next one comes: by the one loop and the other in
                     turn */
    for (int i = 0; i < 4; i++) {
        conns[i] = served_connect(&served);
        served_ask(conns[i], "[0,1,'echo',[1]]", "[1,1,nil,1]");
    }
    int first = conns[0], second = conns[1], third = conns[2], fourth = conns[3];
    served_tell(first, "[0,2,'held',[]]");
    latch_wait_until_begun(1);
    served_tell(second, "[0,2,'held',[]]");
    served_ask(second, "[0,3,'echo',[3]]", "[1,3,nil,3]");
    struct linger reset = {.l_onoff = 1};
    setsockopt(second, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    close(second);
    duet_stats stats;
    do {
        served_ask(fourth, "[0,1,'echo',[1]]", "[1,1,nil,1]");
        assert_int_equal(duet_server_stats(served.server, &stats), 0);
    } while (stats.queue_length > 0);
    latch_allow(1);
    served_expect(first, "[1,2,nil,false]");
    assert_int_equal(latch_begun(), 1);
    close(first);
    close(third);
    close(fourth);
    duet_server_drain(served.server);
    assert_int_equal(duet_server_wait(served.server), 0);
    duet_server_free(served.server);
}

/* ---- Time limits ---- */

static void a_time_limit_that_cannot_be_kept_is_refused(void **state)
{
    (void)state;
    static const duet_method timed[] = {
        {.name = "quick", .handler = twice, .flags = DUET_METHOD_INLINE, .timeout_ms = 70},
        {.name = "endless", .handler = twice, .timeout_ms = DUET_NO_TIMEOUT},
        {.name = "timed", .handler = twice, .timeout_ms = 70},
        {0}};
    struct served served;
    open_server(&served);
    assert_int_equal(duet_server_add(served.server, timed, NULL), 0); /* workers may come */
    assert_int_equal(duet_server_start(served.server), -EINVAL);
    assert_string_equal(
        duet_server_error(served.server),
        "method timed: with --workers 0 its time limit of 70 ms cannot be kept, for its "
        "handler "
        "runs on the loop that would answer: raise --workers, or add it without timeout_ms");
    duet_server_free(served.server);

    start(&served); /* nor later */
    int fd = served_connect(&served);
    char refused[64];
    snprintf(refused, sizeof refused, "[1,1,nil,%d]", -EINVAL);
    turned_ask(&served, fd, "[0,1,'add',[]]", refused);
    close(fd);
    turned_stop(&served);
}

static void the_servers_time_limit_is_not_for_handlers(void **state)
{
    (void)state;
    struct served served;
    open_server(&served);
    assert_int_equal(duet_server_set(served.server, DUET_OPT_CALL_TIMEOUT, 1), 0);
    assert_int_equal(duet_server_start(served.server), 0);
    int fd = served_connect(&served);
    turned_rest(&served);
    for (int i = 1; i <= 4; i++) /* the last waits for longer than that */
        served_tell(fd, "[0,%d,'slow',[%d]]", i, i);
    while (slow_ran < 4)
        assert_int_equal(turned(&served), 0);
    served_expect(fd, "[1,1,nil,1][1,2,nil,2][1,3,nil,3][1,4,nil,4]");
    close(fd);
    turned_stop(&served);
}

#define TEST(name) cmocka_unit_test_setup(name, set_up)

int main(void)
{
    alarm(200);
    const struct CMUnitTest tests[] = {
        TEST(not_one_thread_is_made),
        TEST(a_run_without_workers_serves_too),
        TEST(a_turn_runs_calls_for_its_share_and_leaves_the_others),
        TEST(calls_whose_client_has_left_do_not_run),
        TEST(a_drain_answers_what_has_arrived),
        TEST(the_end_of_a_drain_cancels_what_waits),
        TEST(more_calls_than_may_wait_are_refused),
        TEST(a_method_that_runs_on_another_loop_is_waited_for),
        TEST(a_client_that_leaves_a_line_is_taken_out_of_it),
        TEST(a_time_limit_that_cannot_be_kept_is_refused),
        TEST(the_servers_time_limit_is_not_for_handlers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
