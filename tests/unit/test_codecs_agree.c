/*
 * The same values through both codecs: written as MessagePack, decoded, written as XML,
 * decoded, and written as MessagePack again must give the first bytes back.
 */
#include "codec_msgpack.h"

#include "random_value.h"
#include "writer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct duet_limits limits = {
    .max_message = 1 << 22, .max_head = 1 << 14, .max_values = 100000, .max_depth = 64};
static struct duet_arena arena;
static struct duet_fault fault;
static struct duet_writer first, xml, again;

static int set_up(void **state)
{
    (void)state;
    duet_arena_init(&arena, 1 << 24);
    duet_writer_init(&first, 1 << 20);
    duet_writer_init(&xml, 1 << 22);
    duet_writer_init(&again, 1 << 20);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    duet_arena_done(&arena);
    duet_writer_done(&first);
    duet_writer_done(&xml);
    duet_writer_done(&again);
    return 0;
}

static void start(struct duet_writer *writer, const struct duet_writer_ops *ops)
{
    duet_writer_start(writer, ops, (struct duet_style){0}, &fault, limits.max_depth);
}

/* A message in the arena, with the byte behind it that a request needs. */
static struct duet_incoming request_of(const char *before, const struct duet_writer *value,
                                       const char *after)
{
    size_t head = strlen(before), tail = strlen(after);
    uint8_t *bytes = duet_arena_alloc(&arena, head + value->out.size + tail + 1);
    assert_non_null(bytes);
    memcpy(bytes, before, head);
    memcpy(bytes + head, value->out.data, value->out.size);
    memcpy(bytes + head + value->out.size, after, tail + 1);
    return (struct duet_incoming){.bytes = bytes,
                                  .size = head + value->out.size + tail,
                                  .limits = &limits,
                                  .arena = &arena,
                                  .fault = &fault};
}

/* Decodes a request with one parameter and writes this with other operations. */
static void carry_over(const struct duet_codec *codec, struct duet_incoming request,
                       struct duet_writer *to, const struct duet_writer_ops *ops)
{
    int rc = codec->head(&request);
    if (rc == 0)
        rc = codec->decode(&request);
    if (rc < 0)
        print_error("%s: %s\n", codec->name, fault.message);
    assert_int_equal(rc, 0);
    assert_int_equal(request.params.via.array.size, 1);

    const duet_value *params = (const duet_value *)&request.params;
    start(to, ops);
    rc = duet_write_value(to, duet_value_item(params, 0));
    if (rc < 0)
        print_error("writing what %s brought: %s\n", codec->name, fault.message);
    assert_int_equal(rc, 0);
    assert_int_equal(duet_writer_finish(to), 0);
}

/* Carries what stands in `first` through both codecs. */
static void expect_agreement(void)
{
    assert_int_equal(duet_writer_finish(&first), 0);
    struct duet_incoming request = request_of("\x93\x02\xa1m\x91", &first, "");
    assert_int_equal(duet_msgpack_check(&request), 0);
    carry_over(&duet_codec_msgpack, request, &xml, &duet_writer_ops_xmlrpc);

    request = request_of("<?xml version=\"1.0\"?><methodCall><methodName>m</methodName>"
                         "<params><param>",
                         &xml, "</param></params></methodCall>");
    carry_over(&duet_codec_xmlrpc, request, &again, &duet_writer_ops_msgpack);
    if (again.out.size != first.out.size ||
        memcmp(again.out.data, first.out.data, first.out.size) != 0)
        print_error("%.*s\n", (int)xml.out.size, (const char *)xml.out.data);
    assert_int_equal(again.out.size, first.out.size);
    assert_memory_equal(again.out.data, first.out.data, first.out.size);
    duet_arena_reset(&arena);
}

/* ---- The values that are easy to get wrong */

static void integers_agree(void **state)
{
    (void)state;
    static const int64_t values[] = {0,
                                     1,
                                     -1,
                                     127,
                                     128,
                                     -32,
                                     -33,
                                     INT32_MAX,
                                     INT32_MIN,
                                     (int64_t)INT32_MAX + 1,
                                     (int64_t)INT32_MIN - 1,
                                     INT64_MAX,
                                     INT64_MIN};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        start(&first, &duet_writer_ops_msgpack);
        duet_write_int(&first, values[i]);
        expect_agreement();
    }
}

static void doubles_agree_to_the_bit(void **state)
{
    (void)state;
    static const double values[] = {0.0,
                                    -0.0,
                                    1.0,
                                    42.0,
                                    0.30000000000000004,
                                    123456789.12345679,
                                    5e-324,
                                    2.2250738585072014e-308,
                                    1.7976931348623157e308,
                                    -1e100,
                                    0x1p63,
                                    0x1p53};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        start(&first, &duet_writer_ops_msgpack);
        duet_write_double(&first, values[i]);
        expect_agreement();
    }
}

static void strings_agree_as_values_and_as_keys(void **state)
{
    (void)state;
    start(&first, &duet_writer_ops_msgpack);
    duet_write_map(&first, RANDOM_TEXTS);
    for (size_t i = 0; i < RANDOM_TEXTS; i++) {
        duet_write_key(&first, random_texts[i], strlen(random_texts[i]));
        duet_write_string(&first, random_texts[i], strlen(random_texts[i]));
    }
    expect_agreement();
}

static void a_key_that_is_an_int_is_its_digits_in_xml(void **state)
{
    (void)state;
    static const int64_t keys[] = {0, 7, -1, 128, INT64_MAX, INT64_MIN};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        char name[40];
        snprintf(name, sizeof name, "<name>%" PRId64 "</name>", keys[i]);
        start(&first, &duet_writer_ops_msgpack);
        duet_write_map(&first, 1);
        duet_write_int_key(&first, keys[i]);
        duet_write_nil(&first);
        assert_int_equal(duet_writer_finish(&first), 0);
        assert_int_equal(first.out.data[0], 0x81); /* and no string behind it */
        assert_int_not_equal(first.out.data[1] & 0xe0, 0xa0);
        struct duet_incoming request = request_of("\x93\x02\xa1m\x91", &first, "");
        assert_int_equal(duet_msgpack_check(&request), 0);
        carry_over(&duet_codec_msgpack, request, &xml, &duet_writer_ops_xmlrpc);
        assert_non_null(memmem(xml.out.data, xml.out.size, name, strlen(name)));
        duet_arena_reset(&arena);
    }
}

static void times_agree(void **state)
{
    (void)state;
    static const int64_t seconds[] = {0,          1,           -1,          951782400,
                                      4102444799, -2208988800, 17179869184, 253402300799};
    for (size_t i = 0; i < sizeof seconds / sizeof *seconds; i++) {
        start(&first, &duet_writer_ops_msgpack);
        duet_write_time(&first, (duet_time){seconds[i], 0});
        expect_agreement();
    }
}

static void the_deepest_allowed_value_agrees(void **state)
{
    (void)state;
    start(&first, &duet_writer_ops_msgpack);
    for (int i = 0; i < 32; i++) {
        duet_write_array(&first, 1);
        duet_write_map(&first, 1);
        duet_write_key(&first, "k", 1);
    }
    duet_write_nil(&first);
    expect_agreement();
}

/* ---- Random values of every type that both formats have */

static void random_values_agree(void **state)
{
    (void)state;
    srand(20);
    size_t containers = 0;
    for (int i = 0; i < 3000; i++) {
        start(&first, &duet_writer_ops_msgpack);
        write_random_value(&first);
        assert_int_equal(first.error, 0);
        containers += (first.out.data[0] & 0xe0) == 0x80;
        expect_agreement();
    }
    assert_true(containers > 1000);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(integers_agree),
        TEST(doubles_agree_to_the_bit),
        TEST(strings_agree_as_values_and_as_keys),
        TEST(a_key_that_is_an_int_is_its_digits_in_xml),
        TEST(times_agree),
        TEST(the_deepest_allowed_value_agrees),
        TEST(random_values_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
