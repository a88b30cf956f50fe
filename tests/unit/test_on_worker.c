/*
 * What a worker does with a call. The test is the worker, and sees what is sent home.
 */
#include "home_rig.h"

#include "on_worker.h"

#include <stdio.h>
#include <string.h>

static int ran;

static int twice(duet_call *call, void *ctx)
{
    (void)ctx;
    ran++;
    return duet_reply_int(call, 2 * duet_arg_int(call, 0));
}

static const duet_method methods[] = {
    {.name = "slow", .signature = "i:i", .handler = twice},
    {.name = "gated", .signature = "i:i", .handler = twice, .max_running = 1},
    {.name = "impatient",
     .signature = "i:i",
     .handler = twice,
     .max_running = 1,
     .flags = DUET_METHOD_REFUSE_BUSY},
    {0},
};

struct fixture {
    struct home_rig rig;
    int peer;
};

static int open_home(void **state)
{
    static struct fixture it;
    home_rig_init(&it.rig, methods, NULL);
    home_rig_open(&it.rig);
    it.peer = home_rig_connect(&it.rig);
    ran = 0;
    *state = &it;
    return 0;
}

static int close_home(void **state)
{
    struct fixture *it = *state;
    home_rig_leave(&it->rig, it->peer);
    home_rig_close(&it->rig);
    return 0;
}

static struct duet_gate *gate_of(struct fixture *it, const char *name)
{
    return &duet_registry_find(it->rig.server->registry, name, strlen(name))->gate;
}

/* The job of a call that the peer sends now. */
static struct duet_job *send_call(struct fixture *it, const char *text)
{
    home_rig_send(&it->rig, it->peer, "%s", text);
    return home_rig_newest_job(&it->rig);
}

static void it_runs_a_call_and_sends_it_home_with_its_times(void **state)
{
    struct fixture *it = *state;
    struct duet_job *job = send_call(it, "[0,1,'slow',[21]]");
    home_rig_work(&it->rig, job);
    assert_int_equal(ran, 1);
    assert_int_equal(job->call.stage, CALL_ANSWERED);
    assert_true(job->call.arrived_ns <= job->call.started_ns &&
                job->call.started_ns <= job->ended_ns);
    assert_null(it->rig.server->worker_notes[0].running);
    home_rig_turn(&it->rig);
    home_rig_expect(it->peer, "[1,1,nil,42]");
}

static void one_that_is_doomed_goes_home_without_having_run(void **state)
{
    struct fixture *it = *state;
    int other = home_rig_connect(&it->rig);
    home_rig_send(&it->rig, other, "[0,1,'slow',[21]]");
    struct duet_job *job = home_rig_newest_job(&it->rig);
    assert_true(duet_pool_take_back(&it->rig.server->pool, &job->queued)); /* a worker has it */
    home_rig_leave(&it->rig, other);
    duet_on_worker_run(&job->queued, 0);
    assert_int_equal(ran, 0);
    assert_int_equal(job->call.stage, CALL_ROUTED);
    home_rig_turn(&it->rig);
    assert_int_equal(it->rig.home->totals.ended[ENDED_DROPPED], 1);
    assert_int_equal(it->rig.home->spare_job_count, 1);
}

static void one_without_a_place_waits_in_line_and_runs_on_whoever_leaves(void **state)
{
    struct fixture *it = *state;
    struct duet_gate *gate = gate_of(it, "gated");
    assert_true(duet_gate_try(gate)); /* somebody runs */
    struct duet_job *second = send_call(it, "[0,2,'gated',[2]]");
    home_rig_work(&it->rig, second);
    assert_int_equal(ran, 0);
    assert_int_equal(it->rig.server->in_line, 1);

    duet_gate_hand_on(gate); /* somebody who does not run calls himself: it is queued */
    assert_int_equal(it->rig.server->in_line, 1);
    assert_int_equal(it->rig.server->let_in, 1);
    assert_int_equal(second->call.stage, CALL_ADMITTED);
    assert_int_equal(home_rig_waiting(&it->rig), 1);
    home_rig_work(&it->rig, second);
    assert_int_equal(it->rig.server->in_line, 0);
    assert_int_equal(it->rig.server->let_in, 0);
    assert_int_equal(ran, 1);
    assert_int_equal(gate->running, 0);
    home_rig_turn(&it->rig);
    home_rig_expect(it->peer, "[1,2,nil,4]");
}

/* The queue has room for as many that were let in as it may hold others: who wants to wait in
 * line after those is refused. */
static void those_that_were_let_in_count_until_a_worker_has_them(void **state)
{
    struct fixture *it = *state;
    struct duet_gate *gate = gate_of(it, "gated");
    it->rig.server->options.value[DUET_OPT_WORKER_QUEUE] = 2;
    assert_true(duet_gate_try(gate));
    struct duet_job *first = send_call(it, "[0,1,'gated',[1]]");
    home_rig_work(&it->rig, first);
    home_rig_work(&it->rig, send_call(it, "[0,2,'gated',[2]]"));
    duet_gate_hand_on(gate);
    home_rig_work(&it->rig, send_call(it, "[0,3,'gated',[3]]"));
    home_rig_turn(&it->rig);
    home_rig_expect_text(it->peer, "\x94\x01\x03", "gated is busy");
    home_rig_work(&it->rig, first); /* and the second, which it lets in */
    assert_int_equal(it->rig.server->in_line, 0);
    home_rig_turn(&it->rig);
    home_rig_expect(it->peer, "[1,1,nil,2] [1,2,nil,4]");
}

static void a_method_that_will_not_wait_is_refused(void **state)
{
    struct fixture *it = *state;
    assert_true(duet_gate_try(gate_of(it, "impatient")));
    home_rig_work(&it->rig, send_call(it, "[0,1,'impatient',[1]]"));
    home_rig_turn(&it->rig);
    home_rig_expect_text(it->peer, "\x94\x01\x01",
                         "impatient is busy: 1 calls of it run already");
    assert_int_equal(it->rig.home->totals.ended[ENDED_REFUSED], 1);
    assert_int_equal(ran, 0);
}

/* A document that is too long for the loop to read. */
static void post_long(struct fixture *it, const char *method)
{
    enum { PADDING = 17000 };
    static char body[PADDING + 512], text[sizeof body + 512];
    int size = snprintf(body, sizeof body,
                        "<methodCall><methodName>%s</methodName>%*s<params><param><value><i4>21"
                        "</i4></value></param></params></methodCall>",
                        method, PADDING, "");
    int all = snprintf(text, sizeof text,
                       "POST /RPC2 HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml\r\n"
                       "Content-Length: %d\r\n\r\n%s",
                       size, body);
    home_rig_send_raw(&it->rig, it->peer, text, (size_t)all);
}

static void a_heavy_one_is_read_and_comes_again_under_its_method(void **state)
{
    struct fixture *it = *state;
    post_long(it, "slow");
    struct duet_job *job = home_rig_newest_job(&it->rig);
    assert_int_equal(job->call.stage, CALL_READ);
    home_rig_work(&it->rig, job);
    assert_int_equal(job->call.stage, CALL_ROUTED);
    assert_int_equal(ran, 0);
    home_rig_turn(&it->rig);
    home_rig_work(&it->rig, job);
    home_rig_turn(&it->rig);
    home_rig_expect_text(it->peer, "HTTP/1.1 200 ", "<int>42</int>");
}

static void a_heavy_one_without_a_method_is_answered_at_once(void **state)
{
    struct fixture *it = *state;
    post_long(it, "nothing");
    home_rig_work(&it->rig, home_rig_newest_job(&it->rig));
    home_rig_turn(&it->rig);
    home_rig_expect_text(it->peer, "HTTP/1.1 200 ", "no method named 'nothing'");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_home, close_home)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_runs_a_call_and_sends_it_home_with_its_times),
        TEST(one_that_is_doomed_goes_home_without_having_run),
        TEST(one_without_a_place_waits_in_line_and_runs_on_whoever_leaves),
        TEST(those_that_were_let_in_count_until_a_worker_has_them),
        TEST(a_method_that_will_not_wait_is_refused),
        TEST(a_heavy_one_is_read_and_comes_again_under_its_method),
        TEST(a_heavy_one_without_a_method_is_answered_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
