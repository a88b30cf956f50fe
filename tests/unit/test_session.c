/*
 * A client's connection as programs see it: who is who, what it carries, when it begins and
 * ends, and who may ask what of it from where.
 */
#include "session.h"

#include "latch.h"
#include "served.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static struct {
    _Atomic int opened, closed, freed;
    _Atomic int result; /* of session_open */
    _Atomic bool was_open_at_its_close;
    duet_session *_Atomic kept;
} seen;

static int answer_id(duet_call *call, void *ctx)
{
    (void)ctx;
    return duet_reply_uint(call, duet_session_id(duet_call_session(call)));
}

static int answer_peer(duet_call *call, void *ctx)
{
    (void)ctx;
    const char *peer = duet_session_peer(duet_call_session(call));
    return duet_reply_bool(call, strcmp(peer, duet_call_peer(call)) == 0);
}

static int answer_protocol(duet_call *call, void *ctx)
{
    (void)ctx;
    return duet_reply_int(call, duet_session_protocol(duet_call_session(call)));
}

static void free_data(void *data)
{
    assert_ptr_equal(data, &seen);
    atomic_fetch_add(&seen.freed, 1);
}

static int give_data(duet_call *call, void *ctx)
{
    (void)ctx;
    duet_session *session = duet_call_session(call);
    int rc = duet_session_set_data(session, &seen, free_data);
    return duet_reply_bool(call, rc == 0 && duet_session_data(session) == &seen);
}

static int close_itself(duet_call *call, void *ctx)
{
    (void)ctx;
    duet_session_close(duet_call_session(call));
    return duet_reply_int(call, 1);
}

static int keep(duet_call *call, void *ctx)
{
    (void)ctx;
    atomic_store(&seen.kept, duet_session_ref(duet_call_session(call)));
    return 0;
}

static int count(duet_session *session, void *ctx)
{
    assert_true(duet_session_is_open(session));
    ++*(int *)ctx;
    return 0;
}

static int count_sessions(duet_call *call, void *ctx)
{
    (void)ctx;
    int n = 0;
    int rc = duet_server_each_session(duet_call_server(call), count, &n);
    return rc == 0 ? duet_reply_int(call, n) : rc;
}

static const duet_method methods[] = {
    {.name = "id", .handler = answer_id},
    {.name = "inline_id", .handler = answer_id, .flags = DUET_METHOD_INLINE},
    {.name = "peer", .handler = answer_peer},
    {.name = "protocol", .handler = answer_protocol, .flags = DUET_METHOD_INLINE},
    {.name = "give", .handler = give_data},
    {.name = "close", .handler = close_itself},
    {.name = "close_inline", .handler = close_itself, .flags = DUET_METHOD_INLINE},
    {.name = "keep", .handler = keep},
    {.name = "count", .handler = count_sessions},
    {.name = "count_inline", .handler = count_sessions, .flags = DUET_METHOD_INLINE},
    {.name = "wait", .handler = latch_wait},
    {0},
};

static int on_open(duet_session *session, void *ctx)
{
    (void)ctx;
    assert_true(duet_session_is_open(session));
    atomic_fetch_add(&seen.opened, 1);
    return atomic_load(&seen.result);
}

static void on_close(duet_session *session, void *ctx)
{
    (void)ctx;
    if (duet_session_is_open(session))
        atomic_store(&seen.was_open_at_its_close, true);
    atomic_fetch_add(&seen.closed, 1);
}

static int serve(void **state)
{
    static struct served served;
    latch_close(state);
    memset(&seen, 0, sizeof seen);
    served_open(&served, methods, NULL);
    duet_hooks hooks = {.session_open = on_open, .session_close = on_close};
    assert_int_equal(duet_server_add_hooks(served.server, &hooks, NULL), 0);
    served_start(&served);
    *state = &served;
    return 0;
}

static int stop(void **state)
{
    served_stop(*state);
    assert_false(seen.was_open_at_its_close);
    return 0;
}

/* What a method answers that gives a small number. */
static int ask_number(int fd, const char *method)
{
    unsigned char reply[5];
    served_tell(fd, "[0,1,'%s',[]]", method);
    served_read(fd, reply, sizeof reply);
    assert_memory_equal(reply, "\x94\x01\x01\xc0", 4);
    return reply[4];
}

/* A close that nobody waits behind. */
static void reset(int fd)
{
    struct linger at_once = {.l_onoff = 1};
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), 0);
    close(fd);
}

static void wait_for(_Atomic int *number, int value)
{
    for (int i = 0; atomic_load(number) != value; i++) {
        assert_true(i < 10000);
        usleep(1000);
    }
}

static void all_calls_of_a_connection_are_of_one_session(void **state)
{
    int fd = served_connect(*state), other = served_connect(*state);
    int id = ask_number(fd, "id");
    assert_int_equal(ask_number(fd, "inline_id"), id);
    assert_int_not_equal(ask_number(other, "id"), id);
    served_ask(fd, "[0,1,'peer',[]]", "[1,1,nil,true]");
    assert_int_equal(ask_number(fd, "protocol"), DUET_PROTOCOL_MSGPACKRPC);
    close(fd);
    close(other);
}

static void over_http_it_is_the_connection_too(void **state)
{
    static const char request[] =
        "POST /RPC2 HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml\r\n"
        "Content-Length: 63\r\n\r\n"
        "<methodCall><methodName>protocol</methodName></methodCall>     ";
    int fd = served_connect(*state);
    char reply[512];
    served_send(fd, request, sizeof request - 1);
    shutdown(fd, SHUT_WR);
    size_t n = served_read_all(fd, reply, sizeof reply - 1);
    reply[n] = '\0';
    assert_non_null(strstr(reply, "<int>0</int>"));
    close(fd);
}

static void the_hooks_are_told_of_its_begin_and_end(void **state)
{
    int fd = served_connect(*state);
    ask_number(fd, "id");
    assert_int_equal(seen.opened, 1);
    ask_number(fd, "id");
    assert_int_equal(seen.opened, 1);
    assert_int_equal(seen.closed, 0);
    close(fd);
    wait_for(&seen.closed, 1);
}

static void a_refused_one_is_closed_and_never_was(void **state)
{
    int fd = served_connect(*state);
    char byte;
    seen.result = -EACCES;
    served_tell(fd, "[0,1,'id',[]]");
    assert_int_equal(served_read_all(fd, &byte, 1), 0);
    assert_int_equal(seen.opened, 1);
    close(fd);
    seen.result = 0;
    fd = served_connect(*state);
    assert_int_equal(ask_number(fd, "count"), 1);
    close(fd);
    wait_for(&seen.closed, 1);
}

static void its_data_is_given_once_and_freed_with_it(void **state)
{
    int fd = served_connect(*state);
    served_ask(fd, "[0,1,'give',[]]", "[1,1,nil,true]");
    served_ask(fd, "[0,1,'give',[]]", "[1,1,nil,false]");
    assert_int_equal(seen.freed, 0);
    close(fd);
    wait_for(&seen.freed, 1);
}

static void its_data_outlives_its_calls(void **state)
{
    int fd = served_connect(*state);
    served_ask(fd, "[0,1,'give',[]]", "[1,1,nil,true]");
    served_tell(fd, "[2,'wait',[]]");
    latch_wait_until_begun(1);
    reset(fd);
    wait_for(&seen.closed, 1);
    assert_int_equal(seen.freed, 0);
    latch_allow(1);
    wait_for(&seen.freed, 1);
}

static void who_refers_to_it_finds_it_closed(void **state)
{
    int fd = served_connect(*state);
    served_ask(fd, "[0,1,'give',[]]", "[1,1,nil,true]");
    served_ask(fd, "[0,1,'keep',[]]", "[1,1,nil,nil]");
    duet_session *session = seen.kept;
    assert_true(duet_session_is_open(session));
    assert_ptr_equal(duet_session_data(session), &seen);
    close(fd);
    wait_for(&seen.closed, 1);
    assert_false(duet_session_is_open(session));
    duet_session_close(session);
    assert_int_equal(seen.freed, 0);
    duet_session_unref(session);
    wait_for(&seen.freed, 1); /* the loop may have let go last */
}

static void it_outlives_its_server(void **state)
{
    struct served *served = *state;
    int fd = served_connect(served);
    served_ask(fd, "[0,1,'keep',[]]", "[1,1,nil,nil]");
    duet_session *session = seen.kept;
    served_stop(served);
    assert_int_equal(seen.closed, 1);
    assert_false(duet_session_is_open(session));
    assert_non_null(strstr(duet_session_peer(session), "127.0.0.1:"));
    duet_session_close(session);
    duet_session_set_idle_timeout(session, 1);
    duet_session_unref(session);
    close(fd);
}

static void it_can_be_closed_from_any_thread(void **state)
{
    static const char *const how[] = {"close", "close_inline"};
    for (size_t i = 0; i < sizeof how / sizeof *how; i++) {
        int fd = served_connect(*state);
        char byte;
        assert_int_equal(ask_number(fd, how[i]), 1);
        assert_int_equal(served_read_all(fd, &byte, 1), 0);
        close(fd);
    }
    int fd = served_connect(*state);
    char byte;
    served_ask(fd, "[0,1,'keep',[]]", "[1,1,nil,nil]");
    duet_session_close(seen.kept);
    assert_int_equal(served_read_all(fd, &byte, 1), 0);
    duet_session_unref(seen.kept);
    close(fd);
}

static void calls_that_run_at_its_close_are_answered(void **state)
{
    int fd = served_connect(*state);
    served_ask(fd, "[0,1,'keep',[]]", "[1,1,nil,nil]");
    served_tell(fd, "[0,2,'wait',[]]");
    latch_wait_until_begun(1);
    duet_session_close(seen.kept);
    latch_allow(1);
    char byte;
    served_expect(fd, "[1,2,nil,false]");
    assert_int_equal(served_read_all(fd, &byte, 1), 0);
    duet_session_unref(seen.kept);
    close(fd);
}

static void an_idle_one_ends_when_its_time_is_over(void **state)
{
    int fd = served_connect(*state);
    char byte;
    served_ask(fd, "[0,1,'keep',[]]", "[1,1,nil,nil]");
    duet_session_set_idle_timeout(seen.kept, DUET_NO_TIMEOUT);
    duet_session_set_idle_timeout(seen.kept, 1);
    assert_int_equal(served_read_all(fd, &byte, 1), 0);
    duet_session_unref(seen.kept);
    close(fd);
}

static void each_one_that_is_open_is_visited(void **state)
{
    struct served *served = *state;
    int fds[5];
    for (int i = 0; i < 5; i++) {
        fds[i] = served_connect(served);
        assert_int_equal(ask_number(fds[i], i % 2 ? "count" : "count_inline"), i + 1);
    }
    int silent = served_connect(served), n = 0; /* no session yet */
    assert_int_equal(duet_server_each_session(served->server, count, &n), 0);
    assert_int_equal(n, 5);
    for (int i = 0; i < 5; i++)
        close(fds[i]);
    close(silent);
    wait_for(&seen.closed, 5);
    n = 0;
    assert_int_equal(duet_server_each_session(served->server, count, &n), 0);
    assert_int_equal(n, 0);
}

enum { COMERS = 4, TIMES = 50 };

static void *come_and_go(void *served)
{
    for (int i = 0; i < TIMES; i++) {
        int fd = served_connect(served);
        ask_number(fd, "protocol");
        close(fd);
    }
    return NULL;
}

static int look(duet_session *session, void *ctx)
{
    (void)ctx;
    duet_session_set_idle_timeout(session, DUET_NO_TIMEOUT);
    assert_true(duet_session_id(session) > 0);
    assert_non_null(strchr(duet_session_peer(session), ':'));
    return 0;
}

static void they_are_visited_while_they_come_and_go(void **state)
{
    struct served *served = *state;
    pthread_t threads[COMERS];
    for (int i = 0; i < COMERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, come_and_go, served), 0);
    while (atomic_load(&seen.closed) < COMERS * TIMES)
        assert_int_equal(duet_server_each_session(served->server, look, NULL), 0);
    for (int i = 0; i < COMERS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(seen.opened, COMERS * TIMES);
}

static int stop_at_once(duet_session *session, void *ctx)
{
    duet_session_close(session);
    ++*(int *)ctx;
    return 7;
}

static void a_visit_may_be_the_last(void **state)
{
    struct served *served = *state;
    int fds[2], n = 0;
    for (int i = 0; i < 2; i++) {
        fds[i] = served_connect(served);
        ask_number(fds[i], "id");
    }
    assert_int_equal(duet_server_each_session(served->server, stop_at_once, &n), 7);
    assert_int_equal(n, 1);
    wait_for(&seen.closed, 1);
    close(fds[0]);
    close(fds[1]);
}

static void no_session_is_closed_and_has_nothing(void **state)
{
    (void)state;
    int n = 0;
    assert_null(duet_session_ref(NULL));
    duet_session_unref(NULL);
    duet_session_close(NULL);
    duet_session_set_idle_timeout(NULL, 1);
    assert_int_equal(duet_session_id(NULL), 0);
    assert_string_equal(duet_session_peer(NULL), "");
    assert_false(duet_session_is_open(NULL));
    assert_null(duet_session_data(NULL));
    assert_int_equal(duet_session_set_data(NULL, &n, NULL), -EINVAL);
    assert_int_equal(duet_server_each_session(NULL, count, &n), -ENOMEM);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, serve, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(all_calls_of_a_connection_are_of_one_session),
        TEST(over_http_it_is_the_connection_too),
        TEST(the_hooks_are_told_of_its_begin_and_end),
        TEST(a_refused_one_is_closed_and_never_was),
        TEST(its_data_is_given_once_and_freed_with_it),
        TEST(its_data_outlives_its_calls),
        TEST(who_refers_to_it_finds_it_closed),
        cmocka_unit_test_setup(it_outlives_its_server, serve),
        TEST(it_can_be_closed_from_any_thread),
        TEST(calls_that_run_at_its_close_are_answered),
        TEST(an_idle_one_ends_when_its_time_is_over),
        TEST(each_one_that_is_open_is_visited),
        TEST(they_are_visited_while_they_come_and_go),
        TEST(a_visit_may_be_the_last),
        cmocka_unit_test(no_session_is_closed_and_has_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
