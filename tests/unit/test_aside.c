/*
 * Calls that found no room to start: they wait at home, go on in order when there is some, and
 * end with their connection or their time. One loop that turns by hand, the test is the worker.
 */
#include "conn_parts.h"
#include "home_parts.h"
#include "home_rig.h"

#include <unistd.h>

static int64_t ran[8]; /* the arguments, in order */
static size_t runs;

static int note(duet_call *call, void *ctx)
{
    (void)ctx;
    ran[runs++] = duet_arg_int(call, 0);
    return duet_reply_int(call, duet_arg_int(call, 0));
}

static const duet_method methods[] = {
    {.name = "note", .handler = note},
    {.name = "hasty", .handler = note, .timeout_ms = 20},
    {0},
};

static struct home_rig rig;
static int peer;
static struct duet_conn *conn;
static struct duet_account other; /* of what else the connection holds */

static int open_home(void **state)
{
    (void)state;
    home_rig_init(&rig, methods, NULL);
    home_rig_open(&rig);
    peer = home_rig_connect(&rig);
    conn = duet_conns_find(&rig.home->conns, UINT64_C(1) << 32);
    assert_non_null(conn);
    other = (struct duet_account){.budget = &rig.server->budget, .part = conn->part};
    runs = 0;
    return 0;
}

static int close_home(void **state)
{
    (void)state;
    home_rig_close(&rig);
    return 0;
}

/* The connection's part is full, and is not any more. */
static void fill(void)
{
    assert_true(duet_account_take(&other, conn->part->max, DUET_RANK_SMALL));
}

static void make_room(void)
{
    duet_account_give(&other, other.held);
    duet_conn_touch(conn);
    home_rig_turn(&rig);
}

/* A worker takes the newest call; what becomes of it is known at home. */
static void work(void)
{
    home_rig_work(&rig, home_rig_newest_job(&rig));
    home_rig_turn(&rig);
}

/* A call of that method, whose connection's part is full. */
static void put_aside(const char *method, int number)
{
    home_rig_send(&rig, peer, "[0,%d,'%s',[%d]]", number, method, number);
    fill();
    work();
    duet_account_give(&other, other.held);
}

static void one_that_finds_its_part_full_waits_for_room(void **state)
{
    (void)state;
    home_rig_send(&rig, peer, "[0,1,'note',[1]] [0,2,'note',[2]]");
    fill();
    work();
    assert_int_equal(conn->parked, 1);
    assert_int_equal(runs, 0);
    assert_int_equal(home_rig_waiting(&rig), 1); /* the other one */
    make_room();
    assert_int_equal(conn->parked, 0);
    assert_int_equal(home_rig_waiting(&rig), 2);
    work();
    home_rig_expect(peer, "[1,2,nil,2]");
    home_rig_leave(&rig, peer);
}

static void the_last_that_is_left_starts_whatever_is_held(void **state)
{
    (void)state;
    home_rig_send(&rig, peer, "[0,1,'note',[1]]");
    fill();
    work(); /* nothing else can make room: it goes on at once */
    assert_int_equal(conn->parked, 0);
    work();
    home_rig_expect(peer, "[1,1,nil,1]");
    duet_account_give(&other, other.held);
    home_rig_leave(&rig, peer);
}

static void one_that_a_handler_waits_for_does_not_wait(void **state)
{
    (void)state;
    home_rig_send(&rig, peer, "[0,1,'note',[1]] [0,2,'note',[2]]");
    duet_conn_await(conn);
    fill();
    work();
    assert_int_equal(conn->parked, 0);
    assert_int_equal(home_rig_waiting(&rig), 2);
    work();
    assert_int_equal(runs, 1);
    duet_conn_unawait(conn);
    duet_account_give(&other, other.held);
    home_rig_leave(&rig, peer);
}

static void one_whose_time_is_up_is_answered_and_never_runs(void **state)
{
    (void)state;
    home_rig_send(&rig, peer, "[0,9,'note',[9]]");
    put_aside("hasty", 1);
    home_rig_let_pass(&rig, 25);
    home_rig_expect(peer,
                    "[1,1,[%d,'hasty: not done after 20 ms, which is its time limit'],nil]",
                    DUET_FAULT_TIMEOUT);
    make_room();
    assert_int_equal(conn->parked, 0);
    assert_int_equal(home_rig_waiting(&rig), 1);
    assert_int_equal(runs, 0);
    home_rig_leave(&rig, peer);
}

static void one_whose_client_leaves_is_forgotten(void **state)
{
    (void)state;
    home_rig_send(&rig, peer, "[0,9,'note',[9]]");
    put_aside("note", 1);
    home_rig_leave(&rig, peer);
    assert_int_equal(rig.home->tickets.open, 0);
    assert_int_equal(rig.home->totals.ended[ENDED_DROPPED], 2);
    assert_int_equal(home_rig_waiting(&rig), 0);
}

static void a_notification_goes_on_without_its_client(void **state)
{
    (void)state;
    home_rig_send(&rig, peer, "[0,9,'note',[9]]");
    home_rig_send(&rig, peer, "[2,'note',[5]]");
    fill();
    work();
    assert_int_equal(conn->parked, 1);
    duet_account_give(&other, other.held);
    home_rig_leave(&rig, peer);
    assert_int_equal(home_rig_waiting(&rig), 1);
    work();
    assert_int_equal(runs, 1);
    assert_int_equal(ran[0], 5);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_home, close_home)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(one_that_finds_its_part_full_waits_for_room),
        TEST(the_last_that_is_left_starts_whatever_is_held),
        TEST(one_that_a_handler_waits_for_does_not_wait),
        TEST(one_whose_time_is_up_is_answered_and_never_runs),
        TEST(one_whose_client_leaves_is_forgotten),
        TEST(a_notification_goes_on_without_its_client),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
