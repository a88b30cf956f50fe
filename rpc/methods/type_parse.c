/*
 * A reader by descent: one function for each kind of type, as deep as brackets stand in the
 * text, which MAX_DEPTH bounds. Set-up, any thread.
 */
#include "type_parse.h"

#include "escape.h"
#include "utf8.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum {
    MAX_DEPTH = 32, /* brackets in brackets; what is deeper has a name somewhere */
};

#define NAME_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"

static const char spaces[] = " \t\r\n";

size_t duet_type_word(const char *text)
{
    return strspn(text, NAME_CHARACTERS);
}

/* ---- Words */

/* What stands at a place: 'x', or the whole of '%name', or "the end". */
static void show_token(const char *text, char *shown, size_t room)
{
    enum { MOST = 40 };
    size_t size = text[0] != '\0';
    if (text[0] == '%')
        size += duet_type_word(text + 1);
    while (duet_utf8_continues((uint8_t)text[size]))
        size++;
    char escaped[DUET_ESCAPED_MAX * MOST + 1];
    duet_escape(escaped, sizeof escaped, text, size < MOST ? size : MOST);
    snprintf(shown, room, text[0] != '\0' ? "'%s'" : "the end", escaped);
}

int duet_type_complain(const struct duet_type_parser *parser, size_t at, const char *what)
{
    enum { SHOWN = 100 };
    size_t size = strnlen(parser->text, DUET_TYPE_TEXT_MAX);
    char text[DUET_ESCAPED_MAX * SHOWN + 1], token[200];
    duet_escape(text, sizeof text, parser->text, size < SHOWN ? size : SHOWN);
    show_token(parser->text + at, token, sizeof token);
    snprintf(parser->words, parser->room, "%s \"%s%s\": at %zu %s: %s", parser->what, text,
             size > SHOWN ? "…" : "", at + 1, token, what);
    return -EINVAL;
}

static int complain_here(const struct duet_type_parser *parser, const char *what)
{
    return duet_type_complain(parser, parser->at, what);
}

/* ---- Pieces */

static char here(const struct duet_type_parser *parser)
{
    return parser->text[parser->at];
}

/* Within brackets spaces and line ends mean nothing. */
static void skip_spaces(struct duet_type_parser *parser)
{
    if (parser->depth > 0)
        parser->at += strspn(parser->text + parser->at, spaces);
}

static bool skip(struct duet_type_parser *parser, char wanted)
{
    skip_spaces(parser);
    if (here(parser) != wanted)
        return false;
    parser->at++;
    return true;
}

static int open_bracket(struct duet_type_parser *parser)
{
    if (parser->depth == MAX_DEPTH)
        return complain_here(parser, "more than 32 brackets in each other: give a type in "
                                     "there a name (duet_server_add_types)");
    parser->depth++;
    parser->at++;
    return 0;
}

static int close_bracket(struct duet_type_parser *parser, char bracket, const char *what)
{
    if (!skip(parser, bracket))
        return complain_here(parser, what);
    parser->depth--;
    return 0;
}

static int add_form(struct duet_type_parser *parser, const struct duet_form *form,
                    duet_type_number *type)
{
    struct duet_form *added = duet_type_list_add(&parser->builder->forms, 1);
    if (added == NULL)
        return -ENOMEM;
    *added = *form;
    *type = DUET_LEAF_NUMBERS + (duet_type_number)(parser->builder->forms.count - 1);
    return 0;
}

/* Notes a part of the form that is being read. */
static int add_pending(struct duet_type_parser *parser, struct duet_type_pending pending)
{
    struct duet_type_pending *added = duet_type_list_add(&parser->builder->pending, 1);
    if (added == NULL)
        return -ENOMEM;
    *added = pending;
    return 0;
}

static int read_part(struct duet_type_parser *parser, struct duet_type_pending pending)
{
    int rc = duet_type_parse(parser, &pending.part.type);
    return rc == 0 ? add_pending(parser, pending) : rc;
}

/* The parts read since `start` become a form. */
static int close_form(struct duet_type_parser *parser, enum duet_form_kind kind, size_t start,
                      duet_type_number *type)
{
    struct duet_form form = {.kind = (uint8_t)kind};
    const char *twice = NULL;
    bool has_names = kind == DUET_FORM_MEMBERS || kind == DUET_FORM_RECORD;
    int rc = duet_type_builder_close(parser->builder, start, has_names, &form, &twice);
    if (rc == -EEXIST)
        return duet_type_complain(parser, (size_t)(twice - parser->text),
                                  "a member of this name is there already");
    return rc == 0 ? add_form(parser, &form, type) : rc;
}

/* ---- Types */

/* [T] */
static int read_items(struct duet_type_parser *parser, duet_type_number *type)
{
    size_t start = parser->builder->pending.count;
    int rc = open_bracket(parser);
    if (rc == 0)
        rc = read_part(parser, (struct duet_type_pending){0});
    if (rc == 0)
        rc = close_bracket(parser, ']', "expected ']'");
    return rc == 0 ? close_form(parser, DUET_FORM_ITEMS, start, type) : rc;
}

/* <T,U> */
static int read_tuple(struct duet_type_parser *parser, duet_type_number *type)
{
    size_t start = parser->builder->pending.count;
    int rc = open_bracket(parser);
    if (rc == 0)
        rc = read_part(parser, (struct duet_type_pending){0});
    while (rc == 0 && skip(parser, ','))
        rc = read_part(parser, (struct duet_type_pending){0});
    if (rc == 0)
        rc = close_bracket(parser, '>', "expected ',' or '>'");
    return rc == 0 ? close_form(parser, DUET_FORM_TUPLE, start, type) : rc;
}

/* What words can show and XML can carry. */
static int check_characters(const struct duet_type_parser *parser, const char *p,
                            const char *end)
{
    while (p < end) {
        char shown[4 * DUET_ESCAPED_MAX + 1];
        size_t size = duet_utf8_size((const uint8_t *)p, (const uint8_t *)end);
        if (size == 0 || duet_escape(shown, sizeof shown, p, size) != size)
            return duet_type_complain(parser, (size_t)(p - parser->text),
                                      "a control character, or no UTF-8");
        p += size;
    }
    return 0;
}

/* name or "any name" */
static int read_name(struct duet_type_parser *parser, struct duet_type_pending *member)
{
    skip_spaces(parser);
    const char *name = parser->text + parser->at;
    if (*name == '*')
        return complain_here(parser, "members that are not declared are taken anyway; expected "
                                     "a member's name");
    if (*name != '"') {
        member->name = name;
        member->name_size = (uint32_t)duet_type_word(name);
        parser->at += member->name_size;
        return member->name_size > 0
                   ? 0
                   : complain_here(parser, "expected a member's name, of letters, digits and "
                                           "_, or any other in quotes");
    }
    const char *end = strchr(name + 1, '"');
    if (end == NULL)
        return complain_here(parser, "this quote is not closed");
    member->name = name + 1;
    member->name_size = (uint32_t)(end - name - 1);
    parser->at += member->name_size + 2;
    return check_characters(parser, member->name, end);
}

/* name:T or name?:T */
static int read_member(struct duet_type_parser *parser)
{
    struct duet_type_pending member = {0};
    int rc = read_name(parser, &member);
    if (rc < 0)
        return rc;
    member.is_optional = skip(parser, '?');
    if (!skip(parser, ':'))
        return complain_here(parser,
                             member.is_optional ? "expected ':'" : "expected ':' or '?:'");
    return read_part(parser, member);
}

/* {a:T,b?:U} or (a:T,b?:U), behind the bracket. */
static int read_members(struct duet_type_parser *parser, enum duet_form_kind kind, char bracket,
                        const char *expected, duet_type_number *type)
{
    size_t start = parser->builder->pending.count;
    int rc = read_member(parser);
    while (rc == 0 && skip(parser, ','))
        rc = read_member(parser);
    if (rc == 0)
        rc = close_bracket(parser, bracket, expected);
    return rc == 0 ? close_form(parser, kind, start, type) : rc;
}

static int read_record(struct duet_type_parser *parser, duet_type_number *type)
{
    int rc = open_bracket(parser);
    return rc == 0 ? read_members(parser, DUET_FORM_RECORD, ')', "expected ',' or ')'", type)
                   : rc;
}

/* {*:T} or {i:T}, behind the bracket: true when one of them begins there. */
static bool skip_keys(struct duet_type_parser *parser, char key)
{
    size_t at = parser->at;
    if (skip(parser, key) && skip(parser, ':'))
        return true;
    parser->at = at;
    return false;
}

static int read_keyed(struct duet_type_parser *parser, enum duet_form_kind kind,
                      duet_type_number *type)
{
    size_t start = parser->builder->pending.count;
    int rc = read_part(parser, (struct duet_type_pending){0});
    if (rc == 0)
        rc = close_bracket(parser, '}',
                           kind == DUET_FORM_INT_KEYS
                               ? "expected '}': {i:T} is a map whose keys are ints; a first "
                                 "member i is written \"i\""
                               : "expected '}'");
    return rc == 0 ? close_form(parser, kind, start, type) : rc;
}

static int read_map(struct duet_type_parser *parser, duet_type_number *type)
{
    int rc = open_bracket(parser);
    if (rc < 0)
        return rc;
    if (skip_keys(parser, '*'))
        return read_keyed(parser, DUET_FORM_ANY_KEYS, type);
    if (skip_keys(parser, 'i'))
        return read_keyed(parser, DUET_FORM_INT_KEYS, type);
    return read_members(parser, DUET_FORM_MEMBERS, '}', "expected ',' or '}'", type);
}

/* %name */
static int read_named(struct duet_type_parser *parser, duet_type_number *type)
{
    const char *name = parser->text + parser->at + 1;
    size_t size = duet_type_word(name);
    if (size == 0)
        return complain_here(parser, "expected a type's name behind it");
    long place = duet_type_names_find(parser->names, name, size);
    if (place < 0)
        return complain_here(parser, "no such type; duet_server_add_types() must have named it "
                                     "before it is used");
    struct duet_form form = {.kind = DUET_FORM_NAMED};
    int rc = duet_type_builder_use(parser->builder, (size_t)place, &form.first);
    if (rc == 0)
        rc = add_form(parser, &form, type);
    parser->at += 1 + size;
    return rc;
}

static int read_letter(struct duet_type_parser *parser, duet_type_number *type)
{
    int letter = duet_leaf_find(here(parser));
    if (letter < 0)
        return complain_here(parser, "no such type (n b i u d s r t a m v, [T], {name:T}, "
                                     "(name:T), <T,U>, %name)");
    if (letter == DUET_LEAF_DOUBLE)
        letter = DUET_LEAF_DOUBLE_OR_INT;
    if (letter == DUET_LEAF_MAP)
        letter = DUET_LEAF_MAP_OR_NO_ITEMS;
    *type = 2 * (duet_type_number)letter;
    parser->at++;
    return 0;
}

static int read_type(struct duet_type_parser *parser, duet_type_number *type)
{
    skip_spaces(parser);
    switch (here(parser)) {
    case '[':
        return read_items(parser, type);
    case '{':
        return read_map(parser, type);
    case '(':
        return read_record(parser, type);
    case '<':
        return read_tuple(parser, type);
    case '%':
        return read_named(parser, type);
    default:
        return read_letter(parser, type);
    }
}

int duet_type_parse(struct duet_type_parser *parser, duet_type_number *type)
{
    int rc = read_type(parser, type);
    if (rc < 0 || !skip(parser, '?'))
        return rc;
    struct duet_form *forms = parser->builder->forms.items;
    if (*type < DUET_LEAF_NUMBERS)
        *type |= 1;
    else
        forms[*type - DUET_LEAF_NUMBERS].or_nil = true;
    return 0;
}

/* ---- Types by name */

int duet_type_parse_named(struct duet_type_parser *parser)
{
    struct duet_type_builder *builder = parser->builder;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < builder->named.count; i++) {
        size_t place = ((size_t *)builder->uses.items)[i];
        const struct duet_type_name *name = duet_type_names_at(parser->names, place);
        parser->text = name->source;
        parser->at = name->at;
        parser->depth = 0;
        struct duet_named_type named = {0};
        rc = duet_type_parse(parser, &named.type);
        if (rc == 0)
            rc = duet_type_builder_text(builder, name->name, name->name_size, &named.name);
        if (rc == 0)
            ((struct duet_named_type *)builder->named.items)[i] = named;
    }
    return rc;
}
