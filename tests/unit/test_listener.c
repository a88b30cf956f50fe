/*
 * Listening and accepting: what is bound is said, what cannot be bound says why, stale unix
 * sockets go, and running out of fds pauses.
 */
#include "listener.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char words[512];

static int open_text(struct duet_listener *listener, const char *text)
{
    struct duet_address address;
    words[0] = '\0';
    assert_int_equal(duet_address_parse(&address, text, words, sizeof words), 0);
    return duet_listener_open(listener, &address, words, sizeof words);
}

static int connect_to(const struct duet_listener *listener)
{
    int fd = socket(listener->address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, &listener->address.any, listener->address.size), 0);
    return fd;
}

/* ---- Binding ---- */

static void port_0_becomes_a_real_port(void **state)
{
    (void)state;
    static const char *const texts[] = {"tcp://127.0.0.1:0", "http://127.0.0.1:0",
                                        "msgpack://127.0.0.1:0"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct duet_listener listener;
        assert_int_equal(open_text(&listener, texts[i]), 0);
        assert_memory_equal(listener.text, texts[i], strlen(texts[i]) - 1);
        assert_true(atoi(strrchr(listener.text, ':') + 1) > 0);
        close(connect_to(&listener));
        duet_listener_close(&listener);
        assert_int_equal(listener.fd, -1);
        duet_listener_close(&listener);
    }
}

static void a_taken_port_is_refused_with_advice(void **state)
{
    (void)state;
    struct duet_listener first, second;
    assert_int_equal(open_text(&first, "tcp://127.0.0.1:0"), 0);
    char text[DUET_ADDRESS_TEXT_MAX];
    snprintf(text, sizeof text, "%s", first.text);
    assert_int_equal(open_text(&second, text), -EADDRINUSE);
    assert_int_equal(second.fd, -1);
    assert_non_null(strstr(words, text));
    assert_non_null(strstr(words, "something listens there already"));
    duet_listener_close(&second);
    duet_listener_close(&first);
}

static void an_address_of_another_machine_is_refused_with_advice(void **state)
{
    (void)state;
    struct duet_listener listener;
    assert_int_equal(open_text(&listener, "tcp://192.0.2.1:0"), -EADDRNOTAVAIL);
    assert_non_null(strstr(words, "does not have that address"));
}

static void ipv6_speaks_ipv6(void **state)
{
    (void)state;
    struct duet_listener listener;
    if (open_text(&listener, "tcp://[::1]:0") < 0)
        skip(); /* a machine without IPv6 */
    assert_memory_equal(listener.text, "tcp://[::1]:", 12);
    close(connect_to(&listener));
    duet_listener_close(&listener);
}

/* ---- Unix sockets ---- */

static char folder[64], socket_text[128];
static const char *socket_path;

static int make_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/duet-listener-XXXXXX");
    if (mkdtemp(folder) == NULL)
        return -1;
    snprintf(socket_text, sizeof socket_text, "unix:%s/s", folder);
    socket_path = socket_text + strlen("unix:");
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(socket_path);
    return rmdir(folder);
}

static bool exists(const char *path)
{
    struct stat status;
    return lstat(path, &status) == 0;
}

static void a_unix_socket_goes_with_its_listener(void **state)
{
    (void)state;
    struct duet_listener listener;
    assert_int_equal(open_text(&listener, socket_text), 0);
    assert_string_equal(listener.text, socket_text);
    close(connect_to(&listener));
    duet_listener_close(&listener);
    assert_false(exists(socket_path));
}

static void a_stale_unix_socket_is_replaced(void **state)
{
    (void)state;
    struct duet_listener dead, alive;
    assert_int_equal(open_text(&dead, socket_text), 0);
    close(dead.fd); /* as if the process had died */
    assert_int_equal(open_text(&alive, socket_text), 0);
    close(connect_to(&alive));
    duet_listener_close(&alive);
}

static void a_living_unix_socket_is_not_replaced(void **state)
{
    (void)state;
    struct duet_listener first, second;
    assert_int_equal(open_text(&first, socket_text), 0);
    assert_int_equal(open_text(&second, socket_text), -EADDRINUSE);
    close(connect_to(&first));
    duet_listener_close(&first);
}

static void one_whose_queue_is_full_is_alive_and_not_waited_for(void **state)
{
    (void)state;
    struct duet_listener listener;
    struct duet_address address;
    assert_int_equal(duet_address_parse(&address, socket_text, words, sizeof words), 0);
    int busy = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(busy, &address.any, address.size), 0);
    assert_int_equal(listen(busy, 0), 0);
    int clients[64], count = 0;
    for (; count < 64; count++) {
        clients[count] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (connect(clients[count], &address.any, address.size) < 0)
            break;
    }
    assert_true(count < 64);

    assert_int_equal(open_text(&listener, socket_text), -EADDRINUSE);
    assert_true(exists(socket_path));
    for (int i = 0; i <= count; i++)
        close(clients[i]);
    close(busy);
}

static void a_file_in_the_way_is_left_alone(void **state)
{
    (void)state;
    struct duet_listener listener;
    int fd = open(socket_path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(open_text(&listener, socket_text), -EADDRINUSE);
    assert_true(exists(socket_path));
}

static void a_missing_folder_is_named(void **state)
{
    (void)state;
    struct duet_listener listener;
    assert_int_equal(open_text(&listener, "unix:/nonexistent/folder/s"), -ENOENT);
    assert_non_null(strstr(words, "unix:/nonexistent/folder/s"));
    assert_non_null(strstr(words, "the folder does not exist"));
}

/* ---- Accepting ---- */

enum { CLIENTS = 200 };

struct rig {
    struct duet_loop loop;
    struct duet_listener listener;
    struct duet_acceptor acceptor;
    int accepted[CLIENTS];
    sa_family_t family;
    unsigned count, wanted, turns;
};

static void on_turn_over(void *ctx)
{
    struct rig *rig = ctx;
    rig->turns++;
    if (rig->count >= rig->wanted)
        duet_loop_stop(&rig->loop);
}

static void on_accepted(struct duet_acceptor *acceptor, int fd, const struct sockaddr *peer)
{
    struct rig *rig = acceptor->ctx;
    assert_true(rig->count < CLIENTS);
    rig->accepted[rig->count++] = fd;
    rig->family = peer->sa_family;
}

static void rig_open(struct rig *rig, const char *text)
{
    memset(rig, 0, sizeof *rig);
    assert_int_equal(duet_loop_init(&rig->loop, on_turn_over, rig), 0);
    assert_int_equal(open_text(&rig->listener, text), 0);
    rig->acceptor = (struct duet_acceptor){
        .listener = &rig->listener, .loop = &rig->loop, .accepted = on_accepted, .ctx = rig};
    assert_int_equal(duet_acceptor_start(&rig->acceptor), 0);
}

static void rig_run_until(struct rig *rig, unsigned wanted)
{
    rig->wanted = wanted;
    rig->loop.stopping = false;
    assert_int_equal(duet_loop_run(&rig->loop), 0);
}

static void rig_close(struct rig *rig)
{
    duet_acceptor_stop(&rig->acceptor);
    for (unsigned i = 0; i < rig->count; i++)
        close(rig->accepted[i]);
    duet_listener_close(&rig->listener);
    duet_loop_done(&rig->loop);
}

static void accepted_fds_are_ready_for_a_loop(void **state)
{
    (void)state;
    static struct rig rig;
    rig_open(&rig, "tcp://127.0.0.1:0");
    int client = connect_to(&rig.listener);
    rig_run_until(&rig, 1);

    int fd = rig.accepted[0], on = 0;
    socklen_t size = sizeof on;
    assert_int_equal(rig.family, AF_INET);
    assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, &size), 0);
    assert_true(on);
    close(client);
    rig_close(&rig);
}

static void a_unix_peer_is_unix(void **state)
{
    (void)state;
    static struct rig rig;
    rig_open(&rig, socket_text);
    int client = connect_to(&rig.listener);
    rig_run_until(&rig, 1);
    assert_int_equal(rig.family, AF_UNIX);
    close(client);
    rig_close(&rig);
}

static void many_are_accepted_in_few_turns(void **state)
{
    (void)state;
    static struct rig rig;
    int clients[CLIENTS];
    rig_open(&rig, "tcp://127.0.0.1:0");
    for (int i = 0; i < CLIENTS; i++)
        clients[i] = connect_to(&rig.listener);
    rig_run_until(&rig, CLIENTS);
    assert_int_equal(rig.count, CLIENTS);
    for (int i = 0; i < CLIENTS; i++)
        close(clients[i]);
    rig_close(&rig);
}

/* Allows no fd above those that are open. Returns what was allowed before. */
static struct rlimit allow_no_more_fds(void)
{
    struct rlimit old, tight;
    int next = dup(0);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
    tight = old;
    tight.rlim_cur = (rlim_t)next;
    close(next);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
    return old;
}

static void on_pause_seen(void *ctx)
{
    struct rig *rig = ctx;
    rig->turns++;
    if (rig->acceptor.pauses > 0)
        duet_loop_stop(&rig->loop);
}

static void without_fds_it_pauses_and_comes_back(void **state)
{
    (void)state;
    static struct rig rig;
    rig_open(&rig, "tcp://127.0.0.1:0");
    int clients[3];
    for (int i = 0; i < 3; i++)
        clients[i] = connect_to(&rig.listener);
    struct rlimit old = allow_no_more_fds();

    rig.loop.turn_over = on_pause_seen;
    rig_run_until(&rig, 0);
    assert_int_equal(rig.acceptor.pauses, 1);
    assert_false(rig.acceptor.watching);
    assert_int_equal(rig.count, 0);

    setrlimit(RLIMIT_NOFILE, &old);
    rig.loop.turn_over = on_turn_over;
    rig.turns = 0;
    rig_run_until(&rig, 3);
    assert_int_equal(rig.count, 3);
    assert_in_range(rig.turns, 1, 10); /* it slept through its pause */
    for (int i = 0; i < 3; i++)
        close(clients[i]);
    rig_close(&rig);
}

static void stopping_accepts_what_waits(void **state)
{
    (void)state;
    static struct rig rig;
    for (int paused = 0; paused < 2; paused++) {
        int clients[CLIENTS];
        rig_open(&rig, "tcp://127.0.0.1:0");
        for (int i = 0; i < CLIENTS; i++)
            clients[i] = connect_to(&rig.listener);
        if (paused) {
            struct rlimit old = allow_no_more_fds();
            rig.loop.turn_over = on_pause_seen;
            rig_run_until(&rig, 0);
            setrlimit(RLIMIT_NOFILE, &old);
        }
        duet_acceptor_stop(&rig.acceptor);
        assert_int_equal(rig.count, CLIENTS);
        assert_false(rig.acceptor.watching);
        assert_false(duet_deadline_is_set(&rig.acceptor.pause));
        for (int i = 0; i < CLIENTS; i++)
            close(clients[i]);
        rig_close(&rig);
    }
}

static void stopping_without_fds_leaves_no_timer_behind(void **state)
{
    (void)state;
    static struct rig rig;
    rig_open(&rig, "tcp://127.0.0.1:0");
    int client = connect_to(&rig.listener);
    struct rlimit old = allow_no_more_fds();
    duet_acceptor_stop(&rig.acceptor);
    assert_false(rig.acceptor.watching);
    assert_false(duet_deadline_is_set(&rig.acceptor.pause));
    setrlimit(RLIMIT_NOFILE, &old);
    close(client);
    rig_close(&rig);
}

#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void)
{
    alarm(100);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(port_0_becomes_a_real_port),
        cmocka_unit_test(a_taken_port_is_refused_with_advice),
        cmocka_unit_test(an_address_of_another_machine_is_refused_with_advice),
        cmocka_unit_test(ipv6_speaks_ipv6),
        WITH_FOLDER(a_unix_socket_goes_with_its_listener),
        WITH_FOLDER(a_stale_unix_socket_is_replaced),
        WITH_FOLDER(a_living_unix_socket_is_not_replaced),
        WITH_FOLDER(one_whose_queue_is_full_is_alive_and_not_waited_for),
        WITH_FOLDER(a_file_in_the_way_is_left_alone),
        cmocka_unit_test(a_missing_folder_is_named),
        cmocka_unit_test(accepted_fds_are_ready_for_a_loop),
        WITH_FOLDER(a_unix_peer_is_unix),
        cmocka_unit_test(many_are_accepted_in_few_turns),
        cmocka_unit_test(without_fds_it_pauses_and_comes_back),
        cmocka_unit_test(stopping_accepts_what_waits),
        cmocka_unit_test(stopping_without_fds_leaves_no_timer_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
