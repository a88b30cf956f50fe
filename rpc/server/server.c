/*
 * Set-up: options, listeners, methods. What is wrong is remembered for duet_server_run()
 * (run.c).
 */
#include "server.h"

#include "args.h"
#include "errno_words.h"
#include "introspect.h"
#include "setting.h"
#include "signals.h"
#include "table.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

int duet_server_fail_if(struct duet_server *server, int rc, const char *words)
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

const char *duet_version(void)
{
    return DUET_VERSION;
}

static void init_turn(pthread_mutex_t *turn)
{
    pthread_mutexattr_t checking;
    pthread_mutexattr_init(&checking);
    pthread_mutexattr_settype(&checking, PTHREAD_MUTEX_ERRORCHECK);
    pthread_mutex_init(turn, &checking);
    pthread_mutexattr_destroy(&checking);
}

duet_server *duet_server_new(void)
{
    struct duet_server *server = aligned_alloc(_Alignof(struct duet_server), sizeof *server);
    if (server == NULL)
        return NULL;
    memset(server, 0, sizeof *server);
    server->drain_fd = server->reserve.fd = server->run.loop_fd = -1;
    pthread_mutex_init(&server->lock, NULL);
    pthread_mutex_init(&server->sessions.lock, NULL);
    init_turn(&server->run.turn);
    duet_options_init(&server->options);
    duet_per_address_init(&server->per_address);
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
    if (atomic_load(&server->run.stage) == RUN_BEGUN && !duet_server_is_forked(server))
        duet_server_wait(server);
    duet_signals_give_back(server);
    for (size_t i = 0; i < server->listener_count; i++)
        duet_listener_close(&server->listeners[i]);
    if (server->homes != NULL)
        return; /* handlers that never ended still use it, or one that forked this process */
    duet_reserve_done(&server->reserve);
    if (server->drain_fd >= 0)
        close(server->drain_fd);
    if (server->run.loop_fd >= 0)
        close(server->run.loop_fd);
    free(server->listeners);
    duet_registry_unref(server->registry);
    duet_per_address_done(&server->per_address);
    duet_options_done(&server->options);
    duet_hook_list_done(&server->service.hooks);
    pthread_mutex_destroy(&server->sessions.lock);
    pthread_mutex_destroy(&server->lock);
    pthread_mutex_destroy(&server->run.turn);
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
        return duet_server_fail_if(server, count, words);

    size_t n = server->listener_count;
    struct duet_listener *listeners =
        realloc(server->listeners, (n + (size_t)count) * sizeof *listeners);
    if (listeners == NULL)
        return duet_server_fail_if(server, -ENOMEM, "");
    server->listeners = listeners;
    int opened = duet_listeners_open(&listeners[n], found, count, words, sizeof words);
    if (opened < 0)
        return duet_server_fail_if(server, opened, words);
    server->listener_count += (size_t)opened;
    return 0;
}

static enum duet_scheme scheme_of(duet_protocols protocols)
{
    return protocols == DUET_PROTOCOLS_XMLRPC       ? DUET_SCHEME_HTTP
           : protocols == DUET_PROTOCOLS_MSGPACKRPC ? DUET_SCHEME_MSGPACK
                                                    : DUET_SCHEME_BOTH;
}

/* Takes the fd. */
static int listen_on(struct duet_server *server, int fd, duet_protocols protocols)
{
    char words[DUET_SERVER_WORDS] = "";
    struct duet_listener listener;
    int rc = duet_listener_take(&listener, fd, scheme_of(protocols), words, sizeof words);
    if (rc < 0)
        return duet_server_fail_if(server, rc, words);
    size_t n = server->listener_count;
    struct duet_listener *listeners = realloc(server->listeners, (n + 1) * sizeof *listeners);
    if (listeners == NULL) {
        duet_listener_close(&listener);
        return duet_server_fail_if(server, -ENOMEM, "");
    }
    server->listeners = listeners;
    listeners[n] = listener;
    server->listener_count = n + 1;
    return 0;
}

int duet_server_listen_fd(duet_server *server, int fd, duet_protocols protocols)
{
    int rc = duet_server_check_set_up(server);
    if (rc == 0 && (protocols < DUET_PROTOCOLS_BOTH || protocols > DUET_PROTOCOLS_MSGPACKRPC))
        rc = duet_server_fail(server, -EINVAL,
                              "duet_server_listen_fd() was given protocols %d, which there are "
                              "not",
                              (int)protocols);
    if (rc == 0)
        return listen_on(server, fd, protocols);
    if (fd >= 0)
        close(fd);
    return rc;
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
    return duet_server_fail_if(
        server, duet_options_set(&server->options, option, value, words, sizeof words), words);
}

int duet_server_pin(duet_server *server, duet_option option, int64_t value)
{
    if (duet_server_check_set_up(server) < 0)
        return duet_server_check_set_up(server);
    char words[DUET_SERVER_WORDS] = "";
    return duet_server_fail_if(
        server, duet_options_pin(&server->options, option, value, words, sizeof words), words);
}

int duet_server_set_text(duet_server *server, const char *name, const char *value)
{
    if (duet_server_check_set_up(server) < 0)
        return duet_server_check_set_up(server);
    if (name == NULL || value == NULL)
        return duet_server_fail(server, -EINVAL,
                                "duet_server_set_text() was given no name or no value");
    char words[DUET_SERVER_WORDS] = "";
    return duet_server_fail_if(
        server, duet_setting_set_named(&server->options, name, value, words, sizeof words),
        words);
}

int64_t duet_server_get(const duet_server *server, duet_option option)
{
    return server != NULL ? duet_options_get(&server->options, option) : 0;
}

int duet_server_add_hooks_sized(duet_server *server, const duet_hooks *hooks, size_t size,
                                void *ctx)
{
    if (duet_server_check_set_up(server) < 0)
        return duet_server_check_set_up(server);
    if (hooks == NULL)
        return duet_server_fail(server, -EINVAL, "duet_server_add_hooks() was given no hooks");
    int rc = duet_hook_list_add(&server->service.hooks, hooks, size, ctx);
    return duet_server_fail_if(server, rc,
                               rc == -EINVAL
                                   ? "the hooks have one that libduet " DUET_VERSION
                                     " does not know: they were compiled with the duet.h of a "
                                     "later version"
                                   : "");
}

static int listen_for_args(const char *address, void *ctx)
{
    return duet_server_listen(ctx, address);
}

static int read_args(duet_server *server, int argc, char *const argv[],
                     const struct duet_own_flags *own)
{
    struct duet_args_result result;
    int rc =
        duet_args_parse(&server->options, argc, argv, own, listen_for_args, server, &result);
    free(server->text);
    server->text = result.text;
    if (rc == 0 && server->listener_count == 0)
        rc = duet_server_listen(server, "tcp://127.0.0.1:6789");
    return duet_server_fail_if(server, rc, result.words);
}

int duet_server_args(duet_server *server, int argc, char *const argv[])
{
    return duet_server_args_with_sized(server, argc, argv, NULL, sizeof(duet_flag), SIZE_MAX,
                                       NULL);
}

int duet_server_args_with_sized(duet_server *server, int argc, char *const argv[],
                                const duet_flag *flags, size_t row_size, size_t table_size,
                                int *rest)
{
    if (duet_server_check_set_up(server) < 0)
        return duet_server_check_set_up(server);
    struct duet_own_flags own;
    char words[DUET_SERVER_WORDS] = "";
    int rc = duet_own_flags_read(&own, flags, row_size, table_size, words, sizeof words);
    own.rest = rest;
    rc = rc < 0 ? duet_server_fail_if(server, rc, words) : read_args(server, argc, argv, &own);
    duet_own_flags_done(&own);
    return rc;
}

const char *duet_server_args_text(const duet_server *server)
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

/* Where there are no workers, a handler runs on the loop that would answer in its place. One
 * that is inline has its limit for what comes after it. */
static int check_time_limit(const struct duet_server *server, const char *name, unsigned flags,
                            unsigned timeout_ms, char *words, size_t room)
{
    bool is_timed = timeout_ms > 0 && timeout_ms != DUET_NO_TIMEOUT;
    if (server->options.value[DUET_OPT_WORKERS] > 0 || !is_timed || flags & DUET_METHOD_INLINE)
        return 0;
    return duet_words_set(-EINVAL, words, room,
                          "method %.200s: with --workers 0 its time limit of %u ms cannot be "
                          "kept, for its handler runs on the loop that would answer: raise "
                          "--workers, or add it without timeout_ms",
                          name, timeout_ms);
}

static int check_rows(const struct duet_server *server, const duet_method *rows, char *words,
                      size_t room)
{
    int rc = 0;
    for (; rc == 0 && rows->name != NULL; rows++)
        rc = check_time_limit(server, rows->name, rows->flags, rows->timeout_ms, words, room);
    return rc;
}

int duet_server_check_methods(struct duet_server *server)
{
    if (server->options.value[DUET_OPT_WORKERS] > 0)
        return 0;
    char words[DUET_SERVER_WORDS] = "";
    struct duet_method_entry *const *methods = duet_registry_sorted(server->registry);
    int rc = methods != NULL ? 0 : -ENOMEM;
    for (size_t i = 0; rc == 0 && i < duet_registry_count(server->registry); i++)
        rc = check_time_limit(server, methods[i]->name, methods[i]->flags,
                              methods[i]->timeout_ms, words, sizeof words);
    return duet_server_fail_if(server, rc, words);
}

/* Under lock. Before run nobody else sees the table: it is added to in place. */
static int add_methods(struct duet_server *server, const duet_method *methods, void *ctx,
                       char *words, size_t room)
{
    if (!atomic_load(&server->is_running))
        return duet_registry_add(server->registry, methods, ctx, DUET_ADDED_BY_USER, words,
                                 room);
    struct duet_registry *made = NULL;
    int rc = check_rows(server, methods, words, room);
    if (rc == 0)
        rc = duet_registry_with(server->registry, methods, ctx, DUET_ADDED_BY_USER, &made,
                                words, room);
    if (rc == 0)
        publish(server, made);
    return rc;
}

/* What is refused before the run sticks; while it runs only the hooks are told why. */
static int fail_addition(struct duet_server *server, int rc, const char *words)
{
    if (!atomic_load(&server->is_running))
        return duet_server_fail_if(server, rc, words);
    if (rc < 0)
        duet_hook_list_notice(&server->service.hooks, "refused while the server runs: %s",
                              words);
    return rc;
}

int duet_server_add_sized(duet_server *server, const duet_method *methods, size_t row_size,
                          size_t table_size, void *ctx)
{
    if (server == NULL)
        return -ENOMEM;
    if (methods == NULL)
        return fail_addition(server, -EINVAL, "duet_server_add() was given no table");
    char words[DUET_SERVER_WORDS] = "";
    duet_method *rows = NULL;
    int rc = duet_table_read(methods, row_size, table_size, &rows, words, sizeof words);
    if (rc == 0) {
        pthread_mutex_lock(&server->lock);
        rc = add_methods(server, rows, ctx, words, sizeof words);
        pthread_mutex_unlock(&server->lock);
    }
    free(rows);
    return fail_addition(server, rc, words);
}

int duet_server_add_types(duet_server *server, const char *types)
{
    if (server == NULL)
        return -ENOMEM;
    if (types == NULL)
        return fail_addition(server, -EINVAL, "duet_server_add_types() was given no types");
    char words[DUET_SERVER_WORDS] = "";
    pthread_mutex_lock(&server->lock);
    int rc =
        duet_type_names_add(duet_registry_types(server->registry), types, words, sizeof words);
    pthread_mutex_unlock(&server->lock);
    return fail_addition(server, rc, words);
}

int duet_server_set_default(duet_server *server, duet_handler handler, unsigned flags,
                            void *ctx)
{
    if (duet_server_check_set_up(server) < 0)
        return duet_server_check_set_up(server);
    const duet_method row = {.name = DUET_METHOD_DEFAULT, .handler = handler, .flags = flags};
    struct duet_method_entry *method = NULL;
    char words[DUET_SERVER_WORDS] = "";
    int rc =
        duet_method_new(&row, ctx, DUET_ADDED_BY_SERVER, NULL, &method, words, sizeof words);
    if (rc == 0)
        duet_registry_set_default(server->registry, method);
    return duet_server_fail_if(server, rc, words);
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
