/*
 * What is written is shown when it is whole, as it was written but for what stands in strings,
 * in front of both formats, which write what they would have written.
 */
#include "recorder.h"

#include "packed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const struct duet_writer_ops *const formats[] = {&duet_writer_ops_msgpack,
                                                        &duet_writer_ops_xmlrpc};
static struct duet_arena arena;
static struct duet_writer writer, plain, shown;
static struct duet_fault fault;
static struct duet_recorder recorder;
static int times, answer;

static int show(struct duet_writer *of, msgpack_object *value, void *ctx)
{
    assert_ptr_equal(of, &writer);
    assert_ptr_equal(ctx, &times);
    times++;
    duet_writer_start(&shown, &duet_writer_ops_msgpack, (struct duet_style){0}, &fault, 100);
    assert_int_equal(duet_write_value(&shown, (const duet_value *)value), 0);
    return answer;
}

static int set_up(void **state)
{
    (void)state;
    duet_arena_init(&arena, 1 << 20);
    duet_writer_init(&writer, 1 << 16);
    duet_writer_init(&plain, 1 << 16);
    duet_writer_init(&shown, 1 << 16);
    times = answer = 0;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    duet_arena_done(&arena);
    duet_writer_done(&writer);
    duet_writer_done(&plain);
    duet_writer_done(&shown);
    return 0;
}

static void start(const struct duet_writer_ops *format)
{
    duet_writer_start(&writer, format, (struct duet_style){0}, &fault, 100);
    duet_writer_start(&plain, format, (struct duet_style){0}, &fault, 100);
    recorder = (struct duet_recorder){.show = show, .ctx = &times};
    duet_recorder_begin(&recorder, &writer, &arena);
    times = 0;
}

/* One of each. */
static void write_all(struct duet_writer *to)
{
    duet_write_array(to, 9);
    duet_write_nil(to);
    duet_write_bool(to, true);
    duet_write_int(to, -7);
    duet_write_uint(to, UINT64_C(1) << 62);
    duet_write_double(to, 1.5);
    duet_write_text(to, "text");
    duet_write_bytes(to, "by", 2);
    duet_write_map(to, 2);
    duet_write_field(to, "a");
    duet_write_array(to, 0);
    duet_write_field(to, "b");
    duet_write_map(to, 0);
    duet_write_record(to, 1, DUET_RECORD_ARRAY);
    duet_write_field(to, "c");
    duet_write_int(to, 3);
}

static void a_whole_value_is_shown_once(void **state)
{
    (void)state;
    static const char *const records[] = {"[3]", "{'c':3}"};
    for (size_t i = 0; i < 2; i++) {
        start(formats[i]);
        write_all(&writer);
        assert_int_equal(times, 1);
        assert_packed(shown.out.data, shown.out.size,
                      "[nil,true,-7,4611686018427387904,1.5,'',b'',{'a':[],'b':{}},%s]",
                      records[i]);
        assert_int_equal(duet_writer_finish(&writer), 0);
        write_all(&plain);
        assert_int_equal(writer.out.size, plain.out.size);
        assert_memory_equal(writer.out.data, plain.out.data, plain.out.size);
    }
}

static void what_is_taken_back_is_not_shown(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        start(formats[i]);
        duet_mark all = duet_writer_mark(&writer);
        duet_write_array(&writer, 2);
        duet_write_int(&writer, 1);
        duet_mark part = duet_writer_mark(&writer);
        duet_write_array(&writer, 5);
        duet_write_int(&writer, 2);
        duet_writer_rewind(&writer, part);
        duet_write_bool(&writer, false);
        assert_int_equal(times, 1);
        assert_packed(shown.out.data, shown.out.size, "[1,false]");
        duet_writer_rewind(&writer, all);
        duet_write_nil(&writer);
        assert_int_equal(times, 2);
        assert_packed(shown.out.data, shown.out.size, "nil");
    }
}

static void what_is_said_of_it_sticks(void **state)
{
    (void)state;
    start(formats[0]);
    answer = duet_fault_set(&fault, 7, "not this one");
    duet_write_array(&writer, 1);
    assert_int_equal(duet_write_int(&writer, 1), DUET_FAULT_APPLICATION);
    assert_int_equal(writer.error, DUET_FAULT_APPLICATION);
    assert_true(fault.is_nameless);
}

/* The last part of the inner one is the outer one's too. */
static void a_value_within_a_value_is_shown_first(void **state)
{
    (void)state;
    struct duet_recorder inner = {.show = show, .ctx = &times};
    struct duet_writer_scope scope;
    start(formats[0]);
    duet_write_array(&writer, 1);
    assert_int_equal(duet_writer_enter(&writer, &scope), 0);
    const struct duet_writer_ops *ops = writer.ops;
    duet_recorder_begin(&inner, &writer, &arena);
    duet_write_int(&writer, 5);
    assert_int_equal(times, 1);
    assert_packed(shown.out.data, shown.out.size, "5");
    assert_int_equal(duet_writer_leave(&writer, &scope, 0), 0);
    duet_recorder_leave(&writer, ops, &recorder);
    assert_int_equal(times, 2);
    assert_packed(shown.out.data, shown.out.size, "[5]");
}

static void without_memory_it_is_written_and_not_shown(void **state)
{
    (void)state;
    start(formats[0]);
    duet_arena_done(&arena);
    duet_arena_init(&arena, 0);
    write_all(&writer);
    assert_int_equal(duet_writer_finish(&writer), 0);
    assert_int_equal(times, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_whole_value_is_shown_once),
        TEST(what_is_taken_back_is_not_shown),
        TEST(what_is_said_of_it_sticks),
        TEST(a_value_within_a_value_is_shown_first),
        TEST(without_memory_it_is_written_and_not_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
