/*
 * Opening and closing fds with care for programs without stdio, and for the processes that
 * share our fds.
 */
#include "fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

int duet_fd_above_stdio(int fd)
{
    if (fd < 0 || fd > STDERR_FILENO)
        return fd;
    int moved = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    int error = errno;
    close(fd);
    errno = error;
    return moved;
}

void duet_fd_signal(int fd)
{
    uint64_t one = 1;
    int saved = errno; /* a signal handler must not disturb the code it interrupts */
    ssize_t n = write(fd, &one, sizeof one);
    (void)n; /* only fails when the count is full, and then it is readable anyway */
    errno = saved;
}

void duet_socket_close(int fd)
{
    shutdown(fd, SHUT_RDWR); /* fails when the peer has reset it: then it is over anyway */
    close(fd);
}
