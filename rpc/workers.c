/*
 * A ring of cells after D. Vyukov's bounded queue: pushers and takers claim positions with one
 * compare-and-swap and hand each cell over by its turn number. An item that is taken back
 * leaves a hole: takers skip it, and when the ring is full of them pushers fill them. A mutex
 * is used only to sleep, to wake and to fill holes.
 */
#include "workers.h"

#include <assert.h>
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* What stands in a cell whose item was taken back. */
static struct duet_queue_link hole;

/* As many cells as may be needed at once: what waits, as many more that cannot be refused, one
 * for each worker that is free, and what counts made while others push or take may be wrong
 * by. */
static size_t cells_for(size_t capacity, unsigned threads)
{
    enum { PUSHERS = 256 }; /* loops */
    size_t most = 2 * capacity + 2 * (size_t)threads + PUSHERS, cells = 2;
    while (cells < most)
        cells *= 2;
    return cells;
}

static void init_conditions(struct duet_workers *workers)
{
    pthread_mutex_init(&workers->lock, NULL);
    pthread_cond_init(&workers->wake, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&workers->all_ended, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

int duet_workers_init(struct duet_workers *workers, size_t capacity, unsigned threads)
{
    size_t cells = cells_for(capacity, threads);
    workers->cells = calloc(cells, sizeof *workers->cells);
    workers->threads = calloc(threads, sizeof *workers->threads);
    workers->seats =
        aligned_alloc(_Alignof(struct duet_seat), threads * sizeof *workers->seats);
    if (workers->cells == NULL || workers->threads == NULL || workers->seats == NULL) {
        free(workers->cells);
        free(workers->threads);
        free(workers->seats);
        workers->cells = NULL;
        return -ENOMEM;
    }
    memset(workers->seats, 0, threads * sizeof *workers->seats);
    workers->mask = cells - 1;
    workers->capacity = capacity;
    workers->wanted = threads;
    init_conditions(workers);
    return 0;
}

/* What waits when pushers have come to `pushed`, which may be of before what was taken
 * meanwhile: then nothing waits as far as it tells. Holes are looked at first: who takes one
 * moves on before it counts it, so an error is towards fewer. */
static size_t waiting_below(const struct duet_workers *workers, size_t pushed)
{
    size_t gone = atomic_load(&workers->holes);
    gone += atomic_load(&workers->take_at);
    return pushed > gone ? pushed - gone : 0;
}

size_t duet_workers_waiting(const struct duet_workers *workers)
{
    return waiting_below(workers, atomic_load(&workers->push_at));
}

unsigned duet_workers_idle(const struct duet_workers *workers)
{
    return atomic_load(&workers->sleepers);
}

static size_t count_free(const struct duet_workers *workers)
{
    size_t count = 0;
    for (unsigned i = 0; i < workers->thread_count; i++)
        count += !atomic_load_explicit(&workers->seats[i].is_busy, memory_order_acquire);
    return count;
}

/* How many of n more items may wait, `most` at a time beside what free workers will take.
 * Workers are looked at before the positions: one that is seen busy has taken its item. */
static size_t room_for(const struct duet_workers *workers, size_t pushed, size_t most, size_t n)
{
    size_t waiting = waiting_below(workers, pushed);
    if (waiting <= most && n <= most - waiting)
        return n;
    most += count_free(workers);
    waiting = waiting_below(workers, pushed);
    size_t room = waiting < most ? most - waiting : 0;
    return n < room ? n : room;
}

/* Cells that nothing stands in, not even a hole. */
static size_t free_cells(const struct duet_workers *workers, size_t pushed)
{
    size_t taken = atomic_load(&workers->take_at);
    return workers->mask + 1 - (pushed > taken ? pushed - taken : 0);
}

/* Claims up to n positions in a row, while at most `most` items wait. Returns how many; the
 * first is in `at`. */
static size_t claim(struct duet_workers *workers, size_t most, size_t n, size_t *at)
{
    size_t from = atomic_load(&workers->push_at), count;
    do {
        size_t cells = free_cells(workers, from);
        count = room_for(workers, from, most, n < cells ? n : cells);
        if (count == 0)
            return 0;
    } while (!atomic_compare_exchange_weak(&workers->push_at, &from, from + count));
    *at = from;
    return count;
}

/* The turn of whoever pushes at a position; the taker's is one more. A ring of zeroes begins
 * with lap 0. */
static size_t lap_of(const struct duet_workers *workers, size_t at)
{
    return at & ~workers->mask;
}

static void put(struct duet_workers *workers, size_t at, struct duet_queue_link *item)
{
    struct duet_queue_cell *cell = &workers->cells[at & workers->mask];
    size_t lap = lap_of(workers, at);
    while (atomic_load_explicit(&cell->turn, memory_order_acquire) != lap)
        sched_yield(); /* its last taker has claimed it and not yet emptied it: a few
                          instructions */
    atomic_store_explicit(&item->cell, at & workers->mask, memory_order_relaxed);
    atomic_store_explicit(&cell->item, item, memory_order_relaxed);
    atomic_store(&cell->turn, lap + 1);
}

/* Puts items into holes, for there are no other cells. They are not far between: the ring is
 * larger than what may wait. */
static size_t fill_holes(struct duet_workers *workers, size_t most,
                         struct duet_queue_link *const *items, size_t n)
{
    size_t count = 0;
    pthread_mutex_lock(&workers->lock);
    for (size_t looked = 0; looked <= workers->mask && count < n; looked++) {
        size_t at = workers->sweep_at++ & workers->mask;
        struct duet_queue_link *found = atomic_load(&workers->cells[at].item);
        if (found != &hole)
            continue;
        if (room_for(workers, atomic_load(&workers->push_at), most, 1) == 0)
            break;
        atomic_store_explicit(&items[count]->cell, at, memory_order_relaxed);
        if (!atomic_compare_exchange_strong(&workers->cells[at].item, &found, items[count]))
            continue; /* it has been skipped */
        atomic_fetch_sub(&workers->holes, 1);
        count++;
    }
    pthread_mutex_unlock(&workers->lock);
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

static size_t push(struct duet_workers *workers, size_t most,
                   struct duet_queue_link *const *items, size_t n)
{
    size_t at = 0, count = claim(workers, most, n, &at);
    for (size_t i = 0; i < count; i++)
        put(workers, at + i, items[i]);
    if (count < n && free_cells(workers, atomic_load(&workers->push_at)) == 0)
        count += fill_holes(workers, most, items + count, n - count);
    wake_sleepers(workers, count);
    return count;
}

size_t duet_workers_push(struct duet_workers *workers, struct duet_queue_link *const *items,
                         size_t n)
{
    return push(workers, workers->capacity, items, n);
}

void duet_workers_push_sure(struct duet_workers *workers, struct duet_queue_link *item)
{
    size_t pushed = push(workers, workers->mask + 1, &item, 1);
    assert(pushed == 1);
    (void)pushed;
}

bool duet_workers_take_back(struct duet_workers *workers, struct duet_queue_link *item)
{
    struct duet_queue_cell *cell =
        &workers->cells[atomic_load_explicit(&item->cell, memory_order_relaxed)];
    atomic_fetch_add(&workers->holes, 1); /* before anybody can skip it */
    if (atomic_compare_exchange_strong(&cell->item, &item, &hole))
        return true;
    atomic_fetch_sub(&workers->holes, 1);
    return false;
}

/* Empties the cell at a position that the caller has claimed. NULL for a hole. */
static struct duet_queue_link *empty(struct duet_workers *workers, size_t at)
{
    struct duet_queue_cell *cell = &workers->cells[at & workers->mask];
    struct duet_queue_link *item = atomic_exchange(&cell->item, NULL);
    atomic_store_explicit(&cell->turn, lap_of(workers, at) + workers->mask + 1,
                          memory_order_release);
    if (item != &hole)
        return item;
    atomic_fetch_sub(&workers->holes, 1);
    return NULL;
}

static struct duet_queue_link *take(struct duet_workers *workers)
{
    size_t at = atomic_load_explicit(&workers->take_at, memory_order_relaxed);
    for (;;) {
        struct duet_queue_cell *cell = &workers->cells[at & workers->mask];
        if (atomic_load(&cell->turn) == lap_of(workers, at) + 1) {
            if (!atomic_compare_exchange_weak(&workers->take_at, &at, at + 1))
                continue;
            struct duet_queue_link *item = empty(workers, at);
            if (item != NULL)
                return item;
            at++;
            continue;
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
    if (atomic_load(&workers->push_at) != atomic_load(&workers->take_at)) {
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

static void set_busy(struct duet_workers *workers, unsigned worker, bool is_busy)
{
    atomic_store_explicit(&workers->seats[worker].is_busy, is_busy, memory_order_release);
}

void duet_workers_finish(struct duet_workers *workers, unsigned worker)
{
    set_busy(workers, worker, false);
}

static void *work(void *arg)
{
    struct duet_workers *workers = arg;
    const unsigned self = atomic_fetch_add(&workers->numbers, 1);
    do {
        struct duet_queue_link *item;
        while ((item = take(workers)) != NULL) {
            set_busy(workers, self, true);
            workers->run(item, self);
            set_busy(workers, self, false);
        }
        workers->rest(workers->ctx, self);
    } while (sleep_until_pushed(workers));
    pthread_mutex_lock(&workers->lock);
    workers->ended++;
    pthread_cond_signal(&workers->all_ended);
    pthread_mutex_unlock(&workers->lock);
    return NULL;
}

int duet_workers_start(struct duet_workers *workers)
{
    for (; workers->thread_count < workers->wanted; workers->thread_count++) {
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
    at.tv_sec += (time_t)(ms / 1000);
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
    free(workers->seats);
    free(workers->cells);
    pthread_mutex_destroy(&workers->lock);
    pthread_cond_destroy(&workers->wake);
    pthread_cond_destroy(&workers->all_ended);
    workers->cells = NULL;
}
