/*
 * From message to call: what runs on the loop, what goes to workers, what is no call.
 */
#include "home_rig.h"

#include <string.h>
#include <unistd.h>

static int ran;

static int twice(duet_call *call, void *ctx)
{
    (void)ctx;
    ran++;
    return duet_reply_int(call, 2 * duet_arg_int(call, 0));
}

static int count(duet_call *call, void *ctx)
{
    (void)ctx;
    return duet_reply_uint(call, duet_value_count(duet_arg(call, 0)));
}

static const duet_method methods[] = {
    {.name = "quick", .signature = "i:i", .handler = twice, .flags = DUET_METHOD_INLINE},
    {.name = "slow", .signature = "i:i", .handler = twice},
    {.name = "count", .signature = "i:a", .handler = count, .flags = DUET_METHOD_INLINE},
    {0},
};

struct fixture {
    struct home_rig rig;
    int peer;
};

static int open_home(void **state)
{
    static struct fixture it;
    home_rig_init(&it.rig, methods, NULL);
    home_rig_open(&it.rig);
    it.peer = home_rig_connect(&it.rig);
    ran = 0;
    *state = &it;
    return 0;
}

static int close_home(void **state)
{
    struct fixture *it = *state;
    home_rig_leave(&it->rig, it->peer);
    home_rig_close(&it->rig);
    return 0;
}

/* One that the home closes. */
static int close_home_alone(void **state)
{
    struct fixture *it = *state;
    close(it->peer);
    home_rig_close(&it->rig);
    return 0;
}

static void a_quick_method_runs_on_the_loop(void **state)
{
    struct fixture *it = *state;
    home_rig_send(&it->rig, it->peer, "[0,1,'quick',[21]] [0,2,'quick',[4]]");
    home_rig_expect(it->peer, "[1,1,nil,42] [1,2,nil,8]");
    assert_int_equal(home_rig_waiting(&it->rig), 0);
    assert_int_equal(it->rig.home->calls, 2);
}

static void any_other_leaves_a_ticket_and_goes_to_a_worker(void **state)
{
    struct fixture *it = *state;
    home_rig_send(&it->rig, it->peer, "[0,1,'slow',[21]]");
    assert_int_equal(ran, 0);
    assert_int_equal(home_rig_waiting(&it->rig), 1);
    assert_int_equal(it->rig.home->tickets.open, 1);
}

static void many_values_are_work_for_a_worker_however_quick_the_method(void **state)
{
    struct fixture *it = *state;
    enum { VALUES = 5000, HEAD = 13 };
    uint8_t message[HEAD + VALUES] = "\x94\x00\x01\xa5"
                                     "count\x91\xdc\x13\x88"; /* an array of 5000 zeros */
    home_rig_send_raw(&it->rig, it->peer, message, sizeof message);
    home_rig_expect_nothing(it->peer);
    home_rig_work(&it->rig, home_rig_newest_job(&it->rig));
    home_rig_turn(&it->rig);
    home_rig_expect(it->peer, "[1,1,nil,5000]");
}

static void a_post_and_plain_messagepack_share_the_methods(void **state)
{
    struct fixture *it = *state;
    static const char body[] =
        "<methodCall><methodName>quick</methodName><params><param><value>"
        "<i4>21</i4></value></param></params></methodCall>";
    home_rig_send_text(&it->rig, it->peer,
                       "POST /RPC2 HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml\r\n"
                       "Content-Length: %zu\r\n\r\n%s",
                       strlen(body), body);
    home_rig_expect_text(it->peer, "HTTP/1.1 200 ", "<int>42</int>");
}

/* Over HTTP it is the connection that finds the caller; but a msgid that has come is its own.
 */
static void a_refused_post_is_answered_with_its_msgid_if_that_has_come(void **state)
{
    struct fixture *it = *state;
    static const char head[] =
        "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/msgpack\r\n";
    int other = home_rig_connect(&it->rig), third = home_rig_connect(&it->rig);
    home_rig_send_text(&it->rig, it->peer,
                       "%sTransfer-Encoding: chunked\r\n\r\n3\r\n\x94%c\x07\r\nfffffff\r\n",
                       head, 0);
    home_rig_expect_text(it->peer, "HTTP/1.1 413 ", "\r\n\r\n\x94\x01\x07\x92\xd1\x83\x00");
    home_rig_send_text(&it->rig, other, "%sContent-Length: 99999999\r\n\r\n", head);
    home_rig_expect_text(other, "HTTP/1.1 413 ", "\r\n\r\n\x94\x01");
    home_rig_send_text(&it->rig, third,
                       "%sTransfer-Encoding: chunked\r\n\r\n2\r\n\x93\x02\r\nfffffff\r\n",
                       head);
    home_rig_expect_text(third, "HTTP/1.1 413 ", "\r\n\r\n\x94\x01"); /* no 204 */
    home_rig_leave(&it->rig, other);
    home_rig_leave(&it->rig, third);
}

static void a_reply_that_nobody_asked_for_is_counted_and_no_call(void **state)
{
    struct fixture *it = *state;
    home_rig_send(&it->rig, it->peer, "[1,9,nil,42]");
    home_rig_expect_nothing(it->peer);
    assert_int_equal(it->rig.home->unasked, 1);
    assert_int_equal(it->rig.home->calls, 0);
}

static void
what_cannot_be_answered_ends_the_connection_after_the_answers_before_it(void **state)
{
    struct fixture *it = *state;
    home_rig_send(&it->rig, it->peer, "[0,1,'quick',[21]] [7,'x','quick',[]]");
    home_rig_expect(it->peer, "[1,1,nil,42]");
    home_rig_expect_end(it->peer);
    assert_int_equal(it->rig.home->unreadable, 1);
}

static void a_first_byte_of_no_protocol_closes(void **state)
{
    struct fixture *it = *state;
    home_rig_send_text(&it->rig, it->peer, "\x16\x03\x01");
    assert_int_equal(it->rig.home->unreadable, 1);
    assert_int_equal(it->rig.home->conns.open, 0);
}

static void methods_that_come_while_it_turns_are_found(void **state)
{
    struct fixture *it = *state;
    static const duet_method late[] = {
        {.name = "late", .signature = "i:i", .handler = twice, .flags = DUET_METHOD_INLINE},
        {0},
    };
    home_rig_send(&it->rig, it->peer, "[0,1,'late',[1]]");
    home_rig_expect_text(it->peer, "\x94\x01\x01", "no method named 'late'");
    it->rig.server->is_running = true; /* from now on tables are swapped */
    assert_int_equal(duet_server_add(it->rig.server, late, NULL), 0);
    it->rig.server->is_running = false;
    home_rig_send(&it->rig, it->peer, "[0,2,'late',[1]]");
    home_rig_expect(it->peer, "[1,2,nil,2]");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_home, close_home)
#define TEST_THAT_CLOSES(name)                                                                 \
    cmocka_unit_test_setup_teardown(name, open_home, close_home_alone)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_quick_method_runs_on_the_loop),
        TEST(any_other_leaves_a_ticket_and_goes_to_a_worker),
        TEST(many_values_are_work_for_a_worker_however_quick_the_method),
        TEST(a_post_and_plain_messagepack_share_the_methods),
        TEST(a_refused_post_is_answered_with_its_msgid_if_that_has_come),
        TEST(a_reply_that_nobody_asked_for_is_counted_and_no_call),
        TEST(what_cannot_be_answered_ends_the_connection_after_the_answers_before_it),
        TEST_THAT_CLOSES(a_first_byte_of_no_protocol_closes),
        TEST(methods_that_come_while_it_turns_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
