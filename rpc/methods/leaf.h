/*
 * The letters of signatures, each a type without anything inside: what they take, and what they
 * are called. Pure; any thread.
 */
#ifndef DUET_LEAF_H
#define DUET_LEAF_H

#include "duet.h"

#include <msgpack/object.h>

/* What one letter takes. The last two are what 'd' and 'm' mean where they stand alone: there
 * an int is taken for a double that holds it exactly, and an empty array for a map, which is
 * what PHP and Lua send for one. They do not where another alternative of the same signature
 * takes the int or the array as it is: a handler tells its alternatives apart by types. */
enum duet_leaf {
    DUET_LEAF_NIL,
    DUET_LEAF_BOOL,
    DUET_LEAF_INT,
    DUET_LEAF_UINT,
    DUET_LEAF_DOUBLE,
    DUET_LEAF_STRING,
    DUET_LEAF_BYTES,
    DUET_LEAF_TIME,
    DUET_LEAF_ARRAY,
    DUET_LEAF_MAP,
    DUET_LEAF_ANY,
    DUET_LEAF_DOUBLE_OR_INT,
    DUET_LEAF_MAP_OR_NO_ITEMS,
    DUET_LEAVES
};

/* The one that is written so; -1 if there is none. Never one of the last two. */
int duet_leaf_find(char letter);

/* "int", "map"; "any". And what XML-RPC calls it: "int", "struct", "dateTime.iso8601". */
const char *duet_leaf_name(enum duet_leaf leaf);
const char *duet_leaf_xml_name(enum duet_leaf leaf);

/* ---- Checking. In line, for every argument of every call passes here. */

#define DUET_BIT(n) (1u << (n))

static const struct {
    uint16_t types;         /* taken whatever the value */
    uint16_t checked_types; /* taken when the value fits */
} duet_leaf_takes_types[DUET_LEAVES] = {
    [DUET_LEAF_NIL] = {DUET_BIT(DUET_TYPE_NIL), 0},
    [DUET_LEAF_BOOL] = {DUET_BIT(DUET_TYPE_BOOL), 0},
    [DUET_LEAF_INT] = {DUET_BIT(DUET_TYPE_INT), 0},
    [DUET_LEAF_UINT] = {DUET_BIT(DUET_TYPE_UINT), DUET_BIT(DUET_TYPE_INT)},
    [DUET_LEAF_DOUBLE] = {DUET_BIT(DUET_TYPE_DOUBLE), 0},
    [DUET_LEAF_STRING] = {DUET_BIT(DUET_TYPE_STRING), 0},
    [DUET_LEAF_BYTES] = {DUET_BIT(DUET_TYPE_BYTES) | DUET_BIT(DUET_TYPE_STRING), 0},
    [DUET_LEAF_TIME] = {DUET_BIT(DUET_TYPE_TIME), 0},
    [DUET_LEAF_ARRAY] = {DUET_BIT(DUET_TYPE_ARRAY), 0},
    [DUET_LEAF_MAP] = {DUET_BIT(DUET_TYPE_MAP), 0},
    [DUET_LEAF_ANY] = {DUET_BIT(DUET_TYPE_EXT + 1) - 1, 0},
    [DUET_LEAF_DOUBLE_OR_INT] = {DUET_BIT(DUET_TYPE_DOUBLE),
                                 DUET_BIT(DUET_TYPE_INT) | DUET_BIT(DUET_TYPE_UINT)},
    [DUET_LEAF_MAP_OR_NO_ITEMS] = {DUET_BIT(DUET_TYPE_MAP), DUET_BIT(DUET_TYPE_ARRAY)},
};

/* Whether a value of a checked type fits. */
bool duet_leaf_fits(enum duet_leaf leaf, const msgpack_object *object);

/* An object's type as a bit, without a call for the types that nearly all arguments have. */
static inline unsigned duet_leaf_type_bit(const msgpack_object *object)
{
    if (object->type == MSGPACK_OBJECT_POSITIVE_INTEGER)
        return object->via.u64 <= INT64_MAX ? DUET_BIT(DUET_TYPE_INT)
                                            : DUET_BIT(DUET_TYPE_UINT);
    if (object->type == MSGPACK_OBJECT_FLOAT64)
        return DUET_BIT(DUET_TYPE_DOUBLE);
    if (object->type == MSGPACK_OBJECT_STR)
        return DUET_BIT(DUET_TYPE_STRING);
    return DUET_BIT(duet_value_type((const duet_value *)object));
}

static inline bool duet_leaf_takes(enum duet_leaf leaf, const msgpack_object *object)
{
    unsigned bit = duet_leaf_type_bit(object);
    if (duet_leaf_takes_types[leaf].types & bit)
        return true;
    return (duet_leaf_takes_types[leaf].checked_types & bit) && duet_leaf_fits(leaf, object);
}

#endif
