/*
 * A place in the document says which tag may come next. Containers live on the builder's stack,
 * so a value's end knows where it is from what it stands in, and nothing recurses.
 *
 *   methodCall -> methodName
 *              -> params -> param -> value -> a scalar type | text
 *                                          -> array -> data -> value ...
 *                                          -> struct -> member -> name, value
 *   methodResponse -> params
 *                  -> fault -> value
 *
 * Tags are known whatever their namespace prefix, as Python does: Apache's types have one.
 */
#include "xmlrpc_grammar.h"

#include "xmlrpc_number.h"
#include "xmlrpc_text.h"

#include <stdarg.h>
#include <string.h>

/* For messages. */
static const char *const place_names[] = {
    [BEFORE_CALL] = "the document",
    [IN_CALL] = "<methodCall>",
    [IN_RESPONSE] = "<methodResponse>",
    [IN_METHOD_NAME] = "<methodName>",
    [IN_PARAMS] = "<params>",
    [IN_PARAM] = "<param>",
    [IN_PARAM_DONE] = "<param> after its value",
    [IN_FAULT] = "<fault>",
    [IN_FAULT_DONE] = "<fault> after its value",
    [IN_VALUE] = "<value>",
    [IN_SCALAR] = "a scalar value",
    [IN_VALUE_DONE] = "<value> after its typed value",
    [IN_ARRAY] = "<array>",
    [IN_DATA] = "<data>",
    [IN_ARRAY_DONE] = "<array> after its data",
    [IN_STRUCT] = "<struct>",
    [IN_MEMBER] = "<member>",
    [IN_NAME] = "<name>",
};

static int refuse(struct duet_xml_grammar *grammar, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static int refuse(struct duet_xml_grammar *grammar, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int rc = duet_fault_vset(grammar->request->fault, DUET_FAULT_REQUEST, format, args);
    va_end(args);
    return rc;
}

/* ---- Elements that begin */

static int misplaced(struct duet_xml_grammar *grammar, const char *name)
{
    return refuse(grammar, "<%.*s> does not belong in %s", duet_xml_shown(name, strlen(name)),
                  name, place_names[grammar->place]);
}

static bool is_reply(const struct duet_xml_grammar *grammar)
{
    return grammar->request->kind == DUET_KIND_RESPONSE;
}

/* The document is none that is read here. */
static int wrong_document(struct duet_xml_grammar *grammar, const char *name)
{
    return refuse(grammar, "<%.*s> where <%s> must be", duet_xml_shown(name, strlen(name)),
                  name, is_reply(grammar) ? "methodResponse" : "methodCall");
}

static int start_call(struct duet_xml_grammar *grammar)
{
    if (is_reply(grammar))
        return wrong_document(grammar, "methodCall");
    grammar->place = IN_CALL;
    return 0;
}

static int start_response(struct duet_xml_grammar *grammar)
{
    if (!is_reply(grammar))
        return wrong_document(grammar, "methodResponse");
    grammar->place = IN_RESPONSE;
    return 0;
}

static int start_method_name(struct duet_xml_grammar *grammar)
{
    if (grammar->request->method != NULL)
        return refuse(grammar, "a second <methodName>");
    duet_xml_text_start(grammar->build);
    grammar->place = IN_METHOD_NAME;
    return 0;
}

static int start_params(struct duet_xml_grammar *grammar)
{
    if (grammar->has_params)
        return refuse(grammar, "a second <params>");
    if (is_reply(grammar) && grammar->request->is_fault)
        return refuse(grammar, "<params> beside a <fault>");
    grammar->has_params = true;
    grammar->place = IN_PARAMS;
    return 0;
}

static int start_fault(struct duet_xml_grammar *grammar)
{
    if (grammar->request->is_fault)
        return refuse(grammar, "a second <fault>");
    if (grammar->has_params)
        return refuse(grammar, "a <fault> beside <params>");
    grammar->request->is_fault = true;
    grammar->place = IN_FAULT;
    return 0;
}

static int start_param(struct duet_xml_grammar *grammar)
{
    grammar->place = IN_PARAM;
    return 0;
}

static int start_value(struct duet_xml_grammar *grammar)
{
    if (grammar->place == IN_MEMBER && duet_xml_build_has_value(grammar->build))
        return refuse(grammar, "%s: a second <value> in <member>",
                      duet_xml_build_where(grammar->build));
    duet_xml_text_start(grammar->build);
    grammar->place = IN_VALUE;
    return 0;
}

/* Between <value> and a typed child only whitespace may stand; it is not kept. */
static int leave_blank(struct duet_xml_grammar *grammar)
{
    const char *text = duet_xml_text(grammar->build);
    size_t size = grammar->build->text_size;
    duet_xml_trim(&text, &size);
    if (size > 0)
        return refuse(grammar, "%s: text \"%.*s\" beside a typed value",
                      duet_xml_build_where(grammar->build), duet_xml_shown(text, size), text);
    duet_xml_text_keep(grammar->build, 0);
    return 0;
}

static int start_container(struct duet_xml_grammar *grammar, msgpack_object_type type,
                           enum duet_xml_place inside)
{
    int rc = leave_blank(grammar);
    if (rc == 0)
        rc = duet_xml_build_open(grammar->build, type);
    grammar->place = inside;
    return rc;
}

static int start_array(struct duet_xml_grammar *grammar)
{
    return start_container(grammar, MSGPACK_OBJECT_ARRAY, IN_ARRAY);
}

static int start_struct(struct duet_xml_grammar *grammar)
{
    return start_container(grammar, MSGPACK_OBJECT_MAP, IN_STRUCT);
}

static int start_data(struct duet_xml_grammar *grammar)
{
    grammar->place = IN_DATA;
    return 0;
}

static int start_member(struct duet_xml_grammar *grammar)
{
    grammar->place = IN_MEMBER;
    return duet_xml_build_member(grammar->build);
}

static int start_name(struct duet_xml_grammar *grammar)
{
    if (duet_xml_build_has_key(grammar->build))
        return refuse(grammar, "%s: a second <name> in <member>",
                      duet_xml_build_where(grammar->build));
    duet_xml_text_start(grammar->build);
    grammar->place = IN_NAME;
    return 0;
}

static int start_scalar(struct duet_xml_grammar *grammar, enum duet_xml_type type,
                        const char *name)
{
    if (type == DUET_XML_FOREIGN)
        return refuse(grammar, "%s: type <%.*s> is not supported",
                      duet_xml_build_where(grammar->build), duet_xml_shown(name, strlen(name)),
                      name);
    grammar->scalar = type;
    grammar->place = IN_SCALAR;
    return leave_blank(grammar);
}

#define NAME(text) text, sizeof text - 1
#define AT(place) (1u << (place))

/* What may begin where. Those that clients send most come first. */
static const struct tag {
    const char *name;
    size_t size;
    unsigned places;
    int (*start)(struct duet_xml_grammar *grammar);
} tags[] = {
    {NAME("value"), AT(IN_PARAM) | AT(IN_DATA) | AT(IN_MEMBER) | AT(IN_FAULT), start_value},
    {NAME("member"), AT(IN_STRUCT), start_member},
    {NAME("name"), AT(IN_MEMBER), start_name},
    {NAME("param"), AT(IN_PARAMS), start_param},
    {NAME("params"), AT(IN_CALL) | AT(IN_RESPONSE), start_params},
    {NAME("methodName"), AT(IN_CALL), start_method_name},
    {NAME("methodCall"), AT(BEFORE_CALL), start_call},
    {NAME("struct"), AT(IN_VALUE), start_struct},
    {NAME("array"), AT(IN_VALUE), start_array},
    {NAME("data"), AT(IN_ARRAY), start_data},
    {NAME("methodResponse"), AT(BEFORE_CALL), start_response},
    {NAME("fault"), AT(IN_RESPONSE), start_fault},
};

static const struct tag *find_tag(const char *name, size_t size)
{
    for (size_t i = 0; i < sizeof tags / sizeof *tags; i++)
        if (tags[i].size == size && memcmp(tags[i].name, name, size) == 0)
            return &tags[i];
    return NULL;
}

int duet_xml_start_element(struct duet_xml_grammar *grammar, const char *name)
{
    const char *colon = strchr(name, ':');
    const char *local = colon != NULL ? colon + 1 : name;
    size_t size = strlen(local);

    if (grammar->place == IN_VALUE) {
        enum duet_xml_type type = duet_xml_type_find(local, size);
        if (type != DUET_XML_NONE)
            return start_scalar(grammar, type, name);
    }
    const struct tag *tag = find_tag(local, size);
    if (tag != NULL && (tag->places & AT(grammar->place)) != 0)
        return tag->start(grammar);
    if (grammar->place == BEFORE_CALL)
        return wrong_document(grammar, name);
    if (tag != NULL || duet_xml_type_find(local, size) != DUET_XML_NONE)
        return misplaced(grammar, name);
    return refuse(grammar, "unknown tag <%.*s> in %s", duet_xml_shown(name, strlen(name)), name,
                  place_names[grammar->place]);
}

/* ---- Elements that end */

static int end_method_name(struct duet_xml_grammar *grammar)
{
    struct duet_xml_build *build = grammar->build;
    const char *name = duet_xml_text(build);
    size_t size = build->text_size;
    duet_xml_trim(&name, &size);
    if (size == 0)
        return refuse(grammar, "<methodName> is empty");
    grammar->request->method = name;
    grammar->request->method_size = size;
    duet_xml_text_keep(build, build->text_size);
    grammar->place = IN_CALL;
    return 0;
}

/* A whole value is on the builder's stack: back to what it stands in. */
static int end_value(struct duet_xml_grammar *grammar)
{
    switch (duet_xml_build_inside(grammar->build)) {
    case MSGPACK_OBJECT_ARRAY:
        grammar->place = IN_DATA;
        break;
    case MSGPACK_OBJECT_MAP:
        grammar->place = IN_MEMBER;
        break;
    default:
        grammar->place =
            is_reply(grammar) && grammar->request->is_fault ? IN_FAULT_DONE : IN_PARAM_DONE;
    }
    return 0;
}

static int end_untyped_value(struct duet_xml_grammar *grammar)
{
    int rc = duet_xml_build_push(grammar->build, duet_xml_text_take(grammar->build));
    return rc < 0 ? rc : end_value(grammar);
}

static int end_scalar(struct duet_xml_grammar *grammar, const char *name)
{
    grammar->place = IN_VALUE_DONE;
    return duet_xml_scalar_push(grammar->build, grammar->scalar, name);
}

static int end_container(struct duet_xml_grammar *grammar)
{
    grammar->place = IN_VALUE_DONE;
    return duet_xml_build_close(grammar->build);
}

static int end_member(struct duet_xml_grammar *grammar)
{
    struct duet_xml_build *build = grammar->build;
    bool has_key = duet_xml_build_has_key(build), has_value = duet_xml_build_has_value(build);
    if (!has_key || !has_value)
        return refuse(grammar, "%s: <member> without %s", duet_xml_build_where(build),
                      has_key ? "<value>" : "<name>");
    grammar->place = IN_STRUCT;
    return 0;
}

static int end_name(struct duet_xml_grammar *grammar)
{
    duet_xml_build_key(grammar->build, duet_xml_text_take(grammar->build));
    grammar->place = IN_MEMBER;
    return 0;
}

int duet_xml_end_element(struct duet_xml_grammar *grammar, const char *name)
{
    switch (grammar->place) {
    case IN_METHOD_NAME:
        return end_method_name(grammar);
    case IN_VALUE:
        return end_untyped_value(grammar);
    case IN_SCALAR:
        return end_scalar(grammar, name);
    case IN_VALUE_DONE:
        return end_value(grammar);
    case IN_DATA:
        grammar->place = IN_ARRAY_DONE;
        return 0;
    case IN_ARRAY:
    case IN_ARRAY_DONE:
    case IN_STRUCT:
        return end_container(grammar);
    case IN_NAME:
        return end_name(grammar);
    case IN_MEMBER:
        return end_member(grammar);
    case IN_PARAM: /* an empty one is no argument */
    case IN_PARAM_DONE:
        grammar->place = IN_PARAMS;
        return 0;
    case IN_FAULT:
        return refuse(grammar, "<fault> is empty");
    case IN_FAULT_DONE:
    case IN_PARAMS:
    case IN_RESPONSE:
    case IN_CALL:
    case BEFORE_CALL:
        grammar->place = is_reply(grammar) ? IN_RESPONSE : IN_CALL;
        return 0;
    }
    return 0;
}

/* ---- Text */

static int text_between(struct duet_xml_grammar *grammar, const char *text, size_t size)
{
    const char *rest = text;
    size_t left = size;
    duet_xml_trim(&rest, &left);
    if (left == 0)
        return 0;
    return refuse(grammar, "text \"%.*s\" does not belong in %s", duet_xml_shown(rest, left),
                  rest, place_names[grammar->place]);
}

int duet_xml_characters(struct duet_xml_grammar *grammar, const char *text, size_t size)
{
    unsigned collects = AT(IN_VALUE) | AT(IN_SCALAR) | AT(IN_NAME) | AT(IN_METHOD_NAME);
    if ((collects & AT(grammar->place)) != 0)
        return duet_xml_text_add(grammar->build, text, size);
    return text_between(grammar, text, size);
}

/* ---- The whole document */

void duet_xml_grammar_start(struct duet_xml_grammar *grammar, struct duet_xml_build *build,
                            struct duet_incoming *request)
{
    *grammar = (struct duet_xml_grammar){.request = request, .build = build};
    request->method = NULL;
    request->is_fault = false;
    duet_xml_build_start(build, request);
}

int duet_xml_grammar_finish(struct duet_xml_grammar *grammar)
{
    if (is_reply(grammar) && !grammar->has_params && !grammar->request->is_fault)
        return refuse(grammar, "<methodResponse> has neither <params> nor <fault>");
    if (!is_reply(grammar) && grammar->request->method == NULL)
        return refuse(grammar, "<methodCall> has no <methodName>");
    return duet_xml_build_finish(grammar->build, &grammar->request->params);
}
