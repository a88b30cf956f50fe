/*
 * The words of an interface file: text in, tokens out. Comments are gone, documentation stands
 * at the token that follows it.
 */
#ifndef IDL_LEXER_H
#define IDL_LEXER_H

#include "report.h"

#include <stdint.h>

enum idl_token_kind {
    IDL_TOKEN_END,
    IDL_TOKEN_WORD,
    IDL_TOKEN_INTEGER,
    IDL_TOKEN_REAL,
    IDL_TOKEN_STRING,    /* text: what stands between the quotes, escapes resolved */
    IDL_TOKEN_DECORATOR, /* #@name; text: the name */
    IDL_TOKEN_C_INCLUDE, /* %include */
    IDL_TOKEN_SCOPE,     /* :: */
    IDL_TOKEN_SIGN,      /* one character: text */
};

struct idl_token {
    enum idl_token_kind kind;
    bool begins_line; /* nothing but spaces and comments is before it on its line */
    struct idl_place place;
    const char *text;
    size_t size;      /* of the text, which may have NULs in it */
    uint64_t integer; /* of an INTEGER */
    const char *doc;  /* the #- lines before it, without the #-; NULL: none */
};

struct idl_tokens {
    struct idl_token *items; /* the last one is an END */
    size_t count;
};

/* All tokens of a source. What is none is told of and left out. */
struct idl_tokens idl_lex(struct idl_memory *memory, struct idl_reports *reports,
                          const struct idl_source *source);

#endif
