/*
 * The checked front of the writer, second part: what duet.h's duet_write_ functions do. Each
 * asks whether a value may stand here, lets the format's operation write it, and counts it.
 */
#include "writer_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- Single values */

int duet_writer_put_nil(duet_writer *writer)
{
    int rc = duet_writer_expect(writer);
    if (rc == 0)
        rc = writer->ops->nil(writer);
    return duet_writer_count(writer, rc);
}

int duet_writer_put_bool(duet_writer *writer, bool value)
{
    int rc = duet_writer_expect(writer);
    if (rc == 0)
        rc = writer->ops->boolean(writer, value);
    return duet_writer_count(writer, rc);
}

int duet_writer_put_int(duet_writer *writer, int64_t value)
{
    int rc = duet_writer_expect(writer);
    if (rc == 0)
        rc = writer->ops->integer(writer, value);
    return duet_writer_count(writer, rc);
}

int duet_writer_put_uint(duet_writer *writer, uint64_t value)
{
    if (value <= INT64_MAX)
        return duet_writer_put_int(writer, (int64_t)value);
    int rc = duet_writer_expect(writer);
    if (rc == 0)
        rc = writer->ops->natural(writer, value);
    return duet_writer_count(writer, rc);
}

int duet_writer_put_double(duet_writer *writer, double value)
{
    int rc = duet_writer_expect(writer);
    if (rc == 0)
        rc = writer->ops->real(writer, value);
    return duet_writer_count(writer, rc);
}

/* What is larger than a whole reply is not looked at: a wrong size may lead anywhere. */
int duet_writer_put_string(duet_writer *writer, const char *text, size_t size)
{
    int rc = duet_writer_expect(writer);
    if (rc == 0 && text == NULL && size > 0)
        rc = duet_writer_misuse(writer, "wrote a NULL string");
    if (rc == 0 && size > writer->out.max)
        rc = -EMSGSIZE;
    if (rc == 0)
        rc = writer->ops->string(writer, text, size);
    return duet_writer_count(writer, rc);
}

int duet_writer_put_bytes(duet_writer *writer, const void *bytes, size_t size)
{
    int rc = duet_writer_expect(writer);
    if (rc == 0 && bytes == NULL && size > 0)
        rc = duet_writer_misuse(writer, "wrote NULL bytes");
    if (rc == 0 && size > writer->out.max)
        rc = -EMSGSIZE;
    if (rc == 0)
        rc = writer->ops->bytes(writer, bytes, size);
    return duet_writer_count(writer, rc);
}

int duet_writer_put_time(duet_writer *writer, duet_time value)
{
    int rc = duet_writer_expect(writer);
    if (rc == 0 && value.nanoseconds > 999999999)
        rc = duet_writer_misuse(writer, "wrote a time with more than 999,999,999 nanoseconds");
    if (rc == 0)
        rc = writer->ops->time(writer, value);
    return duet_writer_count(writer, rc);
}

/* ---- Containers */

static int grow_levels(struct duet_writer *writer)
{
    size_t capacity = 2 * writer->capacity;
    bool is_inline = writer->levels == writer->inline_levels;
    struct duet_writer_level *levels =
        realloc(is_inline ? NULL : writer->levels, capacity * sizeof *levels);
    if (levels == NULL)
        return -ENOMEM;
    if (is_inline)
        memcpy(levels, writer->inline_levels, sizeof writer->inline_levels);
    writer->levels = levels;
    writer->capacity = capacity;
    return 0;
}

int duet_writer_reserve_level(struct duet_writer *writer)
{
    return writer->depth == writer->capacity ? grow_levels(writer) : 0;
}

/* 0 when a container of `count` values may be opened here and its level has room. */
static int expect_container(struct duet_writer *writer, size_t count)
{
    int rc = duet_writer_expect(writer);
    if (rc < 0)
        return rc;
    if (count > writer->out.max || count > UINT32_MAX) /* each item takes a byte at least */
        return -EMSGSIZE;
    if (writer->depth == writer->max_depth)
        return duet_fault_set(
            writer->fault, DUET_FAULT_LIMIT, "the %s nests deeper than %zu levels",
            writer->is_call ? "call" : "reply", writer->max_depth - writer->is_call);
    return duet_writer_reserve_level(writer);
}

/* Notes that a container is open; an empty one closes at once. `source` is where its items lie
 * when it is copied. */
static int open_container(struct duet_writer *writer, int rc, enum duet_level_kind kind,
                          size_t count, const msgpack_object *source)
{
    if (rc < 0)
        return duet_writer_stick(writer, rc);
    uint32_t left = (uint32_t)count;
    writer->levels[writer->depth++] =
        (struct duet_writer_level){source, left, left, kind, (uint32_t)writer->out.size};
    return count > 0 ? 0 : duet_writer_count(writer, duet_writer_close(writer));
}

int duet_writer_open_call(struct duet_writer *writer, int rc, size_t count)
{
    writer->is_call = true;
    writer->max_depth++; /* the arguments are no level of their own */
    if (rc == 0)
        rc = expect_container(writer, count);
    return open_container(writer, rc, DUET_LEVEL_ARGUMENTS, count, NULL);
}

static int write_array(duet_writer *writer, size_t count, enum duet_level_kind kind,
                       const msgpack_object *source)
{
    int rc = expect_container(writer, count);
    if (rc == 0)
        rc = writer->ops->begin_array(writer, count);
    return open_container(writer, rc, kind, count, source);
}

static int write_map(duet_writer *writer, size_t count, const msgpack_object *source)
{
    int rc = expect_container(writer, count);
    if (rc == 0)
        rc = writer->ops->begin_map(writer, count);
    return open_container(writer, rc, DUET_LEVEL_MAP, count, source);
}

int duet_writer_put_array(duet_writer *writer, size_t count)
{
    return write_array(writer, count, DUET_LEVEL_ARRAY, NULL);
}

int duet_writer_put_map(duet_writer *writer, size_t count)
{
    return write_map(writer, count, NULL);
}

int duet_writer_put_record(duet_writer *writer, size_t count, duet_record_form form)
{
    if (form == DUET_RECORD_MAP || writer->ops->has_field_names)
        return write_map(writer, count, NULL);
    return write_array(writer, count, DUET_LEVEL_FIELDS, NULL);
}

static int write_key(duet_writer *writer, const msgpack_object *key)
{
    if (writer->error < 0)
        return writer->error;
    if (writer->depth == writer->base)
        return duet_writer_misuse(writer, "wrote a key outside of a map");

    struct duet_writer_level *level = duet_writer_top(writer);
    switch (level->kind) {
    case DUET_LEVEL_MAP: {
        int rc = writer->ops->key(writer, key);
        level->kind = DUET_LEVEL_MAP_KEYED;
        return rc < 0 ? duet_writer_stick(writer, rc) : 0;
    }
    case DUET_LEVEL_FIELDS:
        level->kind = DUET_LEVEL_FIELDS_NAMED;
        return 0;
    case DUET_LEVEL_ARRAY:
    case DUET_LEVEL_ARGUMENTS:
        return duet_writer_misuse(writer, "wrote a key outside of a map");
    default:
        return duet_writer_misuse(writer, "wrote a key where a value must stand");
    }
}

int duet_writer_put_key(duet_writer *writer, const char *key, size_t size)
{
    if (writer->error < 0)
        return writer->error;
    if (key == NULL)
        return duet_writer_misuse(writer, "wrote a NULL key");
    if (size > writer->out.max || size > UINT32_MAX)
        return duet_writer_stick(writer, -EMSGSIZE);
    msgpack_object object = {.type = MSGPACK_OBJECT_STR};
    object.via.str.ptr = key;
    object.via.str.size = (uint32_t)size;
    return write_key(writer, &object);
}

int duet_writer_put_int_key(duet_writer *writer, int64_t key)
{
    msgpack_object object = {.type = key < 0 ? MSGPACK_OBJECT_NEGATIVE_INTEGER
                                             : MSGPACK_OBJECT_POSITIVE_INTEGER};
    object.via.i64 = key;
    return write_key(writer, &object);
}

/* ---- Copies */

int duet_writer_put_raw(duet_writer *writer, const void *bytes, size_t size)
{
    int rc = duet_writer_expect(writer);
    if (rc == 0)
        rc = duet_buf_append(&writer->out, bytes, size);
    return duet_writer_count(writer, rc);
}

static int write_ext(duet_writer *writer, const msgpack_object_ext *ext)
{
    int rc = duet_writer_expect(writer);
    if (rc == 0)
        rc = writer->ops->ext(writer, ext->type, ext->ptr, ext->size);
    return duet_writer_count(writer, rc);
}

/* An operation that knows the value it copies may refer to it instead. */
static int copy_string(duet_writer *writer, const msgpack_object *object)
{
    writer->source = object;
    int rc = duet_writer_put_string(writer, object->via.str.ptr, object->via.str.size);
    writer->source = NULL;
    return rc;
}

static int copy_bytes(duet_writer *writer, const msgpack_object *object)
{
    writer->source = object;
    int rc = duet_writer_put_bytes(writer, object->via.bin.ptr, object->via.bin.size);
    writer->source = NULL;
    return rc;
}

/* Writes a value without what is in it; a container's level remembers where that lies. */
static int write_shallow(duet_writer *writer, const msgpack_object *object)
{
    const duet_value *value = (const duet_value *)object;
    switch (duet_value_type(value)) {
    case DUET_TYPE_BOOL:
        return duet_writer_put_bool(writer, object->via.boolean);
    case DUET_TYPE_INT:
        return duet_writer_put_int(writer, duet_value_int(value));
    case DUET_TYPE_UINT:
        return duet_writer_put_uint(writer, object->via.u64);
    case DUET_TYPE_DOUBLE:
        return duet_writer_put_double(writer, object->via.f64);
    case DUET_TYPE_STRING:
        return copy_string(writer, object);
    case DUET_TYPE_BYTES:
        return copy_bytes(writer, object);
    case DUET_TYPE_TIME:
        return duet_writer_put_time(writer, duet_value_time(value));
    case DUET_TYPE_ARRAY:
        return write_array(writer, object->via.array.size, DUET_LEVEL_ARRAY,
                           object->via.array.ptr);
    case DUET_TYPE_MAP:
        return write_map(writer, object->via.map.size,
                         (const msgpack_object *)object->via.map.ptr);
    case DUET_TYPE_EXT:
        return write_ext(writer, &object->via.ext);
    default:
        return duet_writer_put_nil(writer);
    }
}

/* The next item of the container that is being copied; in a map its key is written first. */
static const msgpack_object *next_item(duet_writer *writer)
{
    struct duet_writer_level *level = duet_writer_top(writer);
    if (level->kind == DUET_LEVEL_MAP) {
        const msgpack_object *key = level->source++;
        if (write_key(writer, key) < 0)
            return NULL;
    }
    return level->source++;
}

static int refuse_null_value(duet_writer *writer)
{
    int rc = duet_writer_expect(writer);
    return rc < 0 ? rc : duet_writer_misuse(writer, "wrote a NULL value");
}

/* Without recursion: each open container's level is the place to go on. The last item closes
 * its container, and so on outwards, until the copied value itself is complete. */
int duet_writer_put_value(duet_writer *writer, const duet_value *value)
{
    if (value == NULL)
        return refuse_null_value(writer);
    size_t depth = writer->depth;
    const msgpack_object *item = &value->object;
    while (item != NULL) {
        int rc = write_shallow(writer, item);
        if (rc < 0 || writer->depth <= depth)
            return rc;
        item = next_item(writer);
    }
    return writer->error;
}
