/*
 * Named types: a list sorted by name, and the texts that it points into. See type_names.h.
 */
#include "type_names.h"

#include "error.h"
#include "type_parse.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct duet_type_names {
    struct duet_type_name *names; /* sorted */
    size_t count;
    char **sources;
    size_t source_count;
    atomic_size_t references;
};

struct duet_type_names *duet_type_names_new(void)
{
    struct duet_type_names *names = calloc(1, sizeof *names);
    if (names != NULL)
        atomic_init(&names->references, 1);
    return names;
}

void duet_type_names_ref(struct duet_type_names *names)
{
    atomic_fetch_add_explicit(&names->references, 1, memory_order_relaxed);
}

void duet_type_names_unref(struct duet_type_names *names)
{
    if (names == NULL ||
        atomic_fetch_sub_explicit(&names->references, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < names->source_count; i++)
        free(names->sources[i]);
    free(names->sources);
    free(names->names);
    free(names);
}

/* ---- Finding */

static int compare(const struct duet_type_name *left, const struct duet_type_name *right)
{
    size_t size = left->name_size < right->name_size ? left->name_size : right->name_size;
    int order = memcmp(left->name, right->name, size);
    if (order != 0)
        return order;
    return (left->name_size > right->name_size) - (left->name_size < right->name_size);
}

static int compare_names(const void *a, const void *b)
{
    const struct duet_type_name *left = a, *right = b;
    int order = compare(left, right);
    return order != 0 ? order : (left->at > right->at) - (left->at < right->at);
}

long duet_type_names_find(const struct duet_type_names *names, const char *name, size_t size)
{
    const struct duet_type_name wanted = {.name = name, .name_size = size};
    size_t low = 0, high = names != NULL ? names->count : 0;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare(&wanted, &names->names[middle]);
        if (order == 0)
            return (long)middle;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return -1;
}

const struct duet_type_name *duet_type_names_at(const struct duet_type_names *names,
                                                size_t place)
{
    return &names->names[place];
}

size_t duet_type_names_count(const struct duet_type_names *names)
{
    return names != NULL ? names->count : 0;
}

/* ---- Adding. Into a copy, which takes the place of the old list if all is well. */

static const char spaces[] = " \t\r\n";

/* Where the type that begins at `at` ends: before the first space outside of brackets. */
static size_t end_of_type(const char *text, size_t at)
{
    size_t depth = 0;
    for (; text[at] != '\0'; at++) {
        if (strchr("[{(<", text[at]) != NULL)
            depth++;
        else if (strchr("]})>", text[at]) != NULL)
            depth -= depth > 0;
        else if (text[at] == '"')
            at += strcspn(text + at + 1, "\"") + (strchr(text + at + 1, '"') != NULL);
        else if (depth == 0 && strchr(spaces, text[at]) != NULL)
            break;
    }
    return at;
}

static int out_of_memory(char *words, size_t room)
{
    return duet_words_set(-ENOMEM, words, room, "out of memory");
}

/* Notes the names of "a=T b=U" and where their types begin. */
static int list_names(struct duet_type_parser *parser, struct duet_type_list *list)
{
    const char *text = parser->text;
    for (;;) {
        parser->at += strspn(text + parser->at, spaces);
        if (text[parser->at] == '\0')
            return 0;
        size_t size = duet_type_word(text + parser->at), start = parser->at;
        if (size == 0)
            return duet_type_complain(parser, parser->at,
                                      "expected a type's name, of letters, digits and _");
        parser->at += size;
        if (text[parser->at] != '=')
            return duet_type_complain(parser, parser->at, "expected '=' behind a type's name");
        parser->at++;
        struct duet_type_name *name = duet_type_list_add(list, 1);
        if (name == NULL)
            return -ENOMEM;
        *name = (struct duet_type_name){text + start, size, text, parser->at};
        parser->at = end_of_type(text, parser->at);
    }
}

/* Sorts them in among those that are there. */
static int sort_in(const struct duet_type_parser *parser, struct duet_type_list *list)
{
    struct duet_type_name *names = list->items;
    if (list->count > 0)
        qsort(names, list->count, sizeof *names, compare_names);
    for (size_t i = 1; i < list->count; i++) {
        if (compare(&names[i - 1], &names[i]) != 0)
            continue;
        const struct duet_type_name *twice =
            names[i].source == parser->text ? &names[i] : &names[i - 1];
        duet_type_complain(parser, (size_t)(twice->name - parser->text),
                           "a type of this name is there already");
        return -EEXIST;
    }
    return 0;
}

/* Reads each new type, up to where the next one begins. */
static int read_types(struct duet_type_parser *parser, const struct duet_type_names *names)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < names->count; i++) {
        uint32_t which;
        if (names->names[i].source != parser->text)
            continue;
        parser->at = names->names[i].at;
        parser->depth = 0;
        duet_type_number type;
        rc = duet_type_parse(parser, &type);
        char end = rc == 0 ? parser->text[parser->at] : '\0';
        if (end != '\0' && strchr(spaces, end) == NULL)
            rc = duet_type_complain(parser, parser->at, "expected a space behind the type");
        if (rc == 0)
            rc = duet_type_builder_use(parser->builder, i, &which);
    }
    return rc;
}

static int refuse_endless(struct duet_type_parser *parser, const struct duet_type_names *names)
{
    long endless = duet_type_builder_endless(parser->builder);
    if (endless == -1 || endless == -ENOMEM)
        return endless == -1 ? 0 : -ENOMEM;
    size_t place = ((size_t *)parser->builder->uses.items)[endless];
    const struct duet_type_name *name = &names->names[place];
    return duet_type_complain(parser, (size_t)(name->name - name->source),
                              "each value of this type has another one in it, without end; "
                              "one of the types on the way round must be T?, an optional "
                              "member, or in an array or a map");
}

/* Whether the new ones among `names`, which come from the parser's text, are good. */
static int check_names(struct duet_type_parser *parser, const struct duet_type_names *names)
{
    struct duet_type_builder builder;
    int rc = duet_type_builder_init(&builder, names->count);
    const struct duet_type_parser start = *parser;
    parser->builder = &builder;
    parser->names = names;
    if (rc == 0)
        rc = read_types(parser, names);
    if (rc == 0)
        rc = duet_type_parse_named(parser);
    parser->text = start.text;
    if (rc == 0)
        rc = refuse_endless(parser, names);
    duet_type_builder_done(&builder);
    return rc;
}

/* The list of old and new ones, if all of them are good. */
static int make_list(struct duet_type_parser *parser, const struct duet_type_names *old,
                     struct duet_type_list *list)
{
    struct duet_type_name *copy = duet_type_list_add(list, old->count);
    if (copy == NULL)
        return -ENOMEM;
    if (old->count > 0)
        memcpy(copy, old->names, old->count * sizeof *copy);
    int rc = list_names(parser, list);
    if (rc == 0)
        rc = sort_in(parser, list);
    if (rc < 0)
        return rc;
    const struct duet_type_names all = {.names = list->items, .count = list->count};
    return check_names(parser, &all);
}

static int add_source(struct duet_type_names *names, char *source)
{
    char **sources =
        realloc(names->sources, (names->source_count + 1) * sizeof *names->sources);
    if (sources == NULL)
        return -ENOMEM;
    names->sources = sources;
    names->sources[names->source_count++] = source;
    return 0;
}

int duet_type_names_add(struct duet_type_names *names, const char *text, char *words,
                        size_t room)
{
    if (strnlen(text, DUET_TYPE_TEXT_MAX + 1) > DUET_TYPE_TEXT_MAX)
        return duet_words_set(-EINVAL, words, room, "types of more than %d bytes",
                              DUET_TYPE_TEXT_MAX);
    char *source = strdup(text);
    if (source == NULL)
        return out_of_memory(words, room);

    struct duet_type_list list = {.item_size = sizeof(struct duet_type_name)};
    struct duet_type_parser parser = {
        .what = "types", .text = source, .words = words, .room = room};
    int rc = make_list(&parser, names, &list);
    if (rc == 0)
        rc = add_source(names, source);
    if (rc < 0) {
        free(list.items);
        free(source);
        return rc == -ENOMEM ? out_of_memory(words, room) : rc;
    }
    free(names->names);
    names->names = list.items;
    names->count = list.count;
    return 0;
}
