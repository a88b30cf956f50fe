/*
 * Tokens in, tree out: the grammar. A parser goes over the tokens of one file; what each
 * construct looks like stands above the function that reads it.
 *
 * A function that finds something else tells of it and returns NULL or false; who reads a list
 * goes on behind the next line, so that one run finds several errors.
 */
#ifndef IDL_PARSER_H
#define IDL_PARSER_H

#include "lexer.h"
#include "tree.h"

struct idl_parser {
    struct idl_memory *memory;
    struct idl_reports *reports;
    struct idl_file *file;
    const struct idl_token *at;   /* the next token; the last is an END and stays */
    const struct idl_token *item; /* where the declaration, field, … began that is read now */
};

/* ---- parser.c: steps */

bool idl_at_sign(const struct idl_parser *parser, char sign);
bool idl_at_word(const struct idl_parser *parser, const char *word);
/* A declaration that begins on its line: a '}' is missing before it. */
bool idl_at_decl(const struct idl_parser *parser);

/* Goes on by one token, and gives that. */
const struct idl_token *idl_take(struct idl_parser *parser);

/* Takes it if it is there. */
bool idl_take_sign(struct idl_parser *parser, char sign);
bool idl_take_word(struct idl_parser *parser, const char *word);
void idl_take_separator(struct idl_parser *parser);

/* Takes what must be there, or says "expected …, got …". `after` ends the sentence, or is "".
 */
bool idl_expect_sign(struct idl_parser *parser, char sign, const char *after);
bool idl_expect_name(struct idl_parser *parser, const char *what, struct idl_word *name);
bool idl_expect_integer(struct idl_parser *parser, const char *what, uint64_t *number);
void idl_expected(struct idl_parser *parser, const char *what);

/* Goes on behind an error: to the next line, or a '}'. */
void idl_skip(struct idl_parser *parser);

/* Reads "{ item … }" with `item` for each, which returns false behind an error. */
bool idl_parse_body(struct idl_parser *parser, struct idl_decl *decl,
                    bool (*item)(struct idl_parser *parser, struct idl_decl *decl));

/* The documentation of the next token, behind one that was found before (or NULL). */
const char *idl_parse_doc(struct idl_parser *parser, const char *before);

/* ---- parse_type.c */

struct idl_type *idl_parse_type(struct idl_parser *parser);
struct idl_literal *idl_parse_literal(struct idl_parser *parser);

/* ---- parse_message.c */

bool idl_parse_message(struct idl_parser *parser, struct idl_decl *decl);
bool idl_parse_enum(struct idl_parser *parser, struct idl_decl *decl);
struct idl_field *idl_parse_field(struct idl_parser *parser, const char *what);

/* ---- parse_service.c */

bool idl_parse_service(struct idl_parser *parser, struct idl_decl *decl);
bool idl_parse_application(struct idl_parser *parser, struct idl_decl *decl);
struct idl_decorator *idl_parse_decorators(struct idl_parser *parser, const char **doc);

#endif
