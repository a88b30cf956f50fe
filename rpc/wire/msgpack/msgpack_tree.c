/*
 * Builds the tree of a MessagePack message's values, the parameters of a request or what a
 * reply says: one pass over bytes that framing_msgpack has walked, so that no length is checked
 * again; no recursion; each container's items in one piece of the arena. Strings, bytes and
 * extensions point into the message.
 */
#include "codec_msgpack.h"

#include "bytes.h"
#include "msgpack_first.h"

#include <string.h>

enum { INLINE_DEPTH = 16 }; /* deeper trees take their stack from the arena */

/* A container that is being filled. */
struct filling {
    msgpack_object *next;
    uint32_t left;
};

/* A map's pairs are filled as twice as many objects in a row: key, value, key, value. */
_Static_assert(sizeof(msgpack_object_kv) == 2 * sizeof(msgpack_object),
               "a pair is two objects");

static const uint8_t *set_natural(msgpack_object *object, uint64_t value, const uint8_t *p)
{
    object->type = MSGPACK_OBJECT_POSITIVE_INTEGER;
    object->via.u64 = value;
    return p;
}

static const uint8_t *set_integer(msgpack_object *object, int64_t value, const uint8_t *p)
{
    if (value >= 0)
        return set_natural(object, (uint64_t)value, p);
    object->type = MSGPACK_OBJECT_NEGATIVE_INTEGER;
    object->via.i64 = value;
    return p;
}

static const uint8_t *set_double(msgpack_object *object, double value, const uint8_t *p)
{
    object->type = MSGPACK_OBJECT_FLOAT64;
    object->via.f64 = value;
    return p;
}

static const uint8_t *set_string(msgpack_object *object, const uint8_t *p, uint32_t size)
{
    object->type = MSGPACK_OBJECT_STR;
    object->via.str.size = size;
    object->via.str.ptr = (const char *)p;
    return p + size;
}

static const uint8_t *set_bytes(msgpack_object *object, const uint8_t *p, uint32_t size)
{
    object->type = MSGPACK_OBJECT_BIN;
    object->via.bin.size = size;
    object->via.bin.ptr = (const char *)p;
    return p + size;
}

/* The type stands before the bytes. */
static const uint8_t *set_ext(msgpack_object *object, const uint8_t *p, uint32_t size)
{
    object->type = MSGPACK_OBJECT_EXT;
    object->via.ext.type = (int8_t)*p;
    object->via.ext.size = size;
    object->via.ext.ptr = (const char *)p + 1;
    return p + 1 + size;
}

static float load_float(const uint8_t *p)
{
    uint32_t bits = duet_load32(p);
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static double load_double(const uint8_t *p)
{
    uint64_t bits = duet_load64(p);
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* What no peer of before 2013 sends, nor reads: str8, bin and ext. */
static void saw_new(struct duet_incoming *request)
{
    request->raw_seen = DUET_RAW_NEW_SEEN;
}

/* A str16 of a size for which today's writers use str8. */
static void saw_str16(struct duet_incoming *request, uint32_t size)
{
    if (size >= 32 && size < 256 && request->raw_seen == DUET_RAW_UNKNOWN)
        request->raw_seen = DUET_RAW_OLD_SEEN;
}

/* Strings, bytes and extensions with a length of their own: c4-c9 and d4-db. */
static const uint8_t *read_long(struct duet_incoming *request, const uint8_t *p,
                                msgpack_object *object)
{
    uint8_t first = *p++;
    if (first == 0xdb)
        return set_string(object, p + 4, duet_load32(p));
    if (first == 0xda) {
        saw_str16(request, duet_load16(p));
        return set_string(object, p + 2, duet_load16(p));
    }

    saw_new(request);
    switch (first) {
    case 0xc4:
        return set_bytes(object, p + 1, *p);
    case 0xc5:
        return set_bytes(object, p + 2, duet_load16(p));
    case 0xc6:
        return set_bytes(object, p + 4, duet_load32(p));
    case 0xc7:
        return set_ext(object, p + 1, *p);
    case 0xc8:
        return set_ext(object, p + 2, duet_load16(p));
    case 0xc9:
        return set_ext(object, p + 4, duet_load32(p));
    case 0xd9:
        return set_string(object, p + 1, *p);
    default: /* d4-d8: 1, 2, 4, 8 and 16 bytes */
        return set_ext(object, p, 1u << (first - 0xd4));
    }
}

/* Reads any value but a container. Returns where the next one begins. */
static inline const uint8_t *read_value(struct duet_incoming *request, const uint8_t *p,
                                        msgpack_object *object)
{
    uint8_t first = *p;
    if (first < 0x80)
        return set_natural(object, first, p + 1);
    if (first >= 0xe0)
        return set_integer(object, (int8_t)first, p + 1);
    if (first < 0xc0)
        return set_string(object, p + 1, first & 31u);

    switch (first) {
    case 0xc0:
        object->type = MSGPACK_OBJECT_NIL;
        return p + 1;
    case 0xc2:
    case 0xc3:
        object->type = MSGPACK_OBJECT_BOOLEAN;
        object->via.boolean = first == 0xc3;
        return p + 1;
    case 0xca:
        return set_double(object, (double)load_float(p + 1), p + 5);
    case 0xcb:
        return set_double(object, load_double(p + 1), p + 9);
    case 0xcc:
        return set_natural(object, p[1], p + 2);
    case 0xcd:
        return set_natural(object, duet_load16(p + 1), p + 3);
    case 0xce:
        return set_natural(object, duet_load32(p + 1), p + 5);
    case 0xcf:
        return set_natural(object, duet_load64(p + 1), p + 9);
    case 0xd0:
        return set_integer(object, (int8_t)p[1], p + 2);
    case 0xd1:
        return set_integer(object, (int16_t)duet_load16(p + 1), p + 3);
    case 0xd2:
        return set_integer(object, (int32_t)duet_load32(p + 1), p + 5);
    case 0xd3:
        return set_integer(object, (int64_t)duet_load64(p + 1), p + 9);
    default:
        return read_long(request, p, object);
    }
}

static bool is_container(uint8_t first)
{
    return (first & 0xe0) == 0x80 || (first >= 0xdc && first <= 0xdf);
}

/* Reads a container's header: its kind and count. Returns where its first value begins. */
static const uint8_t *read_container(const uint8_t *p, msgpack_object *object, uint32_t *count)
{
    uint8_t first = *p;
    bool map = first < 0x90 || first >= 0xde;
    object->type = map ? MSGPACK_OBJECT_MAP : MSGPACK_OBJECT_ARRAY;
    if (first < 0xa0)
        *count = first & 15;
    else
        *count = first & 1 ? duet_load32(p + 1) : duet_load16(p + 1);
    return first < 0xa0 ? p + 1 : first & 1 ? p + 5 : p + 3;
}

/* Gives a container the memory of its items: NULL for none, and then `*items` is 0 too. */
static int reserve_items(struct duet_incoming *request, msgpack_object *object, uint32_t count,
                         struct filling *items)
{
    bool map = object->type == MSGPACK_OBJECT_MAP;
    items->next = NULL;
    items->left = map ? 2 * count : count; /* the walk bounds both to 32 bits */
    if (count > 0) {
        size_t size = (size_t)items->left * sizeof *items->next;
        items->next = duet_arena_alloc(request->arena, size);
        if (items->next == NULL)
            return -1;
    }

    if (map) {
        object->via.map.size = count;
        object->via.map.ptr = (msgpack_object_kv *)items->next;
    } else {
        object->via.array.size = count;
        object->via.array.ptr = items->next;
    }
    return 0;
}

/* The containers around the one that is being filled. */
struct stack {
    struct filling *outer;
    size_t depth, capacity;
    struct filling inline_outer[INLINE_DEPTH];
};

static int push(struct stack *stack, struct duet_incoming *request, struct filling filling)
{
    if (stack->depth == stack->capacity) {
        /* As deep as the walk lets a tree be: the parameters, or a reply's two values, and what
         * is inside each other. */
        size_t capacity = (size_t)request->limits->max_depth + 1;
        struct filling *outer = duet_arena_alloc(request->arena, capacity * sizeof *outer);
        if (outer == NULL)
            return -1;
        memcpy(outer, stack->outer, stack->depth * sizeof *outer);
        stack->outer = outer;
        stack->capacity = capacity;
    }
    stack->outer[stack->depth++] = filling;
    return 0;
}

/* Reads `count` values at `p` and all that is in them. */
static int read_trees(struct duet_incoming *request, const uint8_t *p, msgpack_object *roots,
                      uint32_t count)
{
    struct stack stack;
    stack.outer = stack.inline_outer;
    stack.depth = 0;
    stack.capacity = INLINE_DEPTH;
    struct filling filling = {.next = roots, .left = count};

    for (;;) {
        msgpack_object *object = filling.next++;
        filling.left--;
        if (!is_container(*p)) {
            p = read_value(request, p, object);
        } else {
            uint32_t size;
            struct filling items;
            p = read_container(p, object, &size);
            if (reserve_items(request, object, size, &items) < 0)
                return -1;
            if (filling.left > 0 && push(&stack, request, filling) < 0)
                return -1;
            filling = items;
        }
        while (filling.left == 0) {
            if (stack.depth == 0)
                return 0;
            filling = stack.outer[--stack.depth];
        }
    }
}

int duet_msgpack_read(struct duet_incoming *request, size_t offset, msgpack_object *values,
                      uint32_t count)
{
    if (read_trees(request, request->bytes + offset, values, count) == 0)
        return 0;
    return duet_fault_set(request->fault, DUET_FAULT_LIMIT,
                          "the values of a message of %zu bytes need more memory than a call "
                          "may use (see --max-message %zu)",
                          request->size, request->limits->max_message);
}

int duet_msgpack_decode(struct duet_incoming *request)
{
    request->params.type = MSGPACK_OBJECT_ARRAY;
    request->params.via.array.size = 0;
    request->params.via.array.ptr = NULL;
    if (request->bytes[request->params_offset] == DUET_MSGPACK_NIL) /* no parameters */
        return 0;
    return duet_msgpack_read(request, request->params_offset, &request->params, 1);
}
