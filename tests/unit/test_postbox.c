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
    duet_loop_stop(counted->loop);
}

static void a_letter_wakes_the_loop(void **state)
{
    (void)state;
    struct duet_loop loop;
    assert_int_equal(duet_loop_init(&loop, on_turn_over, NULL), 0);
    struct duet_postbox *box = duet_postbox_new(&loop);
    struct counted counted = {.letter.deliver = on_letter, .loop = &loop};
    assert_true(duet_postbox_post(box, &counted.letter));
    assert_int_equal(duet_loop_run(&loop), 0);
    assert_int_equal(counted.delivered, 1);
    duet_postbox_unref(box);
    duet_loop_done(&loop);
}

static void a_closed_box_leaves_the_letter_with_its_sender(void **state)
{
    (void)state;
    struct duet_loop loop;
    assert_int_equal(duet_loop_init(&loop, on_turn_over, NULL), 0);
    struct duet_postbox *box = duet_postbox_new(&loop), *other = duet_postbox_ref(box);
    duet_postbox_close(box);
    duet_loop_done(&loop);
    duet_postbox_unref(box);
    struct counted counted = {.letter.deliver = on_letter};
    assert_false(duet_postbox_post(other, &counted.letter));
    assert_int_equal(counted.delivered, 0);
    duet_postbox_unref(other);
    duet_postbox_unref(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_letter_wakes_the_loop),
        cmocka_unit_test(a_closed_box_leaves_the_letter_with_its_sender),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
