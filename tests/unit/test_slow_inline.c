/*
 * Inline handlers that hold their loop too long: who is told of, and how often.
 */
#include "home_rig.h"

#include <stdio.h>
#include <string.h>

enum { LIMIT_MS = 50, SLOW_MS = 60 };

static struct home_rig rig;
static int peer;
static char told[1000];
static int notices;

static void hear(const char *words, void *ctx)
{
    (void)ctx;
    notices++;
    size_t size = strlen(told);
    snprintf(told + size, sizeof told - size, "%s\n", words);
}

/* Holds its loop for so many ms. */
static int hold(duet_call *call, void *ctx)
{
    (void)ctx;
    uint64_t until = duet_clock_ns() + (uint64_t)duet_arg_int(call, 0) * 1000000;
    while (duet_clock_ns() < until)
        ;
    return duet_reply_nil(call);
}

static const duet_method methods[] = {
    {.name = "hold", .signature = "n:i", .handler = hold, .flags = DUET_METHOD_INLINE},
    {.name = "other", .signature = "n:i", .handler = hold, .flags = DUET_METHOD_INLINE},
    {.name = "on.worker", .signature = "n:i", .handler = hold},
    {0},
};

static void open_with(int64_t limit_ms)
{
    told[0] = '\0';
    notices = 0;
    home_rig_init(&rig, methods, NULL);
    assert_int_equal(duet_server_add_hooks(rig.server, &(duet_hooks){.notice = hear}, NULL), 0);
    assert_int_equal(duet_server_set(rig.server, DUET_OPT_SLOW_INLINE_MS, limit_ms), 0);
    home_rig_open(&rig);
    peer = home_rig_connect(&rig);
}

static uint64_t counted(const char *method)
{
    duet_call_stats stats;
    assert_int_equal(duet_server_method_stats(rig.server, method, &stats), 0);
    return stats.slow_inline;
}

static void it_is_told_of_once_and_counted_each_time(void **state)
{
    (void)state;
    open_with(LIMIT_MS);
    for (int i = 0; i < 2; i++) {
        home_rig_send(&rig, peer, "[0,1,'hold',[%d]]", SLOW_MS);
        home_rig_expect(peer, "[1,1,nil,nil]");
    }
    assert_int_equal(notices, 1);
    assert_int_equal(strncmp(told, "hold held its event loop for ", 29), 0);
    assert_non_null(strstr(told, " ms (--slow-inline-ms 50): without DUET_METHOD_INLINE it "));
    assert_int_equal(counted("hold"), 2);
    home_rig_close(&rig);
}

/* All that come in one turn; only the one in the middle is slow. */
static void among_other_methods_the_right_one_is_named(void **state)
{
    (void)state;
    open_with(LIMIT_MS);
    home_rig_send(&rig, peer,
                  "[0,1,'other',[0]] [0,2,'other',[0]] [0,3,'hold',[%d]] "
                  "[0,4,'other',[0]]",
                  SLOW_MS);
    home_rig_expect(peer, "[1,1,nil,nil] [1,2,nil,nil] [1,3,nil,nil] [1,4,nil,nil]");
    assert_int_equal(counted("hold"), 1);
    assert_non_null(strstr(told, "hold held its event loop"));
    home_rig_close(&rig);
}

/* Among quick ones of its own method it is only suspected, the first time. */
static void among_quick_ones_of_its_own_it_is_told_of_the_next_time(void **state)
{
    (void)state;
    open_with(LIMIT_MS);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(counted("hold"), 0);
        home_rig_send(&rig, peer,
                      "[0,1,'hold',[0]] [0,2,'hold',[0]] [0,3,'hold',[%d]] "
                      "[0,4,'hold',[0]] [0,5,'hold',[0]] [0,6,'hold',[0]]",
                      SLOW_MS);
        home_rig_expect(peer, "[1,1,nil,nil] [1,2,nil,nil] [1,3,nil,nil] [1,4,nil,nil] "
                              "[1,5,nil,nil] [1,6,nil,nil]");
    }
    assert_int_equal(counted("hold"), 1);
    assert_int_equal(notices, 1);
    home_rig_close(&rig);
}

static void with_0_nothing_is_told(void **state)
{
    (void)state;
    open_with(0);
    home_rig_send(&rig, peer, "[0,1,'hold',[%d]]", SLOW_MS);
    home_rig_expect(peer, "[1,1,nil,nil]");
    assert_int_equal(notices, 0);
    assert_int_equal(counted("hold"), 0);
    home_rig_close(&rig);
}

static void on_a_worker_it_may_take_its_time(void **state)
{
    (void)state;
    open_with(LIMIT_MS);
    home_rig_send(&rig, peer, "[0,1,'on.worker',[%d]]", SLOW_MS);
    home_rig_work(&rig, home_rig_newest_job(&rig));
    home_rig_turn(&rig);
    home_rig_expect(peer, "[1,1,nil,nil]");
    assert_int_equal(notices, 0);
    assert_int_equal(counted("on.worker"), 0);
    home_rig_close(&rig);
}

/* The method that was slow goes in the same turn; nothing is left that points to it. */
static int replace_and_hold(duet_call *call, void *ctx)
{
    (void)ctx;
    static const duet_method row[] = {{.name = "hold",
                                       .signature = "n:i",
                                       .handler = hold,
                                       .flags = DUET_METHOD_INLINE | DUET_METHOD_REPLACE},
                                      {0}};
    int rc = duet_server_add(duet_call_server(call), row, NULL);
    return rc < 0 ? rc : hold(call, ctx);
}

static void a_method_may_be_replaced_in_the_turn_in_which_it_was_slow(void **state)
{
    (void)state;
    static const duet_method row[] = {
        {.name = "replace", .handler = replace_and_hold, .flags = DUET_METHOD_INLINE}, {0}};
    open_with(LIMIT_MS);
    assert_int_equal(duet_server_add(rig.server, row, NULL), 0);
    home_rig_turn(&rig);
    home_rig_send(&rig, peer, "[0,1,'hold',[%d]] [0,2,'replace',[0]] [0,3,'hold',[0]]",
                  SLOW_MS);
    home_rig_expect(peer, "[1,1,nil,nil] [1,2,nil,nil] [1,3,nil,nil]");
    assert_non_null(strstr(told, "hold held its event loop"));
    home_rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_told_of_once_and_counted_each_time),
        cmocka_unit_test(among_other_methods_the_right_one_is_named),
        cmocka_unit_test(among_quick_ones_of_its_own_it_is_told_of_the_next_time),
        cmocka_unit_test(with_0_nothing_is_told),
        cmocka_unit_test(on_a_worker_it_may_take_its_time),
        cmocka_unit_test(a_method_may_be_replaced_in_the_turn_in_which_it_was_slow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
