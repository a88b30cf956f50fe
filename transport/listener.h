/*
 * A listening socket, shared by the loops. The listener binds; each loop has an acceptor on it.
 * When it cannot accept, an acceptor pauses and a timer brings it back: it never spins. Knows
 * nothing of what an accepted fd is for.
 */
#ifndef DUET_LISTENER_H
#define DUET_LISTENER_H

#include "address.h"
#include "count.h"
#include "loop.h"
#include "reserve.h"
#include "unix_path.h"

struct duet_listener {
    int fd;
    pid_t process;               /* that owns it: who bound it, then who runs its server */
    bool is_given;               /* others may go on with it when we have ended */
    struct duet_address address; /* as bound */
    struct duet_unix_path path;  /* of a unix socket that has one */
    char text[DUET_ADDRESS_TEXT_MAX];
};

/* Binds and listens. 0, or -errno with words that name the address and what to do. */
int duet_listener_open(struct duet_listener *listener, const struct duet_address *address,
                       char *words, size_t room);

/* The addresses of one name, on one port; those that this machine does not have are passed over
 * unless it has none. Fills `listeners`, which has room for `count`; returns how many, or
 * -errno with words. */
int duet_listeners_open(struct duet_listener *listeners, const struct duet_address *addresses,
                        int count, char *words, size_t room);

/* The same for a socket that listens already, which it takes. */
int duet_listener_take(struct duet_listener *listener, int fd, enum duet_scheme scheme,
                       char *words, size_t room);

/* Nobody can connect any more, though a process that was forked meanwhile may hold the socket
 * too; then closes it. One that was given is closed and no more: who gave it may go on. */
void duet_listener_end(struct duet_listener *listener);

/* Closes it; a unix socket's path is removed, unless a process that was forked meanwhile
 * listens there. In one that does not own it, which was forked later, both functions close a
 * copy of the fd and no more. */
void duet_listener_close(struct duet_listener *listener);

/* One loop's end of a listener. `accepted` takes the fd, whatever it does with it. */
struct duet_acceptor {
    struct duet_source source;
    struct duet_deadline pause;
    struct duet_listener *listener;
    struct duet_loop *loop;
    struct duet_reserve *reserve; /* may be NULL */
    void (*accepted)(struct duet_acceptor *acceptor, int fd, const struct sockaddr *peer);
    void *ctx;
    uint64_t pause_ms;       /* the last pause, if nothing was accepted since; else 0 */
    _Atomic uint64_t pauses; /* how often nothing could be accepted */
    bool watching;
};

/* Starts accepting; the other members are set by the caller. 0 or -errno. */
int duet_acceptor_start(struct duet_acceptor *acceptor);

/* Accepts what waits in the kernel's queue, then stops. */
void duet_acceptor_stop(struct duet_acceptor *acceptor);

#endif
