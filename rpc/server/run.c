/*
 * A server's run, whoever turns its first loop: the caller of duet_server_run(), a program by
 * duet_server_process(), or a thread. All others have threads of their own. There is one way
 * through it: start, turns, wait. Loops are homes (home.c).
 */
#include "home.h"
#include "opening.h"

#include "fd.h"

#include <errno.h>
#include <fcntl.h>

/* ---- Loops ---- */

/* A loop that failed takes the others along. */
static void end_home(struct duet_home *home, int rc)
{
    home->is_over = true;
    home->result = rc;
    duet_home_end(home);
    duet_home_leave_accepting(home);
    if (rc < 0)
        duet_server_drain(home->server);
}

static void *run_home(void *arg)
{
    struct duet_home *home = arg;
    int rc = duet_home_start(home);
    if (rc == 0)
        rc = duet_loop_run(&home->loop);
    end_home(home, rc);
    return NULL;
}

/* From number `first` on each on a thread; those before are for the caller to turn. */
static int start_homes(struct duet_server *server, size_t first)
{
    for (size_t i = first; i < server->home_count; i++) {
        struct duet_home *home = &server->homes[i];
        int rc = -pthread_create(&home->thread, NULL, run_home, home);
        if (rc < 0) {
            duet_opening_fail_threads(server, rc, "loops", i, DUET_OPT_LOOPS);
            return rc;
        }
        home->has_thread = true;
    }
    return first > 0 ? duet_home_start(&server->homes[0]) : 0;
}

/* The first loop until it is over, on this thread. */
static void run_first(struct duet_server *server)
{
    struct duet_home *home = &server->homes[0];
    if (!home->is_over)
        end_home(home, duet_loop_run(&home->loop));
}

static int join_homes(struct duet_server *server)
{
    int rc = 0;
    for (size_t i = 0; i < server->home_count; i++) {
        struct duet_home *home = &server->homes[i];
        if (home->has_thread)
            pthread_join(home->thread, NULL);
        home->has_thread = false;
        if (rc == 0)
            rc = home->result;
    }
    return rc;
}

/* ---- Beginning and end ---- */

/* It may have been set up before a fork, as by daemon(). */
static void own(struct duet_server *server)
{
    atomic_store(&server->process, getpid());
    for (size_t i = 0; i < server->listener_count; i++)
        server->listeners[i].process = getpid();
}

static int check_start(struct duet_server *server)
{
    if (server == NULL)
        return -ENOMEM;
    if (server->error != 0)
        return server->error;
    if (!atomic_load(&server->is_running)) {
        int rc = duet_server_check_methods(server);
        if (rc < 0)
            return rc;
        own(server);
    }
    if (atomic_exchange(&server->is_running, true))
        return duet_server_fail(server, -EBUSY, "the server runs already, or has run");
    return 0;
}

/* All loops are over, or have never begun; `rc` is what failed until now. What is returned is
 * what a run returns. */
static int end(struct duet_server *server, int rc)
{
    int joined = join_homes(server);
    rc = duet_server_fail_if(server, rc < 0 ? rc : joined, "");
    int closed = duet_opening_close(server);
    if (closed < 0)
        rc = closed;
    server->run.has_ended = true;
    server->run.result = rc == 0 ? atomic_load(&server->deadline_passed) : rc;
    return server->run.result;
}

/* The loops that have begun end in order; the others are not waited for. */
static int end_failed(struct duet_server *server, int rc)
{
    for (size_t i = 0; i < server->home_count; i++)
        if (!server->homes[i].has_thread)
            duet_home_leave_accepting(&server->homes[i]);
    duet_server_drain(server);
    return end(server, rc);
}

static int begin(struct duet_server *server, size_t first_on_thread)
{
    int rc = duet_opening_open(server);
    if (rc == 0)
        rc = duet_server_fail_if(server, start_homes(server, first_on_thread), "");
    return rc == 0 ? 0 : end_failed(server, rc);
}

/* One that is started may have connections brought to it; whoever runs here brings none. */
static int check_run(struct duet_server *server)
{
    if (server != NULL && server->listener_count == 0)
        duet_server_fail(server, -EINVAL,
                         "nothing to serve on: call duet_server_listen() first");
    return check_start(server);
}

int duet_server_run(duet_server *server)
{
    int rc = check_run(server);
    if (rc < 0)
        return rc;
    atomic_store(&server->run.stage, RUN_AWAITED);
    rc = begin(server, 1);
    if (rc < 0)
        return rc;
    run_first(server);
    return end(server, 0);
}

int duet_server_start_threads(duet_server *server)
{
    int rc = check_start(server);
    if (rc < 0)
        return rc;
    rc = begin(server, 0);
    atomic_store(&server->run.stage, RUN_BEGUN);
    return rc;
}

/* ---- A program's own loop ---- */

/* What the program waits for outlives the loop: an fd that is closed may be another one's by
 * the time that somebody polls it. */
static int lend_first(struct duet_server *server)
{
    struct duet_loop *loop = &server->homes[0].loop;
    server->run.loop_fd = fcntl(loop->epoll_fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    int rc = server->run.loop_fd < 0 ? -errno : duet_loop_lend(loop);
    return rc == 0 ? 0 : end_failed(server, duet_server_fail_if(server, rc, ""));
}

int duet_server_start(duet_server *server)
{
    int rc = check_start(server);
    if (rc < 0)
        return rc;
    server->run.starter = pthread_self();
    rc = begin(server, 1);
    if (rc == 0)
        rc = lend_first(server);
    atomic_store(&server->run.stage, RUN_BEGUN);
    return rc;
}

int duet_server_fd(const duet_server *server)
{
    return server != NULL ? server->run.loop_fd : -1;
}

/* The first loop's next turn, unless it is over or has been waited for. */
static int turn_first(struct duet_server *server)
{
    struct duet_home *home = server->homes;
    if (home == NULL)
        return server->run.result < 0 ? server->run.result : 1;
    if (!home->is_over) {
        int rc = duet_loop_turn(&home->loop);
        if (rc < 0 || home->loop.stopping)
            end_home(home, rc);
    }
    return home->result < 0 ? home->result : home->is_over;
}

int duet_server_process(duet_server *server)
{
    if (server == NULL)
        return -ENOMEM;
    if (!atomic_load(&server->is_running))
        return -EINVAL;
    if (server->run.loop_fd < 0 || !pthread_equal(server->run.starter, pthread_self()) ||
        duet_server_is_forked(server) || pthread_mutex_trylock(&server->run.turn) != 0)
        return -EBUSY;
    int rc = turn_first(server);
    pthread_mutex_unlock(&server->run.turn);
    return rc;
}

/* ---- Waiting ---- */

static bool is_on_loop_thread(const struct duet_server *server)
{
    for (size_t i = 0; i < server->home_count; i++)
        if (server->homes[i].has_thread &&
            pthread_equal(server->homes[i].thread, pthread_self()))
            return true;
    return false;
}

/* From here on nobody else turns the first loop. -EBUSY in a handler, which would wait for
 * itself: then its thread has the turn already, or is one of those that are waited for. */
static int take_turn(struct duet_server *server)
{
    if (duet_server_is_forked(server) || is_on_loop_thread(server))
        return -EBUSY;
    return pthread_mutex_lock(&server->run.turn) == 0 ? 0 : -EBUSY;
}

/* What the program has not brought to its end is drained here. */
static int end_begun(struct duet_server *server)
{
    if (server->run.has_ended)
        return server->run.result;
    if (!server->homes[0].has_thread && !server->homes[0].is_over) {
        duet_server_drain(server);
        run_first(server);
    }
    return end(server, 0);
}

int duet_server_wait(duet_server *server)
{
    if (server == NULL)
        return -ENOMEM;
    int stage = RUN_BEGUN;
    if (!atomic_compare_exchange_strong(&server->run.stage, &stage, RUN_AWAITED))
        return stage == RUN_AWAITED ? -EBUSY : server->error != 0 ? server->error : -EINVAL;
    int rc = take_turn(server);
    if (rc < 0) {
        atomic_store(&server->run.stage, RUN_BEGUN);
        return rc;
    }
    rc = end_begun(server);
    pthread_mutex_unlock(&server->run.turn);
    return rc;
}

/* ---- Draining ---- */

bool duet_server_is_draining(const duet_server *server)
{
    return server != NULL && atomic_load(&server->is_draining);
}

/* Touches nothing but the server itself: from a signal handler or another thread, it may come
 * when the loops have ended already. A run that begins meanwhile either is seen here by its fd
 * or sees the flag in its loops' first turn. */
void duet_server_drain(duet_server *server)
{
    if (server == NULL || duet_server_is_forked(server) ||
        atomic_exchange(&server->is_draining, true))
        return;
    int fd = atomic_load(&server->drain_fd);
    if (fd >= 0)
        duet_fd_signal(fd);
}
