/*
 * An interface as it was written: what the parser makes, and the checks complete in place. All
 * of it lies in one memory; lists are linked by `next`, in the order of the file.
 */
#ifndef IDL_TREE_H
#define IDL_TREE_H

#include "source.h"

#include <stdbool.h>
#include <stdint.h>

/* A name, and where it stands. */
struct idl_word {
    const char *text;
    struct idl_place place;
};

struct idl_decl;
struct idl_enum_value;

/* ---- Types */

enum idl_type_kind {
    IDL_VOID,
    IDL_OBJECT, /* any value */
    IDL_BOOL,
    IDL_BYTE,
    IDL_SHORT,
    IDL_INT,
    IDL_LONG,
    IDL_UBYTE,
    IDL_USHORT,
    IDL_UINT,
    IDL_ULONG,
    IDL_FLOAT,
    IDL_DOUBLE,
    IDL_RAW,
    IDL_STRING,
    IDL_TIMESTAMP,
    IDL_SCALARS, /* how many of those there are, each with a name of its own */

    IDL_LIST,
    IDL_MAP,
    IDL_TUPLE,
    IDL_NAMED,   /* until it is checked: some name */
    IDL_ENUM,    /* once it is checked: what the name stands for */
    IDL_MESSAGE, /* exceptions too */
};

struct idl_type {
    enum idl_type_kind kind;
    bool is_nullable;
    struct idl_place place;
    const char *name;           /* NAMED: as written */
    struct idl_type *arguments; /* what stands between < and > */
    struct idl_type *next;      /* argument */
    struct idl_decl *decl;      /* ENUM, MESSAGE */
};

/* ---- Values that stand in an interface */

enum idl_literal_kind {
    IDL_LITERAL_NIL,
    IDL_LITERAL_BOOL,
    IDL_LITERAL_INTEGER,
    IDL_LITERAL_REAL,
    IDL_LITERAL_STRING,
    IDL_LITERAL_NAME, /* a constant; with a second part a value of an enum. Gone once checked */
};

struct idl_literal {
    enum idl_literal_kind kind;
    struct idl_place place;
    bool is_negative;                        /* INTEGER */
    uint64_t integer;                        /* INTEGER: without its sign; BOOL */
    const char *text;                        /* STRING; REAL: as written */
    size_t size;                             /* of a STRING */
    const char *name;                        /* NAME */
    const char *value;                       /* NAME: what stands behind the dot, or NULL */
    const struct idl_enum_value *enum_value; /* an INTEGER that was the name of one */
};

/* #@name(argument, …) */
struct idl_decorator {
    struct idl_word name;
    struct idl_literal *arguments;
    size_t count;
    struct idl_decorator *next;
};

/* ---- Messages, exceptions */

enum idl_presence {
    IDL_PLAIN, /* must be there, unless it has a default or may be nil */
    IDL_REQUIRED,
    IDL_OPTIONAL,
};

/* A field, or an argument of a method. */
struct idl_field {
    uint64_t id;
    struct idl_place id_place;
    enum idl_presence presence;
    struct idl_type *type;
    struct idl_word name;
    struct idl_literal *standard; /* its default; NULL: none */
    const char *doc;
    size_t index; /* its place in arrays, once it is checked */
    struct idl_field *next;
};

struct idl_message {
    const char *cpp_type;        /* what stands in ("…") behind the name, or NULL */
    struct idl_word *parameters; /* of a generic one: `parameter_count` names */
    size_t parameter_count;
    struct idl_type *arguments;   /* of an instance of a generic one */
    struct idl_word parent_name;  /* text NULL: none */
    struct idl_field *own_fields; /* as written */

    /* Once it is checked. */
    struct idl_decl *parent;
    struct idl_field *fields; /* with those of its parents, which come first */
    size_t size;              /* items of an array, with gaps */
    bool contains_no_circle;
    struct idl_decl *instances; /* of a generic one, linked by `next` */
};

/* ---- Enums */

struct idl_enum_value {
    uint64_t number;
    struct idl_place number_place;
    struct idl_word name;
    const char *doc;
    struct idl_enum_value *next;
};

/* ---- Services */

enum idl_member_kind {
    IDL_METHOD,
    IDL_INHERIT_ALL,    /* inherit * */
    IDL_INHERIT_NAME,   /* inherit name */
    IDL_INHERIT_METHOD, /* inherit int name(…) */
};

/* A method, or what a service takes over from its last version. */
struct idl_method {
    enum idl_member_kind kind;
    struct idl_place place;
    bool is_oneway;
    struct idl_type *result;
    struct idl_word name;
    struct idl_field *arguments;
    struct idl_word *throws;
    size_t throw_count;
    struct idl_decorator *decorators;
    const char *doc;
    struct idl_method *next;

    /* Once it is checked. */
    struct idl_decl **exceptions; /* `throw_count` of them */
    unsigned timeout_ms, max_running;
    bool is_inline, refuses_busy, answers_later;
};

struct idl_service {
    uint64_t version; /* 0: none was written */
    struct idl_place version_place;
    struct idl_method *members; /* as written */
    struct idl_method *methods; /* once it is checked, with those that are inherited */
    bool has_siblings;          /* once it is checked: there are other versions of it */
};

/* ---- Applications */

struct idl_scope {
    struct idl_word service, name;
    uint64_t version;
    bool is_default;
    struct idl_decl *decl; /* once it is checked: the service */
    struct idl_scope *next;
};

/* ---- Files */

enum idl_decl_kind {
    IDL_DECL_MESSAGE,
    IDL_DECL_EXCEPTION,
    IDL_DECL_ENUM,
    IDL_DECL_ALIAS,
    IDL_DECL_CONSTANT,
    IDL_DECL_SERVICE,
    IDL_DECL_APPLICATION,
};

enum idl_progress { IDL_NOT_CHECKED, IDL_BEING_CHECKED, IDL_CHECKED };

struct idl_decl {
    enum idl_decl_kind kind;
    struct idl_word name;
    const char *doc;
    struct idl_decorator *decorators;
    struct idl_file *file;
    enum idl_progress progress;
    struct idl_decl *next;

    struct idl_message message;    /* MESSAGE, EXCEPTION */
    struct idl_enum_value *values; /* ENUM */
    struct idl_type *type;         /* ALIAS, CONSTANT */
    struct idl_literal *literal;   /* CONSTANT */
    struct idl_service service;    /* SERVICE */
    struct idl_scope *scopes;      /* APPLICATION */
};

/* An include of another interface. */
struct idl_include {
    struct idl_place place;
    const char *path;
    struct idl_file *file;
    struct idl_include *next;
};

/* %include "…", and namespaces: texts. */
struct idl_text {
    const char *text, *language; /* namespace: of which it is; NULL: of all */
    struct idl_text *next;
};

struct idl_file {
    const struct idl_source *source;
    struct idl_decl *decls;
    struct idl_include *includes;
    struct idl_text *c_includes, *namespaces;
    bool uses_datum;            /* some type has that name */
    enum idl_progress progress; /* first of its reading, then of its checks */
    struct idl_file *next;
};

/* All files that were read; the first is the one that was asked for. */
struct idl_interface {
    struct idl_file *files;
    bool is_jubatus;
};

const char *idl_type_kind_name(enum idl_type_kind kind);
const char *idl_decl_kind_name(enum idl_decl_kind kind); /* "message" */

bool idl_types_are_equal(const struct idl_type *a, const struct idl_type *b);

/* As it would be written: "list<point>?". */
const char *idl_type_words(struct idl_memory *memory, const struct idl_type *type);

static inline bool idl_decl_is_message(const struct idl_decl *decl)
{
    return decl->kind == IDL_DECL_MESSAGE || decl->kind == IDL_DECL_EXCEPTION;
}

static inline bool idl_type_is_integer(const struct idl_type *type)
{
    return type->kind >= IDL_BYTE && type->kind <= IDL_ULONG;
}

#endif
