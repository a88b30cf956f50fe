/*
 * The steps that all of the grammar is made of, and how it goes on behind an error.
 */
#include "parser.h"

#include <string.h>

static bool is_sign(const struct idl_token *token, char sign)
{
    return token->kind == IDL_TOKEN_SIGN && token->text[0] == sign;
}

bool idl_at_sign(const struct idl_parser *parser, char sign)
{
    return is_sign(parser->at, sign);
}

bool idl_at_word(const struct idl_parser *parser, const char *word)
{
    return parser->at->kind == IDL_TOKEN_WORD && strcmp(parser->at->text, word) == 0;
}

bool idl_at_decl(const struct idl_parser *parser)
{
    static const char *const words[] = {"message", "exception",   "enum",
                                        "service", "application", "const"};
    if (!parser->at->begins_line || parser->at->kind != IDL_TOKEN_WORD ||
        parser->at[1].kind != IDL_TOKEN_WORD || parser->at[2].kind != IDL_TOKEN_SIGN ||
        strchr("{<:=", parser->at[2].text[0]) == NULL)
        return false;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (idl_at_word(parser, words[i]))
            return true;
    return false;
}

const struct idl_token *idl_take(struct idl_parser *parser)
{
    const struct idl_token *token = parser->at;
    if (token->kind != IDL_TOKEN_END)
        parser->at++;
    return token;
}

bool idl_take_sign(struct idl_parser *parser, char sign)
{
    if (!idl_at_sign(parser, sign))
        return false;
    idl_take(parser);
    return true;
}

bool idl_take_word(struct idl_parser *parser, const char *word)
{
    if (!idl_at_word(parser, word))
        return false;
    idl_take(parser);
    return true;
}

void idl_take_separator(struct idl_parser *parser)
{
    if (!idl_take_sign(parser, ';'))
        idl_take_sign(parser, ',');
}

/* What is missing at the end of a line is missing there, and not where the next line begins. */
static struct idl_place place_of_missing(const struct idl_parser *parser)
{
    struct idl_place place = parser->at->place;
    bool is_end = parser->at->kind == IDL_TOKEN_END;
    if (parser->at != parser->item && (is_end || parser->at->begins_line)) {
        place = parser->at[-1].place;
        place.offset += place.size;
        place.size = 1;
    }
    return place;
}

void idl_expected(struct idl_parser *parser, const char *what)
{
    const struct idl_token *token = parser->at;
    struct idl_place place = place_of_missing(parser);
    if (token->kind == IDL_TOKEN_END)
        idl_error(parser->reports, place, "expected %s, got the end of the file", what);
    else if (place.offset < token->place.offset)
        idl_error(parser->reports, place, "expected %s, got the end of the line", what);
    else
        idl_error(parser->reports, place, "expected %s, got '%.*s'", what,
                  (int)(place.size < 60 ? place.size : 60), place.source->text + place.offset);
}

bool idl_expect_sign(struct idl_parser *parser, char sign, const char *after)
{
    if (idl_take_sign(parser, sign))
        return true;
    idl_expected(parser, idl_format(parser->memory, "'%c'%s", sign, after));
    return false;
}

bool idl_expect_name(struct idl_parser *parser, const char *what, struct idl_word *name)
{
    if (parser->at->kind != IDL_TOKEN_WORD) {
        idl_expected(parser, what);
        return false;
    }
    const struct idl_token *token = idl_take(parser);
    *name = (struct idl_word){token->text, token->place};
    return true;
}

bool idl_expect_integer(struct idl_parser *parser, const char *what, uint64_t *number)
{
    if (parser->at->kind != IDL_TOKEN_INTEGER) {
        idl_expected(parser, what);
        return false;
    }
    *number = idl_take(parser)->integer;
    return true;
}

void idl_skip(struct idl_parser *parser)
{
    while (parser->at->kind != IDL_TOKEN_END && !parser->at->begins_line &&
           !idl_at_sign(parser, '}'))
        idl_take(parser);
}

bool idl_parse_body(struct idl_parser *parser, struct idl_decl *decl,
                    bool (*item)(struct idl_parser *parser, struct idl_decl *decl))
{
    const struct idl_token *open = parser->at;
    if (!idl_expect_sign(parser, '{', ""))
        return false;
    while (!idl_at_sign(parser, '}') && parser->at->kind != IDL_TOKEN_END &&
           !idl_at_decl(parser)) {
        parser->item = parser->at;
        if (item(parser, decl))
            continue;
        if (parser->at == parser->item)
            idl_take(parser);
        idl_skip(parser);
    }
    if (!idl_take_sign(parser, '}')) {
        parser->item = parser->at->kind == IDL_TOKEN_END ? parser->item : parser->at;
        idl_expected(parser, idl_format(parser->memory, "'}' at the end of %s '%s'",
                                        idl_decl_kind_name(decl->kind), decl->name.text));
        idl_note(parser->reports, open->place, "it begins here");
    }
    return true;
}

const char *idl_parse_doc(struct idl_parser *parser, const char *before)
{
    const char *doc = parser->at->doc;
    if (before == NULL || doc == NULL)
        return before != NULL ? before : doc;
    return idl_format(parser->memory, "%s\n%s", before, doc);
}
