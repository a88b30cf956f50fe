/*
 * One notification to many sessions. The clients are the test.
 */
#include "served.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static struct served served;

/* Marks its session: it is to be told. */
static int listen_in(duet_call *call, void *ctx)
{
    (void)ctx;
    return duet_session_set_data(duet_call_session(call), &served, NULL);
}

static int wait_here(duet_call *call, void *ctx)
{
    (void)ctx;
    return duet_reply_int(call, 1);
}

static bool has_data(duet_session *session, void *ctx)
{
    return duet_session_data(session) == ctx;
}

static int tell(duet_call *call, void *ctx)
{
    (void)ctx;
    duet_broadcast *news = duet_broadcast_new(duet_call_server(call), "news", 1);
    duet_write_int(duet_broadcast_writer(news), duet_arg_int(call, 0));
    int rc = duet_broadcast_send(news, NULL, NULL);
    duet_broadcast_free(news);
    return rc < 0 ? rc : duet_reply_int(call, rc);
}

static const duet_method methods[] = {
    {.name = "listen", .handler = listen_in},
    {.name = "hello", .handler = wait_here, .flags = DUET_METHOD_INLINE},
    {.name = "tell", .handler = tell},
    {.name = "tell_inline", .handler = tell, .flags = DUET_METHOD_INLINE},
    {0},
};

static int serve(void **state)
{
    (void)state;
    served_open(&served, methods, NULL);
    served_start(&served);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    served_stop(&served);
    return 0;
}

static void all_are_told_also_who_tells(void **state)
{
    (void)state;
    enum { COUNT = 5 };
    static const char *const how[] = {"tell", "tell_inline"};
    int fds[COUNT];
    for (int i = 0; i < COUNT; i++) {
        fds[i] = served_connect(&served);
        served_ask(fds[i], "[0,1,'hello',[]]", "[1,1,nil,1]");
    }
    for (int i = 0; i < 2; i++) {
        served_tell(fds[0], "[0,1,'%s',[%d]]", how[i], i);
        served_expect(fds[0], "[2,'news',[%d]]", i); /* before the answer */
        served_expect(fds[0], "[1,1,nil,%d]", COUNT);
        for (int k = 1; k < COUNT; k++)
            served_expect(fds[k], "[2,'news',[%d]]", i);
    }
    for (int i = 0; i < COUNT; i++)
        close(fds[i]);
}

static void those_that_are_chosen_are_told_as_often_as_one_likes(void **state)
{
    (void)state;
    int listener = served_connect(&served), other = served_connect(&served);
    served_ask(listener, "[0,1,'listen',[]]", "[1,1,nil,nil]");
    served_ask(other, "[0,1,'hello',[]]", "[1,1,nil,1]");
    duet_broadcast *news = duet_broadcast_new(served.server, "news", 0);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(duet_broadcast_send(news, has_data, &served), 1);
        served_expect(listener, "[2,'news',[]]");
    }
    assert_int_equal(duet_broadcast_send(news, has_data, news), 0);
    duet_broadcast_free(news);
    served_ask(other, "[0,1,'hello',[]]", "[1,1,nil,1]"); /* and nothing came before */
    close(listener);
    close(other);
}

static void http_sessions_are_passed_over(void **state)
{
    (void)state;
    static const char get[] = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
    char byte;
    int fd = served_connect(&served);
    served_send(fd, get, sizeof get - 1);
    served_read(fd, &byte, 1);
    duet_broadcast *news = duet_broadcast_new(served.server, "news", 0);
    assert_int_equal(duet_broadcast_send(news, NULL, NULL), 0);
    duet_broadcast_free(news);
    close(fd);
}

static void what_is_no_call_is_told_when_it_is_sent(void **state)
{
    (void)state;
    duet_broadcast *news = duet_broadcast_new(served.server, "news", 1);
    assert_int_equal(duet_broadcast_send(news, NULL, NULL), -EINVAL);
    assert_int_equal(duet_broadcast_send(news, NULL, NULL), -EINVAL);
    duet_broadcast_free(news);
    news = duet_broadcast_new(served.server, NULL, 0);
    assert_int_equal(duet_broadcast_send(news, NULL, NULL), -EINVAL);
    duet_broadcast_free(news);
    assert_null(duet_broadcast_new(NULL, "news", 0));
    assert_null(duet_broadcast_writer(NULL));
    assert_int_equal(duet_broadcast_send(NULL, NULL, NULL), -ENOMEM);
    duet_broadcast_free(NULL);
}

static void before_the_run_and_after_it_nobody_is_told(void **state)
{
    (void)state;
    served_open(&served, methods, NULL);
    duet_broadcast *news = duet_broadcast_new(served.server, "news", 0);
    assert_int_equal(duet_broadcast_send(news, NULL, NULL), 0);
    served_start(&served);
    int fd = served_connect(&served);
    served_ask(fd, "[0,1,'hello',[]]", "[1,1,nil,1]");
    assert_int_equal(duet_broadcast_send(news, NULL, NULL), 1);
    served_expect(fd, "[2,'news',[]]");
    duet_server_drain(served.server);
    served_join(&served);
    assert_int_equal(duet_broadcast_send(news, NULL, NULL), 0);
    duet_server_free(served.server);
    duet_broadcast_free(news);
    close(fd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, serve, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(all_are_told_also_who_tells),
        TEST(those_that_are_chosen_are_told_as_often_as_one_likes),
        TEST(http_sessions_are_passed_over),
        TEST(what_is_no_call_is_told_when_it_is_sent),
        cmocka_unit_test(before_the_run_and_after_it_nobody_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
