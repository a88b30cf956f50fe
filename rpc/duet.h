/*
 * duet.h - register a C function once, have it called over XML-RPC and MessagePack-RPC on one
 * port.
 *
 * This is the whole public interface of libduet and its manual. A server is a few lines:
 *
 *     static int twice(duet_call *call, void *ctx)
 *     {
 *         return duet_reply_int(call, 2 * duet_arg_int(call, 0));
 *     }
 *
 *     static const duet_method methods[] = {
 *         {.name = "double", .signature = "i:i", .handler = twice, .flags =
 * DUET_METHOD_INLINE}, {0},
 *     };
 *
 *     duet_server *server = duet_server_new();
 *     duet_server_add(server, methods, NULL);
 *     duet_server_listen(server, "tcp://127.0.0.1:6789");
 *     int rc = duet_server_run(server);
 *
 * Conventions
 *
 * Functions that can fail return 0 or more on success and a negative number on failure: one of
 * the DUET_FAULT_ codes below or -errno. duet_server_error() has the words.
 *
 * Errors stick. After a failed set-up call duet_server_run() refuses and returns the first
 * error; after a failed duet_write_ call the reply becomes a fault. Check once, at the end.
 *
 * Strings are UTF-8. `const char *` arguments are copied and must not be NULL, unless the
 * comment says otherwise. Texts that a call or a server gives belong to it.
 *
 * What a handler gets from a call (values, strings, the call itself) belongs to the call and is
 * valid until the handler returns.
 *
 * The library prints nothing and installs no signal handler unless asked to.
 *
 * Threads
 *
 * Set-up is single-threaded, and over when duet_server_run() begins: from then on set-up
 * functions return -EBUSY. duet_server_run() turns its caller into the first event loop.
 *
 * While it runs, any thread may call duet_server_add(), duet_server_remove(),
 * duet_server_drain(), duet_server_stats() and duet_server_method_stats(); drain also from a
 * signal handler.
 *
 * A call has one holder: the functions that take a duet_call are for the thread that runs its
 * handler.
 *
 * Processes
 *
 * A handler may start processes: system(), popen(), posix_spawn(), fork() and exec. All fds of
 * the library are closed on exec, and none is 0, 1 or 2.
 *
 * A child that does not exec has copies of everything, but of the threads only the one that
 * forked: it may read what its call holds, and must not return from the handler; it ends by
 * _exit(). Of a running server's functions it may call duet_server_free(), which closes the
 * child's copies of the listening sockets and leaves the server of the parent as it is.
 * duet_server_drain() does nothing in it, and the signals of duet_server_stop_on_signals() have
 * their default action. Connections that the server closes and addresses that it leaves end for
 * the other side though such a child still holds their fds.
 *
 * A server may be set up in one process and run in one that was forked from it, as daemon()
 * does: it belongs to the process that runs it.
 */
#ifndef DUET_H
#define DUET_H

#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#define DUET_API __attribute__((visibility("default")))

#define DUET_VERSION_MAJOR 0
#define DUET_VERSION_MINOR 1
#define DUET_VERSION_PATCH 0
#define DUET_VERSION "0.1.0"

typedef struct duet_server duet_server;
typedef struct duet_call duet_call;
typedef struct duet_value duet_value;
typedef struct duet_writer duet_writer;

/* ---- Fault codes ----
 *
 * The same code means the same thing in both protocols: faultCode in XML-RPC, the first
 * item of `[code, message]` in MessagePack-RPC. Those down to -32500 are of the
 * "Specification for Fault Code Interoperability"; it reserves -32099 to -32000 for
 * implementations, and -32768 to -32000 must not be used by applications: duet_fail() takes
 * any int32, but stay out of that range. */
enum duet_fault_code {
    DUET_FAULT_PARSE = -32700,       /* not well formed */
    DUET_FAULT_ENCODING = -32701,    /* character encoding that is not supported */
    DUET_FAULT_CHARACTER = -32702,   /* byte sequence that is invalid in the encoding */
    DUET_FAULT_REQUEST = -32600,     /* well formed, but not a valid request */
    DUET_FAULT_METHOD = -32601,      /* no such method */
    DUET_FAULT_PARAMS = -32602,      /* wrong number, types or range of arguments */
    DUET_FAULT_INTERNAL = -32603,    /* the method or the server failed */
    DUET_FAULT_APPLICATION = -32500, /* an error of the application without a code of its own */
    DUET_FAULT_LIMIT = -32000,       /* a limit was exceeded; the message names limit and size.
                                        The same call would be refused again: do not retry */
    DUET_FAULT_TIMEOUT = -32001,     /* the call's time is up */
    DUET_FAULT_CANCELLED = -32002,   /* the server stopped before the method ended */
    DUET_FAULT_SHUTTING_DOWN = -32003,
    DUET_FAULT_UNAUTHORIZED = -32004,
    DUET_FAULT_BUSY = -32005, /* no room or no turn just now; the method did not run, or its
                                 answer had no room. The same call may pass later: try again */
};

/* ---- Methods ---- */

/* The function behind a method. Reads its arguments with duet_arg_*, writes exactly one value
 * with duet_reply_* (or several duet_write_* that make one value) and returns 0; or returns
 * what duet_fail() returned, and whatever it wrote is discarded. Writing nothing and returning
 * 0 answers nil. A bare -errno becomes DUET_FAULT_INTERNAL with the errno's text (-EMSGSIZE:
 * DUET_FAULT_LIMIT; -EAGAIN and -EBUSY: DUET_FAULT_BUSY, so return them only if nothing was
 * done that must not be done twice), one of the DUET_FAULT_ codes that fault with its standard
 * words; a positive return and an unfinished value are internal faults. `ctx` is what
 * duet_server_add() was given. */
typedef int (*duet_handler)(duet_call *call, void *ctx);

/* Flags of a method. */
enum {
    /* Runs on the event loop, without a hand-over to a worker: for handlers that never block.
     * Loops run it side by side, so it must be thread-safe (as any handler must, unless there
     * is one worker). Without this flag a handler runs on a worker thread and may block. With
     * --no-inline or max_running, and for calls that take long to read (XML above 16 KiB,
     * MessagePack above 256 KiB or 4,096 values, gzip), it runs on a worker all the same. Do
     * not invoke blocking methods from it. */
    DUET_METHOD_INLINE = 1 << 0,

    /* When max_running calls of it run already, another one is refused at once with
     * DUET_FAULT_BUSY. Without this flag it waits for its turn; but a call through
     * duet_call_invoke() or system.multicall is always refused, for the place that it would
     * wait for may be its own caller's. */
    DUET_METHOD_REFUSE_BUSY = 1 << 1,
};

/* A row of a method table; a row whose name is NULL ends the table. Write rows with designated
 * initialisers: later versions add members.
 *
 * `signature` is "result:params", one letter each: n nil, b bool, i int64, u uint64, d double,
 * s string, r raw bytes, t time, a array, m map, v any. Alternatives are separated by a space
 * ("i:i d:d"); NULL or "" accepts anything, and so does a "*" in place of the arguments, which
 * still tells the result ("a:*"). Arguments are checked before the handler runs, so a handler
 * whose signature is "i:i" may read argument 0 without asking; the result's letter only tells
 * callers what to expect. An int is taken where only d is declared, if a double holds it
 * exactly; an empty array where only m is, and the handler reads an empty map (PHP and Lua know
 * no difference); r takes strings too. The same string feeds system.methodSignature, `help`
 * feeds system.methodHelp; both may be NULL.
 *
 * A call that runs past its time limit is answered with DUET_FAULT_TIMEOUT; its handler goes on
 * until it returns, and holds its place of max_running until then. */
typedef struct duet_method {
    const char *name; /* 1 to 200 bytes; "system." is reserved */
    const char *signature;
    duet_handler handler;
    unsigned flags;
    const char *help;
    unsigned timeout_ms;  /* from arrival to answer, on workers; 0: the server's
                             DUET_OPT_CALL_TIMEOUT */
    unsigned max_running; /* calls of it that run at once; 0: no limit. See
                             DUET_METHOD_REFUSE_BUSY */
} duet_method;

/* ---- A server's life ----
 *
 * new, set up, run, free. All set-up functions take a NULL server (out of memory) and
 * return an error. */

/* A new server with no methods, no listener and default options; NULL when out of memory. */
DUET_API duet_server *duet_server_new(void);

/* Frees the server; closes what it listens on and gives signals back. Not while
 * duet_server_run() or a duet_server_drain() on another thread is in progress (one in a signal
 * handler is waited for). After -ETIMEDOUT it frees nothing, since handlers still
 * run. Takes NULL. */
DUET_API void duet_server_free(duet_server *server);

/* Adds the methods of a table up to its NULL row; `ctx` goes to each handler. Copies everything
 * in it. All or none: -EEXIST for a name that is there already, -EINVAL for a bad name,
 * signature or missing handler, -ENOMEM. Any thread, also while the server runs; calls that
 * come after it see the methods. */
DUET_API int duet_server_add(duet_server *server, const duet_method *methods, void *ctx);

/* Removes one method: -ENOENT if there is none of that name (which does not stick). Any thread,
 * also while the server runs. Calls that already found the method still run: free its `ctx`
 * only after duet_server_run() returned. */
DUET_API int duet_server_remove(duet_server *server, const char *name);

/* Binds and listens now; what arrives waits in the kernel until duet_server_run(). Addresses:
 *   tcp://HOST:PORT      both protocols, told apart by the first byte of each connection
 *   http://HOST:PORT     XML-RPC over HTTP only      msgpack://HOST:PORT   MessagePack-RPC only
 *   unix:PATH            both, on a unix socket      http+unix:PATH, msgpack+unix:PATH   one
 * HOST is a numeric address, localhost, or a name that resolves; an IPv6 address stands in
 * brackets ([fe80::1%eth0] with its interface); port 0 takes a free one. localhost is loopback
 * in both families, a name is all its addresses: they are bound on one port, and each is an
 * address of its own in duet_server_address(); those that this machine does not have are passed
 * over unless it has none.
 *
 * PATH may be followed by ?mode=0660&group=adm, or one of them: who may connect, in force
 * before anybody can. A stale socket that nobody listens on is replaced; the path is removed
 * when the server ends, if it is still its own. unix:@NAME is of Linux's abstract namespace: it
 * has no file, and no permissions either: everybody on this machine may connect.
 *
 * Fails with -EINVAL for an address it cannot read, or -errno of the failed call. */
DUET_API int duet_server_listen(duet_server *server, const char *address);

/* The address of listener number `i` (from 0) as bound, with the real port; NULL past the last
 * one. A call of duet_server_listen() may have made several. Belongs to the server. */
DUET_API const char *duet_server_address(const duet_server *server, size_t i);

/* Drain on SIGTERM and SIGINT; a second signal ends the process at once with its default
 * action. One server per process can have them: -EBUSY otherwise. The former handlers return
 * with duet_server_run(). */
DUET_API int duet_server_stop_on_signals(duet_server *server);

/* Serves until drained. Returns 0 when everything that had arrived was answered and the answers
 * were taken; 1 when the drain's deadline (DUET_OPT_DRAIN_MS) passed first: calls were
 * cancelled, or answers could not be delivered; below 0 on failure: the first set-up error, or
 * -ETIMEDOUT when handlers still run 5 s after that (duet_server_error() names them). A drain
 * ends within DUET_OPT_DRAIN_DELAY_MS + DUET_OPT_DRAIN_MS + 1 s, or 6 s if handlers do not end.
 * Call it once. */
DUET_API int duet_server_run(duet_server *server);

/* Starts an orderly end: stop accepting, answer what has arrived, close. Any thread, a handler,
 * or a signal handler, before, during and after the run, until the server is freed; returns at
 * once; more calls change nothing. duet_server_run() returns when it is done. */
DUET_API void duet_server_drain(duet_server *server);

/* The first set-up error in words, "" if there was none. Belongs to the server; valid until the
 * next call of a set-up function or until freed. What duet_server_add() and
 * duet_server_remove() refuse while the server runs is told by their return value alone. For a
 * NULL server: "out of memory". */
DUET_API const char *duet_server_error(const duet_server *server);

/* ---- Options and limits ----
 *
 * Every option is a number (bytes, time, a count, or one of the choices below), has a
 * default, a range and a command-line flag; duet_server_args() reads the flags, and
 * --print-limits prints the table with the values in force. */
typedef enum duet_option {
    DUET_OPT_LOOPS,           /* event loops, each a thread; default one per CPU */
    DUET_OPT_WORKERS,         /* worker threads for methods that are not DUET_METHOD_INLINE */
    DUET_OPT_INLINE_METHODS,  /* 1: DUET_METHOD_INLINE is heeded; 0: every method runs on a
                                 worker */
    DUET_OPT_MAX_MESSAGE,     /* bytes of one request, as sent and after decompression */
    DUET_OPT_MAX_REPLY,       /* bytes of one reply */
    DUET_OPT_MAX_DEPTH,       /* levels of nesting inside the parameters */
    DUET_OPT_MAX_VALUES,      /* values in one message */
    DUET_OPT_MAX_HEAD,        /* bytes of an HTTP request line and headers */
    DUET_OPT_MAX_CONNECTIONS, /* open connections */
    DUET_OPT_MAX_PER_ADDRESS, /* open connections of one address; 0: no limit of its own */
    DUET_OPT_MAX_IN_FLIGHT,   /* calls in progress on one MessagePack-RPC connection; then it is
                             not   read */
    DUET_OPT_MAX_IN_FLIGHT_BYTES, /* their request bytes on one connection; then it is not
                                     read */
    DUET_OPT_MAX_BUFFERED,        /* bytes of messages and replies under way, all connections
                                     together */
    DUET_OPT_WORKER_QUEUE,        /* calls that wait for busy workers; more are refused */
    DUET_OPT_OUT_MARK,     /* unsent reply bytes of one connection above which it is not read */
    DUET_OPT_HEAD_TIMEOUT, /* ms from the first byte of a request to the end of its head */
    DUET_OPT_BODY_TIMEOUT, /* ms from the end of the head to the end of the request */
    DUET_OPT_MIN_RATE,     /* bytes per second of a body, or of replies that wait; 0: any */
    DUET_OPT_WRITE_TIMEOUT,  /* ms in which a peer must take some of what is sent to it */
    DUET_OPT_IDLE_TIMEOUT,   /* ms a connection may stay without a request */
    DUET_OPT_LINGER_TIMEOUT, /* ms that an ending connection is read on after its last reply, */
    DUET_OPT_LINGER_IDLE,    /* and ms without a byte that end it sooner */
    DUET_OPT_CALL_TIMEOUT,   /* ms from a call's arrival to its answer; 0: no limit */
    DUET_OPT_MAX_MULTICALL,  /* calls in one system.multicall */
    DUET_OPT_DRAIN_MS,       /* ms that a drain waits for calls in progress */
    DUET_OPT_DRAIN_DELAY_MS, /* ms that a drain goes on serving, but GET /healthz says 503 */
    DUET_OPT_BUSY_POLL_US,   /* us that a loop without work polls before it sleeps */
    DUET_OPT_SERVER_TIMING, /* 1: HTTP replies carry Server-Timing, the ms queued and running */
    DUET_OPT_CONTROL_CHARS, /* DUET_CONTROL_BASE64, …: text that XML cannot carry */
    DUET_OPT_INT_RANGE, /* DUET_INT_WIDE, …: what XML's <int> and <i4> may hold when read */
    DUET_OPT_I8,        /* DUET_I8_PLAIN, …: integers beyond 32 bits in XML */
    DUET_OPT_NIL,       /* DUET_NIL_PLAIN, …: nil in XML */
    DUET_OPT_RAW,       /* DUET_RAW_AUTO, …: how strings and bytes are sent in MessagePack */
    DUET_OPT_ERROR_STYLE,    /* DUET_ERROR_ARRAY, …: errors in MessagePack-RPC */
    DUET_OPT_HTTP_LINE_ENDS, /* DUET_LINE_ENDS_STRICT, …: what ends a line in HTTP requests */
    DUET_OPTION_COUNT        /* how many there are; not an option */
} duet_option;

/* Values of the options that choose, with the words that their flags take. */
enum {
    DUET_CONTROL_BASE64 = 0, /* --control-chars base64: the whole text as base64 */
    DUET_CONTROL_REPLACE,    /* replace: U+FFFD for each character */
    DUET_CONTROL_FAULT,      /* fault: the call fails */

    DUET_INT_WIDE = 0, /* --int wide: 64 bits, as many clients send them */
    DUET_INT_STRICT,   /* strict: 32 bits, as the specification has it */

    DUET_I8_PLAIN = 0, /* --i8 i8: <i8> */
    DUET_I8_EX,        /* ex:i8: Apache's <ex:i8> */
    DUET_I8_FAULT,     /* fault: the call fails */

    DUET_NIL_PLAIN = 0, /* --nil nil: <nil/> */
    DUET_NIL_EX,        /* ex:nil: Apache's <ex:nil/> */
    DUET_NIL_FAULT,     /* fault: the call fails */
    DUET_NIL_EMPTY,     /* empty: an empty string, for clients that know no nil */
    DUET_NIL_FALSE,     /* false: a boolean, for the same */

    DUET_RAW_NEW = 0, /* --raw new: str8, bin and ext for every peer */
    DUET_RAW_OLD,     /* old: none of them, as before 2013 */
    DUET_RAW_AUTO,    /* auto: old for peers that show it, new for all others */

    DUET_ERROR_ARRAY = 0, /* --error-style array: [code, message] */
    DUET_ERROR_STRING,    /* string: the message alone */
    DUET_ERROR_JUBATUS,   /* jubatus: 1 no such method, 2 bad arguments, else the message */

    DUET_LINE_ENDS_STRICT = 0, /* --http-line-ends strict: CR LF and nothing else */
    DUET_LINE_ENDS_LENIENT,    /* lenient: LF alone too, in heads and chunk lines */
};

/* Sets one option, before run. -EINVAL with words that name flag and range when out of
 * range. */
DUET_API int duet_server_set(duet_server *server, duet_option option, int64_t value);

/* Sets one option by its flag's name and as its flag does: ("max-message", "1M"), ("nil",
 * "empty"), ("no-inline", "on"). For options that are lists of texts this is the only way, and
 * it adds to the list:
 *   "allow-origin"  whose pages may call from a browser: an origin as "https://app.example",
 *                   "null" (pages without one: files, sandboxes), or "*" (the pages of every
 *                   site, which then reach whatever this server does)
 *   "allow-host"    a name besides localhost by which browsers may call: behind a proxy that
 *                   passes its own Host on, the name of that
 * -EINVAL with words for a name that there is not, or a value that the option does not take. */
DUET_API int duet_server_set_text(duet_server *server, const char *name, const char *value);

/* The option's value; 0 for an option that does not exist or a NULL server. */
DUET_API int64_t duet_server_get(const duet_server *server, duet_option option);

/* Reads a server program's command line: --listen URL (repeatable), one flag for each option
 * above
 * (--max-message 1M), --no-inline, --print-limits, --help, --version. With no --listen and no
 * listener yet it listens on tcp://127.0.0.1:6789. `argv[0]` is the program's name. Returns 0
 * to go on and run; 1 when the user asked for text instead: print duet_server_text() and exit
 * 0; -EINVAL for a flag or value it does not know, or what duet_server_listen() returned. */
DUET_API int duet_server_args(duet_server *server, int argc, char *const argv[]);

/* The text that duet_server_args() was asked for; "" if none. Belongs to the server. */
DUET_API const char *duet_server_text(const duet_server *server);

/* ---- Reading values ----
 *
 * A value is read-only, belongs to its call and never is NULL: a missing argument, item or
 * key reads as nil (and so does NULL), and a reader of the wrong type returns 0, false, "" or
 * an empty container. */
typedef enum duet_type {
    DUET_TYPE_NIL,
    DUET_TYPE_BOOL,
    DUET_TYPE_INT,  /* an integer that fits int64 */
    DUET_TYPE_UINT, /* an integer above INT64_MAX */
    DUET_TYPE_DOUBLE,
    DUET_TYPE_STRING,
    DUET_TYPE_BYTES,
    DUET_TYPE_TIME,
    DUET_TYPE_ARRAY,
    DUET_TYPE_MAP,
    DUET_TYPE_EXT, /* a MessagePack extension other than a timestamp */
} duet_type;

/* An instant, UTC. XML-RPC's dateTime.iso8601 has no zone: it is read and written as UTC; an
 * offset, where one was sent, is applied and not kept. */
typedef struct duet_time {
    int64_t seconds;      /* since 1970-01-01T00:00:00Z, may be negative */
    uint32_t nanoseconds; /* 0 to 999,999,999 */
} duet_time;

/* How many arguments the call has, and one of them (from 0). */
DUET_API size_t duet_arg_count(const duet_call *call);
DUET_API const duet_value *duet_arg(const duet_call *call, size_t i);

/* Argument `i`, read at once: duet_value_int(duet_arg(call, i)) and so on. */
DUET_API duet_type duet_arg_type(const duet_call *call, size_t i);
DUET_API bool duet_arg_bool(const duet_call *call, size_t i);
DUET_API int64_t duet_arg_int(const duet_call *call, size_t i);
DUET_API uint64_t duet_arg_uint(const duet_call *call, size_t i);
DUET_API double duet_arg_double(const duet_call *call, size_t i);
DUET_API const char *duet_arg_string(const duet_call *call, size_t i, size_t *size);
DUET_API const void *duet_arg_bytes(const duet_call *call, size_t i, size_t *size);
DUET_API duet_time duet_arg_time(const duet_call *call, size_t i);

DUET_API duet_type duet_value_type(const duet_value *value);
/* The name people know: "int", "string", "map", … */
DUET_API const char *duet_type_name(duet_type type);
DUET_API bool duet_value_bool(const duet_value *value);
/* An int; a double with an integral value in range is taken too. 0 for anything else. */
DUET_API int64_t duet_value_int(const duet_value *value);
DUET_API uint64_t duet_value_uint(const duet_value *value);
/* A double, or an integer converted to the nearest one. */
DUET_API double duet_value_double(const duet_value *value);
/* A string or bytes, ended by a NUL that `size` does not count (it may contain others). `size`
 * may be NULL. */
DUET_API const char *duet_value_string(const duet_value *value, size_t *size);
/* The same without the NUL, and without touching them: for large strings. A later
 * duet_value_string() of the same value may move them: what this returned is then no longer
 * good. */
DUET_API const void *duet_value_bytes(const duet_value *value, size_t *size);
DUET_API duet_time duet_value_time(const duet_value *value);
/* A MessagePack extension's type; its payload is read with duet_value_bytes(). */
DUET_API int duet_value_ext_type(const duet_value *value);

/* Items of an array, or pairs of a map. */
DUET_API size_t duet_value_count(const duet_value *value);
/* Item `i` of an array, or the value of pair `i` of a map. */
DUET_API const duet_value *duet_value_item(const duet_value *value, size_t i);
/* The key of pair `i` of a map: a string in XML-RPC, any value in MessagePack. */
DUET_API const duet_value *duet_value_key(const duet_value *value, size_t i);
/* The value under a string key; where a key comes twice, the last one counts. */
DUET_API const duet_value *duet_value_get(const duet_value *map, const char *key);

/* ---- Answering ----
 *
 * A handler answers with one duet_reply_*, or builds one value with the writer. All return
 * 0, or a negative code that sticks and that the handler may simply return. A wrong use (a
 * second value, NULL where something must be, a size beyond DUET_OPT_MAX_REPLY, a count that is
 * not kept) is a fault that names the method, the same in both protocols. */
DUET_API int duet_reply_nil(duet_call *call);
DUET_API int duet_reply_bool(duet_call *call, bool value);
DUET_API int duet_reply_int(duet_call *call, int64_t value);
DUET_API int duet_reply_uint(duet_call *call, uint64_t value);
DUET_API int duet_reply_double(duet_call *call, double value);
DUET_API int duet_reply_string(duet_call *call, const char *text);
DUET_API int duet_reply_bytes(duet_call *call, const void *bytes, size_t size);
DUET_API int duet_reply_time(duet_call *call, duet_time value);
DUET_API int duet_reply_value(duet_call *call, const duet_value *value);

/* Ends the call with a fault, whatever its handler returns after it: `code` is any int32 (0
 * stands for DUET_FAULT_APPLICATION), the message is printf-formatted, UTF-8, cut at 1,000
 * bytes; it may be made of the words of duet_call_fault(). Returns the negative number that the
 * handler returns. */
DUET_API int duet_fail(duet_call *call, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The writer of the call's reply, for answers made of parts. */
DUET_API duet_writer *duet_call_writer(duet_call *call);

/* One value each. Strings need not end with a NUL and may hold any bytes: text that XML cannot
 * carry is sent to XML-RPC callers as base64. */
DUET_API int duet_write_nil(duet_writer *writer);
DUET_API int duet_write_bool(duet_writer *writer, bool value);
DUET_API int duet_write_int(duet_writer *writer, int64_t value);
DUET_API int duet_write_uint(duet_writer *writer, uint64_t value);
DUET_API int duet_write_double(duet_writer *writer, double value);
DUET_API int duet_write_string(duet_writer *writer, const char *text, size_t size);
DUET_API int duet_write_bytes(duet_writer *writer, const void *bytes, size_t size);
DUET_API int duet_write_time(duet_writer *writer, duet_time value);
/* Copies a whole value: an argument, or a part of one. */
DUET_API int duet_write_value(duet_writer *writer, const duet_value *value);

/* Containers say up front what they hold and close themselves after the last item: `count`
 * values for an array; `count` pairs for a map, each a duet_write_key() and a value. A count
 * that is not kept is a fault. */
DUET_API int duet_write_array(duet_writer *writer, size_t count);
DUET_API int duet_write_map(duet_writer *writer, size_t count);
DUET_API int duet_write_key(duet_writer *writer, const char *key, size_t size);

/* A record: `count` named fields in a fixed order, each a duet_write_field() and a value.
 * XML-RPC sees a struct. MessagePack-RPC sees a map, or with DUET_RECORD_ARRAY an array of the
 * values alone. */
typedef enum duet_record_form { DUET_RECORD_MAP, DUET_RECORD_ARRAY } duet_record_form;
DUET_API int duet_write_record(duet_writer *writer, size_t count, duet_record_form form);
DUET_API int duet_write_field(duet_writer *writer, const char *name);

/* A place to come back to: rewind discards all that was written since, and the error, if one
 * stuck since. A mark stays good while the container that was open at the mark is open, until
 * the writer goes back to an earlier one. To go back to a mark that is not good, or of another
 * call, is a fault. */
typedef struct duet_mark {
    uint64_t number;
    size_t size, depth, start, left, wanted;
    int kind, error;
    unsigned references;
} duet_mark;
DUET_API duet_mark duet_writer_mark(duet_writer *writer);
DUET_API void duet_writer_rewind(duet_writer *writer, duet_mark mark);

/* ---- About a call ---- */

/* True once nobody waits for the answer any more: the caller's connection was reset or hung up,
 * the call's time is up, or the server cancels what still runs at the end of a drain. A caller
 * that only ended sending waits for its answer; one that sent a notification never waited for
 * any, so its leaving cancels nothing. Long handlers ask now and then, and return early. Always
 * false for a handler that runs inline. */
DUET_API bool duet_call_cancelled(const duet_call *call);

/* The method's name; of one that does not exist, as it was called: 200 bytes at most, with
 * control characters and what is no UTF-8 as \x0a. */
DUET_API const char *duet_call_method(const duet_call *call);
/* The caller's address: "127.0.0.1:40312", "[::1]:40312", or "unix"; "" when out of memory. */
DUET_API const char *duet_call_peer(duet_call *call);

typedef enum duet_protocol { DUET_PROTOCOL_XMLRPC, DUET_PROTOCOL_MSGPACKRPC } duet_protocol;
DUET_API duet_protocol duet_call_protocol(const duet_call *call);
/* A MessagePack-RPC notification: nobody gets the answer. */
DUET_API bool duet_call_is_notification(const duet_call *call);
/* The server that the call came to: to add methods or to drain it from a handler. */
DUET_API duet_server *duet_call_server(const duet_call *call);

/* Calls another method of this server on the same thread, as the same caller; its result goes
 * to `writer` as one value. `args` is an array value. Returns 0, or the negative code of a
 * fault that duet_call_fault() describes; then nothing was written. It passes the hooks and
 * counts for its method, but not as an accepted call. Calls within calls go 16 deep. */
DUET_API int duet_call_invoke(duet_call *call, const char *method, const duet_value *args,
                              duet_writer *writer);

/* The fault that the last failed duet_call_invoke() or duet_fail() of this call left: code and
 * words. */
DUET_API int duet_call_fault(const duet_call *call, const char **message);

/* ---- Hooks ---- */

/* How a call ended, for the after-hook. The sizes are 0 for calls within calls. */
typedef struct duet_outcome {
    int code; /* 0, or the fault's code */
    /* "", or the fault's words on one line: what would leave it stands there as \x0a. */
    const char *message;
    size_t request_bytes, reply_bytes;
} duet_outcome;

/* Before: runs on the handler's thread before each call, when method and arguments are known to
 * be good; returning what duet_fail() returned refuses the call. After: runs once for each call
 * and tells what its caller was answered. It runs on the same thread, after the handler, when
 * the reply is complete; for a call that did not begin, on the thread that found that out: a
 * worker's or a loop's, so it must be quick. Those are refused for method, arguments, a limit
 * or by the before-hook, or answered at their time limit or at the end of a drain while they
 * waited; a call whose client left before it began is not told at all. Of a call that was
 * answered at its time limit, or at the end of a drain, while its handler ran, it tells that
 * fault (DUET_FAULT_TIMEOUT, DUET_FAULT_CANCELLED), when the handler has returned. Both see
 * method, peer and protocol through `call`. */
typedef int (*duet_before_hook)(duet_call *call, void *ctx);
typedef void (*duet_after_hook)(duet_call *call, const duet_outcome *outcome, void *ctx);

/* Sets the server's hooks, before run; each may be NULL. They must be thread-safe. */
DUET_API int duet_server_set_hooks(duet_server *server, duet_before_hook before,
                                   duet_after_hook after, void *ctx);

/* ---- Counters ----
 *
 * What the server has counted since it started; system.stats answers the same to any client.
 * Each call that was accepted ends in exactly one way: calls_accepted = ok + fault + refused +
 * cancelled + dropped + timed_out + calls_in_progress. */
typedef struct duet_call_stats {
    uint64_t ok, fault; /* answered with a result, or with a fault */
    uint64_t refused;   /* answered with a fault before it ran: a full queue, a busy method, a
                           limit */
    uint64_t cancelled; /* answered with a fault at the end of a drain */
    uint64_t dropped;   /* the client was gone before the answer */
    uint64_t timed_out; /* answered with a fault at its deadline */
    uint64_t queue_us, run_us; /* waiting for a worker and running on one, all calls together */
} duet_call_stats;

typedef struct duet_stats {
    uint64_t connections_open, connections_accepted;

    /* Connections that were told they are too many; those that were closed at once because the
     * process may open no more files (ulimit -n); and how often accepting paused because it
     * failed otherwise. */
    uint64_t refused_max_connections, refused_max_per_address, refused_max_fds, accept_pauses;

    /* How often a limit stopped a connection from being read. */
    uint64_t paused_max_in_flight, paused_max_in_flight_bytes, paused_out_mark;

    uint64_t bytes_in, bytes_out;

    /* Held now for large messages and replies, and messages refused over it; see
     * DUET_OPT_MAX_BUFFERED. */
    uint64_t buffered_bytes, refused_max_buffered;

    uint64_t workers, workers_active, workers_waiting, queue_length;
    uint64_t calls_accepted, calls_in_progress;
    duet_call_stats calls;

    uint64_t late_results;        /* of calls that were answered or dropped before */
    uint64_t unreadable_messages; /* of no protocol of ours, or without a msgid to answer */
    uint64_t unasked_replies;     /* replies that nobody asked for; ignored */
} duet_stats;

/* The totals, and those of one method (-ENOENT if there is none of that name). Any thread,
 * while the server runs; before and after, most are 0. */
DUET_API int duet_server_stats(const duet_server *server, duet_stats *stats);
DUET_API int duet_server_method_stats(const duet_server *server, const char *method,
                                      duet_call_stats *stats);

#ifdef __cplusplus
}
#endif

#endif
