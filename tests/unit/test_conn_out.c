/*
 * Writing connections: order, what is sent by reference, peers that do not read, and the time
 * that they have.
 */
#include "conn_rig.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static struct rig rig;

/* A connection whose peer has sent one message and takes nothing any more: what was written is
 * more than the kernel holds. */
static struct duet_conn *connect_and_fill(int *peer, const uint8_t *bytes, size_t size)
{
    struct duet_conn *conn = rig_connect(&rig, peer);
    while (!conn->write_blocked) {
        duet_conn_send(conn, bytes, size, NULL, 0);
        rig_turn(&rig);
    }
    return conn;
}

/* ---- Order and wholeness ---- */

static void replies_leave_in_order_copied_or_not(void **state)
{
    (void)state;
    enum { PARTS = 60 };
    static uint8_t bytes[PARTS][9000], all[2 * PARTS * 9000];
    static struct parcel parcels[PARTS];
    rig_open(&rig);
    int peer;
    struct duet_conn *conn = rig_connect(&rig, &peer);
    size_t total = 0;
    for (size_t i = 0; i < PARTS; i++) {
        size_t size = (i * 1237) % sizeof bytes[i];
        for (size_t k = 0; k < size; k++)
            bytes[i][k] = (uint8_t)(i * 7 + k);
        if (i % 3 == 0) {
            parcels[i] = parcel_of(bytes[i], size);
            duet_conn_send_out(conn, &parcels[i].out);
        } else {
            duet_conn_send(conn, bytes[i], size / 2, bytes[i] + size / 2, size - size / 2);
        }
        memcpy(all + total, bytes[i], size);
        total += size;
    }
    peer_expect(&rig, peer, all, total);
    rig_turn(&rig);
    for (size_t i = 0; i < PARTS; i += 3)
        assert_int_equal(parcels[i].released, 1);
    assert_int_equal(conn->out_size, 0);
    assert_int_equal(rig.conns.bytes_out, total);
    close(peer);
    rig_close(&rig);
}

static void a_reply_larger_than_the_kernel_takes_arrives_whole(void **state)
{
    (void)state;
    enum { SIZE = 5 << 20 };
    rig_open(&rig);
    int peer;
    struct duet_conn *conn = rig_connect(&rig, &peer);
    uint8_t *large = large_message(SIZE);
    struct parcel parcel = parcel_of(large, SIZE);
    duet_conn_send(conn, "head", 4, NULL, 0);
    duet_conn_send_out(conn, &parcel.out);
    duet_conn_send(conn, large, SIZE, "tail", 4);
    PEER_READS(&rig, peer, "head");
    assert_int_equal(parcel.released, 0);
    peer_expect(&rig, peer, large, SIZE);
    peer_expect(&rig, peer, large, SIZE);
    PEER_READS(&rig, peer, "tail");
    assert_int_equal(parcel.released, 1);
    free(large);
    close(peer);
    rig_close(&rig);
}

static void it_writes_its_share_of_a_turn_and_goes_on_in_the_next(void **state)
{
    (void)state;
    enum { SIZE = 2 << 20, SHARE = 256 * 1024 };
    rig_open(&rig);
    int peer;
    struct duet_conn *conn = rig_connect_tcp(&rig, &peer); /* takes more than that at once */
    uint8_t *large = large_message(SIZE);
    struct parcel first = parcel_of(large, SIZE), second = parcel_of(large, SIZE);
    duet_conn_send(conn, "head", 4, NULL, 0);
    duet_conn_send_out(conn, &first.out);
    duet_conn_send_out(conn, &second.out);
    rig_turn(&rig);
    assert_true(rig.conns.bytes_out > 0);
    PEER_READS(&rig, peer, "head");
    for (size_t got = 0; got < 2 * SIZE;) {
        uint8_t bytes[SHARE];
        uint64_t before = rig.conns.bytes_out;
        rig_turn(&rig);
        assert_true(rig.conns.bytes_out - before <= SHARE);
        ssize_t n = recv(peer, bytes, sizeof bytes, 0);
        for (ssize_t i = 0; i < n; i++)
            assert_int_equal(bytes[i], large[(got + (size_t)i) % SIZE]);
        got += n > 0 ? (size_t)n : 0;
    }
    assert_int_equal(first.released + second.released, 2);
    free(large);
    close(peer);
    rig_close(&rig);
}

static void sending_nothing_is_nothing(void **state)
{
    (void)state;
    rig_open(&rig);
    int peer;
    struct duet_conn *conn = rig_connect(&rig, &peer);
    struct parcel empty = parcel_of("", 0), full = parcel_of("text", 4);
    duet_conn_send(conn, NULL, 0, NULL, 0);
    duet_conn_send_out(conn, &empty.out);
    assert_int_equal(empty.released, 1);
    assert_null(conn->out_first);
    rig_turn(&rig);

    duet_conn_send(conn, "", 0, NULL, 0); /* the empty head of a large reply */
    duet_conn_send_out(conn, &full.out);
    assert_ptr_equal(conn->out_first, &full.out);
    PEER_READS(&rig, peer, "text");
    assert_int_equal(full.released, 1);
    close(peer);
    rig_close(&rig);
}

static void the_memory_of_small_replies_is_used_again(void **state)
{
    (void)state;
    rig_open(&rig);
    int peer;
    struct duet_conn *conn = rig_connect(&rig, &peer);
    const struct duet_out *first = NULL;
    for (int i = 0; i < 10; i++) {
        duet_conn_send(conn, "reply", 5, NULL, 0);
        first = first != NULL ? first : conn->out_first;
        assert_ptr_equal(conn->out_first, first);
        duet_conn_send(conn, "another", 7, NULL, 0);
        assert_ptr_equal(conn->out_last, first);
        PEER_READS(&rig, peer, "replyanother");
    }
    close(peer);
    rig_close(&rig);
}

/* ---- By reference ---- */

static void what_was_sent_by_reference_is_released_once_when_the_connection_goes(void **state)
{
    (void)state;
    rig_open(&rig);
    int peer;
    uint8_t *large = large_message(1 << 20);
    struct duet_conn *conn = connect_and_fill(&peer, large, 100000);
    struct parcel first = parcel_of(large, 1000), second = parcel_of(large, 1 << 20);
    duet_conn_send_out(conn, &first.out);
    duet_conn_send_out(conn, &second.out);
    rig_turn(&rig);
    assert_int_equal(first.released, 0);
    duet_conn_close(conn);
    assert_int_equal(first.released, 1);
    assert_int_equal(second.released, 1);

    struct parcel late = parcel_of(large, 10); /* its memory is there until the turn is over */
    duet_conn_send_out(conn, &late.out);
    assert_int_equal(late.released, 1);
    rig_turn(&rig);
    assert_int_equal(first.released + second.released + late.released, 3);
    free(large);
    close(peer);
    rig_close(&rig);
}

/* Oldest first; what has begun to leave, and what may not be dropped, stays in its order. */
static void what_may_be_dropped_gives_way(void **state)
{
    (void)state;
    enum { COUNT = 6, SIZE = 1000 };
    static uint8_t bytes[4 << 20];
    static struct parcel parcels[COUNT];
    rig_open(&rig);
    int peer;
    struct duet_conn *conn = rig_connect(&rig, &peer);
    for (int i = 0; i < COUNT; i++) {
        parcels[i] = parcel_of(bytes, i == 0 ? sizeof bytes : SIZE);
        parcels[i].out.may_drop = i != 2;
        duet_conn_send_out(conn, &parcels[i].out);
        if (i == 0)
            rig_turn(&rig); /* more than the kernel takes */
    }
    assert_true(conn->write_blocked);
    size_t waiting = conn->out_size;
    assert_int_equal(duet_conn_drop_oldest(conn, SIZE + 1), 2);
    assert_int_equal(conn->out_size, waiting - 2 * SIZE);
    static const int released[COUNT] = {0, 1, 0, 1, 0, 0};
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(parcels[i].released, released[i]);
    assert_int_equal(duet_conn_drop_oldest(conn, SIZE_MAX), 2);
    assert_int_equal(duet_conn_drop_oldest(conn, SIZE_MAX), 0);
    assert_int_equal(conn->out_size, waiting - 4 * SIZE);
    assert_ptr_equal(conn->out_last, &parcels[2].out);
    struct parcel last = parcel_of(bytes, SIZE);
    duet_conn_send_out(conn, &last.out);
    assert_ptr_equal(parcels[2].out.next, &last.out);
    close(peer);
    duet_conn_close(conn);
    rig_turn(&rig);
    assert_int_equal(parcels[0].released, 1);
    assert_int_equal(last.released, 1);
    rig_close(&rig);
}

static void nothing_is_sent_after_our_side_is_shut(void **state)
{
    (void)state;
    rig_open(&rig);
    int peer;
    struct duet_conn *conn = rig_connect(&rig, &peer);
    duet_conn_finish(conn);
    rig_turn(&rig);
    assert_int_equal(conn->state, CONN_LINGERING);
    struct parcel late = parcel_of("late", 4);
    duet_conn_send_out(conn, &late.out);
    duet_conn_send(conn, "late", 4, NULL, 0);
    assert_int_equal(late.released, 1);
    assert_int_equal(peer_read_to_end(&rig, peer), 0);
    close(peer);
    rig_close(&rig);
}

/* ---- Peers that do not read ---- */

static void one_that_reads_again_gets_the_rest(void **state)
{
    (void)state;
    enum { SIZE = 100000 };
    rig_open(&rig);
    int peer;
    uint8_t *large = large_message(SIZE);
    struct duet_conn *conn = connect_and_fill(&peer, large, SIZE);
    while (conn->out_size > 0 || unread(peer) > 0) {
        uint8_t room[65536];
        assert_true(recv(peer, room, sizeof room, MSG_DONTWAIT) != 0);
        rig_turn(&rig);
    }
    assert_false(conn->write_blocked);
    assert_int_equal(rig.conns.bytes_out % SIZE, 0);
    free(large);
    close(peer);
    rig_close(&rig);
}

static void one_that_does_not_is_closed_at_its_time(void **state)
{
    (void)state;
    rig_open(&rig);
    rig.conns.conn_limits.write_timeout_ms = 20;
    int peer;
    uint8_t *large = large_message(100000);
    struct duet_conn *conn = connect_and_fill(&peer, large, 100000);
    uint64_t since = conn->active_ms;
    RIG_UNTIL(&rig, rig.closes == 1);
    assert_true(rig.loop.now_ms >= since + 20);
    assert_int_equal(rig.bads, 0);
    free(large);
    close(peer);
    rig_close(&rig);
}

static void neither_its_requests_nor_their_replies_give_it_more_time(void **state)
{
    (void)state;
    rig_open(&rig);
    rig.conns.conn_limits.out_mark = 1 << 30;
    int peer;
    uint8_t *large = large_message(100000);
    struct duet_conn *conn = connect_and_fill(&peer, large, 100000);
    uint64_t since = conn->active_ms;

    rig_let_pass(&rig, 3);
    PEER_SENDS(&rig, peer, "\002hi\005par");
    assert_int_equal(rig.messages, 1);
    assert_non_null(conn->framing_state);
    duet_conn_hold(conn, 10);
    duet_conn_send(conn, "reply", 5, NULL, 0);
    duet_conn_release(conn, 10);
    rig_turn(&rig);
    assert_int_equal(conn->active_ms, since);
    free(large);
    close(peer);
    rig_close(&rig);
}

static void progress_gives_it_more_time(void **state)
{
    (void)state;
    enum { SIZE = 100000 };
    rig_open(&rig);
    int peer;
    uint8_t *large = large_message(SIZE);
    struct duet_conn *conn = connect_and_fill(&peer, large, SIZE);
    struct parcel much = parcel_of(large, SIZE);
    duet_conn_send_out(conn, &much.out);
    uint64_t since = conn->active_ms;
    rig_let_pass(&rig, 3);
    for (size_t left = conn->out_size; conn->out_size == left;) {
        uint8_t room[65536];
        assert_true(recv(peer, room, sizeof room, MSG_DONTWAIT) != 0);
        rig_turn(&rig);
    }
    assert_true(conn->active_ms > since);
    duet_conn_close(conn);
    free(large);
    close(peer);
    rig_close(&rig);
}

/* A reply that is queued in the very turn in which an older deadline fires has not waited for
 * its peer at all. */
struct delayed {
    struct duet_letter letter;
    struct duet_conn *conn;
};

static void answer_late(struct duet_letter *letter)
{
    struct duet_conn *conn = ((struct delayed *)(void *)letter)->conn;
    duet_conn_send(conn, "reply", 5, NULL, 0);
    duet_conn_release(conn, 3);
}

static void a_reply_queued_as_a_deadline_fires_is_still_written(void **state)
{
    (void)state;
    rig_open(&rig);
    rig.echoes = false;
    rig.holds = true;
    rig.conns.conn_limits.write_timeout_ms = 1;
    rig.conns.conn_limits.idle_timeout_ms = 10;
    int peer;
    struct duet_conn *conn = rig_connect(&rig, &peer);
    PEER_SENDS(&rig, peer, "\002hi");

    struct delayed late = {.letter.deliver = answer_late, .conn = conn};
    struct timespec now;
    do /* no turn meanwhile: the deadline must still be there */
        clock_gettime(CLOCK_MONOTONIC, &now);
    while ((uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000 <
           conn->deadline.at_ms + 2 * DUET_TICK_MS);
    duet_loop_post(&rig.loop, &late.letter);
    rig_turn(&rig);
    PEER_READS(&rig, peer, "reply");
    assert_int_equal(rig.closes, 0);
    close(peer);
    rig_close(&rig);
}

int main(void)
{
    alarm(200);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replies_leave_in_order_copied_or_not),
        cmocka_unit_test(a_reply_larger_than_the_kernel_takes_arrives_whole),
        cmocka_unit_test(it_writes_its_share_of_a_turn_and_goes_on_in_the_next),
        cmocka_unit_test(sending_nothing_is_nothing),
        cmocka_unit_test(the_memory_of_small_replies_is_used_again),
        cmocka_unit_test(what_was_sent_by_reference_is_released_once_when_the_connection_goes),
        cmocka_unit_test(what_may_be_dropped_gives_way),
        cmocka_unit_test(nothing_is_sent_after_our_side_is_shut),
        cmocka_unit_test(one_that_reads_again_gets_the_rest),
        cmocka_unit_test(one_that_does_not_is_closed_at_its_time),
        cmocka_unit_test(neither_its_requests_nor_their_replies_give_it_more_time),
        cmocka_unit_test(progress_gives_it_more_time),
        cmocka_unit_test(a_reply_queued_as_a_deadline_fires_is_still_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
