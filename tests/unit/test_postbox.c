/*
 * Letters for a loop that may be gone.
 */
#include "postbox.h"

#include "holder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

struct counted {
    struct duet_letter letter;
    struct duet_loop *loop;
    struct duet_postbox *box;
    int delivered;
};

static void on_turn_over(void *ctx)
{
    (void)ctx;
}

static void on_letter(struct duet_letter *letter)
{
    struct counted *counted = DUET_HOLDER(letter, struct counted, letter);
    counted->delivered++;
    assert_true(duet_postbox_is_here(counted->box));
    assert_true(duet_loop_is_here());
    duet_loop_stop(counted->loop);
}

static void a_letter_wakes_the_loop(void **state)
{
    (void)state;
    struct duet_loop loop;
    assert_int_equal(duet_loop_init(&loop, on_turn_over, NULL), 0);
    struct duet_postbox box;
    duet_postbox_init(&box, &loop);
    struct counted counted = {.letter.deliver = on_letter, .loop = &loop, .box = &box};
    assert_true(duet_postbox_post(&box, &counted.letter));
    assert_false(duet_postbox_is_here(&box));
    assert_int_equal(duet_loop_run(&loop), 0);
    assert_int_equal(counted.delivered, 1);
    assert_false(duet_postbox_is_here(&box));
    duet_postbox_done(&box);
    duet_loop_done(&loop);
}

static void a_closed_box_leaves_the_letter_with_its_sender(void **state)
{
    (void)state;
    struct duet_loop loop;
    assert_int_equal(duet_loop_init(&loop, on_turn_over, NULL), 0);
    struct duet_postbox box;
    duet_postbox_init(&box, &loop);
    duet_postbox_close(&box);
    duet_loop_done(&loop);
    struct counted counted = {.letter.deliver = on_letter};
    assert_false(duet_postbox_post(&box, &counted.letter));
    assert_false(duet_postbox_is_here(&box));
    assert_int_equal(counted.delivered, 0);
    duet_postbox_done(&box);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_letter_wakes_the_loop),
        cmocka_unit_test(a_closed_box_leaves_the_letter_with_its_sender),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
