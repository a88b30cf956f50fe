/*
 * MessagePack's timestamps.
 */
#include "timestamp.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void timestamps_take_their_shortest_form(void **state)
{
    (void)state;
    static const struct {
        duet_time time;
        size_t size;
        const char *bytes;
    } rows[] = {
        {{0, 0}, 4, "\0\0\0\0"},
        {{1, 0}, 4, "\0\0\0\1"},
        {{4294967295, 0}, 4, "\xff\xff\xff\xff"},
        {{4294967296, 0}, 8, "\0\0\0\1\0\0\0\0"},
        {{1, 1}, 8, "\0\0\0\4\0\0\0\1"},
        {{17179869183, 999999999}, 8, "\xee\x6b\x27\xff\xff\xff\xff\xff"},
        {{17179869184, 0}, 12, "\0\0\0\0\0\0\0\4\0\0\0\0"},
        {{-1, 500000000}, 12, "\x1d\xcd\x65\x00\xff\xff\xff\xff\xff\xff\xff\xff"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint8_t room[DUET_TIMESTAMP_SIZE];
        duet_time back;
        assert_int_equal(duet_timestamp_write(room, rows[i].time), rows[i].size);
        assert_memory_equal(room, rows[i].bytes, rows[i].size);
        assert_true(duet_timestamp_read(room, rows[i].size, &back));
        assert_int_equal(back.seconds, rows[i].time.seconds);
        assert_int_equal(back.nanoseconds, rows[i].time.nanoseconds);
    }
}

static void a_bad_timestamp_is_none(void **state)
{
    (void)state;
    duet_time time = {7, 7};
    assert_false(duet_timestamp_read("\0\0\0", 3, &time));
    assert_false(duet_timestamp_read("\xff\xff\xff\xff\0\0\0\0", 8, &time));
    assert_false(duet_timestamp_read("\x3b\x9a\xca\x00\0\0\0\0\0\0\0\0", 12, &time));
    assert_int_equal(time.seconds, 7);
    assert_int_equal(time.nanoseconds, 7);
}

static void a_time_without_room_is_no_value(void **state)
{
    (void)state;
    struct duet_arena arena;
    msgpack_object object;
    duet_arena_init(&arena, 0);
    assert_false(duet_timestamp_object(&object, (duet_time){1, 0}, &arena));
    duet_arena_done(&arena);

    duet_arena_init(&arena, 65536);
    assert_true(duet_timestamp_object(&object, (duet_time){1, 0}, &arena));
    assert_int_equal(object.type, MSGPACK_OBJECT_EXT);
    assert_int_equal(object.via.ext.type, -1);
    assert_int_equal(object.via.ext.size, 4);
    assert_memory_equal(object.via.ext.ptr, "\0\0\0\1", 4);
    duet_arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(timestamps_take_their_shortest_form),
        cmocka_unit_test(a_bad_timestamp_is_none),
        cmocka_unit_test(a_time_without_room_is_no_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
