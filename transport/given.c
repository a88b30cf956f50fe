/*
 * What getsockopt and getpeername say of a socket. See given.h.
 */
#include "given.h"

#include "errno_words.h"
#include "fd.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <unistd.h>

/* What is wrong with a socket, for words; NULL with `rc` 0 when nothing is. */
struct flaw {
    int rc;
    const char *words;
};

static int option_of(int fd, int option, int *value)
{
    socklen_t size = sizeof *value;
    return getsockopt(fd, SOL_SOCKET, option, value, &size) < 0 ? -errno : 0;
}

static bool is_served(int family)
{
    return family == AF_INET || family == AF_INET6 || family == AF_UNIX;
}

static struct flaw look(int fd, bool listens)
{
    int type = 0, family = 0, is_listening = 0;
    int rc = option_of(fd, SO_TYPE, &type);
    if (rc == 0)
        rc = option_of(fd, SO_DOMAIN, &family);
    if (rc == 0)
        rc = option_of(fd, SO_ACCEPTCONN, &is_listening);
    if (rc < 0)
        return (struct flaw){rc, duet_errno_words(-rc)};
    if (type != SOCK_STREAM || !is_served(family))
        return (struct flaw){-EINVAL, "it is no stream socket of TCP or unix"};
    if (listens && !is_listening)
        return (struct flaw){-EINVAL, "it does not listen: call listen() on it first"};
    if (!listens && is_listening)
        return (struct flaw){-EINVAL, "it listens, and is no connection"};
    return (struct flaw){0, NULL};
}

static int make_ours(int fd)
{
    fd = duet_fd_above_stdio(fd);
    if (fd < 0)
        return -errno;
    int flags = fcntl(fd, F_GETFL);
    if (flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0 &&
        fcntl(fd, F_SETFD, FD_CLOEXEC) == 0)
        return fd;
    int rc = -errno;
    close(fd);
    return rc;
}

static int give_up(int fd, int rc)
{
    if (fd >= 0)
        close(fd);
    return rc;
}

int duet_given_listening(int fd, struct duet_address *address, char *words, size_t room)
{
    const struct flaw flaw = look(fd, true);
    int rc = flaw.rc < 0 ? give_up(fd, flaw.rc) : make_ours(fd);
    if (rc < 0) {
        snprintf(words, room, "cannot serve on fd %d: %s", fd,
                 flaw.words != NULL ? flaw.words : duet_errno_words(-rc));
        return rc;
    }
    *address = (struct duet_address){.size = sizeof address->storage};
    getsockname(rc, &address->any, &address->size); /* it listens, so it has an address */
    return rc;
}

int duet_given_connected(int fd, struct sockaddr_storage *peer)
{
    int rc = look(fd, false).rc;
    if (rc < 0)
        return give_up(fd, rc);
    socklen_t size = sizeof *peer;
    if (getpeername(fd, (struct sockaddr *)peer, &size) < 0)
        return give_up(fd, -EINVAL);
    fd = make_ours(fd);
    int one = 1; /* fails for unix sockets, which do not wait */
    if (fd >= 0)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return fd;
}
