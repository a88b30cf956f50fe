/*
 * See read.h. What stands at the top of a file: includes, namespaces, declarations.
 */
#include "read.h"

#include "parser.h"

#include <errno.h>
#include <string.h>

enum { DEEPEST_INCLUDE = 64 }; /* files that are made of files are not written by people */

struct reader {
    struct idl_interface *interface;
    struct idl_memory *memory;
    struct idl_reports *reports;
    idl_opener *open;
    int depth;
};

static struct idl_file *read_file(struct reader *reader, const char *path,
                                  const struct idl_place *from);

/* ---- Includes */

/* A path without quotes goes to the next space. */
static const char *bare_path(struct idl_parser *parser, struct idl_place *place)
{
    const struct idl_source *source = parser->file->source;
    size_t begin = parser->at->place.offset, end = begin;
    while (end < source->size && strchr(" \t\r\n;#", source->text[end]) == NULL)
        end++;
    while (parser->at->kind != IDL_TOKEN_END && parser->at->place.offset < end)
        idl_take(parser);
    *place = (struct idl_place){source, begin, end - begin};
    return idl_copy_text(parser->memory, source->text + begin, end - begin);
}

/* Relative to the folder of the file that it stands in. */
static const char *beside(struct idl_memory *memory, const char *file, const char *path)
{
    const char *slash = strrchr(file, '/');
    if (path[0] == '/' || slash == NULL)
        return path;
    return idl_format(memory, "%.*s/%s", (int)(slash - file), file, path);
}

/* "include" ( STRING | path ) */
static bool parse_include(struct reader *reader, struct idl_parser *parser)
{
    idl_take(parser);
    struct idl_include *include = idl_alloc(parser->memory, sizeof *include);
    if (parser->at->begins_line) {
        idl_expected(parser, "the path of an interface");
        return false;
    }
    if (parser->at->kind == IDL_TOKEN_STRING) {
        include->place = parser->at->place;
        include->path = idl_take(parser)->text;
    } else {
        include->path = bare_path(parser, &include->place);
    }
    const char *path = beside(parser->memory, parser->file->source->path, include->path);
    include->file = read_file(reader, path, &include->place);
    if (include->file == NULL)
        return true; /* it was told, and the rest is to be read */

    struct idl_include **end = &parser->file->includes;
    while (*end != NULL)
        end = &(*end)->next;
    *end = include;
    return true;
}

/* "%include" STRING */
static bool parse_c_include(struct idl_parser *parser)
{
    idl_take(parser);
    if (parser->at->kind != IDL_TOKEN_STRING) {
        idl_expected(parser, "the name of a header in quotes");
        return false;
    }
    struct idl_text *include = idl_alloc(parser->memory, sizeof *include);
    include->text = idl_take(parser)->text;

    struct idl_text **end = &parser->file->c_includes;
    while (*end != NULL)
        end = &(*end)->next;
    *end = include;
    return true;
}

/* "namespace" [ language ] name { ( "." | "::" ) name } */
static bool parse_namespace(struct idl_parser *parser)
{
    idl_take(parser);
    struct idl_word name;
    struct idl_text *namespace = idl_alloc(parser->memory, sizeof *namespace);
    if (parser->at->kind == IDL_TOKEN_WORD && parser->at[1].kind == IDL_TOKEN_WORD &&
        !parser->at[1].begins_line)
    namespace->language = idl_take(parser)->text;
    if (!idl_expect_name(parser, "the name of a namespace", &name))
        return false;
    namespace->text = name.text;
    while (parser->at->kind == IDL_TOKEN_SCOPE || idl_at_sign(parser, '.')) {
        idl_take(parser);
        if (!idl_expect_name(parser, "the name of a namespace", &name))
            return false;
        namespace->text = idl_format(parser->memory, "%s.%s", namespace->text, name.text);
    }
    namespace->next = parser->file->namespaces;
    parser->file->namespaces = namespace;
    return true;
}

/* ---- Declarations */

/* name "=" type */
static bool parse_alias(struct idl_parser *parser, struct idl_decl *decl)
{
    if (!idl_expect_sign(parser, '=', " and a type"))
        return false;
    decl->type = idl_parse_type(parser);
    return decl->type != NULL;
}

static bool parse_constant(struct idl_parser *parser, struct idl_decl *decl)
{
    if (!idl_expect_sign(parser, '=', " and the value of the constant"))
        return false;
    decl->literal = idl_parse_literal(parser);
    return decl->literal != NULL;
}

static const struct kind {
    const char *word;
    enum idl_decl_kind kind;
    bool (*parse)(struct idl_parser *parser, struct idl_decl *decl);
} kinds[] = {
    {"message", IDL_DECL_MESSAGE, idl_parse_message},
    {"exception", IDL_DECL_EXCEPTION, idl_parse_message},
    {"enum", IDL_DECL_ENUM, idl_parse_enum},
    {"type", IDL_DECL_ALIAS, parse_alias},
    {"const", IDL_DECL_CONSTANT, parse_constant},
    {"service", IDL_DECL_SERVICE, idl_parse_service},
    {"application", IDL_DECL_APPLICATION, idl_parse_application},
};

static const struct kind *find_kind(struct idl_parser *parser)
{
    if (parser->at->kind != IDL_TOKEN_WORD) {
        idl_expected(parser, "a declaration: message, exception, enum, type, const, service, "
                             "application");
        return NULL;
    }
    struct idl_guess guess = idl_guess_for(parser->at->text);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (idl_at_word(parser, kinds[i].word))
            return &kinds[i];
        idl_guess_try(&guess, kinds[i].word);
    }
    idl_guess_try(&guess, "include");
    idl_guess_try(&guess, "namespace");
    idl_error(parser->reports, parser->at->place, "'%s' begins no declaration%s",
              parser->at->text, idl_guess_words(&guess, parser->memory));
    return NULL;
}

static bool parse_decl(struct idl_parser *parser)
{
    struct idl_decl *decl = idl_alloc(parser->memory, sizeof *decl);
    decl->decorators = idl_parse_decorators(parser, &decl->doc);
    decl->file = parser->file;
    const struct kind *kind = find_kind(parser);
    if (kind == NULL)
        return false;
    decl->kind = kind->kind;
    idl_take(parser);
    if (kind->kind == IDL_DECL_CONSTANT && (decl->type = idl_parse_type(parser)) == NULL)
        return false;
    if (!idl_expect_name(parser, idl_format(parser->memory, "the name of the %s", kind->word),
                         &decl->name))
        return false;

    struct idl_decl **end = &parser->file->decls;
    while (*end != NULL)
        end = &(*end)->next;
    *end = decl;
    bool is_whole = kind->parse(parser, decl);
    idl_take_separator(parser);
    return is_whole;
}

/* ---- Files */

/* What stands in braces belongs to what could not be read before it. */
static void skip_braces(struct idl_parser *parser)
{
    int depth = 0;
    for (; parser->at->kind != IDL_TOKEN_END; idl_take(parser)) {
        if (depth == 0 && parser->at->begins_line && !idl_at_sign(parser, '{'))
            return;
        depth += idl_at_sign(parser, '{') - idl_at_sign(parser, '}');
        if (depth < 0)
            depth = 0;
    }
}

static void parse_source(struct reader *reader, struct idl_file *file,
                         const struct idl_source *source)
{
    struct idl_tokens tokens = idl_lex(reader->memory, reader->reports, source);
    struct idl_parser parser = {reader->memory, reader->reports, file, tokens.items, NULL};
    while (parser.at->kind != IDL_TOKEN_END) {
        parser.item = parser.at;
        const struct idl_token *before = parser.at;
        bool is_good = idl_at_word(&parser, "include")          ? parse_include(reader, &parser)
                       : parser.at->kind == IDL_TOKEN_C_INCLUDE ? parse_c_include(&parser)
                       : idl_at_word(&parser, "namespace")      ? parse_namespace(&parser)
                                                                : parse_decl(&parser);
        if (is_good)
            continue;
        if (parser.at == before)
            idl_take(&parser);
        skip_braces(&parser);
    }
}

/* Jubatus' interfaces use a message that stands in none of them. */
static bool has_datum(const struct idl_file *file)
{
    bool has = file->uses_datum;
    for (const struct idl_include *include = file->includes; include; include = include->next)
        has = has || has_datum(include->file);
    return has;
}

static void add_datum(struct reader *reader, struct idl_file *file)
{
    static const char text[] = "#- What jubatus learns from: features by their names.\n"
                               "message datum {\n"
                               "  0: list<tuple<string, string>> string_values\n"
                               "  1: list<tuple<string, double>> num_values\n"
                               "  2: list<tuple<string, raw>> binary_values\n"
                               "}\n";
    for (const struct idl_include *include = file->includes; include; include = include->next)
        if (has_datum(include->file))
            return;
    struct idl_decl *others = file->decls;
    file->decls = NULL;
    parse_source(reader, file, idl_source_of(reader->memory, "(datum)", text, sizeof text - 1));
    file->decls->next = others;
}

static void parse_file(struct reader *reader, struct idl_file *file)
{
    parse_source(reader, file, file->source);
    if (reader->interface->is_jubatus && file->uses_datum)
        add_datum(reader, file);
}

/* The same file may have several paths. */
static struct idl_file *find_file(const struct reader *reader, const struct idl_source *source)
{
    struct idl_file *file = reader->interface->files;
    while (file != NULL && strcmp(file->source->path, source->path) != 0 &&
           (source->number == 0 || file->source->number != source->number ||
            file->source->device != source->device))
        file = file->next;
    return file;
}

/* The file at `path`, new or known. */
static struct idl_file *open_file(struct reader *reader, const char *path)
{
    struct idl_source *source = reader->open(reader->memory, path, path);
    if (source == NULL)
        return NULL;
    struct idl_file *file = find_file(reader, source);
    if (file != NULL)
        return file;
    file = idl_alloc(reader->memory, sizeof *file);
    file->source = source;
    struct idl_file **end = &reader->interface->files;
    while (*end != NULL)
        end = &(*end)->next;
    *end = file;
    return file;
}

/* Behind the include at `from`, which is NULL for the file that was asked for. */
static struct idl_file *read_file(struct reader *reader, const char *path,
                                  const struct idl_place *from)
{
    struct idl_file *file = open_file(reader, path);
    const char *words = file == NULL                          ? strerror(errno)
                        : file->progress == IDL_BEING_CHECKED ? "includes itself"
                        : reader->depth == DEEPEST_INCLUDE
                            ? "is included through too many files"
                            : NULL;
    if (words != NULL) {
        if (from != NULL)
            idl_error(reader->reports, *from, "'%s': %s", path, words);
        return NULL;
    }
    if (file->progress == IDL_NOT_CHECKED) {
        file->progress = IDL_BEING_CHECKED;
        reader->depth++;
        parse_file(reader, file);
        reader->depth--;
        file->progress = IDL_CHECKED;
    }
    return file;
}

bool idl_read(struct idl_interface *interface, struct idl_memory *memory,
              struct idl_reports *reports, const char *path, idl_opener *open)
{
    struct reader reader = {interface, memory, reports, open, 0};
    return read_file(&reader, path, NULL) != NULL;
}
