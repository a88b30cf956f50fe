/*
 * Values that are written elsewhere or later, in both formats: the bytes are those of one
 * writer that writes everything in its order.
 */
#include "writer_move.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

struct fixture {
    const struct duet_writer_ops *ops;
    struct duet_writer one, other, wanted;
    struct duet_fault fault;
};

static void start(struct fixture *it, struct duet_writer *writer, size_t max)
{
    duet_writer_init(writer, max);
    duet_writer_start(writer, it->ops, (struct duet_style){0}, &it->fault, 64);
}

static int open_with(void **state, const struct duet_writer_ops *ops)
{
    static struct fixture it;
    it.ops = ops;
    start(&it, &it.one, 1000);
    start(&it, &it.other, 1000);
    start(&it, &it.wanted, 1000);
    *state = &it;
    return 0;
}

static int open_msgpack(void **state)
{
    return open_with(state, &duet_writer_ops_msgpack);
}

static int open_xmlrpc(void **state)
{
    return open_with(state, &duet_writer_ops_xmlrpc);
}

static int close_writers(void **state)
{
    struct fixture *it = *state;
    duet_writer_done(&it->one);
    duet_writer_done(&it->other);
    duet_writer_done(&it->wanted);
    return 0;
}

static void expect_same(const struct duet_writer *writer, struct duet_writer *wanted)
{
    assert_int_equal(duet_writer_finish(wanted), 0);
    assert_int_equal(writer->out.size, wanted->out.size);
    assert_memory_equal(writer->out.data, wanted->out.data, wanted->out.size);
}

static void write_begin(struct duet_writer *writer)
{
    duet_write_map(writer, 2);
    duet_write_field(writer, "a");
    duet_write_int(writer, 1);
    duet_write_field(writer, "b");
    duet_write_array(writer, 2);
    duet_write_text(writer, "x");
}

static void a_value_goes_on_in_another_writer(void **state)
{
    struct fixture *it = *state;
    struct duet_writer_scope scope;
    duet_write_array(&it->one, 2);
    duet_write_bool(&it->one, true);
    assert_int_equal(duet_writer_enter(&it->one, &scope), 0);
    write_begin(&it->one);
    assert_int_equal(duet_writer_move(&it->one, &scope, &it->other), 0);
    duet_writer_leave(&it->one, &scope, DUET_FAILED);
    assert_int_equal(duet_write_int(&it->other, 7), 0); /* closes both containers */
    assert_int_equal(duet_writer_finish(&it->other), 0);
    assert_int_equal(duet_writer_splice(&it->one, it->other.out.data, it->other.out.size), 0);
    assert_int_equal(duet_writer_finish(&it->one), 0);

    duet_write_array(&it->wanted, 2);
    duet_write_bool(&it->wanted, true);
    write_begin(&it->wanted);
    duet_write_int(&it->wanted, 7);
    expect_same(&it->one, &it->wanted);
}

static void what_was_left_out_is_inserted(void **state)
{
    struct fixture *it = *state;
    struct duet_writer_piece pieces[2];
    duet_write_text(&it->other, "later");
    duet_write_array(&it->one, 4);
    pieces[0].at = it->one.out.size;
    assert_int_equal(duet_writer_leave_out(&it->one), 0);
    duet_write_int(&it->one, 5);
    duet_write_nil(&it->one);
    assert_int_equal(duet_writer_leave_out(&it->one), 0);
    assert_int_equal(duet_writer_finish(&it->one), 0);
    /* In XML the array's end follows the last item, in MessagePack nothing does. */
    pieces[1].at = it->ops == &duet_writer_ops_msgpack
                       ? it->one.out.size
                       : it->one.out.size - strlen("</data></array></value>");
    for (size_t i = 0; i < 2; i++) {
        pieces[i].bytes = it->other.out.data;
        pieces[i].size = it->other.out.size;
    }
    assert_int_equal(duet_writer_insert(&it->one, pieces, 2), 0);

    duet_write_array(&it->wanted, 4);
    duet_write_text(&it->wanted, "later");
    duet_write_int(&it->wanted, 5);
    duet_write_nil(&it->wanted);
    duet_write_text(&it->wanted, "later");
    expect_same(&it->one, &it->wanted);
}

static void what_is_inserted_keeps_to_the_limit(void **state)
{
    struct fixture *it = *state;
    static uint8_t bytes[1001];
    const struct duet_writer_piece piece = {0, bytes, sizeof bytes};
    duet_write_array(&it->one, 1);
    assert_int_equal(duet_writer_leave_out(&it->one), 0);
    assert_true(duet_writer_insert(&it->one, &piece, 1) < 0);
    assert_int_equal(it->fault.code, DUET_FAULT_LIMIT);
    assert_string_equal(it->fault.message, "reply exceeds --max-reply 1000");
}

static void nothing_stands_where_no_value_may(void **state)
{
    struct fixture *it = *state;
    duet_write_int(&it->one, 1);
    assert_true(duet_writer_leave_out(&it->one) < 0);
    duet_write_map(&it->other, 1);
    assert_true(duet_writer_splice(&it->other, "x", 1) < 0);
}

#define TEST(name)                                                                             \
    cmocka_unit_test_setup_teardown(name, open_msgpack, close_writers),                        \
        cmocka_unit_test_setup_teardown(name, open_xmlrpc, close_writers)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_value_goes_on_in_another_writer),
        TEST(what_was_left_out_is_inserted),
        TEST(what_is_inserted_keeps_to_the_limit),
        TEST(nothing_stands_where_no_value_may),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
