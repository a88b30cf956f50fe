/*
 * What duet_server_run() does, but for running: options are fixed, the home and the queue are
 * opened.
 */
#include "home_rig.h"

#include "home_parts.h"
#include "on_worker.h"
#include "packed.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

void home_rig_init(struct home_rig *rig, const duet_method *methods, void *ctx)
{
    *rig = (struct home_rig){.server = duet_server_new()};
    assert_non_null(rig->server);
    if (methods != NULL)
        assert_int_equal(duet_server_add(rig->server, methods, ctx), 0);
    assert_int_equal(duet_server_listen(rig->server, "tcp://127.0.0.1:0"), 0);
    assert_int_equal(duet_server_set(rig->server, DUET_OPT_LOOPS, 1), 0);
    assert_int_equal(duet_server_set(rig->server, DUET_OPT_WORKERS, 1), 0);
}

/* The home's own, and that is all for now. */
static void on_turn_over(void *ctx)
{
    struct home_rig *rig = ctx;
    rig->turn_over(rig->home);
    duet_loop_stop(&rig->home->loop);
}

static void open_pool(struct duet_server *server)
{
    server->worker_notes =
        aligned_alloc(_Alignof(struct duet_worker), sizeof *server->worker_notes);
    assert_non_null(server->worker_notes);
    memset(server->worker_notes, 0, sizeof *server->worker_notes);
    assert_int_equal(duet_pool_init(&server->pool,
                                    (size_t)duet_server_get(server, DUET_OPT_WORKER_QUEUE), 1),
                     0);
}

void home_rig_open(struct home_rig *rig)
{
    struct duet_server *server = rig->server;
    duet_server_fix_options(server);
    server->drain_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    server->homes = aligned_alloc(_Alignof(struct duet_home), sizeof *server->homes);
    assert_non_null(server->homes);
    memset(server->homes, 0, sizeof *server->homes);
    server->home_count = 1;
    server->homes_accepting = 1;
    open_pool(server);
    rig->home = server->homes;
    assert_int_equal(duet_home_init(rig->home, server), 0);
    rig->turn_over = rig->home->loop.turn_over;
    rig->home->loop.turn_over = on_turn_over;
    rig->home->loop.ctx = rig;
}

void home_rig_close(struct home_rig *rig)
{
    struct duet_server *server = rig->server;
    if (rig->home != NULL) {
        assert_true(duet_kept_end(&server->service, UINT64_MAX, NULL, 0));
        duet_home_done(rig->home);
        assert_int_equal(server->budget.used, 0);
        duet_pool_done(&server->pool);
        free(server->worker_notes);
        free(server->homes);
        server->homes = NULL;
    }
    duet_server_free(server);
}

int home_rig_connect(struct home_rig *rig)
{
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds),
                     0);
    static const struct sockaddr nobody = {.sa_family = AF_UNIX};
    atomic_fetch_add(&rig->server->connections, 1); /* as accept does */
    const struct duet_newcomer newcomer = {.stream = duet_stream_socket(fds[0]),
                                           .peer = &nobody};
    assert_non_null(duet_home_open_conn(rig->home, EXCESS_NONE, &newcomer));
    return fds[1];
}

void home_rig_turn(struct home_rig *rig)
{
    duet_loop_wake(&rig->home->loop);
    rig->home->loop.stopping = false;
    assert_int_equal(duet_loop_run(&rig->home->loop), 0);
}

void home_rig_leave(struct home_rig *rig, int peer)
{
    uint32_t open = rig->home->conns.open;
    close(peer);
    while (rig->home->conns.open == open)
        home_rig_turn(rig);
}

void home_rig_let_pass(struct home_rig *rig, uint64_t ms)
{
    uint64_t until = rig->home->loop.now_ms + ms;
    do
        home_rig_turn(rig);
    while (rig->home->loop.now_ms <= until);
}

void home_rig_send_raw(struct home_rig *rig, int peer, const void *bytes, size_t size)
{
    assert_int_equal(send(peer, bytes, size, MSG_NOSIGNAL), size);
    home_rig_turn(rig);
}

void home_rig_send(struct home_rig *rig, int peer, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    struct packed message = packed_from_list(format, args);
    va_end(args);
    home_rig_send_raw(rig, peer, message.bytes, message.size);
}

void home_rig_send_text(struct home_rig *rig, int peer, const char *format, ...)
{
    char text[4096];
    va_list args;
    va_start(args, format);
    int size = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    assert_in_range(size, 0, sizeof text - 1);
    home_rig_send_raw(rig, peer, text, (size_t)size);
}

void home_rig_expect(int peer, const char *format, ...)
{
    char got[PACKED_ROOM];
    va_list args;
    va_start(args, format);
    struct packed wanted = packed_from_list(format, args);
    va_end(args);
    ssize_t n = recv(peer, got, sizeof got, 0);
    assert_true(n >= 0);
    assert_int_equal(n, wanted.size);
    assert_memory_equal(got, wanted.bytes, wanted.size);
}

void home_rig_expect_nothing(int peer)
{
    char byte;
    assert_int_equal(recv(peer, &byte, 1, 0), -1);
    assert_int_equal(errno, EAGAIN);
}

void home_rig_expect_text(int peer, const char *begin, const char *part)
{
    char got[8192];
    ssize_t n = recv(peer, got, sizeof got - 1, 0);
    assert_true(n > 0);
    got[n] = '\0';
    if (strncmp(got, begin, strlen(begin)) != 0 || strstr(got, part) == NULL)
        fail_msg("wanted '%s' and '%s', got '%s'", begin, part, got);
}

void home_rig_expect_end(int peer)
{
    char byte;
    assert_int_equal(recv(peer, &byte, 1, 0), 0);
}

size_t home_rig_waiting(const struct home_rig *rig)
{
    return duet_pool_waiting(&rig->server->pool);
}

static void look(struct duet_ticket *ticket, void *ctx)
{
    struct duet_job **newest = ctx;
    *newest = ticket->job;
}

struct duet_job *home_rig_newest_job(struct home_rig *rig)
{
    struct duet_job *newest = NULL;
    duet_tickets_each(&rig->home->tickets, look, &newest);
    assert_non_null(newest);
    return newest;
}

void home_rig_work(struct home_rig *rig, struct duet_job *job)
{
    assert_true(duet_pool_take_back(&rig->server->pool, &job->queued));
    duet_on_worker_run(&job->queued, 0);
    duet_on_worker_rest(rig->server, 0);
}
