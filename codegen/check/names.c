/*
 * Which names there are, and what they stand for. A file sees its own and those of all files
 * that it includes, directly or through others.
 */
#include "checker.h"

#include <string.h>

struct idl_decl *idl_find(const struct idl_file *file, const char *name)
{
    for (struct idl_decl *decl = file->decls; decl; decl = decl->next)
        if (strcmp(decl->name.text, name) == 0)
            return decl;
    for (const struct idl_include *include = file->includes; include; include = include->next) {
        struct idl_decl *found = idl_find(include->file, name);
        if (found != NULL)
            return found;
    }
    return NULL;
}

void idl_guess_decls(struct idl_guess *guess, const struct idl_file *file,
                     bool (*fits)(const struct idl_decl *decl))
{
    for (const struct idl_decl *decl = file->decls; decl; decl = decl->next)
        if (fits(decl))
            idl_guess_try(guess, decl->name.text);
    for (const struct idl_include *include = file->includes; include; include = include->next)
        idl_guess_decls(guess, include->file, fits);
}

/* Versions of a service are declarations of one name. */
static bool may_both_be(const struct idl_decl *a, const struct idl_decl *b)
{
    return a->kind == IDL_DECL_SERVICE && b->kind == IDL_DECL_SERVICE && a->file == b->file;
}

static void check_twice(struct idl_checker *checker, const struct idl_decl *decl)
{
    const struct idl_decl *first = checker->file->decls;
    while (first != decl &&
           (strcmp(first->name.text, decl->name.text) != 0 || may_both_be(first, decl)))
        first = first->next;
    if (first == decl) {
        first = NULL;
        const struct idl_include *include = checker->file->includes;
        for (; include != NULL && first == NULL; include = include->next)
            first = idl_find(include->file, decl->name.text);
    }
    if (first == NULL)
        return;
    idl_error(checker->reports, decl->name.place, "'%s' is declared twice", decl->name.text);
    idl_note(checker->reports, first->name.place, "it is a%s %s here",
             strchr("aeiou", idl_decl_kind_name(first->kind)[0]) ? "n" : "",
             idl_decl_kind_name(first->kind));
}

static void check_reserved(struct idl_checker *checker, const struct idl_decl *decl)
{
    for (enum idl_type_kind kind = IDL_VOID; kind <= IDL_TUPLE; kind++)
        if (strcmp(idl_type_kind_name(kind), decl->name.text) == 0)
            idl_error(checker->reports, decl->name.place, "'%s' is the name of a type already",
                      decl->name.text);
}

void idl_check_names(struct idl_checker *checker)
{
    for (const struct idl_decl *decl = checker->file->decls; decl; decl = decl->next) {
        check_twice(checker, decl);
        if (decl->kind != IDL_DECL_SERVICE && decl->kind != IDL_DECL_APPLICATION)
            check_reserved(checker, decl);
    }
}
