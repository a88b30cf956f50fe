/*
 * The table of options and the only place that checks their ranges. Knows what the options are
 * called and what they may be, not what they do. args reads flags into it, server asks it.
 */
#include "options.h"

#include "codec.h"

#include <assert.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#define KIB INT64_C(1024)
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)
/* The library counts bytes in size_t, of which 32-bit machines have fewer. */
#define BYTES(n) ((uint64_t)(n) < SIZE_MAX / 2 ? (n) : (int64_t)(SIZE_MAX / 2))
#define SECOND INT64_C(1000) /* in ms */
#define DAY (86400 * SECOND)

enum {
    MAX_LOOPS = 256,     /* more than the CPUs of any machine that serves a port */
    MAX_WORKERS = 4096,  /* threads; the kernel's default limit is not far */
    MANY = 1000 * 1000,  /* connections and calls: what the ids of a process can hold */
    DEFAULT_WORKERS = 4, /* at least: handlers on workers wait more than they compute */
    WORKERS_PER_CPU = 2,
};

/* clang-format off */
static const struct duet_option_row rows[] = {
    {DUET_OPT_LOOPS, "--loops", "event loops, each a thread",
        DUET_UNIT_COUNT, 0, 1, MAX_LOOPS, NULL},
    {DUET_OPT_WORKERS, "--workers", "threads for methods that may block, 0: the loops run them",
        DUET_UNIT_COUNT, 0, 0, MAX_WORKERS, NULL},
    {DUET_OPT_NO_INLINE, "--no-inline", "run every method on a worker",
        DUET_UNIT_SWITCH, 0, 0, 1, NULL},
    /* The XML parser counts in int, so 1 GiB is the most for a message. */
    {DUET_OPT_MAX_MESSAGE, "--max-message", "one request, as sent and decompressed",
        DUET_UNIT_BYTES, 16 * MIB, 64, GIB, NULL},
    {DUET_OPT_MAX_REPLY, "--max-reply", "one reply",
        DUET_UNIT_BYTES, 64 * MIB, KIB, GIB, NULL},
    {DUET_OPT_MAX_DEPTH, "--max-depth", "levels of nesting inside the parameters",
        DUET_UNIT_COUNT, 64, 1, 1024, NULL},
    {DUET_OPT_MAX_VALUES, "--max-values", "values in one message",
        DUET_UNIT_COUNT, 1000 * 1000, 1, 100 * 1000 * 1000, NULL},
    {DUET_OPT_MAX_HEAD, "--max-head", "an HTTP request line and its headers",
        DUET_UNIT_BYTES, 16 * KIB, 256, MIB, NULL},
    {DUET_OPT_MAX_CONNECTIONS, "--max-connections", "open connections",
        DUET_UNIT_COUNT, 10000, 1, MANY, NULL},
    {DUET_OPT_MAX_PER_ADDRESS, "--max-per-address", "open connections of one address, 0 for no limit",
        DUET_UNIT_COUNT, 0, 0, MANY, NULL},
    {DUET_OPT_MAX_IN_FLIGHT, "--max-in-flight", "calls in progress on a MessagePack-RPC connection",
        DUET_UNIT_COUNT, 1024, 1, MANY, NULL},
    {DUET_OPT_MAX_IN_FLIGHT_BYTES, "--max-in-flight-bytes", "their requests on one connection",
        DUET_UNIT_BYTES, 32 * MIB, KIB, BYTES(64 * GIB), NULL},
    {DUET_OPT_MAX_BUFFERED, "--max-buffered", "messages and replies under way, of all connections",
        DUET_UNIT_BYTES, 128 * MIB, MIB, BYTES(1024 * GIB), NULL},
    {DUET_OPT_WORKER_QUEUE, "--worker-queue", "calls that wait for a worker",
        DUET_UNIT_COUNT, 4096, 1, MANY, NULL},
    {DUET_OPT_OUT_MARK, "--out-mark", "unsent replies above which a connection is not read",
        DUET_UNIT_BYTES, MIB, KIB, GIB, NULL},
    {DUET_OPT_MAX_BUFFERED_PER_CONNECTION, "--max-buffered-per-connection",
        "those of one connection, 0 for an eighth; then its calls wait",
        DUET_UNIT_BYTES, 0, 0, BYTES(1024 * GIB), NULL},
    {DUET_OPT_HEAD_TIMEOUT, "--head-timeout", "from a request's first byte to the end of its head",
        DUET_UNIT_MS, 10 * SECOND, 1, DAY, NULL},
    {DUET_OPT_BODY_TIMEOUT, "--body-timeout", "from the end of the head to the end of the request",
        DUET_UNIT_MS, 600 * SECOND, 1, DAY, NULL},
    {DUET_OPT_MIN_RATE, "--min-rate", "per second, of a body sent or a reply taken, over 10 s; 0 for any",
        DUET_UNIT_BYTES, 4 * KIB, 0, GIB, NULL},
    {DUET_OPT_WRITE_TIMEOUT, "--write-timeout", "in which a peer must take some of its reply",
        DUET_UNIT_MS, 30 * SECOND, 1, DAY, NULL},
    {DUET_OPT_IDLE_TIMEOUT, "--idle-timeout", "a connection without a request, 0 for no limit",
        DUET_UNIT_MS, 300 * SECOND, 0, 7 * DAY, NULL},
    {DUET_OPT_LINGER_TIMEOUT, "--linger-timeout", "reading on after the last reply, before closing",
        DUET_UNIT_MS, 30 * SECOND, 1, DAY, NULL},
    {DUET_OPT_LINGER_IDLE, "--linger-idle", "the same, without a byte that comes",
        DUET_UNIT_MS, SECOND, 1, DAY, NULL},
    {DUET_OPT_CALL_TIMEOUT, "--call-timeout", "from a call's arrival to its answer, 0 for no limit",
        DUET_UNIT_MS, 0, 0, DAY, NULL},
    {DUET_OPT_MAX_MULTICALL, "--max-multicall", "calls in one system.multicall",
        DUET_UNIT_COUNT, 1024, 1, 100 * 1000, NULL},
    {DUET_OPT_SLOW_INLINE_MS, "--slow-inline-ms", "an inline handler that holds its loop longer is told of",
        DUET_UNIT_MS, 100, 0, DAY, NULL},
    {DUET_OPT_REQUEST_TIMEOUT, "--request-timeout", "from a call to a client to its answer",
        DUET_UNIT_MS, 30 * SECOND, 1, DAY, NULL},
    {DUET_OPT_DRAIN_MS, "--drain-ms", "how long a drain waits for calls in progress",
        DUET_UNIT_MS, 3 * SECOND, 0, DAY, NULL},
    {DUET_OPT_DRAIN_DELAY_MS, "--drain-delay-ms", "how long a drain goes on serving, /healthz saying 503",
        DUET_UNIT_MS, 0, 0, DAY, NULL},
    {DUET_OPT_BUSY_POLL_US, "--busy-poll-us", "how long a loop without work polls before it sleeps",
        DUET_UNIT_US, 0, 0, 10000, NULL},
    {DUET_OPT_SERVER_TIMING, "--server-timing", "send Server-Timing with HTTP replies",
        DUET_UNIT_SWITCH, 0, 0, 1, NULL},
    {DUET_OPT_CHECK_RESULTS, "--check-results", "results of another type than declared are faults",
        DUET_UNIT_SWITCH, 0, 0, 1, NULL},
    {DUET_OPT_CONTROL_CHARS, "--control-chars", "text that XML cannot carry",
        DUET_UNIT_CHOICE, DUET_CONTROL_CHARS_BASE64, 0, DUET_CONTROL_CHARS_FAULT, "base64|replace|fault"},
    {DUET_OPT_INT, "--int", "what <int> and <i4> may hold: 64 bits or 32",
        DUET_UNIT_CHOICE, DUET_INT_WIDE, 0, DUET_INT_STRICT, "wide|strict"},
    {DUET_OPT_I8, "--i8", "integers beyond 32 bits in XML",
        DUET_UNIT_CHOICE, DUET_I8_PLAIN, 0, DUET_I8_FAULT, "i8|ex:i8|fault"},
    {DUET_OPT_NIL, "--nil", "nil in XML",
        DUET_UNIT_CHOICE, DUET_NIL_PLAIN, 0, DUET_NIL_FALSE, "nil|ex:nil|fault|empty|false"},
    {DUET_OPT_RAW, "--raw", "strings and bytes in MessagePack",
        DUET_UNIT_CHOICE, DUET_RAW_AUTO, 0, DUET_RAW_AUTO, "new|old|auto"},
    {DUET_OPT_ERROR_STYLE, "--error-style", "errors in MessagePack-RPC",
        DUET_UNIT_CHOICE, DUET_ERROR_STYLE_ARRAY, 0, DUET_ERROR_STYLE_JUBATUS, "array|string|jubatus"},
    {DUET_OPT_HTTP_LINE_ENDS, "--http-line-ends", "what ends a line in HTTP: CR LF, or LF alone too",
        DUET_UNIT_CHOICE, DUET_HTTP_LINE_ENDS_STRICT, 0, DUET_HTTP_LINE_ENDS_LENIENT, "strict|lenient"},
};
/* clang-format on */

_Static_assert(sizeof rows / sizeof *rows == DUET_OPTION_COUNT, "one row each");

duet_option duet_option_at(int i)
{
    assert(i >= 0 && i < DUET_OPTION_COUNT);
    return rows[i].option;
}

static const struct duet_option_row *find(duet_option option)
{
    for (size_t i = 0; i < DUET_OPTION_COUNT; i++)
        if (rows[i].option == option)
            return &rows[i];
    return NULL;
}

const struct duet_option_row *duet_option_row(duet_option option)
{
    const struct duet_option_row *row = find(option);
    assert(row != NULL);
    return row;
}

const char *duet_option_flag(duet_option option)
{
    const struct duet_option_row *row = find(option);
    return row != NULL ? row->flag : "";
}

static int64_t at_most(int64_t value, int64_t max)
{
    return value < max ? value : max;
}

/* The CPUs this process may run on, which a container or taskset may have cut; 1 if unknown. */
static int64_t usable_cpus(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) < 0)
        return 1;
    int count = CPU_COUNT(&set);
    return count > 0 ? count : 1;
}

void duet_options_init(struct duet_options *options)
{
    memset(options, 0, sizeof *options);
    for (int i = 0; i < DUET_OPTION_COUNT; i++)
        options->value[rows[i].option] = rows[i].value;

    int64_t cpus = usable_cpus();
    int64_t workers = WORKERS_PER_CPU * cpus;
    options->value[DUET_OPT_LOOPS] = at_most(cpus, MAX_LOOPS);
    options->value[DUET_OPT_WORKERS] =
        workers < DEFAULT_WORKERS ? DEFAULT_WORKERS : at_most(workers, MAX_WORKERS);
}

int64_t duet_options_get(const struct duet_options *options, duet_option option)
{
    enum { PART = 8 }; /* so many that do not read, and only then others wait */
    if (find(option) == NULL)
        return 0;
    int64_t value = options->value[option];
    if (option == DUET_OPT_MAX_BUFFERED_PER_CONNECTION && value == 0)
        return options->value[DUET_OPT_MAX_BUFFERED] / PART;
    return value;
}

void duet_options_done(struct duet_options *options)
{
    for (int i = 0; i < DUET_TEXT_COUNT; i++)
        duet_texts_done(&options->texts[i]);
}

/* The words of a choice with "|" turned into ", " and " or ". */
static void choices_as_words(const char *choices, char *text, size_t room)
{
    size_t used = 0;
    text[0] = '\0';
    for (const char *p = choices; *p != '\0' && used < room; p++) {
        const char *joint = strchr(p + 1, '|') ? ", " : " or ";
        int n = *p == '|' ? snprintf(text + used, room - used, "%s", joint)
                          : snprintf(text + used, room - used, "%c", *p);
        used += (size_t)n;
    }
}

void duet_option_range(duet_option option, char *text, size_t room)
{
    static const char *const units[] = {
        [DUET_UNIT_COUNT] = "", [DUET_UNIT_BYTES] = " bytes", [DUET_UNIT_MS] = " ms",
        [DUET_UNIT_US] = " us", [DUET_UNIT_SWITCH] = "",
    };
    const struct duet_option_row *row = duet_option_row(option);
    if (row->unit == DUET_UNIT_CHOICE)
        choices_as_words(row->choices, text, room);
    else
        snprintf(text, room, "%" PRId64 " to %" PRId64 "%s", row->min, row->max,
                 units[row->unit]);
}

/* The n-th word between the bars. */
static void choice_text(const char *choices, int64_t n, char *text, size_t room)
{
    for (; n > 0 && strchr(choices, '|') != NULL; n--)
        choices = strchr(choices, '|') + 1;
    snprintf(text, room, "%.*s", (int)strcspn(choices, "|"), choices);
}

void duet_option_text(duet_option option, int64_t value, char *text, size_t room)
{
    const struct duet_option_row *row = duet_option_row(option);
    if (row->unit == DUET_UNIT_CHOICE)
        choice_text(row->choices, value, text, room);
    else if (row->unit == DUET_UNIT_SWITCH)
        snprintf(text, room, "%s", value ? "on" : "off");
    else
        snprintf(text, room, "%" PRId64, value);
}

int duet_options_set(struct duet_options *options, duet_option option, int64_t value,
                     char *words, size_t room)
{
    const struct duet_option_row *row = find(option);
    if (row == NULL) {
        snprintf(words, room, "there is no option %d", (int)option);
        return -EINVAL;
    }

    if (value < row->min || value > row->max) {
        char range[80];
        duet_option_range(option, range, sizeof range);
        snprintf(words, room, "%s %" PRId64 ": must be %s", row->flag, value, range);
        return -EINVAL;
    }

    if (options->is_pinned[option] && value != options->value[option]) {
        snprintf(words, room, "%s %" PRId64 ": this program pins it to %" PRId64, row->flag,
                 value, options->value[option]);
        return -EINVAL;
    }

    options->value[option] = value;
    return 0;
}

int duet_options_pin(struct duet_options *options, duet_option option, int64_t value,
                     char *words, size_t room)
{
    if (find(option) != NULL)
        options->is_pinned[option] = false;
    int rc = duet_options_set(options, option, value, words, room);
    if (rc == 0)
        options->is_pinned[option] = true;
    return rc;
}
