/*
 * The writer's operations for MessagePack, byte by byte: the smallest encoding of each value,
 * and what a peer of before 2013 gets.
 */
#include "writer.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const struct duet_writer_ops *const ops = &duet_writer_ops_msgpack;
static struct duet_fault fault;

static void begin(struct duet_writer *writer, unsigned raw)
{
    duet_writer_init(writer, 1 << 20);
    duet_writer_start(writer, ops, (struct duet_style){.raw = (uint8_t)raw}, &fault, 64);
}

/* The writer wrote exactly these bytes; ends it. */
static void expect(struct duet_writer *writer, const void *bytes, size_t size)
{
    assert_int_equal(writer->out.size, size);
    assert_memory_equal(writer->out.data, bytes, size);
    duet_writer_done(writer);
}
#define EXPECT(writer, text) expect(writer, text, sizeof(text) - 1)

static void integers_take_their_smallest_form(void **state)
{
    (void)state;
    static const struct {
        int64_t value;
        const char *bytes;
        size_t size;
    } rows[] = {
        {0, "\x00", 1},
        {127, "\x7f", 1},
        {128, "\xcc\x80", 2},
        {255, "\xcc\xff", 2},
        {256, "\xcd\x01\x00", 3},
        {65535, "\xcd\xff\xff", 3},
        {65536, "\xce\x00\x01\x00\x00", 5},
        {4294967295, "\xce\xff\xff\xff\xff", 5},
        {4294967296, "\xcf\x00\x00\x00\x01\x00\x00\x00\x00", 9},
        {INT64_MAX, "\xcf\x7f\xff\xff\xff\xff\xff\xff\xff", 9},
        {-1, "\xff", 1},
        {-32, "\xe0", 1},
        {-33, "\xd0\xdf", 2},
        {-128, "\xd0\x80", 2},
        {-129, "\xd1\xff\x7f", 3},
        {-32768, "\xd1\x80\x00", 3},
        {-32769, "\xd2\xff\xff\x7f\xff", 5},
        {INT32_MIN, "\xd2\x80\x00\x00\x00", 5},
        {(int64_t)INT32_MIN - 1, "\xd3\xff\xff\xff\xff\x7f\xff\xff\xff", 9},
        {INT64_MIN, "\xd3\x80\x00\x00\x00\x00\x00\x00\x00", 9},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct duet_writer writer;
        begin(&writer, DUET_RAW_NEW);
        assert_int_equal(ops->integer(&writer, rows[i].value), 0);
        expect(&writer, rows[i].bytes, rows[i].size);
    }
}

static void the_other_scalars(void **state)
{
    (void)state;
    struct duet_writer writer;
    begin(&writer, DUET_RAW_NEW);
    ops->nil(&writer);
    ops->boolean(&writer, false);
    ops->boolean(&writer, true);
    ops->natural(&writer, UINT64_MAX);
    ops->real(&writer, 21.0); /* never a float32, though it would fit */
    ops->real(&writer, 42.0);
    EXPECT(&writer, "\xc0\xc2\xc3\xcf\xff\xff\xff\xff\xff\xff\xff\xff"
                    "\xcb\x40\x35\0\0\0\0\0\0\xcb\x40\x45\0\0\0\0\0\0");
}

static const char filler[70000];

/* Writes `size` bytes as a string, bytes or ext and compares the header. */
static void expect_header(char kind, unsigned raw, size_t size, const char *header,
                          size_t header_size)
{
    struct duet_writer writer;
    begin(&writer, raw);
    int rc = kind == 's'   ? ops->string(&writer, filler, size)
             : kind == 'b' ? ops->bytes(&writer, filler, size)
                           : ops->ext(&writer, 5, filler, size);
    assert_int_equal(rc, 0);
    assert_int_equal(writer.out.size, header_size + size);
    assert_memory_equal(writer.out.data, header, header_size);
    if (size > 0)
        assert_memory_equal(writer.out.data + header_size, filler, size);
    duet_writer_done(&writer);
}

static void strings_bytes_and_extensions_have_the_smallest_header(void **state)
{
    (void)state;
    static const struct {
        char kind;
        unsigned raw;
        size_t size;
        const char *header;
        size_t header_size;
    } rows[] = {
        {'s', DUET_RAW_NEW, 0, "\xa0", 1},
        {'s', DUET_RAW_NEW, 31, "\xbf", 1},
        {'s', DUET_RAW_NEW, 32, "\xd9\x20", 2},
        {'s', DUET_RAW_NEW, 255, "\xd9\xff", 2},
        {'s', DUET_RAW_NEW, 256, "\xda\x01\x00", 3},
        {'s', DUET_RAW_NEW, 65535, "\xda\xff\xff", 3},
        {'s', DUET_RAW_NEW, 65536, "\xdb\x00\x01\x00\x00", 5},
        {'b', DUET_RAW_NEW, 0, "\xc4\x00", 2},
        {'b', DUET_RAW_NEW, 255, "\xc4\xff", 2},
        {'b', DUET_RAW_NEW, 256, "\xc5\x01\x00", 3},
        {'b', DUET_RAW_NEW, 65536, "\xc6\x00\x01\x00\x00", 5},
        {'e', DUET_RAW_NEW, 0, "\xc7\x00\x05", 3},
        {'e', DUET_RAW_NEW, 1, "\xd4\x05", 2},
        {'e', DUET_RAW_NEW, 2, "\xd5\x05", 2},
        {'e', DUET_RAW_NEW, 3, "\xc7\x03\x05", 3},
        {'e', DUET_RAW_NEW, 4, "\xd6\x05", 2},
        {'e', DUET_RAW_NEW, 8, "\xd7\x05", 2},
        {'e', DUET_RAW_NEW, 16, "\xd8\x05", 2},
        {'e', DUET_RAW_NEW, 256, "\xc8\x01\x00\x05", 4},
        {'e', DUET_RAW_NEW, 65536, "\xc9\x00\x01\x00\x00\x05", 6},
        {'s', DUET_RAW_OLD, 31, "\xbf", 1},
        {'s', DUET_RAW_OLD, 32, "\xda\x00\x20", 3},
        {'s', DUET_RAW_OLD, 65536, "\xdb\x00\x01\x00\x00", 5},
        {'b', DUET_RAW_OLD, 0, "\xa0", 1},
        {'b', DUET_RAW_OLD, 255, "\xda\x00\xff", 3},
        {'e', DUET_RAW_OLD, 4, "\xa4", 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        expect_header(rows[i].kind, rows[i].raw, rows[i].size, rows[i].header,
                      rows[i].header_size);
}

static void a_length_beyond_32_bits_is_too_much(void **state)
{
    (void)state;
#if SIZE_MAX == UINT32_MAX
    skip(); /* no such length can be */
#else
    struct duet_writer writer;
    begin(&writer, DUET_RAW_NEW);
    size_t size = (size_t)UINT32_MAX + 1;
    assert_int_equal(ops->string(&writer, filler, size), -EMSGSIZE);
    assert_int_equal(ops->bytes(&writer, filler, size), -EMSGSIZE);
    assert_int_equal(ops->ext(&writer, 5, filler, size), -EMSGSIZE);
    assert_int_equal(ops->begin_array(&writer, size), -EMSGSIZE);
    assert_int_equal(ops->begin_map(&writer, size), -EMSGSIZE);
    EXPECT(&writer, "");
#endif
}

static void times_are_timestamps_of_the_smallest_size(void **state)
{
    (void)state;
    struct duet_writer writer;
    begin(&writer, DUET_RAW_NEW);
    ops->time(&writer, (duet_time){1, 0});
    ops->time(&writer, (duet_time){1, 1});
    ops->time(&writer, (duet_time){INT64_C(1) << 32, 0});
    ops->time(&writer, (duet_time){-1, 999999999});
    EXPECT(&writer, "\xd6\xff\0\0\0\1"
                    "\xd7\xff\0\0\0\x04\0\0\0\1"
                    "\xd7\xff\0\0\0\1\0\0\0\0"
                    "\xc7\x0c\xff\x3b\x9a\xc9\xff\xff\xff\xff\xff\xff\xff\xff\xff");
}

static void an_old_peer_gets_times_as_seconds(void **state)
{
    (void)state;
    struct duet_writer writer;
    begin(&writer, DUET_RAW_OLD);
    ops->time(&writer, (duet_time){1000, 0});
    ops->time(&writer, (duet_time){-2, 500000000});
    EXPECT(&writer, "\xcd\x03\xe8\xcb\xbf\xf8\0\0\0\0\0\0");
}

static void containers_take_their_smallest_form(void **state)
{
    (void)state;
    struct duet_writer writer;
    begin(&writer, DUET_RAW_NEW);
    ops->begin_array(&writer, 0);
    ops->begin_array(&writer, 15);
    ops->begin_array(&writer, 16);
    ops->begin_array(&writer, 65536);
    ops->end_array(&writer);
    ops->begin_map(&writer, 15);
    ops->begin_map(&writer, 16);
    ops->begin_map(&writer, 65536);
    ops->end_member(&writer);
    ops->end_map(&writer);
    EXPECT(&writer,
           "\x90\x9f\xdc\x00\x10\xdd\x00\x01\x00\x00\x8f\xde\x00\x10\xdf\x00\x01\x00\x00");
}

static void a_key_may_be_anything(void **state)
{
    (void)state;
    msgpack_object one = {.type = MSGPACK_OBJECT_POSITIVE_INTEGER, .via.u64 = 1};
    msgpack_object text = {.type = MSGPACK_OBJECT_STR, .via.str = {1, "k"}};
    msgpack_object empty = {.type = MSGPACK_OBJECT_MAP};
    msgpack_object_kv pair = {text, one};
    msgpack_object items[] = {
        one, {.type = MSGPACK_OBJECT_MAP, .via.map = {1, &pair}}, empty, text};
    msgpack_object array = {.type = MSGPACK_OBJECT_ARRAY, .via.array = {4, items}};

    struct duet_writer writer;
    begin(&writer, DUET_RAW_NEW);
    assert_int_equal(ops->key(&writer, &one), 0);
    assert_int_equal(ops->key(&writer, &text), 0);
    assert_int_equal(ops->key(&writer, &array), 0);
    EXPECT(&writer, "\x01\xa1k\x94\x01\x81\xa1k\x01\x80\xa1k");
}

static void a_key_of_endless_depth_is_a_fault(void **state)
{
    (void)state;
    enum { LEVELS = 200 };
    msgpack_object nested[LEVELS + 1];
    nested[LEVELS] = (msgpack_object){.type = MSGPACK_OBJECT_NIL};
    for (size_t i = 0; i < LEVELS; i++) {
        nested[i].type = MSGPACK_OBJECT_ARRAY;
        nested[i].via.array = (msgpack_object_array){1, &nested[i + 1]};
    }
    struct duet_writer writer;
    begin(&writer, DUET_RAW_NEW);
    assert_int_equal(ops->key(&writer, &nested[LEVELS - 64]), 0);
    assert_int_equal(ops->key(&writer, &nested[0]), DUET_FAILED);
    assert_int_equal(fault.code, DUET_FAULT_LIMIT);
    duet_writer_done(&writer);
}

static void a_full_output_is_told(void **state)
{
    (void)state;
    struct duet_writer writer;
    duet_writer_init(&writer, 4);
    duet_writer_start(&writer, ops, (struct duet_style){0}, &fault, 64);
    assert_int_equal(ops->string(&writer, "abc", 3), 0);
    assert_int_equal(ops->nil(&writer), -EMSGSIZE);
    assert_int_equal(ops->real(&writer, 1), -EMSGSIZE);
    assert_int_equal(ops->time(&writer, (duet_time){0, 0}), -EMSGSIZE);
    EXPECT(&writer, "\xa3"
                    "abc");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_take_their_smallest_form),
        cmocka_unit_test(the_other_scalars),
        cmocka_unit_test(strings_bytes_and_extensions_have_the_smallest_header),
        cmocka_unit_test(a_length_beyond_32_bits_is_too_much),
        cmocka_unit_test(times_are_timestamps_of_the_smallest_size),
        cmocka_unit_test(an_old_peer_gets_times_as_seconds),
        cmocka_unit_test(containers_take_their_smallest_form),
        cmocka_unit_test(a_key_may_be_anything),
        cmocka_unit_test(a_key_of_endless_depth_is_a_fault),
        cmocka_unit_test(a_full_output_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
