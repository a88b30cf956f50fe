/*
 * A ring of cells after D. Vyukov's bounded queue: pushers and takers claim positions with one
 * compare-and-swap and hand each cell over by its turn number. A mutex is used only to sleep
 * and to wake.
 */
#include "workers.h"

#include <assert.h>
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <time.h>

int duet_workers_init(struct duet_workers *workers, size_t capacity)
{
    size_t cells = 2;
    while (cells < 2 * capacity) /* half of it for those that cannot be refused */
        cells *= 2;
    workers->cells = calloc(cells, sizeof *workers->cells);
    if (workers->cells == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < cells; i++)
        atomic_init(&workers->cells[i].turn, i);
    workers->mask = cells - 1;
    workers->capacity = capacity;
    pthread_mutex_init(&workers->lock, NULL);
    pthread_cond_init(&workers->wake, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&workers->all_ended, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return 0;
}

size_t duet_workers_waiting(const struct duet_workers *workers)
{
    size_t taken = atomic_load(&workers->take_at);
    size_t pushed = atomic_load(&workers->push_at);
    return pushed > taken ? pushed - taken : 0;
}

unsigned duet_workers_idle(const struct duet_workers *workers)
{
    return atomic_load(&workers->sleepers);
}

/* Claims up to n positions in a row, while at most `max` items wait. Returns how many; the
 * first is in `at`. */
static size_t claim(struct duet_workers *workers, size_t max, size_t n, size_t *at)
{
    size_t from = atomic_load(&workers->push_at), count;
    do {
        size_t taken = atomic_load(&workers->take_at);
        /* `from` may be of before what was taken meanwhile was pushed: then nothing waits as
         * far as it tells, and the exchange fails and reads it anew. */
        size_t waiting = from > taken ? from - taken : 0;
        size_t room = waiting < max ? max - waiting : 0;
        count = n < room ? n : room;
        if (count == 0)
            return 0;
    } while (!atomic_compare_exchange_weak(&workers->push_at, &from, from + count));
    *at = from;
    return count;
}

static void wake_sleepers(struct duet_workers *workers, size_t n)
{
    if (atomic_load(&workers->sleepers) == 0)
        return;
    pthread_mutex_lock(&workers->lock);
    unsigned sleeping = atomic_load(&workers->sleepers);
    unsigned count = n < sleeping ? (unsigned)n : sleeping;
    atomic_store(&workers->sleepers, sleeping - count);
    workers->wakes += count;
    pthread_mutex_unlock(&workers->lock);
    for (unsigned i = 0; i < count; i++)
        pthread_cond_signal(&workers->wake);
}

static size_t push(struct duet_workers *workers, size_t max, void *const *items, size_t n)
{
    size_t at = 0, count = claim(workers, max, n, &at);
    for (size_t i = 0; i < count; i++) {
        struct duet_queue_cell *cell = &workers->cells[(at + i) & workers->mask];
        while (atomic_load_explicit(&cell->turn, memory_order_acquire) != at + i)
            sched_yield(); /* its last taker has claimed it and not yet emptied it: a few
                              instructions */
        cell->item = items[i];
        atomic_store(&cell->turn, at + i + 1);
    }
    wake_sleepers(workers, count);
    return count;
}

size_t duet_workers_push(struct duet_workers *workers, void *const *items, size_t n)
{
    return push(workers, workers->capacity, items, n);
}

void duet_workers_push_sure(struct duet_workers *workers, void *item)
{
    size_t pushed = push(workers, workers->mask + 1, &item, 1);
    assert(pushed == 1);
    (void)pushed;
}

static void *take(struct duet_workers *workers)
{
    size_t at = atomic_load_explicit(&workers->take_at, memory_order_relaxed);
    for (;;) {
        struct duet_queue_cell *cell = &workers->cells[at & workers->mask];
        size_t turn = atomic_load(&cell->turn);
        if (turn == at + 1) {
            if (!atomic_compare_exchange_weak(&workers->take_at, &at, at + 1))
                continue;
            void *item = cell->item;
            atomic_store_explicit(&cell->turn, at + workers->mask + 1, memory_order_release);
            return item;
        }
        size_t now = atomic_load_explicit(&workers->take_at, memory_order_relaxed);
        if (now == at)
            return NULL;
        at = now;
    }
}

/* Sleeps until there may be something to take. False when it is time to end. Whoever pushes
 * does so before it looks at `sleepers`, this thread counts itself before it looks at the
 * queue: one of both sees the other. */
static bool sleep_until_pushed(struct duet_workers *workers)
{
    pthread_mutex_lock(&workers->lock);
    atomic_fetch_add(&workers->sleepers, 1);
    if (duet_workers_waiting(workers) > 0) {
        /* `wakes` are for those that sleep: taking one of them would leave one asleep. */
        atomic_fetch_sub(&workers->sleepers, 1);
        pthread_mutex_unlock(&workers->lock);
        return true;
    }
    while (workers->wakes == 0 && !workers->stopping)
        pthread_cond_wait(&workers->wake, &workers->lock);
    bool is_woken = workers->wakes > 0;
    if (is_woken)
        workers->wakes--;
    pthread_mutex_unlock(&workers->lock);
    return is_woken;
}

static _Thread_local unsigned number;

unsigned duet_workers_number(void)
{
    return number;
}

static void *work(void *arg)
{
    struct duet_workers *workers = arg;
    number = atomic_fetch_add(&workers->numbers, 1);
    do {
        void *item;
        while ((item = take(workers)) != NULL)
            workers->run(item);
        workers->rest(workers->ctx);
    } while (sleep_until_pushed(workers));
    pthread_mutex_lock(&workers->lock);
    workers->ended++;
    pthread_cond_signal(&workers->all_ended);
    pthread_mutex_unlock(&workers->lock);
    return NULL;
}

int duet_workers_start(struct duet_workers *workers, unsigned count)
{
    workers->threads = calloc(count, sizeof *workers->threads);
    if (workers->threads == NULL)
        return -ENOMEM;
    for (; workers->thread_count < count; workers->thread_count++) {
        int rc = pthread_create(&workers->threads[workers->thread_count], NULL, work, workers);
        if (rc != 0)
            return -rc;
    }
    return 0;
}

static struct timespec monotonic_in(unsigned ms)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_sec += ms / 1000;
    at.tv_nsec += (long)(ms % 1000) * 1000000;
    if (at.tv_nsec >= 1000000000) {
        at.tv_sec++;
        at.tv_nsec -= 1000000000;
    }
    return at;
}

bool duet_workers_stop(struct duet_workers *workers, unsigned wait_ms)
{
    struct timespec until = monotonic_in(wait_ms);
    int rc = 0;
    pthread_mutex_lock(&workers->lock);
    workers->stopping = true;
    pthread_cond_broadcast(&workers->wake);
    while (workers->ended < workers->thread_count && rc == 0)
        rc = pthread_cond_timedwait(&workers->all_ended, &workers->lock, &until);
    bool all_ended = workers->ended == workers->thread_count;
    pthread_mutex_unlock(&workers->lock);
    for (; all_ended && workers->thread_count > 0; workers->thread_count--)
        pthread_join(workers->threads[workers->thread_count - 1], NULL);
    return all_ended;
}

void duet_workers_done(struct duet_workers *workers)
{
    if (workers->cells == NULL)
        return;
    free(workers->threads);
    free(workers->cells);
    pthread_mutex_destroy(&workers->lock);
    pthread_cond_destroy(&workers->wake);
    pthread_cond_destroy(&workers->all_ended);
    workers->cells = NULL;
}
