/*
 * Opening and closing fds with care for the processes that share them.
 */
#include "fd.h"

#include <sys/socket.h>
#include <unistd.h>

void duet_socket_close(int fd)
{
    shutdown(fd, SHUT_RDWR); /* fails when the peer has reset it: then it is over anyway */
    close(fd);
}
