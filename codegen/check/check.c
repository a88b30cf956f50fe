/*
 * See check.h. The order of the checks: what others build on comes first.
 */
#include "check.h"

#include "checker.h"

static void check_alias(struct idl_checker *checker, struct idl_decl *decl)
{
    if (decl->progress != IDL_NOT_CHECKED)
        return;
    decl->progress = IDL_BEING_CHECKED;
    idl_check_type(checker, decl->type);
    decl->progress = IDL_CHECKED;
}

static void check_decl(struct idl_checker *checker, struct idl_decl *decl)
{
    switch (decl->kind) {
    case IDL_DECL_MESSAGE:
    case IDL_DECL_EXCEPTION:
        if (decl->message.parameter_count == 0)
            idl_check_message(checker, decl);
        break;
    case IDL_DECL_ENUM:
        idl_check_enum(checker, decl);
        break;
    case IDL_DECL_ALIAS:
        check_alias(checker, decl);
        break;
    case IDL_DECL_CONSTANT:
        idl_check_constant(checker, decl);
        break;
    case IDL_DECL_SERVICE:
        idl_check_service(checker, decl);
        break;
    case IDL_DECL_APPLICATION:
        idl_check_application(checker, decl);
        break;
    }
}

static void check_unused(struct idl_checker *checker)
{
    for (struct idl_decl *decl = checker->file->decls; decl; decl = decl->next)
        if (decl->message.parameter_count > 0)
            idl_check_generic(checker, decl);
}

static bool check_instances_of(struct idl_checker *checker, const struct idl_decl *generic)
{
    bool is_more = false;
    for (struct idl_decl *one = generic->message.instances; one; one = one->next) {
        is_more = is_more || one->progress == IDL_NOT_CHECKED;
        idl_check_message(checker, one);
    }
    return is_more;
}

/* Checking an instance may make others, in any file. */
static void check_instances(struct idl_checker *checker, struct idl_file *files)
{
    bool is_more = true;
    while (is_more) {
        is_more = false;
        for (const struct idl_file *file = files; file; file = file->next)
            for (const struct idl_decl *decl = file->decls; decl; decl = decl->next)
                is_more = check_instances_of(checker, decl) || is_more;
    }
}

static void check_whole(struct idl_checker *checker)
{
    for (struct idl_decl *decl = checker->file->decls; decl; decl = decl->next) {
        if (decl->kind == IDL_DECL_SERVICE)
            idl_check_versions(checker, decl);
        if (idl_decl_is_message(decl))
            idl_check_containment(checker, decl);
        for (struct idl_decl *one = decl->message.instances; one; one = one->next)
            idl_check_containment(checker, one);
    }
}

static void for_each_file(struct idl_checker *checker, struct idl_file *files,
                          void (*check)(struct idl_checker *checker))
{
    for (checker->file = files; checker->file != NULL; checker->file = checker->file->next)
        check(checker);
}

static void check_decls(struct idl_checker *checker)
{
    for (struct idl_decl *decl = checker->file->decls; decl; decl = decl->next)
        check_decl(checker, decl);
}

void idl_check(struct idl_interface *interface, struct idl_memory *memory,
               struct idl_reports *reports)
{
    struct idl_checker checker = {
        .memory = memory, .reports = reports, .is_jubatus = interface->is_jubatus};
    for_each_file(&checker, interface->files, idl_check_names);
    if (reports->errors > 0)
        return;
    for_each_file(&checker, interface->files, check_decls);
    for_each_file(&checker, interface->files, check_unused);
    check_instances(&checker, interface->files);
    if (reports->errors == 0)
        for_each_file(&checker, interface->files, check_whole);
}
