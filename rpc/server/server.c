/*
 * Set-up, run, drain: the public face of a server. Loops are homes (home.c); this file starts
 * and ends them.
 */
#include "server.h"

#include "args.h"
#include "errno_words.h"
#include "fd.h"
#include "home.h"
#include "introspect.h"
#include "on_worker.h"
#include "setting.h"
#include "signals.h"
#include "thread_limit.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>

enum {
    STUCK_MS = 5000, /* how long run waits for handlers that do not heed their cancellation */
};

int duet_server_fail(struct duet_server *server, int rc, const char *format, ...)
{
    if (server->error != 0)
        return rc;
    server->error = rc;
    va_list args;
    va_start(args, format);
    vsnprintf(server->words, sizeof server->words, format, args);
    va_end(args);
    return rc;
}

/* Remembers a failed step whose words were made where it failed. */
static int fail_if(struct duet_server *server, int rc, const char *words)
{
    return rc < 0 ? duet_server_fail(server, rc, "%s", words[0] ? words : duet_errno_words(-rc))
                  : rc;
}

/* ---- Set-up ---- */

int duet_server_check_set_up(const struct duet_server *server)
{
    if (server == NULL)
        return -ENOMEM;
    return atomic_load(&server->is_running) ? -EBUSY : 0;
}

static int add_introspection(struct duet_server *server)
{
    char words[DUET_SERVER_WORDS];
    return duet_registry_add(server->registry, duet_introspection, NULL, DUET_ADDED_BY_SERVER,
                             words, sizeof words);
}

duet_server *duet_server_new(void)
{
    struct duet_server *server = aligned_alloc(_Alignof(struct duet_server), sizeof *server);
    if (server == NULL)
        return NULL;
    memset(server, 0, sizeof *server);
    server->drain_fd = server->reserve.fd = -1;
    pthread_mutex_init(&server->lock, NULL);
    duet_options_init(&server->options);
    duet_per_address_init(&server->peers);
    server->registry = duet_registry_new();
    if (server->registry == NULL || add_introspection(server) < 0) {
        duet_server_free(server);
        return NULL;
    }
    return server;
}

void duet_server_free(duet_server *server)
{
    if (server == NULL)
        return;
    duet_signals_give_back(server);
    for (size_t i = 0; i < server->listener_count; i++)
        duet_listener_close(&server->listeners[i]);
    if (server->homes != NULL)
        return; /* handlers that never ended still use it, or one that forked this process */
    duet_reserve_done(&server->reserve);
    if (server->drain_fd >= 0)
        close(server->drain_fd);
    free(server->listeners);
    duet_registry_unref(server->registry);
    duet_per_address_done(&server->peers);
    duet_options_done(&server->options);
    pthread_mutex_destroy(&server->lock);
    free(server->text);
    free(server);
}

const char *duet_server_error(const duet_server *server)
{
    return server != NULL ? server->words : "out of memory";
}

int duet_server_listen(duet_server *server, const char *address)
{
    if (duet_server_check_set_up(server) < 0)
        return duet_server_check_set_up(server);
    if (address == NULL)
        return duet_server_fail(server, -EINVAL, "duet_server_listen() was given no address");
    char words[DUET_SERVER_WORDS] = "";
    struct duet_address found[DUET_ADDRESSES_MAX];
    int count = duet_address_parse(found, address, words, sizeof words);
    if (count < 0)
        return fail_if(server, count, words);

    size_t n = server->listener_count;
    struct duet_listener *listeners =
        realloc(server->listeners, (n + (size_t)count) * sizeof *listeners);
    if (listeners == NULL)
        return fail_if(server, -ENOMEM, "");
    server->listeners = listeners;
    int opened = duet_listeners_open(&listeners[n], found, count, words, sizeof words);
    if (opened < 0)
        return fail_if(server, opened, words);
    server->listener_count += (size_t)opened;
    return 0;
}

const char *duet_server_address(const duet_server *server, size_t i)
{
    return server != NULL && i < server->listener_count ? server->listeners[i].text : NULL;
}

int duet_server_set(duet_server *server, duet_option option, int64_t value)
{
    if (duet_server_check_set_up(server) < 0)
        return duet_server_check_set_up(server);
    char words[DUET_SERVER_WORDS] = "";
    return fail_if(
        server, duet_options_set(&server->options, option, value, words, sizeof words), words);
}

int duet_server_set_text(duet_server *server, const char *name, const char *value)
{
    if (duet_server_check_set_up(server) < 0)
        return duet_server_check_set_up(server);
    if (name == NULL || value == NULL)
        return duet_server_fail(server, -EINVAL,
                                "duet_server_set_text() was given no name or no value");
    char words[DUET_SERVER_WORDS] = "";
    return fail_if(server,
                   duet_setting_set_named(&server->options, name, value, words, sizeof words),
                   words);
}

int64_t duet_server_get(const duet_server *server, duet_option option)
{
    bool is_known = server != NULL && (int)option >= 0 && option < DUET_OPTION_COUNT;
    return is_known ? server->options.value[option] : 0;
}

int duet_server_set_hooks(duet_server *server, duet_before_hook before, duet_after_hook after,
                          void *ctx)
{
    if (duet_server_check_set_up(server) < 0)
        return duet_server_check_set_up(server);
    server->service.before = before;
    server->service.after = after;
    server->service.hook_ctx = ctx;
    return 0;
}

static int listen_for_args(const char *address, void *ctx)
{
    return duet_server_listen(ctx, address);
}

int duet_server_args(duet_server *server, int argc, char *const argv[])
{
    if (duet_server_check_set_up(server) < 0)
        return duet_server_check_set_up(server);
    struct duet_args_result result;
    int rc = duet_args_parse(&server->options, argc, argv, listen_for_args, server, &result);
    free(server->text);
    server->text = result.text;
    if (rc == 0 && server->listener_count == 0)
        rc = duet_server_listen(server, "tcp://127.0.0.1:6789");
    return fail_if(server, rc, result.words);
}

const char *duet_server_text(const duet_server *server)
{
    return server != NULL && server->text != NULL ? server->text : "";
}

/* ---- Methods ---- */

/* Puts a new table in the place of the current one; loops look when their next call comes.
 * Under lock. */
static void publish(struct duet_server *server, struct duet_registry *registry)
{
    duet_registry_unref(server->registry);
    server->registry = registry;
    atomic_fetch_add(&server->registry_number, 1);
}

/* Under lock. Before run nobody else sees the table: it is added to in place. */
static int add_methods(struct duet_server *server, const duet_method *methods, void *ctx,
                       char *words, size_t room)
{
    if (!atomic_load(&server->is_running))
        return duet_registry_add(server->registry, methods, ctx, DUET_ADDED_BY_USER, words,
                                 room);
    struct duet_registry *made = NULL;
    int rc = duet_registry_with(server->registry, methods, ctx, DUET_ADDED_BY_USER, &made,
                                words, room);
    if (rc == 0)
        publish(server, made);
    return rc;
}

int duet_server_add(duet_server *server, const duet_method *methods, void *ctx)
{
    if (server == NULL)
        return -ENOMEM;
    if (methods == NULL)
        return duet_server_fail(server, -EINVAL, "duet_server_add() was given no table");
    char words[DUET_SERVER_WORDS] = "";
    pthread_mutex_lock(&server->lock);
    int rc = add_methods(server, methods, ctx, words, sizeof words);
    pthread_mutex_unlock(&server->lock);
    return atomic_load(&server->is_running) ? rc : fail_if(server, rc, words);
}

int duet_server_remove(duet_server *server, const char *name)
{
    if (server == NULL)
        return -ENOMEM;
    if (name == NULL)
        return -EINVAL;
    char words[DUET_SERVER_WORDS];
    pthread_mutex_lock(&server->lock);
    struct duet_registry *made = NULL;
    int rc = duet_registry_without(server->registry, name, &made, words, sizeof words);
    if (rc == 0)
        publish(server, made);
    pthread_mutex_unlock(&server->lock);
    return rc;
}

/* ---- Run ---- */

/* Options to what loops, calls and codecs use. */
static void fix_options(struct duet_server *server)
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
        .lone_lf_ends_line = option[DUET_OPT_HTTP_LINE_ENDS] == DUET_LINE_ENDS_LENIENT,
    };
    service->style = (struct duet_style){
        .control_chars = (uint8_t)option[DUET_OPT_CONTROL_CHARS],
        .i8 = (uint8_t)option[DUET_OPT_I8],
        .nil = (uint8_t)option[DUET_OPT_NIL],
        .raw = option[DUET_OPT_RAW] == DUET_RAW_OLD ? DUET_RAW_OLD : DUET_RAW_NEW,
        .error = (uint8_t)option[DUET_OPT_ERROR_STYLE],
    };
    service->raw_is_auto = option[DUET_OPT_RAW] == DUET_RAW_AUTO;
    service->int_is_strict = option[DUET_OPT_INT_RANGE] == DUET_INT_STRICT;
    service->max_reply = (size_t)option[DUET_OPT_MAX_REPLY];
    service->max_arena =
        2 * service->limits.max_message + VALUE_COST * service->limits.max_values + 65536;
    service->max_write_depth = REPLY_DEPTH + service->limits.max_depth + ENVELOPE;
    service->timeout_ms = (unsigned)option[DUET_OPT_CALL_TIMEOUT];
    service->drain_ms = (long long)option[DUET_OPT_DRAIN_MS];
    service->shards = duet_server_shards(server);
    server->budget.max = (size_t)option[DUET_OPT_MAX_BUFFERED];
    service->budget = &server->budget;
    service->refused_over_budget = &server->refused_over_budget;
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

/* The system refused a thread: says how far it came, and what stands in the way. */
static void fail_threads(struct duet_server *server, int rc, const char *what, size_t started,
                         duet_option option)
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
        fail_threads(server, rc, "worker threads", workers->thread_count, DUET_OPT_WORKERS);
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

static void *run_home(void *arg)
{
    struct duet_home *home = arg;
    home->result = duet_home_run(home);
    duet_home_leave_accepting(home);
    if (home->result < 0)
        duet_server_drain(home->server); /* a loop that failed takes the others along */
    return NULL;
}

/* Runs the loops: the first on this thread, each other on its own. */
static int run_homes(struct duet_server *server)
{
    size_t started = 1;
    int rc = 0;
    for (; started < server->home_count; started++) {
        rc = -pthread_create(&server->homes[started].thread, NULL, run_home,
                             &server->homes[started]);
        if (rc < 0)
            break;
    }
    if (rc < 0) {
        fail_threads(server, rc, "loops", started, DUET_OPT_LOOPS);
        for (size_t i = started; i < server->home_count; i++)
            duet_home_leave_accepting(&server->homes[i]);
        duet_server_drain(server);
    }
    run_home(&server->homes[0]);
    for (size_t i = 1; i < started; i++)
        pthread_join(server->homes[i].thread, NULL);
    for (size_t i = 0; i < started && rc == 0; i++)
        rc = server->homes[i].result;
    return rc;
}

static void close_homes(struct duet_server *server)
{
    for (size_t i = 0; i < server->home_count; i++)
        duet_home_done(&server->homes[i]);
    free(server->homes);
    server->homes = NULL;
    server->home_count = 0;
}

/* Names the methods whose handlers do not come back. */
static int fail_stuck(struct duet_server *server)
{
    char names[DUET_SERVER_WORDS / 2] = "";
    size_t size = 0;
    for (int64_t i = 0; i < server->options.value[DUET_OPT_WORKERS]; i++) {
        const struct duet_method_entry *method = atomic_load(&server->worker_notes[i].running);
        if (method != NULL && size < sizeof names)
            size += (size_t)snprintf(names + size, sizeof names - size, "%s%s",
                                     size ? ", " : "", method->name);
    }
    return duet_server_fail(
        server, -ETIMEDOUT,
        "still running %d s after their cancellation: %s (long handlers must ask "
        "duet_call_cancelled() now and then)",
        STUCK_MS / 1000, names);
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
        return fail_if(server, rc, "");
    return duet_server_fail(
        server, rc,
        "cannot open %" PRId64 " loops: RLIMIT_NOFILE is %llu files (ulimit "
        "-n); raise that limit or lower --loops",
        server->options.value[DUET_OPT_LOOPS], (unsigned long long)limit.rlim_cur);
}

static int serve(struct duet_server *server)
{
    fix_options(server);
    raise_fd_limit();
    duet_reserve_init(&server->reserve);
    int rc = open_drain(server);
    if (rc == 0)
        rc = open_homes(server);
    fail_to_open(server, rc);
    if (rc == 0)
        rc = start_workers(server);
    set_serving(server, rc == 0);
    if (rc == 0)
        rc = run_homes(server);
    fail_if(server, rc, "");

    if (!duet_pool_stop(&server->pool, STUCK_MS))
        return fail_stuck(server);
    set_serving(server, false);
    duet_signals_give_back(server);
    close_homes(server);
    duet_pool_done(&server->pool);
    free(server->worker_notes);
    server->worker_notes = NULL;
    return rc;
}

/* It may have been set up before a fork, as by daemon(). */
static void own(struct duet_server *server)
{
    atomic_store(&server->process, getpid());
    for (size_t i = 0; i < server->listener_count; i++)
        server->listeners[i].process = getpid();
}

int duet_server_run(duet_server *server)
{
    if (server == NULL)
        return -ENOMEM;
    if (server->error != 0)
        return server->error;
    if (server->listener_count == 0)
        return duet_server_fail(server, -EINVAL,
                                "nothing to serve on: call duet_server_listen() first");
    if (!atomic_load(&server->is_running))
        own(server);
    if (atomic_exchange(&server->is_running, true))
        return duet_server_fail(server, -EBUSY, "the server runs already, or has run");

    int rc = serve(server);
    if (rc < 0)
        return rc;
    return atomic_load(&server->deadline_passed) ? 1 : 0;
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
