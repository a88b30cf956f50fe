/*
 * A ring of cells after D. Vyukov's bounded queue: pushers and takers claim positions with one
 * compare-and-swap and hand each cell over by its turn number. An item that is taken back
 * leaves a hole: takers skip it, and when the ring is full of them pushers fill them. A mutex
 * is used only to sleep, to wake and to fill holes.
 */
#include "pool.h"

#include <assert.h>
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* What stands in a cell whose item was taken back. */
static struct duet_queue_link hole;

/* As many cells as may be needed at once: what waits or has kept its place, as many more that
 * cannot be refused, one for each worker that is free, and what counts made while others push
 * or take may be wrong by. */
static size_t cells_for(size_t capacity, unsigned threads)
{
    enum { PUSHERS = 256 }; /* loops */
    size_t most = 2 * capacity + 2 * (size_t)threads + PUSHERS, cells = 2;
    while (cells < most)
        cells *= 2;
    return cells;
}

static void init_conditions(struct duet_pool *pool)
{
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->wake, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&pool->all_ended, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

int duet_pool_init(struct duet_pool *pool, size_t capacity, unsigned threads)
{
    size_t cells = cells_for(capacity, threads);
    pool->cells = calloc(cells, sizeof *pool->cells);
    size_t seats = threads > 0 ? threads : 1; /* memory for none may be NULL */
    pool->threads = calloc(seats, sizeof *pool->threads);
    pool->seats = aligned_alloc(_Alignof(struct duet_seat), seats * sizeof *pool->seats);
    if (pool->cells == NULL || pool->threads == NULL || pool->seats == NULL) {
        free(pool->cells);
        free(pool->threads);
        free(pool->seats);
        pool->cells = NULL;
        return -ENOMEM;
    }
    memset(pool->seats, 0, seats * sizeof *pool->seats);
    pool->mask = cells - 1;
    pool->capacity = capacity;
    pool->wanted = threads;
    init_conditions(pool);
    return 0;
}

/* What waits when pushers have come to `pushed`, which may be of before what was taken
 * meanwhile: then nothing waits as far as it tells. Holes are looked at first: who takes one
 * moves on before it counts it, so an error is towards fewer. */
static size_t waiting_below(const struct duet_pool *pool, size_t pushed)
{
    size_t gone = atomic_load(&pool->holes);
    gone += atomic_load(&pool->take_at);
    return pushed > gone ? pushed - gone : 0;
}

size_t duet_pool_waiting(const struct duet_pool *pool)
{
    return waiting_below(pool, atomic_load(&pool->push_at));
}

unsigned duet_pool_idle(const struct duet_pool *pool)
{
    return atomic_load(&pool->sleepers);
}

static size_t count_free(const struct duet_pool *pool)
{
    size_t count = 0;
    for (unsigned i = 0; i < pool->thread_count; i++)
        count += !atomic_load_explicit(&pool->seats[i].is_busy, memory_order_acquire);
    return count;
}

/* How many places are in use. An item that comes again is pushed before its place is left, so
 * that it is seen at least once. */
static size_t places_in_use(const struct duet_pool *pool, size_t pushed)
{
    size_t kept = atomic_load(&pool->kept);
    return kept + waiting_below(pool, pushed);
}

/* How many of n more items may wait, `most` at a time beside what free workers will take.
 * Workers are looked at before the positions: one that is seen busy has taken its item. */
static size_t room_for(const struct duet_pool *pool, size_t pushed, size_t most, size_t n)
{
    size_t waiting = places_in_use(pool, pushed);
    if (waiting <= most && n <= most - waiting)
        return n;
    most += count_free(pool);
    waiting = places_in_use(pool, pushed);
    size_t room = waiting < most ? most - waiting : 0;
    return n < room ? n : room;
}

/* Cells that nothing stands in, not even a hole. */
static size_t free_cells(const struct duet_pool *pool, size_t pushed)
{
    size_t taken = atomic_load(&pool->take_at);
    return pool->mask + 1 - (pushed > taken ? pushed - taken : 0);
}

/* Claims up to n positions in a row, while at most `most` items wait. Returns how many; the
 * first is in `at`. */
static size_t claim(struct duet_pool *pool, size_t most, size_t n, size_t *at)
{
    size_t from = atomic_load(&pool->push_at), count;
    do {
        size_t cells = free_cells(pool, from);
        count = room_for(pool, from, most, n < cells ? n : cells);
        if (count == 0)
            return 0;
    } while (!atomic_compare_exchange_weak(&pool->push_at, &from, from + count));
    *at = from;
    return count;
}

/* The turn of whoever pushes at a position; the taker's is one more. A ring of zeroes begins
 * with lap 0. */
static size_t lap_of(const struct duet_pool *pool, size_t at)
{
    return at & ~pool->mask;
}

static void put(struct duet_pool *pool, size_t at, struct duet_queue_link *item)
{
    struct duet_queue_cell *cell = &pool->cells[at & pool->mask];
    size_t lap = lap_of(pool, at);
    while (atomic_load_explicit(&cell->turn, memory_order_acquire) != lap)
        sched_yield(); /* its last taker has claimed it and not yet emptied it: a few
                          instructions */
    atomic_store_explicit(&item->cell, at & pool->mask, memory_order_relaxed);
    atomic_store_explicit(&cell->item, item, memory_order_release); /* to who takes it back */
    atomic_store(&cell->turn, lap + 1);                             /* and who takes it */
}

/* Puts items into holes, for there are no other cells. They are not far between: the ring is
 * larger than what may wait. */
static size_t fill_holes(struct duet_pool *pool, size_t most,
                         struct duet_queue_link *const *items, size_t n)
{
    size_t count = 0;
    pthread_mutex_lock(&pool->lock);
    for (size_t looked = 0; looked <= pool->mask && count < n; looked++) {
        size_t at = pool->sweep_at++ & pool->mask;
        struct duet_queue_link *found = atomic_load(&pool->cells[at].item);
        if (found != &hole)
            continue;
        if (room_for(pool, atomic_load(&pool->push_at), most, 1) == 0)
            break;
        atomic_store_explicit(&items[count]->cell, at, memory_order_relaxed);
        if (!atomic_compare_exchange_strong(&pool->cells[at].item, &found, items[count]))
            continue; /* it has been skipped */
        atomic_fetch_sub(&pool->holes, 1);
        count++;
    }
    pthread_mutex_unlock(&pool->lock);
    return count;
}

static void wake_sleepers(struct duet_pool *pool, size_t n)
{
    if (atomic_load(&pool->sleepers) == 0)
        return;
    pthread_mutex_lock(&pool->lock);
    unsigned sleeping = atomic_load(&pool->sleepers);
    unsigned count = n < sleeping ? (unsigned)n : sleeping;
    atomic_store(&pool->sleepers, sleeping - count);
    pool->wakes += count;
    pthread_mutex_unlock(&pool->lock);
    for (unsigned i = 0; i < count; i++)
        pthread_cond_signal(&pool->wake);
}

static size_t push(struct duet_pool *pool, size_t most, struct duet_queue_link *const *items,
                   size_t n)
{
    size_t at = 0, count = claim(pool, most, n, &at);
    for (size_t i = 0; i < count; i++)
        put(pool, at + i, items[i]);
    if (count < n && free_cells(pool, atomic_load(&pool->push_at)) == 0)
        count += fill_holes(pool, most, items + count, n - count);
    wake_sleepers(pool, count);
    return count;
}

size_t duet_pool_push(struct duet_pool *pool, struct duet_queue_link *const *items, size_t n)
{
    return push(pool, pool->capacity, items, n);
}

void duet_pool_push_sure(struct duet_pool *pool, struct duet_queue_link *item)
{
    size_t pushed = push(pool, pool->mask + 1, &item, 1);
    assert(pushed == 1);
    (void)pushed;
}

void duet_pool_keep_place(struct duet_pool *pool)
{
    atomic_fetch_add(&pool->kept, 1);
}

void duet_pool_leave_place(struct duet_pool *pool)
{
    atomic_fetch_sub(&pool->kept, 1);
}

bool duet_pool_take_back(struct duet_pool *pool, struct duet_queue_link *item)
{
    struct duet_queue_cell *cell =
        &pool->cells[atomic_load_explicit(&item->cell, memory_order_relaxed)];
    atomic_fetch_add(&pool->holes, 1); /* before anybody can skip it */
    if (atomic_compare_exchange_strong(&cell->item, &item, &hole))
        return true;
    atomic_fetch_sub(&pool->holes, 1);
    return false;
}

/* Empties the cell at a position that the caller has claimed. NULL for a hole. */
static struct duet_queue_link *empty(struct duet_pool *pool, size_t at)
{
    struct duet_queue_cell *cell = &pool->cells[at & pool->mask];
    struct duet_queue_link *item = atomic_exchange(&cell->item, NULL);
    atomic_store_explicit(&cell->turn, lap_of(pool, at) + pool->mask + 1, memory_order_release);
    if (item != &hole)
        return item;
    atomic_fetch_sub(&pool->holes, 1);
    return NULL;
}

struct duet_queue_link *duet_pool_take(struct duet_pool *pool)
{
    size_t at = atomic_load_explicit(&pool->take_at, memory_order_relaxed);
    for (;;) {
        struct duet_queue_cell *cell = &pool->cells[at & pool->mask];
        if (atomic_load(&cell->turn) == lap_of(pool, at) + 1) {
            if (!atomic_compare_exchange_weak(&pool->take_at, &at, at + 1))
                continue;
            struct duet_queue_link *item = empty(pool, at);
            if (item != NULL)
                return item;
            at++;
            continue;
        }
        size_t now = atomic_load_explicit(&pool->take_at, memory_order_relaxed);
        if (now == at)
            return NULL;
        at = now;
    }
}

/* Sleeps until there may be something to take. False when it is time to end. Whoever pushes
 * does so before it looks at `sleepers`, this thread counts itself before it looks at the
 * queue: one of both sees the other. */
static bool sleep_until_pushed(struct duet_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    atomic_fetch_add(&pool->sleepers, 1);
    if (atomic_load(&pool->push_at) != atomic_load(&pool->take_at)) {
        /* `wakes` are for those that sleep: taking one of them would leave one asleep. */
        atomic_fetch_sub(&pool->sleepers, 1);
        pthread_mutex_unlock(&pool->lock);
        return true;
    }
    while (pool->wakes == 0 && !pool->stopping)
        pthread_cond_wait(&pool->wake, &pool->lock);
    bool is_woken = pool->wakes > 0;
    if (is_woken)
        pool->wakes--;
    pthread_mutex_unlock(&pool->lock);
    return is_woken;
}

static void set_busy(struct duet_pool *pool, unsigned worker, bool is_busy)
{
    atomic_store_explicit(&pool->seats[worker].is_busy, is_busy, memory_order_release);
}

void duet_pool_finish(struct duet_pool *pool, unsigned worker)
{
    set_busy(pool, worker, false);
}

static void *work(void *arg)
{
    struct duet_pool *pool = arg;
    const unsigned self = atomic_fetch_add(&pool->numbers, 1);
    do {
        struct duet_queue_link *item;
        while ((item = duet_pool_take(pool)) != NULL) {
            set_busy(pool, self, true);
            pool->run(item, self);
            set_busy(pool, self, false);
        }
        pool->rest(pool->ctx, self);
    } while (sleep_until_pushed(pool));
    pthread_mutex_lock(&pool->lock);
    pool->ended++;
    pthread_cond_signal(&pool->all_ended);
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

int duet_pool_start(struct duet_pool *pool)
{
    for (; pool->thread_count < pool->wanted; pool->thread_count++) {
        int rc = pthread_create(&pool->threads[pool->thread_count], NULL, work, pool);
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

bool duet_pool_stop(struct duet_pool *pool, unsigned wait_ms)
{
    struct timespec until = monotonic_in(wait_ms);
    int rc = 0;
    pthread_mutex_lock(&pool->lock);
    pool->stopping = true;
    pthread_cond_broadcast(&pool->wake);
    while (pool->ended < pool->thread_count && rc == 0)
        rc = pthread_cond_timedwait(&pool->all_ended, &pool->lock, &until);
    bool all_ended = pool->ended == pool->thread_count;
    pthread_mutex_unlock(&pool->lock);
    for (; all_ended && pool->thread_count > 0; pool->thread_count--)
        pthread_join(pool->threads[pool->thread_count - 1], NULL);
    return all_ended;
}

void duet_pool_done(struct duet_pool *pool)
{
    if (pool->cells == NULL)
        return;
    free(pool->threads);
    free(pool->seats);
    free(pool->cells);
    pthread_mutex_destroy(&pool->lock);
    pthread_cond_destroy(&pool->wake);
    pthread_cond_destroy(&pool->all_ended);
    pool->cells = NULL;
}
