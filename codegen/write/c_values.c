/*
 * What is done with values of each type: init, free, copy, equal. Parts of a value are handled
 * by expressions and statements, which the containers use too.
 */
#include "c.h"

#include <string.h>

/* ---- Defaults */

static const char *integer(struct gen_c *c, const struct idl_type *type,
                           const struct idl_literal *literal)
{
    if (literal->is_negative && literal->integer == (uint64_t)INT64_MAX + 1)
        return "INT64_MIN";
    unsigned long long number = literal->integer;
    const char *sign = literal->is_negative ? "-" : "";
    if (type->kind == IDL_ULONG)
        return idl_format(c->memory, "UINT64_C(%llu)", number);
    if (number > INT32_MAX)
        return idl_format(c->memory, type->kind == IDL_UINT ? "%s%lluU" : "%sINT64_C(%llu)",
                          sign, number);
    return idl_format(c->memory, "%s%llu", sign, number);
}

static const char *real(struct gen_c *c, const struct idl_type *type,
                        const struct idl_literal *literal)
{
    bool has_dot = strpbrk(literal->text, ".eExX") != NULL;
    return idl_format(c->memory, "%s%s%s", literal->text, has_dot ? "" : ".0",
                      type->kind == IDL_FLOAT ? "F" : "");
}

static const char *enum_constant(struct gen_c *c, const struct idl_decl *decl,
                                 const struct idl_enum_value *value)
{
    return idl_format(c->memory, "%s_%s",
                      gen_upper(c->memory, gen_find_decl(&c->types, decl)->name),
                      gen_upper(c->memory, value->name.text));
}

/* An enum that has no 0 begins with its first value. */
static const char *first_of_enum(struct gen_c *c, const struct idl_decl *decl)
{
    for (const struct idl_enum_value *value = decl->values; value; value = value->next)
        if (value->number == 0)
            return enum_constant(c, decl, value);
    return enum_constant(c, decl, decl->values);
}

const char *gen_standard(struct gen_c *c, const struct idl_type *type,
                         const struct idl_literal *literal)
{
    if (type->kind == IDL_ENUM && !type->is_nullable && literal == NULL)
        return first_of_enum(c, type->decl);
    if (literal == NULL || literal->kind == IDL_LITERAL_NIL)
        return NULL;
    if (type->kind == IDL_ENUM)
        return enum_constant(c, type->decl, literal->enum_value);
    if (literal->kind == IDL_LITERAL_BOOL)
        return literal->integer ? "true" : "false";
    if (type->kind == IDL_FLOAT || type->kind == IDL_DOUBLE)
        return real(c, type, literal);
    return literal->kind == IDL_LITERAL_INTEGER ? integer(c, type, literal) : NULL;
}

/* ---- Parts */

static bool has_functions(const struct idl_type *type)
{
    return gen_is_maybe(type) || type->kind == IDL_RAW ||
           (type->kind > IDL_SCALARS && type->kind != IDL_ENUM);
}

const char *gen_address_of(struct gen_c *c, const char *part)
{
    if (strncmp(part, "(*", 2) == 0)
        return idl_copy_text(c->memory, part + 2, strlen(part) - 3);
    return idl_format(c->memory, "&%s", part);
}

/* An expression that may fail, or NULL where zeros do. */
const char *gen_init_part(struct gen_c *c, const struct idl_type *type, const char *part)
{
    if (!has_functions(type) || gen_is_pointer(type) || gen_is_maybe(type) ||
        type->kind == IDL_LIST || type->kind == IDL_MAP || type->kind == IDL_RAW)
        return NULL;
    return idl_format(c->memory, "%s_init(%s)", gen_find_type(&c->types, type)->name,
                      gen_address_of(c, part));
}

void gen_free_part(struct gen_c *c, int indent, const struct idl_type *type, const char *part)
{
    if (type->kind == IDL_STRING) {
        gen_add(c->out, "%*sfree(%s);\n", indent, "", part);
    } else if (gen_is_pointer(type)) {
        gen_add(c->out, "%*s%s_free(%s);\n%*sfree(%s);\n", indent, "",
                gen_find_type(&c->types, type)->name, part, indent, "", part);
    } else if (has_functions(type) && !gen_is_plain(&c->types, type)) {
        gen_add(c->out, "%*s%s_free(&%s);\n", indent, "", gen_find_type(&c->types, type)->name,
                part);
    }
}

/* An expression that may fail; NULL where an assignment does. */
const char *gen_copy_part(struct gen_c *c, const struct idl_type *type, const char *to,
                          const char *from)
{
    if (type->kind == IDL_STRING)
        return idl_format(c->memory, "copy_string(&%s, %s)", to, from);
    if (gen_is_pointer(type))
        return idl_format(c->memory, "copy_%s_or_nil(&%s, %s)",
                          gen_find_type(&c->types, type)->function, to, from);
    if (!has_functions(type) || gen_is_plain(&c->types, type))
        return NULL;
    return idl_format(c->memory, "%s_copy(%s, %s)", gen_find_type(&c->types, type)->name,
                      gen_address_of(c, to), gen_address_of(c, from));
}

const char *gen_equal_part(struct gen_c *c, const struct idl_type *type, const char *a,
                           const char *b)
{
    if (type->kind == IDL_STRING)
        return idl_format(c->memory,
                          type->is_nullable ? "equal_or_nil(%s, %s)" : "equal_strings(%s, %s)",
                          a, b);
    if (gen_is_pointer(type))
        return idl_format(c->memory, "(%s == NULL || %s == NULL ? %s == %s : %s_equal(%s, %s))",
                          a, b, a, b, gen_find_type(&c->types, type)->name, a, b);
    if (has_functions(type))
        return idl_format(c->memory, "%s_equal(%s, %s)", gen_find_type(&c->types, type)->name,
                          gen_address_of(c, a), gen_address_of(c, b));
    if (type->kind == IDL_TIMESTAMP)
        return idl_format(c->memory,
                          "%s.seconds == %s.seconds && %s.nanoseconds == %s.nanoseconds", a, b,
                          a, b);
    return idl_format(c->memory, "%s == %s", a, b);
}

/* ---- Structs with members: messages, tuples, what may be nil */

struct member {
    const char *name;
    struct idl_type type;
    const struct idl_literal *standard;
    struct member *next;
};

static struct member **add_member(struct gen_c *c, struct member **end, const char *name,
                                  const struct idl_type *type)
{
    *end = idl_alloc(c->memory, sizeof **end);
    (*end)->name = name;
    (*end)->type = *type;
    return &(*end)->next;
}

static struct member *members_of(struct gen_c *c, const struct gen_type *type)
{
    struct member *first = NULL, **end = &first;
    if (gen_is_maybe(type->type)) {
        struct idl_type plain = gen_without_nil(type->type), flag = {.kind = IDL_BOOL};
        end = add_member(c, end, "is_set", &flag);
        add_member(c, end, "value", &plain);
        return first;
    }
    int i = 0;
    for (const struct idl_type *item = type->type->arguments; item; item = item->next)
        end = add_member(c, end, idl_format(c->memory, "item%d", i++), item);
    if (type->type->kind != IDL_MESSAGE)
        return first;
    for (const struct idl_field *field = type->type->decl->message.fields; field;
         field = field->next) {
        struct member **mine = end;
        end = add_member(c, end, gen_member(c->memory, field->name.text), field->type);
        (*mine)->standard = field->standard;
    }
    return first;
}

static bool has_literal(const struct member *member)
{
    return member->standard != NULL && member->standard->kind != IDL_LITERAL_NIL;
}

/* Strings and bytes are copied, whose memory may be missing. */
static const char *fallible_init(struct gen_c *c, const struct member *member)
{
    const char *part = idl_format(c->memory, "value->%s", member->name);
    if (!has_literal(member) || member->standard->kind != IDL_LITERAL_STRING)
        return member->type.is_nullable ? NULL : gen_init_part(c, &member->type, part);
    struct gen_text text = {.bytes = NULL}, *out = c->out;
    c->out = &text;
    gen_literal(c, 0, member->standard->text, member->standard->size);
    c->out = out;
    const char *maybe = gen_is_maybe(&member->type) ? ".value" : "";
    const char *call =
        member->type.kind == IDL_STRING
            ? idl_format(c->memory, "copy_string(&%s, %s)", part, text.bytes)
            : idl_format(c->memory, "copy_bytes(&%s%s.bytes, &%s%s.size, %s, %zu)", part, maybe,
                         part, maybe, text.bytes, member->standard->size);
    gen_text_done(&text);
    return call;
}

static void add_step(struct gen_c *c, const char *step)
{
    gen_add(c->out, "    if (rc == 0)\n        rc = %s;\n", step);
}

static void add_init(struct gen_c *c, const struct gen_type *type, const struct member *members)
{
    bool can_fail = false;
    for (const struct member *one = members; one; one = one->next)
        can_fail = can_fail || fallible_init(c, one) != NULL;
    if (gen_is_maybe(type->type))
        can_fail = false;
    gen_add(c->out, "SHARED int %s_init(%s *value)\n{\n", type->name, type->name);
    if (can_fail)
        gen_add(c->out, "    int rc = 0;\n");
    gen_add(c->out, "    memset(value, 0, sizeof *value);\n");
    for (const struct member *one = members; one && !gen_is_maybe(type->type);
         one = one->next) {
        const char *standard = gen_standard(c, &one->type, one->standard);
        bool is_maybe = gen_is_maybe(&one->type);
        if (is_maybe && has_literal(one))
            gen_add(c->out, "    value->%s.is_set = true;\n", one->name);
        if (standard != NULL)
            gen_add(c->out, "    value->%s%s = %s;\n", one->name, is_maybe ? ".value" : "",
                    standard);
    }
    for (const struct member *one = members; one && can_fail; one = one->next)
        if (fallible_init(c, one) != NULL)
            add_step(c, fallible_init(c, one));
    if (can_fail)
        gen_add(c->out, "    if (rc < 0)\n        %s_free(value);\n", type->name);
    gen_add(c->out, "    return %s;\n}\n\n", can_fail ? "rc" : "0");
}

static void add_free(struct gen_c *c, const struct gen_type *type, const struct member *members)
{
    gen_add(c->out,
            "SHARED void %s_free(%s *value)\n{\n    if (value == NULL)\n        return;\n",
            type->name, type->name);
    for (const struct member *one = members; one; one = one->next)
        gen_free_part(c, 4, &one->type, idl_format(c->memory, "value->%s", one->name));
    gen_add(c->out, "    memset(value, 0, sizeof *value);\n}\n\n");
}

static void add_copy(struct gen_c *c, const struct gen_type *type, const struct member *members)
{
    const char *items[] = {idl_format(c->memory, "%s *to", type->name),
                           idl_format(c->memory, "const %s *from", type->name)};
    gen_list(c, idl_format(c->memory, "SHARED int %s_copy(", type->name), items, 2, ")\n{\n");
    if (type->is_plain) {
        gen_add(c->out, "    *to = *from;\n    return 0;\n}\n\n");
        return;
    }
    gen_add(c->out, "    int rc = 0;\n    memset(to, 0, sizeof *to);\n");
    for (int is_fallible = 0; is_fallible < 2; is_fallible++)
        for (const struct member *one = members; one; one = one->next) {
            const char *to = idl_format(c->memory, "to->%s", one->name);
            const char *from = idl_format(c->memory, "from->%s", one->name);
            const char *copy = gen_copy_part(c, &one->type, to, from);
            if (copy == NULL && !is_fallible)
                gen_add(c->out, "    %s = %s;\n", to, from);
            else if (copy != NULL && is_fallible)
                add_step(c, copy);
        }
    gen_add(c->out, "    if (rc < 0)\n        %s_free(to);\n    return rc;\n}\n\n", type->name);
}

static void add_equal(struct gen_c *c, const struct gen_type *type,
                      const struct member *members)
{
    const char *items[] = {idl_format(c->memory, "const %s *a", type->name),
                           idl_format(c->memory, "const %s *b", type->name)};
    gen_list(c, idl_format(c->memory, "SHARED bool %s_equal(", type->name), items, 2, ")\n{\n");
    if (members == NULL)
        gen_add(c->out, "    (void)a;\n    (void)b;\n");
    const char *sign = "return ";
    if (gen_is_maybe(type->type)) { /* what is not set is not compared */
        gen_add(c->out,
                "    if (!a->is_set || !b->is_set)\n        return a->is_set == b->is_set;\n");
        members = members->next;
    }
    for (const struct member *one = members; one; one = one->next) {
        gen_add(c->out, "%s%s%s", one == members ? "    " : " &&\n           ", sign,
                gen_equal_part(c, &one->type, idl_format(c->memory, "a->%s", one->name),
                               idl_format(c->memory, "b->%s", one->name)));
        sign = "";
    }
    gen_add(c->out, members == NULL ? "    return true;\n}\n\n" : ";\n}\n\n");
}

/* ---- All types */

static void add_pointer_functions(struct gen_c *c, const struct gen_type *type)
{
    gen_add(c->out,
            "SHARED %s *%s_new(void)\n{\n"
            "    %s *value = (%s *)malloc(sizeof *value);\n"
            "    if (value != NULL && %s_init(value) < 0) {\n"
            "        free(value);\n"
            "        return NULL;\n    }\n    return value;\n}\n\n",
            type->name, type->name, type->name, type->name, type->name);
}

/* Declared first, for what holds itself. */
static void add_copy_or_nil(struct gen_c *c, const struct gen_type *type)
{
    const char *words = type->function;
    const char *items[] = {idl_format(c->memory, "%s **to", type->name),
                           idl_format(c->memory, "const %s *from", type->name)};
    gen_list(c, idl_format(c->memory, "static int copy_%s_or_nil(", words), items, 2, ")\n{\n");
    gen_add(c->out,
            "    int rc;\n"
            "    *to = NULL;\n"
            "    if (from == NULL)\n"
            "        return 0;\n"
            "    *to = (%s *)malloc(sizeof **to);\n"
            "    rc = *to != NULL ? %s_copy(*to, from) : -ENOMEM;\n"
            "    if (rc < 0) {\n"
            "        free(*to);\n"
            "        *to = NULL;\n"
            "    }\n"
            "    return rc;\n}\n\n",
            type->name, type->name);
}

void gen_values(struct gen_c *c)
{
    for (const struct gen_type *one = c->types.first; one; one = one->next)
        if (one->is_copied_behind_pointer)
            add_copy_or_nil(c, one);
    for (const struct gen_type *one = c->types.first; one; one = one->next) {
        c->types.view = one->home;
        if (one->type->kind == IDL_ENUM && !one->type->is_nullable)
            continue;
        enum idl_type_kind kind = one->type->kind;
        if (!one->type->is_nullable &&
            (kind == IDL_LIST || kind == IDL_MAP || kind == IDL_RAW)) {
            gen_container(c, one);
            continue;
        }
        const struct member *members = members_of(c, one);
        add_init(c, one, members);
        add_free(c, one, members);
        add_copy(c, one, members);
        add_equal(c, one, members);
        if (one->is_used_behind_pointer)
            add_pointer_functions(c, one);
    }
    c->types.view = c->file;
}
