/*
 * See json.h. Members whose value says nothing (no documentation, no default, false) are left
 * out. What is sent is resolved: types are what aliases stand for, fields those of the parents
 * too.
 */
#include "json.h"

#include "utf8.h"

#include <inttypes.h>
#include <string.h>

struct json {
    struct gen_text *out;
    int depth;
    bool is_first; /* in what is open */
};

/* ---- Syntax */

static void add_string(struct json *json, const char *text, size_t size)
{
    gen_add(json->out, "\"");
    for (size_t i = 0; i < size; i++) {
        unsigned char byte = (unsigned char)text[i];
        if (byte == '"' || byte == '\\')
            gen_add(json->out, "\\%c", byte);
        else if (byte == '\n')
            gen_add(json->out, "\\n");
        else if (byte < ' ' || byte == 0x7f)
            gen_add(json->out, "\\u%04x", byte);
        else
            gen_add_bytes(json->out, text + i, 1);
    }
    gen_add(json->out, "\"");
}

static void begin_line(struct json *json)
{
    gen_add(json->out, "%s\n%*s", json->is_first ? "" : ",", 2 * json->depth, "");
    json->is_first = false;
}

/* A member's name, or with NULL an item of an array. */
static void begin(struct json *json, const char *name)
{
    begin_line(json);
    if (name == NULL)
        return;
    add_string(json, name, strlen(name));
    gen_add(json->out, ": ");
}

static void open(struct json *json, const char *name, char sign)
{
    begin(json, name);
    gen_add(json->out, "%c", sign);
    json->depth++;
    json->is_first = true;
}

static void close(struct json *json, char sign)
{
    json->depth--;
    if (!json->is_first)
        gen_add(json->out, "\n%*s", 2 * json->depth, "");
    gen_add(json->out, "%c", sign);
    json->is_first = false;
}

static void add_text(struct json *json, const char *name, const char *text)
{
    if (text == NULL)
        return;
    begin(json, name);
    add_string(json, text, strlen(text));
}

static void add_number(struct json *json, const char *name, uint64_t number)
{
    begin(json, name);
    gen_add(json->out, "%" PRIu64, number);
}

static void add_true(struct json *json, const char *name, bool is_so)
{
    if (!is_so)
        return;
    begin(json, name);
    gen_add(json->out, "true");
}

/* ---- Parts */

/* Bytes are no text: {"hex": "00ff"}. */
static void add_bytes(struct json *json, const char *name, const struct idl_literal *literal)
{
    open(json, name, '{');
    begin(json, "hex");
    gen_add(json->out, "\"");
    for (size_t i = 0; i < literal->size; i++)
        gen_add(json->out, "%02x", (unsigned char)literal->text[i]);
    gen_add(json->out, "\"");
    close(json, '}');
}

static void add_literal(struct json *json, const char *name, const struct idl_literal *literal)
{
    if (literal == NULL)
        return;
    if (literal->kind == IDL_LITERAL_STRING &&
        !idl_utf8_is_whole(literal->text, literal->size)) {
        add_bytes(json, name, literal);
        return;
    }
    begin(json, name);
    switch (literal->kind) {
    case IDL_LITERAL_NIL:
        gen_add(json->out, "null");
        break;
    case IDL_LITERAL_BOOL:
        gen_add(json->out, literal->integer ? "true" : "false");
        break;
    case IDL_LITERAL_INTEGER:
        gen_add(json->out, "%s%" PRIu64, literal->is_negative ? "-" : "", literal->integer);
        break;
    case IDL_LITERAL_REAL:
        gen_add(json->out, "%s", literal->text);
        break;
    case IDL_LITERAL_STRING:
        add_string(json, literal->text, literal->size);
        break;
    case IDL_LITERAL_NAME: /* of a decorator's argument */
        add_string(json, literal->name, strlen(literal->name));
        break;
    }
}

static void add_type(struct json *json, const char *name, const struct idl_type *type)
{
    open(json, name, '{');
    add_text(json, "type",
             type->kind == IDL_MESSAGE ? idl_decl_kind_name(type->decl->kind)
                                       : idl_type_kind_name(type->kind));
    if (type->decl != NULL)
        add_text(json, "name", type->decl->name.text);
    add_true(json, "nullable", type->is_nullable);
    if (type->arguments != NULL) {
        open(json, "of", '[');
        for (const struct idl_type *argument = type->arguments; argument;
             argument = argument->next)
            add_type(json, NULL, argument);
        close(json, ']');
    }
    close(json, '}');
}

static void add_fields(struct json *json, const char *name, const struct idl_field *fields)
{
    open(json, name, '[');
    for (const struct idl_field *field = fields; field; field = field->next) {
        open(json, NULL, '{');
        add_text(json, "name", field->name.text);
        add_number(json, "index", field->index);
        add_type(json, "type", field->type);
        add_true(json, "optional", field->presence == IDL_OPTIONAL);
        add_true(json, "required", field->presence == IDL_REQUIRED);
        add_literal(json, "default", field->standard);
        add_text(json, "doc", field->doc);
        close(json, '}');
    }
    close(json, ']');
}

static void add_decorators(struct json *json, const struct idl_decorator *decorators)
{
    if (decorators == NULL)
        return;
    open(json, "decorators", '[');
    for (const struct idl_decorator *one = decorators; one; one = one->next) {
        open(json, NULL, '{');
        add_text(json, "name", one->name.text);
        open(json, "arguments", '[');
        for (size_t i = 0; i < one->count; i++)
            add_literal(json, NULL, &one->arguments[i]);
        close(json, ']');
        close(json, '}');
    }
    close(json, ']');
}

/* ---- Declarations */

static void add_message(struct json *json, const struct idl_decl *decl)
{
    add_text(json, "cpp_type", decl->message.cpp_type);
    if (decl->message.parent != NULL)
        add_text(json, "inherits", decl->message.parent->name.text);
    add_number(json, "size", decl->message.size);
    add_fields(json, "fields", decl->message.fields);
}

static void add_enum(struct json *json, const struct idl_decl *decl)
{
    open(json, "values", '[');
    for (const struct idl_enum_value *value = decl->values; value; value = value->next) {
        open(json, NULL, '{');
        add_text(json, "name", value->name.text);
        add_number(json, "number", value->number);
        add_text(json, "doc", value->doc);
        close(json, '}');
    }
    close(json, ']');
}

static void add_method(struct json *json, const struct idl_method *method)
{
    open(json, NULL, '{');
    add_text(json, "name", method->name.text);
    add_type(json, "result", method->result);
    add_fields(json, "arguments", method->arguments);
    add_true(json, "oneway", method->is_oneway);
    if (method->throw_count > 0) {
        open(json, "throws", '[');
        for (size_t i = 0; i < method->throw_count; i++)
            add_text(json, NULL, method->throws[i].text);
        close(json, ']');
    }
    add_decorators(json, method->decorators);
    add_text(json, "doc", method->doc);
    close(json, '}');
}

static void add_service(struct json *json, const struct idl_decl *decl)
{
    add_number(json, "version", decl->service.version);
    open(json, "methods", '[');
    for (const struct idl_method *one = decl->service.methods; one; one = one->next)
        add_method(json, one);
    close(json, ']');
}

static void add_application(struct json *json, const struct idl_decl *decl)
{
    open(json, "scopes", '[');
    for (const struct idl_scope *scope = decl->scopes; scope; scope = scope->next) {
        open(json, NULL, '{');
        add_text(json, "name", scope->name.text);
        add_text(json, "service", scope->service.text);
        add_number(json, "version", scope->version);
        add_true(json, "default", scope->is_default);
        close(json, '}');
    }
    close(json, ']');
}

static void add_decl(struct json *json, const struct idl_decl *decl)
{
    open(json, NULL, '{');
    add_text(json, "kind", idl_decl_kind_name(decl->kind));
    add_text(json, "name", decl->name.text);
    add_text(json, "doc", decl->doc);
    add_decorators(json, decl->decorators);
    if (idl_decl_is_message(decl))
        add_message(json, decl);
    else if (decl->kind == IDL_DECL_ENUM)
        add_enum(json, decl);
    else if (decl->kind == IDL_DECL_SERVICE)
        add_service(json, decl);
    else if (decl->kind == IDL_DECL_APPLICATION)
        add_application(json, decl);
    else
        add_type(json, "type", decl->type);
    add_literal(json, "value", decl->literal);
    close(json, '}');
}

/* Of a generic message what it is used as: itself it has no types. */
static void add_decls(struct json *json, const struct idl_file *file)
{
    open(json, "declarations", '[');
    for (const struct idl_decl *decl = file->decls; decl; decl = decl->next) {
        if (decl->message.parameter_count == 0)
            add_decl(json, decl);
        for (const struct idl_decl *one = decl->message.instances; one; one = one->next)
            add_decl(json, one);
    }
    close(json, ']');
}

static void add_texts(struct json *json, const char *name, const struct idl_text *texts)
{
    if (texts == NULL)
        return;
    open(json, name, '[');
    for (; texts != NULL; texts = texts->next)
        add_text(json, NULL, texts->text);
    close(json, ']');
}

static void add_file(struct json *json, const struct idl_file *file)
{
    open(json, NULL, '{');
    add_text(json, "file", file->source->path);
    add_texts(json, "namespaces", file->namespaces);
    add_texts(json, "c_includes", file->c_includes);
    if (file->includes != NULL) {
        open(json, "includes", '[');
        for (const struct idl_include *one = file->includes; one; one = one->next)
            add_text(json, NULL, one->file->source->path);
        close(json, ']');
    }
    add_decls(json, file);
    close(json, '}');
}

void gen_json(struct gen_text *out, const struct idl_interface *interface)
{
    struct json json = {.out = out, .is_first = true};
    gen_add(out, "{");
    json.depth = 1;
    open(&json, "files", '[');
    for (const struct idl_file *file = interface->files; file; file = file->next)
        add_file(&json, file);
    close(&json, ']');
    gen_add(out, "\n}\n");
}
