/*
 * What goes out to a client that reads slowly, or not at all: on a loop that turns by hand.
 */
#include "outbound.h"

#include "home_rig.h"
#include "request.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PART = 64 * 1024, TEXT = 4000 };

static struct home_rig rig;
static int peer;
static duet_session *session;

static int keep(duet_call *call, void *ctx)
{
    (void)ctx;
    session = duet_session_ref(duet_call_session(call));
    return 0;
}

static const duet_method methods[] = {
    {.name = "keep", .handler = keep, .flags = DUET_METHOD_INLINE},
    {0},
};

static int open_home(void **state)
{
    (void)state;
    home_rig_init(&rig, methods, NULL);
    duet_server_set(rig.server, DUET_OPT_MAX_BUFFERED_PER_CONNECTION, PART);
    home_rig_open(&rig);
    peer = home_rig_connect(&rig);
    home_rig_send(&rig, peer, "[0,1,'keep',[]]");
    home_rig_expect(peer, "[1,1,nil,nil]");
    return 0;
}

static int close_home(void **state)
{
    (void)state;
    duet_session_unref(session);
    home_rig_leave(&rig, peer);
    home_rig_close(&rig);
    return 0;
}

static duet_request *make(int number)
{
    static char text[TEXT + 1];
    memset(text, 'x', TEXT);
    duet_request *request = duet_session_request(session, "news", 2);
    duet_write_int(duet_request_writer(request), number);
    duet_write_text(duet_request_writer(request), text);
    return request;
}

static void notify(int number)
{
    duet_request *request = make(number);
    assert_int_equal(duet_request_notify(request), 0);
    duet_request_free(request);
    home_rig_turn(&rig);
}

static uint64_t dropped(void)
{
    return atomic_load(&rig.home->dropped);
}

/* How many notifications come, each `TEXT` bytes and a few; the last one's number is read. */
static int read_all(int *last)
{
    static uint8_t bytes[4 * 1024 * 1024];
    size_t size = 0;
    ssize_t n;
    do {
        n = recv(peer, bytes + size, sizeof bytes - size, 0);
        size += n > 0 ? (size_t)n : 0;
        home_rig_turn(&rig);
    } while (n > 0);
    int count = 0;
    for (size_t i = 0; i + 6 < size; i++) {
        if (memcmp(bytes + i, "\xa4news\x92", 6) != 0)
            continue;
        const uint8_t *at = bytes + i + 6;
        *last = at[0] == 0xcd ? at[1] << 8 | at[2] : at[0] == 0xcc ? at[1] : at[0];
        count++;
    }
    return count;
}

static void who_does_not_read_loses_the_oldest(void **state)
{
    (void)state;
    enum { COUNT = 400 }; /* more than its socket and its part hold */
    duet_session_set_slow_reader(session, DUET_SLOW_READER_DROP_OLDEST);
    for (int i = 0; i < COUNT; i++)
        notify(i);
    assert_true(dropped() > 0);
    int last = -1, count = read_all(&last);
    assert_int_equal(last, COUNT - 1);
    assert_int_equal(count + (int)dropped(), COUNT);
    home_rig_send(&rig, peer, "[0,1,'keep',[]]");
    home_rig_expect(peer, "[1,1,nil,nil]");
    duet_session_unref(session); /* kept twice */
}

static void or_is_closed(void **state)
{
    (void)state;
    for (int i = 0; rig.home->conns.open > 0; i++) {
        assert_in_range(i, 0, 1000);
        duet_request *request = make(i);
        duet_request_notify(request);
        duet_request_free(request);
        home_rig_turn(&rig);
    }
    assert_false(duet_session_is_open(session));
    assert_int_equal(dropped(), 0);
    close(peer);
    peer = home_rig_connect(&rig); /* for the end of the test */
}

static void note(duet_request *request, void *ctx)
{
    *(int *)ctx = duet_request_status(request);
}

/* While its loop does nothing. */
static void who_sends_faster_than_the_loop_takes_is_told(void **state)
{
    (void)state;
    int rc = 0, sent = 0;
    for (; rc == 0; sent++) {
        assert_in_range(sent, 0, 1000);
        duet_request *request = make(sent);
        rc = duet_request_notify(request);
        duet_request_free(request);
    }
    assert_int_equal(rc, -ENOBUFS);
    assert_true(sent > 1);
    home_rig_turn(&rig);
    assert_int_equal(session->posted, 0);
    int last, count = read_all(&last);
    assert_int_equal(count, sent - 1);
    notify(sent);
    assert_int_equal(read_all(&last), 1);
    assert_int_equal(last, sent);
}

static void no_call_is_dropped_for_it(void **state)
{
    (void)state;
    int status[1000], ended = 0, sent = 0;
    do {
        status[sent] = 1;
        duet_request *request = make(sent);
        assert_int_equal(duet_request_send(request, note, &status[sent]), 0);
        duet_request_free(request);
        home_rig_turn(&rig);
    } while (status[sent++] == 1);
    assert_int_equal(status[sent - 1], -ENOBUFS);
    assert_int_equal(rig.home->conns.open, 1);
    assert_int_equal(session->awaited, sent - 1);
    home_rig_leave(&rig, peer);
    for (int i = 0; i < sent - 1; i++)
        ended += status[i] == -ENOTCONN;
    assert_int_equal(ended, sent - 1);
    peer = home_rig_connect(&rig);
}

static void what_waits_is_on_the_account(void **state)
{
    (void)state;
    duet_session_set_slow_reader(session, DUET_SLOW_READER_DROP_OLDEST);
    for (int i = 0; i < 400; i++)
        notify(i);
    size_t used = atomic_load(&rig.server->budget.used);
    assert_in_range(used, PART / 2, 2 * PART);
    int last;
    read_all(&last);
    assert_true(atomic_load(&rig.server->budget.used) < used - PART / 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_home, close_home)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(who_does_not_read_loses_the_oldest),
        TEST(or_is_closed),
        TEST(who_sends_faster_than_the_loop_takes_is_told),
        TEST(no_call_is_dropped_for_it),
        TEST(what_waits_is_on_the_account),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
