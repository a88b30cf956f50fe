/*
 * The letters: their names, and the values that need a look. See leaf.h.
 */
#include "leaf.h"

static const struct {
    char letter; /* NUL: not written so */
    const char *name, *xml_name;
} rows[DUET_LEAVES] = {
    [DUET_LEAF_NIL] = {'n', "nil", "nil"},
    [DUET_LEAF_BOOL] = {'b', "bool", "boolean"},
    [DUET_LEAF_INT] = {'i', "int", "int"},
    [DUET_LEAF_UINT] = {'u', "uint", "i8"},
    [DUET_LEAF_DOUBLE] = {'d', "double", "double"},
    [DUET_LEAF_STRING] = {'s', "string", "string"},
    [DUET_LEAF_BYTES] = {'r', "bytes", "base64"},
    [DUET_LEAF_TIME] = {'t', "time", "dateTime.iso8601"},
    [DUET_LEAF_ARRAY] = {'a', "array", "array"},
    [DUET_LEAF_MAP] = {'m', "map", "struct"},
    [DUET_LEAF_ANY] = {'v', "any", "any"},
    [DUET_LEAF_DOUBLE_OR_INT] = {'\0', "double", "double"},
    [DUET_LEAF_MAP_OR_NO_ITEMS] = {'\0', "map", "struct"},
};

int duet_leaf_find(char letter)
{
    for (int i = 0; i < DUET_LEAVES; i++)
        if (letter != '\0' && rows[i].letter == letter)
            return i;
    return -1;
}

const char *duet_leaf_name(enum duet_leaf leaf)
{
    return rows[leaf].name;
}

const char *duet_leaf_xml_name(enum duet_leaf leaf)
{
    return rows[leaf].xml_name;
}

/* Whether a double holds the integer exactly: at most 53 bits between its highest and lowest
 * one. */
static bool fits_double(const msgpack_object *object)
{
    uint64_t bits = object->via.u64;
    if (object->type == MSGPACK_OBJECT_NEGATIVE_INTEGER)
        bits = 0 - bits;
    return bits == 0 || bits >> __builtin_ctzll(bits) < UINT64_C(1) << 53;
}

bool duet_leaf_fits(enum duet_leaf leaf, const msgpack_object *object)
{
    if (leaf == DUET_LEAF_UINT)
        return object->type == MSGPACK_OBJECT_POSITIVE_INTEGER;
    if (leaf == DUET_LEAF_MAP_OR_NO_ITEMS)
        return object->via.array.size == 0;
    return fits_double(object);
}
