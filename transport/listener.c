/*
 * bind, listen, accept4. An accept4 that fails pauses accepting; what waits stays in the
 * kernel's queue.
 */
#include "listener.h"

#include "errno_words.h"
#include "fd.h"
#include "given.h"
#include "holder.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <unistd.h>

enum {
    BACKLOG = 4096,        /* the kernel cuts it to net.core.somaxconn */
    ACCEPTS_PER_TURN = 64, /* then the connections that are there get their turn */
    FIRST_PAUSE_MS = 10,   /* each further one is twice as long, until one is accepted */
    LAST_PAUSE_MS = 1000,
};

static bool has_path(const struct duet_address *address)
{
    return address->any.sa_family == AF_UNIX && !duet_address_is_abstract(address);
}

static int bind_and_listen(struct duet_listener *listener, int fd)
{
    const struct duet_address *address = &listener->address;
    int one = 1;
    if (has_path(address))
        return duet_unix_path_listen(&listener->path, fd, address, BACKLOG);
    if (address->any.sa_family != AF_UNIX &&
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) < 0)
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
        if (has_path(address))
            return "; something listens there already, or a file of that name is in the way";
        if (is_unix)
            return "; something listens there already: stop it, or take another name";
        return "; something listens there already: stop it, or take another address (port 0 "
               "finds a free port)";
    case EACCES:
        return "; not permitted: ports below 1024 and folders of others need more rights";
    case EADDRNOTAVAIL:
        return "; this machine does not have that address";
    case ENOENT:
        return "; the folder does not exist";
    case EPERM:
        return is_unix ? "; its group must be one that this process belongs to" : "";
    case ENOLCK:
        return "; nobody listens there, but the folder cannot be locked to remove what was "
               "left: remove it";
    default:
        return "";
    }
}

int duet_listener_open(struct duet_listener *listener, const struct duet_address *address,
                       char *words, size_t room)
{
    *listener = (struct duet_listener){
        .fd = -1, .process = getpid(), .address = *address, .path = {.folder = -1}};
    int rc = 0;
    int fd = duet_fd_above_stdio(
        socket(address->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (fd < 0)
        rc = -errno;
    else
        rc = bind_and_listen(listener, fd);
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

int duet_listener_take(struct duet_listener *listener, int fd, enum duet_scheme scheme,
                       char *words, size_t room)
{
    *listener =
        (struct duet_listener){.process = getpid(), .is_given = true, .path.folder = -1};
    listener->fd = duet_given_listening(fd, &listener->address, words, room);
    if (listener->fd < 0)
        return listener->fd;
    listener->address.scheme = scheme;
    duet_address_format(&listener->address, listener->text);
    return 0;
}

/* ---- All addresses of one name ---- */

static in_port_t *port_of(struct duet_address *address)
{
    if (address->any.sa_family == AF_INET)
        return &((struct sockaddr_in *)(void *)&address->storage)->sin_port;
    if (address->any.sa_family == AF_INET6)
        return &((struct sockaddr_in6 *)(void *)&address->storage)->sin6_port;
    return NULL;
}

/* This machine does not speak that family, or it is not its address. */
static bool is_elsewhere(int rc)
{
    return rc == -EAFNOSUPPORT || rc == -EADDRNOTAVAIL;
}

static int open_all(struct duet_listener *listeners, const struct duet_address *addresses,
                    int count, char *words, size_t room)
{
    int opened = 0, rc = 0;
    for (int i = 0; i < count; i++) {
        struct duet_address address = addresses[i];
        if (opened > 0) /* the port that the first one has got */
            *port_of(&address) = *port_of(&listeners[0].address);
        rc = duet_listener_open(&listeners[opened], &address, words, room);
        if (rc == 0)
            opened++;
        else if (!is_elsewhere(rc))
            break;
    }
    if (opened > 0 && (rc == 0 || is_elsewhere(rc)))
        return opened;
    while (opened > 0)
        duet_listener_close(&listeners[--opened]);
    return rc;
}

int duet_listeners_open(struct duet_listener *listeners, const struct duet_address *addresses,
                        int count, char *words, size_t room)
{
    enum { TRIES = 100 }; /* each finds another port, of some 28,000 */
    struct duet_address first = addresses[0];
    bool any_port = count > 1 && *port_of(&first) == 0;
    int rc = open_all(listeners, addresses, count, words, room);
    for (int i = 1; i < TRIES && rc == -EADDRINUSE && any_port; i++)
        rc = open_all(listeners, addresses, count, words, room);
    return rc;
}

/* ---- Closing ---- */

static bool is_ours(const struct duet_listener *listener)
{
    return listener->fd >= 0 && listener->process == getpid();
}

static bool has_own_path(const struct duet_listener *listener)
{
    return is_ours(listener) && listener->path.folder >= 0;
}

void duet_listener_end(struct duet_listener *listener)
{
    if (has_own_path(listener)) {
        /* While it is alive: so long nobody takes it over. */
        duet_unix_path_remove(&listener->path, &listener->address);
        duet_unix_path_done(&listener->path);
    }
    if (is_ours(listener) && !listener->is_given)
        shutdown(listener->fd, SHUT_RDWR);
    duet_listener_close(listener);
}

void duet_listener_close(struct duet_listener *listener)
{
    if (has_own_path(listener))
        duet_unix_path_leave(&listener->path, listener->fd, &listener->address);
    else if (listener->fd >= 0)
        close(listener->fd);
    duet_unix_path_done(&listener->path);
    listener->fd = -1;
}

/* ---- Accepting ---- */

static struct duet_acceptor *acceptor_of_source(struct duet_source *source)
{
    return DUET_HOLDER(source, struct duet_acceptor, source);
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

static void start_pause(struct duet_acceptor *acceptor)
{
    acceptor->pause_ms = acceptor->pause_ms > 0 ? acceptor->pause_ms * 2 : FIRST_PAUSE_MS;
    if (acceptor->pause_ms > LAST_PAUSE_MS)
        acceptor->pause_ms = LAST_PAUSE_MS;
    duet_wheel_set(&acceptor->loop->wheel, &acceptor->pause,
                   acceptor->loop->now_ms + acceptor->pause_ms);
}

static void on_pause_over(struct duet_deadline *deadline)
{
    struct duet_acceptor *acceptor = DUET_HOLDER(deadline, struct duet_acceptor, pause);
    if (watch(acceptor) < 0)
        start_pause(acceptor);
}

static void pause_accepting(struct duet_acceptor *acceptor)
{
    unwatch(acceptor);
    duet_count(&acceptor->pauses, 1);
    acceptor->pause.expired = on_pause_over;
    start_pause(acceptor);
}

/* What became of one connection; PASSED is one that was gone already, or was turned away. */
enum accepting { ACCEPTED, PASSED, NONE_WAITS, FAILED };

static enum accepting without_fd(struct duet_acceptor *acceptor, int error)
{
    if ((error == EMFILE || error == ENFILE) && acceptor->reserve != NULL)
        error = -duet_reserve_turn_away(acceptor->reserve, acceptor->listener->fd);
    switch (error) {
    case EAGAIN:
        return NONE_WAITS;
    case 0:
    case EINTR:
    case ECONNABORTED:
        return PASSED;
    default:
        return FAILED;
    }
}

static enum accepting accept_one(struct duet_acceptor *acceptor)
{
    struct sockaddr_storage peer;
    socklen_t size = sizeof peer;
    int fd = duet_fd_above_stdio(accept4(acceptor->listener->fd, (struct sockaddr *)&peer,
                                         &size, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (fd < 0)
        return without_fd(acceptor, errno);
    if (acceptor->reserve != NULL && !duet_reserve_spares(acceptor->reserve, fd))
        return PASSED;
    if (peer.ss_family == AF_INET || peer.ss_family == AF_INET6) {
        int one = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    }
    acceptor->pause_ms = 0;
    acceptor->accepted(acceptor, fd, (const struct sockaddr *)&peer);
    return ACCEPTED;
}

static void on_acceptable(struct duet_source *source, uint32_t events)
{
    (void)events;
    struct duet_acceptor *acceptor = acceptor_of_source(source);
    enum accepting last = ACCEPTED;
    for (int i = 0; i < ACCEPTS_PER_TURN && last != NONE_WAITS && last != FAILED; i++)
        last = accept_one(acceptor);
    if (last == FAILED)
        pause_accepting(acceptor);
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
    enum accepting last = ACCEPTED;
    for (int i = 0; i < BACKLOG && last != NONE_WAITS && last != FAILED; i++)
        last = accept_one(acceptor);
    unwatch(acceptor);
    duet_wheel_clear(&acceptor->pause);
}
