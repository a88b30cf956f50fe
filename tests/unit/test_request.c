/*
 * Calls to a client, over a server that runs: sent from handlers, callbacks and other threads,
 * answered, refused, given up. The client is the test, byte by byte.
 */
#include "request.h"

#include "latch.h"
#include "served.h"
#include "server.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static struct served served;

/* What the last callback was told. */
static struct {
    _Atomic int count, status, result;
} told;

static duet_session *_Atomic kept;

static int keep(duet_call *call, void *ctx)
{
    (void)ctx;
    atomic_store(&kept, duet_session_ref(duet_call_session(call)));
    return 0;
}

/* A request with the call's first argument as method and its second as argument. */
static duet_request *request_of(duet_call *call)
{
    duet_request *request =
        duet_session_request(duet_call_session(call), duet_arg_string(call, 0, NULL), 1);
    duet_write_value(duet_request_writer(request), duet_arg(call, 1));
    if (duet_arg_count(call) > 2)
        duet_request_set_timeout(request, (unsigned)duet_arg_int(call, 2));
    return request;
}

static int ask(duet_call *call, void *ctx)
{
    (void)ctx;
    duet_request *request = request_of(call);
    int rc = duet_request_wait(request);
    rc = rc == 0 ? duet_reply_value(call, duet_request_result(request))
                 : duet_fail_request(call, request);
    duet_request_free(request);
    return rc;
}

/* Asks once more when it has been answered. */
static int ask_twice(duet_call *call, void *ctx)
{
    (void)ctx;
    int rc = 0;
    for (int i = 0; i < 2 && rc == 0; i++) {
        duet_request *request = request_of(call);
        rc = duet_request_wait(request);
        duet_request_free(request);
    }
    return duet_reply_int(call, rc);
}

/* Does not heed that its call is cancelled: it asks as long as there is a loop to ask. */
static int ask_for_ever(duet_call *call, void *ctx)
{
    (void)ctx;
    int rc;
    do {
        duet_request *request = request_of(call);
        rc = duet_request_wait(request);
        duet_request_free(request);
    } while (rc != -ENOTCONN);
    atomic_store(&told.status, rc);
    return rc;
}

/* The same as a large call that had room reserved. */
static int ask_at_length(duet_call *call, void *ctx)
{
    assert_true(duet_account_reserve(&call->account, 1 << 20));
    return ask(call, ctx);
}

static void note(duet_request *request, void *ctx)
{
    (void)ctx;
    atomic_store(&told.result, (int)duet_value_int(duet_request_result(request)));
    atomic_store(&told.status, duet_request_status(request));
    atomic_fetch_add(&told.count, 1);
}

/* Frees it at once: it goes on all the same. */
static int ask_later(duet_call *call, void *ctx)
{
    (void)ctx;
    duet_request *request = request_of(call);
    int rc = duet_request_send(request, note, NULL);
    duet_request_free(request);
    return duet_reply_int(call, rc);
}

static int tick(duet_call *call, void *ctx)
{
    (void)ctx;
    duet_request *request = duet_session_request(duet_call_session(call), "tick", 0);
    int rc = duet_request_notify(request);
    duet_request_free(request);
    return duet_reply_int(call, rc);
}

static int twice(duet_call *call, void *ctx)
{
    (void)ctx;
    return duet_reply_int(call, 2 * duet_arg_int(call, 0));
}

static const duet_method methods[] = {
    {.name = "keep", .handler = keep},
    {.name = "ask", .handler = ask},
    {.name = "ask_twice", .handler = ask_twice},
    {.name = "ask_for_ever", .handler = ask_for_ever},
    {.name = "ask_at_length", .handler = ask_at_length},
    {.name = "ask_one", .handler = ask, .max_running = 1},
    {.name = "ask_briefly", .handler = ask, .timeout_ms = 1},
    {.name = "ask_inline", .handler = ask, .flags = DUET_METHOD_INLINE},
    {.name = "later", .handler = ask_later},
    {.name = "later_inline", .handler = ask_later, .flags = DUET_METHOD_INLINE},
    {.name = "tick", .handler = tick},
    {.name = "tick_inline", .handler = tick, .flags = DUET_METHOD_INLINE},
    {.name = "twice", .signature = "i:i", .handler = twice},
    {.name = "twice_inline", .signature = "i:i", .handler = twice, .flags = DUET_METHOD_INLINE},
    {.name = "wait", .handler = latch_wait},
    {0},
};

static void open_server(void **state)
{
    latch_close(state);
    memset(&told, 0, sizeof told);
    served_open(&served, methods, NULL);
    assert_int_equal(duet_server_set(served.server, DUET_OPT_WORKERS, 1), 0);
}

static int serve(void **state)
{
    open_server(state);
    served_start(&served);
    return 0;
}

static int serve_narrowly(void **state)
{
    open_server(state);
    assert_int_equal(duet_server_set(served.server, DUET_OPT_MAX_IN_FLIGHT, 1), 0);
    served_start(&served);
    return 0;
}

static int serve_briefly(void **state)
{
    open_server(state);
    assert_int_equal(duet_server_set(served.server, DUET_OPT_DRAIN_MS, 1), 0);
    assert_int_equal(duet_server_set(served.server, DUET_OPT_MAX_MESSAGE, 64), 0);
    served_start(&served);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    served_stop(&served);
    return 0;
}

static void wait_for(_Atomic int *number, int value)
{
    for (int i = 0; atomic_load(number) != value; i++) {
        assert_true(i < 10000);
        usleep(1000);
    }
}

static uint64_t unasked(void)
{
    duet_stats stats;
    assert_int_equal(duet_server_stats(served.server, &stats), 0);
    return stats.unasked_replies;
}

/* A connection, and its session in `kept`. */
static int connect_and_keep(void)
{
    int fd = served_connect(&served);
    served_ask(fd, "[0,1,'keep',[]]", "[1,1,nil,nil]");
    return fd;
}

static void let_go(int fd)
{
    duet_session_unref(atomic_exchange(&kept, NULL));
    close(fd);
}

/* ---- Answers ---- */

static void a_handler_waits_for_its_client(void **state)
{
    (void)state;
    int fd = served_connect(&served);
    served_ask(fd, "[0,1,'ask',['add',5]]", "[0,<ce00000001>,'add',[5]]");
    served_ask(fd, "[1,1,nil,{'sum':[7]}]", "[1,1,nil,{'sum':[7]}]");
    served_ask(fd, "[0,2,'ask',['add',6]]", "[0,<ce00000002>,'add',[6]]");
    served_ask(fd, "[1,2,nil,nil]", "[1,2,nil,nil]");
    close(fd);
}

static void who_waits_holds_no_reservation(void **state)
{
    (void)state;
    int fd = served_connect(&served);
    served_ask(fd, "[0,1,'ask_at_length',['add',5]]", "[0,<ce00000001>,'add',[5]]");
    assert_int_equal(served.server->budget.admitted, 0);
    served_ask(fd, "[1,1,nil,7]", "[1,1,nil,7]");
    close(fd);
}

static void a_fault_of_any_shape_is_passed_on(void **state)
{
    (void)state;
    static const struct {
        const char *error, *fault;
    } rows[] = {
        {"[-5,'why']", "[-5,'why']"},
        {"'no'", "[-32500,'no']"},
        {"{'code':3,'message':'x'}", "[3,'x']"},
        {"2", "[-32602,'invalid arguments']"},
        {"false", "[-32500,'application error']"},
    };
    int fd = served_connect(&served);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        served_tell(fd, "[0,1,'ask',['m',0]]");
        served_expect(fd, "[0,<ce0000000%zx>,'m',[0]]", i + 1);
        served_tell(fd, "[1,%zu,%s,7]", i + 1, rows[i].error); /* what else it says is
                                                                  ignored */
        served_expect(fd, "[1,1,%s,nil]", rows[i].fault);
    }
    close(fd);
}

static void a_callback_is_told_once(void **state)
{
    (void)state;
    static const char *const how[] = {"later", "later_inline"};
    for (int i = 0; i < 2; i++) {
        int fd = served_connect(&served);
        memset(&told, 0, sizeof told);
        served_tell(fd, "[0,9,'%s',['m',1]]", how[i]);
        served_expect(fd, "[0,<ce00000001>,'m',[1]]");
        served_expect(fd, "[1,9,nil,0]");
        served_tell(fd, "[1,1,nil,42]");
        wait_for(&told.count, 1);
        assert_int_equal(told.status, 0);
        assert_int_equal(told.result, 42);
        served_tell(fd, "[1,1,nil,43]");  /* the same one again, */
        served_tell(fd, "[1,77,nil,44]"); /* and one that nobody asked for */
        served_ask(fd, "[0,1,'twice',[21]]", "[1,1,nil,42]");
        assert_int_equal(told.count, 1);
        assert_int_equal(unasked(), 2 * (i + 1));
        close(fd);
    }
}

static void a_thread_of_the_program_waits(void **state)
{
    (void)state;
    int fd = connect_and_keep();
    duet_request *request = duet_session_request(kept, "m", 0);
    assert_int_equal(duet_request_status(request), -EINPROGRESS);
    assert_int_equal(duet_request_send(request, NULL, NULL), 0);
    served_expect(fd, "[0,<ce00000001>,'m',[]]");
    served_tell(fd, "[1,1,nil,'yes']");
    assert_int_equal(duet_request_wait(request), 0);
    assert_string_equal(duet_value_string(duet_request_result(request), NULL), "yes");
    assert_string_equal(duet_request_error(request), "");
    assert_int_equal(duet_request_send(request, note, NULL), -EALREADY);
    assert_int_equal(duet_request_notify(request), -EALREADY);
    duet_request_free(request);
    assert_int_equal(told.count, 0);
    let_go(fd);
}

static void a_large_answer_is_read_by_who_waits(void **state)
{
    (void)state;
    enum { SIZE = 300 * 1000 };
    int fd = connect_and_keep();
    duet_request *request = duet_session_request(kept, "m", 0);
    assert_int_equal(duet_request_send(request, NULL, NULL), 0);
    served_expect(fd, "[0,<ce00000001>,'m',[]]");
    uint8_t *answer = calloc(1, 9 + SIZE);
    memcpy(answer, "\x94\x01\x01\xc0\xdb\x00\x04\x93\xe0", 9);
    memset(answer + 9, 'x', SIZE);
    served_send(fd, answer, 9 + SIZE);
    assert_int_equal(duet_request_wait(request), 0);
    size_t size;
    const char *text = duet_value_string(duet_request_result(request), &size);
    assert_int_equal(size, SIZE);
    assert_memory_equal(text, answer + 9, SIZE);
    duet_request_free(request);
    free(answer);
    let_go(fd);
}

static void an_error_comes_as_it_was_sent(void **state)
{
    (void)state;
    int fd = connect_and_keep();
    duet_request *request = duet_session_request(kept, "m", 0);
    assert_int_equal(duet_request_send(request, NULL, NULL), 0);
    served_expect(fd, "[0,<ce00000001>,'m',[]]");
    served_tell(fd, "[1,1,[7,'why',{'at':3}],nil]");
    assert_int_equal(duet_request_wait(request), DUET_REQUEST_FAULT);
    assert_int_equal(duet_request_fault_code(request), 7);
    assert_string_equal(duet_request_error(request), "why");
    const duet_value *fault = duet_request_fault_value(request);
    assert_int_equal(duet_value_int(duet_value_get(duet_value_item(fault, 2), "at")), 3);
    assert_int_equal(duet_value_type(duet_request_result(request)), DUET_TYPE_NIL);
    duet_request_free(request);
    let_go(fd);
}

/* ---- The client calls back ---- */

static void its_client_may_call_back_first(void **state)
{
    (void)state;
    static const char *const inside[] = {"twice", "twice_inline"};
    int fd = served_connect(&served);
    for (int i = 0; i < 2; i++) {
        served_tell(fd, "[0,1,'ask',['m',0]]");
        served_expect(fd, "[0,<ce0000000%d>,'m',[0]]", i + 1);
        served_tell(fd, "[0,2,'%s',[21]]", inside[i]);
        served_expect(fd, "[1,2,nil,42]");
        served_tell(fd, "[1,%d,nil,3]", i + 1);
        served_expect(fd, "[1,1,nil,3]");
    }
    close(fd);
}

/* Handlers wait inside each other: so deep, and no deeper. */
static void sixteen_may_wait_inside_each_other(void **state)
{
    (void)state;
    enum { DEPTH = 16 };
    int fd = served_connect(&served);
    for (int i = 0; i <= DEPTH; i++) {
        served_tell(fd, "[0,%d,'ask',['m',%d]]", i, i);
        served_expect(fd, "[0,<ce000000%02x>,'m',[%d]]", i + 1, i);
    }
    served_tell(fd, "[0,99,'ask',['m',0]]");
    served_expect(fd, "[1,99,[-32005,'ask is not run: 16 handlers wait inside each other for "
                      "this client already; try again'],nil]");
    for (int i = DEPTH; i >= 0; i--) {
        served_tell(fd, "[1,%d,nil,%d]", i + 1, i);
        served_expect(fd, "[1,%d,nil,%d]", i, i);
    }
    close(fd);
}

static void who_would_wait_for_a_turn_inside_is_refused(void **state)
{
    (void)state;
    int fd = served_connect(&served);
    served_ask(fd, "[0,1,'ask_one',['m',0]]", "[0,<ce00000001>,'m',[0]]");
    served_ask(fd, "[0,2,'ask_one',['m',0]]",
               "[1,2,[-32005,'ask_one is busy: 1 calls of it run already, as many as its "
               "max_running allows; try again'],nil]");
    served_ask(fd, "[1,1,nil,1]", "[1,1,nil,1]");
    served_ask(fd, "[0,2,'ask_one',['m',0]]", "[0,<ce00000002>,'m',[0]]");
    served_ask(fd, "[1,2,nil,1]", "[1,2,nil,1]");
    close(fd);
}

/* It is read on; but what no handler takes in is refused. */
static void a_full_connection_is_read_on_for_answers(void **state)
{
    (void)state;
    int fd = connect_and_keep();
    duet_request *request = duet_session_request(kept, "m", 0);
    assert_int_equal(duet_request_send(request, NULL, NULL), 0);
    served_expect(fd, "[0,<ce00000001>,'m',[]]");
    served_tell(fd, "[0,1,'wait',[]]");
    latch_wait_until_begun(1);
    served_tell(fd, "[0,2,'twice',[1]]");
    char reply[1024] = "";
    served_read(fd, reply, 9);
    assert_memory_equal(reply, "\x94\x01\x02\x92\xd1\x82\xfb\xd9", 8); /* -32005 */
    served_read(fd, reply, (unsigned char)reply[8] + 1u);
    assert_non_null(strstr(reply, "--max-in-flight 1,"));
    served_tell(fd, "[1,1,nil,5]");
    assert_int_equal(duet_request_wait(request), 0);
    duet_request_free(request);
    latch_allow(1);
    served_expect(fd, "[1,1,nil,false]");
    served_ask(fd, "[0,3,'twice',[1]]", "[1,3,nil,2]");
    let_go(fd);
}

/* ---- No answer ---- */

static void who_answers_too_late_is_not_heard(void **state)
{
    (void)state;
    int fd = served_connect(&served);
    served_tell(fd, "[0,1,'ask',['m',0,1]]");
    served_expect(fd, "[0,<ce00000001>,'m',[0]]");
    served_expect(fd, "[1,1,[-32603,'no answer within the time limit'],nil]");
    served_tell(fd, "[1,1,nil,1]");
    served_ask(fd, "[0,1,'twice',[1]]", "[1,1,nil,2]");
    assert_int_equal(unasked(), 1);
    close(fd);
}

static void a_call_whose_time_is_up_waits_no_longer(void **state)
{
    (void)state;
    int fd = served_connect(&served);
    served_tell(fd, "[0,1,'ask_briefly',['m',0]]");
    served_expect(fd, "[0,<ce00000001>,'m',[0]]");
    served_expect(fd, "[1,1,[-32001,'ask_briefly: not done after 1 ms, which is its time "
                      "limit'],nil]");
    served_ask(fd, "[0,1,'twice',[1]]", "[1,1,nil,2]"); /* by the only worker */
    close(fd);
}

static void a_client_that_leaves_ends_all_that_it_owes(void **state)
{
    (void)state;
    int fd = connect_and_keep();
    duet_request *waited = duet_session_request(kept, "m", 0);
    served_tell(fd, "[0,1,'later',['m',0]]");
    served_expect(fd, "[0,<ce00000001>,'m',[0]]");
    served_expect(fd, "[1,1,nil,0]");
    assert_int_equal(duet_request_send(waited, NULL, NULL), 0);
    served_tell(fd, "[0,1,'ask',['m',0]]");
    served_expect(fd, "[0,<ce00000002>,'m',[]]");
    served_expect(fd, "[0,<ce00000003>,'m',[0]]");
    let_go(fd);
    assert_int_equal(duet_request_wait(waited), -ENOTCONN);
    assert_string_equal(duet_request_error(waited), "the session is closed");
    duet_request_free(waited);
    wait_for(&told.count, 1);
    assert_int_equal(told.status, -ENOTCONN);
    fd = served_connect(&served);
    served_ask(fd, "[0,1,'twice',[1]]", "[1,1,nil,2]"); /* by the only worker */
    close(fd);
}

static void a_closed_session_takes_no_request(void **state)
{
    (void)state;
    int fd = connect_and_keep();
    duet_session *session = duet_session_ref(kept);
    let_go(fd);
    while (duet_session_is_open(session))
        usleep(1000);
    duet_request *request = duet_session_request(session, "m", 0);
    assert_int_equal(duet_request_send(request, note, NULL), -ENOTCONN);
    wait_for(&told.count, 1);
    assert_int_equal(told.status, -ENOTCONN);
    duet_request_free(request);
    request = duet_session_request(session, "m", 0);
    assert_int_equal(duet_request_notify(request), -ENOTCONN);
    duet_request_free(request);
    duet_session_unref(session);
}

static void a_request_can_be_given_up(void **state)
{
    (void)state;
    int fd = connect_and_keep();
    duet_request *request = duet_session_request(kept, "m", 0);
    assert_int_equal(duet_request_send(request, note, NULL), 0);
    served_expect(fd, "[0,<ce00000001>,'m',[]]");
    duet_request_cancel(request);
    assert_int_equal(duet_request_wait(request), -ECANCELED);
    wait_for(&told.count, 1);
    assert_int_equal(told.status, -ECANCELED);
    duet_request_free(request);
    request = duet_session_request(kept, "m", 0);
    duet_request_cancel(request);
    assert_int_equal(duet_request_send(request, note, NULL), 0);
    wait_for(&told.count, 2);
    assert_int_equal(told.status, -ECANCELED);
    duet_request_free(request);
    served_tell(fd, "[1,1,nil,1]");
    served_ask(fd, "[0,1,'twice',[1]]", "[1,1,nil,2]");
    assert_int_equal(unasked(), 1);
    let_go(fd);
}

static void a_drain_ends_what_is_out(void **state)
{
    (void)state;
    int fd = connect_and_keep();
    duet_session *session = duet_session_ref(kept);
    duet_request *request = duet_session_request(session, "m", 0);
    assert_int_equal(duet_request_send(request, note, NULL), 0);
    served_expect(fd, "[0,<ce00000001>,'m',[]]");
    served_stop(&served);
    assert_int_equal(told.count, 1);
    assert_int_equal(duet_request_status(request), -ESHUTDOWN);
    duet_request_free(request);

    request = duet_session_request(session, "m", 0);
    assert_int_equal(duet_request_send(request, note, NULL), -ENOTCONN);
    assert_int_equal(told.count, 2); /* no loop is there to call it later */
    assert_int_equal(duet_request_wait(request), -ENOTCONN);
    duet_request_free(request);
    duet_session_unref(session);
    let_go(fd);
}

static void who_asks_when_the_loops_have_ended_does_not_wait(void **state)
{
    (void)state;
    int fd = served_connect(&served);
    served_ask(fd, "[0,1,'ask_for_ever',['m',0]]", "[0,<ce00000001>,'m',[0]]");
    duet_server_drain(served.server);
    served_join(&served);
    assert_int_equal(served.result, 1); /* it was cancelled, and it has ended */
    assert_int_equal(told.status, -ENOTCONN);
    duet_server_free(served.server);
    close(fd);
}

/* The drain has come to all connections when nobody accepts any more. */
static void begin_drain(void)
{
    duet_server_drain(served.server);
    while (served_try_connect(&served) == 0)
        usleep(1000);
}

static void a_drain_waits_for_a_handler_and_its_client(void **state)
{
    (void)state;
    char byte;
    int fd = served_connect(&served);
    served_ask(fd, "[0,1,'ask_twice',['m',0]]", "[0,<ce00000001>,'m',[0]]");
    begin_drain();
    served_ask(fd, "[1,1,nil,1]", "[0,<ce00000002>,'m',[0]]"); /* sent in the drain, */
    served_ask(fd, "[0,2,'twice',[21]]", "[1,2,nil,42]");      /* with a call before it */
    served_ask(fd, "[1,2,nil,1]", "[1,1,nil,0]");
    assert_int_equal(served_read_all(fd, &byte, 1), 0);
    close(fd);
    served_join(&served);
    assert_int_equal(served.result, 0);
    duet_server_free(served.server);
}

static void a_drain_waits_for_answers_and_takes_no_calls(void **state)
{
    (void)state;
    char byte;
    int fd = served_connect(&served);
    served_tell(fd, "[0,1,'later',['m',0]]");
    served_expect(fd, "[0,<ce00000001>,'m',[0]]");
    served_expect(fd, "[1,1,nil,0]");
    begin_drain();
    served_ask(fd, "[0,2,'twice',[21]]",
               "[1,2,[-32003,'the server shuts down, and takes no more calls'],nil]");
    served_tell(fd, "[1,1,nil,5]");
    assert_int_equal(served_read_all(fd, &byte, 1), 0);
    assert_int_equal(told.status, 0);
    assert_int_equal(told.result, 5);
    close(fd);
    served_join(&served);
    assert_int_equal(served.result, 0);
    duet_server_free(served.server);
}

static void a_loop_does_not_wait(void **state)
{
    (void)state;
    int fd = served_connect(&served);
    served_ask(
        fd, "[0,1,'ask_inline',['m',0]]",
        "[1,1,[-32603,'a handler on a loop cannot wait: send the request with a callback,"
        " and keep the call'],nil]");
    close(fd);
}

/* ---- Notifications ---- */

static void a_notification_goes_before_its_handlers_answer(void **state)
{
    (void)state;
    static const char *const how[] = {"tick", "tick_inline"};
    int fd = served_connect(&served);
    for (int i = 0; i < 2; i++) {
        served_tell(fd, "[0,1,'%s',[]]", how[i]);
        served_expect(fd, "[2,'tick',[]]");
        served_expect(fd, "[1,1,nil,0]");
    }
    close(fd);
}

/* ---- What cannot be sent ---- */

static void what_is_no_call_is_not_sent(void **state)
{
    (void)state;
    int fd = connect_and_keep();
    duet_request *request = duet_session_request(kept, "m", 2);
    duet_write_int(duet_request_writer(request), 1);
    assert_int_equal(duet_request_send(request, note, NULL), -EINVAL);
    wait_for(&told.count, 1);
    assert_int_equal(duet_request_status(request), -EINVAL);
    assert_string_equal(duet_request_error(request), "the caller wrote 1 of 2 arguments");
    duet_request_free(request);

    request = duet_session_request(kept, NULL, 0);
    assert_int_equal(duet_request_wait(request), -EINVAL);
    duet_request_free(request);

    char text[65] = "";
    memset(text, 'x', 64);
    request = duet_session_request(kept, "m", 1);
    duet_write_text(duet_request_writer(request), text);
    assert_int_equal(duet_request_wait(request), -EMSGSIZE);
    assert_string_equal(duet_request_error(request), "call exceeds --max-message 64");
    duet_request_free(request);

    request = duet_session_request(NULL, "m", 0);
    assert_int_equal(duet_request_wait(request), -ENOTCONN);
    duet_request_free(request);
    let_go(fd);
}

static void no_request_is_out_of_memory(void **state)
{
    (void)state;
    assert_null(duet_request_writer(NULL));
    assert_int_equal(duet_request_send(NULL, NULL, NULL), -ENOMEM);
    assert_int_equal(duet_request_notify(NULL), -ENOMEM);
    assert_int_equal(duet_request_wait(NULL), -ENOMEM);
    assert_int_equal(duet_request_status(NULL), -ENOMEM);
    assert_int_equal(duet_request_fault_code(NULL), 0);
    assert_int_equal(duet_value_type(duet_request_result(NULL)), DUET_TYPE_NIL);
    assert_int_equal(duet_value_type(duet_request_fault_value(NULL)), DUET_TYPE_NIL);
    duet_request_set_timeout(NULL, 1);
    duet_request_cancel(NULL);
    duet_request_free(NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, serve, stop)
#define NARROW_TEST(name) cmocka_unit_test_setup_teardown(name, serve_narrowly, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_handler_waits_for_its_client),
        TEST(who_waits_holds_no_reservation),
        TEST(a_fault_of_any_shape_is_passed_on),
        TEST(a_callback_is_told_once),
        TEST(a_thread_of_the_program_waits),
        TEST(a_large_answer_is_read_by_who_waits),
        TEST(an_error_comes_as_it_was_sent),
        TEST(its_client_may_call_back_first),
        NARROW_TEST(its_client_may_call_back_first),
        TEST(sixteen_may_wait_inside_each_other),
        NARROW_TEST(sixteen_may_wait_inside_each_other),
        TEST(who_would_wait_for_a_turn_inside_is_refused),
        NARROW_TEST(a_full_connection_is_read_on_for_answers),
        TEST(who_answers_too_late_is_not_heard),
        TEST(a_call_whose_time_is_up_waits_no_longer),
        TEST(a_client_that_leaves_ends_all_that_it_owes),
        TEST(a_closed_session_takes_no_request),
        TEST(a_request_can_be_given_up),
        cmocka_unit_test_setup(a_drain_ends_what_is_out, serve_briefly),
        cmocka_unit_test_setup(who_asks_when_the_loops_have_ended_does_not_wait, serve_briefly),
        cmocka_unit_test_setup(a_drain_waits_for_a_handler_and_its_client, serve),
        cmocka_unit_test_setup(a_drain_waits_for_answers_and_takes_no_calls, serve),
        TEST(a_loop_does_not_wait),
        TEST(a_notification_goes_before_its_handlers_answer),
        cmocka_unit_test_setup_teardown(what_is_no_call_is_not_sent, serve_briefly, stop),
        cmocka_unit_test(no_request_is_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
