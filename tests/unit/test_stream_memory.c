/*
 * A connection over a stream in memory: whatever pieces its bytes come and go in.
 */
#include "conn_rig.h"
#include "stream_memory.h"

#include <errno.h>
#include <string.h>

static struct rig rig;
static struct stream_memory peer;

static int open_both(void **state)
{
    static const struct sockaddr nobody = {.sa_family = AF_UNIX};
    *state = NULL;
    rig_open(&rig);
    stream_memory_init(&peer);
    rig_open_conn(&rig, stream_memory_stream(&peer), &nobody);
    return 0;
}

static int close_both(void **state)
{
    (void)state;
    rig_close(&rig);
    stream_memory_done(&peer);
    return 0;
}

static void is_written(const char *text)
{
    assert_int_equal(peer.written.size, strlen(text));
    assert_memory_equal(peer.written.data, text, strlen(text));
}

static void what_the_peer_says_is_answered(void **state)
{
    (void)state;
    stream_memory_say(&peer, "\003one\003two", 8);
    rig_turn(&rig);
    is_written("onetwo");
}

static void short_reads_are_gone_on_with(void **state)
{
    (void)state;
    peer.read_most = 1;
    stream_memory_say(&peer, "\003one\003two", 8);
    for (int i = 0; i < 8; i++)
        rig_turn(&rig);
    is_written("onetwo");
}

static void short_writes_are_gone_on_with(void **state)
{
    (void)state;
    peer.write_most = 2;
    stream_memory_say(&peer, "\005seven", 6);
    for (int i = 0; i < 3; i++)
        rig_turn(&rig);
    is_written("seven");
}

static void what_is_not_taken_now_is_taken_later(void **state)
{
    (void)state;
    peer.write_most = 0;
    stream_memory_say(&peer, "\003one", 4);
    rig_turn(&rig);
    is_written("");
    peer.write_most = SIZE_MAX;
    rig_turn(&rig);
    is_written("one");
}

static void an_end_closes_when_all_is_answered(void **state)
{
    (void)state;
    stream_memory_say(&peer, "\003one", 4);
    stream_memory_end(&peer);
    RIG_UNTIL(&rig, rig.closes == 1);
    is_written("one");
    assert_true(peer.is_closed);
}

static void an_error_closes(void **state)
{
    (void)state;
    stream_memory_fail(&peer, ECONNRESET);
    RIG_UNTIL(&rig, rig.closes == 1);
    assert_true(peer.is_closed);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, open_both, close_both)
    const struct CMUnitTest tests[] = {
        TEST(what_the_peer_says_is_answered),     TEST(short_reads_are_gone_on_with),
        TEST(short_writes_are_gone_on_with),      TEST(what_is_not_taken_now_is_taken_later),
        TEST(an_end_closes_when_all_is_answered), TEST(an_error_closes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
