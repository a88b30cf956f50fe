/*
 * The checked front: what may stand where, containers that close themselves, marks and scopes.
 * Most tests write through operations that spell out every call; MessagePack serves for copies.
 */
#include "writer.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- Operations that write text one can read: [1,2] {k:1,} */

static int say(struct duet_writer *writer, const char *text)
{
    return duet_buf_append(&writer->out, text, strlen(text));
}

static int say_nil(struct duet_writer *writer)
{
    return say(writer, "nil ");
}

static int say_bool(struct duet_writer *writer, bool value)
{
    return say(writer, value ? "true " : "false ");
}

static int say_int(struct duet_writer *writer, int64_t value)
{
    char text[32];
    snprintf(text, sizeof text, "%" PRId64 " ", value);
    return say(writer, text);
}

static int say_uint(struct duet_writer *writer, uint64_t value)
{
    char text[32];
    snprintf(text, sizeof text, "%" PRIu64 "u ", value);
    return say(writer, text);
}

static int say_double(struct duet_writer *writer, double value)
{
    char text[32];
    snprintf(text, sizeof text, "%g ", value);
    return say(writer, text);
}

static int say_string(struct duet_writer *writer, const char *text, size_t size)
{
    int rc = duet_buf_append(&writer->out, text, size);
    return rc < 0 ? rc : say(writer, " ");
}

static int say_bytes(struct duet_writer *writer, const void *bytes, size_t size)
{
    int rc = say(writer, "b:");
    return rc < 0 ? rc : say_string(writer, bytes, size);
}

static int say_time(struct duet_writer *writer, duet_time value)
{
    return say_int(writer, value.seconds);
}

static int refuse_ext(struct duet_writer *writer, int type, const void *bytes, size_t size)
{
    (void)bytes;
    (void)size;
    return duet_fault_set(writer->fault, DUET_FAULT_PARAMS, "extension %d", type);
}

static int begin_array(struct duet_writer *writer, size_t count)
{
    (void)count;
    return say(writer, "[");
}

static int end_array(struct duet_writer *writer)
{
    return say(writer, "]");
}

static int begin_map(struct duet_writer *writer, size_t count)
{
    (void)count;
    return say(writer, "{");
}

static int say_key(struct duet_writer *writer, const msgpack_object *key)
{
    int rc = duet_buf_append(&writer->out, key->via.str.ptr, key->via.str.size);
    return rc < 0 ? rc : say(writer, ":");
}

static int end_member(struct duet_writer *writer)
{
    return say(writer, ",");
}

static int end_map(struct duet_writer *writer)
{
    return say(writer, "}");
}

static int end_argument(struct duet_writer *writer, size_t left)
{
    return say(writer, left > 0 ? "; " : ".");
}

static const struct duet_writer_ops text_ops = {
    .nil = say_nil,
    .boolean = say_bool,
    .integer = say_int,
    .natural = say_uint,
    .real = say_double,
    .string = say_string,
    .bytes = say_bytes,
    .time = say_time,
    .ext = refuse_ext,
    .begin_array = begin_array,
    .end_array = end_array,
    .begin_map = begin_map,
    .key = say_key,
    .end_member = end_member,
    .end_map = end_map,
    .end_argument = end_argument,
};

/* ---- Fixture: a fresh writer, and what came of it */

static struct duet_writer writer;
static struct duet_fault fault;

static void begin_with(const struct duet_writer_ops *ops, size_t max_depth)
{
    memset(&fault, 0, sizeof fault);
    duet_writer_start(&writer, ops, (struct duet_style){0}, &fault, max_depth);
}

static void begin(void)
{
    begin_with(&text_ops, 64);
}

static int set_up(void **state)
{
    (void)state;
    duet_writer_init(&writer, 1000);
    begin();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    duet_writer_done(&writer);
    return 0;
}

static void expect_text(const char *text)
{
    assert_int_equal(duet_writer_finish(&writer), 0);
    assert_int_equal(writer.out.size, strlen(text));
    assert_memory_equal(writer.out.data, text, writer.out.size);
}

static void expect_fault(int code, const char *words)
{
    assert_int_equal(duet_writer_finish(&writer), code);
    assert_int_equal(fault.code, code);
    assert_string_equal(fault.message, words);
}

/* ---- Values and containers */

static void each_kind_of_value_reaches_its_operation(void **state)
{
    (void)state;
    duet_write_array(&writer, 9);
    duet_write_nil(&writer);
    duet_write_bool(&writer, true);
    duet_write_int(&writer, -5);
    duet_write_uint(&writer, INT64_MAX);
    duet_write_uint(&writer, UINT64_MAX);
    duet_write_double(&writer, 1.5);
    duet_write_string(&writer, "text", 4);
    duet_write_bytes(&writer, "raw", 3);
    duet_write_time(&writer, (duet_time){7, 0});
    expect_text("[nil true -5 9223372036854775807 18446744073709551615u 1.5 text b:raw 7 ]");
}

static void nothing_written_is_nil(void **state)
{
    (void)state;
    expect_text("nil ");
}

static void full_containers_close_all_the_way_out(void **state)
{
    (void)state;
    duet_write_array(&writer, 2);
    duet_write_array(&writer, 0);
    duet_write_map(&writer, 2);
    duet_write_key(&writer, "a", 1);
    duet_write_map(&writer, 0);
    duet_write_key(&writer, "b", 1);
    duet_write_array(&writer, 1);
    duet_write_array(&writer, 0);
    expect_text("[[]{a:{},b:[[]],}]");
}

static void an_empty_container_is_a_whole_value(void **state)
{
    (void)state;
    duet_write_array(&writer, 0);
    expect_text("[]");
    begin();
    duet_write_map(&writer, 0);
    expect_text("{}");
}

static void a_record_is_a_map_or_an_array_of_its_values(void **state)
{
    (void)state;
    struct duet_writer_ops named = text_ops;
    named.has_field_names = true;
    static const char *const expected[] = {"{x:1 ,y:[2 ],}", "[1 [2 ]]", "{x:1 ,y:[2 ],}"};
    for (int i = 0; i < 3; i++) {
        begin_with(i == 2 ? &named : &text_ops, 64);
        duet_write_record(&writer, 2, i == 0 ? DUET_RECORD_MAP : DUET_RECORD_ARRAY);
        duet_write_field(&writer, "x");
        duet_write_int(&writer, 1);
        duet_write_field(&writer, "y");
        duet_write_array(&writer, 1);
        duet_write_int(&writer, 2);
        expect_text(expected[i]);
    }
}

/* ---- Calls: arguments in the place of one value */

static void arguments_are_written_side_by_side(void **state)
{
    (void)state;
    assert_int_equal(duet_writer_open_call(&writer, 0, 4), 0);
    duet_write_int(&writer, 1);
    duet_write_array(&writer, 2);
    duet_write_int(&writer, 2);
    duet_write_int(&writer, 3);
    duet_mark mark = duet_writer_mark(&writer);
    duet_write_int(&writer, 7);
    duet_writer_rewind(&writer, mark);
    duet_write_map(&writer, 0);
    duet_write_nil(&writer);
    expect_text("1 ; [2 3 ]; {}; nil .");

    begin();
    assert_int_equal(duet_writer_open_call(&writer, 0, 0), 0);
    expect_text("");
}

static void arguments_too_few_or_too_many_are_told_of(void **state)
{
    (void)state;
    duet_writer_open_call(&writer, 0, 2);
    duet_write_int(&writer, 1);
    expect_fault(DUET_FAULT_INTERNAL, "the caller wrote 1 of 2 arguments");

    begin();
    duet_writer_open_call(&writer, 0, 1);
    duet_write_int(&writer, 1);
    duet_write_int(&writer, 2);
    expect_fault(DUET_FAULT_INTERNAL, "the caller wrote an argument too many");

    begin();
    duet_writer_open_call(&writer, 0, 1);
    duet_write_field(&writer, "x");
    expect_fault(DUET_FAULT_INTERNAL, "the caller wrote a key outside of a map");
}

static void a_call_has_limits_of_its_own_name(void **state)
{
    (void)state;
    begin_with(&text_ops, 2);
    duet_writer_open_call(&writer, 0, 1);
    duet_write_array(&writer, 1);
    duet_write_array(&writer, 1);
    duet_write_array(&writer, 1);
    expect_fault(DUET_FAULT_LIMIT, "the call nests deeper than 2 levels");

    begin();
    duet_writer_open_call(&writer, 0, 1);
    char text[1001] = "";
    duet_write_string(&writer, text, sizeof text);
    expect_fault(DUET_FAULT_LIMIT, "call exceeds --max-message 1000");

    begin();
    assert_int_equal(duet_writer_open_call(&writer, -EMSGSIZE, 1), DUET_FAULT_LIMIT);
    duet_write_int(&writer, 1);
    expect_fault(DUET_FAULT_LIMIT, "call exceeds --max-message 1000");
}

/* ---- Wrong use: steps in letters, and the words for it. i int, [ array of 2, { map of 2,
 * < record of 2 as an array, k key */

static void take_steps(const char *steps)
{
    for (; *steps; steps++) {
        int rc = *steps == 'i'   ? duet_write_int(&writer, 1)
                 : *steps == '[' ? duet_write_array(&writer, 2)
                 : *steps == '{' ? duet_write_map(&writer, 2)
                 : *steps == '<' ? duet_write_record(&writer, 2, DUET_RECORD_ARRAY)
                                 : duet_write_key(&writer, "k", 1);
        assert_true(rc == 0 || rc == fault.code);
    }
}

static void wrong_use_is_a_fault_with_words(void **state)
{
    (void)state;
    static const struct {
        const char *steps, *words;
    } rows[] = {
        {"ii", "the method wrote a second value"},
        {"i[", "the method wrote a second value"},
        {"[iii", "the method wrote a second value"},
        {"k", "the method wrote a key outside of a map"},
        {"[k", "the method wrote a key outside of a map"},
        {"{i", "the method wrote a value where a key must stand"},
        {"{[", "the method wrote a value where a key must stand"},
        {"<i", "the method wrote a value where a key must stand"},
        {"{kk", "the method wrote a key where a value must stand"},
        {"<kk", "the method wrote a key where a value must stand"},
        {"[", "the method wrote 0 of 2 items of an array"},
        {"[i", "the method wrote 1 of 2 items of an array"},
        {"{ki", "the method wrote 1 of 2 pairs of a map"},
        {"{kik", "the method wrote 1 of 2 pairs of a map"},
        {"<ki", "the method wrote 1 of 2 fields of a record"},
        {"[i[i", "the method wrote 1 of 2 items of an array"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        begin();
        take_steps(rows[i].steps);
        expect_fault(DUET_FAULT_INTERNAL, rows[i].words);
    }
}

static void the_first_error_sticks(void **state)
{
    (void)state;
    duet_write_int(&writer, 1);
    assert_int_equal(duet_write_int(&writer, 2), DUET_FAULT_INTERNAL);
    size_t size = writer.out.size;
    assert_int_equal(duet_write_key(&writer, "k", 1), DUET_FAULT_INTERNAL);
    assert_int_equal(duet_write_array(&writer, SIZE_MAX), DUET_FAULT_INTERNAL);
    assert_int_equal(duet_write_nil(&writer), DUET_FAULT_INTERNAL);
    assert_int_equal(writer.out.size, size);
    expect_fault(DUET_FAULT_INTERNAL, "the method wrote a second value");
}

static void a_time_with_too_many_nanoseconds_is_a_fault(void **state)
{
    (void)state;
    assert_int_equal(duet_write_time(&writer, (duet_time){0, 1000000000}), DUET_FAULT_INTERNAL);
    expect_fault(DUET_FAULT_INTERNAL,
                 "the method wrote a time with more than 999,999,999 nanoseconds");
}

static void a_reply_over_its_limit_names_the_flag(void **state)
{
    (void)state;
    char large[1001] = "";
    assert_int_equal(duet_write_bytes(&writer, large, sizeof large), DUET_FAULT_LIMIT);
    expect_fault(DUET_FAULT_LIMIT, "reply exceeds --max-reply 1000");

    begin();
    assert_int_equal(duet_write_array(&writer, SIZE_MAX), DUET_FAULT_LIMIT);
    expect_fault(DUET_FAULT_LIMIT, "reply exceeds --max-reply 1000");
}

static void depth_grows_beyond_the_inline_levels_up_to_its_limit(void **state)
{
    (void)state;
    for (int i = 0; i < 64; i++)
        assert_int_equal(duet_write_array(&writer, 1), 0);
    duet_mark mark = duet_writer_mark(&writer);
    assert_int_equal(duet_write_array(&writer, 0), DUET_FAULT_LIMIT);
    assert_string_equal(fault.message, "the reply nests deeper than 64 levels");
    duet_writer_rewind(&writer, mark);
    assert_int_equal(duet_write_int(&writer, 1), 0);
    assert_int_equal(duet_writer_finish(&writer), 0);
    assert_int_equal(writer.out.size, 64 + 2 + 64);
}

static void an_operation_that_refuses_makes_its_fault_stick(void **state)
{
    (void)state;
    duet_value ext = {.object = {.type = MSGPACK_OBJECT_EXT, .via.ext = {5, 1, "x"}}};
    assert_int_equal(duet_write_value(&writer, &ext), DUET_FAULT_PARAMS);
    expect_fault(DUET_FAULT_PARAMS, "extension 5");
}

/* ---- Marks and scopes */

static void rewinding_leaves_no_trace(void **state)
{
    (void)state;
    duet_write_map(&writer, 2);
    duet_write_key(&writer, "a", 1);
    duet_mark before_value = duet_writer_mark(&writer);
    duet_write_array(&writer, 3);
    duet_write_int(&writer, 1);
    duet_write_key(&writer, "wrong", 5);
    duet_writer_rewind(&writer, before_value);
    duet_write_int(&writer, 7);

    duet_mark before_key = duet_writer_mark(&writer);
    duet_write_key(&writer, "b", 1);
    duet_writer_rewind(&writer, before_key);
    duet_write_key(&writer, "c", 1);
    duet_write_nil(&writer);
    expect_text("{a:7 ,c:nil ,}");
}

static void rewinding_takes_back_whole_values_too(void **state)
{
    (void)state;
    duet_write_array(&writer, 3);
    duet_mark in_array = duet_writer_mark(&writer);
    duet_write_int(&writer, 1);
    duet_write_int(&writer, 2);
    duet_writer_rewind(&writer, in_array);
    duet_write_map(&writer, 2);
    duet_write_key(&writer, "a", 1);
    duet_mark in_map = duet_writer_mark(&writer);
    duet_write_int(&writer, 3);
    duet_writer_rewind(&writer, in_map);
    duet_write_int(&writer, 4);
    duet_write_key(&writer, "b", 1);
    duet_write_int(&writer, 5);
    duet_write_int(&writer, 6);
    duet_write_int(&writer, 7);
    expect_text("[{a:4 ,b:5 ,}6 7 ]");
}

static void rewinding_to_the_beginning_allows_another_value(void **state)
{
    (void)state;
    duet_mark mark = duet_writer_mark(&writer);
    duet_write_int(&writer, 1);
    duet_write_int(&writer, 2);
    duet_writer_rewind(&writer, mark);
    duet_write_int(&writer, 3);
    expect_text("3 ");
}

static void an_error_before_the_mark_stays(void **state)
{
    (void)state;
    duet_write_key(&writer, "k", 1);
    duet_mark mark = duet_writer_mark(&writer);
    duet_writer_rewind(&writer, mark);
    assert_int_equal(duet_write_nil(&writer), DUET_FAULT_INTERNAL);
}

static void expect_stale(duet_mark mark)
{
    duet_writer_rewind(&writer, mark);
    expect_fault(DUET_FAULT_INTERNAL,
                 "the method went back to a mark that is stale, or of another call");
}

static void a_mark_is_good_as_often_as_one_likes(void **state)
{
    (void)state;
    duet_write_array(&writer, 2);
    duet_mark mark = duet_writer_mark(&writer);
    for (int i = 0; i < 100; i++) {
        duet_write_array(&writer, 1);
        duet_writer_mark(&writer);
        duet_write_int(&writer, i);
        duet_writer_rewind(&writer, mark);
    }
    duet_write_int(&writer, 1);
    duet_mark later = duet_writer_mark(&writer);
    duet_write_int(&writer, 2);
    expect_text("[1 2 ]");

    duet_writer_rewind(&writer, later); /* the whole value is written: its array is closed */
    assert_int_equal(writer.error, DUET_FAULT_INTERNAL);
}

/* An outer mark, and in a loop one that is gone back to after another was taken: more often
 * than the writer remembers. */
static void the_outer_and_the_newest_mark_stay_good_in_a_loop(void **state)
{
    (void)state;
    enum { ITEMS = 100 };
    duet_write_array(&writer, ITEMS);
    duet_mark outer = duet_writer_mark(&writer), passed = outer, gone = outer;
    for (int i = 0; i < ITEMS - 1; i++) {
        duet_mark newest = duet_writer_mark(&writer);
        duet_write_array(&writer, 2);
        duet_write_int(&writer, 7);
        gone = duet_writer_mark(&writer);
        duet_writer_rewind(&writer, newest);
        duet_write_int(&writer, i);
        duet_writer_rewind(&writer, newest);
        assert_int_equal(writer.error, 0);
        duet_write_int(&writer, i);
        passed = newest;
    }
    duet_writer_rewind(&writer, passed);
    duet_write_int(&writer, 8);
    duet_writer_rewind(&writer, outer);
    assert_int_equal(writer.error, 0);
    duet_mark start = duet_writer_mark(&writer);
    expect_stale(gone);
    duet_writer_rewind(&writer, start); /* discards that error too */
    for (int i = 0; i < ITEMS; i++)
        duet_write_nil(&writer);
    assert_int_equal(duet_writer_finish(&writer), 0);
}

static void a_mark_is_of_no_other_writer_and_of_no_earlier_value(void **state)
{
    (void)state;
    struct duet_writer other;
    duet_writer_init(&other, 1000);
    duet_writer_start(&other, &text_ops, (struct duet_style){0}, &fault, 64);
    duet_mark foreign = duet_writer_mark(&other), before = duet_writer_mark(&writer);
    expect_stale(foreign);
    begin();
    duet_writer_mark(&writer);
    expect_stale(before);
    begin();
    expect_stale((duet_mark){{0}});
    begin();
    duet_writer_start(&other, &text_ops, (struct duet_style){0}, &fault, 64);
    while (other.last_mark < writer.last_mark)
        duet_writer_mark(&other);
    duet_writer_mark(&writer);
    expect_stale(duet_writer_mark(&other)); /* the newest, with the same number */
    duet_writer_done(&other);
}

static void a_mark_made_up_from_a_good_one_reaches_nothing(void **state)
{
    (void)state;
    for (int i = 0; i < 12; i++) {
        begin();
        duet_write_array(&writer, 3);
        duet_write_int(&writer, 1);
        duet_mark mark = duet_writer_mark(&writer);
        struct duet_place place;
        memcpy(&place, mark.opaque, sizeof place);
        switch (i) {
        case 0:
            place.number++;
            break;
        case 1:
            place.size += 1000;
            break;
        case 2:
            place.depth = 5000;
            break;
        case 3:
            place.start++;
            break;
        case 4:
            place.left = 4;
            break;
        case 5:
            place.left = 1;
            break;
        case 6:
            place.references = 1;
            break;
        case 7: /* the next item would be taken for a key */
            place.kind++;
            break;
        case 8:
            place.kind = 1000;
            break;
        case 9: /* an error that nobody has made would stick */
            place.error = -EIO;
            break;
        case 10: /* in the middle of what was written before the mark */
            place.size--;
            break;
        default:
            place.seal++;
        }
        memcpy(mark.opaque, &place, sizeof place);
        expect_stale(mark);
    }
}

/* Writes steps inside a scope and ends it with `rc`. */
static int scoped(const char *steps, int rc)
{
    struct duet_writer_scope scope;
    assert_int_equal(duet_writer_enter(&writer, &scope), 0);
    take_steps(steps);
    return duet_writer_leave(&writer, &scope, rc);
}

static void a_scope_takes_exactly_one_value_and_cannot_reach_outside(void **state)
{
    (void)state;
    duet_write_array(&writer, 3);
    duet_write_array(&writer, 1);
    assert_int_equal(scoped("ii", 0), DUET_FAULT_INTERNAL); /* a second value */
    assert_int_equal(scoped("i", -EIO), -EIO);              /* whole, but failed after all */
    assert_int_equal(scoped("[i", 0), DUET_FAULT_INTERNAL); /* unfinished */
    assert_int_equal(scoped("[iik", 0), DUET_FAULT_INTERNAL);
    assert_int_equal(scoped("[ii", 0), 0);
    assert_int_equal(scoped("", 0), 0); /* nil */
    duet_write_int(&writer, 5);
    expect_text("[[[1 1 ]]nil 5 ]");
}

static void a_scope_may_be_the_whole_reply(void **state)
{
    (void)state;
    assert_int_equal(scoped("ii", 0), DUET_FAULT_INTERNAL);
    assert_int_equal(scoped("i", 0), 0);
    expect_text("1 ");
}

static void scopes_stand_inside_each_other(void **state)
{
    (void)state;
    struct duet_writer_scope outer;
    duet_write_array(&writer, 1);
    assert_int_equal(duet_writer_enter(&writer, &outer), 0);
    duet_write_array(&writer, 2);
    assert_int_equal(scoped("i", 0), 0);
    assert_int_equal(scoped("[i", 0), DUET_FAULT_INTERNAL);
    assert_int_equal(scoped("i", 0), 0);
    assert_int_equal(duet_writer_leave(&writer, &outer, 0), 0);
    expect_text("[[1 1 ]]");
}

static void no_scope_where_no_value_may_stand(void **state)
{
    (void)state;
    struct duet_writer_scope scope;
    duet_write_map(&writer, 1);
    assert_int_equal(duet_writer_enter(&writer, &scope), DUET_FAULT_INTERNAL);
}

/* ---- Copies */

static void a_value_is_copied_with_all_that_is_in_it(void **state)
{
    (void)state;
    msgpack_object one = {.type = MSGPACK_OBJECT_POSITIVE_INTEGER, .via.u64 = 1};
    msgpack_object key = {.type = MSGPACK_OBJECT_STR, .via.str = {1, "k"}};
    msgpack_object time = {.type = MSGPACK_OBJECT_EXT, .via.ext = {-1, 4, "\0\0\0\x09"}};
    msgpack_object inner[] = {one, time};
    msgpack_object array = {.type = MSGPACK_OBJECT_ARRAY, .via.array = {2, inner}};
    msgpack_object empty = {.type = MSGPACK_OBJECT_ARRAY};
    msgpack_object_kv pairs[] = {{key, array}, {key, empty}};
    duet_value map = {.object = {.type = MSGPACK_OBJECT_MAP, .via.map = {2, pairs}}};

    duet_write_array(&writer, 2);
    assert_int_equal(duet_write_value(&writer, &map), 0);
    assert_int_equal(duet_write_value(&writer, &map), 0); /* the last item: all closes */
    expect_text("[{k:[1 9 ],k:[],}{k:[1 9 ],k:[],}]");
}

static void a_copy_too_deep_is_refused_and_does_not_recurse(void **state)
{
    (void)state;
    enum { LEVELS = 100000 };
    duet_value *nested = calloc(LEVELS, sizeof *nested);
    for (size_t i = 0; i + 1 < LEVELS; i++) {
        nested[i].object.type = MSGPACK_OBJECT_ARRAY;
        nested[i].object.via.array = (msgpack_object_array){1, &nested[i + 1].object};
    }
    assert_int_equal(duet_write_value(&writer, nested), DUET_FAULT_LIMIT);
    assert_int_equal(fault.code, DUET_FAULT_LIMIT);

    duet_writer_done(&writer);
    duet_writer_init(&writer, 1 << 20);
    begin_with(&text_ops, LEVELS);
    assert_int_equal(duet_write_value(&writer, nested), 0);
    assert_int_equal(duet_writer_finish(&writer), 0);
    free(nested);
}

static void a_recycled_writer_keeps_little(void **state)
{
    (void)state;
    duet_writer_done(&writer);
    duet_writer_init(&writer, 1 << 20);
    begin_with(&text_ops, 1000);
    char large[100000] = "";
    duet_write_array(&writer, 2);
    duet_write_bytes(&writer, large, sizeof large);
    for (int i = 0; i < 900; i++)
        duet_write_array(&writer, 1);
    begin();
    assert_int_equal(writer.out.capacity, 0);
    assert_int_equal(writer.capacity, DUET_WRITER_INLINE_LEVELS);
    duet_write_int(&writer, 1);
    expect_text("1 ");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(each_kind_of_value_reaches_its_operation),
        TEST(nothing_written_is_nil),
        TEST(full_containers_close_all_the_way_out),
        TEST(an_empty_container_is_a_whole_value),
        TEST(a_record_is_a_map_or_an_array_of_its_values),
        TEST(wrong_use_is_a_fault_with_words),
        TEST(the_first_error_sticks),
        TEST(a_time_with_too_many_nanoseconds_is_a_fault),
        TEST(a_reply_over_its_limit_names_the_flag),
        TEST(depth_grows_beyond_the_inline_levels_up_to_its_limit),
        TEST(an_operation_that_refuses_makes_its_fault_stick),
        TEST(rewinding_leaves_no_trace),
        TEST(rewinding_takes_back_whole_values_too),
        TEST(rewinding_to_the_beginning_allows_another_value),
        TEST(an_error_before_the_mark_stays),
        TEST(a_mark_is_good_as_often_as_one_likes),
        TEST(the_outer_and_the_newest_mark_stay_good_in_a_loop),
        TEST(a_mark_is_of_no_other_writer_and_of_no_earlier_value),
        TEST(a_mark_made_up_from_a_good_one_reaches_nothing),
        TEST(a_scope_takes_exactly_one_value_and_cannot_reach_outside),
        TEST(a_scope_may_be_the_whole_reply),
        TEST(scopes_stand_inside_each_other),
        TEST(no_scope_where_no_value_may_stand),
        TEST(a_value_is_copied_with_all_that_is_in_it),
        TEST(a_copy_too_deep_is_refused_and_does_not_recurse),
        TEST(arguments_are_written_side_by_side),
        TEST(arguments_too_few_or_too_many_are_told_of),
        TEST(a_call_has_limits_of_its_own_name),
        TEST(a_recycled_writer_keeps_little),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
