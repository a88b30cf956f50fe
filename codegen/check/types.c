/*
 * What the names in types stand for.
 */
#include "checker.h"

#include <string.h>

static bool is_type(const struct idl_decl *decl)
{
    return idl_decl_is_message(decl) || decl->kind == IDL_DECL_ENUM ||
           decl->kind == IDL_DECL_ALIAS;
}

static bool refuse_unknown(struct idl_checker *checker, const struct idl_type *type)
{
    struct idl_guess guess = idl_guess_for(type->name);
    for (enum idl_type_kind kind = IDL_VOID; kind <= IDL_TUPLE; kind++)
        idl_guess_try(&guess, idl_type_kind_name(kind));
    idl_guess_decls(&guess, checker->file, is_type);
    idl_error(checker->reports, type->place, "unknown type '%s'%s", type->name,
              strcmp(type->name, "datum") == 0 ? "; jubatus' interfaces need --jubatus"
                                               : idl_guess_words(&guess, checker->memory));
    return false;
}

/* The type becomes that of the alias. */
static bool resolve_alias(struct idl_checker *checker, struct idl_type *type,
                          struct idl_decl *alias)
{
    if (alias->progress == IDL_BEING_CHECKED) {
        idl_error(checker->reports, alias->name.place, "type '%s' is made of itself",
                  alias->name.text);
        return false;
    }
    if (alias->progress == IDL_NOT_CHECKED) {
        struct idl_file *file = checker->file;
        checker->file = alias->file;
        alias->progress = IDL_BEING_CHECKED;
        idl_check_type(checker, alias->type);
        alias->progress = IDL_CHECKED;
        checker->file = file;
    }
    if (alias->type->kind == IDL_NAMED)
        return false; /* told when it was checked */
    type->kind = alias->type->kind;
    type->arguments = alias->type->arguments;
    type->decl = alias->type->decl;
    type->is_nullable = type->is_nullable || alias->type->is_nullable;
    return true;
}

static bool resolve_message(struct idl_checker *checker, struct idl_type *type,
                            struct idl_decl *decl)
{
    if (type->arguments != NULL || decl->message.parameter_count > 0)
        decl = idl_instance(checker, decl, type);
    if (decl == NULL)
        return false;
    type->kind = IDL_MESSAGE;
    type->decl = decl;
    type->arguments = NULL;
    return true;
}

static bool resolve(struct idl_checker *checker, struct idl_type *type)
{
    struct idl_decl *decl = idl_find(checker->file, type->name);
    if (decl == NULL)
        return refuse_unknown(checker, type);
    if (idl_decl_is_message(decl))
        return resolve_message(checker, type, decl);
    if (!is_type(decl)) {
        idl_error(checker->reports, type->place, "'%s' is a%s %s and no type", type->name,
                  decl->kind == IDL_DECL_APPLICATION ? "n" : "",
                  idl_decl_kind_name(decl->kind));
        return false;
    }
    if (type->arguments != NULL) {
        idl_error(checker->reports, type->place, "'%s' takes no types in < >", type->name);
        return false;
    }
    if (decl->kind == IDL_DECL_ALIAS)
        return resolve_alias(checker, type, decl);
    type->kind = IDL_ENUM;
    type->decl = decl;
    return true;
}

/* XML-RPC has strings alone; integers are written as such there. */
static bool check_key(struct idl_checker *checker, const struct idl_type *key)
{
    if (!key->is_nullable &&
        (key->kind == IDL_STRING || key->kind == IDL_ENUM || idl_type_is_integer(key)))
        return true;
    idl_error(checker->reports, key->place,
              "the keys of a map are strings, integers or of an enum, not %s",
              idl_type_words(checker->memory, key));
    return false;
}

bool idl_check_type(struct idl_checker *checker, struct idl_type *type)
{
    bool is_good = true;
    for (struct idl_type *argument = type->arguments; argument; argument = argument->next)
        is_good = idl_check_type(checker, argument) && is_good;
    if (!is_good)
        return false;
    if (type->kind == IDL_NAMED && !resolve(checker, type))
        return false;
    if (type->kind == IDL_VOID) {
        idl_error(checker->reports, type->place,
                  "no value is of type void: only a method's result may be");
        return false;
    }
    if (type->kind == IDL_OBJECT)
        type->is_nullable = false; /* nil is one of the values it has anyway */
    return type->kind != IDL_MAP || check_key(checker, type->arguments);
}
