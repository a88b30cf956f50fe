/*
 * Listening and accepting: what is bound is said, what cannot be bound says why, a name is all
 * its addresses; running out of fds turns away, and whatever else fails pauses.
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
#include <unistd.h>

#include <cmocka.h>

static char words[512];

static int open_text(struct duet_listener *listener, const char *text)
{
    struct duet_address found[DUET_ADDRESSES_MAX];
    words[0] = '\0';
    assert_int_equal(duet_address_parse(found, text, words, sizeof words), 1);
    return duet_listener_open(listener, &found[0], words, sizeof words);
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

/* ---- All addresses of one name ---- */

static int open_name(struct duet_listener *listeners, const char *text)
{
    struct duet_address found[DUET_ADDRESSES_MAX];
    words[0] = '\0';
    int count = duet_address_parse(found, text, words, sizeof words);
    assert_in_range(count, 1, DUET_ADDRESSES_MAX);
    return duet_listeners_open(listeners, found, count, words, sizeof words);
}

static const char *port_text(const struct duet_listener *listener)
{
    return strrchr(listener->text, ':');
}

static bool machine_has_ipv6(void)
{
    struct duet_listener listener;
    bool has = open_text(&listener, "tcp://[::1]:0") == 0;
    duet_listener_close(&listener);
    return has;
}

static struct {
    int family;
    unsigned times; /* that bind fails for it */
    int error;
} failing_bind;

int __wrap_bind(int fd, const struct sockaddr *address, socklen_t size);
int __real_bind(int fd, const struct sockaddr *address, socklen_t size);

int __wrap_bind(int fd, const struct sockaddr *address, socklen_t size)
{
    if (failing_bind.times == 0 || address->sa_family != failing_bind.family)
        return __real_bind(fd, address, size);
    failing_bind.times--;
    errno = failing_bind.error;
    return -1;
}

static void localhost_is_both_families_on_one_port(void **state)
{
    (void)state;
    if (!machine_has_ipv6())
        skip();
    struct duet_listener listeners[2];
    for (unsigned taken = 0; taken < 4; taken++) { /* ports that IPv6 has not free */
        failing_bind.family = AF_INET6;
        failing_bind.times = taken;
        failing_bind.error = EADDRINUSE;
        assert_int_equal(open_name(listeners, "tcp://localhost:0"), 2);
        assert_int_equal(failing_bind.times, 0);
        assert_memory_equal(listeners[0].text, "tcp://127.0.0.1:", 16);
        assert_memory_equal(listeners[1].text, "tcp://[::1]:", 12);
        assert_string_equal(port_text(&listeners[0]), port_text(&listeners[1]));
        for (int i = 0; i < 2; i++) {
            close(connect_to(&listeners[i]));
            duet_listener_close(&listeners[i]);
        }
    }
}

static void a_port_that_one_family_has_taken_is_refused_as_a_whole(void **state)
{
    (void)state;
    if (!machine_has_ipv6())
        skip();
    struct duet_listener taken, listeners[2], again;
    assert_int_equal(open_text(&taken, "tcp://[::1]:0"), 0);
    char text[64];
    snprintf(text, sizeof text, "tcp://localhost%s", port_text(&taken));
    assert_int_equal(open_name(listeners, text), -EADDRINUSE);
    assert_non_null(strstr(words, taken.text));

    snprintf(text, sizeof text, "tcp://127.0.0.1%s", port_text(&taken));
    assert_int_equal(open_text(&again, text), 0); /* the other one was let go */
    duet_listener_close(&again);
    duet_listener_close(&taken);
}

static void a_family_that_is_not_there_is_passed_over(void **state)
{
    (void)state;
    static const struct {
        int family, error;
        const char *rest;
    } rows[] = {
        {AF_INET6, EADDRNOTAVAIL, "tcp://127.0.0.1:"},
        {AF_INET6, EAFNOSUPPORT, "tcp://127.0.0.1:"},
        {AF_INET, EADDRNOTAVAIL, "tcp://[::1]:"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct duet_listener listeners[2];
        if (rows[i].family == AF_INET && !machine_has_ipv6())
            continue;
        failing_bind.family = rows[i].family;
        failing_bind.times = 1;
        failing_bind.error = rows[i].error;
        assert_int_equal(open_name(listeners, "tcp://localhost:0"), 1);
        assert_memory_equal(listeners[0].text, rows[i].rest, strlen(rows[i].rest));
        close(connect_to(&listeners[0]));
        duet_listener_close(&listeners[0]);
    }
}

static void any_other_failure_of_one_fails_all(void **state)
{
    (void)state;
    struct duet_listener listeners[2];
    failing_bind.family = AF_INET;
    failing_bind.times = 1;
    failing_bind.error = EACCES;
    assert_int_equal(open_name(listeners, "tcp://localhost:0"), -EACCES);
    assert_non_null(strstr(words, "cannot listen on tcp://127.0.0.1:0"));
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
    char text[64];
    snprintf(text, sizeof text, "unix:@duet-listener-%ld", (long)getpid());
    rig_open(&rig, text);
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

static void on_turned_away(void *ctx)
{
    struct rig *rig = ctx;
    rig->turns++;
    if (rig->acceptor.reserve->turned_away >= rig->wanted)
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

static void with_a_reserve_those_too_many_are_closed(void **state)
{
    (void)state;
    static struct rig rig;
    static struct duet_reserve reserve;
    rig_open(&rig, "tcp://127.0.0.1:0");
    duet_reserve_init(&reserve);
    rig.acceptor.reserve = &reserve;
    int clients[3], served = connect_to(&rig.listener);
    rig_run_until(&rig, 1);
    for (int i = 0; i < 3; i++)
        clients[i] = connect_to(&rig.listener);
    struct rlimit old = allow_no_more_fds();

    rig.loop.turn_over = on_turned_away;
    rig.wanted = 3;
    rig.loop.stopping = false;
    assert_int_equal(duet_loop_run(&rig.loop), 0);
    assert_int_equal(rig.acceptor.pauses, 0);
    assert_int_equal(rig.count, 1);
    for (int i = 0; i < 3; i++) {
        char byte;
        assert_int_equal(recv(clients[i], &byte, 1, 0), 0);
        close(clients[i]);
    }
    setrlimit(RLIMIT_NOFILE, &old);

    rig.loop.turn_over = on_turn_over; /* there is room again */
    clients[0] = connect_to(&rig.listener);
    rig_run_until(&rig, 2);
    assert_int_equal(reserve.turned_away, 3);
    close(clients[0]);
    close(served);
    rig_close(&rig);
    duet_reserve_done(&reserve);
}

static int accept_error; /* what every accept4 fails with */

int __wrap_accept4(int fd, struct sockaddr *peer, socklen_t *size, int flags);
int __real_accept4(int fd, struct sockaddr *peer, socklen_t *size, int flags);

int __wrap_accept4(int fd, struct sockaddr *peer, socklen_t *size, int flags)
{
    if (accept_error == 0)
        return __real_accept4(fd, peer, size, flags);
    errno = accept_error;
    return -1;
}

static void on_more_pauses(void *ctx)
{
    struct rig *rig = ctx;
    rig->turns++;
    if (rig->acceptor.pauses >= rig->wanted)
        duet_loop_stop(&rig->loop);
}

static void an_error_that_lasts_is_asked_after_less_and_less(void **state)
{
    (void)state;
    static const int errors[] = {EPERM, EOPNOTSUPP, ENOBUFS, EMFILE, EINVAL};
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        static struct rig rig;
        static struct duet_reserve reserve; /* of no use: accepting fails all the same */
        rig_open(&rig, "tcp://127.0.0.1:0");
        duet_reserve_init(&reserve);
        rig.acceptor.reserve = &reserve;
        int client = connect_to(&rig.listener);
        accept_error = errors[i];
        rig.loop.turn_over = on_more_pauses;
        uint64_t last_ms = 0;
        for (unsigned pauses = 1; pauses <= 4; pauses++) {
            rig_run_until(&rig, pauses);
            assert_true(rig.acceptor.pause_ms > last_ms);
            last_ms = rig.acceptor.pause_ms;
            assert_false(rig.acceptor.watching);
        }
        assert_in_range(rig.turns, 4, 20); /* it slept in between */

        accept_error = 0;
        rig.loop.turn_over = on_turn_over;
        rig_run_until(&rig, 1);
        assert_int_equal(rig.acceptor.pause_ms, 0);
        close(client);
        rig_close(&rig);
        duet_reserve_done(&reserve);
    }
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

int main(void)
{
    alarm(100);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(port_0_becomes_a_real_port),
        cmocka_unit_test(a_taken_port_is_refused_with_advice),
        cmocka_unit_test(an_address_of_another_machine_is_refused_with_advice),
        cmocka_unit_test(ipv6_speaks_ipv6),
        cmocka_unit_test(localhost_is_both_families_on_one_port),
        cmocka_unit_test(a_port_that_one_family_has_taken_is_refused_as_a_whole),
        cmocka_unit_test(a_family_that_is_not_there_is_passed_over),
        cmocka_unit_test(any_other_failure_of_one_fails_all),
        cmocka_unit_test(accepted_fds_are_ready_for_a_loop),
        cmocka_unit_test(a_unix_peer_is_unix),
        cmocka_unit_test(many_are_accepted_in_few_turns),
        cmocka_unit_test(without_fds_it_pauses_and_comes_back),
        cmocka_unit_test(with_a_reserve_those_too_many_are_closed),
        cmocka_unit_test(an_error_that_lasts_is_asked_after_less_and_less),
        cmocka_unit_test(stopping_accepts_what_waits),
        cmocka_unit_test(stopping_without_fds_leaves_no_timer_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
