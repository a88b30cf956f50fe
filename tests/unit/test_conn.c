/*
 * A connection's life: the ways it ends, whom it tells, draining, and ids.
 */
#include "conn_parts.h"
#include "conn_rig.h"

#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static struct rig rig;

static void reset(int peer)
{
    struct linger now = {.l_onoff = 1, .l_linger = 0};
    assert_int_equal(setsockopt(peer, SOL_SOCKET, SO_LINGER, &now, sizeof now), 0);
    close(peer);
}

/* ---- The peer that leaves ---- */

static void a_fin_with_calls_in_flight_is_told_and_they_are_answered(void **state)
{
    (void)state;
    for (int tcp = 0; tcp < 2; tcp++) {
        rig_open(&rig);
        rig.echoes = false;
        rig.holds = true;
        int peer;
        struct duet_conn *conn = tcp ? rig_connect_tcp(&rig, &peer) : rig_connect(&rig, &peer);
        PEER_SENDS(&rig, peer, "\001a\001b");
        RIG_UNTIL(&rig, rig.messages == 2);
        shutdown(peer, SHUT_WR);
        RIG_UNTIL(&rig, rig.fins == 1);
        rig_turn(&rig);
        assert_int_equal(rig.closes, 0);

        duet_conn_send(conn, "A", 1, NULL, 0);
        duet_conn_release(conn, 2);
        PEER_READS(&rig, peer, "A");
        assert_int_equal(rig.closes, 0);
        duet_conn_send(conn, "B", 1, NULL, 0);
        duet_conn_release(conn, 2);
        PEER_READS(&rig, peer, "B");
        assert_int_equal(peer_read_to_end(&rig, peer), 0);
        assert_int_equal(rig.closes, 1);
        assert_int_equal(rig.fins, 1);
        close(peer);
        rig_close(&rig);
    }
}

static void a_fin_behind_unread_requests_is_told_at_once_and_they_still_run(void **state)
{
    (void)state;
    rig_open(&rig);
    rig.holds = true;
    rig.max_in_flight = 1;
    int peer;
    struct duet_conn *conn = rig_connect(&rig, &peer);
    PEER_SENDS(&rig, peer, "\001a\001b");
    PEER_SENDS(&rig, peer, "\001c\001d");
    LOG_IS(&rig, "a");
    shutdown(peer, SHUT_WR);
    RIG_UNTIL(&rig, rig.fins == 1);
    LOG_IS(&rig, "");
    for (int i = 0; i < 4; i++) {
        duet_conn_release(conn, 2);
        rig_turn(&rig);
        rig_turn(&rig);
    }
    LOG_IS(&rig, "bcd");
    PEER_READS(&rig, peer, "abcd");
    assert_int_equal(peer_read_to_end(&rig, peer), 0);
    assert_int_equal(rig.fins, 1);
    close(peer);
    rig_close(&rig);
}

static void a_fin_in_the_middle_of_a_message_ends_it(void **state)
{
    (void)state;
    static const char *const parts[] = {"", "\005par", "\xfe\000\020\000\000some"};
    static const size_t sizes[] = {0, 4, 9};
    for (size_t i = 0; i < 3; i++) {
        rig_open(&rig);
        int peer;
        rig_connect(&rig, &peer);
        peer_send(&rig, peer, parts[i], sizes[i]);
        shutdown(peer, SHUT_WR);
        RIG_UNTIL(&rig, rig.closes == 1);
        assert_int_equal(peer_read_to_end(&rig, peer), 0);
        assert_int_equal(rig.messages + rig.bads, 0);
        close(peer);
        rig_close(&rig);
    }
}

static void a_reset_closes_whatever_is_in_flight(void **state)
{
    (void)state;
    for (uint32_t max = 1; max <= 100; max += 99) { /* paused, or still read */
        rig_open(&rig);
        rig.echoes = false;
        rig.holds = true;
        rig.max_in_flight = max;
        int peer;
        struct duet_conn *conn = rig_connect_tcp(&rig, &peer);
        uint64_t id = conn->id;
        peer_send(&rig, peer, "\001a\001b", max == 1 ? 2 : 4); /* nothing is left unread */
        RIG_UNTIL(&rig, rig.messages >= 1);
        reset(peer);
        RIG_UNTIL(&rig, rig.closes == 1);
        assert_null(duet_conns_find(&rig.conns, id));
        rig_turn(&rig);
        assert_int_equal(rig.closes, 1);
        rig_close(&rig);
    }
}

static bool is_told_of_anything(const struct duet_loop *loop)
{
    struct epoll_event event;
    return epoll_wait(loop->epoll_fd, &event, 1, 0) > 0;
}

static void what_a_peer_sent_before_it_left_is_taken_all_the_same(void **state)
{
    (void)state;
    for (int tcp = 0; tcp < 2; tcp++) {
        rig_open(&rig);
        rig.holds = true;
        rig.max_in_flight = 2;
        int peer;
        struct duet_conn *conn = tcp ? rig_connect_tcp(&rig, &peer) : rig_connect(&rig, &peer);
        PEER_SENDS(&rig, peer, "\001a\001b\001c");
        RIG_UNTIL(&rig, rig.messages == 2);
        PEER_SENDS(&rig, peer, "\001d\001e");
        reset(peer);
        RIG_UNTIL(&rig, rig.abandons == 1);
        rig_turn(&rig);
        rig_turn(&rig);
        assert_false(is_told_of_anything(&rig.loop)); /* it does not keep the loop busy */
        assert_int_equal(rig.closes, 0);
        while (rig.closes == 0) { /* that comes when all is read */
            duet_conn_release(conn, 2);
            duet_conns_turn_over(&rig.conns);    /* as when a letter brings the answer */
            for (int turn = 0; turn < 4; turn++) /* reads, is stopped, is told so once */
                rig_turn(&rig);
            assert_true(rig.closes == 1 || !is_told_of_anything(&rig.loop));
        }
        LOG_IS(&rig, "abcde");
        assert_int_equal(rig.abandons, 1);
        rig_close(&rig);
    }
}

static void what_comes_with_a_failed_write_is_taken_too(void **state)
{
    (void)state;
    rig_open(&rig);
    int peer;
    struct duet_conn *conn = rig_connect(&rig, &peer);
    assert_int_equal(peer_send_some(peer, "\001a\001b", 4), 4);
    close(peer);
    duet_conn_send(conn, "late", 4, NULL, 0);
    duet_conn_flush(conn);
    assert_int_equal(rig.abandons, 1);
    assert_int_equal(conn->out_size, 0);
    RIG_UNTIL(&rig, rig.closes == 1);
    LOG_IS(&rig, "ab");
    rig_close(&rig);
}

static void a_reset_in_the_middle_of_a_large_message_leaves_nothing(void **state)
{
    (void)state;
    rig_open(&rig);
    int peer;
    rig_connect_tcp(&rig, &peer);
    uint8_t *large = large_message(1 << 20);
    peer_send(&rig, peer, large, 300000);
    RIG_UNTIL(&rig, rig_held(&rig) > 200000);
    reset(peer);
    RIG_UNTIL(&rig, rig.closes == 1);
    assert_int_equal(rig_held(&rig), 0);
    free(large);
    rig_close(&rig);
}

/* ---- Ending it ourselves ---- */

static void a_bad_message_gets_its_answer_and_the_rest_is_read_away(void **state)
{
    (void)state;
    enum { MUCH = 500000 };
    rig_open(&rig);
    rig.says_bad = true;
    int peer;
    struct duet_conn *conn = rig_connect_tcp(&rig, &peer);
    static char junk[MUCH];
    PEER_SENDS(&rig, peer, "\002ok\xff");
    PEER_READS(&rig, peer, "okbad");
    RIG_UNTIL(&rig, conn->state == CONN_LINGERING);
    peer_send(&rig, peer, junk, sizeof junk);
    assert_int_equal(peer_read_to_end(&rig, peer), 0); /* not ECONNRESET */
    shutdown(peer, SHUT_WR);
    RIG_UNTIL(&rig, rig.closes == 1);
    assert_int_equal(rig.messages, 1);
    assert_int_equal(rig.bads, 1);
    close(peer);
    rig_close(&rig);
}

static void a_fin_while_lingering_does_not_cut_what_lies_before_it(void **state)
{
    (void)state;
    enum { MUCH = 200000, ROOM = 1 << 20 };
    rig_open(&rig);
    rig.says_bad = true;
    int peer, room = ROOM;
    struct duet_conn *conn = rig_connect_tcp(&rig, &peer);
    setsockopt(conn->stream.fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
    static char junk[MUCH] = {(char)BAD};
    for (size_t sent = 0; sent < sizeof junk;)
        sent += peer_send_some(peer, junk + sent, sizeof junk - sent);
    shutdown(peer, SHUT_WR); /* the peer is done before we have read anything */
    while (unread(conn->stream.fd) < sizeof junk)
        continue;
    RIG_UNTIL(&rig, rig.closes == 1);
    PEER_READS(&rig, peer, "bad");
    assert_int_equal(peer_read_to_end(&rig, peer), 0); /* not ECONNRESET */
    close(peer);
    rig_close(&rig);
}

static void calls_before_a_bad_message_are_answered_first(void **state)
{
    (void)state;
    rig_open(&rig);
    rig.echoes = false;
    rig.holds = true;
    rig.says_bad = true;
    int peer;
    struct duet_conn *conn = rig_connect(&rig, &peer);
    PEER_SENDS(&rig, peer, "\001a\xff");
    assert_int_equal(conn->state, CONN_FINISHING);
    duet_conn_send(conn, "A", 1, NULL, 0);
    duet_conn_release(conn, 2);
    PEER_READS(&rig, peer, "badA");
    assert_int_equal(peer_read_to_end(&rig, peer), 0);
    close(peer);
    RIG_UNTIL(&rig, rig.closes == 1);
    rig_close(&rig);
}

static void finish_and_close(struct rig *r, struct duet_conn *conn)
{
    (void)r;
    duet_conn_finish(conn);
    duet_conn_close(conn);
    duet_conn_close(conn);
}

static void finish_it(struct rig *r, struct duet_conn *conn)
{
    (void)r;
    duet_conn_finish(conn);
}

static void no_message_follows_the_one_that_ended_the_connection(void **state)
{
    (void)state;
    for (int closes = 0; closes < 2; closes++)
        for (size_t first = 0; first < 3; first++) { /* cut before the first is whole */
            rig_open(&rig);
            rig.conns.conn_limits.linger_idle_ms = 10;
            rig.on_message = closes ? finish_and_close : finish_it;
            int peer;
            rig_connect(&rig, &peer);
            peer_send(&rig, peer, "\002no", first);
            static const char three[] = "\002no\002no\002no";
            peer_send(&rig, peer, three + first, sizeof three - 1 - first);
            RIG_UNTIL(&rig, rig.closes == 1);
            assert_int_equal(rig.messages, 1);
            assert_int_equal(peer_read_to_end(&rig, peer), closes ? 0 : 2);
            close(peer);
            rig_close(&rig);
        }
}

static void a_first_byte_that_nobody_speaks_closes(void **state)
{
    (void)state;
    rig_open(&rig);
    rig.framing = NULL;
    int peer;
    rig_connect(&rig, &peer);
    PEER_SENDS(&rig, peer, "SSH-2.0-");
    RIG_UNTIL(&rig, rig.closes == 1);
    assert_int_equal(rig.messages + rig.bads, 0);
    close(peer);
    rig_close(&rig);
}

/* ---- Drain ---- */

static void a_drain_answers_what_has_arrived_and_no_more(void **state)
{
    (void)state;
    rig_open(&rig);
    int peer;
    struct duet_conn *conn = rig_connect(&rig, &peer);
    assert_int_equal(peer_send_some(peer, "\001a\001b\005par", 8), 8);
    duet_conn_drain(conn);
    assert_int_equal(peer_send_some(peer, "ts\001c", 4), 4);
    assert_int_equal(peer_read_to_end(&rig, peer), 2);
    LOG_IS(&rig, "ab");
    assert_int_equal(conn->state, CONN_LINGERING);
    close(peer);
    RIG_UNTIL(&rig, rig.closes == 1);
    rig_close(&rig);
}

static void note_last(struct rig *r, struct duet_conn *conn)
{
    bool is_last_byte = r->log.data[r->log.size - 1] == 'z';
    assert_int_equal(duet_conn_is_last(conn), is_last_byte);
}

static void the_last_message_of_a_drain_is_known_as_such(void **state)
{
    (void)state;
    rig_open(&rig);
    rig.on_message = note_last;
    int peer;
    struct duet_conn *conn = rig_connect(&rig, &peer);
    assert_int_equal(peer_send_some(peer, "\001a\001b\001z", 6), 6);
    duet_conn_drain(conn);
    duet_conn_drain(conn);
    PEER_READS(&rig, peer, "abz");
    assert_int_equal(rig.messages, 3);
    assert_true(rig.last_was_last);
    assert_int_equal(peer_read_to_end(&rig, peer), 0);
    close(peer);
    rig_close(&rig);
}

static void a_drain_ends_one_that_is_quiet_or_new_at_once(void **state)
{
    (void)state;
    for (int tcp = 0; tcp < 2; tcp++)
        for (int used = 0; used < 2; used++) {
            rig_open(&rig);
            int peer;
            struct duet_conn *conn =
                tcp ? rig_connect_tcp(&rig, &peer) : rig_connect(&rig, &peer);
            if (used) {
                PEER_SENDS(&rig, peer, "\002hi");
                PEER_READS(&rig, peer, "hi");
                rig_let_pass(&rig, 200);
            }
            duet_conn_drain(conn);
            assert_int_equal(rig.closes, 1);
            assert_int_equal(peer_read_to_end(&rig, peer), 0);
            close(peer);
            rig_close(&rig);
        }
}

static void a_drain_hears_out_one_that_was_just_served(void **state)
{
    (void)state;
    rig_open(&rig);
    int peer;
    struct duet_conn *conn = rig_connect_tcp(&rig, &peer);
    PEER_SENDS(&rig, peer, "\001a");
    RIG_UNTIL(&rig, rig.conns.bytes_out == 1);
    conn->active_ms = rig.loop.now_ms; /* however slow the test is */
    duet_conn_drain(conn);
    assert_int_equal(rig.closes, 0);
    assert_int_equal(peer_send_some(peer, "\001b", 2), 2);
    assert_int_equal(peer_read_to_end(&rig, peer), 1); /* not ECONNRESET */
    assert_int_equal(rig.messages, 1);
    RIG_UNTIL(&rig, rig.closes == 1); /* though the peer stays */
    close(peer);
    rig_close(&rig);
}

static void a_drain_ends_an_idle_connection_at_once_and_a_busy_one_after_its_call(void **state)
{
    (void)state;
    rig_open(&rig);
    rig.echoes = false;
    rig.holds = true;
    int idle, busy;
    struct duet_conn *at_rest = rig_connect(&rig, &idle);
    struct duet_conn *conn = rig_connect(&rig, &busy);
    PEER_SENDS(&rig, busy, "\001a");
    duet_conn_drain(at_rest);
    duet_conn_drain(conn);
    assert_int_equal(peer_read_to_end(&rig, idle), 0);
    PEER_SENDS(&rig, busy, "\001b");
    assert_int_equal(rig.messages, 1);
    assert_true(duet_conn_is_last(conn));
    duet_conn_send(conn, "A", 1, NULL, 0);
    duet_conn_release(conn, 2);
    PEER_READS(&rig, busy, "A");
    assert_int_equal(peer_read_to_end(&rig, busy), 0);
    close(idle);
    close(busy);
    RIG_UNTIL(&rig, rig.closes == 2);
    rig_close(&rig);
}

static void a_drain_also_answers_what_was_read_ahead_while_paused(void **state)
{
    (void)state;
    rig_open(&rig);
    rig.holds = true;
    rig.max_in_flight = 1;
    int peer;
    struct duet_conn *conn = rig_connect(&rig, &peer);
    PEER_SENDS(&rig, peer, "\001a\001b");
    PEER_SENDS(&rig, peer, "\001c");
    duet_conn_drain(conn);
    PEER_SENDS(&rig, peer, "\001d");
    for (int i = 0; i < 3; i++) {
        assert_int_equal(conn->state, i < 2 ? CONN_OPEN : CONN_FINISHING);
        duet_conn_release(conn, 2);
        rig_turn(&rig);
        rig_turn(&rig);
    }
    LOG_IS(&rig, "abc");
    assert_int_equal(peer_read_to_end(&rig, peer), 3);
    close(peer);
    rig_close(&rig);
}

/* ---- Ids ---- */

static void the_id_of_a_closed_connection_names_nothing_ever_again(void **state)
{
    (void)state;
    enum { ROUNDS = 300 };
    static uint64_t old[ROUNDS];
    rig_open(&rig);
    assert_null(duet_conns_find(&rig.conns, 0));
    assert_null(duet_conns_find(&rig.conns, UINT64_MAX));
    for (size_t i = 0; i < ROUNDS; i++) {
        int peer;
        struct duet_conn *conn = rig_connect(&rig, &peer);
        old[i] = conn->id;
        assert_ptr_equal(duet_conns_find(&rig.conns, old[i]), conn);
        for (size_t k = 0; k < i; k++)
            assert_null(duet_conns_find(&rig.conns, old[k]));
        duet_conn_close(conn);
        rig_turn(&rig);
        close(peer);
    }
    assert_int_equal(rig.closes, ROUNDS);
    rig_close(&rig);
}

static void a_socket_that_a_forked_process_holds_ends_with_its_connection(void **state)
{
    (void)state;
    for (int tcp = 0; tcp < 2; tcp++) {
        rig_open(&rig);
        int peer;
        struct duet_conn *conn = tcp ? rig_connect_tcp(&rig, &peer) : rig_connect(&rig, &peer);
        int held = dup(conn->stream.fd); /* as a child has it between fork and exec */
        assert_true(held >= 0);
        duet_conn_close(conn);
        rig_turn(&rig);                                    /* its memory is gone */
        assert_int_equal(peer_read_to_end(&rig, peer), 0); /* its peer knows */
        send(peer, "\001a", 2, MSG_NOSIGNAL);              /* and nobody is told of this */
        for (int turn = 0; turn < 3; turn++)
            rig_turn(&rig);
        assert_int_equal(rig.messages, 0);
        close(held);
        close(peer);
        rig_close(&rig);
    }
}

static void close_odd(struct duet_conn *conn, void *ctx)
{
    unsigned *count = ctx;
    if ((*count)++ % 2)
        duet_conn_close(conn);
}

static void many_connections_are_each_visited_and_may_be_closed_then(void **state)
{
    (void)state;
    enum { MANY = 150 };
    rig_open(&rig);
    int peers[MANY];
    struct duet_conn *conns[MANY];
    for (size_t i = 0; i < MANY; i++)
        conns[i] = rig_connect(&rig, &peers[i]);
    for (size_t i = 0; i < MANY; i++)
        assert_ptr_equal(duet_conns_find(&rig.conns, conns[i]->id), conns[i]);
    unsigned count = 0;
    duet_conns_each(&rig.conns, close_odd, &count);
    assert_int_equal(count, MANY);
    assert_int_equal(rig.conns.open, MANY / 2);
    for (size_t i = 0; i < MANY; i++)
        close(peers[i]);
    rig_close(&rig); /* the rest is closed and told then */
}

int main(void)
{
    alarm(200);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fin_with_calls_in_flight_is_told_and_they_are_answered),
        cmocka_unit_test(a_fin_behind_unread_requests_is_told_at_once_and_they_still_run),
        cmocka_unit_test(a_fin_in_the_middle_of_a_message_ends_it),
        cmocka_unit_test(a_reset_closes_whatever_is_in_flight),
        cmocka_unit_test(what_a_peer_sent_before_it_left_is_taken_all_the_same),
        cmocka_unit_test(what_comes_with_a_failed_write_is_taken_too),
        cmocka_unit_test(a_reset_in_the_middle_of_a_large_message_leaves_nothing),
        cmocka_unit_test(a_bad_message_gets_its_answer_and_the_rest_is_read_away),
        cmocka_unit_test(a_fin_while_lingering_does_not_cut_what_lies_before_it),
        cmocka_unit_test(calls_before_a_bad_message_are_answered_first),
        cmocka_unit_test(no_message_follows_the_one_that_ended_the_connection),
        cmocka_unit_test(a_first_byte_that_nobody_speaks_closes),
        cmocka_unit_test(a_drain_answers_what_has_arrived_and_no_more),
        cmocka_unit_test(the_last_message_of_a_drain_is_known_as_such),
        cmocka_unit_test(a_drain_ends_one_that_is_quiet_or_new_at_once),
        cmocka_unit_test(a_drain_hears_out_one_that_was_just_served),
        cmocka_unit_test(a_drain_ends_an_idle_connection_at_once_and_a_busy_one_after_its_call),
        cmocka_unit_test(a_drain_also_answers_what_was_read_ahead_while_paused),
        cmocka_unit_test(the_id_of_a_closed_connection_names_nothing_ever_again),
        cmocka_unit_test(a_socket_that_a_forked_process_holds_ends_with_its_connection),
        cmocka_unit_test(many_connections_are_each_visited_and_may_be_closed_then),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
