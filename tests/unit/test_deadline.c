/*
 * The wheel of deadlines: never early, at most a tick late, at any distance, and callbacks that
 * set and clear others.
 */
#include "deadline.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* A deadline that notes when it fired, and may then touch another one. */
struct alarm {
    struct duet_deadline deadline;
    struct duet_wheel *wheel;
    unsigned fired;
    uint64_t fired_at;
    struct duet_deadline *clears;
    uint64_t again_at;
};

static uint64_t now_ms;

static void on_expired(struct duet_deadline *deadline)
{
    struct alarm *alarm = (struct alarm *)(void *)deadline;
    assert_false(duet_deadline_is_set(deadline));
    alarm->fired++;
    alarm->fired_at = now_ms;
    if (alarm->clears != NULL)
        duet_wheel_clear(alarm->clears);
    if (alarm->again_at != 0)
        duet_wheel_set(alarm->wheel, deadline, alarm->again_at);
    alarm->again_at = 0;
}

static struct alarm alarm_on(struct duet_wheel *wheel)
{
    return (struct alarm){.deadline.expired = on_expired, .wheel = wheel};
}

static void expire(struct duet_wheel *wheel, uint64_t at_ms)
{
    now_ms = at_ms;
    duet_wheel_expire(wheel, at_ms);
}

/* Sleeps as the loop does, from one wake-up to the next, until nothing is set any more. */
static unsigned sleep_until_quiet(struct duet_wheel *wheel)
{
    unsigned wakes = 0;
    for (uint64_t next; (next = duet_wheel_next_ms(wheel)) != UINT64_MAX; wakes++) {
        assert_true(next > now_ms);
        expire(wheel, next);
    }
    return wakes;
}

static void a_deadline_is_never_early_and_at_most_a_tick_late(void **state)
{
    (void)state;
    enum { REACH = DUET_WHEEL_SLOTS * DUET_TICK_MS };
    static const uint64_t distances[] = {
        0,   1,   2,   3,         4,     5,         7,         8,     63,    64,
        255, 256, 257, REACH - 9, REACH, REACH + 1, 2 * REACH, 10000, 30000, 300000};
    for (uint64_t start = 0; start < 9; start++)
        for (size_t i = 0; i < sizeof distances / sizeof *distances; i++) {
            struct duet_wheel wheel;
            now_ms = 123456 + start;
            duet_wheel_init(&wheel, now_ms);
            struct alarm alarm = alarm_on(&wheel);
            uint64_t at = now_ms + distances[i];
            duet_wheel_set(&wheel, &alarm.deadline, at);

            sleep_until_quiet(&wheel);
            assert_int_equal(alarm.fired, 1);
            assert_true(alarm.fired_at >= at);
            assert_true(alarm.fired_at <= at + DUET_TICK_MS);
        }
}

static void a_far_deadline_wakes_the_loop_once_a_round(void **state)
{
    (void)state;
    struct duet_wheel wheel;
    now_ms = 1000;
    duet_wheel_init(&wheel, now_ms);
    struct alarm alarm = alarm_on(&wheel);
    duet_wheel_set(&wheel, &alarm.deadline, now_ms + 300000);

    assert_in_range(sleep_until_quiet(&wheel), 300000 / 2048, 300000 / 2048 + 2);
    assert_int_equal(alarm.fired, 1);
}

static void the_end_of_time_can_be_waited_for(void **state)
{
    (void)state;
    struct duet_wheel wheel;
    duet_wheel_init(&wheel, now_ms = 1000);
    struct alarm alarm = alarm_on(&wheel);
    duet_wheel_set(&wheel, &alarm.deadline, UINT64_MAX);

    for (int i = 0; i < 100; i++)
        expire(&wheel, duet_wheel_next_ms(&wheel));
    assert_int_equal(alarm.fired, 0);
    assert_true(duet_deadline_is_set(&alarm.deadline));
}

static void what_is_past_already_fires_at_the_next_tick(void **state)
{
    (void)state;
    struct duet_wheel wheel;
    duet_wheel_init(&wheel, now_ms = 1000);
    struct alarm alarm = alarm_on(&wheel);
    duet_wheel_set(&wheel, &alarm.deadline, 3);

    expire(&wheel, 1000 + DUET_TICK_MS);
    assert_int_equal(alarm.fired, 1);
}

static void a_cleared_deadline_stays_silent(void **state)
{
    (void)state;
    struct duet_wheel wheel;
    duet_wheel_init(&wheel, now_ms = 1000);
    struct alarm first = alarm_on(&wheel), middle = alarm_on(&wheel), last = alarm_on(&wheel);
    duet_wheel_set(&wheel, &first.deadline, 1010);
    duet_wheel_set(&wheel, &middle.deadline, 1010);
    duet_wheel_set(&wheel, &last.deadline, 1010);

    duet_wheel_clear(&middle.deadline);
    duet_wheel_clear(&middle.deadline);
    assert_false(duet_deadline_is_set(&middle.deadline));
    expire(&wheel, 1020);
    assert_int_equal(first.fired, 1);
    assert_int_equal(middle.fired, 0);
    assert_int_equal(last.fired, 1);
    assert_int_equal(duet_wheel_next_ms(&wheel), UINT64_MAX);
}

static void setting_again_moves_it_both_ways(void **state)
{
    (void)state;
    struct duet_wheel wheel;
    duet_wheel_init(&wheel, now_ms = 1000);
    struct alarm later = alarm_on(&wheel), sooner = alarm_on(&wheel);
    duet_wheel_set(&wheel, &later.deadline, 1100);
    duet_wheel_set(&wheel, &later.deadline, 1500);
    duet_wheel_set(&wheel, &sooner.deadline, 1500);
    duet_wheel_set(&wheel, &sooner.deadline, 1100);

    expire(&wheel, 1200);
    assert_int_equal(later.fired, 0);
    assert_int_equal(sooner.fired, 1);
    expire(&wheel, 1600);
    assert_int_equal(later.fired, 1);
    assert_int_equal(sooner.fired, 1);
}

static void a_callback_may_clear_its_neighbours(void **state)
{
    (void)state;
    struct duet_wheel wheel;
    duet_wheel_init(&wheel, now_ms = 1000);
    struct alarm a = alarm_on(&wheel), b = alarm_on(&wheel);
    a.clears = &b.deadline;
    b.clears = &a.deadline;
    duet_wheel_set(&wheel, &a.deadline, 1010);
    duet_wheel_set(&wheel, &b.deadline, 1010);

    expire(&wheel, 1020);
    assert_int_equal(a.fired + b.fired, 1);
}

static void a_callback_may_set_itself_again(void **state)
{
    (void)state;
    struct duet_wheel wheel;
    duet_wheel_init(&wheel, now_ms = 1000);
    struct alarm alarm = alarm_on(&wheel);
    alarm.again_at = 1500;
    duet_wheel_set(&wheel, &alarm.deadline, 1010);

    expire(&wheel, 1020);
    assert_int_equal(alarm.fired, 1);
    assert_true(duet_deadline_is_set(&alarm.deadline));
    expire(&wheel, 1499);
    assert_int_equal(alarm.fired, 1);
    expire(&wheel, 1504);
    assert_int_equal(alarm.fired, 2);
}

/* One that sets itself to the present must not keep the loop in duet_wheel_expire. */
static void on_expired_for_ever(struct duet_deadline *deadline)
{
    struct alarm *alarm = (struct alarm *)(void *)deadline;
    alarm->fired++;
    duet_wheel_set(alarm->wheel, deadline, now_ms);
}

static void one_that_always_sets_itself_to_now_fires_once_a_tick(void **state)
{
    (void)state;
    struct duet_wheel wheel;
    duet_wheel_init(&wheel, now_ms = 1000);
    struct alarm alarm = {.deadline.expired = on_expired_for_ever, .wheel = &wheel};
    duet_wheel_set(&wheel, &alarm.deadline, 1000);

    for (unsigned tick = 1; tick <= 10; tick++) {
        expire(&wheel, 1000 + tick * DUET_TICK_MS);
        assert_int_equal(alarm.fired, tick);
    }
}

static void a_long_sleep_looks_at_every_slot_once(void **state)
{
    (void)state;
    enum { ALARMS = 1000 };
    static struct alarm alarms[ALARMS];
    struct duet_wheel wheel;
    duet_wheel_init(&wheel, now_ms = 1000);
    for (unsigned i = 0; i < ALARMS; i++) {
        alarms[i] = alarm_on(&wheel);
        duet_wheel_set(&wheel, &alarms[i].deadline, 1000 + i * 10);
    }

    expire(&wheel, 1000 + 500 * 10 + 3600 * 1000);
    for (unsigned i = 0; i < ALARMS; i++)
        assert_int_equal(alarms[i].fired, 1);
    assert_int_equal(duet_wheel_next_ms(&wheel), UINT64_MAX);
}

static void after_a_long_sleep_the_future_is_still_future(void **state)
{
    (void)state;
    struct duet_wheel wheel;
    duet_wheel_init(&wheel, now_ms = 1000);
    struct alarm far = alarm_on(&wheel);
    uint64_t at = 1000 + 3600 * 1000;
    duet_wheel_set(&wheel, &far.deadline, at);

    expire(&wheel, at - 500);
    assert_int_equal(far.fired, 0);
    sleep_until_quiet(&wheel);
    assert_int_equal(far.fired, 1);
    assert_true(far.fired_at >= at && far.fired_at <= at + DUET_TICK_MS);
}

/* The wheel against a plain list, over random sets, clears and sleeps. */
static void it_agrees_with_a_list_of_times(void **state)
{
    (void)state;
    enum { ALARMS = 64, STEPS = 20000 };
    static struct alarm alarms[ALARMS];
    uint64_t due[ALARMS] = {0};
    unsigned fired[ALARMS] = {0};
    uint32_t seed = 42;
    struct duet_wheel wheel;
    duet_wheel_init(&wheel, now_ms = 999);
    for (unsigned i = 0; i < ALARMS; i++)
        alarms[i] = alarm_on(&wheel);

    for (unsigned step = 0; step < STEPS; step++) {
        seed = seed * 1664525 + 1013904223;
        unsigned i = seed >> 8 & (ALARMS - 1), kind = seed >> 16 & 7, far = seed >> 20;
        if (kind == 0) {
            duet_wheel_clear(&alarms[i].deadline);
            due[i] = 0;
        } else if (kind < 6) {
            due[i] = now_ms + far;
            duet_wheel_set(&wheel, &alarms[i].deadline, due[i]);
        } else {
            expire(&wheel, now_ms + far % 300);
            for (unsigned k = 0; k < ALARMS; k++) {
                bool must = due[k] != 0 && due[k] / DUET_TICK_MS < now_ms / DUET_TICK_MS;
                bool may = due[k] != 0 && due[k] <= now_ms;
                bool has = alarms[k].fired > fired[k];
                assert_true(must ? has : may || !has);
                fired[k] += has;
                due[k] = has ? 0 : due[k];
                assert_int_equal(alarms[k].fired, fired[k]);
                assert_int_equal(duet_deadline_is_set(&alarms[k].deadline), due[k] != 0);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_deadline_is_never_early_and_at_most_a_tick_late),
        cmocka_unit_test(a_far_deadline_wakes_the_loop_once_a_round),
        cmocka_unit_test(the_end_of_time_can_be_waited_for),
        cmocka_unit_test(what_is_past_already_fires_at_the_next_tick),
        cmocka_unit_test(a_cleared_deadline_stays_silent),
        cmocka_unit_test(setting_again_moves_it_both_ways),
        cmocka_unit_test(a_callback_may_clear_its_neighbours),
        cmocka_unit_test(a_callback_may_set_itself_again),
        cmocka_unit_test(one_that_always_sets_itself_to_now_fires_once_a_tick),
        cmocka_unit_test(a_long_sleep_looks_at_every_slot_once),
        cmocka_unit_test(after_a_long_sleep_the_future_is_still_future),
        cmocka_unit_test(it_agrees_with_a_list_of_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
