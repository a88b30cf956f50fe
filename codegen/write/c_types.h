/*
 * The types in C that an interface needs: which there are, in which order they can be defined,
 * which file's header has them.
 */
#ifndef GEN_C_TYPES_H
#define GEN_C_TYPES_H

#include "report.h"
#include "tree.h"

/* A type with a name of its own in C: a message, enum, list, map, tuple, raw, or a value of
 * another type that may be nil. */
struct gen_type {
    const struct idl_type *type; /* not nullable, unless it is a "maybe" */
    const struct idl_file *home; /* whose header has it */
    const char *name;            /* "shop_line_list" */
    const char *words;           /* "line_list" */
    const char *function; /* what ends the names of static functions for it: the words, or
                             the name if its home is another file */
    bool is_plain;        /* nothing in it is to be freed */
    /* Messages: something that may be nil points to one; and that is part of a value, or of one
     * that the server reads or writes. */
    bool is_used_behind_pointer, is_copied_behind_pointer;
    bool is_read_behind_pointer, is_written_behind_pointer;
    bool is_read, is_written; /* by the server */
    bool is_in_signature;     /* a message that methods take or give */

    /* While C is written. */
    bool is_defined, is_declared, is_complete, is_ordered;
    bool is_used_early; /* by a type that stands before it, as it does by that */
    bool awaits_entry;  /* a map: the struct of its entries is still to be defined */
    bool has_raise;     /* an exception: its function is declared, or defined */
    struct gen_type *next_in_order;
    struct gen_type *next;
};

struct gen_types {
    struct idl_memory *memory;
    struct gen_type *first;      /* as they are found */
    struct gen_type *in_order;   /* each after those that it is made of, but for messages */
    const struct idl_file *file; /* that C is made of */
    /* Whose types are found: a file's own, and those of files that it includes. What one file
     * calls list<int> may have another home than what another does that knows nothing of it. */
    const struct idl_file *view;
    bool is_plain, takes_memory; /* of what is gone through */
    const struct gen_type *last;
    bool is_open;
};

/* All types of all files; those of a file after those of the files that it includes. */
void gen_types_collect(struct gen_types *types, const struct idl_interface *interface);

/* Of a type with a name of its own; NULL for others: numbers, strings, times, objects, bools.
 */
struct gen_type *gen_find_type(const struct gen_types *types, const struct idl_type *type);
struct gen_type *gen_find_decl(const struct gen_types *types, const struct idl_decl *decl);

/* How it may be nil: numbers, containers, … by a struct that says so, messages and strings by a
 * pointer that is NULL. */
static inline bool gen_is_maybe(const struct idl_type *type)
{
    return type->is_nullable && type->kind != IDL_MESSAGE && type->kind != IDL_STRING;
}

static inline bool gen_is_pointer(const struct idl_type *type)
{
    return type->is_nullable && type->kind == IDL_MESSAGE;
}

/* The same without its '?'. */
struct idl_type gen_without_nil(const struct idl_type *type);

/* "int64_t ", "char *", "shop_line *": ends so that a name can follow. */
const char *gen_c_type(const struct gen_types *types, const struct idl_type *type);

/* Whether nothing in a value is to be freed, and it is copied by '='. */
bool gen_is_plain(const struct gen_types *types, const struct idl_type *type);

/* Which the server reads, for the arguments of its methods, and writes, for results and
 * exceptions. */
void gen_types_use(struct gen_types *types);

/* Whether a type that stands up to this one, in order, uses one that stands behind it. */
bool gen_types_are_open(struct gen_types *types, const struct gen_type *last);

/* Whether reading one takes memory of its own: for lists, maps, and what is behind a pointer.
 */
bool gen_takes_memory(struct gen_types *types, const struct idl_type *type);

#endif
