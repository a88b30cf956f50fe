/*
 * A process that a handler forks and that does not exec: whatever it does, the server of its
 * parent goes on.
 */
#include "folder.h"
#include "served.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* ThreadSanitizer delivers no signal in what a thread has forked. */
#if defined(__SANITIZE_THREAD__)
enum { NO_SIGNALS_IN_CHILDREN = true };
#else
enum { NO_SIGNALS_IN_CHILDREN = false };
#endif

/* What the child does; its end is the answer: an exit code, or the number of a signal. */
typedef void child(duet_server *server);

static int fork_child(duet_call *call, void *ctx)
{
    child *const *act = ctx;
    pid_t pid = fork();
    if (pid == 0) {
        (*act)(duet_call_server(call));
        _exit(0);
    }
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    return duet_reply_int(call, WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
}

static const duet_method methods[] = {
    {.name = "fork", .handler = fork_child},
    {.name = "fork.inline", .handler = fork_child, .flags = DUET_METHOD_INLINE},
    {0},
};

struct rig {
    struct served served;
    child *act;
};

static void rig_open(struct rig *rig, child *act)
{
    rig->act = act;
    served_open(&rig->served, methods, &rig->act);
    assert_int_equal(duet_server_listen(rig->served.server, folder_socket), 0);
    assert_int_equal(duet_server_stop_on_signals(rig->served.server), 0);
    served_start(&rig->served);
}

static bool has_unix_socket(void)
{
    struct stat status;
    return stat(folder_socket_path, &status) == 0;
}

static void rig_close(struct rig *rig)
{
    served_stop(&rig->served);
    assert_int_equal(rig->served.result, 0);
    assert_false(has_unix_socket());
}

/* Two calls that fork, on a worker and on a loop; then the server still takes connections and
 * answers the old ones. */
static void check_that_it_goes_on(child *act, uint8_t end)
{
    struct rig rig;
    rig_open(&rig, act);
    int old = served_connect(&rig.served);
    for (int i = 0; i < 2; i++) {
        int fd = served_connect(&rig.served);
        served_tell(fd, "[0,1,'fork',[]]");
        served_expect(fd, "[1,1,nil,%d]", end);
        served_tell(old, "[0,1,'fork.inline',[]]");
        served_expect(old, "[1,1,nil,%d]", end);
        close(fd);
        assert_true(has_unix_socket());
    }
    close(old);
    rig_close(&rig);
}

static void do_nothing(duet_server *server)
{
    (void)server;
}

static void a_child_that_only_ends(void **state)
{
    (void)state;
    check_that_it_goes_on(do_nothing, 0);
}

static void free_it(duet_server *server)
{
    duet_server_free(server);
}

static void a_child_that_frees_its_copy_of_the_server(void **state)
{
    (void)state;
    check_that_it_goes_on(free_it, 0);
}

static void drain_it(duet_server *server)
{
    duet_server_drain(server);
    if (duet_server_run(server) != -EBUSY)
        _exit(1);
}

static void a_child_that_drains_and_runs_its_copy_of_the_server(void **state)
{
    (void)state;
    check_that_it_goes_on(drain_it, 0);
}

static void be_told_to_end(duet_server *server)
{
    (void)server;
    raise(SIGTERM);
    _exit(1); /* it was taken for a drain */
}

static void a_child_that_gets_the_servers_signal_ends_by_it(void **state)
{
    (void)state;
    if (NO_SIGNALS_IN_CHILDREN)
        skip();
    check_that_it_goes_on(be_told_to_end, SIGTERM);
}

static void free_it_and_be_told_to_end(duet_server *server)
{
    duet_server_free(server);
    raise(SIGINT);
    _exit(1);
}

static void a_child_has_its_former_signals_after_a_free(void **state)
{
    (void)state;
    if (NO_SIGNALS_IN_CHILDREN)
        skip();
    check_that_it_goes_on(free_it_and_be_told_to_end, SIGINT);
}

/* ---- A child that outlives the server ---- */

static int child_lives[2];

static void live_on(duet_server *server)
{
    (void)server;
    char byte;
    if (fork() != 0)
        return; /* the handler is answered; its grandchild stays */
    close(child_lives[1]);
    ssize_t n = read(child_lives[0], &byte, 1); /* to the end of the test */
    _exit(n != 0);
}

static void connections_and_listeners_end_though_a_child_holds_them(void **state)
{
    (void)state;
    struct rig rig;
    assert_int_equal(pipe(child_lives), 0);
    rig_open(&rig, live_on);
    int old = served_connect(&rig.served), fd = served_connect(&rig.served);
    char byte;
    served_ask(fd, "[0,1,'fork',[]]", "[1,1,nil,0]");

    served_send(old, "\xc1", 1); /* the server ends the one that is not MessagePack */
    assert_int_equal(served_read_all(old, &byte, 1), 0);
    close(old);
    duet_server_drain(rig.served.server);
    assert_int_equal(served_read_all(fd, &byte, 1), 0);
    close(fd);
    served_join(&rig.served);
    assert_int_equal(served_try_connect(&rig.served), ECONNREFUSED);

    duet_server *next = duet_server_new(); /* the port is free for a successor */
    assert_int_equal(duet_server_listen(next, duet_server_address(rig.served.server, 0)), 0);
    duet_server_free(next);
    duet_server_free(rig.served.server);
    close(child_lives[1]);
    close(child_lives[0]);
}

/* ---- A server that is set up before a fork ---- */

static void a_server_may_run_in_a_child_of_who_set_it_up(void **state)
{
    (void)state;
    duet_server *server = duet_server_new();
    assert_int_equal(duet_server_listen(server, folder_socket), 0);
    assert_int_equal(duet_server_stop_on_signals(server), 0);
    pid_t pid = fork();
    if (pid == 0) {
        raise(SIGTERM); /* it is not running yet, but whoever runs it will see this */
        int rc = duet_server_run(server);
        duet_server_free(server);
        _exit(rc);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_false(has_unix_socket()); /* the one that ran it has removed it */
    duet_server_free(server);
}

int main(void)
{
    alarm(100);
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(a_child_that_only_ends),
        WITH_FOLDER(a_child_that_frees_its_copy_of_the_server),
        WITH_FOLDER(a_child_that_drains_and_runs_its_copy_of_the_server),
        WITH_FOLDER(a_child_that_gets_the_servers_signal_ends_by_it),
        WITH_FOLDER(a_child_has_its_former_signals_after_a_free),
        WITH_FOLDER(connections_and_listeners_end_though_a_child_holds_them),
        WITH_FOLDER(a_server_may_run_in_a_child_of_who_set_it_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
