/*
 * A server for trying clients against: every type there and back, a slow method, one that waits
 * for another call, a failing one, one that returns nothing, and the XML-RPC validation suite.
 */
#include "validator1.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static int twice(duet_call *call, void *ctx)
{
    (void)ctx;
    if (duet_arg_type(call, 0) == DUET_TYPE_DOUBLE)
        return duet_reply_double(call, 2 * duet_arg_double(call, 0));

    int64_t x = duet_arg_int(call, 0);
    if (x > INT64_MAX / 2 || x < INT64_MIN / 2)
        return duet_fail(call, DUET_FAULT_PARAMS,
                         "cannot double %" PRId64 ": it exceeds 64 bits", x);
    return duet_reply_int(call, 2 * x);
}

static int echo(duet_call *call, void *ctx)
{
    (void)ctx;
    return duet_reply_value(call, duet_arg(call, 0));
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static void nap(double seconds)
{
    struct timespec time = {.tv_nsec = (long)(1e9 * seconds)};
    nanosleep(&time, NULL);
}

/* Sleeps in short naps, so that it notices when nobody waits for it any more. */
static int demo_sleep(duet_call *call, void *ctx)
{
    (void)ctx;
    const double longest_nap = 0.02;
    double seconds = duet_arg_double(call, 0);
    if (!(seconds >= 0)) /* also for NaN */
        return duet_fail(call, DUET_FAULT_PARAMS, "cannot sleep for %g seconds", seconds);

    double start = now(), left = seconds;
    while (left > 0 && !duet_call_cancelled(call)) {
        nap(left < longest_nap ? left : longest_nap);
        left = start + seconds - now();
    }
    return duet_reply_double(call, left > 0 ? seconds - left : seconds);
}

/* How many waits there are, and how many of each number may end. */
static struct {
    pthread_mutex_t lock;
    int count;
    unsigned may_end[64];
} waits = {.lock = PTHREAD_MUTEX_INITIALIZER};

static bool may_end(unsigned number)
{
    pthread_mutex_lock(&waits.lock);
    bool may = waits.may_end[number] > 0;
    waits.may_end[number] -= may;
    pthread_mutex_unlock(&waits.lock);
    return may;
}

static int count_waits(int more)
{
    pthread_mutex_lock(&waits.lock);
    int count = waits.count += more;
    pthread_mutex_unlock(&waits.lock);
    return count;
}

/* The number that waits, or goes; negative when it is none. */
static int number_of(duet_call *call)
{
    int64_t number = duet_arg_int(call, 0);
    int last = (int)(sizeof waits.may_end / sizeof *waits.may_end) - 1;
    if (number < 0 || number > last)
        return duet_fail(call, DUET_FAULT_PARAMS, "the number must be 0 to %d", last);
    return (int)number;
}

static int demo_wait(duet_call *call, void *ctx)
{
    (void)ctx;
    int number = number_of(call);
    if (number < 0)
        return number;
    count_waits(1);
    while (!may_end((unsigned)number) && !duet_call_cancelled(call))
        nap(0.001);
    count_waits(-1);
    return duet_reply_int(call, number);
}

static int demo_waits(duet_call *call, void *ctx)
{
    (void)ctx;
    return duet_reply_int(call, count_waits(0));
}

static int demo_go(duet_call *call, void *ctx)
{
    (void)ctx;
    int number = number_of(call);
    if (number < 0)
        return number;
    pthread_mutex_lock(&waits.lock);
    waits.may_end[number]++;
    pthread_mutex_unlock(&waits.lock);
    return 0;
}

static int demo_fail(duet_call *call, void *ctx)
{
    (void)ctx;
    int64_t code = duet_arg_int(call, 0);
    if (code < INT32_MIN || code > INT32_MAX)
        return duet_fail(call, DUET_FAULT_PARAMS, "the code %" PRId64 " exceeds 32 bits", code);
    return duet_fail(call, (int)code, "%s", duet_arg_string(call, 1, NULL));
}

static int demo_nothing(duet_call *call, void *ctx)
{
    (void)call;
    (void)ctx;
    return 0;
}

static int iso(duet_call *call, void *ctx)
{
    (void)ctx;
    time_t seconds = time(NULL);
    struct tm today;
    char text[sizeof "YYYY-MM-DD"];
    gmtime_r(&seconds, &today);
    strftime(text, sizeof text, "%Y-%m-%d", &today);
    return duet_reply_string(call, text);
}

/* ---- Calls to the client: its method stands first, then that one's arguments ---- */

static void write_rest(duet_writer *writer, const duet_call *call)
{
    for (size_t i = 1; i < duet_arg_count(call); i++)
        duet_write_value(writer, duet_arg(call, i));
}

static duet_request *request_of(duet_call *call)
{
    size_t count = duet_arg_count(call);
    duet_request *request = duet_session_request(
        duet_call_session(call), duet_arg_string(call, 0, NULL), count > 0 ? count - 1 : 0);
    write_rest(duet_request_writer(request), call);
    return request;
}

static int demo_ask(duet_call *call, void *ctx)
{
    (void)ctx;
    duet_request *request = request_of(call);
    int rc = duet_request_wait(request);
    rc = rc == 0 ? duet_reply_value(call, duet_request_result(request))
                 : duet_fail_request(call, request);
    duet_request_free(request);
    return rc;
}

/* The answer has come, or never will: on a loop. */
static void answered(duet_request *request, void *ctx)
{
    duet_kept *kept = ctx;
    duet_call *call = duet_kept_call(*kept);
    int rc = 0;
    if (call != NULL)
        rc = duet_request_status(request) == 0
                 ? duet_reply_value(call, duet_request_result(request))
                 : duet_fail_request(call, request);
    duet_kept_finish(*kept, rc);
    free(kept);
}

/* The same without waiting: on a loop nobody may. */
static int demo_ask_later(duet_call *call, void *ctx)
{
    (void)ctx;
    duet_kept *kept = malloc(sizeof *kept);
    if (kept == NULL)
        return -ENOMEM;
    duet_request *request = request_of(call);
    *kept = duet_call_keep(call);
    duet_request_send(request, answered, kept); /* its callback is called whatever happens */
    duet_request_free(request);
    return 0;
}

static int demo_tell(duet_call *call, void *ctx)
{
    (void)ctx;
    duet_request *request = request_of(call);
    int rc = duet_request_notify(request);
    duet_request_free(request);
    return rc;
}

static bool is_other(duet_session *session, void *ctx)
{
    return session != ctx;
}

static int demo_tell_others(duet_call *call, void *ctx)
{
    (void)ctx;
    size_t count = duet_arg_count(call);
    duet_broadcast *news = duet_broadcast_new(
        duet_call_server(call), duet_arg_string(call, 0, NULL), count > 0 ? count - 1 : 0);
    write_rest(duet_broadcast_writer(news), call);
    int rc = duet_broadcast_send(news, is_other, duet_call_session(call));
    duet_broadcast_free(news);
    return rc < 0 ? rc : duet_reply_int(call, rc);
}

static int demo_slow_reader(duet_call *call, void *ctx)
{
    (void)ctx;
    duet_session_set_slow_reader(duet_call_session(call),
                                 (duet_slow_reader)duet_arg_int(call, 0));
    return 0;
}

static const duet_method methods[] = {
    {.name = "double",
     .signature = "i:i d:d",
     .handler = twice,
     .flags = DUET_METHOD_INLINE,
     .help = "Twice its argument."},
    {.name = "echo",
     .signature = "v:v",
     .handler = echo,
     .flags = DUET_METHOD_INLINE,
     .help = "Its argument, of any type."},
    {.name = "demo.sleep",
     .signature = "d:d",
     .handler = demo_sleep,
     .help = "Sleeps for some seconds; returns how long it slept."},
    {.name = "demo.wait",
     .signature = "i:i",
     .handler = demo_wait,
     .help = "Waits until demo.go is called with the same number, and returns that."},
    {.name = "demo.waits",
     .signature = "i:",
     .handler = demo_waits,
     .flags = DUET_METHOD_INLINE,
     .help = "How many calls of demo.wait have begun and wait."},
    {.name = "demo.go",
     .signature = "n:i",
     .handler = demo_go,
     .flags = DUET_METHOD_INLINE,
     .help = "Lets one demo.wait with that number end, now or when it comes."},
    {.name = "demo.fail",
     .signature = "n:is",
     .handler = demo_fail,
     .flags = DUET_METHOD_INLINE,
     .help = "Fails with this code and message."},
    {.name = "demo.nothing",
     .signature = "n:",
     .handler = demo_nothing,
     .flags = DUET_METHOD_INLINE,
     .help = "Returns nothing."},
    {.name = "demo.ask",
     .signature = "v:*",
     .handler = demo_ask,
     .help = "Calls a method of the caller's client with these arguments; answers its answer."},
    {.name = "demo.ask_later",
     .signature = "v:*",
     .handler = demo_ask_later,
     .flags = DUET_METHOD_INLINE,
     .help = "The same on a loop: it keeps its call and waits for nothing."},
    {.name = "demo.tell",
     .signature = "n:*",
     .handler = demo_tell,
     .help = "Notifies the caller's client: a method, and its arguments."},
    {.name = "demo.tell_others",
     .signature = "i:*",
     .handler = demo_tell_others,
     .help = "Notifies all other clients; answers how many."},
    {.name = "demo.slow_reader",
     .signature = "n:i",
     .handler = demo_slow_reader,
     .help = "What happens if the caller's client is slow: 0 close, 1 drop the oldest."},
    {.name = "iso",
     .signature = "s:",
     .handler = iso,
     .flags = DUET_METHOD_INLINE,
     .help = "Today in UTC, as YYYY-MM-DD."},
    {0},
};

static int serve(duet_server *server)
{
    signal(SIGPIPE, SIG_IGN); /* that nobody reads what it prints is no reason to end */
    for (size_t i = 0; duet_server_address(server, i) != NULL; i++)
        printf("listening on %s\n", duet_server_address(server, i));
    fflush(stdout);
    return duet_server_run(server);
}

int main(int argc, char *argv[])
{
    duet_server *server = duet_server_new();
    duet_server_add(server, methods, NULL);
    duet_server_add(server, validator1_methods, NULL);
    duet_server_stop_on_signals(server);

    int rc = duet_server_args(server, argc, argv);
    if (rc == 0) {
        rc = serve(server);
    } else if (rc > 0) { /* --help and its like */
        fputs(duet_server_args_text(server), stdout);
        rc = 0;
    }

    if (rc < 0) /* the first error of all the calls above */
        fprintf(stderr, "interop_server: %s\n", duet_server_error(server));
    duet_server_free(server);
    return rc < 0 ? 2 : rc;
}
