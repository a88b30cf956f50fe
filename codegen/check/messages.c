/*
 * Messages, exceptions and enums: their fields, their places in arrays, what they inherit.
 */
#include "checker.h"

#include <string.h>

enum { MAX_NUMBER = 1000 }; /* of fields: gaps are sent, as nil */

/* ---- Fields */

static void check_order(struct idl_checker *checker, const struct idl_field *fields,
                        const struct idl_field *field)
{
    const struct idl_field *same = fields, *before = fields;
    while (same != field && same->id != field->id)
        same = same->next;
    while (before != field && before->next != field)
        before = before->next;
    if (same != field) {
        idl_error(checker->reports, field->id_place, "number %llu is taken",
                  (unsigned long long)field->id);
        idl_note(checker->reports, same->id_place, "by '%s'", same->name.text);
    } else if (before != field && before->id > field->id) {
        idl_error(checker->reports, field->id_place,
                  "number %llu stands behind %llu: numbers go up, for readers of arrays go by "
                  "their order",
                  (unsigned long long)field->id, (unsigned long long)before->id);
    } else if (field->id > MAX_NUMBER) {
        idl_error(checker->reports, field->id_place, "numbers go up to %d", MAX_NUMBER);
    } else if (before != field && field->id > before->id + 1) {
        idl_warning(checker->reports, field->id_place,
                    "no field has number %llu: nil is sent in its place",
                    (unsigned long long)before->id + 1);
    }
}

static void check_name(struct idl_checker *checker, const struct idl_field *fields,
                       const struct idl_field *field)
{
    const struct idl_field *same = fields;
    while (same != field && strcmp(same->name.text, field->name.text) != 0)
        same = same->next;
    if (same == field)
        return;
    idl_error(checker->reports, field->name.place, "there are two fields '%s'",
              field->name.text);
    idl_note(checker->reports, same->name.place, "the first one is here");
}

void idl_check_fields(struct idl_checker *checker, struct idl_field *fields)
{
    for (struct idl_field *field = fields; field; field = field->next) {
        check_order(checker, fields, field);
        check_name(checker, fields, field);
        if (idl_check_type(checker, field->type) && field->standard != NULL)
            idl_check_literal(checker, field->standard, field->type);
    }
}

/* ---- Inheritance */

static bool is_message(const struct idl_decl *decl)
{
    return decl->kind == IDL_DECL_MESSAGE;
}

static bool is_exception(const struct idl_decl *decl)
{
    return decl->kind == IDL_DECL_EXCEPTION;
}

static struct idl_decl *find_parent(struct idl_checker *checker, const struct idl_decl *decl)
{
    const struct idl_word *name = &decl->message.parent_name;
    struct idl_decl *parent = idl_find(checker->file, name->text);
    if (parent == NULL) {
        struct idl_guess guess = idl_guess_for(name->text);
        idl_guess_decls(&guess, checker->file, is_message(decl) ? is_message : is_exception);
        idl_error(checker->reports, name->place, "unknown %s '%s'%s",
                  idl_decl_kind_name(decl->kind), name->text,
                  idl_guess_words(&guess, checker->memory));
    } else if (parent->kind != decl->kind) {
        idl_error(checker->reports, name->place, "%s '%s' cannot inherit from a%s %s",
                  idl_decl_kind_name(decl->kind), decl->name.text,
                  strchr("aeiou", idl_decl_kind_name(parent->kind)[0]) ? "n" : "",
                  idl_decl_kind_name(parent->kind));
        parent = NULL;
    } else if (parent->message.parameter_count > 0) {
        idl_error(checker->reports, name->place,
                  "'%s' has type parameters: none can inherit it", name->text);
        parent = NULL;
    }
    return parent;
}

static void copy_inherited(struct idl_checker *checker, const struct idl_decl *parent,
                           struct idl_field ***end)
{
    for (const struct idl_field *field = parent->message.fields; field; field = field->next) {
        **end = idl_alloc(checker->memory, sizeof ***end);
        ***end = *field;
        (**end)->next = NULL;
        *end = &(**end)->next;
    }
}

/* Numbers begin at 0 or 1. Those behind a parent's go on after its own, or begin again. */
static uint64_t first_number(const struct idl_message *message)
{
    const struct idl_field *own = message->own_fields;
    const struct idl_message *parent = message->parent ? &message->parent->message : NULL;
    if (own == NULL || parent == NULL || parent->size == 0)
        return own == NULL || own->id == 0 ? 0 : 1;
    const struct idl_field *last = parent->fields;
    while (last->next != NULL)
        last = last->next;
    if (own->id > last->id)
        return own->id > parent->size ? last->id + 1 : own->id;
    return own->id == 0 ? 0 : 1;
}

/* All fields, those of the parent first, each with its place in arrays. */
static void join_fields(struct idl_checker *checker, struct idl_message *message)
{
    struct idl_field **end = &message->fields;
    uint64_t number = first_number(message);
    size_t size = 0;
    if (message->parent != NULL) {
        copy_inherited(checker, message->parent, &end);
        size = message->parent->message.size;
    }
    *end = message->own_fields;
    message->size = size;
    for (struct idl_field *field = message->own_fields; field; field = field->next) {
        field->index = size + (size_t)(field->id - number);
        message->size = field->index + 1;
        check_name(checker, message->fields, field);
    }
}

void idl_check_message(struct idl_checker *checker, struct idl_decl *decl)
{
    struct idl_message *message = &decl->message;
    if (decl->progress == IDL_BEING_CHECKED && message->parent_name.text != NULL)
        return; /* a cycle: told by who finds its parent being checked */
    if (decl->progress != IDL_NOT_CHECKED)
        return;
    struct idl_file *file = checker->file;
    checker->file = decl->file;
    decl->progress = IDL_BEING_CHECKED;
    int errors = checker->reports->errors;
    if (message->parent_name.text != NULL)
        message->parent = find_parent(checker, decl);
    if (message->parent != NULL) {
        idl_check_message(checker, message->parent);
        if (message->parent->progress == IDL_BEING_CHECKED)
            idl_error(checker->reports, message->parent_name.place, "'%s' inherits from itself",
                      decl->name.text);
    }
    idl_check_fields(checker, message->own_fields);
    if (checker->reports->errors == errors)
        join_fields(checker, message);
    decl->progress = IDL_CHECKED;
    checker->file = file;
}

/* ---- Containment */

static void check_contained(struct idl_checker *checker, const struct idl_type *type,
                            const struct idl_field *field)
{
    if (type->kind == IDL_TUPLE)
        for (const struct idl_type *item = type->arguments; item; item = item->next)
            check_contained(checker, item, field);
    if (type->kind != IDL_MESSAGE || type->is_nullable)
        return;
    if (type->decl->progress == IDL_BEING_CHECKED)
        idl_error(checker->reports, field->type->place,
                  "'%s' contains itself without end: a field that may be nil (%s?) or a list "
                  "would end it",
                  type->decl->name.text, type->decl->name.text);
    else
        idl_check_containment(checker, type->decl);
}

/* Goes over all messages once more: their progress begins again at CHECKED and ends there. */
void idl_check_containment(struct idl_checker *checker, struct idl_decl *decl)
{
    if (decl->message.contains_no_circle)
        return;
    decl->progress = IDL_BEING_CHECKED;
    for (const struct idl_field *field = decl->message.fields; field; field = field->next)
        check_contained(checker, field->type, field);
    decl->progress = IDL_CHECKED;
    decl->message.contains_no_circle = true;
}

/* ---- Enums */

void idl_check_enum(struct idl_checker *checker, struct idl_decl *decl)
{
    if (decl->values == NULL)
        idl_error(checker->reports, decl->name.place, "enum '%s' has no values",
                  decl->name.text);
    for (const struct idl_enum_value *value = decl->values; value; value = value->next) {
        if (value->number > INT32_MAX)
            idl_error(checker->reports, value->number_place, "numbers of an enum have 31 bits");
        const struct idl_enum_value *same = decl->values;
        while (same != value && same->number != value->number &&
               strcmp(same->name.text, value->name.text) != 0)
            same = same->next;
        if (same == value)
            continue;
        if (same->number == value->number)
            idl_error(checker->reports, value->number_place, "number %llu is taken",
                      (unsigned long long)value->number);
        else
            idl_error(checker->reports, value->name.place, "there are two values '%s'",
                      value->name.text);
        idl_note(checker->reports, same->name.place, "the first one is '%s'", same->name.text);
    }
}
