/*
 * Lists, maps and bytes: init, free, copy, equal, and how they grow.
 */
#include "c.h"

/* What the items are called, and how large one is. */
struct shape {
    const char *items, *item_type, *item;
};

static struct shape shape_of(struct gen_c *c, const struct gen_type *type)
{
    if (type->type->kind == IDL_MAP)
        return (struct shape){"entries", idl_format(c->memory, "%s_entry *", type->name),
                              "entry"};
    return (struct shape){
        "items", idl_format(c->memory, "%s*", gen_c_type(&c->types, type->type->arguments)),
        "item"};
}

static void add_init(struct gen_c *c, const struct gen_type *type)
{
    gen_add(c->out,
            "SHARED int %s_init(%s *value)\n{\n    memset(value, 0, sizeof *value);\n"
            "    return 0;\n}\n\n",
            type->name, type->name);
}

/* The parts of one item: of an entry its key and its value. */
static void for_parts(struct gen_c *c, const struct gen_type *type, const char *item,
                      void (*add)(struct gen_c *c, const struct idl_type *type,
                                  const char *item, const char *member))
{
    const struct idl_type *part = type->type->arguments;
    add(c, part, item, type->type->kind == IDL_MAP ? ".key" : "");
    if (type->type->kind == IDL_MAP)
        add(c, part->next, item, ".value");
}

static void add_free_part(struct gen_c *c, const struct idl_type *type, const char *item,
                          const char *member)
{
    gen_free_part(c, 8, type, idl_format(c->memory, "%s%s", item, member));
}

static bool items_are_plain(struct gen_c *c, const struct gen_type *type)
{
    for (const struct idl_type *part = type->type->arguments; part; part = part->next)
        if (!gen_is_plain(&c->types, part))
            return false;
    return true;
}

static void add_free(struct gen_c *c, const struct gen_type *type)
{
    struct shape shape = shape_of(c, type);
    gen_add(c->out,
            "SHARED void %s_free(%s *value)\n{\n%s    if (value == NULL)\n        return;\n",
            type->name, type->name, items_are_plain(c, type) ? "" : "    size_t i;\n");
    if (!items_are_plain(c, type)) {
        bool is_one = type->type->kind == IDL_LIST && !gen_is_pointer(type->type->arguments);
        is_one = is_one || (type->type->kind == IDL_MAP &&
                            gen_is_plain(&c->types, type->type->arguments) &&
                            !gen_is_pointer(type->type->arguments->next));
        gen_add(c->out, "    for (i = 0; i < value->count; i++)%s\n", is_one ? "" : " {");
        for_parts(c, type, idl_format(c->memory, "value->%s[i]", shape.items), add_free_part);
        if (!is_one)
            gen_add(c->out, "    }\n");
    }
    gen_add(c->out, "    free(value->%s);\n    memset(value, 0, sizeof *value);\n}\n\n",
            shape.items);
}

static void add_copy_part(struct gen_c *c, const struct idl_type *type, const char *item,
                          const char *member)
{
    const char *to = idl_format(c->memory, "to->%s%s", item, member);
    const char *from = idl_format(c->memory, "from->%s%s", item, member);
    const char *copy = gen_copy_part(c, type, to, from);
    if (copy == NULL)
        gen_add(c->out, "        %s = %s;\n", to, from);
    else
        gen_add(c->out, "        if (rc == 0)\n            rc = %s;\n", copy);
}

/* The count goes up with each item, so that what is whole can be freed behind a failure. */
static void add_copy(struct gen_c *c, const struct gen_type *type)
{
    struct shape shape = shape_of(c, type);
    const char *items[] = {idl_format(c->memory, "%s *to", type->name),
                           idl_format(c->memory, "const %s *from", type->name)};
    gen_list(c, idl_format(c->memory, "SHARED int %s_copy(", type->name), items, 2, ")\n{\n");
    gen_add(c->out,
            "    int rc = 0;\n    size_t i;\n    memset(to, 0, sizeof *to);\n"
            "    if (from->count == 0)\n        return 0;\n"
            "    to->%s = (%s)calloc(from->count, sizeof *to->%s);\n"
            "    if (to->%s == NULL)\n        return -ENOMEM;\n"
            "    for (i = 0; rc == 0 && i < from->count; i++) {\n"
            "        to->count++;\n",
            shape.items, shape.item_type, shape.items, shape.items);
    for_parts(c, type, idl_format(c->memory, "%s[i]", shape.items), add_copy_part);
    gen_add(c->out, "    }\n    if (rc < 0)\n        %s_free(to);\n    return rc;\n}\n\n",
            type->name);
}

static void add_equal(struct gen_c *c, const struct gen_type *type)
{
    const struct idl_type *part = type->type->arguments;
    const char *items[] = {idl_format(c->memory, "const %s *a", type->name),
                           idl_format(c->memory, "const %s *b", type->name)};
    gen_list(c, idl_format(c->memory, "SHARED bool %s_equal(", type->name), items, 2, ")\n{\n");
    gen_add(c->out, "    size_t i;\n    if (a->count != b->count)\n        return false;\n"
                    "    for (i = 0; i < a->count; i++)");
    if (type->type->kind == IDL_LIST) {
        gen_add(c->out,
                "\n        if (!(%s))\n            return false;\n    return true;\n}\n\n",
                gen_equal_part(c, part, "a->items[i]", "b->items[i]"));
        return;
    }
    gen_add(c->out,
            " {\n        const %s_entry *other = find_%s(b, a->entries[i].key);\n"
            "        if (other == NULL || !(%s))\n            return false;\n    }\n"
            "    return true;\n}\n\n",
            type->name, type->function,
            gen_equal_part(c, part->next, "a->entries[i].value", "other->value"));
}

/* ---- Growth */

/* What is a pointer anyway is got as it is, other values by a pointer to them. */
bool gen_is_got_itself(const struct idl_type *type)
{
    return type->kind == IDL_STRING || type->kind == IDL_OBJECT || gen_is_pointer(type);
}

const char *gen_map_got(struct gen_c *c, const struct idl_type *value)
{
    const char *type = gen_c_type(&c->types, value);
    return idl_format(c->memory, "%s%s%s", value->kind == IDL_OBJECT ? "" : "const ", type,
                      gen_is_got_itself(value) ? "" : "*");
}

static const char *key_argument(struct gen_c *c, const struct idl_type *key)
{
    return key->kind == IDL_STRING ? "const char *key"
                                   : idl_format(c->memory, "%skey", gen_c_type(&c->types, key));
}

/* Makes room for one more at the end. */
static void add_growth(struct gen_c *c, struct shape shape)
{
    const char *items[] = {idl_format(c->memory, "value->%s", shape.items), "value->count",
                           "&value->capacity",
                           idl_format(c->memory, "sizeof *%s", shape.items)};
    gen_add(c->out, "    if (value->count >= value->capacity) {\n");
    gen_list(c, idl_format(c->memory, "        %s = (%s)grow(", shape.items, shape.item_type),
             items, 4, ");\n");
    gen_add(
        c->out,
        "        if (%s == NULL)\n            return NULL;\n        value->%s = %s;\n    }\n"
        "    %s = &value->%s[value->count];\n    memset(%s, 0, sizeof *%s);\n",
        shape.items, shape.items, shape.items, shape.item, shape.items, shape.item, shape.item);
}

static void add_initial(struct gen_c *c, const struct idl_type *type, const char *part,
                        const char *key)
{
    struct idl_type plain = *type;
    const char *init = gen_init_part(c, &plain, part), *standard = gen_standard(c, type, NULL);
    if (standard != NULL)
        gen_add(c->out, "    %s = %s;\n", part, standard);
    if (init != NULL) {
        gen_add(c->out, "    if (%s < 0)%s\n", init, key != NULL ? " {" : "");
        if (key != NULL)
            gen_add(c->out, "        free(%s);\n", key);
        gen_add(c->out, "        return NULL;\n%s", key != NULL ? "    }\n" : "");
    }
}

static void add_list_add(struct gen_c *c, const struct gen_type *type)
{
    struct shape shape = shape_of(c, type);
    gen_add(c->out, "SHARED %s%s_add(%s *value)\n{\n    %sitems;\n    %sitem;\n",
            shape.item_type, type->name, type->name, shape.item_type, shape.item_type);
    add_growth(c, shape);
    add_initial(c, type->type->arguments, "(*item)", NULL);
    gen_add(c->out, "    value->count++;\n    return item;\n}\n\n");
}

/* Where a key came twice the last one counts. */
static void add_map_find(struct gen_c *c, const struct gen_type *type)
{
    const struct idl_type *key = type->type->arguments;
    const char *items[] = {idl_format(c->memory, "const %s *value", type->name),
                           key_argument(c, key)};
    gen_list(c, idl_format(c->memory, "static %s_entry *find_%s(", type->name, type->function),
             items, 2, ")\n{\n");
    gen_add(c->out,
            "    size_t i;\n"
            "    for (i = value->count; i > 0; i--) /* of two the last one counts */\n"
            "        if (%s)\n            return &value->entries[i - 1];\n"
            "    return NULL;\n}\n\n",
            gen_equal_part(c, key, "value->entries[i - 1].key", "key"));
}

static void add_map_get(struct gen_c *c, const struct gen_type *type)
{
    const struct idl_type *key = type->type->arguments;
    const char *items[] = {idl_format(c->memory, "const %s *value", type->name),
                           key_argument(c, key)};
    const char *got = gen_map_got(c, key->next);
    gen_list(c, idl_format(c->memory, "SHARED %s%s_get(", got, type->name), items, 2, ")\n{\n");
    gen_add(c->out,
            "    const %s_entry *entry = find_%s(value, key);\n"
            "    return entry != NULL ? %sentry->value : NULL;\n}\n\n",
            type->name, type->function, gen_is_got_itself(key->next) ? "" : "&");
}

static void add_map_add(struct gen_c *c, const struct gen_type *type)
{
    struct shape shape = shape_of(c, type);
    const struct idl_type *key = type->type->arguments;
    const char *items[] = {idl_format(c->memory, "%s *value", type->name),
                           key_argument(c, key)};
    bool is_string = key->kind == IDL_STRING;
    gen_list(c,
             idl_format(c->memory, "SHARED %s*%s_add(", gen_c_type(&c->types, key->next),
                        type->name),
             items, 2, ")\n{\n");
    gen_add(c->out,
            "    %s_entry *entries, *entry = find_%s(value, key);\n"
            "    if (entry != NULL)\n        return &entry->value;\n",
            type->name, type->function);
    add_growth(c, shape);
    if (is_string)
        gen_add(c->out, "    if (copy_string(&entry->key, key) < 0)\n        return NULL;\n");
    else
        gen_add(c->out, "    entry->key = key;\n");
    add_initial(c, key->next, "entry->value", is_string ? "entry->key" : NULL);
    gen_add(c->out, "    value->count++;\n    return &entry->value;\n}\n\n");
}

static void add_raw(struct gen_c *c, const struct gen_type *type)
{
    const char *name = type->name;
    add_init(c, type);
    gen_add(c->out,
            "SHARED void %s_free(%s *value)\n{\n    if (value == NULL)\n        return;\n"
            "    free(value->bytes);\n    memset(value, 0, sizeof *value);\n}\n\n",
            name, name);
    gen_add(c->out,
            "SHARED int %s_copy(%s *to, const %s *from)\n{\n"
            "    return copy_bytes(&to->bytes, &to->size, from->bytes, from->size);\n}\n\n",
            name, name, name);
    gen_add(c->out,
            "SHARED bool %s_equal(const %s *a, const %s *b)\n{\n"
            "    return a->size == b->size && (a->size == 0 || memcmp(a->bytes, b->bytes, "
            "a->size) == "
            "0);\n}\n\n",
            name, name, name);
}

void gen_container(struct gen_c *c, const struct gen_type *type)
{
    if (type->type->kind == IDL_RAW) {
        add_raw(c, type);
        return;
    }
    add_init(c, type);
    add_free(c, type);
    add_copy(c, type);
    if (type->type->kind == IDL_MAP) {
        add_map_find(c, type);
        add_map_get(c, type);
        add_map_add(c, type);
    } else {
        add_list_add(c, type);
    }
    add_equal(c, type);
}
