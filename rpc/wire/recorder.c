/*
 * What is written, noted in the order of its beginnings. What a handler takes back (a mark that
 * it rewinds to) is known by its place: the next part begins before it does.
 */
#include "recorder.h"

#include "timestamp.h"
#include "writer_parts.h"

#include <string.h>

/* ---- Noting */

static struct duet_recorded *add(struct duet_recorder *recorder)
{
    if (recorder->count == recorder->capacity) {
        size_t capacity = 2 * recorder->capacity + 16, size = sizeof *recorder->recorded;
        struct duet_recorded *more = duet_arena_alloc(recorder->arena, capacity * size);
        if (more == NULL)
            return NULL;
        if (recorder->count > 0)
            memcpy(more, recorder->recorded, recorder->count * size);
        recorder->recorded = more;
        recorder->capacity = capacity;
    }
    return &recorder->recorded[recorder->count++];
}

/* What begins there or later has been taken back. */
static void forget(struct duet_recorder *recorder, size_t at)
{
    while (recorder->count > 0 && recorder->recorded[recorder->count - 1].at >= at)
        recorder->count--;
}

/* Notes what begins at `at` and has so many values in it. A key is a value too. */
static void note(struct duet_recorder *recorder, size_t at, const msgpack_object *object,
                 size_t inside)
{
    forget(recorder, at);
    size_t left = recorder->count > 0 ? recorder->recorded[recorder->count - 1].left : 1;
    struct duet_recorded *recorded = add(recorder);
    if (recorded == NULL) {
        recorder->has_given_up = true;
        return;
    }
    *recorded = (struct duet_recorded){*object, at, left - 1 + inside};
}

/* ---- The value as a tree */

/* A container that is being filled: pairs are twice as many objects in a row. */
struct filling {
    msgpack_object *next;
    size_t left;
};

static bool reserve(struct duet_recorder *recorder, msgpack_object *object,
                    struct filling *filling)
{
    bool is_map = object->type == MSGPACK_OBJECT_MAP;
    size_t count = is_map ? 2 * (size_t)object->via.map.size : object->via.array.size;
    filling->left = count;
    filling->next = duet_arena_alloc(recorder->arena, count * sizeof(msgpack_object));
    if (is_map)
        object->via.map.ptr = (msgpack_object_kv *)filling->next;
    else
        object->via.array.ptr = filling->next;
    return filling->next != NULL;
}

static bool is_container(const msgpack_object *object)
{
    return object->type == MSGPACK_OBJECT_ARRAY || object->type == MSGPACK_OBJECT_MAP;
}

/* NULL when out of memory. */
static msgpack_object *build(struct duet_recorder *recorder)
{
    msgpack_object *value = duet_arena_alloc(recorder->arena, sizeof *value);
    /* No more of them are open than there are parts. */
    struct filling *stack =
        duet_arena_alloc(recorder->arena, (recorder->count + 1) * sizeof *stack);
    if (value == NULL || stack == NULL)
        return NULL;
    size_t depth = 0;
    stack[0] = (struct filling){value, 1};
    for (size_t i = 0; i < recorder->count; i++) {
        while (stack[depth].left == 0)
            depth--;
        msgpack_object *object = stack[depth].next++;
        stack[depth].left--;
        *object = recorder->recorded[i].object;
        if (is_container(object) && !reserve(recorder, object, &stack[++depth]))
            return NULL;
    }
    return value;
}

/* ---- In front of a format */

/* Shows the value if all of it is there. */
static int show(struct duet_writer *writer)
{
    struct duet_recorder *recorder = writer->recorder;
    if (recorder->has_given_up || recorder->is_covered || recorder->count == 0 ||
        recorder->recorded[recorder->count - 1].left > 0)
        return 0;
    msgpack_object *value = build(recorder);
    return value != NULL ? recorder->show(writer, value, recorder->ctx) : 0;
}

/* What an operation of the format said; if all is well it is noted. */
static int noted(struct duet_writer *writer, int rc, size_t at, const msgpack_object *object,
                 size_t inside)
{
    struct duet_recorder *recorder = writer->recorder;
    if (rc < 0 || recorder->has_given_up)
        return rc;
    note(recorder, at, object, inside);
    return show(writer);
}

/* Calls the format below, which may be another recorder. */
#define BELOW(operation, ...)                                                                  \
    struct duet_recorder *recorder = writer->recorder;                                         \
    size_t at = writer->out.size;                                                              \
    writer->recorder = recorder->outer;                                                        \
    int rc = recorder->below->operation(__VA_ARGS__);                                          \
    writer->recorder = recorder

static int write_nil(struct duet_writer *writer)
{
    BELOW(nil, writer);
    const msgpack_object object = {.type = MSGPACK_OBJECT_NIL};
    return noted(writer, rc, at, &object, 0);
}

static int write_boolean(struct duet_writer *writer, bool value)
{
    BELOW(boolean, writer, value);
    const msgpack_object object = {.type = MSGPACK_OBJECT_BOOLEAN, .via.boolean = value};
    return noted(writer, rc, at, &object, 0);
}

static int write_integer(struct duet_writer *writer, int64_t value)
{
    BELOW(integer, writer, value);
    msgpack_object object = {.type = value < 0 ? MSGPACK_OBJECT_NEGATIVE_INTEGER
                                               : MSGPACK_OBJECT_POSITIVE_INTEGER};
    object.via.i64 = value;
    return noted(writer, rc, at, &object, 0);
}

static int write_natural(struct duet_writer *writer, uint64_t value)
{
    BELOW(natural, writer, value);
    const msgpack_object object = {.type = MSGPACK_OBJECT_POSITIVE_INTEGER, .via.u64 = value};
    return noted(writer, rc, at, &object, 0);
}

static int write_real(struct duet_writer *writer, double value)
{
    BELOW(real, writer, value);
    const msgpack_object object = {.type = MSGPACK_OBJECT_FLOAT64, .via.f64 = value};
    return noted(writer, rc, at, &object, 0);
}

/* What stands in a string is not noted: it is of no type. */
static int write_string(struct duet_writer *writer, const char *text, size_t size)
{
    BELOW(string, writer, text, size);
    const msgpack_object object = {.type = MSGPACK_OBJECT_STR, .via.str = {0, ""}};
    return noted(writer, rc, at, &object, 0);
}

static int write_bytes(struct duet_writer *writer, const void *bytes, size_t size)
{
    BELOW(bytes, writer, bytes, size);
    const msgpack_object object = {.type = MSGPACK_OBJECT_BIN, .via.bin = {0, ""}};
    return noted(writer, rc, at, &object, 0);
}

static int write_time(struct duet_writer *writer, duet_time value)
{
    BELOW(time, writer, value);
    const msgpack_object object = {.type = MSGPACK_OBJECT_EXT,
                                   .via.ext = {DUET_TIMESTAMP_TYPE, 4, "\0\0\0\0"}};
    return noted(writer, rc, at, &object, 0);
}

/* An extension that is a time is written as one. */
static int write_ext(struct duet_writer *writer, int type, const void *bytes, size_t size)
{
    BELOW(ext, writer, type, bytes, size);
    const msgpack_object object = {.type = MSGPACK_OBJECT_EXT,
                                   .via.ext = {(int8_t)type, 0, ""}};
    return noted(writer, rc, at, &object, 0);
}

static int begin_array(struct duet_writer *writer, size_t count)
{
    BELOW(begin_array, writer, count);
    msgpack_object object = {.type = MSGPACK_OBJECT_ARRAY};
    object.via.array.size = (uint32_t)count;
    return noted(writer, rc, at, &object, count);
}

static int begin_map(struct duet_writer *writer, size_t count)
{
    BELOW(begin_map, writer, count);
    msgpack_object object = {.type = MSGPACK_OBJECT_MAP};
    object.via.map.size = (uint32_t)count;
    return noted(writer, rc, at, &object, 2 * count);
}

static int write_key(struct duet_writer *writer, const msgpack_object *key)
{
    BELOW(key, writer, key);
    msgpack_object object = *key;
    if (rc == 0 && key->type == MSGPACK_OBJECT_STR) { /* it need not last */
        object.via.str.ptr =
            duet_arena_text(recorder->arena, key->via.str.ptr, key->via.str.size);
        recorder->has_given_up |= object.via.str.ptr == NULL;
    }
    return noted(writer, rc, at, &object, 0);
}

static int end_array(struct duet_writer *writer)
{
    BELOW(end_array, writer);
    (void)at;
    return rc;
}

static int end_map(struct duet_writer *writer)
{
    BELOW(end_map, writer);
    (void)at;
    return rc;
}

static int end_member(struct duet_writer *writer)
{
    BELOW(end_member, writer);
    (void)at;
    return rc;
}

static int end_argument(struct duet_writer *writer, size_t left)
{
    BELOW(end_argument, writer, left);
    (void)at;
    return rc;
}

#define OPERATIONS                                                                             \
    .nil = write_nil, .boolean = write_boolean, .integer = write_integer,                      \
    .natural = write_natural, .real = write_real, .string = write_string,                      \
    .bytes = write_bytes, .time = write_time, .ext = write_ext, .begin_array = begin_array,    \
    .end_array = end_array, .begin_map = begin_map, .key = write_key,                          \
    .end_member = end_member, .end_map = end_map, .end_argument = end_argument

static const struct duet_writer_ops with_arrays = {OPERATIONS, .has_field_names = false};
static const struct duet_writer_ops with_field_names = {OPERATIONS, .has_field_names = true};

static bool is_recording(const struct duet_writer_ops *ops)
{
    return ops == &with_arrays || ops == &with_field_names;
}

void duet_recorder_begin(struct duet_recorder *recorder, struct duet_writer *writer,
                         struct duet_arena *arena)
{
    recorder->below = writer->ops;
    recorder->outer = is_recording(writer->ops) ? writer->recorder : NULL;
    recorder->arena = arena;
    recorder->recorded = NULL;
    recorder->count = recorder->capacity = 0;
    recorder->has_given_up = recorder->is_covered = false;
    if (recorder->outer != NULL)
        recorder->outer->is_covered = true;
    writer->recorder = recorder;
    writer->ops = recorder->below->has_field_names ? &with_field_names : &with_arrays;
}

void duet_recorder_leave(struct duet_writer *writer, const struct duet_writer_ops *ops,
                         struct duet_recorder *recorder)
{
    writer->ops = ops;
    writer->recorder = recorder;
    if (!is_recording(ops))
        return;
    recorder->is_covered = false;
    forget(recorder, writer->out.size);
    int rc = show(writer);
    if (rc < 0)
        duet_writer_stick(writer, rc);
}
