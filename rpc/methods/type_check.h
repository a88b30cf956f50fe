/*
 * Values held against the types of a signature. One pass over the value, without recursion and
 * without malloc: what it needs for values that are deeper than usual, or that are not yet what
 * the handler reads, comes from the call's arena. Any thread, for one call by one thread.
 */
#ifndef DUET_TYPE_CHECK_H
#define DUET_TYPE_CHECK_H

#include "arena.h"
#include "error.h"
#include "type.h"

#include <msgpack/object.h>

/* What a check has changed in a value, so that its handler reads what was declared: an empty
 * array has become an empty map, a record's array a map, text of digits an int key. Newest
 * first, in the arena. */
struct duet_type_change {
    struct duet_type_change *before;
    msgpack_object *object, was;
};

/* Takes the changes back. */
void duet_type_restore(struct duet_type_change *changes);

/* A container whose values are being checked. */
struct duet_type_level {
    enum duet_form_kind kind;
    const struct duet_form *form; /* NULL: arguments, or a result */
    msgpack_object *values;       /* its items; or its pairs, a key and a value in a row */
    uint32_t next, count;         /* of items or pairs */
    uint32_t first;               /* of its parts */
    uint32_t likely;              /* which member the next key probably names */
    uint32_t missing;             /* members that must be there and have not come yet */
    duet_type_number type;        /* of all its values, where that is one */
    uint64_t few;   /* which members have come: a bit each, here if they are few, */
    uint64_t *many; /* in the arena if not */
};

enum { DUET_TYPE_INLINE_LEVELS = 12 };

/* How a value was found not to be what was declared. */
enum duet_type_failure {
    DUET_FAIL_NONE,
    DUET_FAIL_TYPE,    /* it is no `type` */
    DUET_FAIL_COUNT,   /* it has not as many items as the tuple `form` */
    DUET_FAIL_MISSING, /* it has not all members of `form` */
    DUET_FAIL_KEY,     /* it is a key, and no int */
    DUET_FAIL_MEMORY,  /* the arena is used up */
};

struct duet_type_check {
    const struct duet_types *types;
    struct duet_arena *arena;
    struct duet_type_change *changes;
    size_t depth, capacity;
    struct duet_type_level *levels;
    struct duet_type_level inline_levels[DUET_TYPE_INLINE_LEVELS];

    /* When it has failed: at which value, inside of which levels. */
    enum duet_type_failure failure;
    const msgpack_object *got;
    duet_type_number type;
    const struct duet_form *form;
};

void duet_type_check_init(struct duet_type_check *check, const struct duet_types *types,
                          struct duet_arena *arena);

/* Holds the arguments, an array of a length that it takes, against an alternative; or a value
 * against a type. True if they are what was declared; if not, all changes are taken back, and
 * the check tells why. May be called again. */
bool duet_type_check_arguments(struct duet_type_check *check,
                               const struct duet_alternative *alternative,
                               const msgpack_object *params);
bool duet_type_check_value(struct duet_type_check *check, duet_type_number type,
                           msgpack_object *value);

/* A key's text, if it has one. */
bool duet_type_key_text(const msgpack_object *key, const char **text, size_t *size);

#endif
