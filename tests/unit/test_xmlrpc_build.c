/*
 * The builder: containers, keys in either order, limits, and text that comes in pieces.
 */
#include "xmlrpc_reading.h"

#include "xmlrpc_build.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static msgpack_object number(uint64_t value)
{
    return (msgpack_object){.type = MSGPACK_OBJECT_POSITIVE_INTEGER, .via.u64 = value};
}

static msgpack_object text_of(struct duet_xml_build *build, const char *text)
{
    duet_xml_text_start(build);
    assert_int_equal(duet_xml_text_add(build, text, strlen(text)), 0);
    return duet_xml_text_take(build);
}

struct fixture {
    struct reading reading;
    struct duet_xml_build build;
};

static void begin(struct fixture *fixture)
{
    reading_init(&fixture->reading);
    fixture->reading.request = (struct duet_incoming){.limits = &fixture->reading.limits,
                                                      .arena = &fixture->reading.arena,
                                                      .fault = &fixture->reading.fault};
    duet_xml_build_init(&fixture->build);
    duet_xml_build_start(&fixture->build, &fixture->reading.request);
}

static void end(struct fixture *fixture)
{
    duet_xml_build_rest(&fixture->build);
    duet_xml_build_done(&fixture->build);
    reading_done(&fixture->reading);
}

static const char *finish(struct fixture *fixture)
{
    msgpack_object params;
    assert_int_equal(duet_xml_build_finish(&fixture->build, &params), 0);
    show_object(&fixture->reading, &params);
    return fixture->reading.shown;
}

static void containers_nest_and_keep_their_order(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture);
    struct duet_xml_build *build = &fixture.build;

    assert_int_equal(duet_xml_build_push(build, number(1)), 0);
    assert_int_equal(duet_xml_build_open(build, MSGPACK_OBJECT_ARRAY), 0);
    assert_int_equal(duet_xml_build_push(build, number(2)), 0);
    assert_int_equal(duet_xml_build_open(build, MSGPACK_OBJECT_MAP), 0);
    assert_string_equal(duet_xml_build_where(build), "argument 2");

    assert_int_equal(duet_xml_build_member(build), 0);
    assert_false(duet_xml_build_has_key(build));
    assert_false(duet_xml_build_has_value(build));
    duet_xml_build_key(build, text_of(build, "a"));
    assert_true(duet_xml_build_has_key(build));
    assert_int_equal(duet_xml_build_push(build, number(3)), 0);

    assert_int_equal(duet_xml_build_member(build), 0);
    assert_int_equal(duet_xml_build_open(build, MSGPACK_OBJECT_ARRAY), 0);
    assert_int_equal(duet_xml_build_close(build), 0);
    assert_true(duet_xml_build_has_value(build));
    assert_false(duet_xml_build_has_key(build));
    duet_xml_build_key(build, text_of(build, "b"));

    assert_int_equal(duet_xml_build_inside(build), MSGPACK_OBJECT_MAP);
    assert_int_equal(duet_xml_build_close(build), 0);
    assert_int_equal(duet_xml_build_inside(build), MSGPACK_OBJECT_ARRAY);
    assert_int_equal(duet_xml_build_close(build), 0);
    assert_int_equal(duet_xml_build_inside(build), MSGPACK_OBJECT_NIL);
    assert_int_equal(duet_xml_build_push(build, number(4)), 0);
    assert_string_equal(finish(&fixture), "[1,[2,{'a':3,'b':[]}],4]");
    end(&fixture);
}

static void no_arguments_are_an_empty_array(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture);
    assert_string_equal(finish(&fixture), "[]");
    end(&fixture);
}

static void keys_and_containers_count_as_values(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture);
    fixture.reading.limits.max_values = 3;
    duet_xml_build_start(&fixture.build, &fixture.reading.request);
    struct duet_xml_build *build = &fixture.build;

    assert_int_equal(duet_xml_build_open(build, MSGPACK_OBJECT_MAP), 0);
    assert_int_equal(duet_xml_build_member(build), 0);
    assert_int_equal(duet_xml_build_push(build, number(1)), 0);
    assert_int_equal(duet_xml_build_member(build), DUET_FAILED);
    assert_int_equal(fixture.reading.fault.code, DUET_FAULT_LIMIT);
    assert_string_equal(fixture.reading.fault.message,
                        "argument 1: a message of more than 3 values exceeds --max-values 3");
    end(&fixture);
}

static void depth_is_counted_in_open_containers(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture);
    struct duet_xml_build *build = &fixture.build;
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 64; i++)
            assert_int_equal(duet_xml_build_open(build, MSGPACK_OBJECT_ARRAY), 0);
        for (int i = 0; i < 64; i++)
            assert_int_equal(duet_xml_build_close(build), 0);
    }
    for (int i = 0; i < 64; i++)
        assert_int_equal(duet_xml_build_open(build, MSGPACK_OBJECT_ARRAY), 0);
    assert_int_equal(duet_xml_build_open(build, MSGPACK_OBJECT_ARRAY), DUET_FAILED);
    assert_string_equal(fixture.reading.fault.message,
                        "argument 3: nesting of 65 levels exceeds --max-depth 64");
    end(&fixture);
}

static void text_in_pieces_is_one_string(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture);
    struct duet_xml_build *build = &fixture.build;
    duet_xml_text_start(build);
    for (int i = 0; i < 100000; i++)
        assert_int_equal(duet_xml_text_add(build, &"0123456789"[i % 10], 1), 0);
    msgpack_object string = duet_xml_text_take(build);
    assert_int_equal(string.via.str.size, 100000);
    for (uint32_t i = 0; i < 100000; i++)
        assert_int_equal(string.via.str.ptr[i], '0' + (int)(i % 10));
    assert_int_equal(string.via.str.ptr[100000], '\0');
    assert_true(fixture.reading.arena.total < 500000);
    end(&fixture);
}

static void text_that_is_not_kept_takes_no_room(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture);
    struct duet_xml_build *build = &fixture.build;
    for (int i = 0; i < 100000; i++) {
        duet_xml_text_start(build);
        assert_int_equal(duet_xml_text_add(build, "1234", 4), 0);
        assert_int_equal(duet_xml_text_add(build, "567890123456789", 15), 0);
        duet_xml_text_keep(build, 0);
    }
    assert_true(fixture.reading.arena.total <= 2048);
    end(&fixture);
}

static void the_arenas_ceiling_is_a_limit(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture);
    fixture.reading.arena.max = 10000;
    char text[8000] = "x";
    duet_xml_text_start(&fixture.build);
    assert_int_equal(duet_xml_text_add(&fixture.build, text, sizeof text), 0);
    assert_int_equal(duet_xml_text_add(&fixture.build, text, sizeof text), DUET_FAILED);
    assert_int_equal(fixture.reading.fault.code, DUET_FAULT_LIMIT);
    assert_non_null(strstr(fixture.reading.fault.message, "--max-message 16777216"));
    end(&fixture);
}

static void a_large_stack_is_let_go_and_a_small_one_kept(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture);
    struct duet_xml_build *build = &fixture.build;
    for (uint64_t i = 0; i < 1000; i++)
        assert_int_equal(duet_xml_build_push(build, number(i)), 0);
    duet_xml_build_rest(build);
    assert_non_null(build->stack);

    duet_xml_build_start(build, &fixture.reading.request);
    for (uint64_t i = 0; i < 100000; i++)
        assert_int_equal(duet_xml_build_push(build, number(i)), 0);
    duet_xml_build_rest(build);
    assert_null(build->stack);
    end(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(containers_nest_and_keep_their_order),
        cmocka_unit_test(no_arguments_are_an_empty_array),
        cmocka_unit_test(keys_and_containers_count_as_values),
        cmocka_unit_test(depth_is_counted_in_open_containers),
        cmocka_unit_test(text_in_pieces_is_one_string),
        cmocka_unit_test(text_that_is_not_kept_takes_no_room),
        cmocka_unit_test(the_arenas_ceiling_is_a_limit),
        cmocka_unit_test(a_large_stack_is_let_go_and_a_small_one_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
