/*
 * The server's C: a handler for each method, which reads the arguments, calls the program's
 * function and writes its result; and how they are registered.
 */
#include "c.h"
#include "c_helpers.h"

#include <string.h>

/* ---- Exceptions */

static void add_raise(struct gen_c *c, struct gen_type *type)
{
    const char *items[] = {"duet_call *call",
                           idl_format(c->memory, "const %s *exception", type->name),
                           "const char *format", "..."};
    gen_list(c, idl_format(c->memory, "SHARED int %s_raise(", type->name), items, 4, ")\n{\n");
    gen_add(c->out,
            "    char words[1001]; /* a fault has as many */\n"
            "    va_list args;\n"
            "    va_start(args, format);\n"
            "    vsnprintf(words, sizeof words, format, args);\n"
            "    va_end(args);\n"
            "    duet_writer *writer =\n"
            "        duet_fail_begin(call, DUET_FAULT_APPLICATION, \"%%s\", words);\n"
            "    duet_write_record(writer, 2, DUET_RECORD_ARRAY);\n"
            "    duet_write_field(writer, \"exception\");\n"
            "    duet_write_text(writer, \"%s\");\n"
            "    duet_write_field(writer, \"fields\");\n"
            "    write_%s(writer, exception);\n"
            "    return DUET_FAULT_APPLICATION;\n}\n\n",
            type->type->decl->name.text, type->function);
}

static void add_raises(struct gen_c *c, const struct idl_decl *service)
{
    for (const struct idl_method *one = service->service.methods; one; one = one->next)
        for (size_t i = 0; i < one->throw_count; i++) {
            struct gen_type *type = gen_find_decl(&c->types, one->exceptions[i]);
            if (type->has_raise) /* the header set it */
                add_raise(c, type);
            type->has_raise = false;
        }
}

/* ---- Handlers */

/* duet_arg_int() and so on read an argument at once. */
static const char *direct_reader(const struct idl_type *type)
{
    static const char *const readers[] = {
        [IDL_BOOL] = "bool",     [IDL_LONG] = "int",       [IDL_ULONG] = "uint",
        [IDL_DOUBLE] = "double", [IDL_TIMESTAMP] = "time", [IDL_SCALARS] = NULL};
    return type->is_nullable || type->kind >= IDL_SCALARS ? NULL : readers[type->kind];
}

static void add_argument(struct gen_c *c, const struct idl_field *field)
{
    const char *name = gen_argument(c->memory, field->name.text);
    const char *type =
        field->type->kind == IDL_STRING ? "const char *" : gen_c_type(&c->types, field->type);
    const char *from = idl_format(c->memory, "duet_arg(call, %zu)", field->index);
    const char *quoted = idl_format(c->memory, "\"%s\"", field->name.text);
    const char *declared = idl_format(c->memory, "%s%s", type, name);
    if (gen_has_default(c, field)) {
        if (gen_is_struct(field->type))
            gen_add(c->out, "    %s;\n", declared);
        gen_read_field(c, field, gen_is_struct(field->type) ? name : declared, from,
                       idl_format(c->memory,
                                  field->type->is_nullable ? "duet_arg_count(call) <= %zu"
                                                           : "is_nil(duet_arg(call, %zu))",
                                  field->index));
    } else if (direct_reader(field->type) != NULL) {
        gen_add(c->out, "    %s = duet_arg_%s(call, %zu);\n", declared,
                direct_reader(field->type), field->index);
    } else if (gen_is_struct(field->type)) {
        gen_add(c->out, "    %s;\n", declared);
        gen_read_part(c, 4, field->type, name, from, quoted);
    } else {
        gen_read_part(c, 4, field->type, declared, from, quoted);
    }
}

static const char *zero_of(struct gen_c *c, const struct idl_type *type)
{
    const char *standard = gen_standard(c, type, NULL);
    if (standard != NULL)
        return standard;
    if (gen_is_pointer(type) || type->kind == IDL_STRING)
        return "NULL";
    return type->kind == IDL_BOOL ? "false" : type->kind == IDL_TIMESTAMP ? "{0, 0}" : "0";
}

static void add_run(struct gen_c *c, const char *head, const struct idl_method *method)
{
    size_t count = 3;
    for (const struct idl_field *field = method->arguments; field; field = field->next)
        count++;
    const char **items = idl_alloc(c->memory, count * sizeof *items);
    items[0] = "call";
    items[1] = "methods->ctx";
    count = 2;
    for (const struct idl_field *field = method->arguments; field; field = field->next)
        items[count++] = idl_format(c->memory, "%s%s", gen_is_struct(field->type) ? "&" : "",
                                    gen_argument(c->memory, field->name.text));
    if (gen_has_result(method))
        items[count++] = "&result";
    gen_list(
        c,
        idl_format(c->memory, "%smethods->%s(", head, gen_member(c->memory, method->name.text)),
        items, count, ");\n");
}

/* "duet_reply_int(call, result)"; NULL for what goes through the writer. */
static const char *reply(struct gen_c *c, const struct idl_type *type, const char *result)
{
    static const char *const replies[] = {
        [IDL_BOOL] = "bool",    [IDL_BYTE] = "int",      [IDL_SHORT] = "int",
        [IDL_INT] = "int",      [IDL_LONG] = "int",      [IDL_UBYTE] = "uint",
        [IDL_USHORT] = "uint",  [IDL_UINT] = "uint",     [IDL_ULONG] = "uint",
        [IDL_FLOAT] = "double", [IDL_DOUBLE] = "double", [IDL_TIMESTAMP] = "time",
        [IDL_ENUM] = "int"};
    if (type->is_nullable || gen_is_struct(type) || type->kind == IDL_STRING)
        return NULL;
    return idl_format(c->memory, "duet_reply_%s(call, %s%s)", replies[type->kind],
                      type->kind == IDL_FLOAT ? "(double)" : "", result);
}

static void write_answer(struct gen_c *c, int indent, const struct idl_type *type,
                         const char *result)
{
    c->writer = "duet_call_writer(call)";
    gen_write_part(c, indent, type, result);
    c->writer = "writer";
}

static void add_result_answer(struct gen_c *c, const struct idl_type *type)
{
    const char *value = reply(c, type, "result");
    gen_add(c->out, "    if (rc == 0)\n");
    if (value != NULL)
        gen_add(c->out, "        rc = %s;\n", value);
    else
        write_answer(c, 8, type, "result");
}

/* Its errors stick in the call. */
static void add_later_answer(struct gen_c *c, const struct idl_decl *service,
                             const struct idl_method *method)
{
    const struct idl_type *type = method->result;
    if (!gen_answer(c, service, method, ")\n{\n"))
        return;
    const char *value = reply(c, type, "answer");
    if (value != NULL) {
        gen_add(c->out, "    return %s;\n}\n\n", value);
        return;
    }
    write_answer(c, 4, type, gen_is_struct(type) ? "(*answer)" : "answer");
    gen_add(c->out, "    return 0;\n}\n\n");
}

/* Whether an argument may be refused, or takes memory. */
static void see_arguments(struct gen_c *c, const struct idl_method *method, bool *reads,
                          bool *takes_memory)
{
    *reads = *takes_memory = false;
    for (const struct idl_field *field = method->arguments; field; field = field->next) {
        *reads = *reads || gen_needs_reader(field->type);
        *takes_memory = *takes_memory || gen_takes_memory(&c->types, field->type);
    }
}

static void add_result(struct gen_c *c, const struct idl_method *method)
{
    const struct idl_type *type = method->result;
    if (!gen_has_result(method))
        return;
    if (gen_is_struct(type))
        gen_add(c->out, "    %sresult;\n    int rc = %s_init(&result);\n",
                gen_c_type(&c->types, type), gen_find_type(&c->types, type)->name);
    else
        gen_add(c->out, "    %sresult = %s;\n", gen_c_type(&c->types, type), zero_of(c, type));
}

static void add_handler(struct gen_c *c, const char *service, const struct idl_method *method)
{
    bool reads, takes_memory,
        is_struct = gen_has_result(method) && gen_is_struct(method->result);
    see_arguments(c, method, &reads, &takes_memory);
    gen_add(c->out, "static int serve_%s%s(duet_call *call, void *ctx)\n{\n", c->handler_prefix,
            method->name.text);
    gen_add(c->out, "    const %s_methods *methods = (const %s_methods *)ctx;\n", service,
            service);
    if (reads)
        gen_add(c->out, "    struct reader reader = {call, 0, NULL};\n");
    c->reader = "&reader";
    for (const struct idl_field *field = method->arguments; field; field = field->next)
        add_argument(c, field);
    c->reader = "reader";
    add_result(c, method);

    const char *declare = is_struct ? "" : "int ";
    if (reads && is_struct)
        gen_add(c->out, "    if (rc == 0)\n        rc = reader.rc;\n");
    else if (reads)
        gen_add(c->out, "    int rc = reader.rc;\n");
    if (reads || is_struct)
        add_run(c, "    if (rc == 0)\n        rc = ", method);
    else
        add_run(c, idl_format(c->memory, "    %src = ", declare), method);
    if (gen_has_result(method)) {
        add_result_answer(c, method->result);
        gen_free_part(c, 4, method->result, "result");
    }
    if (takes_memory)
        gen_add(c->out, "    reader_done(&reader);\n");
    gen_add(c->out, "    return rc;\n}\n\n");
}

/* ---- Types and registration */

/* What is one message in the interface is one in signatures, whatever its homes. */
static bool is_first_of_decl(const struct gen_c *c, const struct gen_type *type)
{
    const struct gen_type *one = c->types.in_order;
    while (one != type && (one->type->decl != type->type->decl || !one->is_in_signature))
        one = one->next_in_order;
    return one == type;
}

/* Messages by name, each text complete in itself: those in a circle are in one. */
static void add_types(struct gen_c *c, const char *names)
{
    bool is_open = false;
    gen_add(c->out,
            "/* The messages in the signatures below. */\n"
            "static const char *const %s_types[] = {",
            names);
    for (const struct gen_type *one = c->types.in_order; one; one = one->next_in_order) {
        if (!one->is_in_signature || !is_first_of_decl(c, one))
            continue;
        c->types.view = one->home;
        gen_add(c->out, "%s%s_%s=%s", is_open ? " " : "\n    \"", names, one->words,
                gen_message_signature(c, names, one->type->decl));
        is_open = gen_types_are_open(&c->types, one);
        if (!is_open)
            gen_add(c->out, "\",");
    }
    c->types.view = c->file;
    gen_add(c->out, "\n};\n\n");
}

static bool has_messages(const struct gen_c *c)
{
    for (const struct gen_type *one = c->types.first; one; one = one->next)
        if (one->is_in_signature)
            return true;
    return false;
}

static void add_flags(struct gen_c *c, const struct idl_method *method)
{
    if (method->is_inline)
        gen_add(c->out, "        row->flags = DUET_METHOD_INLINE%s;\n",
                method->refuses_busy ? " | DUET_METHOD_REFUSE_BUSY" : "");
    else if (method->refuses_busy)
        gen_add(c->out, "        row->flags = DUET_METHOD_REFUSE_BUSY;\n");
    if (method->timeout_ms > 0)
        gen_add(c->out, "        row->timeout_ms = %u;\n", method->timeout_ms);
    if (method->max_running > 0)
        gen_add(c->out, "        row->max_running = %u;\n", method->max_running);
}

static void add_row(struct gen_c *c, const char *names, const struct idl_decl *service,
                    const struct idl_method *method)
{
    const char *version =
        service->service.version > 0
            ? idl_format(c->memory, ":%llu", (unsigned long long)service->service.version)
            : "";
    gen_add(c->out, "    if (methods->%s != NULL) {\n",
            gen_member(c->memory, method->name.text));
    gen_add(c->out, "        row->name = \"%s%s\";\n", method->name.text, version);
    gen_add(c->out, "        row->signature = \"%s\";\n",
            gen_method_signature(c, names, method));
    if (method->arguments != NULL) {
        gen_add(c->out, "        row->params = \"");
        for (const struct idl_field *field = method->arguments; field; field = field->next)
            gen_add(c->out, "%s%s", field->name.text, field->next != NULL ? " " : "\";\n");
    }
    gen_add(c->out, "        row->handler = serve_%s%s;\n", c->handler_prefix,
            method->name.text);
    add_flags(c, method);
    if (method->doc != NULL && method->doc[0] != '\0') {
        gen_add(c->out, "        row->help = ");
        gen_literal(c, 20, method->doc, strlen(method->doc));
        gen_add(c->out, ";\n");
    }
    gen_add(c->out, "        row++;\n    }\n");
}

static void add_register(struct gen_c *c, const char *names, const struct idl_decl *service)
{
    size_t count = 0;
    for (const struct idl_method *one = service->service.methods; one; one = one->next)
        count++;
    const char *items[] = {"duet_server *server",
                           idl_format(c->memory, "%s_methods *methods", names), "void *ctx"};
    gen_list(c, idl_format(c->memory, "int %s_register(", names), items, 3, ")\n{\n");
    gen_add(c->out,
            "    duet_method rows[%zu]; /* one more than methods: a row without a name ends "
            "them */\n"
            "    duet_method *row = rows;\n"
            "    memset(rows, 0, sizeof rows);\n    methods->ctx = ctx;\n",
            count + 1);
    for (const struct idl_method *one = service->service.methods; one; one = one->next)
        add_row(c, names, service, one);
    if (!has_messages(c)) {
        gen_add(c->out, "    return duet_server_add(server, rows, methods);\n}\n\n");
        return;
    }
    gen_add(c->out,
            "    int rc = 0;\n"
            "    for (size_t i = 0; rc == 0 && i < sizeof %s_types / sizeof *%s_types; i++)\n"
            "        rc = duet_server_add_types(server, %s_types[i]);\n"
            "    return rc < 0 ? rc : duet_server_add(server, rows, methods);\n}\n\n",
            names, names, names);
}

static void add_service(struct gen_c *c, const struct idl_decl *service, bool is_alone)
{
    const char *names = gen_service(c->memory, service);
    c->handler_prefix = is_alone ? "" : idl_format(c->memory, "%s_", names);
    gen_add(c->out, "/* ---- Service %s */\n\n", service->name.text);
    add_raises(c, service);
    for (const struct idl_method *one = service->service.methods; one; one = one->next) {
        add_later_answer(c, service, one);
        add_handler(c, names, one);
    }
    if (has_messages(c))
        add_types(c, names);
    add_register(c, names, service);
}

static int count_services(const struct gen_c *c)
{
    int count = 0;
    for (const struct idl_decl *decl = c->file->decls; decl; decl = decl->next)
        count += decl->kind == IDL_DECL_SERVICE;
    return count;
}

/* Headers of libc, each where one of its names is used. */
static void add_includes(struct gen_c *c, const struct gen_text *code)
{
    static const struct {
        const char *header, *names[4];
    } headers[] = {
        {"errno", {"ENOMEM"}},
        {"stdarg", {"va_list"}},
        {"stdio", {"snprintf("}},
        {"stdlib", {"malloc(", "calloc(", "realloc(", "free("}},
        {"string", {"memset(", "memcpy(", "strlen(", "strcmp("}},
    };
    gen_add(c->out, "#include \"%s.h\"\n\n", c->stem);
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        bool is_used = false;
        for (size_t j = 0; j < 4 && headers[i].names[j] != NULL; j++)
            is_used = is_used || strstr(code->bytes, headers[i].names[j]) != NULL;
        if (is_used)
            gen_add(c->out, "#include <%s.h>\n", headers[i].header);
    }
    gen_add(c->out, "\n");
    if (strstr(code->bytes, "SHARED ") != NULL)
        gen_add(c->out, "/* A program may have these from another file that duetgen wrote. */\n"
                        "#define SHARED __attribute__((weak))\n\n");
}

static void add_all(struct gen_c *c)
{
    c->reader = "reader";
    c->writer = "writer";
    gen_types_use(&c->types);
    gen_values(c);
    gen_readers(c);
    gen_writers(c);
    for (const struct idl_decl *decl = c->file->decls; decl; decl = decl->next)
        if (decl->kind == IDL_DECL_SERVICE)
            add_service(c, decl, count_services(c) == 1);
}

void gen_server(struct gen_c *c)
{
    struct gen_text code = {.bytes = NULL}, *out = c->out, all = {.bytes = NULL};
    c->out = &code;
    gen_add(c->out, "%s", "");
    add_all(c);
    gen_helpers(&all, &code);
    gen_add(&all, "%s", code.bytes != NULL ? code.bytes : "\n");
    while (all.size > 1 && all.bytes[all.size - 1] == '\n' && all.bytes[all.size - 2] == '\n')
        all.bytes[--all.size] = '\0';

    c->out = out;
    gen_add(
        c->out,
        "/*\n * Serves what %s.idl declares. Written by duetgen: changes belong there.\n */\n",
        c->stem);
    add_includes(c, &all);
    gen_add(c->out, "%s", all.bytes);
    gen_text_done(&code);
    gen_text_done(&all);
}
