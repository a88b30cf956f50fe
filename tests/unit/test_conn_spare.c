/*
 * The memory that large messages leave for the next ones: which is used again, what is kept,
 * and on whose account it lies.
 */
#include "conn_parts.h"
#include "conn_rig.h"

#include <unistd.h>

enum { KIB = 1024 };

static struct rig rig;
static struct duet_conn *conn;
static int peer;

static int set_up(void **state)
{
    (void)state;
    rig_open(&rig);
    conn = rig_connect(&rig, &peer);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    close(peer);
    rig_close(&rig);
    assert_int_equal(rig.budget.used, 0);
    return 0;
}

/* A message of that size is done with. */
static void leave(size_t size)
{
    struct duet_buf buf;
    duet_buf_init(&buf, size);
    buf.account = &conn->account;
    assert_int_equal(duet_buf_reserve(&buf, size), 0);
    assert_int_equal(buf.capacity, size);
    duet_conns_reuse(&rig.conns, &buf);
}

/* The capacity that a message gets, all of whose `size` bytes are to come. */
static size_t capacity_for(size_t size)
{
    assert_int_equal(duet_conn_reserve(conn, size, size), 0);
    return conn->in.capacity;
}

static void the_smallest_that_is_large_enough_is_used_again(void **state)
{
    (void)state;
    leave(300 * KIB);
    leave(180 * KIB);
    leave(120 * KIB);
    assert_int_equal(rig.conns.spare_bytes, 600 * KIB);
    assert_int_equal(capacity_for(150 * KIB), 180 * KIB);
    assert_int_equal(rig.conns.spare_bytes, 420 * KIB);
}

static void one_that_is_far_too_large_is_left_for_others(void **state)
{
    (void)state;
    leave(1024 * KIB);
    assert_in_range(capacity_for(200 * KIB), 200 * KIB, 400 * KIB);
    assert_int_equal(rig.conns.spare_bytes, 1024 * KIB);
}

static void what_has_come_already_goes_along(void **state)
{
    (void)state;
    assert_int_equal(duet_conn_reserve(conn, 4, 4), 0);
    assert_int_equal(duet_buf_append(&conn->in, "come", 4), 0);
    leave(200 * KIB);
    assert_int_equal(capacity_for(150 * KIB), 200 * KIB);
    assert_int_equal(conn->in.size, 4);
    assert_memory_equal(conn->in.data, "come", 4);
}

static void what_lies_idle_is_nobodys_and_then_who_uses_it_pays(void **state)
{
    (void)state;
    leave(200 * KIB);
    assert_int_equal(conn->account.held, 0);
    assert_int_equal(rig.conns.account.held, 200 * KIB);
    capacity_for(200 * KIB);
    assert_int_equal(conn->account.held, 200 * KIB);
    assert_int_equal(rig.conns.account.held, 0);
}

static void no_more_is_kept_than_may_lie_idle(void **state)
{
    (void)state;
    rig.conns.conn_limits.max_spare = 500 * KIB;
    leave(300 * KIB);
    leave(300 * KIB);
    assert_int_equal(rig.conns.spare_bytes, 300 * KIB);
    for (size_t i = 0; i < DUET_SPARE_BUFFERS; i++)
        leave(KIB);
    assert_int_equal(rig.conns.spare_bytes, (300 + DUET_SPARE_BUFFERS - 1) * KIB);
}

static void nothing_is_kept_while_somebody_waits_for_room(void **state)
{
    (void)state;
    duet_conn_wait_for_room(conn, 100 * KIB);
    leave(200 * KIB);
    assert_int_equal(rig.conns.spare_bytes, 0);
    assert_int_equal(rig_held(&rig), 0);
}

static void a_state_is_used_again_too(void **state)
{
    (void)state;
    void *first = duet_conn_take_state(conn);
    assert_non_null(first);
    assert_int_equal(conn->account.held, rig.conns.state_size);
    duet_conn_reuse_state(conn, first);
    assert_int_equal(conn->account.held, 0);
    assert_ptr_equal(duet_conn_take_state(conn), first);
    duet_conn_reuse_state(conn, first);
    duet_conns_free_spares(&rig.conns);
    assert_int_equal(rig.budget.used, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_smallest_that_is_large_enough_is_used_again),
        TEST(one_that_is_far_too_large_is_left_for_others),
        TEST(what_has_come_already_goes_along),
        TEST(what_lies_idle_is_nobodys_and_then_who_uses_it_pays),
        TEST(no_more_is_kept_than_may_lie_idle),
        TEST(nothing_is_kept_while_somebody_waits_for_room),
        TEST(a_state_is_used_again_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
