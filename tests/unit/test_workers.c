/*
 * The queue and its threads: every item once, none behind a blocked one, the capacity, the end.
 * Nothing waits by sleeping; an item that never runs ends the test by the alarm in main.
 */
#include "workers.h"

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

static void on_rest(void *ctx)
{
    if (ctx != NULL)
        sem_post(ctx);
}

static void open_queue(struct duet_workers *workers, void (*run)(void *item), size_t capacity)
{
    memset(workers, 0, sizeof *workers);
    workers->run = run;
    workers->rest = on_rest;
    assert_int_equal(duet_workers_init(workers, capacity), 0);
}

static void close_queue(struct duet_workers *workers)
{
    assert_true(duet_workers_stop(workers, LONG_MS));
    duet_workers_done(workers);
}

/* ---- Every item once ---- */

enum { PUSHERS = 4, ITEMS = 5000 };

struct pusher {
    struct duet_workers *workers;
    _Atomic unsigned runs[ITEMS];
};

static void count_run(void *item)
{
    atomic_fetch_add((_Atomic unsigned *)item, 1);
}

static void *push_all(void *arg)
{
    struct pusher *pusher = arg;
    void *items[32];
    uint32_t seed = (uint32_t)(uintptr_t)pusher;
    for (size_t at = 0; at < ITEMS;) {
        seed = seed * 1664525 + 1013904223;
        size_t n = (seed >> 16) % 32 + 1;
        n = n < ITEMS - at ? n : ITEMS - at;
        for (size_t i = 0; i < n; i++)
            items[i] = &pusher->runs[at + i];
        size_t pushed = duet_workers_push(pusher->workers, items, n);
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
        static struct duet_workers workers;
        static struct pusher pushers[PUSHERS];
        pthread_t threads[PUSHERS];
        memset(pushers, 0, sizeof pushers);
        open_queue(&workers, count_run, capacities[c]);
        assert_int_equal(duet_workers_start(&workers, 3), 0);
        for (size_t i = 0; i < PUSHERS; i++) {
            pushers[i].workers = &workers;
            pthread_create(&threads[i], NULL, push_all, &pushers[i]);
        }
        for (size_t i = 0; i < PUSHERS; i++)
            pthread_join(threads[i], NULL);
        close_queue(&workers);
        for (size_t i = 0; i < PUSHERS; i++)
            for (size_t k = 0; k < ITEMS; k++)
                assert_int_equal(atomic_load(&pushers[i].runs[k]), 1);
    }
}

/* One item at a time for each pusher: each push meets workers that go to sleep. With as many
 * places as pushers there is always room. */
static void *push_one_by_one(void *arg)
{
    struct pusher *pusher = arg;
    for (size_t i = 0; i < ITEMS; i++) {
        void *item = &pusher->runs[i];
        assert_int_equal(duet_workers_push(pusher->workers, &item, 1), 1);
        while (atomic_load(&pusher->runs[i]) == 0)
            sched_yield();
    }
    return NULL;
}

static void a_queue_with_room_refuses_nothing_and_wakes_who_sleeps(void **state)
{
    (void)state;
    static struct duet_workers workers;
    static struct pusher pushers[PUSHERS];
    pthread_t threads[PUSHERS];
    memset(pushers, 0, sizeof pushers);
    open_queue(&workers, count_run, PUSHERS);
    assert_int_equal(duet_workers_start(&workers, 2), 0);
    for (size_t i = 0; i < PUSHERS; i++) {
        pushers[i].workers = &workers;
        pthread_create(&threads[i], NULL, push_one_by_one, &pushers[i]);
    }
    for (size_t i = 0; i < PUSHERS; i++)
        pthread_join(threads[i], NULL);
    close_queue(&workers);
}

/* ---- Blocked items ---- */

static sem_t gate;
static _Atomic unsigned passed;

struct step {
    bool blocks;
    unsigned opens_after; /* of those that do not block: how many open the gate for all */
    unsigned blocked;
};

static void run_step(void *item)
{
    const struct step *step = item;
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
    static struct duet_workers workers;
    struct step block = {.blocks = true};
    struct step pass = {.opens_after = others, .blocked = blocked};
    sem_init(&gate, 0, 0);
    atomic_store(&passed, 0);
    open_queue(&workers, run_step, 64);
    assert_int_equal(duet_workers_start(&workers, blocked + 1), 0);

    void *items[64];
    for (unsigned i = 0; i < blocked + others; i++)
        items[i] = i < blocked ? &block : &pass;
    if (one_push)
        assert_int_equal(duet_workers_push(&workers, items, blocked + others),
                         blocked + others);
    else
        for (unsigned i = 0; i < blocked + others; i++)
            assert_int_equal(duet_workers_push(&workers, &items[i], 1), 1);
    close_queue(&workers);
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

static void rest_when_told(void *ctx)
{
    (void)ctx;
    if (!atomic_exchange(&holds_rest, false))
        return;
    sem_post(&rests);
    wait_for(&may_rest);
}

static void run_and_tell(void *item)
{
    sem_post(&began);
    run_step(item);
}

/* Three sleep and one is about to, when four items come, of which three block: each of the four
 * must get up. */
static void one_that_goes_to_sleep_takes_no_wake_from_another(void **state)
{
    (void)state;
    static struct duet_workers workers;
    struct step first = {.opens_after = 1}, block = {.blocks = true};
    struct step last = {.opens_after = 2, .blocked = 3};
    sem_init(&gate, 0, 0);
    sem_init(&may_rest, 0, 0);
    sem_init(&rests, 0, 0);
    sem_init(&began, 0, 0);
    atomic_store(&passed, 0);
    open_queue(&workers, run_and_tell, 64);
    workers.rest = rest_when_told;
    assert_int_equal(duet_workers_start(&workers, 4), 0);
    while (duet_workers_idle(&workers) < 4)
        sched_yield();

    void *item = &first;
    atomic_store(&holds_rest, true);
    assert_int_equal(duet_workers_push(&workers, &item, 1), 1);
    wait_for(&began);
    wait_for(&rests);

    void *items[] = {&block, &block, &block, &last};
    atomic_store(&holds_signals, true);
    assert_int_equal(duet_workers_push(&workers, items, 4), 4);
    close_queue(&workers);
    assert_int_equal(atomic_load(&passed), 2);
}

/* ---- Capacity and order ---- */

static unsigned order[64];
static unsigned order_count;

static void note_order(void *item)
{
    order[order_count++] = *(unsigned *)item;
}

static void the_capacity_refuses_the_excess_and_one_worker_keeps_the_order(void **state)
{
    (void)state;
    for (unsigned capacity = 1; capacity <= 17; capacity++) {
        static struct duet_workers workers;
        unsigned numbers[40];
        void *items[40];
        for (unsigned i = 0; i < 40; i++) {
            numbers[i] = i;
            items[i] = &numbers[i];
        }
        open_queue(&workers, note_order, capacity);
        order_count = 0;
        assert_int_equal(duet_workers_push(&workers, items, 0), 0);
        assert_int_equal(duet_workers_push(&workers, items, 1), 1);
        assert_int_equal(duet_workers_push(&workers, items + 1, 39), capacity - 1);
        assert_int_equal(duet_workers_push(&workers, items, 1), 0);
        assert_int_equal(duet_workers_waiting(&workers), capacity);

        assert_int_equal(duet_workers_start(&workers, 1), 0);
        close_queue(&workers);
        assert_int_equal(order_count, capacity);
        for (unsigned i = 0; i < capacity; i++)
            assert_int_equal(order[i], i);
    }
}

/* ---- Resting ---- */

static void a_worker_rests_after_its_last_item_and_counts_as_idle(void **state)
{
    (void)state;
    static struct duet_workers workers;
    sem_t rested;
    sem_init(&rested, 0, 0);
    _Atomic unsigned runs = 0;
    void *item = &runs;
    open_queue(&workers, count_run, 8);
    workers.ctx = &rested;
    assert_int_equal(duet_workers_start(&workers, 2), 0);
    while (duet_workers_idle(&workers) < 2)
        sched_yield();
    while (sem_trywait(&rested) == 0)
        continue;

    assert_int_equal(duet_workers_push(&workers, &item, 1), 1);
    assert_int_equal(sem_wait(&rested), 0);
    assert_int_equal(atomic_load(&runs), 1);
    while (duet_workers_idle(&workers) < 2)
        sched_yield();
    assert_int_equal(duet_workers_waiting(&workers), 0);
    close_queue(&workers);
    sem_destroy(&rested);
}

/* ---- The end ---- */

static void stop_finishes_what_is_queued(void **state)
{
    (void)state;
    for (int round = 0; round < 50; round++) {
        static struct duet_workers workers;
        static _Atomic unsigned runs[500];
        void *items[500];
        memset(runs, 0, sizeof runs);
        for (size_t i = 0; i < 500; i++)
            items[i] = &runs[i];
        open_queue(&workers, count_run, 500);
        assert_int_equal(duet_workers_start(&workers, 3), 0);
        assert_int_equal(duet_workers_push(&workers, items, 500), 500);
        close_queue(&workers);
        for (size_t i = 0; i < 500; i++)
            assert_int_equal(atomic_load(&runs[i]), 1);
    }
}

static void stop_tells_when_an_item_does_not_end(void **state)
{
    (void)state;
    static struct duet_workers workers;
    struct step block = {.blocks = true};
    void *item = &block;
    sem_init(&gate, 0, 0);
    open_queue(&workers, run_step, 8);
    assert_int_equal(duet_workers_start(&workers, 2), 0);
    assert_int_equal(duet_workers_push(&workers, &item, 1), 1);
    assert_false(duet_workers_stop(&workers, 5));
    sem_post(&gate);
    close_queue(&workers);
    sem_destroy(&gate);
}

static void one_that_never_started_can_be_stopped_and_done(void **state)
{
    (void)state;
    static struct duet_workers workers;
    open_queue(&workers, count_run, 8);
    close_queue(&workers);
    duet_workers_done(&workers);
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
        cmocka_unit_test(a_worker_rests_after_its_last_item_and_counts_as_idle),
        cmocka_unit_test(stop_finishes_what_is_queued),
        cmocka_unit_test(stop_tells_when_an_item_does_not_end),
        cmocka_unit_test(one_that_never_started_can_be_stopped_and_done),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
