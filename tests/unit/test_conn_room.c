/*
 * Connections when memory is scarce: what bytes cost, who waits, who goes on, who gives way.
 */
#include "conn_rig.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct rig rig;

enum { KIB = 1024, MIB = 1024 * KIB, PIECE = 200 * KIB };

/* Room for one large message at a time. */
static void open_rig(void)
{
    rig_open(&rig);
    rig.echoes = false;
    rig.says_bad = true;
    rig.budget.max = 2 * MIB;
    rig.budget.short_at = 2 * MIB - 128 * KIB;
    rig.needs = MIB;
}

/* A connection that is let in with a large message, and sends no more than a part of it. */
static struct duet_conn *connect_half(const uint8_t *large, int *peer)
{
    struct duet_conn *conn = rig_connect(&rig, peer);
    peer_send(&rig, *peer, large, PIECE);
    RIG_UNTIL(&rig, unread(conn->stream.fd) == 0);
    assert_true(conn->account.is_admitted);
    return conn;
}

/* One that has to wait, which is known when its bytes stay where they are. */
static struct duet_conn *connect_waiting(const uint8_t *large, int *peer)
{
    struct duet_conn *conn = rig_connect(&rig, peer);
    for (size_t sent = 0; !duet_waiter_waits(&conn->waiter);) {
        sent += peer_send_some(*peer, large + sent, PIECE - sent);
        rig_turn(&rig);
    }
    return conn;
}

static void a_length_that_is_announced_costs_nothing(void **state)
{
    (void)state;
    enum { MANY = 200 };
    int peers[MANY];
    open_rig();
    for (int i = 0; i < MANY; i++) {
        rig_connect(&rig, &peers[i]);
        PEER_SENDS(&rig, peers[i], "\xfe\x00\xf0\x00\x00first bytes");
        PEER_SENDS(&rig, peers[i], " and some more");
    }
    assert_true(rig_held(&rig) < MANY * 2 * KIB);
    for (int i = 0; i < MANY; i++)
        close(peers[i]);
    rig_close(&rig);
}

static void memory_follows_the_bytes(void **state)
{
    (void)state;
    open_rig();
    int peer;
    uint8_t *large = large_message(900 * KIB);
    struct duet_conn *conn = rig_connect(&rig, &peer);
    for (size_t sent = 0; sent < 300 * KIB; sent += 10 * KIB) {
        peer_send(&rig, peer, large + sent, 10 * KIB);
        RIG_UNTIL(&rig, unread(conn->stream.fd) == 0);
        assert_true(conn->in.capacity <= 2 * (sent + 10 * KIB + 64 * KIB));
    }
    free(large);
    close(peer);
    rig_close(&rig);
}

static void who_finds_no_room_is_not_read_until_there_is(void **state)
{
    (void)state;
    open_rig();
    int first, second;
    uint8_t *large = large_message(600 * KIB);
    size_t size = LARGE_HEAD + 600 * KIB;
    connect_half(large, &first);
    struct duet_conn *waiting = connect_waiting(large, &second);
    assert_true(waiting->in.size <= 64 * KIB);
    assert_true(unread(waiting->stream.fd) > 0);
    assert_true(rig.conns.paused_buffered > 0);

    peer_send(&rig, first, large + PIECE, size - PIECE);
    RIG_UNTIL(&rig, rig.messages == 1 && unread(waiting->stream.fd) == 0);
    peer_send(&rig, second, large + PIECE, size - PIECE);
    RIG_UNTIL(&rig, rig.messages == 2);
    assert_int_equal(rig.bads, 0);
    assert_int_equal(rig_held(&rig), 0);
    free(large);
    close(first);
    close(second);
    rig_close(&rig);
}

static void small_messages_go_on_beside_those_that_wait(void **state)
{
    (void)state;
    open_rig();
    rig.echoes = true;
    int first, second, small;
    uint8_t *large = large_message(900 * KIB);
    connect_half(large, &first);
    connect_waiting(large, &second);
    rig_connect(&rig, &small);
    PEER_SENDS(&rig, small, "\002h");
    PEER_SENDS(&rig, small, "i");
    PEER_READS(&rig, small, "hi");
    free(large);
    close(first);
    close(second);
    close(small);
    rig_close(&rig);
}

static void who_stalls_gives_way_to_who_waits(void **state)
{
    (void)state;
    open_rig();
    int first, second;
    uint8_t *large = large_message(600 * KIB);
    connect_half(large, &first);
    struct duet_conn *waiting = connect_waiting(large, &second);
    peer_send(&rig, second, large + PIECE, LARGE_HEAD + 600 * KIB - PIECE);
    RIG_UNTIL(&rig, rig.messages == 1);
    assert_false(duet_waiter_waits(&waiting->waiter));
    free(large);
    close(first);
    close(second);
    rig_close(&rig);
}

/* Without its reservation it still holds what it has sent: when that is in the way it goes. */
static void of_those_who_stall_the_one_that_holds_most_is_closed(void **state)
{
    (void)state;
    open_rig();
    int peers[3], waiting;
    uint8_t *large = large_message(900 * KIB);
    static const size_t sent[] = {300 * KIB, 700 * KIB, 100 * KIB};
    for (int i = 0; i < 3; i++) {
        rig.needs = sent[i]; /* all three are let in */
        rig_connect(&rig, &peers[i]);
        peer_send(&rig, peers[i], large, sent[i]);
    }
    rig.needs = MIB;
    connect_waiting(large, &waiting);
    PEER_READS(&rig, peers[1], "bad");
    assert_int_equal(rig.bad_status, 503);
    assert_non_null(strstr(rig.reason, "--max-buffered"));
    assert_int_equal(rig.bads, 1);
    assert_int_equal(rig.conns.gave_way, 1);
    free(large);
    for (int i = 0; i < 3; i++)
        close(peers[i]);
    close(waiting);
    rig_close(&rig);
}

static void who_does_not_take_its_replies_is_closed_for_who_waits(void **state)
{
    (void)state;
    open_rig();
    int reader, waiting;
    static uint8_t reply[16 * KIB];
    struct duet_conn *conn = rig_connect(&rig, &reader);
    PEER_SENDS(&rig, reader, "\001a");
    while (conn->out_size < 1500 * KIB) {
        duet_conn_send(conn, reply, sizeof reply, NULL, 0);
        rig_turn(&rig);
    }
    assert_true(rig_held(&rig) >= 1500 * KIB); /* all of it counts */
    uint8_t *large = large_message(600 * KIB);
    connect_waiting(large, &waiting);
    RIG_UNTIL(&rig, rig.closes == 1);
    peer_send(&rig, waiting, large + PIECE, LARGE_HEAD + 600 * KIB - PIECE);
    RIG_UNTIL(&rig, rig.messages == 2);
    free(large);
    close(reader);
    close(waiting);
    rig_close(&rig);
}

static void when_all_is_used_only_what_is_tiny_is_read(void **state)
{
    (void)state;
    open_rig();
    rig.echoes = true;
    int tiny, small;
    struct duet_account others = {.budget = &rig.budget};
    assert_true(duet_account_take(&others, 2 * MIB - 64 * KIB, DUET_RANK_SMALL));
    rig_turn(&rig);
    struct duet_conn *conn = rig_connect(&rig, &small);
    rig_connect(&rig, &tiny);
    static char many[6000]; /* empty messages */
    peer_send(&rig, small, many, sizeof many);
    PEER_SENDS(&rig, tiny, "\002hi");
    PEER_READS(&rig, tiny, "hi");
    assert_true(duet_waiter_waits(&conn->waiter));
    duet_account_give(&others, 2 * MIB - 64 * KIB);
    RIG_UNTIL(&rig, rig.messages == 1 + sizeof many);
    close(tiny);
    close(small);
    rig_close(&rig);
}

static void over_its_part_a_connection_is_not_read_until_half_of_it_is_free(void **state)
{
    (void)state;
    open_rig();
    rig.holds = true;
    rig.conns.conn_limits.max_part = 100 * KIB;
    int peer, other;
    struct duet_conn *conn = rig_connect(&rig, &peer);
    PEER_SENDS(&rig, peer, "\001a");
    struct duet_account call = {.budget = &rig.budget};
    duet_account_join(&call, conn->part, true);
    assert_true(duet_account_take(&call, 100 * KIB, DUET_RANK_RUNNING));
    duet_conn_hold(conn, 0);
    duet_conn_park(conn); /* another call of it, put aside */
    rig_turn(&rig);
    PEER_SENDS(&rig, peer, "\001b");
    LOG_IS(&rig, "a");

    rig_connect(&rig, &other); /* others go on */
    PEER_SENDS(&rig, other, "\001c");
    LOG_IS(&rig, "c");
    assert_int_equal(rig.resumed, 0);
    duet_account_give(&call, 60 * KIB);
    duet_conn_release(conn, 2);
    RIG_UNTIL(&rig, rig.messages == 3);
    LOG_IS(&rig, "b");
    assert_int_equal(rig.resumed, 1);
    duet_account_give(&call, 40 * KIB);
    duet_account_join(&call, NULL, false);
    close(peer);
    close(other);
    rig_close(&rig);
}

int main(void)
{
    alarm(200);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_length_that_is_announced_costs_nothing),
        cmocka_unit_test(memory_follows_the_bytes),
        cmocka_unit_test(who_finds_no_room_is_not_read_until_there_is),
        cmocka_unit_test(small_messages_go_on_beside_those_that_wait),
        cmocka_unit_test(who_stalls_gives_way_to_who_waits),
        cmocka_unit_test(of_those_who_stall_the_one_that_holds_most_is_closed),
        cmocka_unit_test(who_does_not_take_its_replies_is_closed_for_who_waits),
        cmocka_unit_test(when_all_is_used_only_what_is_tiny_is_read),
        cmocka_unit_test(over_its_part_a_connection_is_not_read_until_half_of_it_is_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
