/*
 * One call from its message to its reply, with a service that the test makes: no server, no
 * loop, no thread.
 */
#include "call.h"
#include "packed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* ---- The methods */

static int ran; /* handlers */

static int twice(duet_call *call, void *ctx)
{
    (void)ctx;
    ran++;
    return duet_reply_int(call, 2 * duet_arg_int(call, 0));
}

static int fail_softly(duet_call *call, void *ctx)
{
    (void)ctx;
    duet_fail(call, 7, "no luck");
    return duet_reply_int(call, 1);
}

static int positive(duet_call *call, void *ctx)
{
    (void)call;
    (void)ctx;
    return 3;
}

static int long_text(duet_call *call, void *ctx)
{
    (void)ctx;
    static char text[20000];
    memset(text, 'x', sizeof text - 1);
    return duet_reply_string(call, text);
}

static int through(duet_call *call, void *ctx)
{
    (void)ctx;
    return duet_call_invoke(call, "gated", duet_arg(call, 0), duet_call_writer(call));
}

static const duet_method methods[] = {
    {.name = "twice", .signature = "i:i", .handler = twice},
    {.name = "fail", .handler = fail_softly},
    {.name = "positive", .handler = positive},
    {.name = "long", .handler = long_text},
    {.name = "gated", .signature = "i:i", .handler = twice, .max_running = 1},
    {.name = "through", .handler = through},
    {0},
};

/* ---- The service */

struct fixture {
    struct duet_service service;
    struct duet_budget budget;
    _Atomic uint64_t refused_over_budget;
    struct duet_registry *registry;
    struct duet_call call;
    uint8_t message[PACKED_ROOM + 1];
};

static int open_service(void **state)
{
    struct fixture *it = calloc(1, sizeof *it);
    char words[256];
    it->registry = duet_registry_new();
    assert_int_equal(
        duet_registry_add(it->registry, methods, NULL, DUET_ADDED_BY_USER, words, sizeof words),
        0);
    duet_budget_init(&it->budget, SIZE_MAX);
    it->service = (struct duet_service){
        .limits = {.max_message = 1 << 20, .max_values = 1000, .max_depth = 64},
        .max_reply = 1 << 20,
        .max_arena = 1 << 20,
        .max_write_depth = 64,
        .timeout_ms = 1500,
        .drain_ms = 250,
        .shards = 1,
        .budget = &it->budget,
        .refused_over_budget = &it->refused_over_budget,
    };
    duet_call_init(&it->call, &it->service);
    it->call.registry = it->registry;
    ran = 0;
    *state = it;
    return 0;
}

static int close_service(void **state)
{
    struct fixture *it = *state;
    duet_call_done(&it->call);
    assert_int_equal(it->budget.used, 0);
    duet_registry_unref(it->registry);
    free(it);
    return 0;
}

/* A message for the call, and how it came. */
static struct duet_call *receive(struct fixture *it, const struct duet_codec *codec,
                                 const void *bytes, size_t size, uint32_t notes)
{
    memcpy(it->message, bytes, size);
    it->call.request.bytes = it->message;
    it->call.request.size = size;
    it->call.wire_size = size;
    it->call.to = (struct duet_recipient){.codec = codec, .notes = notes};
    return &it->call;
}

static struct duet_call *receive_text(struct fixture *it, const char *text)
{
    struct packed message = packed_from("%s", text);
    return receive(it, &duet_codec_msgpack, message.bytes, message.size, 0);
}

/* Its whole way. */
static struct duet_call *serve(struct fixture *it, const char *text)
{
    struct duet_call *call = receive_text(it, text);
    int rc = duet_call_route(call);
    if (rc == 0)
        duet_call_finish(call, duet_call_start(call));
    else
        duet_call_refuse(call, rc);
    return call;
}

static void expect_reply(const struct duet_call *call, const char *text)
{
    assert_packed(call->own_writer.out.data, call->own_writer.out.size, "%s", text);
}

/* ---- From stage to stage */

static void a_call_needs_a_service_and_no_server(void **state)
{
    struct fixture *it = *state;
    struct duet_call *call = receive_text(it, "[0,1,'twice',[21]]");
    assert_int_equal(call->stage, CALL_READ);
    assert_int_equal(duet_call_route(call), 0);
    assert_int_equal(call->stage, CALL_ROUTED);
    assert_string_equal(call->method->name, "twice");
    int rc = duet_call_start(call);
    assert_int_equal(rc, 0);
    assert_int_equal(call->stage, CALL_RUNNING);
    duet_call_finish(call, rc);
    assert_int_equal(call->stage, CALL_ANSWERED);
    assert_int_equal(call->ending, ENDED_OK);
    expect_reply(call, "[1,1,nil,42]");
    assert_null(duet_call_server(call));
}

static void xml_takes_the_same_way(void **state)
{
    struct fixture *it = *state;
    static const char text[] = "<methodCall><methodName>twice</methodName><params><param>"
                               "<value><i4>21</i4></value></param></params></methodCall>";
    struct duet_call *call =
        receive(it, &duet_codec_xmlrpc, text, sizeof text - 1, DUET_NOTE_HTTP);
    assert_int_equal(duet_call_route(call), 0);
    duet_call_finish(call, duet_call_start(call));
    assert_int_equal(call->ending, ENDED_OK);
    assert_int_equal(duet_buf_append(&call->own_writer.out, "", 1), 0);
    assert_non_null(strstr((const char *)call->own_writer.out.data, "<int>42</int>"));
}

static void a_reset_begins_anew(void **state)
{
    struct fixture *it = *state;
    serve(it, "[0,1,'fail',[]]");
    struct duet_budget_part *part = duet_budget_part_new(SIZE_MAX);
    duet_call_join(&it->call, part, false);
    assert_true(duet_account_reserve(&it->call.account, 1000000));
    assert_int_equal(it->budget.admitted, 1);
    duet_call_reset(&it->call, false);
    assert_int_equal(it->budget.admitted, 0);
    assert_true(it->budget.used < 1000000);
    duet_budget_part_leave(part);
    assert_int_equal(it->call.stage, CALL_READ);
    assert_int_equal(it->call.ending, ENDED_OK);
    expect_reply(serve(it, "[0,2,'twice',[4]]"), "[1,2,nil,8]");
}

/* ---- Faults */

static void an_unknown_method_is_refused(void **state)
{
    struct duet_call *call = serve(*state, "[0,1,'thrice',[1]]");
    assert_int_equal(call->stage, CALL_ANSWERED);
    assert_int_equal(call->ending, ENDED_FAULT);
    expect_reply(call,
                 "[1,1,[-32601,\"no method named 'thrice' (system.listMethods lists those "
                 "there are)\"],nil]");
}

static void wrong_arguments_do_not_reach_the_handler(void **state)
{
    struct duet_call *call = serve(*state, "[0,1,'twice',['x']]");
    assert_int_equal(call->ending, ENDED_FAULT);
    assert_int_equal(call->fault.code, DUET_FAULT_PARAMS);
    assert_int_equal(ran, 0);
}

static void a_failed_call_fails_whatever_its_handler_returns(void **state)
{
    struct duet_call *call = serve(*state, "[0,1,'fail',[]]");
    assert_int_equal(call->ending, ENDED_FAULT);
    expect_reply(call, "[1,1,[7,'no luck'],nil]");
}

static void a_positive_return_is_an_internal_fault(void **state)
{
    struct duet_call *call = serve(*state, "[0,1,'positive',[]]");
    assert_int_equal(call->fault.code, DUET_FAULT_INTERNAL);
    expect_reply(call,
                 "[1,1,[-32603,'positive: the method returned 3 where 0 or less is allowed'],"
                 "nil]");
}

static void one_without_a_turn_is_refused_and_does_not_run(void **state)
{
    struct duet_call *call = receive_text(*state, "[0,1,'twice',[21]]");
    assert_int_equal(duet_call_route(call), 0);
    duet_call_refuse(call, duet_call_fail_busy(call, "%d too many", 3));
    assert_int_equal(call->stage, CALL_ANSWERED);
    assert_int_equal(call->ending, ENDED_REFUSED);
    assert_int_equal(call->status, 503);
    assert_int_equal(ran, 0);
    expect_reply(call, "[1,1,[-32005,'3 too many'],nil]");
}

static void one_that_the_budget_has_no_room_for_is_refused_and_counted(void **state)
{
    struct fixture *it = *state;
    it->budget.max = 5;
    struct duet_call *call = receive_text(it, "[0,1,'twice',[21]]");
    assert_int_equal(duet_call_route(call), 0);
    duet_call_refuse(call, duet_call_fail_over_budget(call));
    assert_int_equal(call->ending, ENDED_REFUSED);
    assert_int_equal(it->refused_over_budget, 1);
    expect_reply(call,
                 "[1,1,[-32005,'the server is busy: messages and replies under way hold 0 "
                 "bytes (--max-buffered 5); try again'],nil]");
}

/* ---- Lent to somebody else */

static void nobody_else_ends_a_call_that_is_not_lent(void **state)
{
    struct fixture *it = *state;
    assert_false(duet_call_doom(&it->call, FATE_DROPPED));
    assert_false(duet_call_is_doomed(&it->call));
    expect_reply(serve(it, "[0,1,'twice',[21]]"), "[1,1,nil,42]");
}

static void one_that_was_answered_in_its_place_ends_as_that_said(void **state)
{
    struct duet_call *call = receive_text(*state, "[0,1,'twice',[21]]");
    assert_int_equal(duet_call_route(call), 0);
    duet_call_lend(call);
    int rc = duet_call_start(call);
    assert_false(duet_call_cancelled(call));
    assert_true(duet_call_doom(call, FATE_TIMED_OUT));
    assert_true(duet_call_cancelled(call));
    duet_call_finish(call, rc);
    expect_reply(call, "[1,1,[-32001,'twice: not done after 1500 ms, which is its time limit'],"
                       "nil]");
}

static void its_own_answer_stands_once_it_is_complete(void **state)
{
    struct duet_call *call = receive_text(*state, "[0,1,'twice',[21]]");
    assert_int_equal(duet_call_route(call), 0);
    duet_call_lend(call);
    duet_call_finish(call, duet_call_start(call));
    assert_false(duet_call_doom(call, FATE_STOPPED));
    expect_reply(call, "[1,1,nil,42]");
}

/* ---- Compression */

static void a_long_reply_is_compressed_once_for_who_accepts_it(void **state)
{
    struct fixture *it = *state;
    struct packed message = packed_from("[0,1,'long',[]]");
    struct duet_call *call = receive(it, &duet_codec_msgpack, message.bytes, message.size,
                                     DUET_NOTE_HTTP | DUET_NOTE_ACCEPT_GZIP);
    assert_int_equal(duet_call_route(call), 0);
    duet_call_finish(call, duet_call_start(call));
    size_t plain = call->own_writer.out.size;
    assert_true(duet_call_wants_gzip(call));
    duet_call_compress(call);
    assert_true(call->reply_is_gzip);
    assert_true(call->own_writer.out.size < plain / 10);
    assert_false(duet_call_wants_gzip(call));
}

/* ---- Calls within calls */

static int admitted;

static void on_admitted(struct duet_gate_link *link, void *ctx)
{
    assert_ptr_equal(ctx, &admitted);
    (void)link;
    admitted++;
}

static struct duet_gate *gate_of(struct fixture *it, const char *name)
{
    return &duet_registry_find(it->registry, name, strlen(name))->gate;
}

static void an_invoked_method_runs_in_its_gate_and_lets_in_who_waits(void **state)
{
    struct fixture *it = *state;
    struct duet_gate *gate = gate_of(it, "gated");
    expect_reply(serve(it, "[0,1,'through',[[3]]]"), "[1,1,nil,6]");
    assert_int_equal(gate->running, 0);

    struct duet_gate_link waiting = {.admit = on_admitted, .ctx = &admitted};
    admitted = 0;
    assert_true(duet_gate_try(gate));
    assert_int_equal(duet_gate_enter(gate, &waiting), GATE_WAITS);
    duet_gate_hand_on(gate);
    assert_int_equal(admitted, 1);
    assert_int_equal(gate->running, 1); /* the place is the other's now */
}

static void an_invoked_method_without_a_place_is_a_busy_fault(void **state)
{
    struct fixture *it = *state;
    assert_true(duet_gate_try(gate_of(it, "gated")));
    struct duet_call *call = serve(it, "[0,1,'through',[[3]]]");
    assert_int_equal(ran, 0);
    assert_int_equal(call->fault.code, DUET_FAULT_BUSY);
    assert_int_equal(call->ending, ENDED_FAULT); /* the outer one has run */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_service, close_service)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_call_needs_a_service_and_no_server),
        TEST(xml_takes_the_same_way),
        TEST(a_reset_begins_anew),
        TEST(an_unknown_method_is_refused),
        TEST(wrong_arguments_do_not_reach_the_handler),
        TEST(a_failed_call_fails_whatever_its_handler_returns),
        TEST(a_positive_return_is_an_internal_fault),
        TEST(one_without_a_turn_is_refused_and_does_not_run),
        TEST(one_that_the_budget_has_no_room_for_is_refused_and_counted),
        TEST(nobody_else_ends_a_call_that_is_not_lent),
        TEST(one_that_was_answered_in_its_place_ends_as_that_said),
        TEST(its_own_answer_stands_once_it_is_complete),
        TEST(a_long_reply_is_compressed_once_for_who_accepts_it),
        TEST(an_invoked_method_runs_in_its_gate_and_lets_in_who_waits),
        TEST(an_invoked_method_without_a_place_is_a_busy_fault),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
