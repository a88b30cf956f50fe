/*
 * Reading connections: however the bytes are cut the same messages come, large ones in a buffer
 * of their own, and each limit pauses and lets go again.
 */
#include "conn_rig.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct rig rig;

/* ---- Cut anywhere ---- */

static const char stream[] = "\003abc"
                             "\000"
                             "\005hello"
                             "\xfe\000\000\000\004wide"
                             "\xfd\002hi"
                             "\001!";
static const char bodies[] = "abchellowidehi!";

static void the_same_messages_come_wherever_the_stream_is_cut(void **state)
{
    (void)state;
    rig_open(&rig);
    rig.echoes = false;
    for (size_t cut = 0; cut < sizeof stream; cut++) {
        int peer;
        struct duet_conn *conn = rig_connect(&rig, &peer);
        rig.messages = 0;
        peer_send(&rig, peer, stream, cut);
        peer_send(&rig, peer, stream + cut, sizeof stream - 1 - cut);
        rig_turn(&rig);
        LOG_IS(&rig, bodies);
        assert_int_equal(rig.messages, 6);
        assert_null(conn->in.data);
        assert_null(conn->framing_state);
        close(peer);
        RIG_UNTIL(&rig, rig.conns.open == 0);
    }
    rig_close(&rig);
}

static void the_same_messages_come_byte_by_byte(void **state)
{
    (void)state;
    rig_open(&rig);
    int peer;
    rig_connect(&rig, &peer);
    for (size_t i = 0; i < sizeof stream - 1; i++)
        peer_send(&rig, peer, stream + i, 1);
    PEER_READS(&rig, peer, "abchellowidegohi!"); /* with the interim reply in its place */
    LOG_IS(&rig, bodies);
    close(peer);
    rig_close(&rig);
}

static void one_read_may_bring_many_messages(void **state)
{
    (void)state;
    enum { MANY = 20000 };
    rig_open(&rig);
    int peer;
    rig_connect(&rig, &peer);
    static char out[MANY * 3], back[MANY * 2];
    for (size_t i = 0; i < MANY; i++) {
        out[3 * i] = 2;
        out[3 * i + 1] = back[2 * i] = (char)(i & 0xff);
        out[3 * i + 2] = back[2 * i + 1] = (char)(i >> 8);
    }
    size_t sent = peer_send_some(peer, out, sizeof out);
    peer_send(&rig, peer, out + sent, sizeof out - sent);
    peer_expect(&rig, peer, back, sizeof back);
    log_expect(&rig, back, sizeof back);
    close(peer);
    rig_close(&rig);
}

/* ---- Large messages ---- */

static void sizes_around_every_threshold_come_whole(void **state)
{
    (void)state;
    static const size_t sizes[] = {251,     1018,    1019,    1020,    1024,   4096,
                                   65530,   65531,   65532,   65536,   131067, 200000,
                                   1048571, 1048572, 1048576, 2097147, 3000000};
    static const size_t steps[] = {700, 1024, 65536, 100000, 4 << 20};
    rig_open(&rig);
    rig.echoes = false;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (size_t k = 0; k < sizeof steps / sizeof *steps; k++) {
            int peer;
            rig_connect(&rig, &peer);
            rig.takes_whole = (i + k) % 2;
            uint8_t *large = large_message(sizes[i]);
            size_t size = LARGE_HEAD + sizes[i];
            for (size_t at = 0; at < size && size / steps[k] < 300; at += steps[k])
                peer_send(&rig, peer, large + at, size - at < steps[k] ? size - at : steps[k]);
            if (size / steps[k] >= 300)
                peer_send(&rig, peer, large, size);
            RIG_UNTIL(&rig, rig.log.size >= sizes[i]);
            log_expect(&rig, large + LARGE_HEAD, sizes[i]);

            PEER_SENDS(&rig, peer, "\002ok"); /* the stream goes on after it */
            LOG_IS(&rig, "ok");
            free(large);
            close(peer);
            RIG_UNTIL(&rig, rig.conns.open == 0);
        }
    rig_close(&rig);
}

static void a_large_message_comes_in_a_buffer_that_can_be_taken(void **state)
{
    (void)state;
    enum { SIZE = 500000 };
    rig_open(&rig);
    rig.echoes = false;
    rig.takes_whole = true;
    int peer;
    struct duet_conn *conn = rig_connect(&rig, &peer);
    uint8_t *large = large_message(SIZE);
    for (int round = 1; round <= 3; round++) {
        peer_send(&rig, peer, large, LARGE_HEAD + SIZE);
        assert_int_equal(rig.whole_messages, round);
        log_expect(&rig, large + LARGE_HEAD, SIZE);
        assert_null(conn->in.data);
    }
    free(large);
    close(peer);
    rig_close(&rig);
}

static void a_large_message_is_read_a_share_at_a_turn(void **state)
{
    (void)state;
    enum { SIZE = 3 << 20, SHARE = 256 * 1024 };
    rig_open(&rig);
    rig.echoes = false;
    int peer;
    rig_connect_tcp(&rig, &peer); /* holds more than that */
    uint8_t *large = large_message(SIZE);
    for (size_t sent = 0; rig.messages == 0;) {
        uint64_t before = rig.conns.bytes_in;
        sent += peer_send_some(peer, large + sent, LARGE_HEAD + SIZE - sent);
        rig_turn(&rig);
        assert_true(rig.conns.bytes_in - before <= SHARE);
    }
    log_expect(&rig, large + LARGE_HEAD, SIZE);
    free(large);
    close(peer);
    rig_close(&rig);
}

/* The message can be taken all the same; what follows it is elsewhere then. */
static void what_follows_a_large_message_is_not_lost(void **state)
{
    (void)state;
    enum { SIZE = 300000 };
    static const struct {
        const char *with, *after, *bodies; /* sent with it, once that is read, and both's */
    } rows[] = {
        {"\003end", "", "end"},
        {"\001a\001b", "\003end", "abend"},
        {"\003e", "nd\002ok", "endok"},
        {"\001a\003en", "d", "aend"},
    };
    for (size_t i = 0; i < 2 * (sizeof rows / sizeof *rows); i++) {
        size_t tail = strlen(rows[i / 2].with);
        rig_open(&rig);
        rig.takes_whole = i % 2;
        rig.echoes = false;
        int peer;
        rig_connect(&rig, &peer);
        uint8_t *large = large_message(SIZE + tail); /* its last bytes become messages */
        for (int k = 0; k < 4; k++)
            large[1 + k] = (uint8_t)(SIZE >> (24 - 8 * k));
        memcpy(large + LARGE_HEAD + SIZE, rows[i / 2].with, tail);
        peer_send(&rig, peer, large, LARGE_HEAD + SIZE + tail);
        RIG_UNTIL(&rig, rig.log.size >= SIZE);
        assert_true(rig.whole_messages >= 1);
        peer_send(&rig, peer, rows[i / 2].after, strlen(rows[i / 2].after));
        RIG_UNTIL(&rig, rig.log.size >= SIZE + strlen(rows[i / 2].bodies));
        memmove(rig.log.data, rig.log.data + SIZE, rig.log.size - SIZE);
        rig.log.size -= SIZE;
        log_expect(&rig, rows[i / 2].bodies, strlen(rows[i / 2].bodies));
        free(large);
        close(peer);
        rig_close(&rig);
    }
}

static void memory_is_not_given_on_a_messages_word_alone(void **state)
{
    (void)state;
    rig_open(&rig);
    int peer;
    struct duet_conn *conn = rig_connect(&rig, &peer);
    PEER_SENDS(&rig, peer, "\xfe\x7f\xff\xff\xff and a few bytes");
    assert_true(conn->in_need > 0x7fffffff);
    PEER_SENDS(&rig, peer, "more");
    assert_true(conn->in.capacity <= 4 << 20);
    close(peer);
    RIG_UNTIL(&rig, rig.conns.open == 0);
    rig_close(&rig);
}

/* ---- Pausing and going on ---- */

static void at_max_in_flight_it_is_not_read_until_one_is_answered(void **state)
{
    (void)state;
    rig_open(&rig);
    rig.holds = true;
    rig.max_in_flight = 2;
    int peer;
    struct duet_conn *conn = rig_connect(&rig, &peer);
    PEER_SENDS(&rig, peer, "\001a\001b\001c\001d");
    LOG_IS(&rig, "ab");
    assert_int_equal(rig.conns.paused_in_flight, 1);

    PEER_SENDS(&rig, peer, "\001e\001f");
    rig_turn(&rig);
    LOG_IS(&rig, "");
    assert_int_equal(unread(conn->stream.fd), 4);

    static const char *const next[] = {"c", "d", "e", "f"};
    for (size_t i = 0; i < 4; i++) {
        duet_conn_release(conn, 2);
        rig_turn(&rig); /* takes what was read ahead */
        rig_turn(&rig); /* takes what the kernel holds */
        log_expect(&rig, next[i], 1);
        assert_int_equal(conn->in_flight, 2);
    }
    PEER_READS(&rig, peer, "abcdef");
    close(peer);
    rig_close(&rig);
}

static void too_many_request_bytes_in_flight_pause_it(void **state)
{
    (void)state;
    rig_open(&rig);
    rig.holds = true;
    rig.conns.conn_limits.max_in_flight_bytes = 6;
    int peer;
    struct duet_conn *conn = rig_connect(&rig, &peer);
    PEER_SENDS(&rig, peer, "\002aa\002bb\002cc");
    LOG_IS(&rig, "aabb");
    assert_int_equal(rig.conns.paused_in_flight_bytes, 1);
    duet_conn_release(conn, 3);
    rig_turn(&rig);
    LOG_IS(&rig, "cc");
    close(peer);
    rig_close(&rig);
}

/* What was read ahead while paused, of every size around what a buffer holds: the byte behind
 * each message must be readable all the same. */
static void messages_read_ahead_come_later_unharmed(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 255, 256, 257, 511, 512, 1024, 4096, 16384, 32768, 60000};
    rig_open(&rig);
    rig.holds = true;
    rig.echoes = false;
    rig.max_in_flight = 1;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        int peer;
        struct duet_conn *conn = rig_connect(&rig, &peer);
        static char bytes[70000];
        bytes[0] = 0;
        for (size_t at = 1, left = sizes[i]; left > 0;) { /* fills `sizes[i]` bytes exactly */
            size_t body = left > 101 ? 100 : left - 1;
            bytes[at] = (char)body;
            memset(bytes + at + 1, 'x', body);
            at += body + 1;
            left -= body + 1;
        }
        rig.messages = 0;
        assert_int_equal(peer_send_some(peer, bytes, 1 + sizes[i]), 1 + sizes[i]);
        rig_turn(&rig);
        assert_int_equal(rig.messages, 1);
        assert_int_equal(conn->in.size - conn->in_start, sizes[i]);
        while (conn->in_flight > 0) {
            duet_conn_release(conn, rig.last_wire_size);
            rig_turn(&rig);
        }
        assert_int_equal(rig.messages, 1 + (sizes[i] + 100) / 101);
        assert_null(conn->in.data);
        rig.log.size = 0;
        close(peer);
        RIG_UNTIL(&rig, rig.conns.open == 0);
    }
    rig_close(&rig);
}

static void a_part_behind_what_was_read_ahead_is_completed_later(void **state)
{
    (void)state;
    rig_open(&rig);
    rig.holds = true;
    rig.max_in_flight = 1;
    int peer;
    struct duet_conn *conn = rig_connect(&rig, &peer);
    PEER_SENDS(&rig, peer, "\001a\001b\004wo");
    LOG_IS(&rig, "a");
    duet_conn_release(conn, 2);
    rig_turn(&rig);
    LOG_IS(&rig, "b");
    duet_conn_release(conn, 2);
    rig_turn(&rig);
    LOG_IS(&rig, "");
    assert_non_null(conn->framing_state);
    PEER_SENDS(&rig, peer, "rd");
    LOG_IS(&rig, "word");
    close(peer);
    rig_close(&rig);
}

static void above_the_out_mark_it_is_not_read_until_the_peer_reads(void **state)
{
    (void)state;
    enum { SIZE = 20000, MANY = 200 };
    rig_open(&rig);
    rig.conns.conn_limits.out_mark = 100000;
    int peer;
    struct duet_conn *conn = rig_connect(&rig, &peer);
    uint8_t *large = large_message(SIZE);
    static uint8_t all[MANY * SIZE];
    size_t size = LARGE_HEAD + SIZE, sent = 0, total = MANY * size;
    for (size_t i = 0; i < MANY; i++)
        memcpy(all + i * SIZE, large + LARGE_HEAD, SIZE);

    /* Until neither end takes any more. */
    for (unsigned idle = 0; idle < 5;) {
        size_t at = sent % size;
        size_t n = sent < total ? peer_send_some(peer, large + at, size - at) : 0;
        sent += n;
        idle = n > 0 ? 0 : idle + 1;
        rig_turn(&rig);
    }
    assert_true(sent < total);
    assert_true(conn->out_size > 100000);
    assert_true(conn->out_size < 100000 + (SIZE + LARGE_HEAD) * 4 + 65536);
    assert_true(unread(conn->stream.fd) > 0);
    assert_true(rig.conns.paused_out_mark > 0);

    for (size_t got = 0; got < MANY * (size_t)SIZE;) {
        if (sent < total)
            sent += peer_send_some(peer, large + sent % size, size - sent % size);
        size_t n = unread(peer);
        n = n < MANY * (size_t)SIZE - got ? n : MANY * (size_t)SIZE - got;
        peer_expect(&rig, peer, all + got, n);
        got += n;
        rig_turn(&rig);
    }
    assert_int_equal(rig.messages, MANY);
    assert_int_equal(conn->out_size, 0);
    free(large);
    close(peer);
    rig_close(&rig);
}

/* ---- The real framing ---- */

static void messagepack_comes_whole_byte_by_byte(void **state)
{
    (void)state;
    static const char request[] = "\x94\x00\x07\xa6"
                                  "double\x91\x2a";
    rig_open(&rig);
    rig.framing = &duet_framing_msgpack;
    int peer;
    rig_connect(&rig, &peer);
    for (size_t i = 0; i < sizeof request - 1; i++)
        peer_send(&rig, peer, request + i, 1);
    peer_send(&rig, peer, request, sizeof request - 1);
    peer_expect(&rig, peer, request, sizeof request - 1);
    peer_expect(&rig, peer, request, sizeof request - 1);
    assert_int_equal(rig.messages, 2);
    close(peer);
    rig_close(&rig);
}

int main(void)
{
    alarm(200);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_messages_come_wherever_the_stream_is_cut),
        cmocka_unit_test(the_same_messages_come_byte_by_byte),
        cmocka_unit_test(one_read_may_bring_many_messages),
        cmocka_unit_test(sizes_around_every_threshold_come_whole),
        cmocka_unit_test(a_large_message_comes_in_a_buffer_that_can_be_taken),
        cmocka_unit_test(a_large_message_is_read_a_share_at_a_turn),
        cmocka_unit_test(what_follows_a_large_message_is_not_lost),
        cmocka_unit_test(memory_is_not_given_on_a_messages_word_alone),
        cmocka_unit_test(at_max_in_flight_it_is_not_read_until_one_is_answered),
        cmocka_unit_test(too_many_request_bytes_in_flight_pause_it),
        cmocka_unit_test(messages_read_ahead_come_later_unharmed),
        cmocka_unit_test(a_part_behind_what_was_read_ahead_is_completed_later),
        cmocka_unit_test(above_the_out_mark_it_is_not_read_until_the_peer_reads),
        cmocka_unit_test(messagepack_comes_whole_byte_by_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
