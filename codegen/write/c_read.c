/*
 * Functions that read values that came. Their types have been held against the signature; what
 * that does not know is looked at here: how large a number may be, values of enums, strings
 * that hold a NUL.
 */
#include "c.h"

#include <string.h>

/* ---- Parts */

static const char *integer_range(enum idl_type_kind kind)
{
    static const char *const ranges[] = {
        [IDL_BYTE] = "INT8_MIN, INT8_MAX",  [IDL_SHORT] = "INT16_MIN, INT16_MAX",
        [IDL_INT] = "INT32_MIN, INT32_MAX", [IDL_UBYTE] = "0, UINT8_MAX",
        [IDL_USHORT] = "0, UINT16_MAX",     [IDL_UINT] = "0, UINT32_MAX",
    };
    return ranges[kind];
}

/* The expression of a value that is no struct: a call, of these arguments. */
struct expression {
    const char *head, *items[5];
    size_t count;
};

static struct expression scalar(struct gen_c *c, const struct idl_type *type, const char *from,
                                const char *name)
{
    static const char *const readers[] = {
        [IDL_BOOL] = "duet_value_bool(",
        [IDL_LONG] = "duet_value_int(",
        [IDL_ULONG] = "duet_value_uint(",
        [IDL_FLOAT] = "(float)duet_value_double(",
        [IDL_DOUBLE] = "duet_value_double(",
        [IDL_TIMESTAMP] = "duet_value_time(",
        [IDL_SCALARS] = NULL,
    };
    const char *words = "";
    if (type->decl != NULL)
        words = gen_find_type(&c->types, type)->function;
    if (type->kind == IDL_MESSAGE) { /* a pointer */
        return (struct expression){
            idl_format(c->memory, "read_%s_or_nil(", words), {c->reader, from}, 2};
    }
    if (type->kind == IDL_ENUM)
        return (struct expression){
            idl_format(c->memory, "read_%s(", words), {c->reader, from, name}, 3};
    if (type->kind == IDL_STRING)
        return (struct expression){
            type->is_nullable ? "string_or_nil(" : "string_of(", {c->reader, from, name}, 3};
    if (readers[type->kind] != NULL)
        return (struct expression){readers[type->kind], {from}, 1};
    const char *c_type = gen_c_type(&c->types, type);
    return (struct expression){
        idl_format(c->memory, "(%.*s)integer_of(", (int)strcspn(c_type, " "), c_type),
        {c->reader, from, name, integer_range(type->kind)},
        4};
}

bool gen_is_struct(const struct idl_type *type)
{
    return gen_is_maybe(type) || type->kind == IDL_RAW ||
           (type->kind > IDL_SCALARS && type->kind != IDL_ENUM && !gen_is_pointer(type));
}

/* Whether a part of it may be refused, which is told by the name of the whole: of a message, by
 * those of its fields. */
static bool needs_name(const struct idl_type *type)
{
    if (type->kind == IDL_ENUM || type->kind == IDL_STRING ||
        (idl_type_is_integer(type) && type->kind != IDL_LONG && type->kind != IDL_ULONG))
        return true;
    for (const struct idl_type *one = type->arguments; one; one = one->next)
        if (needs_name(one))
            return true;
    return false;
}

bool gen_needs_reader(const struct idl_type *type)
{
    if (needs_name(type) || type->kind == IDL_LIST || type->kind == IDL_MAP ||
        gen_is_pointer(type))
        return true;
    if (type->kind == IDL_MESSAGE) /* one that holds itself does so behind one of these */
        for (const struct idl_field *field = type->decl->message.fields; field;
             field = field->next)
            if (gen_needs_reader(field->type))
                return true;
    for (const struct idl_type *one = type->arguments; one; one = one->next)
        if (gen_needs_reader(one))
            return true;
    return false;
}

static void add_scalar(struct gen_c *c, const char *head, const struct idl_type *type,
                       const char *from, const char *name)
{
    if (type->kind == IDL_OBJECT) {
        gen_add(c->out, "%s%s;\n", head, from);
        return;
    }
    struct expression value = scalar(c, type, from, name);
    gen_list(c, idl_format(c->memory, "%s%s", head, value.head), value.items, value.count,
             ");\n");
}

void gen_read_part(struct gen_c *c, int indent, const struct idl_type *type, const char *to,
                   const char *from, const char *name)
{
    if (!gen_is_struct(type)) {
        add_scalar(c, idl_format(c->memory, "%*s%s = ", indent, "", to), type, from, name);
        return;
    }
    if (type->kind == IDL_RAW && !gen_is_maybe(type)) {
        gen_add(c->out, "%*s%s.bytes = bytes_of(%s, &%s.size);\n", indent, "", to, from, to);
        return;
    }
    const char *items[4];
    size_t count = 0;
    if (gen_needs_reader(type))
        items[count++] = c->reader;
    items[count++] = from;
    if (needs_name(type))
        items[count++] = name;
    items[count++] = idl_format(c->memory, "&%s", to);
    gen_list(c,
             idl_format(c->memory, "%*sread_%s(", indent, "",
                        gen_find_type(&c->types, type)->function),
             items, count, ");\n");
}

/* ---- Messages */

static bool is_zero_default(struct gen_c *c, const struct idl_field *field)
{
    return gen_standard(c, field->type, field->standard) == NULL &&
           (field->standard == NULL || field->standard->kind != IDL_LITERAL_STRING);
}

bool gen_has_default(struct gen_c *c, const struct idl_field *field)
{
    return gen_may_be_missing(field) && !is_zero_default(c, field);
}

/* Statements that give a struct its default, which is not copied: it is only read. */
static void set_default(struct gen_c *c, const struct idl_field *field, const char *to)
{
    const char *standard = gen_standard(c, field->type, field->standard);
    const struct idl_literal *literal = field->standard;
    const char *value = gen_is_maybe(field->type) ? idl_format(c->memory, "%s.value", to) : to;
    if (gen_is_maybe(field->type))
        gen_add(c->out, "        %s.is_set = true;\n", to);
    if (standard != NULL) {
        gen_add(c->out, "        %s = %s;\n", value, standard);
        return;
    }
    gen_add(c->out, "        %s.bytes = (uint8_t *)", value);
    gen_literal(c, 12, literal->text, literal->size);
    gen_add(c->out, ";\n        %s.size = %zu;\n", value, literal->size);
}

static const char *default_of(struct gen_c *c, const struct idl_field *field)
{
    const char *standard = gen_standard(c, field->type, field->standard);
    if (standard != NULL)
        return standard;
    struct gen_text text = {.bytes = NULL}, *out = c->out;
    c->out = &text;
    gen_literal(c, 0, field->standard->text, field->standard->size);
    c->out = out;
    standard = idl_format(c->memory, "(char *)%s", text.bytes);
    gen_text_done(&text);
    return standard;
}

/* A default stands in for what did not come; for what may be nil, only if it did not come. */
void gen_read_field(struct gen_c *c, const struct idl_field *field, const char *to,
                    const char *from, const char *is_missing)
{
    const char *name = idl_format(c->memory, "\"%s\"", field->name.text);
    if (!gen_has_default(c, field)) {
        gen_read_part(c, 4, field->type, to, from, name);
    } else if (gen_is_struct(field->type)) {
        gen_add(c->out, "    if (%s) {\n", is_missing);
        set_default(c, field, to);
        gen_add(c->out, "    } else {\n");
        gen_read_part(c, 8, field->type, to, from, name);
        gen_add(c->out, "    }\n");
    } else {
        const char *head =
            idl_format(c->memory, "    %s = %s ? %s : ", to, is_missing, default_of(c, field));
        if (strlen(head) > 60)
            head = idl_format(c->memory, "    %s = %s\n        ? %s\n        : ", to,
                              is_missing, default_of(c, field));
        add_scalar(c, head, field->type, from, name);
    }
}

static void add_message(struct gen_c *c, const struct gen_type *type)
{
    const struct idl_field *fields = type->type->decl->message.fields;
    bool has_default = false;
    for (const struct idl_field *field = fields; field; field = field->next)
        has_default = has_default || gen_has_default(c, field);
    if (has_default)
        gen_add(c->out, "    const duet_value *member;\n");
    for (const struct idl_field *field = fields; field; field = field->next) {
        const char *from =
            idl_format(c->memory, "duet_value_get(from, \"%s\")", field->name.text);
        const char *to =
            idl_format(c->memory, "to->%s", gen_member(c->memory, field->name.text));
        if (gen_has_default(c, field)) {
            gen_add(c->out, "    member = %s;\n", from);
            from = "member";
        }
        gen_read_field(
            c, field, to, from,
            field->type->is_nullable
                ? idl_format(c->memory, "!has_member(from, \"%s\")", field->name.text)
                : "is_nil(member)");
    }
    if (fields == NULL)
        gen_add(c->out, "    (void)from;\n    to->nothing = 0;\n");
}

/* ---- Other structs */

static void add_list(struct gen_c *c, const struct gen_type *type)
{
    const char *item = gen_c_type(&c->types, type->type->arguments);
    gen_add(c->out,
            "    size_t i, count = duet_value_count(from);\n    memset(to, 0, sizeof *to);\n"
            "    to->items = (%s*)take(reader, count, sizeof *to->items);\n"
            "    if (to->items == NULL)\n        return;\n"
            "    to->count = count;\n"
            "    for (i = 0; i < count; i++)\n",
            item);
    gen_read_part(c, 8, type->type->arguments, "to->items[i]", "duet_value_item(from, i)",
                  "name");
}

static void add_map(struct gen_c *c, const struct gen_type *type)
{
    const struct idl_type *key = type->type->arguments;
    const char *items[] = {"reader", "count", "sizeof *to->entries"};
    gen_add(c->out,
            "    size_t i, count = duet_value_count(from);\n    memset(to, 0, sizeof *to);\n");
    gen_list(c, idl_format(c->memory, "    to->entries = (%s_entry *)take(", type->name), items,
             3, ");\n");
    gen_add(c->out, "    if (to->entries == NULL)\n        return;\n    to->count = count;\n"
                    "    for (i = 0; i < count; i++) {\n");
    if (key->kind == IDL_STRING)
        gen_add(
            c->out,
            "        to->entries[i].key = key_of(reader, duet_value_key(from, i), name);\n");
    else
        gen_read_part(c, 8, key, "to->entries[i].key", "duet_value_key(from, i)", "name");
    gen_read_part(c, 8, key->next, "to->entries[i].value", "duet_value_item(from, i)", "name");
    gen_add(c->out, "    }\n");
}

static void add_tuple(struct gen_c *c, const struct gen_type *type)
{
    int i = 0;
    for (const struct idl_type *item = type->type->arguments; item; item = item->next, i++)
        gen_read_part(c, 4, item, idl_format(c->memory, "to->item%d", i),
                      idl_format(c->memory, "duet_value_item(from, %d)", i), "name");
}

static void add_maybe(struct gen_c *c, const struct gen_type *type)
{
    struct idl_type plain = gen_without_nil(type->type);
    gen_add(c->out, "    memset(to, 0, sizeof *to);\n"
                    "    to->is_set = !is_nil(from);\n"
                    "    if (to->is_set)\n");
    gen_read_part(c, 8, &plain, "to->value", "from", "name");
}

static void add_enum(struct gen_c *c, const struct gen_type *type)
{
    const struct idl_decl *decl = type->type->decl;
    const char *prefix = gen_upper(c->memory, type->name), *words = "", *sign = "";
    gen_add(c->out, "    int64_t number = duet_value_int(from);\n    switch (number) {\n");
    for (const struct idl_enum_value *value = decl->values; value; value = value->next) {
        gen_add(c->out, "    case %s_%s:\n", prefix, gen_upper(c->memory, value->name.text));
        words = idl_format(c->memory, "%s%s%llu %s", words, sign,
                           (unsigned long long)value->number, value->name.text);
        sign = ", ";
    }
    if (strlen(words) > 200)
        words = "see its interface";
    gen_add(c->out, "        return (%s)number;\n    default:\n", type->name);
    const char *items[] = {"reader", "name",
                           idl_format(c->memory, "\"a %s (%s)\"", decl->name.text, words),
                           "from"};
    gen_list(c, "        refuse_number(", items, 4, ");\n");
    gen_add(c->out, "        return %s;\n    }\n", gen_standard(c, type->type, NULL));
}

/* ---- All types */

static void add_head(struct gen_c *c, const struct gen_type *type, const char *end)
{
    const char *words = type->function;
    bool is_enum = type->type->kind == IDL_ENUM && !type->type->is_nullable;
    const char *items[4];
    size_t count = 0;
    if (gen_needs_reader(type->type))
        items[count++] = "struct reader *reader";
    items[count++] = "const duet_value *from";
    if (needs_name(type->type))
        items[count++] = "const char *name";
    if (!is_enum)
        items[count++] = idl_format(c->memory, "%s *to", type->name);
    gen_list(c,
             idl_format(c->memory, "static %s read_%s(", is_enum ? type->name : "void", words),
             items, count, end);
}

static void add_reader(struct gen_c *c, const struct gen_type *type)
{
    add_head(c, type, ")\n{\n");
    if (gen_is_maybe(type->type))
        add_maybe(c, type);
    else if (type->type->kind == IDL_MESSAGE)
        add_message(c, type);
    else if (type->type->kind == IDL_LIST)
        add_list(c, type);
    else if (type->type->kind == IDL_MAP)
        add_map(c, type);
    else if (type->type->kind == IDL_TUPLE)
        add_tuple(c, type);
    else
        add_enum(c, type);
    gen_add(c->out, "}\n\n");
}

static void add_or_nil(struct gen_c *c, const struct gen_type *type, bool is_head)
{
    const char *words = type->function;
    const char *items[] = {"struct reader *reader", "const duet_value *from"};
    gen_list(c, idl_format(c->memory, "static %s *read_%s_or_nil(", type->name, words), items,
             2, is_head ? ");\n" : ")\n{\n");
    if (!is_head)
        gen_add(c->out,
                "    %s *to;\n    if (is_nil(from))\n        return NULL;\n"
                "    to = (%s *)take(reader, 1, sizeof *to);\n    if (to != NULL)\n"
                "        read_%s(%sfrom, to);\n    return to;\n}\n\n",
                type->name, type->name, words, gen_needs_reader(type->type) ? "reader, " : "");
}

static bool is_raw(const struct gen_type *type)
{
    return type->type->kind == IDL_RAW && !type->type->is_nullable;
}

void gen_readers(struct gen_c *c)
{
    bool has_heads = false;
    for (const struct gen_type *one = c->types.first; one; one = one->next) {
        if (!one->is_read || !one->is_used_early)
            continue;
        add_head(c, one, ");\n");
        if (one->is_read_behind_pointer)
            add_or_nil(c, one, true);
        has_heads = true;
    }
    if (has_heads)
        gen_add(c->out, "\n");
    for (const struct gen_type *one = c->types.in_order; one; one = one->next_in_order) {
        c->types.view = one->home;
        if (!one->is_read || is_raw(one))
            continue;
        add_reader(c, one);
        if (one->is_read_behind_pointer)
            add_or_nil(c, one, false);
    }
    c->types.view = c->file;
}
