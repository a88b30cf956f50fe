/*
 * The fd that is kept back: a connection too many is closed in its place, and the place comes
 * back whoever took it meanwhile.
 */
#include "reserve.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static struct duet_reserve reserve;
static struct rlimit before;
static int listener;
static struct sockaddr_in address;

static int client(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

static void check_closed(int fd)
{
    char byte;
    assert_int_equal(recv(fd, &byte, 1, 0), 0);
}

/* No fd may be opened above those that are open. */
static void use_up_fds(void)
{
    struct rlimit tight = before;
    int next = dup(0);
    tight.rlim_cur = (rlim_t)next;
    close(next);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
    assert_int_equal(dup(0), -1);
}

static int set_up(void **state)
{
    (void)state;
    socklen_t size = sizeof address;
    address = (struct sockaddr_in){.sin_family = AF_INET};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    getrlimit(RLIMIT_NOFILE, &before);
    listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    reserve = (struct duet_reserve){.fd = -1};
    duet_reserve_init(&reserve);
    return bind(listener, (struct sockaddr *)&address, size) + listen(listener, 64) +
           getsockname(listener, (struct sockaddr *)&address, &size);
}

static int tear_down(void **state)
{
    (void)state;
    setrlimit(RLIMIT_NOFILE, &before);
    duet_reserve_done(&reserve);
    duet_reserve_done(&reserve);
    return close(listener);
}

static void one_too_many_is_closed_and_the_place_kept(void **state)
{
    (void)state;
    int clients[] = {client(), client()};
    use_up_fds();
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(duet_reserve_turn_away(&reserve, listener), 0);
        check_closed(clients[i]);
        assert_int_equal(reserve.turned_away, i + 1);
    }
    assert_int_equal(duet_reserve_turn_away(&reserve, listener), -EAGAIN);
    assert_int_equal(reserve.turned_away, 2);
    assert_true(reserve.fd >= 0);
    close(clients[0]);
    close(clients[1]);
}

static void who_took_the_place_gives_it_back(void **state)
{
    (void)state;
    int clients[] = {client(), client()};
    close(atomic_exchange(&reserve.fd, -1)); /* a loop is between closing and accepting */
    int taken = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    assert_true(taken >= 0); /* and another one accepts */
    use_up_fds();
    assert_int_equal(duet_reserve_turn_away(&reserve, listener), -EMFILE);

    assert_false(duet_reserve_spares(&reserve, taken));
    check_closed(clients[0]);
    assert_true(reserve.fd >= 0);
    assert_int_equal(reserve.turned_away, 1);
    assert_int_equal(duet_reserve_turn_away(&reserve, listener), 0);
    check_closed(clients[1]);
    close(clients[0]);
    close(clients[1]);
}

static void while_there_is_room_a_lost_place_costs_nobody_anything(void **state)
{
    (void)state;
    int mine = client();
    close(atomic_exchange(&reserve.fd, -1));
    int accepted = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    assert_true(duet_reserve_spares(&reserve, accepted));
    assert_true(reserve.fd >= 0);
    assert_true(duet_reserve_spares(&reserve, accepted));
    assert_true(fcntl(accepted, F_GETFD) >= 0);
    close(accepted);
    close(mine);
}

/* ---- Several loops ---- */

static void *accept_all(void *arg)
{
    _Atomic unsigned *accepted = arg;
    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0 && duet_reserve_spares(&reserve, fd))
            atomic_fetch_add(accepted, 1); /* and stays open */
        else if (fd < 0 && errno == EMFILE)
            fd = duet_reserve_turn_away(&reserve, listener) == -EAGAIN ? -2 : 0;
        else if (fd < 0)
            fd = -2;
        if (fd == -2)
            return NULL;
    }
}

static void every_client_is_served_or_closed_whoever_accepts(void **state)
{
    (void)state;
    enum { LOOPS = 3, CLIENTS = 30, ROOM = 5 };
    int clients[CLIENTS];
    _Atomic unsigned accepted = 0;
    for (int i = 0; i < CLIENTS; i++)
        clients[i] = client();
    pthread_t threads[LOOPS];
    use_up_fds();
    struct rlimit some;
    getrlimit(RLIMIT_NOFILE, &some);
    some.rlim_cur += ROOM;
    setrlimit(RLIMIT_NOFILE, &some);
    for (int i = 0; i < LOOPS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, accept_all, &accepted), 0);
    for (int i = 0; i < LOOPS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(accepted + reserve.turned_away, CLIENTS);
    assert_in_range(accepted, 1, ROOM); /* some may have been closed in haste */
    for (int i = 0; i < CLIENTS; i++)
        close(clients[i]);
    for (rlim_t fd = some.rlim_cur - ROOM; fd < some.rlim_cur; fd++)
        close((int)fd);
    reserve.fd = -1; /* it may have been among them */
}

#define WITH_RESERVE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    alarm(100);
    const struct CMUnitTest tests[] = {
        WITH_RESERVE(one_too_many_is_closed_and_the_place_kept),
        WITH_RESERVE(who_took_the_place_gives_it_back),
        WITH_RESERVE(while_there_is_room_a_lost_place_costs_nobody_anything),
        WITH_RESERVE(every_client_is_served_or_closed_whoever_accepts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
