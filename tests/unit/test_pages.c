/*
 * HTTP requests that are no calls.
 */
#include "home_rig.h"

struct fixture {
    struct home_rig rig;
    int peer;
};

static int open_home(void **state)
{
    static struct fixture it;
    home_rig_init(&it.rig, NULL, NULL);
    home_rig_open(&it.rig);
    it.peer = home_rig_connect(&it.rig);
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

static void ask(struct fixture *it, const char *line)
{
    home_rig_send_text(&it->rig, it->peer, "%s HTTP/1.1\r\nHost: localhost\r\n\r\n", line);
}

static void the_first_page_says_what_this_is(void **state)
{
    struct fixture *it = *state;
    ask(it, "GET /");
    home_rig_expect_text(it->peer, "HTTP/1.1 200 ", "\r\n\r\nThis is a Duet server");
    ask(it, "GET /RPC2");
    home_rig_expect_text(it->peer, "HTTP/1.1 200 ", "\r\n\r\nThis is a Duet server");
}

static void the_health_check_says_when_it_drains(void **state)
{
    struct fixture *it = *state;
    ask(it, "GET /healthz");
    home_rig_expect_text(it->peer, "HTTP/1.1 200 ", "\r\n\r\nok\n");
    it->rig.home->is_draining = true; /* or the drain would close the connection */
    it->rig.server->is_draining = true;
    ask(it, "GET /healthz");
    home_rig_expect_text(it->peer, "HTTP/1.1 503 ", "\r\n\r\ndraining\n");
}

static void another_page_is_not_there(void **state)
{
    struct fixture *it = *state;
    ask(it, "GET /index.html");
    home_rig_expect_text(it->peer, "HTTP/1.1 404 ", "calls are POSTed to / or /RPC2");
}

static void another_method_is_told_what_is_allowed(void **state)
{
    struct fixture *it = *state;
    ask(it, "DELETE /RPC2");
    home_rig_expect_text(it->peer, "HTTP/1.1 405 ", "\r\nAllow: POST, GET, HEAD, OPTIONS\r\n");
}

static void options_are_answered_without_a_body(void **state)
{
    struct fixture *it = *state;
    ask(it, "OPTIONS /RPC2");
    home_rig_expect_text(it->peer, "HTTP/1.1 204 ", "\r\nAllow: POST, GET, HEAD, OPTIONS\r\n");
}

static void what_is_no_http_is_rejected_and_ends_the_connection(void **state)
{
    struct fixture *it = *state;
    ask(it, "POST /RPC2 HTTP/1.1\r\nContent-Length: x\r\nX: ");
    home_rig_expect_text(it->peer, "HTTP/1.1 400 ", "\r\nConnection: close\r\n");
    home_rig_expect_end(it->peer);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_home, close_home)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_first_page_says_what_this_is),
        TEST(the_health_check_says_when_it_drains),
        TEST(another_page_is_not_there),
        TEST(another_method_is_told_what_is_allowed),
        TEST(options_are_answered_without_a_body),
        TEST(what_is_no_http_is_rejected_and_ends_the_connection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
