/*
 * The one door for replies: heads, what is sent by reference, what is counted.
 */
#include "home_rig.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

enum { LONG = 1 << 20 }; /* more than is copied, and than a socket takes at once */

static int twice(duet_call *call, void *ctx)
{
    (void)ctx;
    return duet_reply_int(call, 2 * duet_arg_int(call, 0));
}

static int long_text(duet_call *call, void *ctx)
{
    (void)ctx;
    static char text[LONG + 1];
    memset(text, 'x', LONG);
    return duet_reply_string(call, text);
}

static const duet_method methods[] = {
    {.name = "twice", .signature = "i:i", .handler = twice, .flags = DUET_METHOD_INLINE},
    {.name = "long", .handler = long_text, .flags = DUET_METHOD_INLINE},
    {.name = "slow", .signature = "i:i", .handler = twice},
    {0},
};

struct fixture {
    struct home_rig rig;
    int peer;
};

static int open_with(void **state, int64_t timing)
{
    static struct fixture it;
    home_rig_init(&it.rig, methods, NULL);
    assert_int_equal(duet_server_set(it.rig.server, DUET_OPT_SERVER_TIMING, timing), 0);
    assert_int_equal(duet_server_set(it.rig.server, DUET_OPT_WORKER_QUEUE, 1), 0);
    home_rig_open(&it.rig);
    it.peer = home_rig_connect(&it.rig);
    *state = &it;
    return 0;
}

static int open_home(void **state)
{
    return open_with(state, 0);
}

static int open_timed_home(void **state)
{
    return open_with(state, 1);
}

static int close_home(void **state)
{
    struct fixture *it = *state;
    home_rig_leave(&it->rig, it->peer);
    home_rig_close(&it->rig);
    return 0;
}

static void post(struct fixture *it, const char *line, const char *method)
{
    char body[256];
    int size = snprintf(body, sizeof body,
                        "<methodCall><methodName>%s</methodName><params><param><value><i4>21"
                        "</i4></value></param></params></methodCall>",
                        method);
    home_rig_send_text(&it->rig, it->peer,
                       "POST /RPC2 HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml\r\n"
                       "%sContent-Length: %d\r\n\r\n%s",
                       line, size, body);
}

static void a_connection_that_is_kept_gets_one_reply_after_the_other(void **state)
{
    struct fixture *it = *state;
    post(it, "", "twice");
    home_rig_expect_text(it->peer, "HTTP/1.1 200 ", "<int>42</int>");
    post(it, "", "twice");
    home_rig_expect_text(it->peer, "HTTP/1.1 200 ", "<int>42</int>");
    home_rig_expect_nothing(it->peer);
}

static void one_that_is_not_ends_after_its_reply(void **state)
{
    struct fixture *it = *state;
    post(it, "Connection: close\r\n", "twice");
    home_rig_expect_text(it->peer, "HTTP/1.1 200 ", "\r\nConnection: close\r\n");
    home_rig_expect_end(it->peer);
}

static void a_notification_gets_no_reply_and_is_counted(void **state)
{
    struct fixture *it = *state;
    home_rig_send(&it->rig, it->peer, "[2,'twice',[21]]");
    home_rig_expect_nothing(it->peer);
    assert_int_equal(it->rig.home->totals.ended[ENDED_OK], 1);
}

static void a_long_reply_is_sent_without_a_copy_and_its_job_is_spare_then(void **state)
{
    struct fixture *it = *state;
    home_rig_send(&it->rig, it->peer, "[0,1,'long',[]]");
    assert_int_equal(it->rig.home->spare_job_count, 0); /* it is sent from where it was
                                                           written */
    static char got[LONG + 64];
    size_t n = 0, head = 9; /* [1,1,nil, and a str32's five bytes */
    while (n < head + LONG) {
        ssize_t more = recv(it->peer, got + n, sizeof got - n, 0);
        if (more > 0)
            n += (size_t)more;
        home_rig_turn(&it->rig);
    }
    assert_int_equal(n, head + LONG);
    assert_memory_equal(got, "\x94\x01\x01\xc0\xdb", 5);
    assert_int_equal(got[n - 1], 'x');
    assert_int_equal(it->rig.home->spare_job_count, 1);
}

static void a_refusal_says_when_to_come_back(void **state)
{
    struct fixture *it = *state;
    int other = home_rig_connect(&it->rig);
    home_rig_send(&it->rig, other, "[0,1,'slow',[21]]"); /* fills the queue */
    post(it, "", "slow");
    home_rig_expect_text(it->peer, "HTTP/1.1 503 ", "\r\nRetry-After: 1\r\n");
    assert_int_equal(it->rig.home->totals.ended[ENDED_REFUSED], 1);
    home_rig_leave(&it->rig, other);
}

static void times_are_told_when_asked_for(void **state)
{
    struct fixture *it = *state;
    post(it, "", "twice");
    home_rig_expect_text(it->peer, "HTTP/1.1 200 ", "\r\nServer-Timing: queue;dur=");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_home, close_home)
#define TEST_TIMED(name) cmocka_unit_test_setup_teardown(name, open_timed_home, close_home)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_connection_that_is_kept_gets_one_reply_after_the_other),
        TEST(one_that_is_not_ends_after_its_reply),
        TEST(a_notification_gets_no_reply_and_is_counted),
        TEST(a_long_reply_is_sent_without_a_copy_and_its_job_is_spare_then),
        TEST(a_refusal_says_when_to_come_back),
        TEST_TIMED(times_are_told_when_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
