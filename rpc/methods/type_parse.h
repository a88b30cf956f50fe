/*
 * The grammar of types: see "Signatures" in duet.h. Reads text into a builder.
 */
#ifndef DUET_TYPE_PARSE_H
#define DUET_TYPE_PARSE_H

#include "type_build.h"
#include "type_names.h"

enum {
    DUET_TYPE_TEXT_MAX = 1 << 20, /* bytes of a signature, or of types named in one go: beyond
                                     any that a program has, and all numbers stay far below 32
                                     bits */
};

struct duet_type_parser {
    struct duet_type_builder *builder;
    const struct duet_type_names *names;
    const char *what; /* "signature" or "types", for words */
    const char *text;
    size_t at;
    unsigned depth; /* of the brackets that are open */
    char *words;
    size_t room;
};

/* Reads one type, at whose end the parser then stands. 0, -EINVAL with words, -ENOMEM. */
int duet_type_parse(struct duet_type_parser *parser, duet_type_number *type);

/* Reads the types that the builder uses by name, and those that they use. The same. */
int duet_type_parse_named(struct duet_type_parser *parser);

/* Makes the words `signature "…": at N 'x': WHAT`, for what stands at `at`. Returns -EINVAL. */
int duet_type_complain(const struct duet_type_parser *parser, size_t at, const char *what);

/* How many bytes of a name of letters, digits and _ stand there. */
size_t duet_type_word(const char *text);

#endif
