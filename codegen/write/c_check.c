/*
 * Names that are different in an interface and would be the same in C.
 */
#include "c_check.h"

#include "c_names.h"

#include <string.h>

/* ---- Types */

static const char *what_is(struct idl_memory *memory, const struct idl_decl *decl)
{
    return idl_format(memory, "%s '%s'", idl_decl_kind_name(decl->kind), decl->name.text);
}

static void check_types(const struct gen_types *types, struct idl_reports *reports)
{
    for (const struct gen_type *one = types->first; one; one = one->next)
        for (const struct gen_type *other = types->first; other != one; other = other->next) {
            if (strcmp(one->name, other->name) != 0)
                continue;
            const struct gen_type *named = one->type->decl != NULL ? one : other;
            const struct gen_type *made = named == one ? other : one;
            struct idl_place place =
                named->type->decl != NULL ? named->type->decl->name.place : named->type->place;
            idl_error(reports, place, "%s and %s would both be %s in C",
                      named->type->decl != NULL ? what_is(types->memory, named->type->decl)
                                                : idl_type_words(types->memory, named->type),
                      idl_type_words(types->memory, made->type), one->name);
        }
}

static bool is_type_name(const struct gen_types *types, const char *name,
                         const struct idl_type *but)
{
    for (const struct gen_type *one = types->first; one; one = one->next)
        if (strcmp(one->name, name) == 0 &&
            (but == NULL || !idl_types_are_equal(one->type, but)))
            return true;
    return false;
}

/* What is made for a service, and aliases, have names of types too. */
static void check_decl(const struct gen_types *types, const struct idl_decl *decl,
                       struct idl_reports *reports)
{
    const char *name = NULL;
    if (decl->kind == IDL_DECL_SERVICE)
        name = idl_format(types->memory, "%s_methods", gen_service(types->memory, decl));
    else if (decl->kind == IDL_DECL_ALIAS)
        name = idl_format(types->memory, "%s_%s", gen_prefix(types->memory, decl->file),
                          decl->name.text);
    if (name != NULL && is_type_name(types, name, decl->type))
        idl_error(reports, decl->name.place, "%s would be %s in C, and so would another type",
                  what_is(types->memory, decl), name);
}

/* ---- Members and arguments */

typedef const char *namer(struct idl_memory *memory, const char *word);

static void check_pair(const struct gen_types *types, const struct idl_word *a,
                       const struct idl_word *b, namer *name, struct idl_reports *reports)
{
    const char *in_c = name(types->memory, b->text);
    if (strcmp(name(types->memory, a->text), in_c) == 0)
        idl_error(reports, b->place, "'%s' and '%s' would both be %s in C", a->text, b->text,
                  in_c);
}

static void check_fields(const struct gen_types *types, const struct idl_field *fields,
                         namer *name, struct idl_reports *reports)
{
    for (const struct idl_field *field = fields; field; field = field->next)
        for (const struct idl_field *other = fields; other != field; other = other->next)
            check_pair(types, &other->name, &field->name, name, reports);
}

static void check_methods(const struct gen_types *types, const struct idl_method *methods,
                          struct idl_reports *reports)
{
    for (const struct idl_method *method = methods; method; method = method->next) {
        check_fields(types, method->arguments, gen_argument, reports);
        for (const struct idl_method *other = methods; other != method; other = other->next)
            check_pair(types, &other->name, &method->name, gen_member, reports);
    }
}

/* ---- Files */

static void check_stem(struct idl_memory *memory, const struct idl_interface *interface,
                       const struct idl_include *include, struct idl_reports *reports)
{
    const char *stem = gen_file_stem(memory, include->file);
    for (const struct idl_file *other = interface->files; other; other = other->next)
        if (other != include->file && strcmp(gen_file_stem(memory, other), stem) == 0)
            idl_error(reports, include->place, "%s and %s would both be %s.h in C",
                      include->file->source->path, other->source->path, stem);
}

static void check_stems(struct idl_memory *memory, const struct idl_interface *interface,
                        struct idl_reports *reports)
{
    for (const struct idl_file *file = interface->files; file; file = file->next)
        for (const struct idl_include *one = file->includes; one; one = one->next)
            check_stem(memory, interface, one, reports);
}

void gen_check_names(const struct gen_types *types, const struct idl_interface *interface,
                     struct idl_reports *reports)
{
    check_stems(types->memory, interface, reports);
    check_types(types, reports);
    for (const struct idl_decl *decl = types->file->decls; decl; decl = decl->next) {
        check_decl(types, decl, reports);
        check_fields(types, decl->message.fields, gen_member, reports);
        check_methods(types, decl->service.methods, reports);
    }
}
