/*
 * Services: the methods that each of them declares, and applications, which are made of them.
 */
#include "checker.h"

#include <string.h>

/* ---- Methods */

static void check_result(struct idl_checker *checker, const struct idl_method *method)
{
    const struct idl_type *result = method->result;
    if (result->kind != IDL_VOID)
        idl_check_type(checker, method->result);
    else if (result->is_nullable)
        idl_error(checker->reports, result->place, "void cannot be nil: it is nothing anyway");
    if (method->is_oneway && result->kind != IDL_VOID)
        idl_error(checker->reports, result->place,
                  "'%s' is oneway, so nobody gets its result: it must be void",
                  method->name.text);
    if (method->is_oneway && method->throw_count > 0)
        idl_error(checker->reports, method->throws[0].place,
                  "'%s' is oneway, so nobody gets its exceptions", method->name.text);
}

/* Jubatus' clients say first which model they mean. */
static void add_model_name(struct idl_checker *checker, struct idl_method *method)
{
    if (method->arguments != NULL && strcmp(method->arguments->name.text, "name") == 0)
        return;
    struct idl_field *name = idl_alloc(checker->memory, sizeof *name);
    name->type = idl_alloc(checker->memory, sizeof *name->type);
    name->type->kind = IDL_STRING;
    name->type->place = method->name.place;
    name->name = (struct idl_word){"name", method->name.place};
    name->id_place = method->name.place;
    name->next = method->arguments;
    method->arguments = name;
}

/* Arguments stand for themselves in a row: none can be left out in the middle. */
static void check_arguments(struct idl_checker *checker, struct idl_method *method)
{
    int warnings = checker->reports->warnings, errors = checker->reports->errors;
    const struct idl_field *before = NULL;
    for (const struct idl_field *field = method->arguments; field; field = field->next) {
        bool is_gap = before == NULL ? field->id > 1 : field->id > before->id + 1;
        if (is_gap)
            idl_error(
                checker->reports, field->id_place,
                "argument %llu of '%s' is missing: numbers begin at 0 or 1 and leave none "
                "out",
                before == NULL ? 0 : (unsigned long long)before->id + 1, method->name.text);
        before = field;
    }
    if (checker->reports->errors == errors && checker->reports->warnings == warnings)
        idl_check_fields(checker, method->arguments);
    size_t index = 0;
    if (checker->is_jubatus)
        add_model_name(checker, method);
    for (struct idl_field *field = method->arguments; field; field = field->next)
        field->index = index++;
}

static bool is_exception(const struct idl_decl *decl)
{
    return decl->kind == IDL_DECL_EXCEPTION;
}

static struct idl_decl *find_exception(struct idl_checker *checker, const struct idl_word *name)
{
    struct idl_decl *decl = idl_find(checker->file, name->text);
    if (decl == NULL) {
        struct idl_guess guess = idl_guess_for(name->text);
        idl_guess_decls(&guess, checker->file, is_exception);
        idl_error(checker->reports, name->place, "unknown exception '%s'%s", name->text,
                  idl_guess_words(&guess, checker->memory));
    } else if (!is_exception(decl)) {
        idl_error(checker->reports, name->place, "'%s' is a%s %s and no exception", name->text,
                  strchr("aeiou", idl_decl_kind_name(decl->kind)[0]) ? "n" : "",
                  idl_decl_kind_name(decl->kind));
        decl = NULL;
    } else if (decl->message.parameter_count > 0) {
        idl_error(checker->reports, name->place,
                  "'%s' has type parameters: it cannot be thrown", name->text);
        decl = NULL;
    }
    return decl;
}

static void check_throws(struct idl_checker *checker, struct idl_method *method)
{
    method->exceptions =
        idl_alloc(checker->memory, (method->throw_count + 1) * sizeof *method->exceptions);
    for (size_t i = 0; i < method->throw_count; i++) {
        method->exceptions[i] = find_exception(checker, &method->throws[i]);
        for (size_t j = 0; j < i; j++)
            if (method->exceptions[i] != NULL && method->exceptions[j] == method->exceptions[i])
                idl_error(checker->reports, method->throws[i].place, "'%s' is thrown twice",
                          method->throws[i].text);
    }
}

static void check_twice(struct idl_checker *checker, const struct idl_method *members,
                        const struct idl_method *method)
{
    const struct idl_method *same = members;
    while (same != method &&
           (same->name.text == NULL || strcmp(same->name.text, method->name.text) != 0))
        same = same->next;
    if (same == method)
        return;
    idl_error(checker->reports, method->name.place, "there are two methods '%s'",
              method->name.text);
    idl_note(checker->reports, same->name.place, "the first one is here");
}

void idl_check_service(struct idl_checker *checker, struct idl_decl *decl)
{
    if (decl->service.version > INT32_MAX)
        idl_error(checker->reports, decl->service.version_place, "versions have 31 bits");
    for (struct idl_method *method = decl->service.members; method; method = method->next) {
        if (method->name.text != NULL)
            check_twice(checker, decl->service.members, method);
        if (method->kind == IDL_METHOD || method->kind == IDL_INHERIT_METHOD) {
            check_result(checker, method);
            check_arguments(checker, method);
            check_throws(checker, method);
        }
        idl_check_decorators(checker, method);
    }
}

/* ---- Applications */

static bool is_service(const struct idl_decl *decl)
{
    return decl->kind == IDL_DECL_SERVICE;
}

static struct idl_decl *find_service(struct idl_checker *checker, const struct idl_scope *scope)
{
    struct idl_decl *decl = idl_find(checker->file, scope->service.text);
    if (decl == NULL || !is_service(decl)) {
        struct idl_guess guess = idl_guess_for(scope->service.text);
        idl_guess_decls(&guess, checker->file, is_service);
        idl_error(checker->reports, scope->service.place, "unknown service '%s'%s",
                  scope->service.text, idl_guess_words(&guess, checker->memory));
        return NULL;
    }
    for (; decl != NULL; decl = decl->next)
        if (is_service(decl) && strcmp(decl->name.text, scope->service.text) == 0 &&
            decl->service.version == scope->version)
            return decl;
    idl_error(checker->reports, scope->service.place,
              "there is no version %llu of service '%s'", (unsigned long long)scope->version,
              scope->service.text);
    return NULL;
}

void idl_check_application(struct idl_checker *checker, struct idl_decl *decl)
{
    const struct idl_scope *standard = NULL;
    for (struct idl_scope *scope = decl->scopes; scope; scope = scope->next) {
        scope->decl = find_service(checker, scope);
        const struct idl_scope *same = decl->scopes;
        while (same != scope && strcmp(same->name.text, scope->name.text) != 0)
            same = same->next;
        if (same != scope)
            idl_error(checker->reports, scope->name.place, "there are two scopes '%s'",
                      scope->name.text);
        if (scope->is_default && standard != NULL)
            idl_error(checker->reports, scope->name.place,
                      "'%s' is the default already: there is one", standard->name.text);
        if (scope->is_default)
            standard = scope;
    }
}
