/*
 * Drains that come from anywhere at any time: other threads, signals, around the end of the run
 * and after it. What is wrong here shows under ThreadSanitizer and AddressSanitizer.
 */
#include "served.h"

#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

static int drain_here(duet_call *call, void *ctx)
{
    (void)ctx;
    duet_server_drain(duet_call_server(call));
    return 0;
}

static int do_nothing(duet_call *call, void *ctx)
{
    (void)call;
    (void)ctx;
    return 0;
}

static const duet_method methods[] = {
    {.name = "drain", .handler = drain_here, .flags = DUET_METHOD_INLINE},
    {.name = "nop", .handler = do_nothing, .flags = DUET_METHOD_INLINE},
    {0},
};

static _Atomic unsigned caught;

static void count_signal(int number)
{
    (void)number;
    atomic_fetch_add(&caught, 1);
}

/* Signals that come when no server has them are counted. */
static int catch_signals(void **state)
{
    (void)state;
    struct sigaction action = {.sa_handler = count_signal};
    atomic_store(&caught, 0);
    sigaction(SIGTERM, &action, NULL);
    return sigaction(SIGINT, &action, NULL);
}

/* ---- Threads that drain ---- */

struct drainer {
    pthread_t thread;
    struct served *served;
    unsigned delay; /* turns of a loop that does nothing */
    bool by_signal;
};

static void *drain_after_a_while(void *arg)
{
    struct drainer *drainer = arg;
    for (volatile unsigned i = 0; i < drainer->delay; i = i + 1)
        continue;
    if (drainer->by_signal)
        raise(SIGTERM); /* on this thread: the run may end meanwhile on its own */
    else
        duet_server_drain(drainer->served->server);
    return NULL;
}

static void drain_from(struct served *served, struct drainer *drainers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        drainers[i].served = served;
        assert_int_equal(
            pthread_create(&drainers[i].thread, NULL, drain_after_a_while, &drainers[i]), 0);
    }
}

static void join(struct drainer *drainers, size_t count)
{
    for (size_t i = 0; i < count; i++)
        pthread_join(drainers[i].thread, NULL);
}

/* ---- A drain that is slower than the run ---- */

static _Thread_local bool is_slow;
static _Atomic bool is_about_to_wake, may_wake;

void __wrap_duet_fd_signal(int fd);
void __real_duet_fd_signal(int fd);

/* What a drain does last, held up until the test lets it go on. */
void __wrap_duet_fd_signal(int fd)
{
    if (is_slow) {
        atomic_store(&is_about_to_wake, true);
        while (!atomic_load(&may_wake))
            sched_yield();
        assert_true(fcntl(fd, F_GETFD) >= 0); /* nobody closed it meanwhile */
    }
    __real_duet_fd_signal(fd);
}

static void *drain_slowly(void *arg)
{
    is_slow = true;
    duet_server_drain(arg);
    return NULL;
}

static void a_drain_may_still_be_under_way_when_the_run_has_ended(void **state)
{
    (void)state;
    struct served served;
    pthread_t thread;
    served_open(&served, methods, NULL);
    assert_int_equal(duet_server_set(served.server, DUET_OPT_LOOPS, 1), 0);
    served_start(&served);
    int fd = served_connect(&served);
    served_ask(fd, "[0,1,'nop',[]]", "[1,1,nil,nil]"); /* it runs, and has something to wake */
    close(fd);
    pthread_create(&thread, NULL, drain_slowly, served.server);
    while (!atomic_load(&is_about_to_wake))
        sched_yield();
    served_try_connect(&served); /* gives the loop a turn, in which it sees the drain */
    served_join(&served);
    assert_int_equal(served.result, 0);
    atomic_store(&may_wake, true);
    pthread_join(thread, NULL);
    duet_server_free(served.server);
}

enum { ROUNDS = 60, STEP = 997 }; /* delays of up to some 100 us: about as long as a run */

static void drains_from_many_threads_meet_the_end_of_the_run(void **state)
{
    (void)state;
    enum { DRAINERS = 3 };
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct served served;
        served_open(&served, methods, NULL);
        struct drainer drainers[DRAINERS];
        for (unsigned i = 0; i < DRAINERS; i++)
            drainers[i] = (struct drainer){.delay = round * STEP * i};
        served_start(&served);
        drain_from(&served, drainers, DRAINERS);
        served_join(&served);
        assert_int_equal(served.result, 0);
        duet_server_drain(served.server); /* it has ended: nothing to wake */
        join(drainers, DRAINERS);
        duet_server_free(served.server);
    }
}

static void a_signal_meets_the_end_of_a_run_that_was_drained_otherwise(void **state)
{
    (void)state;
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct served served;
        served_open(&served, methods, NULL);
        assert_int_equal(duet_server_stop_on_signals(served.server), 0);
        struct drainer drainers[] = {{.delay = round * STEP, .by_signal = true},
                                     {.delay = ROUNDS * STEP / 2}};
        served_start(&served);
        drain_from(&served, drainers, 2);
        served_join(&served);
        assert_int_equal(served.result, 0);
        pthread_join(drainers[1].thread, NULL);
        duet_server_free(served.server); /* the handler may still be running over there */
        pthread_join(drainers[0].thread, NULL);
    }
}

static void a_drain_before_the_run_ends_it_at_once(void **state)
{
    (void)state;
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct served served;
        served_open(&served, methods, NULL);
        struct drainer drainer = {.delay = round * STEP};
        drain_from(&served, &drainer, 1); /* before the run, or as it begins */
        served_start(&served);
        served_join(&served);
        assert_int_equal(served.result, 0);
        join(&drainer, 1);
        duet_server_free(served.server);
    }
}

static void a_signal_drains_and_goes_back_after_the_run(void **state)
{
    (void)state;
    struct served served;
    served_open(&served, methods, NULL);
    assert_int_equal(duet_server_stop_on_signals(served.server), 0);
    served_start(&served);
    int fd = served_connect(&served);
    kill(getpid(), SIGINT); /* on whichever thread */
    char byte;
    assert_int_equal(served_read_all(fd, &byte, 1), 0);
    close(fd);
    served_join(&served);
    assert_int_equal(served.result, 0);
    assert_int_equal(atomic_load(&caught), 0);

    kill(getpid(), SIGTERM);
    raise(SIGINT);
    while (atomic_load(&caught) < 2)
        continue;
    duet_server_free(served.server);
}

static void a_handler_that_drains_meets_other_drains(void **state)
{
    (void)state;
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct served served;
        served_open(&served, methods, NULL);
        served_start(&served);
        int fd = served_connect(&served);
        served_tell(fd, "[0,1,'drain',[]]");
        struct drainer drainer = {.delay = round * STEP};
        drain_from(&served, &drainer, 1);
        char reply[5];
        served_read(fd, reply, sizeof reply);
        close(fd);
        served_join(&served);
        assert_int_equal(served.result, 0);
        join(&drainer, 1);
        duet_server_free(served.server);
    }
}

#define CAUGHT(test) cmocka_unit_test_setup(test, catch_signals)

int main(void)
{
    alarm(200);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_drain_may_still_be_under_way_when_the_run_has_ended),
        cmocka_unit_test(drains_from_many_threads_meet_the_end_of_the_run),
        CAUGHT(a_signal_meets_the_end_of_a_run_that_was_drained_otherwise),
        cmocka_unit_test(a_drain_before_the_run_ends_it_at_once),
        CAUGHT(a_signal_drains_and_goes_back_after_the_run),
        cmocka_unit_test(a_handler_that_drains_meets_other_drains),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
