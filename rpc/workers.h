/*
 * The bounded queue and its threads. Loops push what arrived in one turn at once; workers take
 * one call at a time, so that none ever waits behind a handler that blocks while another worker
 * is free. Knows no calls: items are pointers, `run` does the work.
 */
#ifndef DUET_WORKERS_H
#define DUET_WORKERS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct duet_queue_cell {
    _Atomic size_t turn; /* whose turn it is: a pusher's at position p, a taker's at p + 1 */
    void *item;
};

struct duet_workers {
    void (*run)(void *item); /* on a worker's thread */
    void (*rest)(
        void *self); /* that worker found nothing more to do; it may look again and again */
    void *ctx;

    struct duet_queue_cell *cells; /* a power of two, at least twice `capacity` */
    size_t mask, capacity;
    _Alignas(64) _Atomic size_t push_at;
    _Alignas(64) _Atomic size_t take_at;
    _Alignas(64) _Atomic unsigned sleepers; /* changed under lock */
    pthread_mutex_t lock;
    pthread_cond_t wake;
    unsigned wakes; /* under lock: sleepers that were told to get up and have not yet */
    bool stopping;  /* under lock */

    pthread_t *threads;
    unsigned thread_count;
    unsigned ended; /* under lock: threads that have nothing more to do */
    pthread_cond_t all_ended;
    _Atomic unsigned numbers; /* given to threads so far */
};

/* Prepares a queue for `capacity` items; `run` and `rest` are the caller's to set before. 0 or
 * -ENOMEM. */
int duet_workers_init(struct duet_workers *workers, size_t capacity);

/* Starts `count` threads. 0 or -errno. */
int duet_workers_start(struct duet_workers *workers, unsigned count);

/* Queues up to n items and wakes who sleeps. Returns how many fitted; the rest is refused. Any
 * thread. */
size_t duet_workers_push(struct duet_workers *workers, void *const *items, size_t n);

/* Queues one item that cannot be refused: one of those that the caller has counted, at most
 * `capacity` of them at a time, for which the queue has room beyond what others may fill. Any
 * thread. */
void duet_workers_push_sure(struct duet_workers *workers, void *item);

/* Which of the threads the calling worker is, from 0. */
unsigned duet_workers_number(void);

/* How many items wait. Any thread; a moment's truth. */
size_t duet_workers_waiting(const struct duet_workers *workers);

/* Threads that have nothing to do now. */
unsigned duet_workers_idle(const struct duet_workers *workers);

/* Lets the threads finish what is queued and ends them. False if one is still busy after
 * `wait_ms`: then nothing of `workers` may be freed. */
bool duet_workers_stop(struct duet_workers *workers, unsigned wait_ms);

/* Frees the queue; the threads have ended. */
void duet_workers_done(struct duet_workers *workers);

#endif
