/*
 * Sockets that a program brings: what they must be, and what they are made.
 */
#include "given.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static bool is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

static void is_ours(int fd)
{
    assert_true(fd > STDERR_FILENO);
    assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
    assert_true((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
}

static int bind_loopback(int type)
{
    int fd = socket(AF_INET, type, 0);
    struct sockaddr_in any = {.sin_family = AF_INET};
    any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(fd, (const struct sockaddr *)&any, sizeof any), 0);
    return fd;
}

static void one_that_listens_is_taken_with_its_address(void **state)
{
    (void)state;
    char words[200] = "";
    struct duet_address address;
    int fd = bind_loopback(SOCK_STREAM);
    assert_int_equal(listen(fd, 5), 0);
    fd = duet_given_listening(fd, &address, words, sizeof words);
    is_ours(fd);
    assert_int_equal(address.any.sa_family, AF_INET);
    assert_int_equal(address.size, sizeof(struct sockaddr_in));
    assert_string_equal(words, "");
    close(fd);
}

static void one_with_a_number_of_stdio_moves(void **state)
{
    (void)state;
    char words[200];
    struct duet_address address;
    int saved = dup(STDIN_FILENO), fd = bind_loopback(SOCK_STREAM);
    assert_int_equal(listen(fd, 5), 0);
    dup2(fd, STDIN_FILENO);
    close(fd);
    fd = duet_given_listening(STDIN_FILENO, &address, words, sizeof words);
    is_ours(fd);
    assert_false(is_open(STDIN_FILENO));
    dup2(saved, STDIN_FILENO);
    close(saved);
    close(fd);
}

static void refuse_listening(int fd, int rc, const char *why)
{
    char words[200] = "";
    struct duet_address address;
    assert_int_equal(duet_given_listening(fd, &address, words, sizeof words), rc);
    assert_non_null(strstr(words, "cannot serve on fd "));
    assert_non_null(strstr(words, why));
    assert_false(is_open(fd));
}

static void what_does_not_listen_is_refused_and_closed(void **state)
{
    (void)state;
    int fds[2];
    refuse_listening(bind_loopback(SOCK_STREAM), -EINVAL, "call listen() on it first");
    refuse_listening(bind_loopback(SOCK_DGRAM), -EINVAL, "no stream socket of TCP or unix");
    assert_int_equal(pipe(fds), 0);
    refuse_listening(fds[0], -ENOTSOCK, "ocket");
    close(fds[1]);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    refuse_listening(fds[0], -EINVAL, "listen");
    close(fds[1]);
    refuse_listening(-1, -EBADF, "");
}

static void one_that_is_connected_is_taken_with_its_peer(void **state)
{
    (void)state;
    int fds[2];
    struct sockaddr_storage peer;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    int fd = duet_given_connected(fds[0], &peer);
    is_ours(fd);
    assert_int_equal(peer.ss_family, AF_UNIX);
    close(fd);
    close(fds[1]);
}

static void refuse_connected(int fd, int rc)
{
    struct sockaddr_storage peer;
    assert_int_equal(duet_given_connected(fd, &peer), rc);
    assert_false(is_open(fd));
}

static void what_is_not_connected_is_refused_and_closed(void **state)
{
    (void)state;
    int fds[2], listening = bind_loopback(SOCK_STREAM);
    assert_int_equal(listen(listening, 5), 0);
    refuse_connected(listening, -EINVAL);
    refuse_connected(bind_loopback(SOCK_STREAM), -EINVAL);
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds), 0);
    refuse_connected(fds[0], -EINVAL);
    close(fds[1]);
    assert_int_equal(pipe(fds), 0);
    refuse_connected(fds[0], -ENOTSOCK);
    close(fds[1]);
    refuse_connected(-1, -EBADF);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_that_listens_is_taken_with_its_address),
        cmocka_unit_test(one_with_a_number_of_stdio_moves),
        cmocka_unit_test(what_does_not_listen_is_refused_and_closed),
        cmocka_unit_test(one_that_is_connected_is_taken_with_its_peer),
        cmocka_unit_test(what_is_not_connected_is_refused_and_closed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
