/*
 * A stream that is a socket, TCP or unix. The only place that reads and writes one.
 */
#include "fd.h"
#include "stream.h"

#include <errno.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

static ssize_t socket_read(struct duet_stream *stream, void *room, size_t size)
{
    for (;;) {
        ssize_t n = recv(stream->fd, room, size, 0);
        if (n >= 0)
            return n;
        if (errno != EINTR)
            return -errno;
    }
}

/* One part, the usual reply, costs the kernel less without a header around it. */
static ssize_t send_parts(int fd, const struct iovec *parts, int count)
{
    if (count == 1)
        return send(fd, parts->iov_base, parts->iov_len, MSG_NOSIGNAL);
    struct msghdr header = {.msg_iov = (struct iovec *)(uintptr_t)parts};
    header.msg_iovlen = (__typeof__(header.msg_iovlen))count; /* an int in musl */
    return sendmsg(fd, &header, MSG_NOSIGNAL);
}

static ssize_t socket_writev(struct duet_stream *stream, const struct iovec *parts, int count)
{
    for (;;) {
        ssize_t n = send_parts(stream->fd, parts, count);
        if (n >= 0)
            return n;
        if (errno != EINTR)
            return -errno;
    }
}

static int socket_shutdown(struct duet_stream *stream)
{
    return shutdown(stream->fd, SHUT_WR) < 0 ? -errno : 0;
}

static int socket_pending(const struct duet_stream *stream, enum duet_stream_way way)
{
    int bytes = 0;
    int rc = way == STREAM_UNREAD ? ioctl(stream->fd, FIONREAD, &bytes)
                                  : ioctl(stream->fd, TIOCOUTQ, &bytes); /* SIOCOUTQ, by a name
                                                                            of libc's */
    return rc < 0 ? -errno : bytes;
}

static void socket_close(struct duet_stream *stream)
{
    duet_socket_close(stream->fd);
    stream->fd = -1;
}

static const struct duet_stream_kind socket_kind = {
    .read = socket_read,
    .writev = socket_writev,
    .shutdown = socket_shutdown,
    .pending = socket_pending,
    .close = socket_close,
};

struct duet_stream duet_stream_socket(int fd)
{
    return (struct duet_stream){.kind = &socket_kind, .fd = fd};
}
