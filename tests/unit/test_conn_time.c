/*
 * The time that connections have: for a message and its pace, for taking replies, for a call of
 * ours, and for the end.
 */
#include "conn_rig.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct rig rig;

/* ---- Messages and idle connections ---- */

static void a_trickled_head_and_a_trickled_body_end_at_their_time(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t size;
        bool in_body;
        const char *flag;
    } rows[] = {
        {"\xfe\000", 2, false, "--head-timeout"},
        {"\xfe\000\000\000\005par", 8, true, "--body-timeout"},
        {"\005par", 4, true, "--body-timeout"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        rig_open(&rig);
        rig.says_bad = true;
        if (rows[i].in_body)
            rig.conns.conn_limits.body_timeout_ms = 20;
        else
            rig.conns.conn_limits.head_timeout_ms = 20;
        int peer;
        rig_connect(&rig, &peer);
        peer_send(&rig, peer, rows[i].bytes, rows[i].size);
        uint64_t since = rig.loop.now_ms;
        PEER_READS(&rig, peer, "bad");
        assert_true(rig.loop.now_ms >= since + 19);
        assert_int_equal(rig.bad_status, 408);
        assert_non_null(strstr(rig.reason, rows[i].flag));
        assert_int_equal(peer_read_to_end(&rig, peer), 0);
        close(peer);
        RIG_UNTIL(&rig, rig.closes == 1);
        rig_close(&rig);
    }
}

static void an_idle_connection_ends_in_silence(void **state)
{
    (void)state;
    for (int used = 0; used < 2; used++) {
        rig_open(&rig);
        rig.conns.conn_limits.idle_timeout_ms = 20;
        int peer;
        rig_connect(&rig, &peer);
        if (used) {
            PEER_SENDS(&rig, peer, "\002hi");
            PEER_READS(&rig, peer, "hi");
        }
        assert_int_equal(peer_read_to_end(&rig, peer), 0);
        assert_int_equal(rig.bads, 0);
        assert_int_equal(rig.closes, 1);
        close(peer);
        rig_close(&rig);
    }
}

static void a_connection_that_waits_for_us_has_all_the_time(void **state)
{
    (void)state;
    rig_open(&rig);
    rig.echoes = false;
    rig.holds = true;
    rig.conns.conn_limits.idle_timeout_ms = 5;
    rig.conns.conn_limits.write_timeout_ms = 5;
    int peer;
    struct duet_conn *conn = rig_connect(&rig, &peer);
    PEER_SENDS(&rig, peer, "\002hi");
    rig_let_pass(&rig, 40);
    assert_int_equal(rig.closes, 0);
    duet_conn_send(conn, "HI", 2, NULL, 0);
    duet_conn_release(conn, 3);
    PEER_READS(&rig, peer, "HI");
    RIG_UNTIL(&rig, rig.closes == 1); /* and then it is idle */
    close(peer);
    rig_close(&rig);
}

/* ---- The pace of a body ---- */

static void a_body_that_comes_too_slowly_is_refused(void **state)
{
    (void)state;
    rig_open(&rig);
    rig.says_bad = true;
    rig.conns.conn_limits.min_rate = 1000000;
    rig.conns.conn_limits.rate_ms = 20;
    int peer;
    rig_connect(&rig, &peer);
    uint64_t since = rig.loop.now_ms;
    while (rig.bads == 0) {
        static const char large[] = {(char)LARGE, 0, 16, 0, 0};
        peer_send(&rig, peer, rig.loop.now_ms == since ? large : "x", 1);
        if (rig.loop.now_ms == since)
            peer_send(&rig, peer, large + 1, sizeof large - 1);
        rig_let_pass(&rig, 1);
    }
    PEER_READS(&rig, peer, "bad");
    assert_true(rig.loop.now_ms >= since + 20);
    assert_int_equal(rig.bad_status, 408);
    assert_non_null(strstr(rig.reason, " bytes per second over 0 s (--min-rate 1000000)"));
    assert_int_equal(peer_read_to_end(&rig, peer), 0);
    close(peer);
    rig_close(&rig);
}

static void a_steady_body_has_as_long_as_it_takes(void **state)
{
    (void)state;
    enum { SIZE = 1 << 20 };
    rig_open(&rig);
    rig.conns.conn_limits.min_rate = 1;
    rig.conns.conn_limits.rate_ms = 10;
    int peer;
    rig_connect(&rig, &peer);
    uint8_t *large = large_message(SIZE);
    size_t sent = 0, size = LARGE_HEAD + SIZE;
    uint64_t since = rig.loop.now_ms;
    while (rig.loop.now_ms < since + 60 && sent < size - 1) { /* some for each turn */
        sent += peer_send_some(peer, large + sent, 1);
        rig_turn(&rig);
    }
    peer_send(&rig, peer, large + sent, size - sent);
    peer_expect(&rig, peer, large + LARGE_HEAD, SIZE);
    assert_int_equal(rig.bads, 0);
    free(large);
    close(peer);
    rig_close(&rig);
}

static void what_comes_with_the_head_is_of_the_body_s_pace(void **state)
{
    (void)state;
    enum { SIZE = 1 << 20, AT_ONCE = 60000 };
    rig_open(&rig);
    rig.says_bad = true;
    rig.conns.conn_limits.min_rate = 1;
    rig.conns.conn_limits.rate_ms = 20;
    int peer;
    rig_connect(&rig, &peer);
    uint8_t *large = large_message(SIZE);
    assert_int_equal(peer_send_some(peer, large, AT_ONCE), AT_ONCE);
    uint64_t since = rig.loop.now_ms;
    RIG_UNTIL(&rig, rig.bads == 1);
    assert_true(rig.loop.now_ms >= since + 2 * 20); /* the first time it was fast enough */
    free(large);
    close(peer);
    rig_close(&rig);
}

static void nobody_is_blamed_for_what_we_do_not_read(void **state)
{
    (void)state;
    rig_open(&rig);
    rig.max_in_flight = 1;
    rig.conns.conn_limits.body_timeout_ms = 10;
    rig.conns.conn_limits.min_rate = 1000000;
    rig.conns.conn_limits.rate_ms = 5;
    int peer;
    struct duet_conn *conn = rig_connect(&rig, &peer);
    assert_int_equal(peer_send_some(peer, "\004so", 3), 3);
    rig_turn(&rig);
    assert_non_null(conn->framing_state);
    duet_conn_hold(conn, 1); /* a call keeps it from being read */
    assert_int_equal(peer_send_some(peer, "on", 2), 2);
    rig_let_pass(&rig, 40);
    assert_int_equal(rig.bads + rig.messages, 0);
    duet_conn_release(conn, 1);
    PEER_READS(&rig, peer, "soon");
    assert_int_equal(rig.bads, 0);
    close(peer);
    rig_close(&rig);
}

/* ---- Readers ---- */

/* A connection whose peer's kernel holds many small replies, and ours the rest. */
static struct duet_conn *connect_and_fill(int *peer)
{
    static const uint8_t bytes[1000];
    struct duet_conn *conn = rig_connect(&rig, peer);
    while (!conn->write_blocked) {
        duet_conn_send(conn, bytes, sizeof bytes, NULL, 0);
        rig_turn(&rig);
    }
    return conn;
}

static void peer_takes_one(int peer)
{
    uint8_t room[1000];
    assert_int_equal(recv(peer, room, sizeof room, MSG_DONTWAIT), sizeof room);
}

static void one_that_takes_a_little_all_the_time_is_not_cut(void **state)
{
    (void)state;
    rig_open(&rig);
    rig.conns.conn_limits.write_timeout_ms = 60;
    rig.conns.conn_limits.min_rate = 1;
    rig.conns.conn_limits.rate_ms = 50;
    int peer;
    struct duet_conn *conn = connect_and_fill(&peer);
    size_t unsent = conn->out_size;
    uint64_t since = rig.loop.now_ms;
    while (rig.loop.now_ms < since + 300) {
        uint64_t before_ms = conn->active_ms;
        peer_takes_one(peer);
        while (conn->active_ms == before_ms) { /* until that was seen */
            rig_turn(&rig);
            assert_int_equal(rig.closes, 0);
        }
    }
    assert_int_equal(conn->out_size, unsent); /* nothing could be written meanwhile */
    RIG_UNTIL(&rig, rig.closes == 1);         /* now that it takes nothing */
    close(peer);
    rig_close(&rig);
}

static void one_that_takes_too_little_is_cut(void **state)
{
    (void)state;
    rig_open(&rig);
    rig.conns.conn_limits.min_rate = 1 << 30;
    rig.conns.conn_limits.rate_ms = 10;
    int peer;
    struct duet_conn *conn = connect_and_fill(&peer);
    for (uint64_t since = rig.loop.now_ms; rig.loop.now_ms < since + 10;)
        rig_turn(&rig);
    peer_takes_one(peer);
    assert_int_equal(conn->pace.bytes, 0);
    RIG_UNTIL(&rig, rig.closes == 1);
    close(peer);
    rig_close(&rig);
}

/* ---- The end ---- */

static void lingering_ends_with_silence(void **state)
{
    (void)state;
    for (int tcp = 0; tcp < 2; tcp++) {
        rig_open(&rig);
        rig.conns.conn_limits.linger_idle_ms = 40;
        rig.says_bad = true;
        int peer;
        if (tcp)
            rig_connect_tcp(&rig, &peer);
        else
            rig_connect(&rig, &peer);
        uint64_t since = rig.loop.now_ms;
        PEER_SENDS(&rig, peer, "\xff");
        PEER_READS(&rig, peer, "bad");
        RIG_UNTIL(&rig, rig.closes == 1);
        assert_true(rig.loop.now_ms >= since + 40);
        close(peer);
        rig_close(&rig);
    }
}

static void lingering_lasts_as_long_as_bytes_come_but_not_for_ever(void **state)
{
    (void)state;
    rig_open(&rig);
    rig.conns.conn_limits.linger_idle_ms = 40;
    rig.conns.conn_limits.linger_timeout_ms = 160;
    rig.says_bad = true;
    int peer;
    rig_connect(&rig, &peer);
    uint64_t since = rig.loop.now_ms;
    peer_send_some(peer, "\xff", 1);
    while (rig.closes == 0) {
        send(peer, "more", 4, MSG_NOSIGNAL);
        rig_turn(&rig);
    }
    assert_true(rig.loop.now_ms >= since + 160);
    close(peer);
    rig_close(&rig);
}

static void silence_is_not_counted_before_the_peer_has_its_reply(void **state)
{
    (void)state;
    enum { SIZE = 200000 };
    rig_open(&rig);
    rig.conns.conn_limits.linger_idle_ms = 20;
    int peer, much = 1 << 20, little = 4096;
    struct duet_conn *conn = rig_connect_tcp(&rig, &peer);
    setsockopt(conn->stream.fd, SOL_SOCKET, SO_SNDBUF, &much, sizeof much);
    setsockopt(peer, SOL_SOCKET, SO_RCVBUF, &little, sizeof little);
    uint8_t *large = large_message(SIZE);
    duet_conn_send(conn, large, SIZE, NULL, 0);
    duet_conn_finish(conn);
    rig_let_pass(&rig, 100);
    assert_int_equal(conn->state, CONN_LINGERING);
    assert_int_equal(conn->out_size, 0);
    assert_int_equal(peer_send_some(peer, "\r\n", 2), 2); /* would reset what is closed */
    peer_expect(&rig, peer, large, SIZE);
    assert_int_equal(peer_read_to_end(&rig, peer), 0);
    RIG_UNTIL(&rig, rig.closes == 1);
    free(large);
    close(peer);
    rig_close(&rig);
}

int main(void)
{
    alarm(200);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_trickled_head_and_a_trickled_body_end_at_their_time),
        cmocka_unit_test(an_idle_connection_ends_in_silence),
        cmocka_unit_test(a_connection_that_waits_for_us_has_all_the_time),
        cmocka_unit_test(a_body_that_comes_too_slowly_is_refused),
        cmocka_unit_test(a_steady_body_has_as_long_as_it_takes),
        cmocka_unit_test(what_comes_with_the_head_is_of_the_body_s_pace),
        cmocka_unit_test(nobody_is_blamed_for_what_we_do_not_read),
        cmocka_unit_test(one_that_takes_a_little_all_the_time_is_not_cut),
        cmocka_unit_test(one_that_takes_too_little_is_cut),
        cmocka_unit_test(lingering_ends_with_silence),
        cmocka_unit_test(lingering_lasts_as_long_as_bytes_come_but_not_for_ever),
        cmocka_unit_test(silence_is_not_counted_before_the_peer_has_its_reply),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
