/*
 * Types, and the values that stand behind a '='.
 */
#include "parser.h"

#include <string.h>

enum { DEEPEST_TYPE = 32 }; /* as signatures may nest */

static struct idl_type *parse_type(struct idl_parser *parser, int depth);

/* "<" type { "," type } ">" */
static bool parse_arguments(struct idl_parser *parser, struct idl_type *type, int depth)
{
    struct idl_type **end = &type->arguments;
    idl_take_sign(parser, '<');
    do {
        *end = parse_type(parser, depth + 1);
        if (*end == NULL)
            return false;
        end = &(*end)->next;
    } while (idl_take_sign(parser, ','));
    return idl_expect_sign(parser, '>', " behind the last type");
}

/* Names of scalars are kept from everything else; those of containers need what follows. */
static enum idl_type_kind kind_of(const char *name)
{
    for (enum idl_type_kind kind = IDL_VOID; kind < IDL_SCALARS; kind++)
        if (strcmp(idl_type_kind_name(kind), name) == 0)
            return kind;
    for (enum idl_type_kind kind = IDL_LIST; kind <= IDL_TUPLE; kind++)
        if (strcmp(idl_type_kind_name(kind), name) == 0)
            return kind;
    return IDL_NAMED;
}

static bool check_arguments(struct idl_parser *parser, const struct idl_type *type)
{
    size_t count = 0;
    for (const struct idl_type *argument = type->arguments; argument; argument = argument->next)
        count++;
    const char *words = type->kind == IDL_LIST && count != 1
                            ? "a list has one type of items: list<int>"
                        : type->kind == IDL_MAP && count != 2
                            ? "a map has a type of keys and one of values: map<string, int>"
                        : type->kind == IDL_TUPLE && count == 0
                            ? "a tuple has types of items: tuple<int, string>"
                        : type->kind < IDL_SCALARS && count > 0 ? "takes no types in < >"
                                                                : NULL;
    if (words == NULL)
        return true;
    if (type->kind < IDL_SCALARS)
        idl_error(parser->reports, type->place, "'%s' %s", type->name, words);
    else
        idl_error(parser->reports, type->place, "%s", words);
    return false;
}

/* name [ "<" type { "," type } ">" ] { "?" } */
static struct idl_type *parse_type(struct idl_parser *parser, int depth)
{
    struct idl_word name;
    if (!idl_expect_name(parser, "a type", &name))
        return NULL;
    if (depth > DEEPEST_TYPE) {
        idl_error(parser->reports, name.place, "types nest deeper than %d levels",
                  DEEPEST_TYPE);
        return NULL;
    }
    struct idl_type *type = idl_alloc(parser->memory, sizeof *type);
    type->kind = kind_of(name.text);
    type->name = name.text;
    type->place = name.place;
    if (strcmp(name.text, "datum") == 0)
        parser->file->uses_datum = true;
    if (idl_at_sign(parser, '<') && !parse_arguments(parser, type, depth))
        return NULL;
    if (type->arguments != NULL)
        type->place = idl_place_join(name.place, parser->at[-1].place);
    while (idl_take_sign(parser, '?'))
        type->is_nullable = true;
    return check_arguments(parser, type) ? type : NULL;
}

struct idl_type *idl_parse_type(struct idl_parser *parser)
{
    return parse_type(parser, 1);
}

/* ---- Literals */

static struct idl_literal *of_word(struct idl_parser *parser, struct idl_literal *literal)
{
    literal->name = idl_take(parser)->text;
    if (strcmp(literal->name, "nil") == 0 || strcmp(literal->name, "null") == 0) {
        literal->kind = IDL_LITERAL_NIL;
    } else if (strcmp(literal->name, "true") == 0 || strcmp(literal->name, "false") == 0) {
        literal->kind = IDL_LITERAL_BOOL;
        literal->integer = literal->name[0] == 't';
    } else {
        literal->kind = IDL_LITERAL_NAME;
        if (idl_take_sign(parser, '.')) {
            struct idl_word value;
            if (!idl_expect_name(parser, "the name of an enum's value", &value))
                return NULL;
            literal->value = value.text;
            literal->place = idl_place_join(literal->place, value.place);
        }
    }
    return literal;
}

static struct idl_literal *of_number(struct idl_parser *parser, struct idl_literal *literal)
{
    literal->is_negative = idl_take_sign(parser, '-');
    if (!literal->is_negative)
        idl_take_sign(parser, '+');
    const struct idl_token *token = parser->at;
    if (token->kind != IDL_TOKEN_INTEGER && token->kind != IDL_TOKEN_REAL) {
        idl_expected(parser, "a number");
        return NULL;
    }
    idl_take(parser);
    literal->place = idl_place_join(literal->place, token->place);
    literal->kind = token->kind == IDL_TOKEN_REAL ? IDL_LITERAL_REAL : IDL_LITERAL_INTEGER;
    literal->integer = token->integer;
    literal->text =
        idl_format(parser->memory, "%s%s", literal->is_negative ? "-" : "", token->text);
    return literal;
}

/* "nil" | "true" | "false" | [sign] number | string | name [ "." name ] */
struct idl_literal *idl_parse_literal(struct idl_parser *parser)
{
    const struct idl_token *token = parser->at;
    struct idl_literal *literal = idl_alloc(parser->memory, sizeof *literal);
    literal->place = token->place;
    if (token->kind == IDL_TOKEN_WORD)
        return of_word(parser, literal);
    if (token->kind == IDL_TOKEN_INTEGER || token->kind == IDL_TOKEN_REAL ||
        idl_at_sign(parser, '-') || idl_at_sign(parser, '+'))
        return of_number(parser, literal);
    if (token->kind != IDL_TOKEN_STRING) {
        idl_expected(parser, "a value: a number, a string, true, false, nil or a name");
        return NULL;
    }
    literal->kind = IDL_LITERAL_STRING;
    literal->text = token->text;
    literal->size = token->size;
    idl_take(parser);
    return literal;
}
