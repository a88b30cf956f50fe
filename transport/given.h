/*
 * Sockets that a program has opened or was given, by systemd or by whoever started it: whether
 * they are what is asked for, and made like ours: closed on exec, not blocking, none of stdio's
 * numbers. Any thread.
 */
#ifndef DUET_GIVEN_H
#define DUET_GIVEN_H

#include "address.h"

/* One that listens. Takes `fd`, whatever comes of it; returns the fd to use, which may be
 * another one, and fills in its address but for the scheme. -ENOTSOCK, -EINVAL for one that is
 * no stream of TCP or unix sockets, or does not listen, or another -errno, with words. */
int duet_given_listening(int fd, struct duet_address *address, char *words, size_t room);

/* One that is connected, and its peer. The same; -EINVAL for one that is not. */
int duet_given_connected(int fd, struct sockaddr_storage *peer);

#endif
