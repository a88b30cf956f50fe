/*
 * The bounded queue and its threads. Loops push what arrived in one turn at once; workers take
 * one call at a time, so that none ever waits behind a handler that blocks while another worker
 * is free. What a free worker will take at once does not wait: with W workers free, W items
 * more than the capacity fit. What is not wanted any more is taken back, and its place is free.
 * What has to go home in between keeps its place.
 * Knows no calls: items are links that their owner embeds, `run` does the work.
 */
#ifndef DUET_POOL_H
#define DUET_POOL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct duet_queue_link {
    _Atomic size_t cell; /* where it was pushed to */
};

struct duet_queue_cell {
    _Atomic size_t turn; /* in each lap of the ring a pusher's, then (one more) a taker's */
    _Atomic(struct duet_queue_link *) item; /* NULL when taken */
};

/* What others may know of a worker, on a cache line of its own. */
struct duet_seat {
    _Alignas(64) _Atomic bool is_busy;
};

struct duet_pool {
    void (*run)(struct duet_queue_link *item, unsigned worker); /* on a thread, one of 0, 1,
                                                                   … */
    void (*rest)(void *ctx, unsigned worker); /* it found nothing more to do; it may look again
                                                 and again */
    void *ctx;

    struct duet_queue_cell *cells; /* a power of two */
    size_t mask, capacity;
    _Alignas(64) _Atomic size_t push_at;
    _Atomic size_t holes; /* cells between take_at and push_at whose items were taken back */
    _Atomic size_t kept;  /* places of items that were taken and will come again */
    size_t sweep_at;      /* under lock: where holes are looked for next */
    _Alignas(64) _Atomic size_t take_at;
    _Alignas(64) _Atomic unsigned sleepers; /* changed under lock */
    pthread_mutex_t lock;
    pthread_cond_t wake;
    unsigned wakes; /* under lock: sleepers that were told to get up and have not yet */
    bool stopping;  /* under lock */

    pthread_t *threads;
    struct duet_seat *seats;
    unsigned wanted; /* threads */
    unsigned thread_count;
    unsigned ended; /* under lock: threads that have nothing more to do */
    pthread_cond_t all_ended;
    _Atomic unsigned numbers; /* given to threads so far */
};

/* Prepares a queue for `threads` threads and up to `capacity` items that wait for them; `run`
 * and `rest` are the caller's to set before. With no threads its owner takes from it. 0 or
 * -ENOMEM. */
int duet_pool_init(struct duet_pool *pool, size_t capacity, unsigned threads);

/* Starts the threads. 0 or -errno; `thread_count` says how many there are. */
int duet_pool_start(struct duet_pool *pool);

/* Queues up to n items and wakes who sleeps. Returns how many fitted; the rest is refused. Any
 * thread. */
size_t duet_pool_push(struct duet_pool *pool, struct duet_queue_link *const *items, size_t n);

/* Queues one item that cannot be refused: it has kept its place; or it is one of those that the
 * caller has counted, at most `capacity` of them at a time, for which the queue has room beyond
 * what others may fill. Any thread. */
void duet_pool_push_sure(struct duet_pool *pool, struct duet_queue_link *item);

/* Of an item that a worker has taken: it will be pushed again, and so long nobody else gets its
 * place. And afterwards, or when it does not come: the place is anybody's. Any thread. */
void duet_pool_keep_place(struct duet_pool *pool);
void duet_pool_leave_place(struct duet_pool *pool);

/* The item that has waited longest, or NULL. For threads that are not the queue's own. */
struct duet_queue_link *duet_pool_take(struct duet_pool *pool);

/* Takes back an item that waits: true, and no worker will ever see it. False if it is not in
 * the queue, or no longer. For its owner, any thread. */
bool duet_pool_take_back(struct duet_pool *pool, struct duet_queue_link *item);

/* A worker has done what it took, all but to hand on the result: whoever sees that result finds
 * the worker free. It need not be told: `run` returning says the same. */
void duet_pool_finish(struct duet_pool *pool, unsigned worker);

/* How many items wait. Any thread; a moment's truth. */
size_t duet_pool_waiting(const struct duet_pool *pool);

/* Threads that sleep now. */
unsigned duet_pool_idle(const struct duet_pool *pool);

/* Lets the threads finish what is queued and ends them. False if one is still busy after
 * `wait_ms`: then nothing of `workers` may be freed. */
bool duet_pool_stop(struct duet_pool *pool, unsigned wait_ms);

/* Frees the queue; the threads have ended. */
void duet_pool_done(struct duet_pool *pool);

#endif
