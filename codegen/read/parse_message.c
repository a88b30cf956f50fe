/*
 * Messages, exceptions and enums.
 */
#include "parser.h"

#include <string.h>

/* "<" name { "," name } ">" */
static bool parse_parameters(struct idl_parser *parser, struct idl_message *message)
{
    enum { MOST = 16 }; /* who needs more needs another design */
    message->parameters = idl_alloc(parser->memory, MOST * sizeof *message->parameters);
    idl_take_sign(parser, '<');
    do {
        if (message->parameter_count == MOST) {
            idl_error(parser->reports, parser->at->place, "more than %d type parameters", MOST);
            return false;
        }
        if (!idl_expect_name(parser, "the name of a type parameter",
                             &message->parameters[message->parameter_count++]))
            return false;
    } while (idl_take_sign(parser, ','));
    return idl_expect_sign(parser, '>', " behind the last type parameter");
}

/* Type parameters end with '>'; a parent is a name alone. */
static bool at_parameters(const struct idl_parser *parser)
{
    const struct idl_token *behind = parser->at;
    if (!idl_at_sign(parser, '<') || behind[1].kind != IDL_TOKEN_WORD)
        return false;
    return behind[2].kind == IDL_TOKEN_SIGN && strchr(">,", behind[2].text[0]) != NULL;
}

/* "required" and "optional" are names too: 1: optional name is a field of the type 'optional'.
 */
static enum idl_presence parse_presence(struct idl_parser *parser)
{
    const struct idl_token *type = parser->at + 1;
    if (parser->at->kind != IDL_TOKEN_WORD || type->kind != IDL_TOKEN_WORD)
        return IDL_PLAIN;
    bool is_presence = (type[1].kind == IDL_TOKEN_WORD && !type[1].begins_line) ||
                       (type[1].kind == IDL_TOKEN_SIGN && strchr("<?", type[1].text[0]));
    if (!is_presence)
        return IDL_PLAIN;
    if (idl_take_word(parser, "required"))
        return IDL_REQUIRED;
    return idl_take_word(parser, "optional") ? IDL_OPTIONAL : IDL_PLAIN;
}

/* INT ":" [ "required" | "optional" ] type name [ "=" literal ] */
struct idl_field *idl_parse_field(struct idl_parser *parser, const char *what)
{
    struct idl_field *field = idl_alloc(parser->memory, sizeof *field);
    field->doc = idl_parse_doc(parser, NULL);
    field->id_place = parser->at->place;
    const char *number = idl_format(parser->memory, "the number of %s, as in '0: int x'", what);
    if (!idl_expect_integer(parser, number, &field->id) ||
        !idl_expect_sign(parser, ':', " behind the number"))
        return NULL;
    field->presence = parse_presence(parser);
    field->type = idl_parse_type(parser);
    if (field->type == NULL ||
        !idl_expect_name(parser, idl_format(parser->memory, "the name of %s", what),
                         &field->name))
        return NULL;
    if (idl_take_sign(parser, '=')) {
        field->standard = idl_parse_literal(parser);
        if (field->standard == NULL)
            return NULL;
    }
    return field;
}

static bool parse_member(struct idl_parser *parser, struct idl_decl *decl)
{
    const char *doc = NULL;
    struct idl_decorator *decorators = idl_parse_decorators(parser, &doc);
    if (decorators != NULL)
        idl_warning(parser->reports, decorators->name.place,
                    "'%s' is ignored: decorators stand before methods", decorators->name.text);
    struct idl_field *field = idl_parse_field(parser, "a field");
    if (field == NULL)
        return false;
    field->doc = doc != NULL ? doc : field->doc;
    idl_take_separator(parser);

    struct idl_field **end = &decl->message.own_fields;
    while (*end != NULL)
        end = &(*end)->next;
    *end = field;
    return true;
}

/* name [ "(" STRING ")" ] [ parameters ] [ "<" name ] "{" { field } "}" */
bool idl_parse_message(struct idl_parser *parser, struct idl_decl *decl)
{
    struct idl_message *message = &decl->message;
    if (idl_take_sign(parser, '(')) {
        if (parser->at->kind != IDL_TOKEN_STRING) {
            idl_expected(parser, "a C++ type in quotes");
            return false;
        }
        message->cpp_type = idl_take(parser)->text;
        if (!idl_expect_sign(parser, ')', ""))
            return false;
    }
    if (at_parameters(parser) && !parse_parameters(parser, message))
        return false;
    if (idl_take_sign(parser, '<') &&
        !idl_expect_name(parser, "the name of what it inherits from", &message->parent_name))
        return false;
    return idl_parse_body(parser, decl, parse_member);
}

/* INT ":" name */
static bool parse_value(struct idl_parser *parser, struct idl_decl *decl)
{
    struct idl_enum_value *value = idl_alloc(parser->memory, sizeof *value);
    value->doc = idl_parse_doc(parser, NULL);
    value->number_place = parser->at->place;
    if (!idl_expect_integer(parser, "the number of a value, as in '0: name'", &value->number) ||
        !idl_expect_sign(parser, ':', " behind the number") ||
        !idl_expect_name(parser, "the name of a value", &value->name))
        return false;
    idl_take_separator(parser);

    struct idl_enum_value **end = &decl->values;
    while (*end != NULL)
        end = &(*end)->next;
    *end = value;
    return true;
}

bool idl_parse_enum(struct idl_parser *parser, struct idl_decl *decl)
{
    return idl_parse_body(parser, decl, parse_value);
}
