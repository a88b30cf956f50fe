/*
 * A server that runs on a thread of the test, and a bare client for it. Port 0 or a socket in a
 * temporary folder; nothing waits by sleeping.
 */
#ifndef DUET_TESTS_SERVED_H
#define DUET_TESTS_SERVED_H

#include "duet.h"

#include <pthread.h>
#include <stddef.h>

struct served {
    duet_server *server;
    pthread_t thread;
    int result; /* of duet_server_run, after served_stop */
};

/* A server with these methods, listening on tcp://127.0.0.1:0; not running yet. It checks
 * results. */
void served_open(struct served *served, const duet_method *methods, void *ctx);
void served_start(struct served *served);

/* Waits until it has ended (after somebody drained it). */
void served_join(struct served *served);

/* Drains, waits, frees. */
void served_stop(struct served *served);

/* A connection to its first listener. */
int served_connect(const struct served *served);

/* Connects and closes at once: 0, or the error that connect gave. */
int served_try_connect(const struct served *served);

/* Sends all the bytes. */
void served_send(int fd, const void *bytes, size_t size);

/* Reads exactly `size` bytes; fails the test when the connection ends first or nothing comes
 * for 10 s. */
void served_read(int fd, void *bytes, size_t size);

/* Reads to the end of the connection; returns how many bytes came. */
size_t served_read_all(int fd, void *bytes, size_t room);

/* Sends one message and reads a reply that must be these bytes. */
void served_exchange(int fd, const void *request, size_t request_size, const void *reply,
                     size_t reply_size);

/* Messages written as text (packed.h), one or several: sends them; reads them, they must be
 * these; does both. */
void served_tell(int fd, const char *format, ...) __attribute__((format(printf, 2, 3)));
void served_expect(int fd, const char *format, ...) __attribute__((format(printf, 2, 3)));
void served_ask(int fd, const char *request, const char *reply);

#endif
