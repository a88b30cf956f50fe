/*
 * The types that one signature declares, compiled: what type_compile.c makes, type_check.c
 * holds values against, and type_words.c and type_describe.c tell of. Read-only, one block of
 * memory, without pointers between the parts but numbers, so that types may contain themselves.
 */
#ifndef DUET_TYPE_H
#define DUET_TYPE_H

#include "leaf.h"

#include <stdbool.h>
#include <stdint.h>

struct duet_type_names;

/* The number of a type. Those of letters come first: twice the letter, and one more if nil is
 * taken too. All others are DUET_LEAF_NUMBERS and the number of a form. */
typedef uint32_t duet_type_number;

enum { DUET_LEAF_NUMBERS = 2 * DUET_LEAVES };

enum duet_form_kind {
    DUET_FORM_ITEMS,    /* [T] */
    DUET_FORM_TUPLE,    /* <T,U>: a part for each item */
    DUET_FORM_MEMBERS,  /* {a:T,b?:U}: a part for each member */
    DUET_FORM_RECORD,   /* (a:T,b?:U): the same, or an array in this order */
    DUET_FORM_ANY_KEYS, /* {*:T} */
    DUET_FORM_INT_KEYS, /* {i:T} */
    DUET_FORM_NAMED,    /* %name */
};

struct duet_form {
    uint8_t kind;
    bool or_nil;
    uint32_t first; /* of its parts; NAMED: which of the named types */
    uint32_t count; /* of its parts: one where all values are of one type */
    uint32_t least; /* of its members: how many must be there */
};

#define DUET_PART_OPTIONAL UINT32_MAX /* beyond what an enum may hold */

/* An argument, item or member. */
struct duet_part {
    duet_type_number type;
    uint32_t name, name_size; /* a member's: where it begins in the texts */
    uint32_t required;        /* its number among the members that must be there, or
                                 DUET_PART_OPTIONAL */
    uint32_t sorted; /* which part of the same form stands at this one's place when they
                        are sorted by name: for finding */
};

struct duet_named_type {
    uint32_t name;
    duet_type_number type;
};

struct duet_alternative {
    duet_type_number result;
    uint32_t first, count; /* of the arguments' parts */
    uint32_t least;        /* how many must be there */
    bool takes_anything;   /* "a:*" */
};

struct duet_types {
    const struct duet_form *forms;
    const struct duet_part *parts;
    const struct duet_named_type *named; /* that the signature uses */
    const struct duet_alternative *alternatives;
    const uint32_t *arguments; /* where their names begin in the texts */
    const char *texts;         /* each ended by a NUL; the first is the signature as it was
                                  written */
    uint32_t named_count, alternative_count, argument_count;
    bool takes_anything; /* nothing is held against the arguments */
};

/* Compiles a signature and the names of its arguments, separated by spaces (NULL: none);
 * `names` has the types that it may use. 0 and `*made` is malloced: free() frees it. NULL for a
 * signature that is NULL or has nothing in it. -EINVAL with words that begin with 'signature
 * "…": at N ' or 'params "…": ', or -ENOMEM. */
int duet_types_compile(struct duet_types **made, const char *signature, const char *arguments,
                       const struct duet_type_names *names, char *words, size_t room);

/* Such a number's letter, where it is one, and its form, where it is not. */
static inline enum duet_leaf duet_type_leaf(duet_type_number type)
{
    return (enum duet_leaf)(type / 2);
}

static inline const struct duet_form *duet_type_form(const struct duet_types *types,
                                                     duet_type_number type)
{
    return &types->forms[type - DUET_LEAF_NUMBERS];
}

static inline const char *duet_part_name(const struct duet_types *types,
                                         const struct duet_part *part)
{
    return types->texts + part->name;
}

/* What a type is once its names are looked through, and whether nil is taken on the way. */
duet_type_number duet_type_resolve(const struct duet_types *types, duet_type_number type,
                                   bool *or_nil);

/* The place among the form's members of the one with that name, or -1. `likely` is where it is
 * looked for first. */
int64_t duet_form_find(const struct duet_types *types, const struct duet_form *form,
                       const char *name, size_t size, uint32_t likely);

#endif
