/*
 * Functions that write values, straight through the writer. Its errors stick, so none is looked
 * at here.
 */
#include "c.h"

#include <string.h>

static bool is_struct(const struct idl_type *type)
{
    return gen_is_maybe(type) || type->kind == IDL_RAW ||
           (type->kind > IDL_SCALARS && type->kind != IDL_ENUM);
}

void gen_write_part(struct gen_c *c, int indent, const struct idl_type *type, const char *value)
{
    static const char *const writers[] = {
        [IDL_OBJECT] = "write_object",     [IDL_BOOL] = "duet_write_bool",
        [IDL_BYTE] = "duet_write_int",     [IDL_SHORT] = "duet_write_int",
        [IDL_INT] = "duet_write_int",      [IDL_LONG] = "duet_write_int",
        [IDL_UBYTE] = "duet_write_uint",   [IDL_USHORT] = "duet_write_uint",
        [IDL_UINT] = "duet_write_uint",    [IDL_ULONG] = "duet_write_uint",
        [IDL_FLOAT] = "duet_write_double", [IDL_DOUBLE] = "duet_write_double",
        [IDL_STRING] = "write_text",       [IDL_TIMESTAMP] = "duet_write_time",
        [IDL_ENUM] = "duet_write_int",
    };
    if (type->kind == IDL_STRING && type->is_nullable)
        gen_add(c->out, "%*swrite_text_or_nil(%s, %s);\n", indent, "", c->writer, value);
    else if (type->kind == IDL_RAW && !gen_is_maybe(type))
        gen_add(c->out, "%*sduet_write_bytes(%s, %s.bytes, %s.size);\n", indent, "", c->writer,
                value, value);
    else if (is_struct(type))
        gen_add(c->out, "%*swrite_%s%s(%s, %s%s);\n", indent, "",
                gen_find_type(&c->types, type)->function, gen_is_pointer(type) ? "_or_nil" : "",
                c->writer, "", gen_is_pointer(type) ? value : gen_address_of(c, value));
    else
        gen_add(c->out, "%*s%s(%s, %s%s);\n", indent, "", writers[type->kind], c->writer,
                type->kind == IDL_FLOAT ? "(double)" : "", value);
}

/* ---- Structs */

static void add_message(struct gen_c *c, const struct gen_type *type)
{
    const struct idl_message *message = &type->type->decl->message;
    size_t index = 0;
    gen_add(c->out, "    duet_write_record(writer, %zu, DUET_RECORD_ARRAY);\n", message->size);
    for (const struct idl_field *field = message->fields; field; field = field->next) {
        for (; index < field->index; index++)
            gen_add(c->out,
                    "    duet_write_field(writer, \"%zu\"); /* no field has this number */\n"
                    "    duet_write_nil(writer);\n",
                    index);
        gen_add(c->out, "    duet_write_field(writer, \"%s\");\n", field->name.text);
        gen_write_part(
            c, 4, field->type,
            idl_format(c->memory, "value->%s", gen_member(c->memory, field->name.text)));
        index++;
    }
    if (message->fields == NULL)
        gen_add(c->out, "    (void)value;\n");
}

static void add_list(struct gen_c *c, const struct gen_type *type)
{
    gen_add(c->out, "    size_t i;\n    duet_write_array(writer, value->count);\n"
                    "    for (i = 0; i < value->count; i++)\n");
    gen_write_part(c, 8, type->type->arguments, "value->items[i]");
}

static void add_map(struct gen_c *c, const struct gen_type *type)
{
    const struct idl_type *key = type->type->arguments;
    gen_add(c->out, "    size_t i;\n    duet_write_map(writer, value->count);\n"
                    "    for (i = 0; i < value->count; i++) {\n");
    if (key->kind == IDL_STRING)
        gen_add(c->out, "        write_key(writer, value->entries[i].key);\n");
    else
        gen_add(c->out, "        duet_write_int_key(writer, %svalue->entries[i].key);\n",
                key->kind == IDL_ULONG ? "(int64_t)" : "");
    gen_write_part(c, 8, key->next, "value->entries[i].value");
    gen_add(c->out, "    }\n");
}

static void add_tuple(struct gen_c *c, const struct gen_type *type)
{
    int count = 0, i = 0;
    for (const struct idl_type *item = type->type->arguments; item; item = item->next)
        count++;
    gen_add(c->out, "    duet_write_array(writer, %d);\n", count);
    for (const struct idl_type *item = type->type->arguments; item; item = item->next)
        gen_write_part(c, 4, item, idl_format(c->memory, "value->item%d", i++));
}

static void add_maybe(struct gen_c *c, const struct gen_type *type)
{
    struct idl_type plain = gen_without_nil(type->type);
    gen_add(c->out, "    if (value->is_set)\n");
    gen_write_part(c, 8, &plain, "value->value");
    gen_add(c->out, "    else\n        duet_write_nil(writer);\n");
}

/* ---- All types */

static void add_head(struct gen_c *c, const struct gen_type *type, const char *suffix,
                     const char *end)
{
    const char *items[] = {"duet_writer *writer",
                           idl_format(c->memory, "const %s *value", type->name)};
    gen_list(c, idl_format(c->memory, "static void write_%s%s(", type->function, suffix), items,
             2, end);
}

static void add_or_nil(struct gen_c *c, const struct gen_type *type)
{
    add_head(c, type, "_or_nil", ")\n{\n");
    gen_add(c->out,
            "    if (value != NULL)\n        write_%s(writer, value);\n"
            "    else\n        duet_write_nil(writer);\n}\n\n",
            type->function);
}

static bool has_writer(const struct gen_type *type)
{
    bool is_raw = type->type->kind == IDL_RAW || type->type->kind == IDL_ENUM;
    return type->is_written && (type->type->is_nullable || !is_raw);
}

void gen_writers(struct gen_c *c)
{
    bool has_heads = false;
    for (const struct gen_type *one = c->types.first; one; one = one->next)
        if (has_writer(one) && one->is_used_early) {
            add_head(c, one, "", ");\n");
            if (one->is_written_behind_pointer)
                add_head(c, one, "_or_nil", ");\n");
            has_heads = true;
        }
    if (has_heads)
        gen_add(c->out, "\n");
    for (const struct gen_type *one = c->types.in_order; one; one = one->next_in_order) {
        c->types.view = one->home;
        if (!has_writer(one))
            continue;
        add_head(c, one, "", ")\n{\n");
        if (gen_is_maybe(one->type))
            add_maybe(c, one);
        else if (one->type->kind == IDL_MESSAGE)
            add_message(c, one);
        else if (one->type->kind == IDL_LIST)
            add_list(c, one);
        else if (one->type->kind == IDL_MAP)
            add_map(c, one);
        else
            add_tuple(c, one);
        gen_add(c->out, "}\n\n");
        if (one->is_written_behind_pointer)
            add_or_nil(c, one);
    }
    c->types.view = c->file;
}
