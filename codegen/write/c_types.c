/*
 * See c_types.h.
 */
#include "c_types.h"

#include "c_names.h"

#include <string.h>

struct idl_type gen_without_nil(const struct idl_type *type)
{
    struct idl_type plain = *type;
    plain.is_nullable = false;
    return plain;
}

/* ---- Names */

/* "int_list": the words of a type, without those of its file. */
static const char *words_of(struct idl_memory *memory, const struct idl_type *type)
{
    if (type->is_nullable) {
        struct idl_type plain = gen_without_nil(type);
        bool is_container = type->kind >= IDL_LIST && type->kind <= IDL_TUPLE;
        return idl_format(memory, is_container ? "%s_or_nil" : "maybe_%s",
                          words_of(memory, &plain));
    }
    if (type->kind == IDL_MESSAGE && type->decl->message.arguments != NULL) {
        const char *words =
            idl_copy_text(memory, type->decl->name.text, strcspn(type->decl->name.text, "<"));
        for (const struct idl_type *one = type->decl->message.arguments; one; one = one->next)
            words = idl_format(memory, "%s_%s", words, words_of(memory, one));
        return words;
    }
    if (type->decl != NULL)
        return type->decl->name.text;
    const char *words = "", *sign = "";
    for (const struct idl_type *argument = type->arguments; argument;
         argument = argument->next) {
        words = idl_format(memory, "%s%s%s", words, sign, words_of(memory, argument));
        sign = "_";
    }
    return idl_format(memory, "%s%s%s", words, sign, idl_type_kind_name(type->kind));
}

/* ---- Finding */

static bool has_name(const struct idl_type *type)
{
    return gen_is_maybe(type) || type->kind == IDL_RAW || type->kind > IDL_SCALARS;
}

static bool sees(const struct idl_file *view, const struct idl_file *file)
{
    if (view == file)
        return true;
    for (const struct idl_include *include = view->includes; include; include = include->next)
        if (sees(include->file, file))
            return true;
    return false;
}

struct gen_type *gen_find_type(const struct gen_types *types, const struct idl_type *type)
{
    struct idl_type wanted = gen_is_maybe(type) ? *type : gen_without_nil(type);
    struct gen_type *one = types->first;
    while (one != NULL &&
           !(idl_types_are_equal(one->type, &wanted) && sees(types->view, one->home)))
        one = one->next;
    return one;
}

struct gen_type *gen_find_decl(const struct gen_types *types, const struct idl_decl *decl)
{
    struct gen_type *one = types->first;
    while (one != NULL && (one->type->decl != decl || one->type->is_nullable))
        one = one->next;
    return one;
}

/* ---- Parts */

/* Calls `visit` for each type that a value of this one is made of. */
static void for_parts(struct gen_types *types, const struct idl_type *type,
                      void (*visit)(struct gen_types *types, const struct idl_type *part))
{
    if (gen_is_maybe(type)) {
        struct idl_type plain = gen_without_nil(type);
        visit(types, &plain);
        return;
    }
    for (const struct idl_type *argument = type->arguments; argument; argument = argument->next)
        visit(types, argument);
    if (type->kind == IDL_MESSAGE)
        for (const struct idl_field *field = type->decl->message.fields; field;
             field = field->next)
            visit(types, field->type);
}

static void for_parts_of(struct gen_types *types, const struct gen_type *type,
                         void (*visit)(struct gen_types *types, const struct idl_type *part))
{
    const struct idl_file *before = types->view;
    types->view = type->home;
    for_parts(types, type->type, visit);
    types->view = before;
}

/* ---- Collecting */

static void collect(struct gen_types *types, const struct idl_type *type);

static void collect_fields(struct gen_types *types, const struct idl_field *fields)
{
    for (; fields != NULL; fields = fields->next)
        collect(types, fields->type);
}

static void collect(struct gen_types *types, const struct idl_type *type)
{
    if (!has_name(type))
        return;
    struct gen_type *one = gen_find_type(types, type);
    if (one == NULL) {
        one = idl_alloc(types->memory, sizeof *one);
        struct idl_type *copy = idl_alloc(types->memory, sizeof *copy);
        *copy = gen_is_maybe(type) ? *type : gen_without_nil(type);
        copy->next = NULL;
        one->type = copy;
        one->home = types->view;
        one->words = words_of(types->memory, copy);
        one->name = idl_format(types->memory, "%s_%s", gen_prefix(types->memory, one->home),
                               one->words);
        struct gen_type **end = &types->first;
        while (*end != NULL)
            end = &(*end)->next;
        *end = one;
        for_parts(types, copy, collect);
    }
    one->is_used_behind_pointer = one->is_used_behind_pointer || gen_is_pointer(type);
}

static void collect_method(struct gen_types *types, const struct idl_method *method)
{
    collect_fields(types, method->arguments);
    collect(types, method->result);
}

static void collect_file(struct gen_types *types, const struct idl_file *file)
{
    types->view = file;
    for (struct idl_decl *decl = file->decls; decl; decl = decl->next) {
        struct idl_type type = {.kind = decl->kind == IDL_DECL_ENUM ? IDL_ENUM : IDL_MESSAGE,
                                .decl = decl};
        if (decl->kind == IDL_DECL_ENUM ||
            (idl_decl_is_message(decl) && decl->message.parameter_count == 0))
            collect(types, &type);
        if (decl->kind == IDL_DECL_ALIAS)
            collect(types, decl->type);
        for (const struct idl_method *one = decl->service.methods; one; one = one->next)
            collect_method(types, one);
    }
}

/* Each file once, behind those that it includes. */
static void collect_files(struct gen_types *types, const struct idl_file *file)
{
    for (const struct idl_include *include = file->includes; include; include = include->next)
        collect_files(types, include->file);
    collect_file(types, file);
}

/* ---- Plain ones */

bool gen_is_plain(const struct gen_types *types, const struct idl_type *type)
{
    if (type->kind == IDL_STRING || gen_is_pointer(type))
        return false;
    return !has_name(type) || gen_find_type(types, type)->is_plain;
}

/* Taken for plain until a part is found that is not. */
static void see_whether_plain(struct gen_types *types, const struct idl_type *part)
{
    types->is_plain = types->is_plain && gen_is_plain(types, part);
}

static void find_plain(struct gen_types *types)
{
    for (struct gen_type *one = types->first; one; one = one->next)
        one->is_plain = one->type->is_nullable ||
                        (one->type->kind != IDL_LIST && one->type->kind != IDL_MAP &&
                         one->type->kind != IDL_RAW);
    for (bool is_done = false; !is_done;) {
        is_done = true;
        for (struct gen_type *one = types->first; one; one = one->next) {
            types->is_plain = one->is_plain;
            for_parts_of(types, one, see_whether_plain);
            is_done = is_done && types->is_plain == one->is_plain;
            one->is_plain = types->is_plain;
        }
    }
}

static void see_whether_takes(struct gen_types *types, const struct idl_type *part)
{
    types->takes_memory = types->takes_memory || gen_takes_memory(types, part);
}

/* A message that holds itself does so in a list, a map, or behind a pointer: this ends. */
bool gen_takes_memory(struct gen_types *types, const struct idl_type *type)
{
    if (type->kind == IDL_LIST || type->kind == IDL_MAP || gen_is_pointer(type))
        return true;
    if (!has_name(type))
        return false;
    bool before = types->takes_memory;
    types->takes_memory = false;
    for_parts_of(types, gen_find_type(types, type), see_whether_takes);
    bool takes = types->takes_memory;
    types->takes_memory = before;
    return takes;
}

/* ---- Order */

static void order(struct gen_types *types, struct gen_type *type);

static bool has_place(const struct gen_types *types, const struct gen_type *type)
{
    const struct gen_type *one = types->in_order;
    while (one != NULL && one != type)
        one = one->next_in_order;
    return one != NULL;
}

static void order_part(struct gen_types *types, const struct idl_type *part)
{
    struct gen_type *one = has_name(part) ? gen_find_type(types, part) : NULL;
    if (one == NULL)
        return;
    order(types, one);
    one->is_used_early = one->is_used_early || !has_place(types, one);
}

static void order(struct gen_types *types, struct gen_type *type)
{
    if (type->is_ordered)
        return;
    type->is_ordered = true;
    for_parts_of(types, type, order_part);
    struct gen_type **end = &types->in_order;
    while (*end != NULL)
        end = &(*end)->next_in_order;
    *end = type;
}

static void find_pointer(struct gen_types *types, const struct idl_type *part)
{
    if (gen_is_pointer(part))
        gen_find_type(types, part)->is_copied_behind_pointer = true;
}

/* What a type is behind, with those that are. */
static void see_whether_later(struct gen_types *types, const struct idl_type *part)
{
    const struct gen_type *one = has_name(part) ? gen_find_type(types, part) : NULL;
    for (const struct gen_type *later = types->last->next_in_order;
         one != NULL && later != NULL; later = later->next_in_order)
        types->is_open = types->is_open || later == one;
}

bool gen_types_are_open(struct gen_types *types, const struct gen_type *last)
{
    types->is_open = false;
    types->last = last;
    for (const struct gen_type *one = types->in_order; one != last; one = one->next_in_order)
        for_parts_of(types, one, see_whether_later);
    for_parts_of(types, last, see_whether_later);
    return types->is_open;
}

/* ---- Use */

static void read_type(struct gen_types *types, const struct idl_type *type)
{
    struct gen_type *one = has_name(type) ? gen_find_type(types, type) : NULL;
    if (one == NULL)
        return;
    one->is_read_behind_pointer = one->is_read_behind_pointer || gen_is_pointer(type);
    if (one->is_read)
        return;
    one->is_read = true;
    for_parts_of(types, one, read_type);
}

static void write_type(struct gen_types *types, const struct idl_type *type)
{
    struct gen_type *one = has_name(type) ? gen_find_type(types, type) : NULL;
    if (one == NULL)
        return;
    one->is_written_behind_pointer = one->is_written_behind_pointer || gen_is_pointer(type);
    if (one->is_written)
        return;
    one->is_written = true;
    for_parts_of(types, one, write_type);
}

static void use_method(struct gen_types *types, const struct idl_method *method)
{
    for (const struct idl_field *field = method->arguments; field; field = field->next)
        read_type(types, field->type);
    write_type(types, method->result);
}

static void use_exceptions(struct gen_types *types, const struct idl_method *method)
{
    for (size_t i = 0; i < method->throw_count; i++) {
        const struct idl_type type = {.kind = IDL_MESSAGE, .decl = method->exceptions[i]};
        write_type(types, &type);
    }
}

void gen_types_use(struct gen_types *types)
{
    for (const struct idl_decl *decl = types->file->decls; decl; decl = decl->next)
        for (const struct idl_method *one = decl->service.methods; one; one = one->next)
            use_method(types, one);
    for (struct gen_type *one = types->first; one; one = one->next)
        one->is_in_signature = one->type->kind == IDL_MESSAGE && !one->type->is_nullable &&
                               (one->is_read || one->is_written);
    for (const struct idl_decl *decl = types->file->decls; decl; decl = decl->next)
        for (const struct idl_method *one = decl->service.methods; one; one = one->next)
            use_exceptions(types, one);
}

void gen_types_collect(struct gen_types *types, const struct idl_interface *interface)
{
    types->file = interface->files;
    collect_files(types, types->file);
    find_plain(types);
    for (struct gen_type *one = types->first; one; one = one->next) {
        one->function = one->home == types->file ? one->words : one->name;
        order(types, one);
        for_parts_of(types, one, find_pointer);
    }
    types->view = types->file;
}

/* ---- In C */

const char *gen_c_type(const struct gen_types *types, const struct idl_type *type)
{
    static const char *const scalars[] = {
        [IDL_VOID] = "void ",       [IDL_OBJECT] = "const duet_value *",
        [IDL_BOOL] = "bool ",       [IDL_BYTE] = "int8_t ",
        [IDL_SHORT] = "int16_t ",   [IDL_INT] = "int32_t ",
        [IDL_LONG] = "int64_t ",    [IDL_UBYTE] = "uint8_t ",
        [IDL_USHORT] = "uint16_t ", [IDL_UINT] = "uint32_t ",
        [IDL_ULONG] = "uint64_t ",  [IDL_FLOAT] = "float ",
        [IDL_DOUBLE] = "double ",   [IDL_RAW] = NULL,
        [IDL_STRING] = "char *",    [IDL_TIMESTAMP] = "duet_time "};
    if (!has_name(type))
        return scalars[type->kind];
    return idl_format(types->memory, "%s %s", gen_find_type(types, type)->name,
                      gen_is_pointer(type) ? "*" : "");
}
