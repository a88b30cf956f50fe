/*
 * What a server opens to serve, and closes when it has: options become what its parts use,
 * loops and workers open. On the thread that starts it, then on the one that waits for it.
 */
#include "opening.h"

#include "errno_words.h"
#include "fd.h"
#include "home.h"
#include "kept_home.h"
#include "on_worker.h"
#include "signals.h"
#include "thread_limit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>

enum {
    STUCK_MS = 5000, /* how long the end waits for handlers that do not heed their
                        cancellation */
};

/* There is room again, or somebody waits for it: every loop looks. Any thread. */
static void tell_homes(void *ctx)
{
    struct duet_server *server = ctx;
    for (size_t i = 0; i < server->home_count; i++)
        duet_loop_wake(&server->homes[i].loop);
}

void duet_server_fix_options(struct duet_server *server)
{
    enum {
        ENVELOPE = 2,       /* containers around an argument: the message and its parameters */
        REPLY_DEPTH = 1024, /* a handler's own answers may nest deeper than what callers may
                               send */
        VALUE_COST = 64,    /* bytes of tree that one value may take, with a share of what holds
                               it */
    };
    const int64_t *option = server->options.value;
    struct duet_service *service = &server->service;
    service->limits = (struct duet_limits){
        .max_message = (size_t)option[DUET_OPT_MAX_MESSAGE],
        .max_head = (size_t)option[DUET_OPT_MAX_HEAD],
        .max_values = (size_t)option[DUET_OPT_MAX_VALUES],
        .max_depth = (unsigned)option[DUET_OPT_MAX_DEPTH],
        .lone_lf_ends_line = option[DUET_OPT_HTTP_LINE_ENDS] == DUET_HTTP_LINE_ENDS_LENIENT,
    };
    service->style = (struct duet_style){
        .control_chars = (uint8_t)option[DUET_OPT_CONTROL_CHARS],
        .i8 = (uint8_t)option[DUET_OPT_I8],
        .nil = (uint8_t)option[DUET_OPT_NIL],
        .raw = option[DUET_OPT_RAW] == DUET_RAW_OLD ? DUET_RAW_OLD : DUET_RAW_NEW,
        .error = (uint8_t)option[DUET_OPT_ERROR_STYLE],
    };
    service->raw_is_auto = option[DUET_OPT_RAW] == DUET_RAW_AUTO;
    service->int_is_strict = option[DUET_OPT_INT] == DUET_INT_STRICT;
    service->checks_results = option[DUET_OPT_CHECK_RESULTS] != 0;
    service->max_reply = (size_t)option[DUET_OPT_MAX_REPLY];
    service->max_arena =
        2 * service->limits.max_message + VALUE_COST * service->limits.max_values + 65536;
    service->max_write_depth = REPLY_DEPTH + service->limits.max_depth + ENVELOPE;
    service->max_multicall = option[DUET_OPT_MAX_MULTICALL];
    service->timeout_ms = (unsigned)option[DUET_OPT_CALL_TIMEOUT];
    service->drain_ms = (long long)option[DUET_OPT_DRAIN_MS];
    service->shards = duet_server_shards(server);
    duet_budget_init(&server->budget, (size_t)option[DUET_OPT_MAX_BUFFERED]);
    server->budget.tell = tell_homes;
    server->budget.ctx = server;
    service->budget = &server->budget;
    service->refused_over_budget = &server->refused_over_budget;
    service->keeper = &duet_home_keeper;
    service->server = server;
}

static void raise_fd_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur == limit.rlim_max)
        return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit); /* if it fails, fewer connections are accepted at a
                                         time */
}

void duet_opening_fail_threads(struct duet_server *server, int rc, const char *what,
                               size_t started, duet_option option)
{
    char limit[DUET_SERVER_WORDS / 2];
    duet_thread_limit_describe(limit, sizeof limit);
    duet_server_fail(server, rc,
                     "only %zu of %lld %s could be started: %s; raise that limit or lower %s",
                     started, (long long)server->options.value[option], what, limit,
                     duet_option_flag(option));
}

static int start_workers(struct duet_server *server)
{
    struct duet_pool *workers = &server->pool;
    workers->run = duet_on_worker_run;
    workers->rest = duet_on_worker_rest;
    workers->ctx = server;
    size_t count = (size_t)server->options.value[DUET_OPT_WORKERS];
    if (count == 0)
        return 0;
    size_t size = count * sizeof *server->worker_notes;
    server->worker_notes = aligned_alloc(_Alignof(struct duet_worker), size);
    if (server->worker_notes == NULL)
        return -ENOMEM;
    memset(server->worker_notes, 0, size);
    int rc = duet_pool_init(workers, (size_t)server->options.value[DUET_OPT_WORKER_QUEUE],
                            (unsigned)count);
    if (rc == 0)
        rc = duet_pool_start(workers);
    if (rc == -EAGAIN)
        duet_opening_fail_threads(server, rc, "worker threads", workers->thread_count,
                                  DUET_OPT_WORKERS);
    return rc;
}

static int open_drain(struct duet_server *server)
{
    int fd = duet_fd_above_stdio(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (fd < 0)
        return -errno;
    atomic_store(&server->drain_fd, fd);
    return 0;
}

static int open_homes(struct duet_server *server)
{
    size_t count = (size_t)server->options.value[DUET_OPT_LOOPS];
    server->homes = aligned_alloc(_Alignof(struct duet_home), count * sizeof *server->homes);
    if (server->homes == NULL)
        return -ENOMEM;
    memset(server->homes, 0, count * sizeof *server->homes);
    atomic_store(&server->homes_accepting, (unsigned)count);
    for (; server->home_count < count; server->home_count++) {
        int rc = duet_home_init(&server->homes[server->home_count], server);
        if (rc < 0) {
            server->home_count++; /* it is half open: close_homes frees it too */
            return rc;
        }
    }
    return 0;
}

static void close_homes(struct duet_server *server)
{
    server->budget.tell = NULL; /* what is freed now makes room for nobody */
    for (size_t i = 0; i < server->home_count; i++)
        duet_home_done(&server->homes[i]);
    free(server->homes);
    server->homes = NULL;
    server->home_count = 0;
}

static int fail_stuck(struct duet_server *server, const char *names)
{
    return duet_server_fail(
        server, -ETIMEDOUT,
        "still running %d s after their cancellation: %s (long handlers must ask "
        "duet_call_cancelled() now and then)",
        STUCK_MS / 1000, names);
}

/* The methods whose handlers do not come back. */
static void name_running(const struct duet_server *server, char *names, size_t room)
{
    size_t size = 0;
    for (int64_t i = 0; i < server->options.value[DUET_OPT_WORKERS]; i++) {
        const struct duet_method_entry *method = atomic_load(&server->worker_notes[i].running);
        if (method != NULL && size < room)
            size += (size_t)snprintf(names + size, room - size, "%s%s", size ? ", " : "",
                                     method->name);
    }
}

/* Waits for handlers, and for those who hold kept calls. */
static int end_calls(struct duet_server *server)
{
    uint64_t until_ns = duet_clock_ns() + STUCK_MS * UINT64_C(1000000);
    char names[DUET_SERVER_WORDS / 2] = "";
    if (!duet_pool_stop(&server->pool, STUCK_MS))
        name_running(server, names, sizeof names);
    else if (duet_kept_end(&server->service, until_ns, names, sizeof names))
        return 0;
    return fail_stuck(server, names);
}

/* From here on, or no longer, other threads may look at homes and workers. */
static void set_serving(struct duet_server *server, bool is_serving)
{
    pthread_mutex_lock(&server->lock);
    server->is_serving = is_serving;
    pthread_mutex_unlock(&server->lock);
}

/* Names the limit that keeps the loops from opening. */
static int fail_to_open(struct duet_server *server, int rc)
{
    struct rlimit limit;
    if (rc != -EMFILE || getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return duet_server_fail_if(server, rc, "");
    return duet_server_fail(
        server, rc,
        "cannot open %" PRId64 " loops: RLIMIT_NOFILE is %llu files (ulimit "
        "-n); raise that limit or lower --loops",
        server->options.value[DUET_OPT_LOOPS], (unsigned long long)limit.rlim_cur);
}

int duet_opening_open(struct duet_server *server)
{
    duet_server_fix_options(server);
    raise_fd_limit();
    duet_reserve_init(&server->reserve);
    int rc = open_drain(server);
    if (rc == 0)
        rc = open_homes(server);
    if (rc < 0)
        fail_to_open(server, rc);
    if (rc == 0)
        rc = start_workers(server);
    set_serving(server, rc == 0);
    return duet_server_fail_if(server, rc, "");
}

int duet_opening_close(struct duet_server *server)
{
    int rc = end_calls(server);
    if (rc < 0)
        return rc;
    set_serving(server, false);
    duet_signals_give_back(server);
    close_homes(server);
    duet_pool_done(&server->pool);
    free(server->worker_notes);
    server->worker_notes = NULL;
    return 0;
}
