/*
 * One event loop: an epoll instance, its timers, its mailbox. The only caller of epoll_wait. It
 * knows sources (an fd and what to call when it is ready), deadlines and letters; not what they
 * mean. Everything here is for the loop's own thread, except duet_loop_post, duet_loop_announce
 * and duet_loop_wake.
 */
#ifndef DUET_LOOP_H
#define DUET_LOOP_H

#include "deadline.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Something with an fd. Embedded in its owner, which may go as soon as it is removed. */
struct duet_source {
    void (*ready)(struct duet_source *source, uint32_t events);
    uint64_t id; /* while it is watched: its place, and which of those that had it */
};

/* Something sent to the loop from another thread. Embedded in its owner. */
struct duet_letter {
    struct duet_letter *next;
    void (*deliver)(struct duet_letter *letter); /* on the loop's thread; the letter may be gone
                                                    after */
};

/*  How the loop rests, for those who post:
 *
 *      AWAKE --nothing to do, letters expected--> DOZING --1 ms without any--> ASLEEP
 *        ^-------------- an event, a deadline, an announcement --------------/
 *
 *  A post to a sleeping loop wakes it at once. A dozing one looks into its mailbox soon by
 * itself, so a worker that has more calls to run posts without waking it and announces once at
 * the end: many results, one wake-up. If that worker gets stuck in its next call instead, the
 * results before it are late by a millisecond at most.
 *
 *  A loop that a program waits for, with poll or a loop of its own, is asleep between its
 * turns: its epoll fd alone must tell that there is something to do. It never dozes, and its
 * deadlines are a timer in its epoll. */
enum duet_loop_rest { LOOP_AWAKE, LOOP_DOZING, LOOP_ASLEEP };

struct duet_loop {
    int epoll_fd;
    int wake_fd;
    int timer_fd; /* -1, unless a program waits for the loop */
    bool stopping;
    struct duet_place *places; /* of the sources that are watched */
    uint32_t place_count, first_free_place;
    uint64_t now_ms; /* read once a turn, CLOCK_MONOTONIC */
    uint64_t now_ns;
    struct duet_wheel wheel;
    struct duet_source wake_source;
    struct duet_source timer_source;
    uint64_t timer_at_ms;         /* what the timer is set to; UINT64_MAX: it is not set */
    unsigned expected_letters;    /* the owner's count of letters under way; > 0: doze first */
    unsigned busy_poll_us;        /* how long to spin before resting */
    bool is_turning;              /* this moment */
    void (*turn_over)(void *ctx); /* the last thing in each turn */
    void *ctx;

    _Alignas(64) _Atomic(struct duet_letter *) mailbox; /* newest first */
    _Atomic int rest;
};

/* CLOCK_MONOTONIC in ns. Any thread. */
uint64_t duet_clock_ns(void);

/* Opens the loop. 0 or -errno. */
int duet_loop_init(struct duet_loop *loop, void (*turn_over)(void *ctx), void *ctx);
void duet_loop_done(struct duet_loop *loop);

/* Watches an fd for epoll events, changes what is watched, stops watching. 0 or -errno. Remove
 * before closing: while a forked process holds the file too, epoll goes on with it. */
int duet_loop_add(struct duet_loop *loop, int fd, uint32_t events, struct duet_source *source);
int duet_loop_change(struct duet_loop *loop, int fd, uint32_t events,
                     struct duet_source *source);
void duet_loop_remove(struct duet_loop *loop, int fd, struct duet_source *source);

/* Turns until duet_loop_stop. 0 or -errno of epoll. */
int duet_loop_run(struct duet_loop *loop);

/* From here on a program waits for the loop: its epoll fd is readable when there is something
 * to do in a turn, be it that a deadline has passed. For that it must be asleep, as it is after
 * duet_loop_turn; or woken. 0 or -errno. */
int duet_loop_lend(struct duet_loop *loop);

/* One turn of such a loop, without waiting. 0 or -errno of epoll. */
int duet_loop_turn(struct duet_loop *loop);

/* Whether this thread turns a loop, now or between its turns: it must not wait for one. */
bool duet_loop_is_here(void);

/* Whether it does now, and that loop. */
bool duet_loop_is_turning_here(const struct duet_loop *loop);

/* The turn under way is the last one. The loop's own thread. */
void duet_loop_stop(struct duet_loop *loop);

/* Puts a letter into the mailbox, wakes a loop that sleeps. Any thread. */
void duet_loop_post(struct duet_loop *loop, struct duet_letter *letter);

/* Makes sure that letters posted before are looked at now. Any thread. */
void duet_loop_announce(struct duet_loop *loop);

/* Wakes the loop, whatever it does. Any thread, and signal handlers. */
void duet_loop_wake(struct duet_loop *loop);

#endif
