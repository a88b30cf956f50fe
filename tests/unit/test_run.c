/*
 * A server's run when a program turns its first loop, or when threads turn all of them. The
 * test is the program: it waits for nothing but the fd. A wake-up that is lost shows as a test
 * that never ends: the alarm in main ends it.
 */
#include "latch.h"
#include "turned.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- Methods ---- */

static int twice(duet_call *call, void *ctx)
{
    (void)ctx;
    return duet_reply_int(call, 2 * duet_arg_int(call, 0));
}

/* What the two say to a handler, which they would wait for. */
static int turn_inside(duet_call *call, void *ctx)
{
    (void)ctx;
    duet_writer *writer = duet_call_writer(call);
    duet_write_array(writer, 2);
    duet_write_int(writer, duet_server_process(duet_call_server(call)));
    return duet_write_int(writer, duet_server_wait(duet_call_server(call)));
}

static int process_inside(duet_call *call, void *ctx)
{
    (void)ctx;
    return duet_reply_int(call, duet_server_process(duet_call_server(call)));
}

static int drain(duet_call *call, void *ctx)
{
    (void)ctx;
    duet_server_drain(duet_call_server(call));
    return duet_reply_bool(call, duet_server_is_draining(duet_call_server(call)));
}

static int add_more(duet_call *call, void *ctx)
{
    (void)ctx;
    static const duet_method more[] = {{.name = "more", .handler = twice}, {0}};
    return duet_reply_int(call, duet_server_add(duet_call_server(call), more, NULL));
}

static const duet_method methods[] = {
    {.name = "double", .handler = twice, .flags = DUET_METHOD_INLINE},
    {.name = "double.worker", .handler = twice},
    {.name = "turn", .handler = turn_inside, .flags = DUET_METHOD_INLINE},
    {.name = "process.worker", .handler = process_inside},
    {.name = "drain", .handler = drain, .flags = DUET_METHOD_INLINE},
    {.name = "add", .handler = add_more, .flags = DUET_METHOD_INLINE},
    {.name = "wait", .handler = latch_wait},
    {0},
};

static void open_server(struct served *served)
{
    served_open(served, methods, NULL);
    assert_int_equal(duet_server_set(served->server, DUET_OPT_LOOPS, 1), 0);
}

static void start(struct served *served)
{
    open_server(served);
    assert_int_equal(duet_server_start(served->server), 0);
}

/* ---- Turns ---- */

static void a_program_turns_the_loop(void **state)
{
    (void)state;
    struct served served;
    open_server(&served);
    assert_int_equal(duet_server_fd(served.server), -1);
    assert_int_equal(duet_server_process(served.server), -EINVAL);
    assert_int_equal(duet_server_start(served.server), 0);
    assert_true(duet_server_fd(served.server) > STDERR_FILENO);

    turned_rest(&served);
    assert_int_equal(duet_server_process(served.server), 0); /* nothing to do: no waiting */
    int fd = served_connect(&served);
    turned_ask(&served, fd, "[0,1,'double',[21]]", "[1,1,nil,42]");
    turned_ask(&served, fd, "[0,2,'double.worker',[21]]", "[1,2,nil,42]");
    turned_ask(&served, fd, "[0,3,'add',[]]", "[1,3,nil,0]");
    turned_ask(&served, fd, "[0,4,'more',[4]]", "[1,4,nil,8]");
    close(fd);
    turned_stop(&served);
}

static void the_other_loops_turn_by_themselves(void **state)
{
    (void)state;
    struct served served;
    served_open(&served, methods, NULL);
    assert_int_equal(duet_server_set(served.server, DUET_OPT_LOOPS, 3), 0);
    assert_int_equal(duet_server_start(served.server), 0);
    for (int i = 0; i < 12; i++) {
        int fd = served_connect(&served);
        turned_ask(&served, fd, "[0,1,'double',[21]]", "[1,1,nil,42]");
        turned_ask(&served, fd, "[0,2,'double.worker',[4]]", "[1,2,nil,8]");
        close(fd);
    }
    turned_stop(&served);
}

/* ---- What makes the fd readable ---- */

static void a_result_of_a_worker_makes_the_fd_readable(void **state)
{
    (void)state;
    struct served served;
    start(&served);
    int fd = served_connect(&served);
    for (int i = 1; i <= 100; i++) {
        served_tell(fd, "[0,%d,'wait',[]]", i);
        while (latch_begun() < i)
            duet_server_process(served.server);
        turned_rest(&served);
        latch_allow(1); /* to a loop that is asleep */
        turned_until_readable(&served, fd);
        served_expect(fd, "[1,%d,nil,false]", i);
    }
    close(fd);
    turned_stop(&served);
}

static void a_time_limit_that_passes_makes_the_fd_readable(void **state)
{
    (void)state;
    struct served served;
    open_server(&served);
    assert_int_equal(duet_server_set(served.server, DUET_OPT_IDLE_TIMEOUT, 60), 0);
    assert_int_equal(duet_server_start(served.server), 0);
    for (int i = 0; i < 3; i++) { /* the timer is set anew each time */
        int fd = served_connect(&served);
        turned_ask(&served, fd, "[0,1,'double',[21]]", "[1,1,nil,42]");
        turned_until_readable(&served, fd);
        char byte;
        assert_int_equal(served_read_all(fd, &byte, 1), 0);
        close(fd);
    }
    turned_stop(&served);
}

static void *drain_it(void *arg)
{
    duet_server_drain(arg);
    return NULL;
}

static void a_drain_makes_the_fd_readable(void **state)
{
    (void)state;
    struct served served;
    start(&served);
    turned_rest(&served);
    assert_false(duet_server_is_draining(served.server));
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, drain_it, served.server), 0);
    turned_until_drained(&served);
    pthread_join(thread, NULL); /* it must not be freed before */
    assert_int_equal(duet_server_wait(served.server), 0);
    duet_server_free(served.server);

    start(&served); /* from a handler */
    int fd = served_connect(&served);
    turned_ask(&served, fd, "[0,1,'drain',[]]", "[1,1,nil,true]");
    close(fd);
    turned_finish(&served);

    open_server(&served); /* and one that came before */
    duet_server_drain(served.server);
    assert_int_equal(duet_server_start(served.server), 0);
    turned_finish(&served);
}

static void tell(duet_server *server, void *ctx)
{
    assert_true(duet_server_is_draining(server));
    atomic_fetch_add((atomic_int *)ctx, 1);
}

static void a_hook_is_told_of_a_drain_once(void **state)
{
    (void)state;
    struct served served;
    static atomic_int told[2];
    for (int loops = 1; loops <= 3; loops += 2) {
        served_open(&served, methods, NULL);
        assert_int_equal(duet_server_set(served.server, DUET_OPT_LOOPS, loops), 0);
        assert_int_equal(duet_server_set(served.server, DUET_OPT_DRAIN_DELAY_MS, 20), 0);
        for (int i = 0; i < 2; i++) {
            atomic_store(&told[i], 0);
            duet_server_add_hooks(served.server, &(duet_hooks){.drain = tell}, &told[i]);
        }
        assert_int_equal(duet_server_start(served.server), 0);
        turned_rest(&served);
        assert_int_equal(atomic_load(&told[0]), 0);
        turned_stop(&served);
        assert_int_equal(atomic_load(&told[0]), 1);
        assert_int_equal(atomic_load(&told[1]), 1);
    }
}

/* Calls of a worker method, one after the other, so that each result comes while the program
 * waits. */
enum { CALLS = 20000, CALLERS = 2 };

struct caller {
    const struct served *served;
    int done[2]; /* a pipe: the program's other fd */
};

static void *call_again_and_again(void *arg)
{
    struct caller *caller = arg;
    int fd = served_connect(caller->served);
    for (int i = 0; i < CALLS; i++) {
        served_tell(fd, "[0,%d,'double.worker',[%d]]", i, i);
        served_expect(fd, "[1,%d,nil,%d]", i, 2 * i);
    }
    close(fd);
    assert_int_equal(write(caller->done[1], "", 1), 1);
    return NULL;
}

static void no_result_waits_for_a_program_that_sleeps(void **state)
{
    (void)state;
    struct served served;
    start(&served);
    struct caller caller = {.served = &served};
    pthread_t threads[CALLERS];
    assert_int_equal(pipe2(caller.done, O_CLOEXEC), 0);
    for (int i = 0; i < CALLERS; i++)
        pthread_create(&threads[i], NULL, call_again_and_again, &caller);
    for (int done = 0; done < CALLERS;) {
        char byte;
        struct pollfd fds[] = {{.fd = duet_server_fd(served.server), .events = POLLIN},
                               {.fd = caller.done[0], .events = POLLIN}};
        assert_true(poll(fds, 2, -1) > 0);
        if (fds[0].revents != 0)
            assert_int_equal(duet_server_process(served.server), 0);
        if (fds[1].revents != 0)
            done += (int)read(caller.done[0], &byte, 1);
    }
    for (int i = 0; i < CALLERS; i++)
        pthread_join(threads[i], NULL);
    close(caller.done[0]);
    close(caller.done[1]);
    turned_stop(&served);
}

/* ---- What is refused ---- */

static void a_handler_can_neither_turn_nor_wait(void **state)
{
    (void)state;
    struct served served;
    start(&served);
    int fd = served_connect(&served);
    char refused[64];
    snprintf(refused, sizeof refused, "[1,1,nil,[%d,%d]]", -EBUSY, -EBUSY);
    turned_ask(&served, fd, "[0,1,'turn',[]]", refused);
    snprintf(refused, sizeof refused, "[1,2,nil,%d]", -EBUSY);
    turned_ask(&served, fd, "[0,2,'process.worker',[]]", refused);
    turned_ask(&served, fd, "[0,3,'double',[21]]", "[1,3,nil,42]");
    close(fd);
    turned_stop(&served);

    served_open(&served, methods, NULL); /* nor where threads turn */
    assert_int_equal(duet_server_start_threads(served.server), 0);
    fd = served_connect(&served);
    snprintf(refused, sizeof refused, "[1,1,nil,[%d,%d]]", -EBUSY, -EBUSY);
    served_ask(fd, "[0,1,'turn',[]]", refused);
    close(fd);
    duet_server_drain(served.server);
    assert_int_equal(duet_server_wait(served.server), 0);
    duet_server_free(served.server);

    served_open(&served, methods, NULL); /* nor in a run */
    served_start(&served);
    fd = served_connect(&served);
    served_ask(fd, "[0,1,'turn',[]]", refused);
    close(fd);
    served_stop(&served);
}

static void it_is_started_once_and_set_up_before(void **state)
{
    (void)state;
    struct served served;
    start(&served);
    assert_int_equal(duet_server_set(served.server, DUET_OPT_LOOPS, 2), -EBUSY);
    assert_int_equal(duet_server_start(served.server), -EBUSY);
    assert_int_equal(duet_server_start_threads(served.server), -EBUSY);
    assert_int_equal(duet_server_run(served.server), -EBUSY);
    turned_stop(&served);
}

static void a_start_that_fails_is_told_again_by_wait(void **state)
{
    (void)state;
    duet_server *server = duet_server_new();
    assert_int_equal(duet_server_wait(server), -EINVAL); /* nothing was started */
    assert_int_equal(duet_server_set(server, DUET_OPT_LOOPS, 0), -EINVAL);
    assert_int_equal(duet_server_start(server), -EINVAL);
    assert_string_equal(duet_server_error(server), "--loops 0: must be 1 to 256");
    assert_int_equal(duet_server_process(server), -EINVAL);
    assert_int_equal(duet_server_wait(server), -EINVAL);
    assert_int_equal(duet_server_fd(server), -1);
    duet_server_free(server);

    assert_int_equal(duet_server_start(NULL), -ENOMEM);
    assert_int_equal(duet_server_start_threads(NULL), -ENOMEM);
    assert_int_equal(duet_server_process(NULL), -ENOMEM);
    assert_int_equal(duet_server_wait(NULL), -ENOMEM);
    assert_int_equal(duet_server_fd(NULL), -1);
    assert_false(duet_server_is_draining(NULL));
}

/* ---- The end ---- */

static void waiting_drains_what_is_left(void **state)
{
    (void)state;
    struct served served;
    start(&served);
    int fd = served_connect(&served);
    served_tell(fd, "[0,1,'wait',[]]");
    while (latch_begun() < 1)
        duet_server_process(served.server);
    latch_allow(1);
    assert_int_equal(duet_server_wait(served.server), 0);
    served_expect(fd, "[1,1,nil,false]");
    assert_int_equal(duet_server_wait(served.server), -EBUSY);
    assert_int_equal(duet_server_process(served.server), 1);
    close(fd);
    duet_server_free(served.server);
}

static void *wait_for_it(void *arg)
{
    struct served *served = arg;
    served->result = duet_server_wait(served->server);
    return NULL;
}

static void another_thread_may_wait(void **state)
{
    (void)state;
    struct served served;
    pthread_t thread;
    start(&served);
    turned_rest(&served);
    assert_int_equal(pthread_create(&thread, NULL, wait_for_it, &served), 0);
    pthread_join(thread, NULL);
    assert_int_equal(served.result, 0);
    assert_int_equal(duet_server_process(served.server), 1);
    duet_server_free(served.server);
}

static void the_fd_is_the_programs_until_the_server_is_freed(void **state)
{
    (void)state;
    struct served served;
    start(&served);
    int fd = duet_server_fd(served.server);
    duet_server_drain(served.server);
    turned_until_drained(&served);
    assert_int_equal(duet_server_wait(served.server), 0);
    assert_int_equal(duet_server_fd(served.server), fd);
    struct pollfd look = {.fd = fd, .events = POLLIN};
    assert_int_equal(poll(&look, 1, 0), 0); /* neither readable nor closed */
    duet_server_free(served.server);
    assert_int_equal(fcntl(fd, F_GETFD), -1);
}

static void a_server_that_nobody_waited_for_is_freed_in_order(void **state)
{
    (void)state;
    struct served served;
    start(&served);
    int fd = served_connect(&served);
    served_tell(fd, "[0,1,'double',[21]]");
    duet_server_free(served.server); /* without one turn */
    served_expect(fd, "[1,1,nil,42]");
    close(fd);

    served_open(&served, methods, NULL);
    assert_int_equal(duet_server_start_threads(served.server), 0);
    duet_server_drain(served.server);
    duet_server_free(served.server);
}

static void threads_may_turn_every_loop(void **state)
{
    (void)state;
    struct served served;
    served_open(&served, methods, NULL);
    assert_int_equal(duet_server_start_threads(served.server), 0);
    assert_int_equal(duet_server_fd(served.server), -1);
    assert_int_equal(duet_server_process(served.server), -EBUSY);
    for (int i = 0; i < 4; i++) {
        int fd = served_connect(&served);
        served_ask(fd, "[0,1,'double',[21]]", "[1,1,nil,42]");
        served_ask(fd, "[0,2,'double.worker',[21]]", "[1,2,nil,42]");
        close(fd);
    }
    duet_server_drain(served.server);
    assert_int_equal(duet_server_wait(served.server), 0);
    assert_int_equal(duet_server_wait(served.server), -EBUSY);
    duet_server_free(served.server);
}

#define TEST(name) cmocka_unit_test_setup(name, latch_close)

int main(void)
{
    alarm(200);
    const struct CMUnitTest tests[] = {
        TEST(a_program_turns_the_loop),
        TEST(the_other_loops_turn_by_themselves),
        TEST(a_result_of_a_worker_makes_the_fd_readable),
        TEST(a_time_limit_that_passes_makes_the_fd_readable),
        TEST(a_drain_makes_the_fd_readable),
        TEST(a_hook_is_told_of_a_drain_once),
        TEST(no_result_waits_for_a_program_that_sleeps),
        TEST(a_handler_can_neither_turn_nor_wait),
        TEST(it_is_started_once_and_set_up_before),
        TEST(a_start_that_fails_is_told_again_by_wait),
        TEST(waiting_drains_what_is_left),
        TEST(another_thread_may_wait),
        TEST(the_fd_is_the_programs_until_the_server_is_freed),
        TEST(a_server_that_nobody_waited_for_is_freed_in_order),
        TEST(threads_may_turn_every_loop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
