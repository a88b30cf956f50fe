/*
 * To the workers and back: calls that wait, come home, are dropped or answered in another's
 * place. The test is the worker.
 */
#include "home_parts.h"
#include "home_rig.h"
#include "on_worker.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int ran;
static char told[16]; /* of the last call that the after-hook was told of: its method */

static int twice(duet_call *call, void *ctx)
{
    (void)ctx;
    ran++;
    return duet_reply_int(call, 2 * duet_arg_int(call, 0));
}

static void on_after(duet_call *call, const duet_outcome *outcome, void *ctx)
{
    (void)outcome;
    (void)ctx;
    snprintf(told, sizeof told, "%s", duet_call_method(call));
}

static const duet_method methods[] = {
    {.name = "twice", .signature = "i:i", .handler = twice},
    {.name = "gated", .signature = "i:i", .handler = twice, .max_running = 1},
    {.name = "hasty", .signature = "i:i", .handler = twice, .timeout_ms = 20},
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
    assert_int_equal(duet_server_set(it.rig.server, DUET_OPT_WORKER_QUEUE, 2), 0);
    const duet_hooks hooks = {.after = on_after};
    assert_int_equal(duet_server_add_hooks(it.rig.server, &hooks, NULL), 0);
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

static struct duet_counts *totals(struct fixture *it)
{
    return &it->rig.home->totals;
}

static struct duet_gate *gate_of(struct fixture *it, const char *name)
{
    return &duet_registry_find(it->rig.server->registry, name, strlen(name))->gate;
}

static void a_call_goes_there_and_its_result_comes_back(void **state)
{
    struct fixture *it = *state;
    home_rig_send(&it->rig, it->peer, "[0,1,'twice',[21]]");
    assert_int_equal(home_rig_waiting(&it->rig), 1);
    home_rig_expect_nothing(it->peer);
    home_rig_work(&it->rig, home_rig_newest_job(&it->rig));
    home_rig_turn(&it->rig);
    home_rig_expect(it->peer, "[1,1,nil,42]");
    assert_int_equal(it->rig.home->tickets.open, 0);
    assert_int_equal(totals(it)->ended[ENDED_OK], 1);
}

static void what_the_queue_has_no_room_for_is_refused(void **state)
{
    struct fixture *it = *state;
    home_rig_send(&it->rig, it->peer, "[0,1,'twice',[1]] [0,2,'twice',[1]] [0,3,'twice',[1]]");
    home_rig_expect_text(it->peer, "\x94\x01\x03", "2 calls wait for a worker already");
    assert_int_equal(home_rig_waiting(&it->rig), 2);
    assert_int_equal(totals(it)->ended[ENDED_REFUSED], 1);
}

static void a_call_that_waits_is_dropped_with_its_client(void **state)
{
    struct fixture *it = *state;
    int other = home_rig_connect(&it->rig);
    home_rig_send(&it->rig, other, "[0,1,'twice',[21]]");
    assert_int_equal(home_rig_waiting(&it->rig), 1);
    home_rig_leave(&it->rig, other);
    assert_int_equal(home_rig_waiting(&it->rig), 0);
    assert_int_equal(totals(it)->ended[ENDED_DROPPED], 1);
    assert_int_equal(ran, 0);
}

static void a_notification_outlives_its_client(void **state)
{
    struct fixture *it = *state;
    int other = home_rig_connect(&it->rig);
    home_rig_send(&it->rig, other, "[2,'twice',[21]]");
    struct duet_job *job = home_rig_newest_job(&it->rig);
    home_rig_leave(&it->rig, other);
    home_rig_work(&it->rig, job);
    home_rig_turn(&it->rig);
    assert_int_equal(ran, 1);
    assert_int_equal(totals(it)->ended[ENDED_OK], 1);
}

static void one_that_waits_past_its_time_is_told_and_never_runs(void **state)
{
    struct fixture *it = *state;
    home_rig_send(&it->rig, it->peer, "[0,1,'hasty',[21]]");
    home_rig_let_pass(&it->rig, 25);
    home_rig_expect(
        it->peer, "[1,1,[-32001,'hasty: not done after 20 ms, which is its time limit'],nil]");
    assert_int_equal(home_rig_waiting(&it->rig), 0);
    assert_int_equal(totals(it)->ended[ENDED_TIMED_OUT], 1);
    assert_int_equal(ran, 0);
}

/* As if a worker had taken it from the queue, and is not done yet. */
static void take(struct fixture *it, struct duet_job *job)
{
    assert_true(duet_pool_take_back(&it->rig.server->pool, &job->queued));
}

static void a_result_that_comes_after_its_time_is_dropped_and_counted(void **state)
{
    struct fixture *it = *state;
    home_rig_send(&it->rig, it->peer, "[0,1,'hasty',[21]]");
    struct duet_job *job = home_rig_newest_job(&it->rig);
    take(it, job);
    int rc = duet_call_start(&job->call);
    home_rig_let_pass(&it->rig, 25);
    home_rig_expect_text(it->peer, "\x94\x01\x01", "its time limit");
    assert_true(duet_call_cancelled(&job->call));
    duet_call_finish(&job->call, rc);
    duet_loop_post(&it->rig.home->loop, &job->letter);
    home_rig_turn(&it->rig);
    home_rig_expect_nothing(it->peer);
    assert_int_equal(it->rig.home->late, 1);
    assert_int_equal(totals(it)->ended[ENDED_TIMED_OUT], 1);
    assert_int_equal(totals(it)->ended[ENDED_OK], 0);
}

static void a_drain_past_its_time_answers_what_somebody_holds(void **state)
{
    struct fixture *it = *state;
    home_rig_send(&it->rig, it->peer, "[0,1,'twice',[21]]");
    struct duet_job *job = home_rig_newest_job(&it->rig);
    take(it, job);
    duet_tickets_each(&it->rig.home->tickets, duet_home_cancel_ticket, NULL);
    home_rig_turn(&it->rig);
    home_rig_expect_text(it->peer, "\x94\x01\x01", "cancelled: the server shuts down");
    assert_int_equal(totals(it)->ended[ENDED_CANCELLED], 1);
    duet_loop_post(&it->rig.home->loop, &job->letter); /* it has not begun, and need not */
    home_rig_turn(&it->rig);
    assert_int_equal(it->rig.home->late, 0);
    assert_int_equal(ran, 0);
}

/* It was let in by somebody who does not run calls himself, and has its place already. */
static void one_that_was_let_in_gives_back_its_place_when_it_is_dropped(void **state)
{
    struct fixture *it = *state;
    struct duet_gate *gate = gate_of(it, "gated");
    int other = home_rig_connect(&it->rig);
    assert_true(duet_gate_try(gate));
    home_rig_send(&it->rig, other, "[0,1,'gated',[21]]");
    home_rig_work(&it->rig, home_rig_newest_job(&it->rig)); /* it waits in line */
    assert_int_equal(home_rig_waiting(&it->rig), 0);
    duet_gate_hand_on(gate);
    assert_int_equal(home_rig_waiting(&it->rig), 1);
    assert_int_equal(gate->running, 1);
    home_rig_leave(&it->rig, other);
    assert_int_equal(home_rig_waiting(&it->rig), 0);
    assert_int_equal(gate->running, 0);
}

/* POSTs a call that is too large to be read on the loop, and the beginning of another one.
 * `end` is of the request before it. */
static void post_large(struct fixture *it, const char *end)
{
    enum { FILL = 70000 };
    static const char front[] = "\x94\0\1\xa5twice\x91\xc6\0\1\x11\x70"; /* of 70,000 bytes */
    static char post[FILL + 200];
    int size =
        snprintf(post, sizeof post,
                 "%sPOST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/msgpack\r\n"
                 "Content-Length: %zu\r\n\r\n",
                 end, sizeof front - 1 + FILL);
    memcpy(post + size, front, sizeof front - 1);
    memset(post + size + sizeof front - 1, 'P', FILL + 1);
    home_rig_send_raw(&it->rig, it->peer, post, (size_t)size + sizeof front + FILL);
    while (home_rig_waiting(&it->rig) == 0)
        home_rig_turn(&it->rig);
}

/* It has been let in once: what comes while it is read is refused, and not it afterwards. */
static void one_that_was_read_comes_back_to_its_place(void **state)
{
    struct fixture *it = *state;
    int other = home_rig_connect(&it->rig);
    post_large(it, "");
    struct duet_job *heavy = home_rig_newest_job(&it->rig);
    home_rig_send(&it->rig, other, "[0,1,'twice',[1]]");
    duet_pool_take_back(&it->rig.server->pool, &heavy->queued);
    duet_on_worker_run(&heavy->queued, 0);
    struct duet_queue_link of_another_loop, *link = &of_another_loop;
    assert_int_equal(duet_pool_push(&it->rig.server->pool, &link, 1), 0);
    home_rig_turn(&it->rig);
    assert_int_equal(home_rig_waiting(&it->rig), 2);
    assert_int_equal(it->rig.server->pool.kept, 0);
    home_rig_work(&it->rig, heavy);
    home_rig_turn(&it->rig);
    home_rig_expect_text(it->peer, "HTTP/1.1 200 ", "\x94\x01\x01");
    home_rig_leave(&it->rig, other);
}

static void one_whose_client_leaves_while_it_is_read_leaves_its_place(void **state)
{
    struct fixture *it = *state;
    post_large(it, "");
    struct duet_job *heavy = home_rig_newest_job(&it->rig);
    duet_pool_take_back(&it->rig.server->pool, &heavy->queued);
    duet_on_worker_run(&heavy->queued, 0);
    assert_int_equal(it->rig.server->pool.kept, 1);
    duet_conn_close(duet_conns_find(&it->rig.home->conns, heavy->call.to.conn));
    home_rig_turn(&it->rig);
    assert_int_equal(it->rig.server->pool.kept, 0);
    assert_int_equal(home_rig_waiting(&it->rig), 0);
    close(it->peer);
    it->peer = home_rig_connect(&it->rig);
}

/* Its head was looked at where it came, in a buffer that was not its own: there stands the next
 * message by now. */
static void what_is_known_of_a_call_that_waits_to_be_read_is_its_own(void **state)
{
    struct fixture *it = *state;
    home_rig_send_text(&it->rig, it->peer,
                       "GET / HTTP/1.1\r\nHost: localhost\r\nX: %02000d\r\n", 0);
    post_large(it, "\r\n");
    const struct duet_call *call = &home_rig_newest_job(&it->rig)->call;
    assert_int_equal(call->stage, CALL_READ);
    struct duet_conn *conn = duet_conns_find(&it->rig.home->conns, call->to.conn);
    assert_true(conn->in_start > 0);
    memset(conn->in.data, 'x', conn->in_start);
    duet_tickets_each(&it->rig.home->tickets, duet_home_cancel_ticket, NULL);
    assert_string_equal(told, "twice");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_home, close_home)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_call_goes_there_and_its_result_comes_back),
        TEST(what_the_queue_has_no_room_for_is_refused),
        TEST(a_call_that_waits_is_dropped_with_its_client),
        TEST(a_notification_outlives_its_client),
        TEST(one_that_waits_past_its_time_is_told_and_never_runs),
        TEST(a_result_that_comes_after_its_time_is_dropped_and_counted),
        TEST(a_drain_past_its_time_answers_what_somebody_holds),
        TEST(one_that_was_let_in_gives_back_its_place_when_it_is_dropped),
        TEST(one_that_was_read_comes_back_to_its_place),
        TEST(one_whose_client_leaves_while_it_is_read_leaves_its_place),
        TEST(what_is_known_of_a_call_that_waits_to_be_read_is_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
