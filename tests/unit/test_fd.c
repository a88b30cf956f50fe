/*
 * Fds that are not stdio, and sockets that end whoever else holds them.
 */
#include "fd.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

/* stdin has nothing to say here: its number is free for a while. */
static void a_low_fd_is_moved_and_closed_on_exec(void **state)
{
    (void)state;
    int stdin_kept = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 10);
    assert_true(stdin_kept >= 10);
    close(STDIN_FILENO);
    int low = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(low, STDIN_FILENO);

    int fd = duet_fd_above_stdio(low);
    assert_true(fd > STDERR_FILENO);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    assert_int_equal(fcntl(STDIN_FILENO, F_GETFD), -1); /* it is free again */
    close(fd);
    dup2(stdin_kept, STDIN_FILENO);
    close(stdin_kept);
}

static void any_other_fd_stays_and_so_does_a_failure(void **state)
{
    (void)state;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd > STDERR_FILENO);
    assert_int_equal(duet_fd_above_stdio(fd), fd);
    close(fd);

    errno = EMFILE;
    assert_int_equal(duet_fd_above_stdio(-1), -1);
    assert_int_equal(errno, EMFILE);
}

static void a_socket_ends_for_its_peer_though_another_holds_it(void **state)
{
    (void)state;
    int fds[2];
    char byte;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    int held = dup(fds[0]);
    duet_socket_close(fds[0]);
    assert_int_equal(recv(fds[1], &byte, 1, 0), 0);
    assert_int_equal(send(fds[1], "x", 1, MSG_NOSIGNAL), -1);
    close(held);
    close(fds[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_low_fd_is_moved_and_closed_on_exec),
        cmocka_unit_test(any_other_fd_stays_and_so_does_a_failure),
        cmocka_unit_test(a_socket_ends_for_its_peer_though_another_holds_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
