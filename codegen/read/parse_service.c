/*
 * Services with their methods, and applications.
 */
#include "parser.h"

#include <string.h>

/* "(" [ literal { "," literal } ] ")" behind a decorator. */
static bool parse_decorator_arguments(struct idl_parser *parser,
                                      struct idl_decorator *decorator)
{
    enum { MOST = 16 };
    decorator->arguments = idl_alloc(parser->memory, MOST * sizeof *decorator->arguments);
    idl_take_sign(parser, '(');
    while (!idl_at_sign(parser, ')')) {
        const struct idl_literal *argument = idl_parse_literal(parser);
        if (argument == NULL)
            return false;
        if (decorator->count == MOST) {
            idl_error(parser->reports, argument->place, "more than %d arguments", MOST);
            return false;
        }
        decorator->arguments[decorator->count++] = *argument;
        if (!idl_take_sign(parser, ','))
            break;
    }
    return idl_expect_sign(parser, ')', " behind the arguments");
}

/* Decorators and documentation may stand in any order before what they belong to. */
struct idl_decorator *idl_parse_decorators(struct idl_parser *parser, const char **doc)
{
    struct idl_decorator *first = NULL, **end = &first;
    *doc = idl_parse_doc(parser, NULL);
    while (parser->at->kind == IDL_TOKEN_DECORATOR) {
        struct idl_decorator *decorator = idl_alloc(parser->memory, sizeof *decorator);
        const struct idl_token *token = idl_take(parser);
        decorator->name = (struct idl_word){token->text, token->place};
        if (idl_at_sign(parser, '(') && !parser->at->begins_line &&
            !parse_decorator_arguments(parser, decorator))
            idl_skip(parser);
        *end = decorator;
        end = &decorator->next;
        *doc = idl_parse_doc(parser, *doc);
    }
    return first;
}

/* "(" [ argument { "," argument } ] ")" */
static bool parse_arguments(struct idl_parser *parser, struct idl_method *method)
{
    if (!idl_expect_sign(
            parser, '(',
            idl_format(parser->memory, " and the arguments of '%s'", method->name.text)))
        return false;
    struct idl_field **end = &method->arguments;
    while (!idl_at_sign(parser, ')')) {
        *end = idl_parse_field(parser, "an argument");
        if (*end == NULL)
            return false;
        end = &(*end)->next;
        if (!idl_take_sign(parser, ','))
            break;
    }
    return idl_expect_sign(parser, ')', " behind the arguments");
}

/* "throws" ( name { "," name } | "(" INT ":" name { "," INT ":" name } ")" ) */
static bool parse_throws(struct idl_parser *parser, struct idl_method *method)
{
    enum { MOST = 64 };
    method->throws = idl_alloc(parser->memory, MOST * sizeof *method->throws);
    bool is_numbered = idl_take_sign(parser, '(');
    do {
        uint64_t number;
        if (method->throw_count == MOST) {
            idl_error(parser->reports, parser->at->place, "more than %d exceptions", MOST);
            return false;
        }
        if (is_numbered &&
            (!idl_expect_integer(parser, "the number of an exception", &number) ||
             !idl_expect_sign(parser, ':', " behind the number")))
            return false;
        if (!idl_expect_name(parser, "the name of an exception",
                             &method->throws[method->throw_count++]))
            return false;
    } while (idl_take_sign(parser, ','));
    return !is_numbered || idl_expect_sign(parser, ')', " behind the exceptions");
}

/* [ "oneway" ] type name "(" arguments ")" [ throws ] */
static bool parse_method(struct idl_parser *parser, struct idl_method *method)
{
    method->place = parser->at->place;
    if (idl_at_word(parser, "oneway") && parser->at[1].kind == IDL_TOKEN_WORD) {
        idl_take(parser);
        method->is_oneway = true;
    }
    if (parser->at->kind == IDL_TOKEN_WORD && parser->at[1].kind == IDL_TOKEN_SIGN &&
        parser->at[1].text[0] == '(') {
        idl_error(parser->reports, parser->at->place,
                  "'%s' needs the type of its result before it: void %s(…)", parser->at->text,
                  parser->at->text);
        return false;
    }
    method->result = idl_parse_type(parser);
    if (method->result == NULL ||
        !idl_expect_name(parser, "the name of a method", &method->name) ||
        !parse_arguments(parser, method))
        return false;
    return !idl_take_word(parser, "throws") || parse_throws(parser, method);
}

/* "inherit" ( "*" | name | method ) */
static bool parse_inherit(struct idl_parser *parser, struct idl_method *method)
{
    method->place = idl_take(parser)->place;
    if (idl_at_sign(parser, '*')) {
        idl_take(parser);
        method->kind = IDL_INHERIT_ALL;
        return true;
    }
    const struct idl_token *behind = parser->at + 1;
    if (parser->at->kind == IDL_TOKEN_WORD &&
        (behind->begins_line || behind->kind != IDL_TOKEN_WORD) &&
        !(behind->kind == IDL_TOKEN_SIGN && strchr("<?", behind->text[0]))) {
        method->kind = IDL_INHERIT_NAME;
        return idl_expect_name(parser, "the name of a method", &method->name);
    }
    method->kind = IDL_INHERIT_METHOD;
    return parse_method(parser, method);
}

static bool parse_service_member(struct idl_parser *parser, struct idl_decl *decl)
{
    struct idl_method *method = idl_alloc(parser->memory, sizeof *method);
    method->decorators = idl_parse_decorators(parser, &method->doc);
    if (idl_at_sign(parser, '}') && method->decorators != NULL) {
        idl_warning(parser->reports, method->decorators->name.place,
                    "'%s' is ignored: no method follows", method->decorators->name.text);
        return true;
    }
    bool is_inherited = idl_at_word(parser, "inherit") && !parser->at[1].begins_line;
    if (!(is_inherited ? parse_inherit(parser, method) : parse_method(parser, method)))
        return false;
    idl_take_separator(parser);

    struct idl_method **end = &decl->service.members;
    while (*end != NULL)
        end = &(*end)->next;
    *end = method;
    return true;
}

/* name [ ":" INT ] "{" { [ decorators ] ( inherit | method ) } "}" */
bool idl_parse_service(struct idl_parser *parser, struct idl_decl *decl)
{
    if (idl_take_sign(parser, ':')) {
        decl->service.version_place = parser->at->place;
        if (!idl_expect_integer(parser, "the version of the service", &decl->service.version))
            return false;
    }
    return idl_parse_body(parser, decl, parse_service_member);
}

/* service ":" INT name [ "default" ] */
static bool parse_scope(struct idl_parser *parser, struct idl_decl *decl)
{
    struct idl_scope *scope = idl_alloc(parser->memory, sizeof *scope);
    if (!idl_expect_name(parser, "the name of a service", &scope->service) ||
        !idl_expect_sign(parser, ':', " and the version of the service") ||
        !idl_expect_integer(parser, "the version of the service", &scope->version) ||
        !idl_expect_name(parser, "the name of its scope", &scope->name))
        return false;
    if (idl_at_word(parser, "default") && !parser->at->begins_line) {
        idl_take(parser);
        scope->is_default = true;
    }
    idl_take_separator(parser);

    struct idl_scope **end = &decl->scopes;
    while (*end != NULL)
        end = &(*end)->next;
    *end = scope;
    return true;
}

bool idl_parse_application(struct idl_parser *parser, struct idl_decl *decl)
{
    return idl_parse_body(parser, decl, parse_scope);
}
