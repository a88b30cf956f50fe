/*
 * Kept calls at home: what they hold, how they are answered, and what ends them first. One loop
 * that turns by hand, the test is the worker and whoever finishes.
 */
#include "home_rig.h"

#include "home_parts.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- Handlers ---- */

static struct {
    duet_kept kept; /* the last one */
    const char *text;
    int told; /* how often `cancelled` ran */
    int reason;
    bool finishes; /* `cancelled` does, with a text */
    int finished;  /* what that returned */
} it;

static void on_cancelled(duet_kept kept, void *ctx)
{
    assert_ptr_equal(ctx, &it);
    assert_int_equal(kept.id, it.kept.id);
    it.told++;
    if (!it.finishes)
        return;
    duet_call *call = duet_kept_call(kept);
    it.reason = duet_call_cancel_reason(call);
    it.finished = duet_kept_finish(kept, duet_reply_string(call, "late"));
}

static int keep(duet_call *call, void *ctx)
{
    (void)ctx;
    it.text = duet_arg_string(call, 0, NULL);
    it.kept = duet_call_keep(call);
    assert_int_equal(duet_call_keep(call).id, it.kept.id);
    return duet_call_on_cancel(call, on_cancelled, &it);
}

static int keep_and_fail(duet_call *call, void *ctx)
{
    (void)ctx;
    it.kept = duet_call_keep(call);
    return duet_fail(call, 7, "no luck");
}

static int finish_first(duet_call *call, void *ctx)
{
    (void)ctx;
    it.kept = duet_call_keep(call);
    it.finished = duet_kept_finish(it.kept, duet_reply_int(duet_kept_call(it.kept), 7));
    return 5; /* is ignored */
}

static int half(duet_call *call, void *ctx)
{
    (void)ctx;
    it.kept = duet_call_keep(call);
    duet_write_array(duet_call_writer(call), 2);
    return duet_write_int(duet_call_writer(call), 1);
}

static int twice(duet_call *call, void *ctx)
{
    (void)ctx;
    return duet_reply_int(call, 2 * duet_arg_int(call, 0));
}

static const duet_method methods[] = {
    {.name = "keep", .handler = keep},
    {.name = "here", .handler = keep, .flags = DUET_METHOD_INLINE},
    {.name = "here_soon", .handler = keep, .flags = DUET_METHOD_INLINE, .timeout_ms = 5},
    {.name = "fail", .handler = keep_and_fail},
    {.name = "first", .handler = finish_first},
    {.name = "first_here", .handler = finish_first, .flags = DUET_METHOD_INLINE},
    {.name = "half", .handler = half},
    {.name = "gated", .handler = keep, .max_running = 1},
    {.name = "soon", .handler = keep, .timeout_ms = 5},
    {.name = "fin", .handler = keep, .flags = DUET_METHOD_FIN_CANCELS},
    {.name = "drain", .handler = keep, .flags = DUET_METHOD_DRAIN_CANCELS},
    {.name = "twice", .handler = twice, .flags = DUET_METHOD_INLINE},
    {0},
};

/* ---- The rig ---- */

static struct home_rig rig;
static int peer;

static int open_home(void **state)
{
    (void)state;
    memset(&it, 0, sizeof it);
    home_rig_init(&rig, methods, NULL);
    assert_int_equal(duet_server_set(rig.server, DUET_OPT_MAX_IN_FLIGHT, 2), 0);
    home_rig_open(&rig);
    peer = home_rig_connect(&rig);
    return 0;
}

static int close_home(void **state)
{
    (void)state;
    home_rig_leave(&rig, peer);
    home_rig_close(&rig);
    return 0;
}

/* A call comes, a worker runs its handler, and its home learns that it is kept. */
static void ask(const char *text)
{
    home_rig_send(&rig, peer, "%s", text);
    home_rig_work(&rig, home_rig_newest_job(&rig));
    home_rig_turn(&rig);
}

/* Its connection has ended; tests end with one. */
static void expect_end(void)
{
    home_rig_expect_end(peer);
    close(peer);
    peer = home_rig_connect(&rig);
}

static int finish_with(int64_t value)
{
    int rc = duet_kept_finish(it.kept, duet_reply_int(duet_kept_call(it.kept), value));
    home_rig_turn(&rig);
    return rc;
}

static const struct duet_conn *the_conn(void)
{
    static const struct duet_conn *found;
    found = NULL;
    for (uint32_t i = 0; i < 4 && found == NULL; i++)
        found = duet_conns_find(&rig.home->conns, UINT64_C(1) << 32 | i);
    assert_non_null(found);
    return found;
}

/* ---- Answers ---- */

static void it_is_answered_when_it_is_finished(void **state)
{
    (void)state;
    ask("[0,1,'keep',['text']]");
    home_rig_expect_nothing(peer);
    assert_string_equal(it.text, "text"); /* and its arguments stay */
    assert_int_equal(finish_with(42), 0);
    home_rig_expect(peer, "[1,1,nil,42]");
    assert_int_equal(rig.home->tickets.open, 0);
    assert_int_equal(rig.home->loop.expected_letters, 0);
    assert_int_equal(rig.home->totals.ended[ENDED_OK], 1);
}

static void it_leaves_what_was_reserved_for_it_to_others(void **state)
{
    (void)state;
    home_rig_send(&rig, peer, "[0,1,'keep',['text']]");
    struct duet_job *job = home_rig_newest_job(&rig);
    assert_true(duet_account_reserve(&job->call.account, 1 << 20));
    home_rig_work(&rig, job);
    assert_int_equal(rig.server->budget.admitted, 0);
    assert_int_equal(finish_with(1), 0);
    home_rig_expect(peer, "[1,1,nil,1]");
}

static void the_second_finish_finds_it_over(void **state)
{
    (void)state;
    ask("[0,1,'keep',['x']]");
    assert_int_equal(finish_with(1), 0);
    assert_null(duet_kept_call(it.kept));
    assert_int_equal(duet_kept_finish(it.kept, 0), -EALREADY);
    home_rig_expect(peer, "[1,1,nil,1]");
}

static void its_number_is_not_that_of_a_later_call(void **state)
{
    (void)state;
    ask("[0,1,'keep',['x']]");
    duet_kept first = it.kept;
    assert_int_equal(finish_with(1), 0);
    ask("[0,2,'keep',['x']]");
    assert_null(duet_kept_call(first));
    assert_int_equal(duet_kept_finish(first, 0), -EALREADY);
    assert_int_equal(finish_with(2), 0);
    home_rig_expect(peer, "[1,1,nil,1] [1,2,nil,2]");
}

static void no_number_is_anybody_elses(void **state)
{
    (void)state;
    ask("[0,1,'keep',['x']]");
    const duet_kept others[] = {{0}, {it.kept.id - 1}, {it.kept.id + 1}, {UINT64_MAX}, {1}};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        assert_null(duet_kept_call(others[i]));
        duet_kept_release(others[i]);
        assert_int_equal(duet_kept_finish(others[i], 0), -EALREADY);
    }
    assert_int_equal(finish_with(1), 0);
}

static void it_may_be_finished_before_its_handler_returns(void **state)
{
    (void)state;
    ask("[0,1,'first',[]]");
    assert_int_equal(it.finished, 0);
    home_rig_expect(peer, "[1,1,nil,7]");
    home_rig_send(&rig, peer, "[0,2,'first_here',[]]");
    home_rig_expect(peer, "[1,2,nil,7]");
}

static void a_handler_that_fails_finishes_it(void **state)
{
    (void)state;
    ask("[0,1,'fail',[]]");
    home_rig_expect(peer, "[1,1,[7,'no luck'],nil]");
    assert_int_equal(duet_kept_finish(it.kept, 0), -EALREADY);
}

static void what_the_handler_has_written_waits_for_the_finish(void **state)
{
    (void)state;
    ask("[0,1,'half',[]]");
    duet_call *call = duet_kept_call(it.kept);
    assert_int_equal(duet_kept_finish(it.kept, duet_write_int(duet_call_writer(call), 2)), 0);
    home_rig_turn(&rig);
    home_rig_expect(peer, "[1,1,nil,[1,2]]");
}

static void what_was_written_before_a_release_is_forgotten(void **state)
{
    (void)state;
    ask("[0,1,'half',[]]");
    duet_call *call = duet_kept_call(it.kept);
    duet_fail(call, 3, "changed my mind");
    duet_kept_release(it.kept);
    assert_int_equal(finish_with(9), 0);
    home_rig_expect(peer, "[1,1,nil,9]");
}

static void a_positive_end_is_a_fault(void **state)
{
    (void)state;
    ask("[0,1,'keep',['x']]");
    assert_int_equal(duet_kept_finish(it.kept, 3), 0);
    home_rig_turn(&rig);
    home_rig_expect_text(peer, "\x94\x01\x01", "keep: the method returned 3 where");
}

/* ---- On the loop ---- */

static void an_inline_method_can_keep_its_calls(void **state)
{
    (void)state;
    home_rig_send(&rig, peer, "[0,1,'here',['one']] [0,2,'twice',[4]]");
    home_rig_expect(peer, "[1,2,nil,8]");
    const char *first = it.text;
    duet_kept kept = it.kept;
    /* What it has read stays, though others come the same way. */
    home_rig_send(&rig, peer, "[0,3,'here',['another one']]");
    home_rig_send(&rig, peer, "[0,4,'twice',[1]]");
    home_rig_expect(peer, "[1,4,nil,2]");
    assert_string_equal(first, "one");
    assert_string_equal(it.text, "another one");
    assert_int_equal(finish_with(3), 0);
    it.kept = kept;
    assert_int_equal(finish_with(1), 0);
    home_rig_expect(peer, "[1,3,nil,3] [1,1,nil,1]");
    assert_int_equal(rig.home->loop.expected_letters, 0);
}

static void its_time_limit_begins_with_the_keeping(void **state)
{
    (void)state;
    home_rig_send(&rig, peer, "[0,1,'here_soon',['x']]");
    home_rig_expect_nothing(peer);
    home_rig_let_pass(&rig, 10);
    home_rig_expect_text(peer, "\x94\x01\x01", "here_soon: not done after 5 ms");
    assert_int_equal(finish_with(1), -ECANCELED);
}

/* ---- What a kept call holds ---- */

static void it_is_not_among_those_in_flight(void **state)
{
    (void)state;
    enum { MANY = 5 }; /* 2 may be in flight */
    duet_kept kept[MANY];
    for (int i = 0; i < MANY; i++) {
        char text[64];
        snprintf(text, sizeof text, "[0,%d,'keep',['x']]", i);
        ask(text);
        kept[i] = it.kept;
    }
    assert_int_equal(the_conn()->in_flight, 0);
    assert_int_equal(the_conn()->kept, MANY);
    for (int i = MANY; i-- > 0;) {
        it.kept = kept[i];
        assert_int_equal(finish_with(i), 0);
        home_rig_expect(peer, "[1,%d,nil,%d]", i, i);
    }
    assert_int_equal(the_conn()->kept, 0);
}

static void over_http_what_comes_after_it_waits(void **state)
{
    (void)state;
    int http = home_rig_connect(&rig);
    static const char format[] =
        "POST /RPC2 HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml\r\n"
        "Content-Length: %zu\r\n\r\n%s";
    static const char *const bodies[] = {
        "<methodCall><methodName>here</methodName></methodCall>",
        "<methodCall><methodName>twice</methodName><params><param><value><i4>21</i4></value>"
        "</param></params></methodCall>"};
    char text[1024];
    int size = snprintf(text, sizeof text, format, strlen(bodies[0]), bodies[0]);
    snprintf(text + size, sizeof text - (size_t)size, format, strlen(bodies[1]), bodies[1]);
    home_rig_send_text(&rig, http, "%s", text);
    home_rig_expect_nothing(http);
    duet_kept_finish(it.kept, duet_reply_string(duet_kept_call(it.kept), "kept"));
    home_rig_turn(&rig);
    home_rig_turn(&rig);
    char got[2048];
    ssize_t n = recv(http, got, sizeof got - 1, 0);
    assert_true(n > 0);
    got[n] = '\0';
    const char *first = strstr(got, "kept"), *second = strstr(got, "<int>42</int>");
    assert_true(first != NULL && second != NULL && first < second);
    home_rig_leave(&rig, http);
}

/* Whoever finishes a call does not compress its reply: a worker does. */
static void a_long_answer_is_compressed_by_a_worker(void **state)
{
    (void)state;
    int http = home_rig_connect(&rig);
    static const char body[] = "<methodCall><methodName>keep</methodName></methodCall>";
    home_rig_send_text(&rig, http,
                       "POST /RPC2 HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml\r\n"
                       "Accept-Encoding: gzip\r\nContent-Length: %zu\r\n\r\n%s",
                       sizeof body - 1, body);
    home_rig_work(&rig, home_rig_newest_job(&rig));
    home_rig_turn(&rig);
    static char text[20000];
    memset(text, 'x', sizeof text - 1);
    duet_call *call = duet_kept_call(it.kept);
    assert_int_equal(duet_kept_finish(it.kept, duet_reply_string(call, text)), 0);
    home_rig_turn(&rig);
    home_rig_expect_nothing(http);
    home_rig_work(&rig, home_rig_newest_job(&rig));
    home_rig_turn(&rig);
    home_rig_expect_text(http, "HTTP/1.1 200 ", "Content-Encoding: gzip");
    home_rig_leave(&rig, http);
}

static void a_notification_can_be_kept_and_outlives_its_client(void **state)
{
    (void)state;
    int other = peer;
    ask("[2,'keep',['x']]");
    peer = home_rig_connect(&rig);
    home_rig_leave(&rig, other);
    assert_int_equal(it.told, 0);
    assert_int_equal(finish_with(1), 0);
    assert_int_equal(rig.home->tickets.open, 0);
    assert_int_equal(rig.home->totals.ended[ENDED_OK], 1);
}

static void stats_tell_how_many_and_which_is_oldest(void **state)
{
    (void)state;
    ask("[0,1,'soon',['x']]");
    duet_kept first = it.kept;
    ask("[0,2,'keep',['x']]");
    duet_stats stats;
    assert_int_equal(duet_server_stats(rig.server, &stats), 0);
    assert_int_equal(stats.calls_kept, 2);
    struct duet_kept_count count;
    duet_kept_look(&rig.server->service, &count);
    assert_string_equal(count.oldest, "soon");
    duet_kept_finish(first, 0);
    duet_kept_look(&rig.server->service, &count);
    assert_int_equal(count.count, 1);
    assert_string_equal(count.oldest, "keep");
}

static void it_holds_its_place_until_it_is_finished(void **state)
{
    (void)state;
    ask("[0,1,'gated',['x']]");
    duet_kept first = it.kept;
    ask("[0,2,'gated',['x']]"); /* waits in line */
    assert_int_equal(it.kept.id, first.id);
    assert_int_equal(rig.server->in_line, 1);
    assert_int_equal(finish_with(1), 0);
    assert_int_equal(home_rig_waiting(&rig), 1);
    home_rig_work(&rig, home_rig_newest_job(&rig));
    assert_int_not_equal(it.kept.id, first.id);
    assert_int_equal(finish_with(2), 0);
    home_rig_expect(peer, "[1,1,nil,1] [1,2,nil,2]");
    assert_int_equal(duet_registry_find(rig.server->registry, "gated", 5)->gate.running, 0);
}

/* ---- What ends it first ---- */

static void at_its_time_limit_it_is_answered_and_its_finisher_told(void **state)
{
    (void)state;
    ask("[0,1,'soon',['x']]");
    home_rig_let_pass(&rig, 10);
    home_rig_expect_text(peer, "\x94\x01\x01", "soon: not done after 5 ms");
    assert_int_equal(it.told, 1);
    duet_call *call = duet_kept_call(it.kept);
    assert_true(duet_call_cancelled(call));
    assert_int_equal(duet_call_cancel_reason(call), DUET_FAULT_TIMEOUT);
    assert_int_equal(finish_with(1), -ECANCELED);
    home_rig_expect_nothing(peer);
    assert_int_equal(rig.home->totals.ended[ENDED_TIMED_OUT], 1);
    assert_int_equal(duet_counted(&rig.home->late), 1);
}

static void an_answer_given_when_told_of_the_time_limit_is_the_answer(void **state)
{
    (void)state;
    it.finishes = true;
    ask("[0,1,'soon',['x']]");
    home_rig_let_pass(&rig, 10);
    home_rig_turn(&rig);
    assert_int_equal(it.reason, DUET_FAULT_TIMEOUT);
    assert_int_equal(it.finished, 0);
    home_rig_expect(peer, "[1,1,nil,'late']");
    assert_int_equal(rig.home->totals.ended[ENDED_OK], 1);
    assert_int_equal(rig.home->totals.ended[ENDED_TIMED_OUT], 0);
}

static void a_client_that_leaves_ends_its_calls(void **state)
{
    (void)state;
    it.finishes = true;
    int other = peer;
    ask("[0,1,'keep',['x']]");
    peer = home_rig_connect(&rig);
    /* Nothing is unread: a full close is a FIN first, and a hang-up of this kind of socket. */
    home_rig_leave(&rig, other);
    assert_int_equal(it.told, 1);
    assert_int_equal(it.reason, -ECONNRESET);
    assert_int_equal(it.finished, -ECANCELED);
    home_rig_turn(&rig);
    assert_int_equal(rig.home->totals.ended[ENDED_DROPPED], 1);
    assert_int_equal(duet_counted(&rig.home->late), 1);
}

static void a_fin_ends_those_whose_method_says_so(void **state)
{
    (void)state;
    ask("[0,1,'keep',['x']]");
    duet_kept other = it.kept;
    ask("[0,2,'fin',['x']]");
    assert_int_equal(shutdown(peer, SHUT_WR), 0);
    home_rig_turn(&rig);
    assert_int_equal(it.told, 1);
    assert_int_equal(finish_with(1), -ECANCELED);
    home_rig_expect_nothing(peer);
    it.kept = other; /* the connection ends when its other calls are answered */
    assert_int_equal(finish_with(2), 0);
    home_rig_expect(peer, "[1,1,nil,2]");
    expect_end();
}

static void a_fin_is_noticed_though_the_connection_is_not_read(void **state)
{
    (void)state;
    ask("[0,1,'fin',['x']]");
    home_rig_send(&rig, peer, "[0,2,'keep',['x']] [0,3,'keep',['x']] [0,4,'keep',['x']]");
    assert_int_equal(the_conn()->in_flight, 2); /* as many as may be */
    assert_int_equal(shutdown(peer, SHUT_WR), 0);
    home_rig_turn(&rig);
    assert_int_equal(it.told, 1);
    assert_int_equal(duet_kept_finish(it.kept, 0), -ECANCELED);
}

static void one_that_comes_before_a_fin_is_not_even_begun(void **state)
{
    (void)state;
    home_rig_send(&rig, peer, "[0,1,'fin',['x']]");
    assert_int_equal(home_rig_waiting(&rig), 1);
    assert_int_equal(shutdown(peer, SHUT_WR), 0);
    home_rig_turn(&rig);
    assert_int_equal(home_rig_waiting(&rig), 0);
    expect_end();
    assert_int_equal(it.kept.id, 0);
}

static void a_drain_ends_those_whose_method_says_so_when_it_begins(void **state)
{
    (void)state;
    ask("[0,1,'drain',['x']]");
    rig.home->is_draining = true;
    duet_home_mind_drain(rig.home);
    home_rig_turn(&rig);
    assert_int_equal(it.told, 1);
    home_rig_expect(peer, "[1,1,[-32002,'drain: cancelled: the server shuts down'],nil]");
    assert_int_equal(rig.home->totals.ended[ENDED_CANCELLED], 1);
    assert_int_equal(finish_with(1), -ECANCELED);
    home_rig_send(&rig, peer, "[0,2,'drain',['x']]"); /* one that comes later is not begun */
    home_rig_expect(peer, "[1,2,[-32002,'drain: cancelled: the server shuts down'],nil]");
    assert_int_equal(home_rig_waiting(&rig), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_home, close_home)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_is_answered_when_it_is_finished),
        TEST(it_leaves_what_was_reserved_for_it_to_others),
        TEST(the_second_finish_finds_it_over),
        TEST(its_number_is_not_that_of_a_later_call),
        TEST(no_number_is_anybody_elses),
        TEST(it_may_be_finished_before_its_handler_returns),
        TEST(a_handler_that_fails_finishes_it),
        TEST(what_the_handler_has_written_waits_for_the_finish),
        TEST(what_was_written_before_a_release_is_forgotten),
        TEST(a_positive_end_is_a_fault),
        TEST(an_inline_method_can_keep_its_calls),
        TEST(its_time_limit_begins_with_the_keeping),
        TEST(it_is_not_among_those_in_flight),
        TEST(over_http_what_comes_after_it_waits),
        TEST(a_long_answer_is_compressed_by_a_worker),
        TEST(a_notification_can_be_kept_and_outlives_its_client),
        TEST(stats_tell_how_many_and_which_is_oldest),
        TEST(it_holds_its_place_until_it_is_finished),
        TEST(at_its_time_limit_it_is_answered_and_its_finisher_told),
        TEST(an_answer_given_when_told_of_the_time_limit_is_the_answer),
        TEST(a_client_that_leaves_ends_its_calls),
        TEST(a_fin_ends_those_whose_method_says_so),
        TEST(a_fin_is_noticed_though_the_connection_is_not_read),
        TEST(one_that_comes_before_a_fin_is_not_even_begun),
        TEST(a_drain_ends_those_whose_method_says_so_when_it_begins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
