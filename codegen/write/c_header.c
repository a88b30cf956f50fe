/*
 * The header: constants, types, what is done with them.
 */
#include "c.h"

#include <string.h>

/* ---- Types */

static void define(struct gen_c *c, struct gen_type *type);

static struct gen_type *find_own(struct gen_c *c, const struct idl_type *type)
{
    struct gen_type *one = gen_find_type(&c->types, type);
    return one != NULL && one->home == c->file ? one : NULL;
}

/* Its struct has to be there before one that holds it. */
static void need(struct gen_c *c, const struct idl_type *type)
{
    struct gen_type *one = find_own(c, type);
    if (one != NULL)
        define(c, one);
}

/* What holds nothing but pointers can be defined at any place. */
static bool is_free(const struct idl_type *type)
{
    return !type->is_nullable && (type->kind == IDL_LIST || type->kind == IDL_MAP ||
                                  type->kind == IDL_RAW || type->kind == IDL_ENUM);
}

/* For a pointer its name is enough. While a struct is open that is all there may be: it could
 * be what this one needs. */
static void need_name(struct gen_c *c, const struct idl_type *type)
{
    struct gen_type *one = find_own(c, type);
    if (one == NULL)
        return;
    if (c->open_structs == 0 || is_free(one->type))
        define(c, one);
    if (!one->is_complete && !one->is_declared && one->type->kind != IDL_ENUM) {
        one->is_declared = true;
        gen_add(c->out, "typedef struct %s %s;\n\n", one->name, one->name);
    }
}

static void need_members(struct gen_c *c, const struct gen_type *type)
{
    c->open_structs++;
    if (gen_is_maybe(type->type)) {
        struct idl_type plain = gen_without_nil(type->type);
        need(c, &plain);
    } else if (type->type->kind == IDL_TUPLE) {
        for (const struct idl_type *one = type->type->arguments; one; one = one->next)
            (gen_is_pointer(one) ? need_name : need)(c, one);
    } else if (type->type->kind == IDL_MESSAGE) {
        for (const struct idl_field *field = type->type->decl->message.fields; field;
             field = field->next)
            (gen_is_pointer(field->type) ? need_name : need)(c, field->type);
    }
    c->open_structs--;
}

static void begin_struct(struct gen_c *c, const struct gen_type *type)
{
    if (type->is_declared)
        gen_add(c->out, "struct %s {\n", type->name);
    else
        gen_add(c->out, "typedef struct %s {\n", type->name);
}

static void end_struct(struct gen_c *c, struct gen_type *type)
{
    if (type->is_declared)
        gen_add(c->out, "};\n");
    else
        gen_add(c->out, "} %s;\n", type->name);
    type->is_declared = true;
    type->is_complete = true;
}

/* A member with its comment behind it, or above it where that has no room. */
static void add_member(struct gen_c *c, const char *type, const char *name, const char *doc)
{
    const char *member = idl_format(c->memory, "    %s%s;", type, name);
    bool is_short = doc != NULL && strchr(doc, '\n') == NULL && doc[0] != '\0' &&
                    strlen(member) + strlen(doc) + 7 <= 96 && strstr(doc, "*/") == NULL &&
                    strstr(doc, "/*") == NULL;
    if (!is_short)
        gen_comment(c, 4, doc);
    gen_add(c->out, is_short ? "%s /* %s */\n" : "%s\n", member, doc);
}

static void define_message(struct gen_c *c, struct gen_type *type)
{
    const struct idl_decl *decl = type->type->decl;
    gen_comment(c, 0, decl->doc);
    begin_struct(c, type);
    for (const struct idl_field *field = decl->message.fields; field; field = field->next)
        add_member(c, gen_c_type(&c->types, field->type),
                   gen_member(c->memory, field->name.text), field->doc);
    if (decl->message.fields == NULL)
        gen_add(c->out, "    char nothing; /* a struct in C has a member */\n");
    end_struct(c, type);
}

static void define_enum(struct gen_c *c, const struct gen_type *type)
{
    const struct idl_decl *decl = type->type->decl;
    const char *prefix = gen_upper(c->memory, type->name);
    gen_comment(c, 0, decl->doc);
    gen_add(c->out, "typedef enum %s {\n", type->name);
    for (const struct idl_enum_value *value = decl->values; value; value = value->next) {
        gen_comment(c, 4, value->doc);
        gen_add(c->out, "    %s_%s = %llu,\n", prefix, gen_upper(c->memory, value->name.text),
                (unsigned long long)value->number);
    }
    gen_add(c->out, "} %s;\n\n", type->name);
}

static void define_list(struct gen_c *c, struct gen_type *type)
{
    const char *item = gen_c_type(&c->types, type->type->arguments);
    begin_struct(c, type);
    gen_add(c->out, "    %s*items;\n    size_t count;\n", item);
    gen_add(c->out, "    size_t capacity; /* %s_add() knows it; otherwise 0 */\n", type->name);
    end_struct(c, type);
}

static bool is_complete(struct gen_c *c, const struct idl_type *type)
{
    const struct gen_type *one = find_own(c, type);
    return one == NULL || one->is_complete || one->type->kind == IDL_ENUM ||
           gen_is_pointer(type);
}

static void define_entry(struct gen_c *c, struct gen_type *type)
{
    const struct idl_type *key = type->type->arguments;
    gen_add(c->out, type->awaits_entry ? "struct %s_entry {\n" : "typedef struct %s_entry {\n",
            type->name);
    gen_add(c->out, "    %skey;\n    %svalue;\n", gen_c_type(&c->types, key),
            gen_c_type(&c->types, key->next));
    if (type->awaits_entry)
        gen_add(c->out, "};\n\n");
    else
        gen_add(c->out, "} %s_entry;\n\n", type->name);
    type->awaits_entry = false;
}

/* The entries of a map that is part of its own values are defined behind these. */
static void define_map(struct gen_c *c, struct gen_type *type)
{
    type->awaits_entry = !is_complete(c, type->type->arguments->next);
    if (type->awaits_entry)
        gen_add(c->out, "typedef struct %s_entry %s_entry;\n", type->name, type->name);
    else
        define_entry(c, type);
    begin_struct(c, type);
    gen_add(c->out, "    %s_entry *entries;\n    size_t count;\n", type->name);
    gen_add(c->out, "    size_t capacity; /* %s_add() knows it; otherwise 0 */\n", type->name);
    end_struct(c, type);
}

static void define_tuple(struct gen_c *c, struct gen_type *type)
{
    int i = 0;
    begin_struct(c, type);
    for (const struct idl_type *item = type->type->arguments; item; item = item->next)
        gen_add(c->out, "    %sitem%d;\n", gen_c_type(&c->types, item), i++);
    end_struct(c, type);
}

static void define_maybe(struct gen_c *c, struct gen_type *type)
{
    struct idl_type plain = gen_without_nil(type->type);
    begin_struct(c, type);
    gen_add(c->out, "    bool is_set; /* false: nil */\n    %svalue;\n",
            gen_c_type(&c->types, &plain));
    end_struct(c, type);
}

static void define_raw(struct gen_c *c, struct gen_type *type)
{
    gen_add(c->out, "/* Any bytes, malloced. */\n");
    begin_struct(c, type);
    gen_add(c->out, "    uint8_t *bytes; /* NULL if there are none */\n    size_t size;\n");
    end_struct(c, type);
}

/* ---- Functions */

static void declare(struct gen_c *c, const char *head, const char *first, const char *second)
{
    const char *items[] = {first, second};
    gen_list(c, head, items, second != NULL ? 2 : 1, ");\n");
}

static void declare_list_functions(struct gen_c *c, const struct gen_type *type)
{
    gen_add(c->out, "/* One more item, initialised; NULL when out of memory. */\n");
    declare(c,
            idl_format(c->memory, "%s*%s_add(", gen_c_type(&c->types, type->type->arguments),
                       type->name),
            idl_format(c->memory, "%s *value", type->name), NULL);
}

static void declare_map_functions(struct gen_c *c, const struct gen_type *type)
{
    const struct idl_type *part = type->type->arguments;
    const char *value = gen_c_type(&c->types, part->next), *name = type->name;
    const char *key =
        idl_format(c->memory, "%skey",
                   part->kind == IDL_STRING ? "const char *" : gen_c_type(&c->types, part));
    gen_add(c->out,
            "/* The value under a key, initialised if it is a new one; NULL when out of "
            "memory. */\n");
    declare(c, idl_format(c->memory, "%s*%s_add(", value, name),
            idl_format(c->memory, "%s *value", name), key);
    gen_add(c->out, "/* The value under a key, or NULL. */\n");
    declare(c, idl_format(c->memory, "%s%s_get(", gen_map_got(c, part->next), name),
            idl_format(c->memory, "const %s *value", name), key);
}

static void declare_functions(struct gen_c *c, const struct gen_type *type)
{
    const char *name = type->name;
    gen_add(c->out, "\nint %s_init(%s *value);\n", name, name);
    gen_add(c->out, "void %s_free(%s *value);\n", name, name);
    declare(c, idl_format(c->memory, "int %s_copy(", name),
            idl_format(c->memory, "%s *to", name),
            idl_format(c->memory, "const %s *from", name));
    declare(c, idl_format(c->memory, "bool %s_equal(", name),
            idl_format(c->memory, "const %s *a", name),
            idl_format(c->memory, "const %s *b", name));
    if (!type->type->is_nullable && type->type->kind == IDL_LIST)
        declare_list_functions(c, type);
    if (!type->type->is_nullable && type->type->kind == IDL_MAP)
        declare_map_functions(c, type);
    if (type->is_used_behind_pointer)
        gen_add(c->out,
                "/* One on the heap, initialised; NULL when out of memory. Who has it frees "
                "what is "
                "in it,\n * then itself: free(). */\n"
                "%s *%s_new(void);\n",
                name, name);
    gen_add(c->out, "\n");
}

static void define(struct gen_c *c, struct gen_type *type)
{
    for (const struct idl_type *part = type->type->arguments;
         part != NULL && !type->is_defined && is_free(type->type); part = part->next)
        need_name(c, part);
    if (type->is_defined)
        return;
    type->is_defined = true;
    need_members(c, type);
    if (type->type->kind == IDL_ENUM && !type->type->is_nullable) {
        define_enum(c, type);
        return;
    }
    if (gen_is_maybe(type->type))
        define_maybe(c, type);
    else if (type->type->kind == IDL_MESSAGE)
        define_message(c, type);
    else if (type->type->kind == IDL_LIST)
        define_list(c, type);
    else if (type->type->kind == IDL_MAP)
        define_map(c, type);
    else if (type->type->kind == IDL_TUPLE)
        define_tuple(c, type);
    else
        define_raw(c, type);
    declare_functions(c, type);
}

static void define_entries(struct gen_c *c)
{
    for (struct gen_type *one = c->types.first; one; one = one->next)
        if (one->awaits_entry && one->home == c->file) {
            need(c, one->type->arguments->next);
            define_entry(c, one);
        }
}

/* ---- The rest */

static void add_constant(struct gen_c *c, const struct idl_decl *decl)
{
    const char *name = idl_format(c->memory, "%s_%s", gen_upper(c->memory, c->prefix),
                                  gen_upper(c->memory, decl->name.text));
    gen_comment(c, 0, decl->doc);
    gen_add(c->out, "#define %s ", name);
    if (decl->literal->kind == IDL_LITERAL_STRING)
        gen_literal(c, 0, decl->literal->text, decl->literal->size);
    else {
        const char *value = gen_standard(c, decl->type, decl->literal);
        gen_add(c->out, value != NULL && value[0] == '-' ? "(%s)" : "%s",
                value != NULL ? value : "0");
    }
    gen_add(c->out, "\n\n");
}

static void add_alias(struct gen_c *c, const struct idl_decl *decl)
{
    if (decl->type->kind == IDL_VOID)
        return;
    gen_comment(c, 0, decl->doc);
    gen_add(c->out, "typedef %s%s_%s;\n\n", gen_c_type(&c->types, decl->type), c->prefix,
            decl->name.text);
}

static const char manual[] =
    "/* Values\n"
    " *\n"
    " * Each struct X has functions of its own. X_init() gives it its defaults: what has none "
    "is 0,\n"
    " * NULL or empty. X_free() frees what is in it, not itself, and takes NULL. X_copy() "
    "makes one\n"
    " * that owns all that is in it, of whatever is in another; what `to` had is not freed.\n"
    " * X_equal() compares. init and copy return 0, or -ENOMEM, and then there is nothing to "
    "free.\n"
    " *\n"
    " * Strings are UTF-8, end with a NUL, and are malloced, as items and entries are. A "
    "string that\n"
    " * is NULL is nil where that may be, and else empty. An object belongs to its call, in "
    "copies\n"
    " * too.\n"
    " *\n"
    " * What a method gets it reads until it returns, and copies what it keeps. What it stores "
    "in\n"
    " * its result is freed behind it. */\n\n";

static bool has_types(const struct gen_c *c)
{
    for (const struct gen_type *one = c->types.first; one; one = one->next)
        if (one->home == c->file && (one->type->kind != IDL_ENUM || one->type->is_nullable))
            return true;
    return false;
}

static void add_includes(struct gen_c *c)
{
    for (const struct idl_include *one = c->file->includes; one; one = one->next)
        gen_add(c->out, "#include \"%s.h\"\n", gen_file_stem(c->memory, one->file));
    if (c->file->includes != NULL)
        gen_add(c->out, "\n");
    gen_add(c->out, "#include <duet.h>\n");
    for (const struct idl_text *one = c->file->c_includes; one; one = one->next)
        if (strlen(one->text) > 2 && strcmp(one->text + strlen(one->text) - 2, ".h") == 0)
            gen_add(c->out, "#include \"%s\"\n", one->text);
    gen_add(c->out, "\n");
}

static void add_decls(struct gen_c *c)
{
    for (const struct idl_decl *decl = c->file->decls; decl; decl = decl->next)
        if (decl->kind == IDL_DECL_CONSTANT && decl->type->kind != IDL_ENUM)
            add_constant(c, decl);
    if (has_types(c))
        gen_add(c->out, "%s", manual);
    for (struct gen_type *one = c->types.first; one; one = one->next)
        if (one->home == c->file) {
            define(c, one);
            define_entries(c);
        }
    for (const struct idl_decl *decl = c->file->decls; decl; decl = decl->next) {
        if (decl->kind == IDL_DECL_CONSTANT && decl->type->kind == IDL_ENUM)
            add_constant(c, decl);
        if (decl->kind == IDL_DECL_ALIAS)
            add_alias(c, decl);
    }
    for (const struct idl_decl *decl = c->file->decls; decl; decl = decl->next)
        if (decl->kind == IDL_DECL_SERVICE)
            gen_service_header(c, decl);
}

void gen_header(struct gen_c *c)
{
    const char *guard =
        idl_format(c->memory, "%s_H", gen_upper(c->memory, gen_flat(c->memory, c->stem)));
    if (guard[0] >= '0' && guard[0] <= '9')
        guard = idl_format(c->memory, "IDL_%s", guard);
    gen_add(
        c->out,
        "/*\n * What %s.idl declares, in C. Written by duetgen: changes belong there.\n */\n"
        "#ifndef %s\n#define %s\n\n",
        c->stem, guard, guard);
    add_includes(c);
    gen_add(c->out, "#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n");
    add_decls(c);
    gen_add(c->out, "#ifdef __cplusplus\n}\n#endif\n\n#endif\n");
}
