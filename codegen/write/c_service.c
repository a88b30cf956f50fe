/*
 * What a program that serves sees of a service: the functions it fills in, how it registers
 * them, how they raise exceptions.
 */
#include "c.h"

#include <string.h>

/* An argument as its function gets it: structs by pointer, texts as const. */
static const char *argument(struct gen_c *c, const struct idl_field *field)
{
    const char *name = gen_argument(c->memory, field->name.text);
    const char *type = gen_c_type(&c->types, field->type);
    bool is_struct = gen_is_maybe(field->type) || field->type->kind == IDL_RAW ||
                     (field->type->kind > IDL_SCALARS && field->type->kind != IDL_ENUM);
    if (field->type->kind == IDL_STRING)
        return idl_format(c->memory, "const char *%s", name);
    if (!is_struct)
        return idl_format(c->memory, "%s%s", type, name);
    return idl_format(c->memory, "const %s%s%s", type, gen_is_pointer(field->type) ? "" : "*",
                      name);
}

bool gen_has_result(const struct idl_method *method)
{
    return method->result->kind != IDL_VOID && method->result->kind != IDL_OBJECT &&
           !method->answers_later;
}

void gen_function(struct gen_c *c, const char *head, const struct idl_method *method,
                  const char *tail)
{
    size_t count = 2;
    for (const struct idl_field *field = method->arguments; field; field = field->next)
        count++;
    const char **items = idl_alloc(c->memory, (count + 1) * sizeof *items);
    items[0] = "duet_call *call";
    items[1] = "void *ctx";
    size_t n = 2;
    for (const struct idl_field *field = method->arguments; field; field = field->next)
        items[n++] = argument(c, field);
    if (gen_has_result(method))
        items[n++] = idl_format(c->memory, "%s*result", gen_c_type(&c->types, method->result));
    gen_list(c, head, items, n, tail);
}

bool gen_answer(struct gen_c *c, const struct idl_decl *service,
                const struct idl_method *method, const char *tail)
{
    if (!method->answers_later || method->result->kind == IDL_VOID ||
        method->result->kind == IDL_OBJECT)
        return false;
    const struct idl_field result = {.type = method->result, .name = {.text = "answer"}};
    const char *items[] = {"duet_call *call", argument(c, &result)};
    gen_list(c,
             idl_format(c->memory, "int %s_answer_%s(", gen_service(c->memory, service),
                        method->name.text),
             items, 2, tail);
    return true;
}

static void add_answers(struct gen_c *c, const struct idl_decl *service)
{
    bool is_first = true;
    for (const struct idl_method *one = service->service.methods; one; one = one->next) {
        if (!one->answers_later)
            continue;
        if (is_first)
            gen_comment(
                c, 0,
                "Answer a call, one that is kept too: duet_kept_finish() takes what they "
                "return.");
        is_first = false;
        gen_answer(c, service, one, ");\n");
    }
    gen_add(c->out, is_first ? "" : "\n");
}

/* "Raises: a, b." below the documentation; what it says of an object's method. */
static const char *doc_of(struct gen_c *c, const struct idl_method *method)
{
    const char *doc = method->doc != NULL ? method->doc : "";
    const char *sign = doc[0] != '\0' ? "\n" : "";
    if (method->answers_later) {
        doc = idl_format(c->memory,
                         "%s%sAnswers by itself, and may keep the call to do so later.", doc,
                         sign);
        sign = "\n";
    } else if (method->result->kind == IDL_OBJECT) {
        doc = idl_format(c->memory, "%s%sAnswers by itself: duet_reply_int(), ….", doc, sign);
        sign = "\n";
    }
    for (size_t i = 0; i < method->throw_count; i++)
        doc = idl_format(c->memory, "%s%s%s", doc,
                         i > 0 ? ", " : idl_format(c->memory, "%sRaises ", sign),
                         gen_find_decl(&c->types, method->exceptions[i])->name);
    return method->throw_count > 0 ? idl_format(c->memory, "%s.", doc) : doc;
}

static void add_raise(struct gen_c *c, const struct idl_decl *service)
{
    for (const struct idl_method *method = service->service.methods; method;
         method = method->next)
        for (size_t i = 0; i < method->throw_count; i++) {
            struct gen_type *type = gen_find_decl(&c->types, method->exceptions[i]);
            if (type->has_raise)
                continue;
            type->has_raise = true;
            const char *items[] = {"duet_call *call",
                                   idl_format(c->memory, "const %s *exception", type->name),
                                   "const char *format", "..."};
            gen_list(c, idl_format(c->memory, "int %s_raise(", type->name), items, 4,
                     ")\n    __attribute__((format(printf, 3, 4)));\n");
        }
}

/* Whether it raises what no service before it raised. */
static bool raises(const struct gen_c *c, const struct idl_decl *service)
{
    for (const struct idl_method *one = service->service.methods; one; one = one->next)
        for (size_t i = 0; i < one->throw_count; i++)
            if (!gen_find_decl(&c->types, one->exceptions[i])->has_raise)
                return true;
    return false;
}

static void add_methods(struct gen_c *c, const char *name, const struct idl_decl *service)
{
    gen_add(c->out, "\n");
    gen_comment(
        c, 0,
        "The functions behind its methods. Each returns 0, or what duet_fail() or another "
        "function that failed returned. One that is NULL is a method that there is not. "
        "Only those that say so may keep their call.");
    gen_add(c->out, "typedef struct %s_methods {\n", name);
    for (const struct idl_method *one = service->service.methods; one; one = one->next) {
        const char *member = gen_member(c->memory, one->name.text);
        gen_comment(c, 4, doc_of(c, one));
        gen_function(c, idl_format(c->memory, "    int (*%s)(", member), one, ");\n");
    }
    gen_add(c->out, "    void *ctx; /* %s_register() sets it: what each function is given */\n",
            name);
    gen_add(c->out, "} %s_methods;\n\n", name);
}

void gen_service_header(struct gen_c *c, const struct idl_decl *service)
{
    const char *name = gen_service(c->memory, service), *doc = service->doc;
    gen_comment(c, 0,
                idl_format(c->memory, "Service %s%s%s", service->name.text,
                           doc != NULL ? "\n\n" : "", doc != NULL ? doc : ""));
    add_methods(c, name, service);
    if (raises(c, service)) {
        gen_comment(
            c, 0,
            "Ends the call with the exception, and words for callers that do not know it. "
            "Returns what the function should return.");
        add_raise(c, service);
        gen_add(c->out, "\n");
    }
    add_answers(c, service);
    gen_comment(c, 0,
                "Adds its methods to the server. `methods` stays where it is as long as the "
                "server: it is not copied. Fails as duet_server_add() does.");
    const char *items[] = {"duet_server *server",
                           idl_format(c->memory, "%s_methods *methods", name), "void *ctx"};
    gen_list(c, idl_format(c->memory, "int %s_register(", name), items, 3, ");\n\n");
}
