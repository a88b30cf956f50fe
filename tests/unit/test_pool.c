/*
 * The queue and its threads: every item once, none behind a blocked one, the capacity, what is
 * taken back, the end.
 * Nothing waits by sleeping; an item that never runs ends the test by the alarm in main.
 */
#include "pool.h"

#include <sched.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { LONG_MS = 60000 };

static void on_rest(void *ctx, unsigned worker)
{
    (void)worker;
    if (ctx != NULL)
        sem_post(ctx);
}

/* A queue that is not running yet. */
static void open_queue(struct duet_pool *pool,
                       void (*run)(struct duet_queue_link *item, unsigned worker),
                       size_t capacity, unsigned threads)
{
    memset(pool, 0, sizeof *pool);
    pool->run = run;
    pool->rest = on_rest;
    assert_int_equal(duet_pool_init(pool, capacity, threads), 0);
}

static void close_queue(struct duet_pool *pool)
{
    assert_true(duet_pool_stop(pool, LONG_MS));
    duet_pool_done(pool);
}

/* ---- Every item once ---- */

enum { PUSHERS = 4, ITEMS = 5000 };

/* An item that counts how often it ran. */
struct counter {
    struct duet_queue_link link;
    _Atomic unsigned runs;
};

struct pusher {
    struct duet_pool *pool;
    struct counter items[ITEMS];
};

static void count_run(struct duet_queue_link *item, unsigned worker)
{
    (void)worker;
    atomic_fetch_add(&((struct counter *)(void *)item)->runs, 1);
}

static void *push_all(void *arg)
{
    struct pusher *pusher = arg;
    struct duet_queue_link *items[32];
    uint32_t seed = (uint32_t)(uintptr_t)pusher;
    for (size_t at = 0; at < ITEMS;) {
        seed = seed * 1664525 + 1013904223;
        size_t n = (seed >> 16) % 32 + 1;
        n = n < ITEMS - at ? n : ITEMS - at;
        for (size_t i = 0; i < n; i++)
            items[i] = &pusher->items[at + i].link;
        size_t pushed = duet_pool_push(pusher->pool, items, n);
        assert_true(pushed <= n);
        at += pushed;
        if (pushed < n)
            sched_yield();
    }
    return NULL;
}

static void every_item_runs_exactly_once(void **state)
{
    (void)state;
    static const size_t capacities[] = {1, 3, 64, 4096};
    for (size_t c = 0; c < sizeof capacities / sizeof *capacities; c++) {
        static struct duet_pool pool;
        static struct pusher pushers[PUSHERS];
        pthread_t threads[PUSHERS];
        memset(pushers, 0, sizeof pushers);
        open_queue(&pool, count_run, capacities[c], 3);
        assert_int_equal(duet_pool_start(&pool), 0);
        for (size_t i = 0; i < PUSHERS; i++) {
            pushers[i].pool = &pool;
            pthread_create(&threads[i], NULL, push_all, &pushers[i]);
        }
        for (size_t i = 0; i < PUSHERS; i++)
            pthread_join(threads[i], NULL);
        close_queue(&pool);
        for (size_t i = 0; i < PUSHERS; i++)
            for (size_t k = 0; k < ITEMS; k++)
                assert_int_equal(atomic_load(&pushers[i].items[k].runs), 1);
    }
}

/* One item at a time for each pusher: each push meets workers that go to sleep. With as many
 * places as pushers there is always room. */
static void *push_one_by_one(void *arg)
{
    struct pusher *pusher = arg;
    for (size_t i = 0; i < ITEMS; i++) {
        struct duet_queue_link *item = &pusher->items[i].link;
        assert_int_equal(duet_pool_push(pusher->pool, &item, 1), 1);
        while (atomic_load(&pusher->items[i].runs) == 0)
            sched_yield();
    }
    return NULL;
}

static void a_queue_with_room_refuses_nothing_and_wakes_who_sleeps(void **state)
{
    (void)state;
    static struct duet_pool pool;
    static struct pusher pushers[PUSHERS];
    pthread_t threads[PUSHERS];
    memset(pushers, 0, sizeof pushers);
    open_queue(&pool, count_run, PUSHERS, 2);
    assert_int_equal(duet_pool_start(&pool), 0);
    for (size_t i = 0; i < PUSHERS; i++) {
        pushers[i].pool = &pool;
        pthread_create(&threads[i], NULL, push_one_by_one, &pushers[i]);
    }
    for (size_t i = 0; i < PUSHERS; i++)
        pthread_join(threads[i], NULL);
    close_queue(&pool);
}

/* ---- Blocked items ---- */

static sem_t gate;
static _Atomic unsigned passed;

struct step {
    struct duet_queue_link link;
    bool blocks;
    unsigned opens_after; /* of those that do not block: how many open the gate for all */
    unsigned blocked;
};

static void run_step(struct duet_queue_link *item, unsigned worker)
{
    (void)worker;
    const struct step *step = (const struct step *)(const void *)item;
    if (step->blocks) {
        while (sem_wait(&gate) != 0)
            continue;
        return;
    }
    if (atomic_fetch_add(&passed, 1) + 1 == step->opens_after)
        for (unsigned i = 0; i < step->blocked; i++)
            sem_post(&gate);
}

/* `blocked` items that end only when all others have run, on one thread more than those. */
static void block_some(unsigned blocked, unsigned others, bool one_push)
{
    static struct duet_pool pool;
    static struct step steps[64];
    struct duet_queue_link *items[64];
    sem_init(&gate, 0, 0);
    atomic_store(&passed, 0);
    open_queue(&pool, run_step, 64, blocked + 1);
    assert_int_equal(duet_pool_start(&pool), 0);

    for (unsigned i = 0; i < blocked + others; i++) {
        steps[i] =
            (struct step){.blocks = i < blocked, .opens_after = others, .blocked = blocked};
        items[i] = &steps[i].link;
    }
    if (one_push)
        assert_int_equal(duet_pool_push(&pool, items, blocked + others), blocked + others);
    else
        for (unsigned i = 0; i < blocked + others; i++)
            assert_int_equal(duet_pool_push(&pool, &items[i], 1), 1);
    close_queue(&pool);
    assert_int_equal(atomic_load(&passed), others);
    sem_destroy(&gate);
}

static void a_blocked_item_holds_back_no_other_while_a_worker_is_free(void **state)
{
    (void)state;
    for (int round = 0; round < 50; round++) {
        block_some(1, 10, true);
        block_some(1, 10, false);
        block_some(3, 20, true);
        block_some(3, 20, false);
    }
}

/* ---- One that goes to sleep while others are woken ---- */

static _Atomic bool holds_signals, holds_rest;
static sem_t may_rest, rests, began;

int __real_pthread_cond_signal(pthread_cond_t *condition);
int __wrap_pthread_cond_signal(pthread_cond_t *condition);

static void wait_for(sem_t *semaphore)
{
    while (sem_wait(semaphore) != 0)
        continue;
}

/* Before the first that sleeps is woken, the one that rests goes on, and has an item. */
int __wrap_pthread_cond_signal(pthread_cond_t *condition)
{
    if (atomic_exchange(&holds_signals, false)) {
        sem_post(&may_rest);
        wait_for(&began);
    }
    return __real_pthread_cond_signal(condition);
}

static void rest_when_told(void *ctx, unsigned worker)
{
    (void)ctx;
    (void)worker;
    if (!atomic_exchange(&holds_rest, false))
        return;
    sem_post(&rests);
    wait_for(&may_rest);
}

static void run_and_tell(struct duet_queue_link *item, unsigned worker)
{
    sem_post(&began);
    run_step(item, worker);
}

/* Three sleep and one is about to, when four items come, of which three block: each of the four
 * must get up. */
static void one_that_goes_to_sleep_takes_no_wake_from_another(void **state)
{
    (void)state;
    static struct duet_pool pool;
    struct step first = {.opens_after = 1}, blocks[3];
    struct step last = {.opens_after = 2, .blocked = 3};
    for (size_t i = 0; i < 3; i++)
        blocks[i] = (struct step){.blocks = true};
    sem_init(&gate, 0, 0);
    sem_init(&may_rest, 0, 0);
    sem_init(&rests, 0, 0);
    sem_init(&began, 0, 0);
    atomic_store(&passed, 0);
    open_queue(&pool, run_and_tell, 64, 4);
    pool.rest = rest_when_told;
    assert_int_equal(duet_pool_start(&pool), 0);
    while (duet_pool_idle(&pool) < 4)
        sched_yield();

    struct duet_queue_link *item = &first.link;
    atomic_store(&holds_rest, true);
    assert_int_equal(duet_pool_push(&pool, &item, 1), 1);
    wait_for(&began);
    wait_for(&rests);

    struct duet_queue_link *items[] = {&blocks[0].link, &blocks[1].link, &blocks[2].link,
                                       &last.link};
    atomic_store(&holds_signals, true);
    assert_int_equal(duet_pool_push(&pool, items, 4), 4);
    close_queue(&pool);
    assert_int_equal(atomic_load(&passed), 2);
}

/* ---- Capacity and order ---- */

static struct duet_queue_link *order[64];
static unsigned order_count;

static void note_order(struct duet_queue_link *item, unsigned worker)
{
    (void)worker;
    order[order_count++] = item;
}

static void the_capacity_refuses_the_excess_and_one_worker_keeps_the_order(void **state)
{
    (void)state;
    for (unsigned capacity = 1; capacity <= 17; capacity++) {
        static struct duet_pool pool;
        struct duet_queue_link links[40] = {0}, *items[40];
        for (unsigned i = 0; i < 40; i++)
            items[i] = &links[i];
        open_queue(&pool, note_order, capacity, 1);
        order_count = 0;
        assert_int_equal(duet_pool_push(&pool, items, 0), 0);
        assert_int_equal(duet_pool_push(&pool, items, 1), 1);
        assert_int_equal(duet_pool_push(&pool, items + 1, 39), capacity - 1);
        assert_int_equal(duet_pool_push(&pool, items + 39, 1), 0);
        assert_int_equal(duet_pool_waiting(&pool), capacity);

        assert_int_equal(duet_pool_start(&pool), 0);
        close_queue(&pool);
        assert_int_equal(order_count, capacity);
        for (unsigned i = 0; i < capacity; i++)
            assert_ptr_equal(order[i], items[i]);
    }
}

/* ---- Blocked workers: what waits, what is taken back ---- */

enum { WORKERS = 3, CAPACITY = 5, ALL = WORKERS + CAPACITY };

/* Waits for the gate; says that it has begun and, once its worker counts as free, that it has
 * ended. */
struct held {
    struct duet_queue_link link;
    struct duet_pool *pool;
    unsigned runs;
};

static sem_t begun, ended;

static void run_held(struct duet_queue_link *item, unsigned worker)
{
    struct held *held = (struct held *)(void *)item;
    held->runs++;
    sem_post(&begun);
    while (sem_wait(&gate) != 0)
        continue;
    duet_pool_finish(held->pool, worker);
    sem_post(&ended);
}

static void wait_for_all(sem_t *semaphore, unsigned count)
{
    while (count > 0)
        if (sem_wait(semaphore) == 0)
            count--;
}

static void open_gate(unsigned count)
{
    while (count-- > 0)
        sem_post(&gate);
}

static void open_held(struct duet_pool *pool, struct held *held, struct duet_queue_link **items,
                      size_t n)
{
    sem_init(&gate, 0, 0);
    sem_init(&begun, 0, 0);
    sem_init(&ended, 0, 0);
    for (size_t i = 0; i < n; i++) {
        held[i] = (struct held){.pool = pool};
        items[i] = &held[i].link;
    }
    open_queue(pool, run_held, CAPACITY, WORKERS);
    assert_int_equal(duet_pool_start(pool), 0);
}

static void close_held(struct duet_pool *pool)
{
    close_queue(pool);
    sem_destroy(&gate);
    sem_destroy(&begun);
    sem_destroy(&ended);
}

/* Pushes what fits, one by one, and when all workers are busy one more. */
static void push_singly(struct duet_pool *pool, struct duet_queue_link **items)
{
    for (unsigned i = 0; i < ALL; i++)
        assert_int_equal(duet_pool_push(pool, &items[i], 1), 1);
    wait_for_all(&begun, WORKERS);
    assert_int_equal(duet_pool_push(pool, &items[ALL], 1), 0);
    for (unsigned i = 0; i < WORKERS; i++)
        sem_post(&begun);
}

/* The next batch comes as soon as the last result of the one before is seen. */
static void what_free_workers_take_does_not_wait(void **state)
{
    (void)state;
    enum { ROUNDS = 2000 };
    static struct duet_pool pool;
    struct held held[ALL + 1];
    struct duet_queue_link *items[ALL + 1];
    open_held(&pool, held, items, ALL + 1);
    for (unsigned round = 0; round < ROUNDS; round++) {
        if (round % 2 == 0)
            assert_int_equal(duet_pool_push(&pool, items, ALL + 1), ALL);
        else
            push_singly(&pool, items);
        open_gate(ALL);
        wait_for_all(&begun, ALL);
        wait_for_all(&ended, ALL);
    }
    close_held(&pool);
    for (unsigned i = 0; i < ALL; i++)
        assert_int_equal(held[i].runs, ROUNDS);
    assert_int_equal(held[ALL].runs, 0);
}

static void what_is_taken_back_leaves_its_place(void **state)
{
    (void)state;
    static struct duet_pool pool;
    struct held held[ALL + 1];
    struct duet_queue_link *items[ALL + 1];
    open_held(&pool, held, items, ALL + 1);
    struct duet_queue_link *const *dead = items + WORKERS, *const *live = items + ALL;
    assert_int_equal(duet_pool_push(&pool, items, WORKERS), WORKERS);
    wait_for_all(&begun, WORKERS);
    assert_int_equal(duet_pool_push(&pool, live, 1), 1);
    for (unsigned round = 0; round < 2000; round++) { /* several times around the ring */
        assert_int_equal(duet_pool_push(&pool, dead, CAPACITY), CAPACITY - 1);
        assert_int_equal(duet_pool_waiting(&pool), CAPACITY);
        for (unsigned i = 0; i < CAPACITY; i++)
            assert_int_equal(duet_pool_take_back(&pool, dead[i]), i < CAPACITY - 1);
        assert_int_equal(duet_pool_waiting(&pool), 1);
    }
    assert_false(duet_pool_take_back(&pool, items[0])); /* it runs */
    assert_int_equal(duet_pool_push(&pool, dead, 1), 1);

    open_gate(WORKERS + 2);
    wait_for_all(&ended, WORKERS + 2);
    assert_false(duet_pool_take_back(&pool, *live)); /* it has run */
    close_held(&pool);
    for (unsigned i = 0; i <= ALL; i++)
        assert_int_equal(held[i].runs, i <= WORKERS || i == ALL ? 1 : 0);
}

/* As many as the ring has cells cannot be refused, however many of those are holes. */
static void one_that_cannot_be_refused_finds_a_hole(void **state)
{
    (void)state;
    static struct duet_pool pool;
    struct held held[ALL + CAPACITY];
    struct duet_queue_link *items[ALL + CAPACITY];
    open_held(&pool, held, items, ALL + CAPACITY);
    assert_int_equal(duet_pool_push(&pool, items, WORKERS), WORKERS);
    wait_for_all(&begun, WORKERS);
    for (unsigned round = 0; round < 2000; round++) {
        assert_int_equal(duet_pool_push(&pool, items + WORKERS, 1), 1);
        assert_true(duet_pool_take_back(&pool, items[WORKERS]));
    }
    assert_int_equal(duet_pool_push(&pool, items + WORKERS, CAPACITY), CAPACITY);
    for (unsigned i = ALL; i < ALL + CAPACITY; i++)
        duet_pool_push_sure(&pool, items[i]);
    assert_int_equal(duet_pool_waiting(&pool), 2 * CAPACITY);
    open_gate(ALL + CAPACITY);
    close_held(&pool);
    for (unsigned i = 0; i < ALL + CAPACITY; i++)
        assert_int_equal(held[i].runs, 1);
}

/* Pushes and takes back at random, while workers take. */
static void *push_and_take_back(void *arg)
{
    struct pusher *pusher = arg;
    uint32_t seed = (uint32_t)(uintptr_t)pusher;
    for (size_t at = 0; at < ITEMS;) {
        struct duet_queue_link *items[8];
        size_t n = 8 < ITEMS - at ? 8 : ITEMS - at;
        for (size_t i = 0; i < n; i++)
            items[i] = &pusher->items[at + i].link;
        size_t pushed = duet_pool_push(pusher->pool, items, n);
        for (size_t i = 0; i < pushed; i++) {
            seed = seed * 1664525 + 1013904223;
            if (seed >> 31 && duet_pool_take_back(pusher->pool, items[i]))
                count_run(items[i], 0); /* in the worker's place */
        }
        at += pushed;
        if (pushed < n)
            sched_yield();
    }
    return NULL;
}

static void an_item_is_run_or_taken_back_and_never_both(void **state)
{
    (void)state;
    static const size_t capacities[] = {1, 7, 64};
    for (size_t c = 0; c < sizeof capacities / sizeof *capacities; c++) {
        static struct duet_pool pool;
        static struct pusher pushers[PUSHERS];
        pthread_t threads[PUSHERS];
        memset(pushers, 0, sizeof pushers);
        open_queue(&pool, count_run, capacities[c], 2);
        assert_int_equal(duet_pool_start(&pool), 0);
        for (size_t i = 0; i < PUSHERS; i++) {
            pushers[i].pool = &pool;
            pthread_create(&threads[i], NULL, push_and_take_back, &pushers[i]);
        }
        for (size_t i = 0; i < PUSHERS; i++)
            pthread_join(threads[i], NULL);
        close_queue(&pool);
        assert_int_equal(duet_pool_waiting(&pool), 0);
        for (size_t i = 0; i < PUSHERS; i++)
            for (size_t k = 0; k < ITEMS; k++)
                assert_int_equal(atomic_load(&pushers[i].items[k].runs), 1);
    }
}

/* ---- Resting ---- */

static void a_worker_rests_after_its_last_item_and_counts_as_idle(void **state)
{
    (void)state;
    static struct duet_pool pool;
    sem_t rested;
    sem_init(&rested, 0, 0);
    struct counter counter = {0};
    struct duet_queue_link *item = &counter.link;
    open_queue(&pool, count_run, 8, 2);
    pool.ctx = &rested;
    assert_int_equal(duet_pool_start(&pool), 0);
    while (duet_pool_idle(&pool) < 2)
        sched_yield();
    while (sem_trywait(&rested) == 0)
        continue;

    assert_int_equal(duet_pool_push(&pool, &item, 1), 1);
    assert_int_equal(sem_wait(&rested), 0);
    assert_int_equal(atomic_load(&counter.runs), 1);
    while (duet_pool_idle(&pool) < 2)
        sched_yield();
    assert_int_equal(duet_pool_waiting(&pool), 0);
    close_queue(&pool);
    sem_destroy(&rested);
}

/* ---- The end ---- */

static void stop_finishes_what_is_queued(void **state)
{
    (void)state;
    for (int round = 0; round < 50; round++) {
        static struct duet_pool pool;
        static struct counter counters[500];
        struct duet_queue_link *items[500];
        memset(counters, 0, sizeof counters);
        for (size_t i = 0; i < 500; i++)
            items[i] = &counters[i].link;
        open_queue(&pool, count_run, 500, 3);
        assert_int_equal(duet_pool_start(&pool), 0);
        assert_int_equal(duet_pool_push(&pool, items, 500), 500);
        close_queue(&pool);
        for (size_t i = 0; i < 500; i++)
            assert_int_equal(atomic_load(&counters[i].runs), 1);
    }
}

static void stop_tells_when_an_item_does_not_end(void **state)
{
    (void)state;
    static struct duet_pool pool;
    struct step block = {.blocks = true};
    struct duet_queue_link *item = &block.link;
    sem_init(&gate, 0, 0);
    open_queue(&pool, run_step, 8, 2);
    assert_int_equal(duet_pool_start(&pool), 0);
    assert_int_equal(duet_pool_push(&pool, &item, 1), 1);
    assert_false(duet_pool_stop(&pool, 5));
    sem_post(&gate);
    close_queue(&pool);
    sem_destroy(&gate);
}

static void one_that_never_started_can_be_stopped_and_done(void **state)
{
    (void)state;
    static struct duet_pool pool;
    open_queue(&pool, count_run, 8, 1);
    close_queue(&pool);
    duet_pool_done(&pool);
}

int main(void)
{
    alarm(240);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_item_runs_exactly_once),
        cmocka_unit_test(a_queue_with_room_refuses_nothing_and_wakes_who_sleeps),
        cmocka_unit_test(one_that_goes_to_sleep_takes_no_wake_from_another),
        cmocka_unit_test(a_blocked_item_holds_back_no_other_while_a_worker_is_free),
        cmocka_unit_test(the_capacity_refuses_the_excess_and_one_worker_keeps_the_order),
        cmocka_unit_test(what_free_workers_take_does_not_wait),
        cmocka_unit_test(what_is_taken_back_leaves_its_place),
        cmocka_unit_test(one_that_cannot_be_refused_finds_a_hole),
        cmocka_unit_test(an_item_is_run_or_taken_back_and_never_both),
        cmocka_unit_test(a_worker_rests_after_its_last_item_and_counts_as_idle),
        cmocka_unit_test(stop_finishes_what_is_queued),
        cmocka_unit_test(stop_tells_when_an_item_does_not_end),
        cmocka_unit_test(one_that_never_started_can_be_stopped_and_done),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
