/*
 * Signatures: what a method takes and gives, in the letters of duet.h. Messages stand in them
 * by name, so that they may hold themselves.
 */
#include "c.h"

static const char *signature_of(struct gen_c *c, const char *names,
                                const struct idl_type *type);

static const char *with_nil(struct gen_c *c, const struct idl_type *type, const char *signature)
{
    return type->is_nullable && type->kind != IDL_OBJECT
               ? idl_format(c->memory, "%s?", signature)
               : signature;
}

static const char *of_map(struct gen_c *c, const char *names, const struct idl_type *key)
{
    return idl_format(c->memory, "{%s:%s}", key->kind == IDL_STRING ? "*" : "i",
                      signature_of(c, names, key->next));
}

static const char *of_tuple(struct gen_c *c, const char *names, const struct idl_type *items)
{
    const char *text = "", *sign = "<";
    for (; items != NULL; items = items->next) {
        text = idl_format(c->memory, "%s%s%s", text, sign, signature_of(c, names, items));
        sign = ",";
    }
    return idl_format(c->memory, "%s>", text);
}

static const char *signature_of(struct gen_c *c, const char *names, const struct idl_type *type)
{
    static const char *const letters[] = {
        [IDL_VOID] = "n",   [IDL_OBJECT] = "v", [IDL_BOOL] = "b",   [IDL_BYTE] = "i",
        [IDL_SHORT] = "i",  [IDL_INT] = "i",    [IDL_LONG] = "i",   [IDL_UBYTE] = "u",
        [IDL_USHORT] = "u", [IDL_UINT] = "u",   [IDL_ULONG] = "u",  [IDL_FLOAT] = "d",
        [IDL_DOUBLE] = "d", [IDL_RAW] = "r",    [IDL_STRING] = "s", [IDL_TIMESTAMP] = "t",
    };
    const char *text;
    switch (type->kind) {
    case IDL_LIST:
        text = idl_format(c->memory, "[%s]", signature_of(c, names, type->arguments));
        break;
    case IDL_MAP:
        text = of_map(c, names, type->arguments);
        break;
    case IDL_TUPLE:
        text = of_tuple(c, names, type->arguments);
        break;
    case IDL_ENUM:
        text = "i";
        break;
    case IDL_MESSAGE:
        text = idl_format(c->memory, "%%%s_%s", names, gen_find_type(&c->types, type)->words);
        break;
    default:
        text = letters[type->kind];
    }
    return with_nil(c, type, text);
}

bool gen_may_be_missing(const struct idl_field *field)
{
    return field->presence == IDL_OPTIONAL ||
           (field->presence == IDL_PLAIN &&
            (field->standard != NULL || field->type->is_nullable));
}

static const char *of_field(struct gen_c *c, const char *names, const struct idl_field *field,
                            const char *mark)
{
    const char *text = signature_of(c, names, field->type);
    if (!gen_may_be_missing(field))
        return idl_format(c->memory, ":%s", text);
    bool has_mark = field->type->is_nullable && field->type->kind != IDL_OBJECT;
    return idl_format(c->memory, "%s:%s%s", mark, text, has_mark ? "" : "?");
}

const char *gen_message_signature(struct gen_c *c, const char *names,
                                  const struct idl_decl *message)
{
    const char *text = "(", *sign = "";
    size_t index = 0;
    for (const struct idl_field *field = message->message.fields; field; field = field->next) {
        for (; index < field->index; index++) { /* numbers that no field has */
            text = idl_format(c->memory, "%s%s%zu?:v", text, sign, index);
            sign = ",";
        }
        text = idl_format(c->memory, "%s%s%s%s", text, sign, field->name.text,
                          of_field(c, names, field, "?"));
        sign = ",";
        index++;
    }
    if (message->message.fields == NULL)
        return "(0?:v)"; /* a record has a member: one that nobody reads */
    return idl_format(c->memory, "%s)", text);
}

const char *gen_method_signature(struct gen_c *c, const char *names,
                                 const struct idl_method *method)
{
    const char *text = idl_format(c->memory, "%s:", signature_of(c, names, method->result));
    const char *sign = "";
    for (const struct idl_field *field = method->arguments; field; field = field->next) {
        text = idl_format(c->memory, "%s%s%s", text, sign, of_field(c, names, field, "") + 1);
        sign = field->type->kind == IDL_MESSAGE ? "," : ""; /* else the next one is part of
                                                               it */
    }
    return text;
}
