/*
 * Connections and listening sockets that a program brings to its server.
 */
#include "folder.h"
#include "turned.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

static int twice(duet_call *call, void *ctx)
{
    (void)ctx;
    return duet_reply_int(call, 2 * duet_arg_int(call, 0));
}

static int peer(duet_call *call, void *ctx)
{
    (void)ctx;
    return duet_reply_string(call, duet_call_peer(call));
}

/* A handler that brings one end of a pair: its own server serves it. */
static int bring(duet_call *call, void *ctx)
{
    int *fds = ctx;
    return duet_reply_int(call, duet_server_adopt(duet_call_server(call), fds[0]));
}

static int brought[2];

static const duet_method methods[] = {
    {.name = "double", .handler = twice, .flags = DUET_METHOD_INLINE},
    {.name = "double.worker", .handler = twice},
    {.name = "peer", .handler = peer},
    {0},
};
static const duet_method bringing[] = {{.name = "bring", .handler = bring}, {0}};

/* A server without an address, of one loop that the test turns. */
static void start_bare(struct served *served)
{
    served->server = duet_server_new();
    assert_int_equal(duet_server_add(served->server, methods, NULL), 0);
    assert_int_equal(duet_server_add(served->server, bringing, brought), 0);
    assert_int_equal(duet_server_set(served->server, DUET_OPT_LOOPS, 1), 0);
    assert_int_equal(duet_server_start(served->server), 0);
}

static void make_pair(int fds[2])
{
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
}

static bool is_at_end(int fd)
{
    char byte;
    return recv(fd, &byte, 1, MSG_DONTWAIT) == 0;
}

/* ---- Connections ---- */

static void a_pair_is_served_in_both_protocols(void **state)
{
    (void)state;
    struct served served;
    int packed[2], http[2];
    start_bare(&served);
    make_pair(packed);
    make_pair(http);
    assert_int_equal(duet_server_adopt(served.server, packed[0]), 0);
    assert_int_equal(duet_server_adopt(served.server, http[0]), 0);
    turned_ask(&served, packed[1], "[0,1,'double',[21]]", "[1,1,nil,42]");
    turned_ask(&served, packed[1], "[0,2,'double.worker',[21]]", "[1,2,nil,42]");
    turned_ask(&served, packed[1], "[0,3,'peer',[]]", "[1,3,nil,'unix']");

    static const char page[] =
        "GET / HTTP/1.1\r\nHost: any.example\r\nConnection: close\r\n\r\n";
    char got[4096];
    served_send(http[1], page, sizeof page - 1);
    turned_until_readable(&served, http[1]);
    assert_in_range(served_read_all(http[1], got, sizeof got), 1, sizeof got);
    assert_memory_equal(got, "HTTP/1.1 200 ", 13);
    close(packed[1]);
    close(http[1]);
    turned_stop(&served);
}

static void an_accepted_connection_is_served(void **state)
{
    (void)state;
    struct served served;
    served_open(&served, methods, NULL);
    assert_int_equal(duet_server_start_threads(served.server), 0);
    struct sockaddr_in address = {.sin_family = AF_INET};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    int listening = socket(AF_INET, SOCK_STREAM, 0), fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(listening, (const struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(listening, 1), 0);
    assert_int_equal(getsockname(listening, (struct sockaddr *)&address, &size), 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&address, size), 0);
    assert_int_equal(duet_server_adopt(served.server, accept(listening, NULL, NULL)), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    served_tell(fd, "[0,1,'peer',[]]");
    served_expect(fd, "[1,1,nil,'127.0.0.1:%u']", (unsigned)ntohs(address.sin_port));
    close(fd);
    close(listening);
    duet_server_drain(served.server);
    assert_int_equal(duet_server_wait(served.server), 0);
    duet_server_free(served.server);
}

static void a_handler_may_bring_one(void **state)
{
    (void)state;
    struct served served;
    int fds[2];
    start_bare(&served);
    make_pair(fds);
    make_pair(brought);
    assert_int_equal(duet_server_adopt(served.server, fds[0]), 0);
    turned_ask(&served, fds[1], "[0,1,'bring',[]]", "[1,1,nil,0]");
    turned_ask(&served, brought[1], "[0,1,'double',[21]]", "[1,1,nil,42]");
    close(fds[1]);
    close(brought[1]);
    turned_stop(&served);
}

enum { BRINGERS = 4, EACH = 50 };

static void *bring_many(void *arg)
{
    struct served *served = arg;
    for (int i = 0; i < EACH; i++) {
        int fds[2];
        make_pair(fds);
        assert_int_equal(duet_server_adopt(served->server, fds[0]), 0);
        served_ask(fds[1], "[0,1,'double',[21]]", "[1,1,nil,42]");
        close(fds[1]);
    }
    return NULL;
}

static void any_thread_may_bring_them(void **state)
{
    (void)state;
    struct served served;
    pthread_t threads[BRINGERS];
    served_open(&served, methods, NULL);
    served_start(&served);
    int fd = served_connect(&served); /* it runs */
    served_ask(fd, "[0,1,'double',[21]]", "[1,1,nil,42]");
    for (int i = 0; i < BRINGERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, bring_many, &served), 0);
    for (int i = 0; i < BRINGERS; i++)
        pthread_join(threads[i], NULL);
    duet_stats stats;
    assert_int_equal(duet_server_stats(served.server, &stats), 0);
    assert_int_equal(stats.connections_accepted, BRINGERS * EACH + 1);
    close(fd);
    served_stop(&served);
}

static void they_count_as_connections(void **state)
{
    (void)state;
    struct served served;
    int first[2], second[2];
    served.server = duet_server_new();
    assert_int_equal(duet_server_add(served.server, methods, NULL), 0);
    assert_int_equal(duet_server_set(served.server, DUET_OPT_LOOPS, 1), 0);
    assert_int_equal(duet_server_set(served.server, DUET_OPT_MAX_CONNECTIONS, 1), 0);
    assert_int_equal(duet_server_start(served.server), 0);
    make_pair(first);
    make_pair(second);
    assert_int_equal(duet_server_adopt(served.server, first[0]), 0);
    assert_int_equal(duet_server_adopt(served.server, second[0]), -EAGAIN);
    assert_true(is_at_end(second[1])); /* it was taken all the same */
    close(second[1]);
    turned_ask(&served, first[1], "[0,1,'double',[21]]", "[1,1,nil,42]");
    close(first[1]);
    turned_rest(&served);
    make_pair(second);
    assert_int_equal(duet_server_adopt(served.server, second[0]), 0);
    turned_ask(&served, second[1], "[0,1,'double',[21]]", "[1,1,nil,42]");
    close(second[1]);
    turned_stop(&served);
}

static void none_is_taken_before_the_run_or_in_a_drain(void **state)
{
    (void)state;
    struct served served;
    int fds[4][2];
    for (int i = 0; i < 4; i++)
        make_pair(fds[i]);
    served_open(&served, methods, NULL);
    assert_int_equal(duet_server_adopt(NULL, fds[0][0]), -ENOMEM);
    assert_int_equal(duet_server_adopt(served.server, fds[1][0]), -EINVAL);
    assert_int_equal(duet_server_set(served.server, DUET_OPT_LOOPS, 1), 0);
    assert_int_equal(duet_server_start(served.server), 0);
    duet_server_drain(served.server);
    assert_int_equal(duet_server_adopt(served.server, fds[2][0]), -ESHUTDOWN);
    turned_until_drained(&served);
    assert_int_equal(duet_server_wait(served.server), 0);
    assert_int_equal(duet_server_adopt(served.server, fds[3][0]), -ESHUTDOWN);
    for (int i = 0; i < 4; i++) {
        assert_true(is_at_end(fds[i][1]));
        close(fds[i][1]);
    }
    duet_server_free(served.server);
}

/* It was taken in time, and no turn has seen it before the drain: what it asked is answered. */
static void one_that_was_brought_before_a_drain_is_answered(void **state)
{
    (void)state;
    struct served served;
    int fds[2];
    start_bare(&served);
    make_pair(fds);
    served_tell(fds[1], "[0,1,'double',[21]]");
    assert_int_equal(duet_server_adopt(served.server, fds[0]), 0);
    duet_server_drain(served.server);
    turned_finish(&served);
    served_expect(fds[1], "[1,1,nil,42]");
    assert_true(is_at_end(fds[1]));
    close(fds[1]);
}

/* ---- Listening sockets ---- */

static int listen_on_path(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(fd, 5), 0);
    return fd;
}

static int connect_to(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

static void serve_once(const char *path, int listening)
{
    struct served served = {.server = duet_server_new()};
    char text[128];
    assert_int_equal(duet_server_add(served.server, methods, NULL), 0);
    assert_int_equal(duet_server_set(served.server, DUET_OPT_LOOPS, 1), 0);
    assert_int_equal(
        duet_server_listen_fd(served.server, dup(listening), DUET_PROTOCOLS_MSGPACKRPC), 0);
    snprintf(text, sizeof text, "msgpack+unix:%s", path);
    assert_string_equal(duet_server_address(served.server, 0), text);
    assert_int_equal(duet_server_start(served.server), 0);
    int fd = connect_to(path);
    turned_ask(&served, fd, "[0,1,'double',[21]]", "[1,1,nil,42]");
    close(fd);
    turned_stop(&served);
}

static void a_socket_that_was_given_is_left_to_who_gave_it(void **state)
{
    (void)state;
    const char *path = folder_socket_path;
    int listening = listen_on_path(path);
    for (int i = 0; i < 2; i++) { /* the next server goes on with it */
        serve_once(path, listening);
        assert_int_equal(access(path, F_OK), 0);
    }
    int fd = connect_to(path); /* who comes between two servers waits */
    close(fd);
    close(listening);
}

static void what_is_no_listening_socket_is_a_set_up_error(void **state)
{
    (void)state;
    int fds[2];
    duet_server *server = duet_server_new();
    make_pair(fds);
    assert_int_equal(duet_server_listen_fd(server, fds[0], DUET_PROTOCOLS_BOTH), -EINVAL);
    assert_true(is_at_end(fds[1]));
    close(fds[1]);
    assert_non_null(strstr(duet_server_error(server), "it does not listen"));
    assert_int_equal(duet_server_start(server), -EINVAL);
    duet_server_free(server);

    server = duet_server_new();
    make_pair(fds);
    assert_int_equal(duet_server_listen_fd(server, fds[0], (duet_protocols)3), -EINVAL);
    assert_true(is_at_end(fds[1]));
    close(fds[1]);
    assert_non_null(strstr(duet_server_error(server), "protocols 3"));
    duet_server_free(server);

    make_pair(fds);
    assert_int_equal(duet_server_listen_fd(NULL, fds[0], DUET_PROTOCOLS_BOTH), -ENOMEM);
    assert_true(is_at_end(fds[1]));
    close(fds[1]);
}

int main(void)
{
    alarm(100);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pair_is_served_in_both_protocols),
        cmocka_unit_test(an_accepted_connection_is_served),
        cmocka_unit_test(a_handler_may_bring_one),
        cmocka_unit_test(any_thread_may_bring_them),
        cmocka_unit_test(they_count_as_connections),
        cmocka_unit_test(none_is_taken_before_the_run_or_in_a_drain),
        cmocka_unit_test(one_that_was_brought_before_a_drain_is_answered),
        WITH_FOLDER(a_socket_that_was_given_is_left_to_who_gave_it),
        cmocka_unit_test(what_is_no_listening_socket_is_a_set_up_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
