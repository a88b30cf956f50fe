/*
 * Messages with type parameters: each list of types makes a message of its own of them, with a
 * copy of the fields in which the parameters are replaced.
 */
#include "checker.h"

#include <string.h>

/* What the parameter of that name is replaced by; NULL for other names. */
static const struct idl_type *replacement(const struct idl_message *generic,
                                          const struct idl_type *arguments, const char *name)
{
    for (size_t i = 0; i < generic->parameter_count; i++, arguments = arguments->next)
        if (strcmp(generic->parameters[i].text, name) == 0)
            return arguments;
    return NULL;
}

static struct idl_type *replace(struct idl_checker *checker, const struct idl_message *generic,
                                const struct idl_type *arguments, const struct idl_type *type)
{
    if (type == NULL)
        return NULL;
    struct idl_type *copy = idl_alloc(checker->memory, sizeof *copy);
    *copy = *type;
    const struct idl_type *by =
        type->kind == IDL_NAMED ? replacement(generic, arguments, type->name) : NULL;
    if (by != NULL) {
        *copy = *by;
        copy->place = type->place;
        copy->is_nullable = type->is_nullable || by->is_nullable;
    } else {
        copy->arguments = replace(checker, generic, arguments, type->arguments);
    }
    copy->next = replace(checker, generic, arguments, type->next);
    return copy;
}

static struct idl_field *copy_fields(struct idl_checker *checker,
                                     const struct idl_message *generic,
                                     const struct idl_type *arguments)
{
    struct idl_field *first = NULL, **end = &first;
    for (const struct idl_field *field = generic->own_fields; field; field = field->next) {
        *end = idl_alloc(checker->memory, sizeof **end);
        **end = *field;
        (*end)->type = replace(checker, generic, arguments, field->type);
        if (field->standard != NULL) {
            (*end)->standard = idl_alloc(checker->memory, sizeof *field->standard);
            *(*end)->standard = *field->standard;
        }
        end = &(*end)->next;
    }
    return first;
}

static struct idl_decl *find_instance(const struct idl_decl *generic,
                                      const struct idl_type *arguments)
{
    struct idl_decl *instance = generic->message.instances;
    for (; instance != NULL; instance = instance->next) {
        const struct idl_type *a = instance->message.arguments, *b = arguments;
        while (a != NULL && b != NULL && idl_types_are_equal(a, b)) {
            a = a->next;
            b = b->next;
        }
        if (a == NULL && b == NULL)
            return instance;
    }
    return NULL;
}

static struct idl_decl *make_instance(struct idl_checker *checker, struct idl_decl *generic,
                                      struct idl_type *arguments)
{
    struct idl_decl *instance = idl_alloc(checker->memory, sizeof *instance);
    *instance = *generic;
    struct idl_type words = {.kind = IDL_NAMED, .name = generic->name.text};
    words.arguments = arguments;
    instance->name.text = idl_type_words(checker->memory, &words);
    instance->progress = IDL_NOT_CHECKED;
    instance->next = NULL;
    instance->message.parameters = NULL;
    instance->message.parameter_count = 0;
    instance->message.instances = NULL;
    instance->message.arguments = arguments;
    instance->message.own_fields = copy_fields(checker, &generic->message, arguments);
    return instance;
}

/* An instance that needs a larger one of itself, and so on, would have no end. */
enum { MAX_INSTANCES = 1000, LONGEST_NAME = 500 };

static bool has_as_many(const struct idl_decl *generic, const struct idl_type *arguments)
{
    size_t count = 0;
    for (; arguments != NULL; arguments = arguments->next)
        count++;
    return count == generic->message.parameter_count;
}

struct idl_decl *idl_instance(struct idl_checker *checker, struct idl_decl *generic,
                              struct idl_type *type)
{
    if (!has_as_many(generic, type->arguments)) {
        idl_error(checker->reports, type->place, "'%s' takes %zu types in < >",
                  generic->name.text, generic->message.parameter_count);
        return NULL;
    }
    struct idl_decl *instance = find_instance(generic, type->arguments);
    if (instance != NULL)
        return instance;
    instance = make_instance(checker, generic, type->arguments);

    size_t count = 0;
    struct idl_decl **end = &generic->message.instances;
    for (; *end != NULL; end = &(*end)->next)
        count++;
    if (count < MAX_INSTANCES && strlen(instance->name.text) <= LONGEST_NAME)
        return *end = instance;
    idl_error(checker->reports, type->place, "there is no end to the types of '%s'",
              generic->name.text);
    return NULL;
}

/* As if all parameters were strings, of which anything can be made. */
void idl_check_generic(struct idl_checker *checker, struct idl_decl *generic)
{
    if (generic->message.instances != NULL)
        return;
    struct idl_type *arguments = NULL;
    for (size_t i = 0; i < generic->message.parameter_count; i++) {
        struct idl_type *argument = idl_alloc(checker->memory, sizeof *argument);
        argument->kind = IDL_STRING;
        argument->place = generic->name.place;
        argument->next = arguments;
        arguments = argument;
    }
    struct idl_decl *instance = make_instance(checker, generic, arguments);
    for (struct idl_field *field = instance->message.own_fields; field; field = field->next)
        field->standard = NULL; /* which may fit other types only */
    idl_check_message(checker, instance);
}
