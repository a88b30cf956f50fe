/*
 * bind, listen, accept4. EMFILE and its kin pause accepting for PAUSE_MS; what waits stays in
 * the kernel's queue.
 */
#include "listener.h"

#include "errno_words.h"
#include "fd.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    BACKLOG = 4096,        /* the kernel cuts it to net.core.somaxconn */
    ACCEPTS_PER_TURN = 64, /* then the connections that are there get their turn */
    PAUSE_MS = 100,
};

/* A unix socket that nobody listens on any more is in the way of bind: it is removed. */
static void remove_stale_socket(const struct duet_address *address)
{
    struct stat status;
    if (lstat(address->un.sun_path, &status) < 0 || !S_ISSOCK(status.st_mode))
        return;
    /* Not to wait: a listener whose queue is full is alive. */
    int fd =
        duet_fd_above_stdio(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (fd < 0)
        return;
    if (connect(fd, &address->any, address->size) < 0 && errno == ECONNREFUSED)
        unlink(address->un.sun_path);
    close(fd);
}

static int bind_and_listen(int fd, const struct duet_address *address)
{
    int one = 1;
    if (address->any.sa_family == AF_UNIX)
        remove_stale_socket(address);
    else if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) < 0)
        return -errno;
    if (address->any.sa_family == AF_INET6 &&
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one) < 0)
        return -errno;
    if (bind(fd, &address->any, address->size) < 0)
        return -errno;
    return listen(fd, BACKLOG) < 0 ? -errno : 0;
}

static const char *advice(const struct duet_address *address, int error)
{
    bool is_unix = address->any.sa_family == AF_UNIX;
    switch (error) {
    case EADDRINUSE:
        if (is_unix)
            return "; something listens there already, or a file of that name is in the way";
        return "; something listens there already: stop it, or take another address (port 0 "
               "finds a free port)";
    case EACCES:
        return "; not permitted: ports below 1024 and folders of others need more rights";
    case EADDRNOTAVAIL:
        return "; this machine does not have that address";
    case ENOENT:
        return "; the folder does not exist";
    default:
        return "";
    }
}

int duet_listener_open(struct duet_listener *listener, const struct duet_address *address,
                       char *words, size_t room)
{
    *listener = (struct duet_listener){.fd = -1, .process = getpid(), .address = *address};
    int rc = 0;
    int fd = duet_fd_above_stdio(
        socket(address->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (fd < 0)
        rc = -errno;
    else
        rc = bind_and_listen(fd, address);
    if (rc < 0) {
        duet_address_format(address, listener->text);
        snprintf(words, room, "cannot listen on %s: %s%s", listener->text,
                 duet_errno_words(-rc), advice(address, -rc));
        if (fd >= 0)
            close(fd);
        return rc;
    }

    if (address->any.sa_family != AF_UNIX) {
        listener->address.size = sizeof listener->address.storage;
        getsockname(fd, &listener->address.any, &listener->address.size);
    }
    duet_address_format(&listener->address, listener->text);
    listener->fd = fd;
    return 0;
}

static bool is_ours(const struct duet_listener *listener)
{
    return listener->fd >= 0 && listener->process == getpid();
}

void duet_listener_end(struct duet_listener *listener)
{
    if (is_ours(listener))
        shutdown(listener->fd, SHUT_RDWR);
    duet_listener_close(listener);
}

void duet_listener_close(struct duet_listener *listener)
{
    if (is_ours(listener) && listener->address.any.sa_family == AF_UNIX)
        unlink(listener->address.un.sun_path);
    if (listener->fd >= 0)
        close(listener->fd);
    listener->fd = -1;
}

static struct duet_acceptor *acceptor_of_source(struct duet_source *source)
{
    return (struct duet_acceptor *)((char *)source - offsetof(struct duet_acceptor, source));
}

static int watch(struct duet_acceptor *acceptor)
{
    /* One connection wakes one loop, not all of them. */
    int rc = duet_loop_add(acceptor->loop, acceptor->listener->fd, EPOLLIN | EPOLLEXCLUSIVE,
                           &acceptor->source);
    acceptor->watching = rc == 0;
    return rc;
}

static void unwatch(struct duet_acceptor *acceptor)
{
    if (acceptor->watching)
        duet_loop_remove(acceptor->loop, acceptor->listener->fd, &acceptor->source);
    acceptor->watching = false;
}

static void on_pause_over(struct duet_deadline *deadline)
{
    struct duet_acceptor *acceptor =
        (struct duet_acceptor *)((char *)deadline - offsetof(struct duet_acceptor, pause));
    if (watch(acceptor) < 0)
        duet_wheel_set(&acceptor->loop->wheel, deadline, acceptor->loop->now_ms + PAUSE_MS);
}

static void pause_accepting(struct duet_acceptor *acceptor)
{
    unwatch(acceptor);
    duet_count(&acceptor->pauses, 1);
    acceptor->pause.expired = on_pause_over;
    duet_wheel_set(&acceptor->loop->wheel, &acceptor->pause, acceptor->loop->now_ms + PAUSE_MS);
}

/* Accepts one connection: 1, or 0 when there is none or fds ran out. */
static int accept_one(struct duet_acceptor *acceptor)
{
    struct sockaddr_storage peer;
    socklen_t size = sizeof peer;
    int fd = duet_fd_above_stdio(accept4(acceptor->listener->fd, (struct sockaddr *)&peer,
                                         &size, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (fd < 0) {
        int error = errno;
        if (error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM)
            pause_accepting(acceptor);
        return error == EINTR || error == ECONNABORTED;
    }
    if (peer.ss_family == AF_INET || peer.ss_family == AF_INET6) {
        int one = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    }
    acceptor->accepted(acceptor, fd, (const struct sockaddr *)&peer);
    return 1;
}

static void on_acceptable(struct duet_source *source, uint32_t events)
{
    (void)events;
    struct duet_acceptor *acceptor = acceptor_of_source(source);
    for (int i = 0; i < ACCEPTS_PER_TURN; i++)
        if (!acceptor->watching || !accept_one(acceptor))
            return;
}

int duet_acceptor_start(struct duet_acceptor *acceptor)
{
    acceptor->source.ready = on_acceptable;
    return watch(acceptor);
}

void duet_acceptor_stop(struct duet_acceptor *acceptor)
{
    /* Also when accepting is paused: fds may be there again. At most a full queue: whoever goes
     * on connecting must not keep this from ending. */
    for (int i = 0; i < BACKLOG && accept_one(acceptor); i++)
        continue;
    unwatch(acceptor);
    duet_wheel_clear(&acceptor->pause);
}
