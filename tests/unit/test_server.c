/*
 * The server as a whole, seen through duet.h and a socket: set-up errors, methods that come and
 * go, hooks, calls from calls, leaving in order.
 */
#include "served.h"

#include "packed.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- Methods ---- */

static int twice(duet_call *call, void *ctx)
{
    (void)ctx;
    return duet_reply_int(call, 2 * duet_arg_int(call, 0));
}

static int positive(duet_call *call, void *ctx)
{
    (void)ctx;
    (void)call;
    return 7;
}

static int nothing(duet_call *call, void *ctx)
{
    (void)call;
    (void)ctx;
    return 0;
}

static int broken_pipe(duet_call *call, void *ctx)
{
    (void)ctx;
    duet_reply_int(call, 1);
    return -EPIPE;
}

static int too_few(duet_call *call, void *ctx)
{
    (void)ctx;
    duet_writer *writer = duet_call_writer(call);
    duet_write_array(writer, 3);
    return duet_write_int(writer, 1);
}

static int null_text(duet_call *call, void *ctx)
{
    (void)ctx;
    return duet_write_text(duet_call_writer(call), NULL);
}

/* Passes an inner fault on in its own words, and forgets to return what duet_fail() returned.
 */
static int pass_on(duet_call *call, void *ctx)
{
    (void)ctx;
    const char *words;
    duet_write_array(duet_call_writer(call), 1);
    duet_call_invoke(call, "double", duet_arg(call, 0), duet_call_writer(call));
    duet_call_fault(call, &words);
    duet_fail(call, DUET_FAULT_INTERNAL, "inner: %s", words);
    return 0;
}

static int drain(duet_call *call, void *ctx)
{
    (void)ctx;
    duet_server_drain(duet_call_server(call));
    return duet_reply_bool(call, true);
}

static int add_triple(duet_call *call, void *ctx);

/* Calls double of its argument, by name, into an array of two. */
static int through(duet_call *call, void *ctx)
{
    (void)ctx;
    duet_writer *writer = duet_call_writer(call);
    duet_write_array(writer, 2);
    int rc = duet_call_invoke(call, "double", duet_arg(call, 0), writer);
    if (rc < 0)
        duet_write_int(writer, duet_call_fault(call, NULL));
    return duet_write_string(writer, "after", 5);
}

/* Fails with the code it is given. */
static int fail_as(duet_call *call, void *ctx)
{
    (void)ctx;
    return duet_fail(call, (int)duet_arg_int(call, 0), "as told");
}

/* What a call of fail_as returns, and what duet_call_fault() says of it. */
static int codes(duet_call *call, void *ctx)
{
    (void)ctx;
    const char *words;
    duet_writer *writer = duet_call_writer(call);
    duet_write_array(writer, 3);
    int rc = duet_call_invoke(call, "fail_as", duet_arg(call, 0), writer);
    duet_write_int(writer, rc);
    duet_write_int(writer, duet_call_fault(call, &words));
    return duet_write_text(writer, words);
}

/* Returns what the call of another one returned. */
static int pass_code_on(duet_call *call, void *ctx)
{
    (void)ctx;
    return duet_call_invoke(call, "fail_as", duet_arg(call, 0), duet_call_writer(call));
}

/* Returns what its own duet_fail() returned, which 7 turns into. */
static int tell_own_code(duet_call *call, void *ctx)
{
    (void)ctx;
    int rc = duet_fail(call, (int)duet_arg_int(call, 0), "own");
    return duet_fail(call, 1, "%d", rc);
}

static int speak(duet_call *call, void *ctx)
{
    (void)ctx;
    return duet_fail(call, 0, "%01500d", 7);
}

/* The first call brings an empty list of arguments, all others pass it on. */
static int itself(duet_call *call, void *ctx)
{
    (void)ctx;
    static _Thread_local const duet_value *none;
    if (duet_arg_count(call) > 0)
        none = duet_arg(call, 0);
    int rc = duet_call_invoke(call, "itself", none, duet_call_writer(call));
    return rc < 0 ? duet_reply_int(call, duet_call_fault(call, NULL)) : rc;
}

/* Answers with its arguments and then reads one as a string, which may move its bytes. */
static int echo_and_look(duet_call *call, void *ctx)
{
    (void)ctx;
    duet_writer *writer = duet_call_writer(call);
    duet_write_array(writer, 3);
    duet_write_value(writer, duet_arg(call, 0));
    duet_mark mark = duet_writer_mark(writer);
    duet_write_value(writer, duet_arg(call, 1));
    duet_writer_rewind(writer, mark); /* a reference is taken back like anything else */
    duet_write_value(writer, duet_arg(call, 1));
    size_t size;
    assert_int_equal(duet_arg_string(call, 0, &size)[size], 0);
    return duet_write_value(writer, duet_arg(call, 0));
}

static const duet_method methods[] = {
    {.name = "double", .signature = "i:i", .handler = twice, .flags = DUET_METHOD_INLINE},
    {.name = "slow.double", .signature = "i:i", .handler = twice},
    {.name = "positive", .handler = positive},
    {.name = "nothing", .handler = nothing, .flags = DUET_METHOD_INLINE},
    {.name = "broken", .handler = broken_pipe},
    {.name = "too.few", .handler = too_few},
    {.name = "null.text", .handler = null_text},
    {.name = "pass.on", .handler = pass_on},
    {.name = "drain", .handler = drain, .flags = DUET_METHOD_INLINE},
    {.name = "drain.worker", .handler = drain},
    {.name = "add.triple", .handler = add_triple},
    {.name = "echo", .handler = echo_and_look, .flags = DUET_METHOD_INLINE},
    {.name = "slow.echo", .handler = echo_and_look},
    {.name = "itself", .handler = itself},
    {.name = "fail_as", .handler = fail_as},
    {.name = "codes", .handler = codes},
    {.name = "pass_code_on", .handler = pass_code_on},
    {.name = "tell_own_code", .handler = tell_own_code},
    {.name = "through", .signature = "a:a", .handler = through},
    {0},
};

static int thrice(duet_call *call, void *ctx)
{
    return duet_reply_int(call, *(int *)ctx * duet_arg_int(call, 0));
}

static int add_triple(duet_call *call, void *ctx)
{
    (void)ctx;
    static int three = 3;
    static const duet_method triple[] = {{.name = "triple", .handler = thrice}, {0}};
    int rc = duet_server_add(duet_call_server(call), triple, &three);
    return duet_reply_int(call, rc);
}

/* ---- Fixture: a running server of these methods, and its client ---- */

static struct served served;
static int fd;

static int set_up(void **state)
{
    (void)state;
    served_open(&served, methods, NULL);
    served_start(&served);
    fd = served_connect(&served);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    close(fd);
    served_stop(&served);
    return served.result;
}

/* ---- Set-up ---- */

static void set_up_functions_take_a_null_server(void **state)
{
    (void)state;
    assert_int_equal(duet_server_add(NULL, methods, NULL), -ENOMEM);
    assert_int_equal(duet_server_listen(NULL, "tcp://127.0.0.1:0"), -ENOMEM);
    assert_int_equal(duet_server_run(NULL), -ENOMEM);
    assert_string_equal(duet_server_error(NULL), "out of memory");
    assert_null(duet_server_address(NULL, 0));
    duet_server_free(NULL);
}

static void the_first_set_up_error_sticks(void **state)
{
    (void)state;
    duet_server *server = duet_server_new();
    assert_int_equal(duet_server_listen(server, "ftp://here"), -EINVAL);
    assert_int_equal(duet_server_set(server, DUET_OPT_MAX_DEPTH, -1), -EINVAL);
    assert_int_equal(duet_server_listen(server, "tcp://127.0.0.1:0"), 0);
    assert_int_equal(duet_server_run(server), -EINVAL);
    assert_non_null(strstr(duet_server_error(server), "ftp://here"));
    duet_server_free(server);
}

static void a_taken_port_is_an_error_that_names_it(void **state)
{
    (void)state;
    duet_server *first = duet_server_new(), *second = duet_server_new();
    assert_int_equal(duet_server_listen(first, "tcp://127.0.0.1:0"), 0);
    assert_int_equal(duet_server_listen(second, duet_server_address(first, 0)), -EADDRINUSE);
    assert_non_null(strstr(duet_server_error(second), duet_server_address(first, 0)));
    duet_server_free(first);
    duet_server_free(second);
}

static void a_server_without_a_listener_does_not_run(void **state)
{
    (void)state;
    duet_server *server = duet_server_new();
    assert_int_equal(duet_server_run(server), -EINVAL);
    assert_non_null(strstr(duet_server_error(server), "duet_server_listen"));
    duet_server_free(server);
}

/* ---- Handlers ---- */

static void a_call_is_answered_inline_and_on_a_worker(void **state)
{
    (void)state;
    served_open(&served, methods, NULL);
    served_start(&served);
    fd = served_connect(&served);
    served_ask(fd, "[0,1,'double',[21]]", "[1,1,nil,42]");
    served_ask(fd, "[0,2,'slow.double',[21]]", "[1,2,nil,42]");
    close(fd);
    served_stop(&served);
    assert_int_equal(served.result, 0);
}

static void what_a_handler_does_wrong_is_an_internal_fault(void **state)
{
    (void)state;
    static const struct {
        const char *method, *words;
    } rows[] = {
        {"positive", "positive: the method returned 7 where 0 or less is allowed"},
        {"broken", "broken: internal error: Broken pipe"},
        {"too.few", "too.few: the method wrote 1 of 3 items of an array"},
        {"null.text", "null.text: the method wrote a NULL string"},
        {"pass.on", "inner: the arguments of double must be an array, got nil"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        served_tell(fd, "[0,1,'%s',[]]", rows[i].method);
        served_expect(fd, "[1,1,[%d,'%s'],nil]", DUET_FAULT_INTERNAL, rows[i].words);
    }
    served_ask(fd, "[0,1,'nothing',[]]", "[1,1,nil,nil]");
}

static void a_method_calls_another_and_keeps_its_own_reply_whole(void **state)
{
    (void)state;
    served_ask(fd, "[0,1,'through',[[21]]]", "[1,1,nil,[42,'after']]");
    served_ask(fd, "[0,1,'through',[[]]]", "[1,1,nil,[-32602,'after']]");
}

static void a_failed_function_returns_the_codes_that_the_manual_says(void **state)
{
    (void)state;
    served_ask(fd, "[0,1,'codes',[[-7]]]", "[1,1,nil,[-7,-7,'as told']]");
    served_ask(fd, "[0,1,'codes',[[42]]]", "[1,1,nil,[-32500,42,'as told']]");
    served_ask(fd, "[0,1,'codes',[[0]]]", "[1,1,nil,[-32500,-32500,'as told']]");
    served_ask(fd, "[0,1,'codes',[[-2147483648]]]",
               "[1,1,nil,[-2147483648,-2147483648,'as told']]");
    served_ask(fd, "[0,1,'pass_code_on',[[42]]]", "[1,1,[42,'as told'],nil]");
    served_ask(fd, "[0,1,'pass_code_on',[[-7]]]", "[1,1,[-7,'as told'],nil]");
    served_ask(fd, "[0,1,'tell_own_code',[42]]", "[1,1,[1,'-32500'],nil]");
    served_ask(fd, "[0,1,'tell_own_code',[-7]]", "[1,1,[1,'-7'],nil]");
}

static void a_method_that_calls_itself_without_end_is_stopped(void **state)
{
    (void)state;
    served_ask(fd, "[0,1,'itself',[[[]]]]", "[1,1,nil,-32000]");
}

static void a_fault_fits_whatever_the_reply_limit(void **state)
{
    (void)state;
    static const duet_method wordy[] = {
        {.name = "wordy", .handler = speak, .flags = DUET_METHOD_INLINE}, {0}};
    served_open(&served, wordy, NULL);
    assert_int_equal(duet_server_set(served.server, DUET_OPT_MAX_REPLY, 1024), 0);
    served_start(&served);
    fd = served_connect(&served);
    char reply[10 + 1000 + 1];
    served_send(fd, "\x94\x00\x01\xa5wordy\x90", 10);
    served_read(fd, reply, sizeof reply);
    assert_memory_equal(reply, "\x94\x01\x01\x92\xd1\x81\x0c\xda\x03\xe8", 10); /* -32500 */
    close(fd);
    served_stop(&served);
}

enum { LARGE = 300000 };

/* [0, 1, method, [LARGE bytes, LARGE others]]; returns its size. */
static size_t write_large_call(uint8_t *request, const char *method)
{
    uint8_t *p = request;
    *p++ = 0x94;
    *p++ = 0;
    *p++ = 1;
    *p++ = (uint8_t)(0xa0 + strlen(method));
    memcpy(p, method, strlen(method));
    p += strlen(method);
    *p++ = 0x92;
    for (int i = 0; i < 2; i++) {
        memcpy(p, "\xc6\x00\x04\x93\xe0", 5);
        memset(p + 5, 'a' + i, LARGE);
        p += 5 + LARGE;
    }
    return (size_t)(p - request);
}

static void large_values_come_back_whole_without_a_copy(void **state)
{
    (void)state;
    static uint8_t request[2 * LARGE + 64], reply[3 * LARGE + 64];
    static const char *const names[] = {"echo", "slow.echo"};
    for (size_t n = 0; n < 4; n++) {
        size_t size = write_large_call(request, names[n % 2]);
        served_send(fd, request, size);
        served_read(fd, reply, 5 + 3 * (5 + LARGE));
        assert_memory_equal(reply, "\x94\x01\x01\xc0\x93", 5);
        for (size_t i = 0; i < 3; i++) {
            const uint8_t *item = reply + 5 + i * (5 + LARGE);
            assert_memory_equal(item, "\xc6\x00\x04\x93\xe0", 5);
            for (size_t j = 0; j < LARGE; j++)
                assert_int_equal(item[5 + j], 'a' + (i == 1));
        }
    }
}

/* ---- Methods that come and go ---- */

static void a_method_added_while_running_is_there_for_the_next_call(void **state)
{
    (void)state;
    served_ask(fd, "[0,1,'add.triple',[]]", "[1,1,nil,0]");
    served_ask(fd, "[0,2,'triple',[5]]", "[1,2,nil,15]");
    assert_int_equal(duet_server_remove(served.server, "triple"), 0);
    assert_int_equal(duet_server_remove(served.server, "triple"), -ENOENT);

    served_tell(fd, "[0,3,'triple',[5]]");
    served_expect(fd,
                  "[1,3,[%d,\"no method named 'triple' (system.listMethods lists those there "
                  "are)\"],nil]",
                  DUET_FAULT_METHOD);
}

static void a_name_can_be_taken_once_only(void **state)
{
    (void)state;
    static const duet_method again[] = {
        {.name = "fresh", .handler = twice}, {.name = "double", .handler = twice}, {0}};
    duet_server *server = duet_server_new();
    assert_int_equal(duet_server_add(server, methods, NULL), 0);
    assert_int_equal(duet_server_add(server, again, NULL), -EEXIST);
    assert_int_equal(duet_server_remove(server, "fresh"), -ENOENT); /* all or none */
    duet_server_free(server);
}

/* ---- Hooks ---- */

struct seen {
    _Atomic int before, after, code;
};

static int refuse_21(duet_call *call, void *ctx)
{
    struct seen *seen = ctx;
    seen->before++;
    if (duet_arg_int(call, 0) == 21)
        duet_fail(call, DUET_FAULT_UNAUTHORIZED, "not 21"); /* it holds, returned or not */
    return 0;
}

static void note(duet_call *call, const duet_outcome *outcome, void *ctx)
{
    struct seen *seen = ctx;
    assert_memory_equal(duet_call_peer(call), "127.0.0.1:", 10);
    assert_true(outcome->request_bytes > 0 && outcome->reply_bytes > 0);
    seen->code = outcome->code;
    seen->after++;
}

static void hooks_see_every_call_and_may_refuse_it(void **state)
{
    (void)state;
    struct seen seen = {0};
    served_open(&served, methods, NULL);
    assert_int_equal(duet_server_add_hooks(served.server,
                                           &(duet_hooks){.before = refuse_21, .after = note},
                                           &seen),
                     0);
    served_start(&served);
    fd = served_connect(&served);

    served_ask(fd, "[0,1,'double',[4]]", "[1,1,nil,8]");
    assert_int_equal(seen.code, 0);
    served_ask(fd, "[0,1,'double',[21]]", "[1,1,[-32004,'not 21'],nil]");
    assert_int_equal(seen.code, DUET_FAULT_UNAUTHORIZED);
    served_tell(fd, "[0,1,'nope',[]]");
    served_expect(fd,
                  "[1,1,[%d,\"no method named 'nope' (system.listMethods lists those there "
                  "are)\"],nil]",
                  DUET_FAULT_METHOD);
    assert_int_equal(seen.code, DUET_FAULT_METHOD);
    assert_int_equal(seen.before, 2);
    assert_int_equal(seen.after, 3);
    close(fd);
    served_stop(&served);
}

/* Hooks that each write a letter, one after the other: a worker runs them all. */
struct letters {
    char all[10];
    _Atomic size_t count;
    char refused_by; /* the before-hook with this letter refuses */
};

struct letter {
    struct letters *letters;
    char before, after;
};

/* The count is what makes it seen by the other thread. */
static void add_letter(struct letters *letters, char letter)
{
    letters->all[letters->count] = letter;
    letters->count++;
}

static int write_before(duet_call *call, void *ctx)
{
    const struct letter *letter = ctx;
    add_letter(letter->letters, letter->before);
    return letter->before == letter->letters->refused_by ? duet_fail(call, 7, "no") : 0;
}

static void write_after(duet_call *call, const duet_outcome *outcome, void *ctx)
{
    (void)call, (void)outcome;
    const struct letter *letter = ctx;
    add_letter(letter->letters, letter->after);
}

static void hooks_stand_around_each_other(void **state)
{
    (void)state;
    struct letters letters = {.refused_by = 'x'};
    struct letter each[] = {{&letters, 'a', 'A'}, {&letters, 'b', 'B'}, {&letters, 'c', 'C'}};
    served_open(&served, methods, NULL);
    duet_server *server = served.server;
    assert_int_equal(
        duet_server_add_hooks(
            server, &(duet_hooks){.before = write_before, .after = write_after}, &each[0]),
        0);
    assert_int_equal(
        duet_server_add_hooks(server, &(duet_hooks){.after = write_after}, &each[1]), 0);
    assert_int_equal(
        duet_server_add_hooks(
            server, &(duet_hooks){.before = write_before, .after = write_after}, &each[2]),
        0);
    served_start(&served);
    fd = served_connect(&served);

    served_ask(fd, "[0,1,'double',[4]]", "[1,1,nil,8]");
    assert_int_equal(letters.count, 5);
    assert_string_equal(letters.all, "acCBA");
    memset(letters.all, 0, sizeof letters.all);
    letters.refused_by = 'a';
    letters.count = 0;
    served_ask(fd, "[0,1,'double',[4]]", "[1,1,[7,'no'],nil]");
    assert_int_equal(letters.count, 4);
    assert_string_equal(letters.all, "aCBA");
    close(fd);
    served_stop(&served);
}

static void hooks_must_be_there(void **state)
{
    (void)state;
    duet_server *server = duet_server_new();
    assert_int_equal(duet_server_add_hooks(NULL, &(duet_hooks){.after = note}, NULL), -ENOMEM);
    assert_int_equal(duet_server_add_hooks(server, NULL, NULL), -EINVAL);
    assert_string_equal(duet_server_error(server),
                        "duet_server_add_hooks() was given no hooks");
    duet_server_free(server);
}

/* The last line of a log, as a hook would write it. */
struct line {
    pthread_mutex_t lock;
    char text[2000];
};

static void write_down(duet_call *call, const duet_outcome *outcome, void *ctx)
{
    struct line *line = ctx;
    pthread_mutex_lock(&line->lock);
    snprintf(line->text, sizeof line->text, "%s: %d %s", duet_call_method(call), outcome->code,
             outcome->message);
    pthread_mutex_unlock(&line->lock);
}

/* Sends a message whose answer is not looked at, and which ends the connection. */
static void expect_line(struct line *line, const void *message, size_t size, const char *text)
{
    char reply[4096];
    int own = served_connect(&served);
    served_send(own, message, size);
    shutdown(own, SHUT_WR);
    served_read_all(own, reply, sizeof reply);
    close(own);
    pthread_mutex_lock(&line->lock);
    assert_string_equal(line->text, text);
    pthread_mutex_unlock(&line->lock);
}

static int fail_in_two_lines(duet_call *call, void *ctx)
{
    (void)ctx;
    return duet_fail(call, 7, "one\ntwo");
}

static void what_hooks_write_stays_on_its_line(void **state)
{
    (void)state;
    static const duet_method two_lines[] = {{.name = "two", .handler = fail_in_two_lines}, {0}};
    static const char body[] =
        "<methodCall><methodName>a&#10;b\xc3\xa9&lt;</methodName></methodCall>";
    char xml[300];
    int xml_size = snprintf(
        xml, sizeof xml, "POST / HTTP/1.0\r\nHost: 127.0.0.1\r\nContent-Length: %zu\r\n\r\n%s",
        sizeof body - 1, body);
    struct line line = {.lock = PTHREAD_MUTEX_INITIALIZER};
    served_open(&served, two_lines, NULL);
    assert_int_equal(
        duet_server_add_hooks(served.server, &(duet_hooks){.after = write_down}, &line), 0);
    served_start(&served);

    static const char name[] = "\x94\x00\x01\xa7"
                               "a\n\0\xff\xc3\xa9z\x90";
    expect_line(&line, name, sizeof name - 1,
                "a\\x0a\\x00\\xff\xc3\xa9z: -32601 no method named 'a\\x0a\\x00\\xff\xc3\xa9z' "
                "(system.listMethods lists those there are)");
    expect_line(&line, xml, (size_t)xml_size,
                "a\\x0ab\xc3\xa9<: -32601 no method named 'a\\x0ab\xc3\xa9<' "
                "(system.listMethods lists those there are)");
    static const char help[] = "\x94\x00\x01\xb1system.methodHelp\x91\xa3"
                               "a\rb";
    expect_line(&line, help, sizeof help - 1,
                "system.methodHelp: -32601 no method named 'a\\x0db'");

    /* A handler's words reach its caller as they are. */
    fd = served_connect(&served);
    served_ask(fd, "[0,1,'two',[]]", "[1,1,[7,'one\ntwo'],nil]");
    close(fd);
    static const char two[] = "\x94\x00\x01\xa3two\x90";
    expect_line(&line, two, sizeof two - 1, "two: 7 one\\x0atwo");
    served_stop(&served);
}

static void a_name_as_long_as_a_message_is_cut_for_hooks(void **state)
{
    (void)state;
    struct line line = {.lock = PTHREAD_MUTEX_INITIALIZER};
    served_open(&served, methods, NULL);
    assert_int_equal(
        duet_server_add_hooks(served.server, &(duet_hooks){.after = write_down}, &line), 0);
    served_start(&served);
    char message[1100] = "\x94", text[2000], cut[201];
    memcpy(message + 1, "\x00\x01\xda\x04\x00", 5); /* 1,024 bytes: the 200th is half an e
                                                       acute */
    memset(message + 6, 'n', 1024);
    memcpy(message + 6 + 199, "\xc3\xa9", 2);
    message[6 + 1024] = (char)0x90;
    memset(cut, 'n', 199);
    cut[199] = '\0';
    snprintf(text, sizeof text,
             "%s: -32601 no method named '%s' (system.listMethods lists those there are)", cut,
             cut);
    expect_line(&line, message, 6 + 1024 + 1, text);
    served_stop(&served);
}

/* ---- Leaving ---- */

static int change_everything(duet_call *call, void *ctx)
{
    (void)ctx;
    duet_server *server = duet_call_server(call);
    int wrong = duet_server_listen(server, "tcp://127.0.0.1:0") != -EBUSY;
    wrong += duet_server_set(server, DUET_OPT_LOOPS, 1) != -EBUSY;
    wrong += duet_server_add_hooks(server, &(duet_hooks){.before = NULL}, NULL) != -EBUSY;
    wrong += duet_server_stop_on_signals(server) != -EBUSY;
    return duet_reply_int(call, wrong);
}

static void what_is_set_up_stays_while_it_runs(void **state)
{
    (void)state;
    static const duet_method meddle[] = {{.name = "meddle", .handler = change_everything}, {0}};
    served_open(&served, meddle, NULL);
    served_start(&served);
    fd = served_connect(&served);
    served_ask(fd, "[0,1,'meddle',[]]", "[1,1,nil,0]");
    close(fd);
    served_stop(&served);
    assert_int_equal(served.result, 0);
}

static void signals_go_back_with_a_server_that_never_ran(void **state)
{
    (void)state;
    struct sigaction before, after;
    sigaction(SIGTERM, NULL, &before);
    for (int i = 0; i < 2; i++) { /* the second one could not have them if the first one kept
                                     them */
        duet_server *server = duet_server_new();
        assert_int_equal(duet_server_stop_on_signals(server), 0);
        duet_server_free(server);
    }
    sigaction(SIGTERM, NULL, &after);
    assert_ptr_equal(before.sa_handler, after.sa_handler);
}

static void who_comes_during_a_drain_is_refused(void **state)
{
    (void)state;
    served_open(&served, methods, NULL);
    served_start(&served);
    /* Never read, never closed: the drain waits for it to leave. */
    fd = served_connect(&served);
    duet_server_drain(served.server);
    while (served_try_connect(&served) != ECONNREFUSED)
        continue;
    close(fd);
    served_join(&served);
    duet_server_free(served.server);
}

static void a_handler_may_drain_and_is_still_answered(void **state)
{
    (void)state;
    static const char *const names[] = {"drain", "drain.worker"};
    for (size_t i = 0; i < 2; i++) {
        served_open(&served, methods, NULL);
        served_start(&served);
        fd = served_connect(&served);
        char reply[16];
        served_tell(fd, "[0,1,'%s',[]]", names[i]);
        size_t size = served_read_all(fd, reply, sizeof reply);
        assert_packed(reply, size, "[1,1,nil,true]");
        close(fd);
        served_join(&served);
        assert_int_equal(served.result, 0);
        duet_server_free(served.server);
    }
}

static void requests_that_have_arrived_are_answered_before_the_end(void **state)
{
    (void)state;
    enum { CALLS = 500 };
    served_open(&served, methods, NULL);
    fd = served_connect(&served);
    const struct packed call = packed_from("[0,1,'slow.double',[21]]");
    char requests[CALLS * 17];
    assert_int_equal(call.size, sizeof requests / CALLS);
    for (size_t i = 0; i < CALLS; i++)
        memcpy(requests + i * call.size, call.bytes, call.size);
    /* They wait in the kernel: the server does not run yet. */
    served_send(fd, requests, sizeof requests);
    duet_server_drain(served.server);
    served_start(&served);

    char replies[CALLS * 5 + 1];
    assert_int_equal(served_read_all(fd, replies, sizeof replies), CALLS * 5);
    close(fd);
    served_join(&served);
    assert_int_equal(served.result, 0);
    duet_server_free(served.server);
}

static void options_are_set_by_name_and_errors_stick(void **state)
{
    (void)state;
    duet_server *server = duet_server_new();
    assert_int_equal(duet_server_set_text(server, "max-message", "1M"), 0);
    assert_int_equal(duet_server_get(server, DUET_OPT_MAX_MESSAGE), 1 << 20);
    assert_int_equal(duet_server_set_text(server, "allow-origin", "https://app.example"), 0);
    assert_int_equal(duet_server_set_text(server, "allow-origin", "null"), 0);
    assert_int_equal(duet_server_set_text(server, "allow-host", "app.example"), 0);
    assert_string_equal(duet_server_error(server), "");

    assert_int_equal(duet_server_set_text(server, "max-mesage", "1M"), -EINVAL);
    assert_int_equal(duet_server_set_text(server, "max-depth", "x"), -EINVAL);
    assert_string_equal(duet_server_error(server),
                        "there is no option \"max-mesage\": did you mean \"max-message\"?");
    assert_int_equal(duet_server_run(server), -EINVAL);
    duet_server_free(server);

    server = duet_server_new();
    assert_int_equal(duet_server_set_text(server, NULL, "1M"), -EINVAL);
    assert_int_equal(duet_server_set_text(server, "max-message", NULL), -EINVAL);
    assert_int_equal(duet_server_set_text(NULL, "max-message", "1M"), -ENOMEM);
    duet_server_free(server);
}

int main(void)
{
#define SERVED(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(set_up_functions_take_a_null_server),
        cmocka_unit_test(the_first_set_up_error_sticks),
        cmocka_unit_test(a_taken_port_is_an_error_that_names_it),
        cmocka_unit_test(a_server_without_a_listener_does_not_run),
        cmocka_unit_test(a_call_is_answered_inline_and_on_a_worker),
        SERVED(what_a_handler_does_wrong_is_an_internal_fault),
        SERVED(a_method_calls_another_and_keeps_its_own_reply_whole),
        SERVED(a_method_that_calls_itself_without_end_is_stopped),
        SERVED(a_failed_function_returns_the_codes_that_the_manual_says),
        cmocka_unit_test(a_fault_fits_whatever_the_reply_limit),
        SERVED(large_values_come_back_whole_without_a_copy),
        SERVED(a_method_added_while_running_is_there_for_the_next_call),
        cmocka_unit_test(a_name_can_be_taken_once_only),
        cmocka_unit_test(hooks_see_every_call_and_may_refuse_it),
        cmocka_unit_test(what_hooks_write_stays_on_its_line),
        cmocka_unit_test(hooks_stand_around_each_other),
        cmocka_unit_test(hooks_must_be_there),
        cmocka_unit_test(a_name_as_long_as_a_message_is_cut_for_hooks),
        cmocka_unit_test(what_is_set_up_stays_while_it_runs),
        cmocka_unit_test(signals_go_back_with_a_server_that_never_ran),
        cmocka_unit_test(who_comes_during_a_drain_is_refused),
        cmocka_unit_test(a_handler_may_drain_and_is_still_answered),
        cmocka_unit_test(requests_that_have_arrived_are_answered_before_the_end),
        cmocka_unit_test(options_are_set_by_name_and_errors_stick),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
