/*
 * Signatures become compiled types, and members are found in them. See type.h.
 */
#include "type.h"

#include "error.h"
#include "escape.h"
#include "type_parse.h"

#include <errno.h>
#include <string.h>

enum { MAX_ALTERNATIVES = 64 }; /* each call is held against them one after the other */

static const char spaces[] = " \t\r\n";

/* ---- Alternatives */

static char here(const struct duet_type_parser *parser)
{
    return parser->text[parser->at];
}

static int complain(const struct duet_type_parser *parser, const char *what)
{
    return duet_type_complain(parser, parser->at, what);
}

static bool at_end(const struct duet_type_parser *parser)
{
    return here(parser) == '\0' || strchr(spaces, here(parser)) != NULL;
}

/* Passes over the "*" of "a:*": nothing that this signature says of arguments is held against
 * them. */
static int read_any_arguments(struct duet_type_parser *parser,
                              struct duet_alternative *alternative)
{
    parser->at++;
    alternative->takes_anything = parser->builder->takes_anything = true;
    return at_end(parser) ? 0 : complain(parser, "nothing may follow '*'");
}

static int read_arguments(struct duet_type_parser *parser, struct duet_alternative *alternative)
{
    struct duet_type_list *pending = &parser->builder->pending;
    struct duet_form form = {0};
    size_t start = pending->count;
    int rc = here(parser) == '*' ? read_any_arguments(parser, alternative) : 0;
    while (rc == 0 && !at_end(parser)) {
        struct duet_type_pending argument = {0};
        rc = duet_type_parse(parser, &argument.part.type);
        struct duet_type_pending *added = rc == 0 ? duet_type_list_add(pending, 1) : NULL;
        if (added != NULL)
            *added = argument;
        else if (rc == 0)
            rc = -ENOMEM;
        if (rc == 0 && here(parser) == ',') {
            parser->at++;
            rc = at_end(parser) ? complain(parser, "expected an argument's type") : 0;
        }
    }
    if (rc == 0)
        rc = duet_type_builder_close(parser->builder, start, false, &form, NULL);
    alternative->first = form.first;
    alternative->count = form.count;
    return rc;
}

/* Reads "i:is". */
static int read_alternative(struct duet_type_parser *parser)
{
    struct duet_alternative alternative = {0};
    if (parser->builder->alternatives.count == MAX_ALTERNATIVES)
        return complain(parser, "more than 64 alternatives");
    if (here(parser) == ':')
        return complain(parser, "expected the result's type before it");
    int rc = duet_type_parse(parser, &alternative.result);
    if (rc < 0)
        return rc;
    if (here(parser) != ':')
        return complain(parser, "expected ':' behind the result's type");
    parser->at++;
    rc = read_arguments(parser, &alternative);
    if (rc < 0)
        return rc;
    struct duet_alternative *added = duet_type_list_add(&parser->builder->alternatives, 1);
    if (added == NULL)
        return -ENOMEM;
    *added = alternative;
    return 0;
}

static int read_alternatives(struct duet_type_parser *parser)
{
    int rc = 0;
    while (rc == 0) {
        parser->at += strspn(parser->text + parser->at, spaces);
        if (here(parser) == '\0')
            return 0;
        rc = read_alternative(parser);
    }
    return rc;
}

/* ---- Names of arguments */

static uint32_t most_arguments(const struct duet_type_builder *builder)
{
    const struct duet_alternative *alternatives = builder->alternatives.items;
    uint32_t most = 0;
    for (size_t i = 0; i < builder->alternatives.count; i++)
        if (alternatives[i].count > most)
            most = alternatives[i].count;
    return most;
}

static int refuse_arguments(const char *arguments, const char *why, char *words, size_t room)
{
    enum { SHOWN = 100 };
    char shown[DUET_ESCAPED_MAX * SHOWN + 1];
    duet_escape(shown, sizeof shown, arguments, strnlen(arguments, SHOWN));
    return duet_words_set(-EINVAL, words, room, "params \"%s\": %s", shown, why);
}

/* Reads "x y": a name for each argument that there may be. */
static int read_names(struct duet_type_builder *builder, const char *arguments, char *words,
                      size_t room)
{
    for (const char *p = arguments; *(p += strspn(p, spaces)) != '\0';) {
        size_t size = strcspn(p, spaces);
        uint32_t *at = duet_type_list_add(&builder->arguments, 1);
        char shown[2];
        if (at == NULL || duet_type_builder_text(builder, p, size, at) < 0)
            return -ENOMEM;
        for (size_t i = 0; i < size; i++) /* beyond ASCII is for the words to escape */
            if ((unsigned char)p[i] < 0x80 && duet_escape(shown, sizeof shown, p + i, 1) != 1)
                return refuse_arguments(arguments, "a control character in a name", words,
                                        room);
        p += size;
    }
    if (builder->takes_anything || builder->arguments.count == most_arguments(builder))
        return 0;
    char why[100];
    duet_words_set(0, why, sizeof why, "it has %zu names, the signature up to %u arguments",
                   builder->arguments.count, most_arguments(builder));
    return refuse_arguments(arguments, why, words, room);
}

/* ---- Compiling */

static int read_all(struct duet_type_builder *builder, struct duet_type_parser *parser,
                    const char *arguments)
{
    uint32_t first;
    int rc = duet_type_builder_text(builder, parser->text, strlen(parser->text), &first);
    if (rc == 0)
        rc = read_alternatives(parser);
    if (rc == 0)
        rc = duet_type_parse_named(parser);
    if (rc < 0)
        return rc;
    builder->takes_anything |= builder->alternatives.count == 0;
    duet_type_builder_settle(builder);
    return arguments != NULL ? read_names(builder, arguments, parser->words, parser->room) : 0;
}

static bool is_blank(const char *text)
{
    return text == NULL || text[strspn(text, spaces)] == '\0';
}

int duet_types_compile(struct duet_types **made, const char *signature, const char *arguments,
                       const struct duet_type_names *names, char *words, size_t room)
{
    *made = NULL;
    if (is_blank(signature) && is_blank(arguments))
        return 0;
    signature = signature != NULL ? signature : "";
    if (strnlen(signature, DUET_TYPE_TEXT_MAX + 1) > DUET_TYPE_TEXT_MAX)
        return duet_words_set(-EINVAL, words, room, "a signature of more than %d bytes",
                              DUET_TYPE_TEXT_MAX);

    struct duet_type_builder builder;
    struct duet_type_parser parser = {.builder = &builder,
                                      .names = names,
                                      .what = "signature",
                                      .text = signature,
                                      .words = words,
                                      .room = room};
    int rc = duet_type_builder_init(&builder, duet_type_names_count(names));
    if (rc == 0)
        rc = read_all(&builder, &parser, is_blank(arguments) ? NULL : arguments);
    if (rc == 0)
        *made = duet_type_builder_pack(&builder);
    duet_type_builder_done(&builder);
    if (rc == 0 && *made == NULL)
        rc = -ENOMEM;
    return rc == -ENOMEM ? duet_words_set(rc, words, room, "out of memory") : rc;
}

/* ---- Members */

static int compare_name(const struct duet_types *types, const struct duet_part *part,
                        const char *name, size_t size)
{
    if (part->name_size != size)
        return size < part->name_size ? -1 : 1;
    return size > 0 ? memcmp(name, duet_part_name(types, part), size) : 0;
}

int64_t duet_form_find(const struct duet_types *types, const struct duet_form *form,
                       const char *name, size_t size, uint32_t likely)
{
    const struct duet_part *parts = types->parts + form->first;
    if (likely < form->count && compare_name(types, &parts[likely], name, size) == 0)
        return likely;
    uint32_t low = 0, high = form->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2, i = parts[middle].sorted;
        int order = compare_name(types, &parts[i], name, size);
        if (order == 0)
            return i;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return -1;
}
