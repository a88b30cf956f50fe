/*
 * A home under test: one loop of a server that never runs. It turns on the test's own thread,
 * turn by turn; peers are the other ends of socket pairs. There is a queue for workers and no
 * worker: what goes there waits until the test takes it and is the worker.
 */
#ifndef DUET_TESTS_HOME_RIG_H
#define DUET_TESTS_HOME_RIG_H

#include "home.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct home_rig {
    duet_server *server;
    struct duet_home *home;
    void (*turn_over)(void *ctx); /* the home's own */
};

/* A server of one loop with these methods; then the home, once the test has set its options. */
void home_rig_init(struct home_rig *rig, const duet_method *methods, void *ctx);
void home_rig_open(struct home_rig *rig);
void home_rig_close(struct home_rig *rig);

/* The peer's end of a new connection; non-blocking. */
int home_rig_connect(struct home_rig *rig);

/* The peer is gone, and the home knows it. */
void home_rig_leave(struct home_rig *rig, int peer);

/* One turn: takes what is there, does not wait. */
void home_rig_turn(struct home_rig *rig);

/* Turns until a deadline `ms` from now has passed. */
void home_rig_let_pass(struct home_rig *rig, uint64_t ms);

/* The peer sends messages written as text (packed.h), or text, or bytes; a turn takes them. */
void home_rig_send(struct home_rig *rig, int peer, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void home_rig_send_text(struct home_rig *rig, int peer, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void home_rig_send_raw(struct home_rig *rig, int peer, const void *bytes, size_t size);

/* The peer has got these replies, or nothing, or one that begins with and contains these texts
 * (and is forgotten). */
void home_rig_expect(int peer, const char *format, ...) __attribute__((format(printf, 2, 3)));
void home_rig_expect_nothing(int peer);
void home_rig_expect_text(int peer, const char *begin, const char *part);

/* The peer reads the end of its connection. */
void home_rig_expect_end(int peer);

/* How many calls wait for a worker. */
size_t home_rig_waiting(const struct home_rig *rig);

/* The job of the newest ticket; and it is taken from the queue by a worker that is the test. */
struct duet_job *home_rig_newest_job(struct home_rig *rig);
void home_rig_work(struct home_rig *rig, struct duet_job *job);

#endif
