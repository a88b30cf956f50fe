/*
 * Values that stand in an interface: defaults, constants, arguments of decorators.
 */
#include "checker.h"

#include "utf8.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool refuse(struct idl_checker *checker, const struct idl_literal *literal,
                   const struct idl_type *type)
{
    idl_error(checker->reports, literal->place, "this is no %s",
              idl_type_words(checker->memory, type));
    return false;
}

/* ---- Names */

static bool is_constant(const struct idl_decl *decl)
{
    return decl->kind == IDL_DECL_CONSTANT;
}

static bool resolve_enum(struct idl_checker *checker, struct idl_literal *literal,
                         const struct idl_type *type)
{
    const struct idl_decl *decl = idl_find(checker->file, literal->name);
    if (decl == NULL || decl->kind != IDL_DECL_ENUM) {
        idl_error(checker->reports, literal->place, "'%s' is no enum", literal->name);
        return false;
    }
    struct idl_guess guess = idl_guess_for(literal->value);
    const struct idl_enum_value *value = decl->values;
    for (; value != NULL && strcmp(value->name.text, literal->value) != 0; value = value->next)
        idl_guess_try(&guess, value->name.text);
    if (value == NULL) {
        idl_error(checker->reports, literal->place, "enum '%s' has no value '%s'%s",
                  decl->name.text, literal->value, idl_guess_words(&guess, checker->memory));
        return false;
    }
    if (type->kind == IDL_ENUM && type->decl != decl)
        return refuse(checker, literal, type);
    literal->kind = IDL_LITERAL_INTEGER;
    literal->integer = value->number;
    literal->text = idl_format(checker->memory, "%llu", (unsigned long long)value->number);
    literal->enum_value = value;
    return true;
}

static bool resolve_constant(struct idl_checker *checker, struct idl_literal *literal,
                             const struct idl_type *type)
{
    struct idl_decl *decl = idl_find(checker->file, literal->name);
    if (decl == NULL || decl->kind != IDL_DECL_CONSTANT) {
        struct idl_guess guess = idl_guess_for(literal->name);
        idl_guess_decls(&guess, checker->file, is_constant);
        if (type->kind == IDL_ENUM)
            for (const struct idl_enum_value *v = type->decl->values; v; v = v->next)
                idl_guess_try(&guess, strcmp(v->name.text, literal->name) == 0
                                          ? idl_format(checker->memory, "%s.%s",
                                                       type->decl->name.text, literal->name)
                                          : v->name.text);
        idl_error(checker->reports, literal->place, "unknown constant '%s'%s", literal->name,
                  idl_guess_words(&guess, checker->memory));
        return false;
    }
    if (decl->progress == IDL_BEING_CHECKED) {
        idl_error(checker->reports, literal->place, "constant '%s' is made of itself",
                  literal->name);
        return false;
    }
    idl_check_constant(checker, decl);
    struct idl_place place = literal->place;
    *literal = *decl->literal;
    literal->place = place;
    return literal->kind != IDL_LITERAL_NAME; /* else it was told */
}

/* ---- Numbers */

static const struct {
    uint64_t least, most; /* the least is negative */
} ranges[] = {
    [IDL_BYTE] = {128, 127},
    [IDL_SHORT] = {32768, 32767},
    [IDL_INT] = {2147483648u, 2147483647},
    [IDL_LONG] = {(uint64_t)INT64_MAX + 1, INT64_MAX},
    [IDL_UBYTE] = {0, 255},
    [IDL_USHORT] = {0, 65535},
    [IDL_UINT] = {0, 4294967295u},
    [IDL_ULONG] = {0, UINT64_MAX},
};

static bool check_integer(struct idl_checker *checker, const struct idl_literal *literal,
                          const struct idl_type *type)
{
    if (literal->kind != IDL_LITERAL_INTEGER)
        return refuse(checker, literal, type);
    uint64_t most = literal->is_negative ? ranges[type->kind].least : ranges[type->kind].most;
    if (literal->integer <= most)
        return true;
    idl_error(checker->reports, literal->place, "%s does not fit: %s goes from %s%llu to %llu",
              literal->text, idl_type_kind_name(type->kind),
              ranges[type->kind].least > 0 ? "-" : "",
              (unsigned long long)ranges[type->kind].least,
              (unsigned long long)ranges[type->kind].most);
    return false;
}

static bool check_real(struct idl_checker *checker, const struct idl_literal *literal,
                       const struct idl_type *type)
{
    if (literal->kind != IDL_LITERAL_INTEGER && literal->kind != IDL_LITERAL_REAL)
        return refuse(checker, literal, type);
    double value = strtod(literal->text, NULL);
    if (isinf(value) || (type->kind == IDL_FLOAT && fabs(value) > 3.4028234663852886e38)) {
        idl_error(checker->reports, literal->place, "%s does not fit into a %s", literal->text,
                  idl_type_kind_name(type->kind));
        return false;
    }
    return true;
}

/* ---- The rest */

static bool check_string(struct idl_checker *checker, const struct idl_literal *literal,
                         const struct idl_type *type)
{
    if (literal->kind != IDL_LITERAL_STRING)
        return refuse(checker, literal, type);
    if (type->kind == IDL_RAW || (strlen(literal->text) == literal->size &&
                                  idl_utf8_is_whole(literal->text, literal->size)))
        return true;
    idl_error(checker->reports, literal->place,
              "a string is UTF-8 without \\0: other bytes are for raw");
    return false;
}

static bool check_enum(struct idl_checker *checker, const struct idl_literal *literal,
                       const struct idl_type *type)
{
    if (literal->enum_value != NULL)
        return true;
    const struct idl_enum_value *first = type->decl->values;
    idl_error(checker->reports, literal->place,
              "this is no %s: its values are written as %s.%s", type->decl->name.text,
              type->decl->name.text, first != NULL ? first->name.text : "name");
    return false;
}

bool idl_check_literal(struct idl_checker *checker, struct idl_literal *literal,
                       const struct idl_type *type)
{
    if (literal->kind == IDL_LITERAL_NAME &&
        !(literal->value != NULL ? resolve_enum : resolve_constant)(checker, literal, type))
        return false;
    if (literal->kind == IDL_LITERAL_NIL) {
        if (type->is_nullable || type->kind == IDL_OBJECT)
            return true;
        idl_error(checker->reports, literal->place, "nil is no %s: only %s? may be nil",
                  idl_type_words(checker->memory, type), idl_type_words(checker->memory, type));
        return false;
    }
    if (idl_type_is_integer(type))
        return check_integer(checker, literal, type);
    switch (type->kind) {
    case IDL_BOOL:
        return literal->kind == IDL_LITERAL_BOOL || refuse(checker, literal, type);
    case IDL_FLOAT:
    case IDL_DOUBLE:
        return check_real(checker, literal, type);
    case IDL_STRING:
    case IDL_RAW:
        return check_string(checker, literal, type);
    case IDL_ENUM:
        return check_enum(checker, literal, type);
    default:
        idl_error(checker->reports, literal->place, "a %s cannot be written as a value%s",
                  idl_type_words(checker->memory, type), type->is_nullable ? " but nil" : "");
        return false;
    }
}

void idl_check_constant(struct idl_checker *checker, struct idl_decl *decl)
{
    if (decl->progress != IDL_NOT_CHECKED)
        return;
    struct idl_file *file = checker->file;
    checker->file = decl->file;
    decl->progress = IDL_BEING_CHECKED;
    if (idl_check_type(checker, decl->type))
        idl_check_literal(checker, decl->literal, decl->type);
    decl->progress = IDL_CHECKED;
    checker->file = file;
}
