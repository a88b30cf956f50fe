/*
 * Versions of a service: which methods one takes over from the version before it.
 */
#include "checker.h"

#include <string.h>

static bool is_version_of(const struct idl_decl *decl, const struct idl_decl *other)
{
    return decl->kind == IDL_DECL_SERVICE && strcmp(decl->name.text, other->name.text) == 0;
}

/* The latest one below it; NULL if there is none. */
static struct idl_decl *last_version(const struct idl_decl *decl)
{
    struct idl_decl *last = NULL;
    for (struct idl_decl *other = decl->file->decls; other; other = other->next)
        if (is_version_of(other, decl) && other->service.version < decl->service.version &&
            (last == NULL || other->service.version > last->service.version))
            last = other;
    return last;
}

static struct idl_method *find_method(struct idl_method *methods, const char *name)
{
    while (methods != NULL &&
           (methods->name.text == NULL || strcmp(methods->name.text, name) != 0))
        methods = methods->next;
    return methods;
}

static void append(struct idl_checker *checker, struct idl_service *service,
                   const struct idl_method *method)
{
    struct idl_method **end = &service->methods;
    while (*end != NULL)
        end = &(*end)->next;
    *end = idl_alloc(checker->memory, sizeof **end);
    **end = *method;
    (*end)->kind = IDL_METHOD;
    (*end)->next = NULL;
}

/* Those that this version declares itself are its own. */
static void inherit_all(struct idl_checker *checker, struct idl_service *service,
                        const struct idl_service *last)
{
    for (const struct idl_method *method = last->methods; method; method = method->next)
        if (find_method(service->members, method->name.text) == NULL)
            append(checker, service, method);
}

static bool is_same(const struct idl_method *a, const struct idl_method *b)
{
    const struct idl_field *x = a->arguments, *y = b->arguments;
    while (x != NULL && y != NULL && idl_types_are_equal(x->type, y->type)) {
        x = x->next;
        y = y->next;
    }
    return x == NULL && y == NULL && idl_types_are_equal(a->result, b->result);
}

static void inherit_one(struct idl_checker *checker, struct idl_decl *decl,
                        const struct idl_method *member, struct idl_decl *last)
{
    const struct idl_method *method = find_method(last->service.methods, member->name.text);
    if (method == NULL) {
        struct idl_guess guess = idl_guess_for(member->name.text);
        for (const struct idl_method *one = last->service.methods; one; one = one->next)
            idl_guess_try(&guess, one->name.text);
        idl_error(checker->reports, member->name.place,
                  "version %llu of service '%s' has no method '%s'%s",
                  (unsigned long long)last->service.version, last->name.text, member->name.text,
                  idl_guess_words(&guess, checker->memory));
    } else if (member->kind == IDL_INHERIT_METHOD && !is_same(member, method)) {
        idl_error(checker->reports, member->name.place,
                  "'%s' is not what is inherited: without 'inherit' it is a new one",
                  member->name.text);
        idl_note(checker->reports, method->name.place, "that one is declared here");
    } else {
        append(checker, &decl->service, method);
    }
}

static void check_member(struct idl_checker *checker, struct idl_decl *decl,
                         const struct idl_method *member, struct idl_decl *last)
{
    if (member->kind == IDL_METHOD) {
        append(checker, &decl->service, member);
    } else if (last == NULL) {
        idl_error(checker->reports, member->place,
                  "there is nothing to inherit: no version of service '%s' below %llu is here",
                  decl->name.text, (unsigned long long)decl->service.version);
    } else if (member->kind == IDL_INHERIT_ALL) {
        inherit_all(checker, &decl->service, &last->service);
    } else {
        inherit_one(checker, decl, member, last);
    }
}

void idl_check_versions(struct idl_checker *checker, struct idl_decl *decl)
{
    if (decl->progress != IDL_NOT_CHECKED)
        return;
    decl->progress = IDL_CHECKED;
    for (const struct idl_decl *other = decl->file->decls; other; other = other->next) {
        if (other == decl || !is_version_of(other, decl))
            continue;
        decl->service.has_siblings = true;
        if (other->service.version == decl->service.version && other->progress == IDL_CHECKED) {
            idl_error(checker->reports, decl->name.place,
                      "version %llu of service '%s' is declared twice",
                      (unsigned long long)decl->service.version, decl->name.text);
            idl_note(checker->reports, other->name.place, "the first one is here");
        }
    }
    struct idl_decl *last = last_version(decl);
    if (last != NULL)
        idl_check_versions(checker, last); /* its methods must be known */
    for (const struct idl_method *member = decl->service.members; member; member = member->next)
        check_member(checker, decl, member, last);
}
