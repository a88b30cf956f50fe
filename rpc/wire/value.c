/*
 * Reading a decoded value: duet.h's duet_value_ functions over the tree that the codecs build.
 * Nothing is converted or allocated; what is missing or of another type reads as nothing.
 */
#include "codec.h"

#include "timestamp.h"

#include <string.h>

static const duet_value nil = {.object = {.type = MSGPACK_OBJECT_NIL}};

/* What there is to read of NULL. */
static const msgpack_object *object_of(const duet_value *value)
{
    return value != NULL ? &value->object : &nil.object;
}

static const duet_value *as_value(const msgpack_object *object)
{
    return (const duet_value *)object; /* a duet_value is its object */
}

/* ---- Types */

static bool read_time(const msgpack_object_ext *ext, duet_time *time)
{
    return ext->type == DUET_TIMESTAMP_TYPE && duet_timestamp_read(ext->ptr, ext->size, time);
}

duet_type duet_value_type(const duet_value *value)
{
    duet_time time;
    const msgpack_object *object = object_of(value);
    switch (object->type) {
    case MSGPACK_OBJECT_BOOLEAN:
        return DUET_TYPE_BOOL;
    case MSGPACK_OBJECT_POSITIVE_INTEGER:
        return object->via.u64 <= INT64_MAX ? DUET_TYPE_INT : DUET_TYPE_UINT;
    case MSGPACK_OBJECT_NEGATIVE_INTEGER:
        return DUET_TYPE_INT;
    case MSGPACK_OBJECT_FLOAT32:
    case MSGPACK_OBJECT_FLOAT64:
        return DUET_TYPE_DOUBLE;
    case MSGPACK_OBJECT_STR:
        return DUET_TYPE_STRING;
    case MSGPACK_OBJECT_BIN:
        return DUET_TYPE_BYTES;
    case MSGPACK_OBJECT_ARRAY:
        return DUET_TYPE_ARRAY;
    case MSGPACK_OBJECT_MAP:
        return DUET_TYPE_MAP;
    case MSGPACK_OBJECT_EXT:
        return read_time(&object->via.ext, &time) ? DUET_TYPE_TIME : DUET_TYPE_EXT;
    default:
        return DUET_TYPE_NIL;
    }
}

const char *duet_type_name(duet_type type)
{
    static const char *const names[] = {
        [DUET_TYPE_NIL] = "nil",       [DUET_TYPE_BOOL] = "bool",
        [DUET_TYPE_INT] = "int",       [DUET_TYPE_UINT] = "uint",
        [DUET_TYPE_DOUBLE] = "double", [DUET_TYPE_STRING] = "string",
        [DUET_TYPE_BYTES] = "bytes",   [DUET_TYPE_TIME] = "time",
        [DUET_TYPE_ARRAY] = "array",   [DUET_TYPE_MAP] = "map",
        [DUET_TYPE_EXT] = "ext",
    };
    return (size_t)type < sizeof names / sizeof *names ? names[type] : "unknown";
}

/* ---- Scalars */

bool duet_value_bool(const duet_value *value)
{
    const msgpack_object *object = object_of(value);
    return object->type == MSGPACK_OBJECT_BOOLEAN && object->via.boolean;
}

/* 2^63 and 2^64 are doubles; the integers below them that are doubles fit. */
static int64_t int_of_double(double value)
{
    if (!(value >= -0x1p63 && value < 0x1p63))
        return 0;
    int64_t whole = (int64_t)value;
    return (double)whole == value ? whole : 0;
}

static uint64_t uint_of_double(double value)
{
    if (!(value >= 0 && value < 0x1p64))
        return 0;
    uint64_t whole = (uint64_t)value;
    return (double)whole == value ? whole : 0;
}

int64_t duet_value_int(const duet_value *value)
{
    const msgpack_object *object = object_of(value);
    switch (object->type) {
    case MSGPACK_OBJECT_POSITIVE_INTEGER:
        return object->via.u64 <= INT64_MAX ? (int64_t)object->via.u64 : 0;
    case MSGPACK_OBJECT_NEGATIVE_INTEGER:
        return object->via.i64;
    case MSGPACK_OBJECT_FLOAT32:
    case MSGPACK_OBJECT_FLOAT64:
        return int_of_double(object->via.f64);
    default:
        return 0;
    }
}

uint64_t duet_value_uint(const duet_value *value)
{
    const msgpack_object *object = object_of(value);
    switch (object->type) {
    case MSGPACK_OBJECT_POSITIVE_INTEGER:
        return object->via.u64;
    case MSGPACK_OBJECT_FLOAT32:
    case MSGPACK_OBJECT_FLOAT64:
        return uint_of_double(object->via.f64);
    default:
        return 0;
    }
}

double duet_value_double(const duet_value *value)
{
    const msgpack_object *object = object_of(value);
    switch (object->type) {
    case MSGPACK_OBJECT_POSITIVE_INTEGER:
        return (double)object->via.u64;
    case MSGPACK_OBJECT_NEGATIVE_INTEGER:
        return (double)object->via.i64;
    case MSGPACK_OBJECT_FLOAT32:
    case MSGPACK_OBJECT_FLOAT64:
        return object->via.f64;
    default:
        return 0;
    }
}

duet_time duet_value_time(const duet_value *value)
{
    duet_time time;
    const msgpack_object *object = object_of(value);
    if (object->type == MSGPACK_OBJECT_EXT && read_time(&object->via.ext, &time))
        return time;
    return (duet_time){0, 0};
}

int duet_value_ext_type(const duet_value *value)
{
    return duet_value_type(value) == DUET_TYPE_EXT ? value->object.via.ext.type : 0;
}

/* ---- Strings */

static const char *text_of(const duet_value *value, size_t *size)
{
    switch (duet_value_type(value)) {
    case DUET_TYPE_STRING:
        *size = value->object.via.str.size;
        return value->object.via.str.ptr;
    case DUET_TYPE_BYTES:
        *size = value->object.via.bin.size;
        return value->object.via.bin.ptr;
    case DUET_TYPE_EXT:
        *size = value->object.via.ext.size;
        return value->object.via.ext.ptr;
    default:
        *size = 0;
        return "";
    }
}

const void *duet_value_bytes(const duet_value *value, size_t *size)
{
    size_t ignored;
    size = size != NULL ? size : &ignored;
    const char *text = text_of(value, size);
    return *size > 0 ? text : "";
}

/* Moves a string one byte down, over the last byte of its own header, so that a NUL fits behind
 * it. Only bytes of the string itself are written: its neighbours in the message may have been
 * moved already or not. */
static char *move_down(char *text, size_t size)
{
    memmove(text - 1, text, size);
    text[size - 1] = '\0';
    return text - 1;
}

/* The byte behind a string is the next value's first byte, or the one behind the message, and
 * always readable. When it is NUL it ends the string for good: it is the end that move_down or
 * the XML codec wrote; the integer 0, whose header nobody overwrites; or the first byte of a
 * string that was moved down and does not move again. */
const char *duet_value_string(const duet_value *value, size_t *size)
{
    size_t ignored;
    size = size != NULL ? size : &ignored;
    msgpack_object *object = (msgpack_object *)object_of(value);
    bool is_text = object->type == MSGPACK_OBJECT_STR || object->type == MSGPACK_OBJECT_BIN;
    *size = 0;
    if (!is_text)
        return "";
    char *text = (char *)text_of(value, size);
    if (*size == 0)
        return "";
    if (text[*size] == '\0')
        return text;

    text = move_down(text, *size);
    if (object->type == MSGPACK_OBJECT_STR)
        object->via.str.ptr = text;
    else
        object->via.bin.ptr = text;
    return text;
}

/* ---- Containers */

size_t duet_value_count(const duet_value *value)
{
    const msgpack_object *object = object_of(value);
    if (object->type == MSGPACK_OBJECT_ARRAY)
        return object->via.array.size;
    return object->type == MSGPACK_OBJECT_MAP ? object->via.map.size : 0;
}

const duet_value *duet_value_item(const duet_value *value, size_t i)
{
    if (i >= duet_value_count(value))
        return &nil;
    if (value->object.type == MSGPACK_OBJECT_ARRAY)
        return as_value(&value->object.via.array.ptr[i]);
    return as_value(&value->object.via.map.ptr[i].val);
}

const duet_value *duet_value_key(const duet_value *value, size_t i)
{
    const msgpack_object *object = object_of(value);
    if (object->type != MSGPACK_OBJECT_MAP || i >= object->via.map.size)
        return &nil;
    return as_value(&object->via.map.ptr[i].key);
}

static bool key_is(const duet_value *key, const char *text, size_t size)
{
    bool is_text =
        key->object.type == MSGPACK_OBJECT_STR || key->object.type == MSGPACK_OBJECT_BIN;
    size_t key_size;
    const char *key_text = text_of(key, &key_size);
    return is_text && key_size == size && (size == 0 || memcmp(key_text, text, size) == 0);
}

const duet_value *duet_value_get(const duet_value *map, const char *key)
{
    if (key == NULL || object_of(map)->type != MSGPACK_OBJECT_MAP)
        return &nil;
    size_t size = strlen(key);
    for (size_t i = map->object.via.map.size; i-- > 0;)
        if (key_is(duet_value_key(map, i), key, size))
            return duet_value_item(map, i);
    return &nil;
}
