/*
 * The writer's operations for MessagePack: msgpack-c's packing template, appending straight
 * into the writer's output. Smallest encodings; doubles stay doubles. For peers of before 2013
 * (style.raw) only what they know is sent: no str8, no bin, no ext.
 */
#include "timestamp.h"
#include "writer.h"

#include <errno.h>
#include <limits.h>
#include <msgpack/timestamp.h> /* the template needs it */

/* The template's convention: it becomes functions msgpack_pack_…(out, value) that return what
 * the append returned. Its warnings are not ours. */
#define msgpack_pack_inline_func(name) static inline int msgpack_pack##name
#define msgpack_pack_user struct duet_buf *
#define msgpack_pack_append_buffer(out, bytes, size) return duet_buf_append(out, bytes, size)

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wunused-function"
#include <msgpack/pack_template.h>
#pragma GCC diagnostic pop

static int write_nil(struct duet_writer *writer)
{
    return msgpack_pack_nil(&writer->out);
}

static int write_boolean(struct duet_writer *writer, bool value)
{
    return value ? msgpack_pack_true(&writer->out) : msgpack_pack_false(&writer->out);
}

static int write_integer(struct duet_writer *writer, int64_t value)
{
    return msgpack_pack_int64(&writer->out, value);
}

static int write_natural(struct duet_writer *writer, uint64_t value)
{
    return msgpack_pack_uint64(&writer->out, value);
}

static int write_real(struct duet_writer *writer, double value)
{
    return msgpack_pack_double(&writer->out, value);
}

static bool is_old(const struct duet_writer *writer)
{
    return writer->style.raw == DUET_RAW_OLD;
}

/* What follows a string's header: its bytes, or a reference to them. */
static int write_body(struct duet_writer *writer, const void *bytes, size_t size)
{
    if (duet_writer_size(writer) + size > writer->out.max)
        return -EMSGSIZE;
    return duet_writer_refer(writer, size) ? 0 : duet_buf_append(&writer->out, bytes, size);
}

/* Lengths and counts have 32 bits on the wire. */
static int write_raw(struct duet_writer *writer, const void *bytes, size_t size)
{
    if (size > UINT32_MAX)
        return -EMSGSIZE;
    int rc = msgpack_pack_v4raw(&writer->out, size);
    return rc < 0 ? rc : write_body(writer, bytes, size);
}

static int write_string(struct duet_writer *writer, const char *text, size_t size)
{
    if (size > UINT32_MAX)
        return -EMSGSIZE;
    if (is_old(writer))
        return write_raw(writer, text, size);
    int rc = msgpack_pack_str(&writer->out, size);
    return rc < 0 ? rc : write_body(writer, text, size);
}

static int write_bytes(struct duet_writer *writer, const void *bytes, size_t size)
{
    if (size > UINT32_MAX)
        return -EMSGSIZE;
    if (is_old(writer))
        return write_raw(writer, bytes, size);
    int rc = msgpack_pack_bin(&writer->out, size);
    return rc < 0 ? rc : write_body(writer, bytes, size);
}

static int write_ext(struct duet_writer *writer, int type, const void *bytes, size_t size)
{
    if (size > UINT32_MAX)
        return -EMSGSIZE;
    if (is_old(writer))
        return write_raw(writer, bytes, size);
    int rc = msgpack_pack_ext(&writer->out, size, (int8_t)type);
    return rc < 0 ? rc : write_body(writer, bytes, size);
}

/* A peer without ext gets the seconds, as a double where there is a fraction. */
static int write_time(struct duet_writer *writer, duet_time value)
{
    if (!is_old(writer)) {
        uint8_t payload[DUET_TIMESTAMP_SIZE];
        return write_ext(writer, DUET_TIMESTAMP_TYPE, payload,
                         duet_timestamp_write(payload, value));
    }
    if (value.nanoseconds == 0)
        return write_integer(writer, value.seconds);
    return write_real(writer, (double)value.seconds + value.nanoseconds / 1e9);
}

static int begin_array(struct duet_writer *writer, size_t count)
{
    return count > UINT32_MAX ? -EMSGSIZE : msgpack_pack_array(&writer->out, count);
}

static int begin_map(struct duet_writer *writer, size_t count)
{
    return count > UINT32_MAX ? -EMSGSIZE : msgpack_pack_map(&writer->out, count);
}

/* Nothing stands after an item, a member or a container. */
static int no_end(struct duet_writer *writer)
{
    (void)writer;
    return 0;
}

static int no_end_of_argument(struct duet_writer *writer, size_t left)
{
    (void)writer, (void)left;
    return 0;
}

static int write_scalar(struct duet_writer *writer, const msgpack_object *object)
{
    switch (object->type) {
    case MSGPACK_OBJECT_BOOLEAN:
        return write_boolean(writer, object->via.boolean);
    case MSGPACK_OBJECT_POSITIVE_INTEGER:
        return write_natural(writer, object->via.u64);
    case MSGPACK_OBJECT_NEGATIVE_INTEGER:
        return write_integer(writer, object->via.i64);
    case MSGPACK_OBJECT_FLOAT32:
    case MSGPACK_OBJECT_FLOAT64:
        return write_real(writer, object->via.f64);
    case MSGPACK_OBJECT_STR:
        return write_string(writer, object->via.str.ptr, object->via.str.size);
    case MSGPACK_OBJECT_BIN:
        return write_bytes(writer, object->via.bin.ptr, object->via.bin.size);
    case MSGPACK_OBJECT_EXT:
        return write_ext(writer, object->via.ext.type, object->via.ext.ptr,
                         object->via.ext.size);
    default:
        return write_nil(writer);
    }
}

/* Objects in a row that are still to be written; a map's pairs are two objects each. */
struct row {
    const msgpack_object *next;
    uint64_t left;
};

static int open_container(struct duet_writer *writer, const msgpack_object *object,
                          struct row *items)
{
    if (object->type == MSGPACK_OBJECT_MAP) {
        uint64_t size = object->via.map.size;
        *items = (struct row){size > 0 ? &object->via.map.ptr->key : NULL, 2 * size};
        return begin_map(writer, object->via.map.size);
    }
    *items = (struct row){object->via.array.ptr, object->via.array.size};
    return begin_array(writer, object->via.array.size);
}

enum { KEY_DEPTH = 64 }; /* as deep as a message may be by default */

static bool is_container(const msgpack_object *object)
{
    return object->type == MSGPACK_OBJECT_ARRAY || object->type == MSGPACK_OBJECT_MAP;
}

/* Writes a container and all that is in it. */
static int write_tree(struct duet_writer *writer, const msgpack_object *root)
{
    struct row rows[KEY_DEPTH + 1];
    size_t open = 0;
    rows[open++] = (struct row){root, 1};
    while (open > 0) {
        struct row *row = &rows[open - 1];
        if (row->left == 0) {
            open--;
            continue;
        }
        const msgpack_object *object = row->next++;
        row->left--;
        if (is_container(object) && open > KEY_DEPTH)
            return duet_fault_set(writer->fault, DUET_FAULT_LIMIT,
                                  "a map's key has more than %d levels of nesting", KEY_DEPTH);
        int rc = is_container(object) ? open_container(writer, object, &rows[open++])
                                      : write_scalar(writer, object);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* A key of any kind: also a container, which the front does not open for a key. */
static int write_key(struct duet_writer *writer, const msgpack_object *key)
{
    return is_container(key) ? write_tree(writer, key) : write_scalar(writer, key);
}

const struct duet_writer_ops duet_writer_ops_msgpack = {
    .nil = write_nil,
    .boolean = write_boolean,
    .integer = write_integer,
    .natural = write_natural,
    .real = write_real,
    .string = write_string,
    .bytes = write_bytes,
    .time = write_time,
    .ext = write_ext,
    .begin_array = begin_array,
    .end_array = no_end,
    .begin_map = begin_map,
    .key = write_key,
    .end_member = no_end,
    .end_map = no_end,
    .end_argument = no_end_of_argument,
    .has_field_names = false,
};
