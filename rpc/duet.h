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
 *         {.name = "double", .signature = "i:i", .handler = twice},
 *         {0},
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
 * the DUET_FAULT_ codes below or -errno. duet_server_error() has the words of set-up,
 * duet_call_fault() those of a call.
 *
 * Errors stick. After a failed set-up call duet_server_run() refuses and returns the first
 * error; after a failed duet_write_ call the reply becomes a fault. Check once, at the end.
 *
 * Strings are UTF-8. `const char *` arguments end with a NUL unless a size stands beside them,
 * and are copied. A NULL server is out of memory, everywhere: functions that can fail return
 * -ENOMEM, others do nothing. A NULL value reads as nil. A NULL string where one must be
 * is an error, but duet_reply_string(call, NULL) answers nil. A NULL call or writer is one
 * whose call is over: functions that can fail return -EALREADY, others do nothing. Texts that a
 * call or a server gives belong to it.
 *
 * What a handler gets from a call (values, strings, the call itself) belongs to the call and is
 * valid until the handler returns, or until a call that is kept is finished.
 *
 * The library prints nothing and installs no signal handler unless asked to.
 *
 * Versions
 *
 * Structs that a program fills or has filled carry their size with them (the functions that
 * end in _sized are for that), and later versions only add members at their end: a program
 * built with an older duet.h goes on working. One built with a newer duet.h works too, as long
 * as it leaves the members that this library does not know 0; else it is refused with words.
 * Enum values never change. Until 1.0 that holds within one minor version, which the library's
 * soname carries.
 *
 * Threads
 *
 * duet_server_run() turns its caller into the first event loop. What may be called when, and
 * from where ("set-up": from one thread at a time; in the run and after it, -EBUSY):
 *
 *     duet_server_                          before the run   while it runs
 *     new, listen, set, set_text, args,     set-up           -
 *       args_with, add_hooks, set_default,
 *       pin, listen_fd, stop_on_signals
 *     add, add_types, remove                set-up           any thread, handlers too
 *     drain                                 any thread, and signal handlers, until it is freed
 *     stats, method_stats                   set-up           any thread, handlers too
 *     address, get, args_text               set-up           any thread, handlers too
 *     each_session, broadcast               -                any thread, handlers too
 *     error                                 set-up           - (after it, again)
 *     run; or start, process, fd, wait;     once             process and fd: the thread that
 *       or start_threads, wait                               called start; wait: any, once
 *     adopt                                 -                any thread, handlers too
 *     is_draining                           any thread       any thread, handlers too
 *     free                                  set-up           - (after it, once)
 *
 *     duet_arg_, duet_reply_, duet_write_,  -                the thread that runs the handler,
 *       duet_writer_, duet_fail, duet_call_                  or the hook, until it returns; of
 *                                                            a kept call, who holds it
 *     duet_value_ of a call's values        -                the same
 *     duet_session_, duet_request_,         any thread that has a reference, or made it
 *       duet_broadcast_
 *     duet_kept_                            any thread, for ever
 *     duet_parse_, duet_type_name,
 *       duet_version                        any thread, any time
 *
 * Handlers and hooks run on many threads at once, of the same method too: what they share is
 * theirs to lock.
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
 * does: it belongs to the process that runs it. The other may free its copy at any time: paths
 * of unix sockets stay where somebody listens.
 */
#ifndef DUET_H
#define DUET_H

#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#define DUET_API __attribute__((visibility("default")))

/* A function in this header: it passes the size of a struct as its caller was compiled with. */
#define DUET_INLINE_API static inline __attribute__((always_inline, unused))

/* Its result must not be thrown away. */
#define DUET_MUST_USE __attribute__((warn_unused_result))

/* Compilers that can check it are told that one argument points to as many bytes as another
 * one says. */
#if defined __GNUC__ && !defined __clang__ && __GNUC__ >= 10
#define DUET_READS(pointer, size) __attribute__((access(read_only, pointer, size)))
#else
#define DUET_READS(pointer, size)
#endif

#define DUET_VERSION_MAJOR 0
#define DUET_VERSION_MINOR 1
#define DUET_VERSION_PATCH 0
#define DUET_VERSION "0.1.0"

/* The version of the library that runs, which may be newer than DUET_VERSION: "0.1.0". Any
 * thread. */
DUET_API const char *duet_version(void);

typedef struct duet_server duet_server;
typedef struct duet_call duet_call;
typedef struct duet_value duet_value;
typedef struct duet_writer duet_writer;
typedef struct duet_session duet_session; /* a client's connection: see Sessions */
typedef struct duet_request duet_request; /* a call to a client: see Calling the client */
typedef struct duet_broadcast duet_broadcast;

/* A call that is kept: see Answering later. */
typedef struct duet_kept {
    uint64_t id; /* 0: none */
} duet_kept;

/* ---- Fault codes ----
 *
 * The same code means the same thing in both protocols: faultCode in XML-RPC, the first
 * item of `[code, message]` in MessagePack-RPC. Those down to -32500 are of the
 * "Specification for Fault Code Interoperability"; it reserves -32099 to -32000 for
 * implementations, and -32768 to -32000 must not be used by applications: duet_fail() takes
 * any int32, but stay out of that range.
 *
 * Functions that fail with a fault return its code if that is negative, and
 * DUET_FAULT_APPLICATION for any other (codes of an application's own are often positive);
 * duet_call_fault() tells the true one. A handler that returns this number passes the fault on,
 * with its words. */
typedef enum duet_fault_code {
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
} duet_fault_code;

/* ---- Methods ---- */

/* The function behind a method. Reads its arguments with duet_arg_*, writes exactly one value
 * with duet_reply_* (or several duet_write_* that make one value) and returns 0; or returns
 * what duet_fail(), or any other function that failed, returned, and whatever it wrote is
 * discarded. Writing nothing and returning 0 answers nil. A bare -errno becomes
 * DUET_FAULT_INTERNAL with the errno's text (-EMSGSIZE: DUET_FAULT_LIMIT; -EAGAIN and -EBUSY:
 * DUET_FAULT_BUSY, so return them only if nothing was done that must not be done twice), one of
 * the DUET_FAULT_ codes that fault with its standard words; a positive return and an unfinished
 * value are internal faults. `ctx` is what duet_server_add() was given. */
typedef int (*duet_handler)(duet_call *call, void *ctx);

/* Flags of a method. */
typedef enum duet_method_flag {
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

    /* A caller that ends sending (a FIN) is taken for one that is gone, and its call is
     * cancelled: for methods that wait for something, since a process that died on the same
     * machine sends no more than that. Without this flag such a caller is answered. Callers
     * that end sending on purpose (nc -N, HTTP/1.0 libraries that half-close) cannot use such a
     * method. */
    DUET_METHOD_FIN_CANCELS = 1 << 2,

    /* Takes the place of the method of that name, if there is one; names that begin with
     * "system." may be taken with it too. Calls that found the other one still run it, and its
     * counters go with it. */
    DUET_METHOD_REPLACE = 1 << 3,

    /* A drain cancels its calls when it begins instead of at its deadline, and is not 1 for it:
     * for methods that wait for something that need not come. */
    DUET_METHOD_DRAIN_CANCELS = 1 << 4,
} duet_method_flag;

/* No time limit, where a number of milliseconds is wanted: duet_method.timeout_ms of a method
 * whose calls may take any time, whatever the server's DUET_OPT_CALL_TIMEOUT, say. */
#define DUET_NO_TIMEOUT UINT_MAX

/* A row of a method table; a row whose name is NULL ends the table. Write rows with designated
 * initialisers: later versions add members at its end, and 0 in them changes nothing.
 *
 * `signature` says what the method takes and gives, "i:i d:d" or with types that go inside: see
 * Signatures below. Arguments are checked before the handler runs, so a handler whose signature
 * is "i:i" may read argument 0 without asking. It feeds system.methodSignature and
 * system.describe, `help` feeds system.methodHelp; both may be NULL.
 *
 * A call that runs past its time limit is answered with DUET_FAULT_TIMEOUT; its handler goes on
 * until it returns, and holds its place of max_running until then. */
typedef struct duet_method {
    const char *name; /* 1 to 200 bytes; "system." is reserved: DUET_METHOD_REPLACE */
    const char *signature;
    duet_handler handler;
    unsigned flags; /* DUET_METHOD_…, or 0 */
    const char *help;
    unsigned timeout_ms;  /* from arrival to answer, on workers, up to a day; 0: the server's
                             DUET_OPT_CALL_TIMEOUT; or DUET_NO_TIMEOUT. Of a method that runs
                             inline: from the keeping of its call to the answer */
    unsigned max_running; /* calls of it that run at once; 0: no limit. See
                             DUET_METHOD_REFUSE_BUSY */
    const char *params;   /* names of the arguments, "order note", for faults and
                             system.describe: one for each that there may be; NULL: none */
} duet_method;

/* ---- Signatures ----
 *
 * A signature is "result:params", the type of the result and those of the arguments in a row:
 *
 *     i:is                          takes an int and a string, answers an int
 *     i:i d:d                       or alternatives, with spaces between them
 *     {total:d}:[{name:s,count:i}]  takes an array of maps, answers a map
 *     i:%line,s                     commas may part arguments, and a name from a letter
 *     a:*                           takes whatever comes; NULL or "" says nothing at all
 *
 * A type is one of
 *
 *     n b i u d     nil, bool, int64, uint64, double
 *     s r t         string, raw bytes (a string is taken too), time
 *     a m v         array, map, any value, whatever is in it
 *     [T]           array of T
 *     {a:T,b?:U}    map with the member a, and maybe b. Other members are taken and ignored
 *     (a:T,b?:U)    record: the same, or an array of the values in this order
 *     <T,U>         array of exactly these items
 *     {*:T}         map from any keys to T
 *     {i:T}         map from ints to T
 *     %name         a type that duet_server_add_types() has named
 *     T?            T or nil
 *
 * A name of other than letters, digits and _ stands in quotes: {"first name":s}. So does a
 * first member i, for {i:T} is the map from ints. Inside of brackets there may be spaces and
 * line ends. Brackets go 32 deep, what is deeper has a name; a signature has up to 64
 * alternatives.
 *
 * What may be left out: trailing arguments of a type T?, the handler then reads nil; members
 * b?:U, which may be nil as well. A member a:T? must be there and may be nil. A record's array
 * may end before the first member that is not there; one in the middle is nil; items beyond the
 * last member are ignored.
 *
 * What a handler reads is what was declared, however it came. Where d is declared an int is
 * taken, at every depth, if a double holds it exactly. Where a map is declared an empty array
 * is one (PHP and Lua know no difference). A record that came as an array is a map: its members
 * are read by duet_value_get(), and those that did not come are nil. The keys of {i:T} are
 * ints, also those that came as text of digits, for XML-RPC has no others. A key that comes
 * twice must be right twice; the last one is read. Where another alternative takes an int, or
 * an array, as the same argument, d and m there take doubles and maps alone: a handler tells
 * its alternatives apart by types. The first alternative that fits is the one that counts.
 *
 * A call whose arguments do not fit is refused with DUET_FAULT_PARAMS before the handler runs,
 * and before the before-hooks; the words name the method, the argument by number and, with
 * `params`, by name, and the way to the value, numbers counting from 1:
 *
 *     shop.order: argument 1 'order', item 3, "count": must be int, got string
 *     shop.order: argument 1 'order', item 3: "count" is missing
 *
 * The result's type tells callers what to expect. It is checked by DUET_OPT_CHECK_RESULTS
 * alone, which is for tests; of alternatives, any one's will do.
 *
 * duet_server_add() refuses a signature that it cannot read with words that say where:
 *
 *     shop.order: signature "i:[{a:q}]": at 7 'q': no such type (n b i u d s r t a m v, …)
 *
 * Tools read signatures over the wire. system.methodSignature(name) has the words of XML-RPC,
 * "array" and "struct" for all that goes inside. system.describe(name) has all of it, as a map
 *
 *     {name, help, flags, timeout_ms, max_running, signature, alternatives, types}
 *
 * of which `flags` is an array of "inline" and "refuse_busy", the next two are the row's own,
 * and `signature` is the text as it was written, "" for none. `alternatives` is an array of
 *
 *     {result: TYPE, params: [{name, optional, type: TYPE}, ...], takes_anything}
 *
 * where `name` is "" if `params` did not give any, and `optional` says that it may be left out.
 * `types` maps the names that it uses, and those that they use, to TYPEs. A TYPE is a map whose
 * `type` is a word, and whose `nil` says whether nil is taken too. The word says what else is
 * in it:
 *
 *     nil bool int uint double string bytes time any    nothing
 *     array            items: TYPE                      of all items; a is array of any
 *     tuple            items: [TYPE, ...]
 *     map              keys: "any" or "int", values: TYPE    m is from any keys to any
 *     struct, record   members: [{name, optional, type: TYPE}, ...]
 *     named            name                             look in `types`: it may hold itself
 */

/* Names types for the signatures of methods that are added after it:
 *
 *     duet_server_add_types(server, "line=(name:s,count:i) order={to:s,lines:[%line]}");
 *
 * Several may be named in one go, with spaces or line ends between them; they may contain those
 * that were named before, each other, and themselves, in any order: a tree is
 * "tree={value:v,children:[%tree]}". Names are made of letters, digits and _. Copies the text.
 * All or none: -EINVAL with words that say where for a type that cannot be read, that uses a
 * name which there is not, or that holds itself without end ("a={b:%a}": no value could be that
 * large); -EEXIST for a name that is there already; -ENOMEM. They stay as long as the server.
 * Any thread, also while the server runs; methods that are there already do not change. */
DUET_API int duet_server_add_types(duet_server *server, const char *types);

/* ---- Plain functions ----
 *
 *     static int64_t add(int64_t a, int64_t b) { return a + b; }
 *     DUET_FUNCTION(add, i, i, i);                  // at file scope: result, then parameters
 *
 *     static const duet_method methods[] = {{DUET_METHOD_OF("math.add", add)}, {0}};
 *
 * makes a handler for a function that knows nothing of Duet. Letters: i int64_t, u uint64_t,
 * d double, b bool, s const char *, and n for a result of void; up to six parameters. A
 * function of other C types does not compile. DUET_METHOD_OF() sets name, signature and
 * handler; more may follow it: {DUET_METHOD_OF("math.add", add), .flags = DUET_METHOD_INLINE}.
 *
 * A string argument is UTF-8, and valid while the function runs; one with a NUL inside is
 * refused. A string that it returns is copied before anything else happens, NULL is sent as
 * nil; it is not freed, so it should be static, thread-local, or one of the arguments. Such a
 * function runs on many threads at once, as any handler does. */
#define DUET_FUNCTION(function, ...)                                                           \
    DUET_FUNCTION_OF(                                                                          \
        DUET_FUNCTION_COUNT(__VA_ARGS__, MANY, MANY, MANY, MANY, 6, 5, 4, 3, 2, 1, 0, 0),      \
        function, __VA_ARGS__)
#define DUET_METHOD_OF(wire_name, function)                                                    \
    .name = (wire_name), .signature = duet_signature_of_##function,                            \
    .handler = duet_handler_of_##function

/* The rest of this section is behind these two. */

/* Whether text argument `i` ends at its first NUL; else the call is a fault that says so. */
DUET_API bool duet_arg_is_text(duet_call *call, size_t i);

#define DUET_FUNCTION_COUNT(r, a, b, c, d, e, f, g, h, i, j, count, ...) count
#define DUET_FUNCTION_OF(count, ...) DUET_FUNCTION_TAKES(count, __VA_ARGS__)
#define DUET_FUNCTION_TAKES(count, ...) DUET_FUNCTION_##count(__VA_ARGS__)

#define DUET_FUNCTION_0(function, r) DUET_FUNCTION_MAKE(function, r, ":", (void), true, ())
#define DUET_FUNCTION_1(function, r, a)                                                        \
    DUET_FUNCTION_MAKE(function, r, ":" #a, (DUET_PARAMETER_##a), DUET_IS_GOOD_##a(0),         \
                       (DUET_ARGUMENT_##a(0)))
#define DUET_FUNCTION_2(function, r, a, b)                                                     \
    DUET_FUNCTION_MAKE(function, r, ":" #a #b, (DUET_PARAMETER_##a, DUET_PARAMETER_##b),       \
                       DUET_IS_GOOD_##a(0) && DUET_IS_GOOD_##b(1),                             \
                       (DUET_ARGUMENT_##a(0), DUET_ARGUMENT_##b(1)))
#define DUET_FUNCTION_3(function, r, a, b, c)                                                  \
    DUET_FUNCTION_MAKE(function, r, ":" #a #b #c,                                              \
                       (DUET_PARAMETER_##a, DUET_PARAMETER_##b, DUET_PARAMETER_##c),           \
                       DUET_IS_GOOD_##a(0) && DUET_IS_GOOD_##b(1) && DUET_IS_GOOD_##c(2),      \
                       (DUET_ARGUMENT_##a(0), DUET_ARGUMENT_##b(1), DUET_ARGUMENT_##c(2)))
#define DUET_FUNCTION_4(function, r, a, b, c, d)                                               \
    DUET_FUNCTION_MAKE(                                                                        \
        function, r, ":" #a #b #c #d,                                                          \
        (DUET_PARAMETER_##a, DUET_PARAMETER_##b, DUET_PARAMETER_##c, DUET_PARAMETER_##d),      \
        DUET_IS_GOOD_##a(0) && DUET_IS_GOOD_##b(1) && DUET_IS_GOOD_##c(2) &&                   \
            DUET_IS_GOOD_##d(3),                                                               \
        (DUET_ARGUMENT_##a(0), DUET_ARGUMENT_##b(1), DUET_ARGUMENT_##c(2),                     \
         DUET_ARGUMENT_##d(3)))
#define DUET_FUNCTION_5(function, r, a, b, c, d, e)                                            \
    DUET_FUNCTION_MAKE(function, r, ":" #a #b #c #d #e,                                        \
                       (DUET_PARAMETER_##a, DUET_PARAMETER_##b, DUET_PARAMETER_##c,            \
                        DUET_PARAMETER_##d, DUET_PARAMETER_##e),                               \
                       DUET_IS_GOOD_##a(0) && DUET_IS_GOOD_##b(1) && DUET_IS_GOOD_##c(2) &&    \
                           DUET_IS_GOOD_##d(3) && DUET_IS_GOOD_##e(4),                         \
                       (DUET_ARGUMENT_##a(0), DUET_ARGUMENT_##b(1), DUET_ARGUMENT_##c(2),      \
                        DUET_ARGUMENT_##d(3), DUET_ARGUMENT_##e(4)))
#define DUET_FUNCTION_6(function, r, a, b, c, d, e, f)                                         \
    DUET_FUNCTION_MAKE(function, r, ":" #a #b #c #d #e #f,                                     \
                       (DUET_PARAMETER_##a, DUET_PARAMETER_##b, DUET_PARAMETER_##c,            \
                        DUET_PARAMETER_##d, DUET_PARAMETER_##e, DUET_PARAMETER_##f),           \
                       DUET_IS_GOOD_##a(0) && DUET_IS_GOOD_##b(1) && DUET_IS_GOOD_##c(2) &&    \
                           DUET_IS_GOOD_##d(3) && DUET_IS_GOOD_##e(4) && DUET_IS_GOOD_##f(5),  \
                       (DUET_ARGUMENT_##a(0), DUET_ARGUMENT_##b(1), DUET_ARGUMENT_##c(2),      \
                        DUET_ARGUMENT_##d(3), DUET_ARGUMENT_##e(4), DUET_ARGUMENT_##f(5)))
#define DUET_FUNCTION_MANY(function, ...)                                                      \
    DUET_STATIC_ASSERT(0, "DUET_FUNCTION(" #function ", ...): six parameters at most")

/* The types are compared first, and what is wrong with them is the first error. The last thing
 * is a declaration, whose semicolon the program writes. */
#define DUET_FUNCTION_MAKE(function, r, text, parameters, is_good, arguments)                  \
    DUET_STATIC_ASSERT(DUET_HAS_TYPE(function, DUET_RESULT_##r, parameters),                   \
                       "DUET_FUNCTION(" #function                                              \
                       ", ...): its C types are not those of \"" #r text "\"");                \
    __attribute__((unused)) static int duet_handler_of_##function(duet_call *duet_the_call,    \
                                                                  void *duet_the_ctx)          \
    {                                                                                          \
        (void)duet_the_ctx;                                                                    \
        if (!(is_good))                                                                        \
            return DUET_FAULT_PARAMS;                                                          \
        return DUET_REPLY_##r(function arguments);                                             \
    }                                                                                          \
    __attribute__((unused)) static const char duet_signature_of_##function[] =                 \
        DUET_ANSWER_##r text

#define DUET_RESULT_n void
#define DUET_RESULT_i int64_t
#define DUET_RESULT_u uint64_t
#define DUET_RESULT_d double
#define DUET_RESULT_b bool
#define DUET_RESULT_s const char *
#define DUET_ANSWER_n "n"
#define DUET_ANSWER_i "i"
#define DUET_ANSWER_u "u"
#define DUET_ANSWER_d "d"
#define DUET_ANSWER_b "b"
#define DUET_ANSWER_s "s?" /* NULL is nil */
#define DUET_PARAMETER_i int64_t
#define DUET_PARAMETER_u uint64_t
#define DUET_PARAMETER_d double
#define DUET_PARAMETER_b bool
#define DUET_PARAMETER_s const char *
#define DUET_IS_GOOD_i(at) true
#define DUET_IS_GOOD_u(at) true
#define DUET_IS_GOOD_d(at) true
#define DUET_IS_GOOD_b(at) true
#define DUET_IS_GOOD_s(at) duet_arg_is_text(duet_the_call, at)
#define DUET_ARGUMENT_i(at) duet_arg_int(duet_the_call, at)
#define DUET_ARGUMENT_u(at) duet_arg_uint(duet_the_call, at)
#define DUET_ARGUMENT_d(at) duet_arg_double(duet_the_call, at)
#define DUET_ARGUMENT_b(at) duet_arg_bool(duet_the_call, at)
#define DUET_ARGUMENT_s(at) duet_arg_string(duet_the_call, at, NULL)
#define DUET_REPLY_n(result) ((result), duet_reply_nil(duet_the_call))
#define DUET_REPLY_i(result) duet_reply_int(duet_the_call, result)
#define DUET_REPLY_u(result) duet_reply_uint(duet_the_call, result)
#define DUET_REPLY_d(result) duet_reply_double(duet_the_call, result)
#define DUET_REPLY_b(result) duet_reply_bool(duet_the_call, result)
#define DUET_REPLY_s(result) duet_reply_string(duet_the_call, result)

#ifdef __cplusplus
#define DUET_STATIC_ASSERT(claim, words) static_assert(claim, words)
#define DUET_HAS_TYPE(function, result, parameters) duet_has_type<result parameters>(&function)
#if __cplusplus >= 201103L
extern "C++" {
template <class type> constexpr bool duet_has_type(type *)
{
    return true;
}
template <class type> constexpr bool duet_has_type(...)
{
    return false;
}
}
#endif
#else
#define DUET_STATIC_ASSERT(claim, words) _Static_assert(claim, words)
#define DUET_HAS_TYPE(function, result, parameters)                                            \
    _Generic(&function, result(*) parameters : 1, default : 0)
#endif

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

/* Is behind duet_server_add(), for rows of `row_size` bytes; the table has `table_size`, or
 * SIZE_MAX if that is not known. */
DUET_API int duet_server_add_sized(duet_server *server, const duet_method *methods,
                                   size_t row_size, size_t table_size, void *ctx);

/* Adds the methods of a table up to its NULL row; `ctx` goes to each handler. Copies everything
 * in it. All or none: -EEXIST for a name that is there already, unless the row says
 * DUET_METHOD_REPLACE, -EINVAL for a bad name,
 * signature or missing handler, and for a table without its NULL row (where the compiler knows
 * how large it is, as it does for arrays when it optimises), -ENOMEM. Any thread, also while
 * the server runs; calls that come after it see the methods. */
DUET_INLINE_API int duet_server_add(duet_server *server, const duet_method *methods, void *ctx)
{
    return duet_server_add_sized(server, methods, sizeof *methods,
                                 __builtin_object_size(methods, 0), ctx);
}

/* Removes one method: -ENOENT if there is none of that name (which does not stick). Any thread,
 * also while the server runs. Calls that already found the method still run: free its `ctx`
 * only after duet_server_run() returned. */
DUET_API int duet_server_remove(duet_server *server, const char *name);

/* The handler of every name that no method has: duet_call_method() tells which, the arguments
 * are unchecked. To have no such method after all, it returns DUET_FAULT_METHOD. `flags` as a
 * method's; `ctx` goes to it. Not of names that begin with "system.". Its calls are counted as
 * those of a method "(default)". Before the run; a second one takes the place of the first. */
DUET_API int duet_server_set_default(duet_server *server, duet_handler handler, unsigned flags,
                                     void *ctx);

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

/* Whether a drain has begun: what waits for something may as well end. Any thread. */
DUET_API bool duet_server_is_draining(const duet_server *server);

/* Starts an orderly end: stop accepting, answer what has arrived, close. Any thread, a handler,
 * or a signal handler, before, during and after the run, until the server is freed; returns at
 * once; more calls change nothing. duet_server_run() returns when it is done. */
DUET_API void duet_server_drain(duet_server *server);

/* The first set-up error in words, "" if there was none. Belongs to the server; valid until the
 * next call of a set-up function or until freed. What duet_server_add() and
 * duet_server_add_types() refuse while the server runs does not stick: their words go to the
 * hooks' `notice`. For a NULL server: "out of memory". */
DUET_API const char *duet_server_error(const duet_server *server);

/* ---- Options and limits ----
 *
 * Every option is a number, or one of the choices below. DUET_OPT_MAX_MESSAGE is
 * "max-message" for duet_server_set_text() and --max-message on the command line, which
 * duet_server_args() reads; --print-limits prints all with the values in force.
 *
 * Each comment begins with the flag, its default, and the least and the most that it may be, as
 * the flag takes them: K, M and G are powers of 1024, s are seconds; ms, m and h are
 * taken too. duet_server_set() and
 * duet_server_get() count in the unit that stands behind them. A server keeps to each of
 * them, and refuses what is beyond with words that name it. */
typedef enum duet_option {
    /* Threads. */

    /* --loops: one a CPU; 1 to 256. Event loops, each a thread. */
    DUET_OPT_LOOPS = 10,
    /* --workers: two a CPU, at least 4; 0 to 4096. Threads for methods that are not
     * DUET_METHOD_INLINE. 0: every handler runs on the loop of its connection, which waits
     * for it: one that blocks holds up all callers of that loop, and learns from
     * duet_server_is_draining() alone that it should end. Methods with a time limit, which it
     * could not keep, are then refused by name, and DUET_OPT_CALL_TIMEOUT does not hold. */
    DUET_OPT_WORKERS = 11,
    /* --no-inline: off; on|off. 1: DUET_METHOD_INLINE is not heeded, every method runs on a
     * worker. */
    DUET_OPT_NO_INLINE = 12,

    /* One message. */

    /* --max-message: 16M; 64 to 1G, in bytes. One request, as sent and after
     * decompression. */
    DUET_OPT_MAX_MESSAGE = 20,
    /* --max-reply: 64M; 1K to 1G, in bytes. One reply. */
    DUET_OPT_MAX_REPLY = 21,
    /* --max-depth: 64; 1 to 1024. Levels of nesting inside the parameters. */
    DUET_OPT_MAX_DEPTH = 22,
    /* --max-values: 1000000; 1 to 100000000. Values in one message. */
    DUET_OPT_MAX_VALUES = 23,
    /* --max-head: 16K; 256 to 1M, in bytes. An HTTP request line and its headers. */
    DUET_OPT_MAX_HEAD = 24,

    /* Connections, and what they hold. */

    /* --max-connections: 10000; 1 to 1000000. Open connections. */
    DUET_OPT_MAX_CONNECTIONS = 30,
    /* --max-per-address: 0; 0 to 1000000. Open connections of one address; 0: no limit of its
     * own. */
    DUET_OPT_MAX_PER_ADDRESS = 31,
    /* --max-in-flight: 1024; 1 to 1000000. Calls in progress on one MessagePack-RPC connection;
     * then it is not read. */
    DUET_OPT_MAX_IN_FLIGHT = 32,
    /* --max-in-flight-bytes: 32M; 1K to 64G, in bytes. Their requests on one connection; then
     * it is not read. */
    DUET_OPT_MAX_IN_FLIGHT_BYTES = 33,
    /* --max-buffered: 128M; 1M to 1024G, in bytes. Messages and replies under way, of all
     * connections together; large ones wait until there is room for them. */
    DUET_OPT_MAX_BUFFERED = 34,
    /* --worker-queue: 4096; 1 to 1000000. Calls that wait for busy workers; more are
     * refused. */
    DUET_OPT_WORKER_QUEUE = 35,
    /* --out-mark: 1M; 1K to 1G, in bytes. Unsent replies of one connection, above which it is
     * not read. */
    DUET_OPT_OUT_MARK = 36,
    /* --max-buffered-per-connection: 16M; 0 to 1024G, in bytes. The part of --max-buffered that
     * one connection may hold before its further calls wait, though one request and its reply
     * may always be larger; 0, unless set: an eighth. */
    DUET_OPT_MAX_BUFFERED_PER_CONNECTION = 37,

    /* Times of a connection. */

    /* --head-timeout: 10s; 1 to 86400s, in ms. From a request's first byte to the end of its
     * head. */
    DUET_OPT_HEAD_TIMEOUT = 50,
    /* --body-timeout: 600s; 1 to 86400s, in ms. From the end of the head to the end of the
     * request. */
    DUET_OPT_BODY_TIMEOUT = 51,
    /* --min-rate: 4K; 0 to 1G, in bytes. Per second, of a body, or of replies that wait to be
     * taken, over 10 s; 0: any. */
    DUET_OPT_MIN_RATE = 52,
    /* --write-timeout: 30s; 1 to 86400s, in ms. In which a peer must take some of its
     * reply. */
    DUET_OPT_WRITE_TIMEOUT = 53,
    /* --idle-timeout: 300s; 0 to 604800s, in ms. A connection without a request; one whose call
     * still runs or is kept, or whose client has a call of ours to answer, is not idle. 0:
     * never. */
    DUET_OPT_IDLE_TIMEOUT = 54,
    /* --linger-timeout: 30s; 1 to 86400s, in ms. How long an ending connection is read on after
     * its last reply, */
    DUET_OPT_LINGER_TIMEOUT = 55,
    /* --linger-idle: 1s; 1 to 86400s, in ms. and without a byte that comes. */
    DUET_OPT_LINGER_IDLE = 56,

    /* Calls. */

    /* --call-timeout: 0; 0 to 86400s, in ms. From a call's arrival to its answer, on workers;
     * 0: no limit. */
    DUET_OPT_CALL_TIMEOUT = 60,
    /* --max-multicall: 1024; 1 to 100000. Calls in one system.multicall. */
    DUET_OPT_MAX_MULTICALL = 61,
    /* --slow-inline-ms: 100; 0 to 86400s, in ms. A DUET_METHOD_INLINE handler that holds its
     * loop longer is told of once (duet_hooks.notice), and counted (slow_inline); one among
     * many calls of its method that come together perhaps only the next time. 0: never. */
    DUET_OPT_SLOW_INLINE_MS = 62,
    /* --request-timeout: 30s; 1 to 86400s, in ms. What duet_request_set_timeout() sets where a
     * program does not. */
    DUET_OPT_REQUEST_TIMEOUT = 63,

    /* The end. */

    /* --drain-ms: 3s; 0 to 86400s, in ms. How long a drain waits for calls in progress. */
    DUET_OPT_DRAIN_MS = 70,
    /* --drain-delay-ms: 0; 0 to 86400s, in ms. How long a drain goes on serving first, while
     * GET /healthz says 503. */
    DUET_OPT_DRAIN_DELAY_MS = 71,

    /* How it runs. */

    /* --busy-poll-us: 0; 0 to 10000, in us. How long a loop without work polls before it
     * sleeps. */
    DUET_OPT_BUSY_POLL_US = 80,
    /* --server-timing: off; on|off. 1: HTTP replies carry Server-Timing, the ms queued and
     * running. */
    DUET_OPT_SERVER_TIMING = 81,
    /* --check-results: off; on|off. 1: a result of another type than its method's signature
     * declares becomes DUET_FAULT_INTERNAL with words that name the method and the way to it.
     * For tests: it costs more than the call. A result that needs more memory for it than a
     * call may use goes unchecked, and so does one with the result of a kept call in it. */
    DUET_OPT_CHECK_RESULTS = 82,

    /* What is read and sent: the choices below. */

    /* --control-chars: base64; base64|replace|fault. Text that XML cannot carry. */
    DUET_OPT_CONTROL_CHARS = 90,
    /* --int: wide; wide|strict. What XML's <int> and <i4> may hold when read. */
    DUET_OPT_INT = 91,
    /* --i8: i8; i8|ex:i8|fault. Integers beyond 32 bits in XML. */
    DUET_OPT_I8 = 92,
    /* --nil: nil; nil|ex:nil|fault|empty|false. Nil in XML. */
    DUET_OPT_NIL = 93,
    /* --raw: auto; new|old|auto. Strings and bytes in MessagePack. */
    DUET_OPT_RAW = 94,
    /* --error-style: array; array|string|jubatus. Errors in MessagePack-RPC. */
    DUET_OPT_ERROR_STYLE = 95,
    /* --http-line-ends: strict; strict|lenient. What ends a line in HTTP requests. */
    DUET_OPT_HTTP_LINE_ENDS = 96,
} duet_option;

/* The choices, with the words that flags and duet_server_set_text() take. */
typedef enum duet_control_chars {
    DUET_CONTROL_CHARS_BASE64 = 0,  /* base64: the whole text as base64 */
    DUET_CONTROL_CHARS_REPLACE = 1, /* replace: U+FFFD for each character */
    DUET_CONTROL_CHARS_FAULT = 2,   /* fault: the call fails */
} duet_control_chars;

typedef enum duet_int {
    DUET_INT_WIDE = 0,   /* wide: 64 bits, as many clients send them */
    DUET_INT_STRICT = 1, /* strict: 32 bits, as the specification has it */
} duet_int;

typedef enum duet_i8 {
    DUET_I8_PLAIN = 0, /* i8: <i8> */
    DUET_I8_EX = 1,    /* ex:i8: Apache's <ex:i8> */
    DUET_I8_FAULT = 2, /* fault: the call fails */
} duet_i8;

typedef enum duet_nil {
    DUET_NIL_PLAIN = 0, /* nil: <nil/> */
    DUET_NIL_EX = 1,    /* ex:nil: Apache's <ex:nil/> */
    DUET_NIL_FAULT = 2, /* fault: the call fails */
    DUET_NIL_EMPTY = 3, /* empty: an empty string, for clients that know no nil */
    DUET_NIL_FALSE = 4, /* false: a boolean, for the same */
} duet_nil;

typedef enum duet_raw {
    DUET_RAW_NEW = 0,  /* new: str8, bin and ext for every peer */
    DUET_RAW_OLD = 1,  /* old: none of them, as before 2013 */
    DUET_RAW_AUTO = 2, /* auto: old for peers that show it, new for all others */
} duet_raw;

typedef enum duet_error_style {
    DUET_ERROR_STYLE_ARRAY = 0,   /* array: [code, message] */
    DUET_ERROR_STYLE_STRING = 1,  /* string: the message alone */
    DUET_ERROR_STYLE_JUBATUS = 2, /* jubatus: 1 no such method, 2 bad arguments, else the
                                     message */
} duet_error_style;

typedef enum duet_http_line_ends {
    DUET_HTTP_LINE_ENDS_STRICT = 0,  /* strict: CR LF and nothing else */
    DUET_HTTP_LINE_ENDS_LENIENT = 1, /* lenient: LF alone too, in heads and chunk lines */
} duet_http_line_ends;

/* Sets one option, before run. -EINVAL with words that name flag and range when out of range,
 * or for an option that there is not. */
DUET_API int duet_server_set(duet_server *server, duet_option option, int64_t value);

/* Sets one option by its flag's name, to what its flag takes: ("max-message", "1M"), ("nil",
 * "empty"); a switch, whose flag takes nothing, to "on" or "off": ("no-inline", "on"). Two
 * options are lists of texts, and this adds to them; it is the only way to:
 *
 * - "allow-origin": whose pages may call from a browser: an origin as "https://app.example",
 *   "null" (pages without one: files, sandboxes), or "*" (the pages of every site, which then
 *   reach whatever this server does);
 * - "allow-host": a name besides localhost by which browsers may call: behind a proxy that
 *   passes its own Host on, the name of that.
 *
 * -EINVAL with words for a name that there is not, or a value that the option does not take. */
DUET_API int duet_server_set_text(duet_server *server, const char *name, const char *value);

/* duet_server_set(), and for good: nothing else sets it any more, the command line included,
 * and
 * --help does not show its flag. For a program that is right with one value only (one thread:
 * DUET_OPT_LOOPS 1 and DUET_OPT_WORKERS 0). */
DUET_API int duet_server_pin(duet_server *server, duet_option option, int64_t value);

/* The option's value; 0 for an option that does not exist or a NULL server. */
DUET_API int64_t duet_server_get(const duet_server *server, duet_option option);

/* Reads a server program's command line: --listen ADDRESS (repeatable), one flag for each
 * option above (--max-message 1M), --print-limits, --help, --version; an argument that is none
 * of these is an error. With no --listen and no listener yet it listens on
 * tcp://127.0.0.1:6789. `argv[0]` is the program's name. Returns 0 to go on and run; 1 when the
 * user asked for text instead: print duet_server_args_text() and exit 0; -EINVAL for a flag or
 * value it does not know, or what duet_server_listen() returned. */
DUET_API int duet_server_args(duet_server *server, int argc, char *const argv[]);

/* A flag of the program's own. A row without a name ends a table. */
typedef struct duet_flag {
    const char *name;  /* "--color", or "-c"; one of the server's own is -EEXIST */
    const char *value; /* what --help calls its value, "NAME"; NULL: it takes none */
    const char *help;  /* one line; or NULL */
    /* Is called in the order of the command line with the flag's value (as it stands in argv,
     * or behind "--color="; NULL if it takes none). 0; or negative to refuse it, which
     * duet_server_args_with() then returns, with the reason in `words`, a buffer of
     * DUET_FLAG_WORDS bytes that it ends with a NUL. */
    int (*set)(const char *value, void *ctx, char *words);
    void *ctx;
} duet_flag;
#define DUET_FLAG_WORDS 256

/* Is behind duet_server_args_with(), as duet_server_add_sized() is behind duet_server_add(). */
DUET_API int duet_server_args_with_sized(duet_server *server, int argc, char *const argv[],
                                         const duet_flag *flags, size_t row_size,
                                         size_t table_size, int *rest);

/* duet_server_args() with a table of flags of the program's own (or NULL), which --help shows
 * first. A value that begins with "--" must stand behind "=". With `rest`, reading stops at
 * "--" and before the first argument that is no flag, and *rest is the index of what follows
 * (argc if nothing does); with NULL such an argument is an error. -EINVAL besides for a row
 * that is no flag, and for a table without its end. */
DUET_INLINE_API int duet_server_args_with(duet_server *server, int argc, char *const argv[],
                                          const duet_flag *flags, int *rest)
{
    return duet_server_args_with_sized(server, argc, argv, flags, sizeof *flags,
                                       __builtin_object_size(flags, 0), rest);
}

/* Read a time with its unit ("250ms", "2s", "5m", "1h"; 0 needs none) or a size ("512", "16M",
 * K, M and G being powers of 1024). 0; or -EINVAL, and nothing is set. Any thread. */
DUET_API int duet_parse_time(const char *text, uint64_t *ms);
DUET_API int duet_parse_size(const char *text, uint64_t *bytes);

/* The text that duet_server_args() was asked for; "" if none. Belongs to the server. */
DUET_API const char *duet_server_args_text(const duet_server *server);

/* ---- Reading values ----
 *
 * A value is read-only, belongs to its call and never is NULL: a missing argument, item or
 * key reads as nil (and so does NULL), and a reader of the wrong type returns 0, false, "" or
 * an empty container. */
typedef enum duet_type {
    DUET_TYPE_NIL = 0,
    DUET_TYPE_BOOL = 1,
    DUET_TYPE_INT = 2,  /* an integer that fits int64 */
    DUET_TYPE_UINT = 3, /* an integer above INT64_MAX */
    DUET_TYPE_DOUBLE = 4,
    DUET_TYPE_STRING = 5,
    DUET_TYPE_BYTES = 6,
    DUET_TYPE_TIME = 7,
    DUET_TYPE_ARRAY = 8,
    DUET_TYPE_MAP = 9,
    DUET_TYPE_EXT = 10, /* a MessagePack extension other than a timestamp */
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
DUET_API int duet_reply_bytes(duet_call *call, const void *bytes, size_t size) DUET_READS(2, 3);
DUET_API int duet_reply_time(duet_call *call, duet_time value);
DUET_API int duet_reply_value(duet_call *call, const duet_value *value);

/* Ends the call with a fault, whatever its handler returns after it: `code` is any int32 (0
 * stands for DUET_FAULT_APPLICATION), the message is printf-formatted, UTF-8, cut at 1,000
 * bytes; it may be made of the words of duet_call_fault(). Returns what the handler should
 * return: the code, or DUET_FAULT_APPLICATION for one that is not negative. */
DUET_API int duet_fail(duet_call *call, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
DUET_API int duet_vfail(duet_call *call, int code, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));

/* A fault with data. Returns a writer for one value, which travels as the third item of
 * MessagePack-RPC's error array (in no other DUET_OPT_ERROR_STYLE), and over XML-RPC as the
 * member faultData of the fault, to callers that asked with the header `Duet-Fault-Data: 1` (to
 * others a third member would be no fault); in answers of system.multicall as a member too. The
 * call ends with this fault whatever its handler returns; data that is not one whole value, or
 * has no room in a reply, is left out. A handler that passes the fault of a method that it
 * invoked on passes its data on. Code and words as duet_fail() takes them. The writer is good
 * until the handler, or the hook, returns. */
DUET_API duet_writer *duet_fail_begin(duet_call *call, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The writer of the call's reply, for answers made of parts. */
DUET_API duet_writer *duet_call_writer(duet_call *call);

/* One value each. A string of `size` bytes needs no NUL at its end and may hold any bytes: text
 * that XML cannot carry is sent to XML-RPC callers as DUET_OPT_CONTROL_CHARS says.
 * duet_write_text() takes one that ends with a NUL. */
DUET_API int duet_write_nil(duet_writer *writer);
DUET_API int duet_write_bool(duet_writer *writer, bool value);
DUET_API int duet_write_int(duet_writer *writer, int64_t value);
DUET_API int duet_write_uint(duet_writer *writer, uint64_t value);
DUET_API int duet_write_double(duet_writer *writer, double value);
DUET_API int duet_write_text(duet_writer *writer, const char *text);
DUET_API int duet_write_string(duet_writer *writer, const char *text, size_t size)
    DUET_READS(2, 3);
DUET_API int duet_write_bytes(duet_writer *writer, const void *bytes, size_t size)
    DUET_READS(2, 3);
DUET_API int duet_write_time(duet_writer *writer, duet_time value);
/* Copies a whole value: an argument, or a part of one. */
DUET_API int duet_write_value(duet_writer *writer, const duet_value *value);

/* Containers say up front what they hold and close themselves after the last item: `count`
 * values for an array; `count` pairs for a map, each a duet_write_key() and a value. A count
 * that is not kept is a fault. */
DUET_API int duet_write_array(duet_writer *writer, size_t count);
DUET_API int duet_write_map(duet_writer *writer, size_t count);
DUET_API int duet_write_key(duet_writer *writer, const char *key, size_t size) DUET_READS(2, 3);
/* A key that is an int: XML-RPC has the digits, for its keys are text. */
DUET_API int duet_write_int_key(duet_writer *writer, int64_t key);

/* A record: `count` named fields in a fixed order, each a duet_write_field() and a value.
 * XML-RPC sees a struct. MessagePack-RPC sees a map, or with DUET_RECORD_ARRAY an array of the
 * values alone. A map takes duet_write_field() too, for keys that end with a NUL. */
typedef enum duet_record_form {
    DUET_RECORD_MAP = 0,
    DUET_RECORD_ARRAY = 1,
} duet_record_form;
DUET_API int duet_write_record(duet_writer *writer, size_t count, duet_record_form form);
DUET_API int duet_write_field(duet_writer *writer, const char *name);

/* A place to come back to: rewind discards all that was written since, and the error, if one
 * stuck since. A mark stays good while the container that was open at the mark is open, until
 * the writer goes back to an earlier one. To go back to a mark that is not good, or of another
 * call, is a fault. */
typedef struct duet_mark {
    uint64_t opaque[8];
} duet_mark;
DUET_API duet_mark duet_writer_mark(duet_writer *writer);
DUET_API void duet_writer_rewind(duet_writer *writer, duet_mark mark);

/* ---- About a call ---- */

/* True once nobody waits for the answer any more: the caller's connection was reset or hung up,
 * the call's time is up, or the server cancels what still runs at the end of a drain. A caller
 * that only ended sending waits for its answer (but see DUET_METHOD_FIN_CANCELS); one that sent
 * a notification never waited for any, so its leaving cancels nothing. Long handlers ask now
 * and then, and return early. Always false for a handler that runs on a loop (inline, or
 * without workers) and has not kept its call. */
DUET_API bool duet_call_cancelled(const duet_call *call);

/* The method's name; of one that does not exist, as it was called: 200 bytes at most, with
 * control characters and what is no UTF-8 as \x0a. */
DUET_API const char *duet_call_method(const duet_call *call);
/* The caller's address: "127.0.0.1:40312", "[::1]:40312", or "unix"; "" when out of memory. */
DUET_API const char *duet_call_peer(duet_call *call);

typedef enum duet_protocol {
    DUET_PROTOCOL_XMLRPC = 0,
    DUET_PROTOCOL_MSGPACKRPC = 1,
} duet_protocol;
DUET_API duet_protocol duet_call_protocol(const duet_call *call);
/* A MessagePack-RPC notification: nobody gets the answer. */
DUET_API bool duet_call_is_notification(const duet_call *call);
/* The server that the call came to: to add methods or to drain it from a handler. */
DUET_API duet_server *duet_call_server(const duet_call *call);

/* Calls another method of this server on the same thread, as the same caller; its result goes
 * to `writer`, which is this call's own, as one value. `args` is an array value. Returns 0, or
 * the code of a fault that duet_call_fault() describes (DUET_FAULT_APPLICATION for one that is
 * not negative); then nothing was written, and the handler may return that code, or go on. It
 * passes the hooks and counts for its method, but not as an accepted call. Calls within calls
 * go 16 deep. */
DUET_API int duet_call_invoke(duet_call *call, const char *method, const duet_value *args,
                              duet_writer *writer);

/* The fault that the last failed duet_call_invoke() or duet_fail() of this call left: code and
 * words. */
DUET_API int duet_call_fault(const duet_call *call, const char **message);

/* Why duet_call_cancelled() is true: DUET_FAULT_TIMEOUT; DUET_FAULT_CANCELLED, at the end of a
 * drain; -ECONNRESET, the caller is gone; 0 while it is not. */
DUET_API int duet_call_cancel_reason(const duet_call *call);

/* ---- Answering later ----
 *
 * A handler that cannot answer yet keeps its call and returns 0. Somebody finishes it later:
 *
 *     static int wait_for_door(duet_call *call, void *ctx)
 *     {
 *         struct door *door = ctx;
 *         pthread_mutex_lock(&door->lock);
 *         int rc = door->count < MAX_WAITING ? 0 : -EBUSY;
 *         if (rc == 0) {
 *             door->waiting[door->count++] = duet_call_keep(call);
 *             rc = duet_call_on_cancel(call, gave_up, door); // the last use of `call` here
 *         }
 *         pthread_mutex_unlock(&door->lock);
 *         return rc;
 *     }
 *
 *     static void gave_up(duet_kept kept, void *ctx)
 *     {
 *         … with door->lock: take `kept` off door->waiting …
 *         duet_kept_finish(kept, DUET_FAULT_CANCELLED);
 *     }
 *
 *     static void door_opened(struct door *door)
 *     {
 *         … with door->lock: move door->waiting to `woken` …
 *         for (size_t i = 0; i < count; i++)
 *             duet_kept_finish(woken[i], duet_reply_string(duet_kept_call(woken[i]), "open"));
 *     }
 *
 * A duet_kept is a value. It may be copied, and used for ever, also when its call is finished
 * and its server freed: then nothing happens.
 *
 * A kept call holds its memory (of its connection's part of DUET_OPT_MAX_BUFFERED) and its
 * place of max_running, but none of DUET_OPT_MAX_IN_FLIGHT, until it is finished; so each must
 * be finished, one that is cancelled too. Its caller waits no longer than the time limit says
 * (that of an inline method begins with the keeping), or a drain's deadline; then that fault is
 * the answer, and what comes later goes nowhere. A drain does not wait for those that it has
 * answered, and those that nobody ever finished are freed with the server.
 *
 * Entries of a system.multicall can be kept: the multicall's answer waits for all of them. A
 * notification can be kept too, and nobody waits for it. duet_call_invoke() of a method that
 * keeps its calls waits, on a worker, for the finish, no longer than its own call may take;
 * from a handler that runs inline it is a fault that names the method. */

/* Keeps the call whose handler this thread runs. From the moment that another thread may know
 * of the value the handler uses `call` no more, but through duet_kept_call() like everybody
 * else: the call may be finished before the handler has returned. If the handler then returns 0
 * the call is kept, and what it has written waits for the finish; a negative return finishes
 * it, as duet_kept_finish() would. The same value if it is kept already. Id 0 when out of
 * memory, with the error in the call: the handler's 0 becomes a fault. */
DUET_API DUET_MUST_USE duet_kept duet_call_keep(duet_call *call);

/* The kept call, to read its arguments and write its answer. This thread holds it from now on,
 * until it finishes or releases it: other threads get NULL, and can neither read, write nor
 * finish it. NULL too when it is finished or its server's run is over. The same call again for
 * who holds it. Any thread. */
DUET_API DUET_MUST_USE duet_call *duet_kept_call(duet_kept kept);

/* Lets go of it unfinished: what was written so far is discarded. Nothing for who does not
 * hold it. */
DUET_API void duet_kept_release(duet_kept kept);

/* Ends the call; `rc` is what a handler would return. 0: this is its answer. -ECANCELED: it is
 * over, but it had been answered already (by a time limit, a drain), or its caller was gone:
 * undo what was granted. -EALREADY: it has been finished before, another thread holds it and
 * will, or its server's run is over. The after-hooks run inside it, and nothing else. Any
 * thread. */
DUET_API int duet_kept_finish(duet_kept kept, int rc);

/* `cancelled` is called when duet_call_cancelled() turns true, or soon if it is so already; at
 * most once, never by this function, on the thread of a loop with no lock held: it must be
 * quick. It wakes whoever works on the answer. `kept` is the call, if it has been kept (id 0 if
 * not). It may be finished inside, and at a time limit what it is finished with there is the
 * caller's answer (with a bare DUET_FAULT_CANCELLED, the fault that it would be told anyway);
 * if it is not, it must be finished all the same.
 *
 * `ctx` of a call that is not kept: when its handler has returned `cancelled` does not run and
 * never will, so it may lie on the handler's stack; keeping the call drops what was registered
 * before. Of a kept call `cancelled` may still be running when another thread finishes it: give
 * it what lives as long as the server, and find the one that waits by `kept`.
 *
 * For who holds the call. A second registration replaces the first. An invoked call is
 * cancelled with the one that invoked it. 0; -ENOMEM; -ENOTSUP for a handler that runs on a
 * loop and has not kept its call. */
DUET_API int duet_call_on_cancel(duet_call *call, void (*cancelled)(duet_kept kept, void *ctx),
                                 void *ctx);
/* ---- Sessions ----
 *
 * A session is one client's connection, over which many calls come; over MessagePack-RPC its
 * client may be called (the next section). It begins with its first byte, and ends when the
 * connection does: at once on a reset; on a FIN when the last of its calls is answered. Then it
 * is closed, and still there as long as somebody refers to it;
 * duet_session_is_open() is false before the hook session_close is called, so a handler that
 * looks at it under the lock that this hook takes leaves nothing behind. All sessions have
 * ended before duet_server_run() returns.
 *
 * Over HTTP a session is the connection too, and a proxy's carries the calls of many clients:
 * state that belongs to a caller is for MessagePack-RPC. */

/* The session that a call came over; never NULL for a call. It belongs to the call: keep it
 * longer by a reference. */
DUET_API duet_session *duet_call_session(const duet_call *call);

/* One more reference to it, and one less; every ref has its unref, on any thread (the last one
 * frees its data: with no lock held that free_data takes). Both take NULL. */
DUET_API DUET_MUST_USE duet_session *duet_session_ref(duet_session *session);
DUET_API void duet_session_unref(duet_session *session);

/* Any thread. A NULL session has id 0, is closed, and its peer is "". */
DUET_API uint64_t duet_session_id(const duet_session *session);      /* never used twice in a
                                                                        process */
DUET_API const char *duet_session_peer(const duet_session *session); /* as duet_call_peer() */
DUET_API duet_protocol duet_session_protocol(const duet_session *session);
DUET_API bool duet_session_is_open(const duet_session *session);

/* Data of the program's own, given once, best in the hook session_open: then every handler of
 * the session finds it. `free_data` (or NULL) frees it when the session's last reference is
 * gone, which is after its last call ended; on any thread. 0; or -EEXIST when it has data
 * already: the caller still owns `data`. What the data holds is for the program to lock:
 * handlers of one session run at the same time. */
DUET_API int duet_session_set_data(duet_session *session, void *data,
                                   void (*free_data)(void *data));
DUET_API void *duet_session_data(const duet_session *session); /* NULL until it is given */

/* Ends the connection: no more calls are read, those that were are answered, but
 * those of DUET_METHOD_FIN_CANCELS methods are cancelled. Any thread. */
DUET_API void duet_session_close(duet_session *session);

/* How long it may stay without a request; DUET_OPT_IDLE_TIMEOUT unless set, in ms;
 * DUET_NO_TIMEOUT: until its client hangs up, for those that only listen. Any thread. */
DUET_API void duet_session_set_idle_timeout(duet_session *session, unsigned ms);

/* Calls `visit` for each session that is open, until one call returns other than 0, and returns
 * that; else 0, or -ENOMEM. The session is valid during `visit`; which may call any function of
 * this header, with no lock held. Any thread, while the server runs. */
DUET_API int duet_server_each_session(duet_server *server,
                                      int (*visit)(duet_session *session, void *ctx),
                                      void *ctx);

/* ---- Calling the client ----
 *
 * Over a MessagePack-RPC session the server calls the methods that its client has: Neovim's,
 * say. The connection is read on meanwhile, so the client may call back before it answers.
 *
 *     duet_request *request = duet_session_request(session, "progress", 1);
 *     duet_write_int(duet_request_writer(request), percent);
 *     duet_request_notify(request);
 *     duet_request_free(request);
 *
 * One rule of ownership: who made a request frees it, once, whenever it likes; what has been
 * sent goes on, and its callback is called all the same. Errors stick in a request and are told
 * by what sends it; a NULL request is one that there was no memory for, and nobody need look.
 * It can be sent once. A request is for one thread at a time; duet_request_cancel() is for any
 * that may use it. */

/* A call to be, of `count` arguments, each one value for the request's writer. */
DUET_API duet_request *duet_session_request(duet_session *session, const char *method,
                                            size_t count);
DUET_API duet_writer *duet_request_writer(duet_request *request);

/* ms from sending to the answer; DUET_OPT_REQUEST_TIMEOUT unless set; DUET_NO_TIMEOUT: none. */
DUET_API void duet_request_set_timeout(duet_request *request, unsigned timeout_ms);

/* Sends it. `done` (or NULL) is called exactly once, later, on the thread of a loop with no
 * lock held, whatever comes of it; `request` is valid until it returns. It must be quick; it
 * may send other requests and finish kept calls. 0: it is out. Below 0: it could not be sent,
 * and `done` is called all the same: free nothing here that it frees. -EALREADY: it was sent
 * before, and then this `done` is not called. Where there is no loop to call it later, because
 * the server has ended or there is no memory for the request (which is NULL then), it is called
 * before this returns. */
DUET_API int duet_request_send(duet_request *request,
                               void (*done)(duet_request *request, void *ctx), void *ctx);

/* Sends it, unless it is sent already, and waits for the answer; returns duet_request_status().
 *
 * In a handler on a worker: calls that come over the same session meanwhile run inside it, on
 * this thread, up to 16 deep, for else neither side could go on with all workers waiting. So
 * hold no lock that those may want, and know that an inner call delays the outer one. An inner
 * call that would have to wait for its method's turn, or be the 17th, is refused with
 * DUET_FAULT_BUSY. When the handler's own call is cancelled the wait ends with -ECANCELED.
 *
 * On a thread of the program's own it only waits. On a loop's thread, where inline handlers
 * and callbacks run, it is -EDEADLK at once: send it with a callback, and keep the call. */
DUET_API DUET_MUST_USE int duet_request_wait(duet_request *request);

/* Sends it as a notification, which has no answer. 0, or -errno if it cannot be sent. Also in a
 * drain. */
DUET_API int duet_request_notify(duet_request *request);

/* Gives it up: it ends with -ECANCELED, and an answer that still comes is ignored. */
DUET_API void duet_request_cancel(duet_request *request);

/* How it stands: 0 answered; DUET_REQUEST_FAULT: the client answered with a fault; else -errno,
 * for what failed on this side: -EINPROGRESS no answer yet; -ETIMEDOUT; -ENOTCONN the session
 * is closed; -ENOTSUP it is an HTTP session; -ECANCELED; -ESHUTDOWN a drain ended; -EMSGSIZE;
 * -EINVAL what was written is not its arguments; -ENOBUFS its client reads too slowly;
 * -EDEADLK; -ENOMEM; -EPROTO the answer is no good one.
 * duet_request_error() says it in words, "" for 0. All belong to the request. */
#define DUET_REQUEST_FAULT (-1000)
DUET_API int duet_request_status(const duet_request *request);
DUET_API const char *duet_request_error(const duet_request *request);
DUET_API const duet_value *duet_request_result(const duet_request *request); /* nil unless 0 */
/* Of a fault. An error of any shape that the field knows is read for its code and words: a
 * [code, words] array, a string, a number, a map; DUET_FAULT_APPLICATION where it has no code.
 * The error as it came is the value. */
DUET_API int duet_request_fault_code(const duet_request *request);
DUET_API const duet_value *duet_request_fault_value(const duet_request *request);

/* Ends a call with what a request ended with: the fault's code and words, or what failed here
 * as DUET_FAULT_INTERNAL. Returns what the handler should return. */
DUET_API int duet_fail_request(duet_call *call, const duet_request *request);

/* Takes NULL. */
DUET_API void duet_request_free(duet_request *request);

/* One notification to many sessions, encoded once. Made, written, sent as often as one likes,
 * freed. Errors stick and are told by send. */
DUET_API duet_broadcast *duet_broadcast_new(duet_server *server, const char *method,
                                            size_t count);
DUET_API duet_writer *duet_broadcast_writer(duet_broadcast *broadcast);
/* To every open MessagePack-RPC session for which `choose` returns true (NULL: to all). Returns
 * to how many it goes (0 before the run and after it), or -errno. `choose` runs before this
 * returns, on this thread, with no lock held. */
DUET_API int duet_broadcast_send(duet_broadcast *broadcast,
                                 bool (*choose)(duet_session *session, void *ctx), void *ctx);
DUET_API void duet_broadcast_free(duet_broadcast *broadcast);

/* What happens when notifications to a session fill its part of DUET_OPT_MAX_BUFFERED
 * (DUET_OPT_MAX_BUFFERED_PER_CONNECTION) because its client does not read them: it is closed;
 * or the oldest that have not begun to leave are dropped, and counted (dropped_notifications in
 * the counters). Calls are never dropped: their sending fails with -ENOBUFS. */
typedef enum duet_slow_reader {
    DUET_SLOW_READER_CLOSE = 0, /* the default */
    DUET_SLOW_READER_DROP_OLDEST = 1,
} duet_slow_reader;
DUET_API void duet_session_set_slow_reader(duet_session *session, duet_slow_reader policy);

/* ---- Your own loop ----
 *
 * Instead of duet_server_run(), for programs that have a loop: the first of the server's loops
 * runs when the program says so.
 *
 *     int rc = duet_server_start(server);
 *     while (rc == 0) {
 *         struct pollfd fds[] = {{.fd = duet_server_fd(server), .events = POLLIN}, …};
 *         poll(fds, …, -1);
 *         …
 *         if (fds[0].revents != 0)
 *             rc = duet_server_process(server);
 *     }
 *     rc = duet_server_wait(server);
 *
 * With DUET_OPT_LOOPS 1 and DUET_OPT_WORKERS 0 no thread is made, and every handler and hook
 * runs inside duet_server_process(). Functions for any thread may be called between two turns:
 * what they bring about makes the fd readable. */

/* Begins to serve: starts workers, and all loops but the first. 0, or as duet_server_run()
 * fails (but a server that is only brought connections, by duet_server_adopt(), needs no
 * address); then duet_server_wait() returns the same at once. Signals of
 * duet_server_stop_on_signals() begin a drain as they do in duet_server_run(). */
DUET_API int duet_server_start(duet_server *server);

/* An fd that is readable (POLLIN, also for epoll, level-triggered) when duet_server_process()
 * has something to do, a time limit that has passed included. The same one from start until the
 * server is freed; -1 before, and with duet_server_start_threads(). Only to be waited for. */
DUET_API int duet_server_fd(const duet_server *server);

/* One turn: does what there is to do, and never waits (but handlers on this loop may). 0: go
 * on; 1: the server has drained; -errno on failure. After those two call duet_server_wait(). On
 * the thread that called duet_server_start(); -EBUSY from inside a handler, or on another
 * thread, and nothing is done. */
DUET_API int duet_server_process(duet_server *server);

/* Instead of start: runs every loop on threads of their own, and returns. */
DUET_API int duet_server_start_threads(duet_server *server);

/* Joins the threads, once the server has drained (with start_threads: waits until it has; after
 * a start whose process() has not returned 1: drains now). Returns what duet_server_run()
 * would. Once; -EBUSY for a second time, or from inside a handler. duet_server_free() waits
 * so for a server that nobody has waited for. */
DUET_API int duet_server_wait(duet_server *server);

/* Serves on a listening stream socket that the program opened (or was given: systemd), before
 * the run. Takes the fd, also when it fails. -ENOTSOCK, -EINVAL for one that does not listen.
 * It is an address in duet_server_address() as any other; a unix socket's path is left alone,
 * and in the end the socket is closed and no more: who else holds it may go on with it. */
typedef enum duet_protocols {
    DUET_PROTOCOLS_BOTH = 0,
    DUET_PROTOCOLS_XMLRPC = 1,
    DUET_PROTOCOLS_MSGPACKRPC = 2,
} duet_protocols;
DUET_API int duet_server_listen_fd(duet_server *server, int fd, duet_protocols protocols);

/* Serves one connected stream socket (an accepted one, a socketpair's end) as if it had been
 * accepted, both protocols. Takes the fd, also when it fails: -ENOTSOCK, -EINVAL, -ENOMEM,
 * -EAGAIN at DUET_OPT_MAX_CONNECTIONS or DUET_OPT_MAX_PER_ADDRESS, -ESHUTDOWN in a drain. Any
 * thread, while the server runs. */
DUET_API int duet_server_adopt(duet_server *server, int fd);

/* ---- Hooks ---- */

/* How a call ended, for the after-hook; later versions add members at its end. The sizes are 0
 * for calls within calls. */
typedef struct duet_outcome {
    int code; /* 0, or the fault's code */
    /* "", or the fault's words on one line: what would leave it stands there as \x0a. */
    const char *message;
    size_t request_bytes, reply_bytes;
    uint64_t queue_us; /* waiting for a worker or its method's turn */
    uint64_t run_us;   /* in its handler; 0 if that did not begin */
    uint64_t total_us; /* from the request's last byte to the end of its reply's writing */
} duet_outcome;

/* Each may be NULL. Those of calls see method, peer, protocol and session through `call`. */
typedef struct duet_hooks {
    /* Runs on the handler's thread before each call, when method and arguments are known to be
     * good; returning what duet_fail() returned, or another negative code as a handler may,
     * refuses the call. */
    int (*before)(duet_call *call, void *ctx);

    /* Runs once for each call and tells what its caller was answered. It runs on the same
     * thread, after the handler, when the reply is complete; of a kept call, on the thread that
     * finishes it; for a call that did not begin, on the thread that found that out: a worker's
     * or a loop's, so it must be quick. Those are refused for method, arguments, a limit or by
     * a before-hook, or answered at their time limit or at the end of a drain while they
     * waited; a call whose client left before it began is not told at all. Of a call that was
     * answered at its time limit, or at the end of a drain, while its handler ran or while it
     * was kept, it tells that fault (DUET_FAULT_TIMEOUT, DUET_FAULT_CANCELLED), when the
     * handler has returned, or when it is finished. */
    void (*after)(duet_call *call, const duet_outcome *outcome, void *ctx);

    /* Runs before anything is decoded, on a loop's thread or a worker's, when the method has
     * been found: by method and caller alone it may refuse the call, as `before` does. There
     * are no arguments yet. Calls of one connection pass it in the order in which they came.
     * Entries of a multicall and invoked calls pass it too. It must be quick. */
    int (*admit)(duet_call *call, void *ctx);

    /* A session begins, before its first call; returning below 0 closes it. And it has ended:
     * calls of it may still run, and hold it. On a loop's thread. session_close is called for
     * each session for which all session_open hooks returned 0. */
    int (*session_open)(duet_session *session, void *ctx);
    void (*session_close)(duet_session *session, void *ctx);

    /* A drain has begun: finish what waits. Once, on a loop's thread. */
    void (*drain)(duet_server *server, void *ctx);

    /* Words for whoever looks after the program: an inline handler that holds its loop too
     * long, a table that was refused while the server ran. One line without its end; any
     * thread. */
    void (*notice)(const char *words, void *ctx);
} duet_hooks;

/* Is behind duet_server_add_hooks(), for a struct of `size` bytes. */
DUET_API int duet_server_add_hooks_sized(duet_server *server, const duet_hooks *hooks,
                                         size_t size, void *ctx);

/* Adds hooks, before run; `ctx` goes to all of them. Copies the struct. Several may be added:
 * admits and befores are called in the order they were added, and the first that refuses is the
 * last to be called; afters in the opposite order, all of them. They run on many threads at
 * once, and must be thread-safe. -EINVAL for NULL, -ENOMEM. */
DUET_INLINE_API int duet_server_add_hooks(duet_server *server, const duet_hooks *hooks,
                                          void *ctx)
{
    return duet_server_add_hooks_sized(server, hooks, sizeof *hooks, ctx);
}

/* ---- Counters ----
 *
 * What the server has counted since it started; system.stats answers the same, under the same
 * names, to any client. Each call that was accepted ends in exactly one way, so calls_accepted
 * is ok + fault + refused + cancelled + dropped + timed_out + calls_in_progress.
 *
 * The members stand in lists, an X(name) each, for programs that print or export all of them.
 * All are uint64_t. */
#define DUET_CALL_COUNTERS(X)                                                                  \
    X(ok)      /* answered with a result */                                                    \
    X(fault)   /* answered with a fault */                                                     \
    X(refused) /* answered with a fault before it ran: a full queue, a busy method, a limit */ \
    X(cancelled)   /* answered with a fault at the end of a drain */                           \
    X(dropped)     /* the client was gone before the answer */                                 \
    X(timed_out)   /* answered with a fault at its deadline */                                 \
    X(queue_us)    /* waiting for a worker, us of all calls together */                        \
    X(run_us)      /* and running on one */                                                    \
    X(slow_inline) /* inline, and longer than DUET_OPT_SLOW_INLINE_MS */

#define DUET_SERVER_COUNTERS(X)                                                                \
    X(connections_open) /* now */                                                              \
    X(connections_accepted)                                                                    \
    X(refused_max_connections)    /* connections that were told they are too many */           \
    X(refused_max_per_address)    /* the same, of one address */                               \
    X(refused_max_fds)            /* closed at once: no more files may be open (ulimit -n) */  \
    X(accept_pauses)              /* how often accepting paused because it failed otherwise */ \
    X(paused_max_in_flight)       /* how often a limit stopped a connection */                 \
    X(paused_max_in_flight_bytes) /* from being read: */                                       \
    X(paused_out_mark)            /* these four */                                             \
    X(paused_max_buffered)                                                                     \
    X(bytes_in)                                                                                \
    X(bytes_out)                                                                               \
    X(buffered_bytes)       /* held now for messages and replies */                            \
    X(refused_max_buffered) /* calls refused and connections closed for DUET_OPT_MAX_BUFFERED  \
                             */                                                                \
    X(workers)                                                                                 \
    X(workers_active)  /* now */                                                               \
    X(workers_waiting) /* now */                                                               \
    X(queue_length)    /* calls that wait for a worker, or their turn, now */                  \
    X(calls_accepted)                                                                          \
    X(calls_in_progress)     /* now */                                                         \
    X(late_results)          /* of calls that were answered or dropped before */               \
    X(unreadable_messages)   /* of no protocol of ours, or without a msgid to answer */        \
    X(unasked_replies)       /* replies that nobody asked for; ignored */                      \
    X(calls_kept)            /* now: to be answered later, or forgotten */                     \
    X(dropped_notifications) /* that their sessions did not read in time */

#define DUET_COUNTER_MEMBER(name) uint64_t name;
#define DUET_COUNTER_PLACE(name) +1

/* Has the same size in all versions: duet_stats holds one. */
typedef struct duet_call_stats {
    DUET_CALL_COUNTERS(DUET_COUNTER_MEMBER)
    uint64_t later[16 - (DUET_CALL_COUNTERS(DUET_COUNTER_PLACE))]; /* 0 */
} duet_call_stats;

typedef struct duet_stats {
    duet_call_stats calls; /* all together */
    DUET_SERVER_COUNTERS(DUET_COUNTER_MEMBER)
} duet_stats;

/* Are behind the functions below, for structs of `size` bytes. */
DUET_API int duet_server_stats_sized(const duet_server *server, duet_stats *stats, size_t size);
DUET_API int duet_server_method_stats_sized(const duet_server *server, const char *method,
                                            duet_call_stats *stats, size_t size);

/* The totals, and those of one method (-ENOENT if there is none of that name). Any thread,
 * while the server runs; before and after, most are 0. What this library does not count is 0.
 * -EINVAL for NULL. */
DUET_INLINE_API int duet_server_stats(const duet_server *server, duet_stats *stats)
{
    return duet_server_stats_sized(server, stats, sizeof *stats);
}
DUET_INLINE_API int duet_server_method_stats(const duet_server *server, const char *method,
                                             duet_call_stats *stats)
{
    return duet_server_method_stats_sized(server, method, stats, sizeof *stats);
}

#ifdef __cplusplus
}
#endif

#endif
