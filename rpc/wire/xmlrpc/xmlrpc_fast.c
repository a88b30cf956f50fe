/*
 * A document as a straight walk: what may stand next is what the code asks for next. Containers
 * wait on the builder's stack, which also keeps depth and values within their limits, so
 * nothing recurses. Whatever is not asked for ends the walk. On any thread.
 *
 * Where this must do as expat does, it is stricter than it needs to be: a CR in a text, which
 * expat would make a LF, a character reference, "<nil></nil>" and the like are simply not for
 * it. Numbers, dates and base64 go through the functions that read them for expat.
 */
#include "xmlrpc_fast.h"

#include "timestamp.h"
#include "xmlrpc_base64.h"
#include "xmlrpc_number.h"
#include "xmlrpc_text.h"
#include "xmlrpc_time.h"

#include <string.h>

struct scan {
    const char *at, *end;
    int64_t int_max; /* of <int> and <i4> */
    struct duet_xml_build *build;
};

/* ---- Bytes */

static inline bool take(struct scan *scan, const char *text, size_t size)
{
    if ((size_t)(scan->end - scan->at) < size || memcmp(scan->at, text, size) != 0)
        return false;
    scan->at += size;
    return true;
}

static inline void skip_space(struct scan *scan)
{
    while (scan->at < scan->end && duet_xml_is_space(*scan->at))
        scan->at++;
}

/* Sizes that the compiler knows make a few compares of words of it. */
#define TAKE(scan, text) take(scan, text, sizeof text - 1)
#define TAKE_AFTER_SPACE(scan, text) (skip_space(scan), TAKE(scan, text))

/* All up to the next tag. */
static bool take_raw(struct scan *scan, const char **text, size_t *size)
{
    const char *end = memchr(scan->at, '<', (size_t)(scan->end - scan->at));
    if (end == NULL)
        return false;
    *text = scan->at;
    *size = (size_t)(end - scan->at);
    scan->at = end;
    return true;
}

/* ---- Text */

/* Passes over a text up to the next tag: false when there is more to it than characters and
 * entities. */
static bool skip_text(struct scan *scan, bool *has_entities)
{
    const uint8_t *p = (const uint8_t *)scan->at, *end = (const uint8_t *)scan->end;
    *has_entities = false;
    for (;; p++) {
        p = duet_xml_plain_end(p, end);
        if (p == end)
            return false;
        if (*p == '<')
            break;
        if (*p == '&')
            *has_entities = true;
        else if (*p != '>' || (p[-1] == ']' && p[-2] == ']')) /* XML 1.0 2.4 bans "]]>" */
            return false;
    }
    scan->at = (const char *)p;
    return true;
}

static bool take_text(struct scan *scan, msgpack_object *string)
{
    const char *text = scan->at;
    bool has_entities;
    if (!skip_text(scan, &has_entities))
        return false;
    size_t size = (size_t)(scan->at - text);
    char *copy = duet_arena_alloc(scan->build->request->arena, size + 1);
    if (copy == NULL)
        return false;

    char *end = copy + size;
    if (has_entities)
        end = duet_xml_text_expand(copy, text, size);
    else
        memcpy(copy, text, size);
    if (end == NULL)
        return false;
    *end = '\0';
    string->type = MSGPACK_OBJECT_STR;
    string->via.str.ptr = copy;
    string->via.str.size = (uint32_t)(end - copy);
    return true;
}

static msgpack_object empty_string(void)
{
    return (msgpack_object){.type = MSGPACK_OBJECT_STR, .via.str = {.size = 0, .ptr = ""}};
}

/* ---- Scalars */

static bool take_integer(struct scan *scan, int64_t max, msgpack_object *value)
{
    const char *text;
    size_t size;
    bool negative;
    uint64_t magnitude;
    if (!take_raw(scan, &text, &size) ||
        duet_xml_integer_read(text, size, &negative, &magnitude) < 0 ||
        magnitude > (uint64_t)max + negative)
        return false;
    value->type = negative ? MSGPACK_OBJECT_NEGATIVE_INTEGER : MSGPACK_OBJECT_POSITIVE_INTEGER;
    value->via.u64 = negative ? 0 - magnitude : magnitude; /* i64 shares the bits */
    return true;
}

static bool take_double(struct scan *scan, msgpack_object *value)
{
    const char *text;
    size_t size;
    value->type = MSGPACK_OBJECT_FLOAT64;
    return take_raw(scan, &text, &size) &&
           duet_xml_double_read(text, size, &value->via.f64) == 0;
}

static bool take_boolean(struct scan *scan, msgpack_object *value)
{
    value->type = MSGPACK_OBJECT_BOOLEAN;
    value->via.boolean = TAKE(scan, "1");
    return value->via.boolean || TAKE(scan, "0");
}

static bool take_time(struct scan *scan, msgpack_object *value)
{
    const char *text;
    size_t size;
    duet_time time;
    if (!take_raw(scan, &text, &size) || duet_xml_time_read(text, size, &time) < 0)
        return false;
    return duet_timestamp_object(value, time, scan->build->request->arena);
}

static bool take_base64(struct scan *scan, msgpack_object *value)
{
    const char *text;
    size_t size, bad;
    if (!take_raw(scan, &text, &size))
        return false;
    struct duet_arena *arena = scan->build->request->arena;
    char *bytes = duet_arena_text(arena, text, size);
    ptrdiff_t decoded = bytes != NULL ? duet_xml_base64_decode(bytes, size, &bad) : -1;
    if (decoded < 0)
        return false;
    duet_arena_resize(arena, bytes, size + 1, (size_t)decoded + 1);
    bytes[decoded] = '\0';
    value->type = MSGPACK_OBJECT_BIN;
    value->via.bin.ptr = bytes;
    value->via.bin.size = (uint32_t)decoded;
    return true;
}

static bool take_scalar(struct scan *scan, msgpack_object *value)
{
    if (TAKE(scan, "<int>"))
        return take_integer(scan, scan->int_max, value) && TAKE(scan, "</int>");
    if (TAKE(scan, "<string>"))
        return take_text(scan, value) && TAKE(scan, "</string>");
    if (TAKE(scan, "<double>"))
        return take_double(scan, value) && TAKE(scan, "</double>");
    if (TAKE(scan, "<boolean>"))
        return take_boolean(scan, value) && TAKE(scan, "</boolean>");
    if (TAKE(scan, "<i4>"))
        return take_integer(scan, scan->int_max, value) && TAKE(scan, "</i4>");
    if (TAKE(scan, "<i8>"))
        return take_integer(scan, INT64_MAX, value) && TAKE(scan, "</i8>");
    if (TAKE(scan, "<dateTime.iso8601>"))
        return take_time(scan, value) && TAKE(scan, "</dateTime.iso8601>");
    if (TAKE(scan, "<base64>"))
        return take_base64(scan, value) && TAKE(scan, "</base64>");
    *value = (msgpack_object){.type = MSGPACK_OBJECT_NIL};
    if (TAKE(scan, "<nil/>"))
        return true;
    *value = empty_string();
    return TAKE(scan, "<string/>");
}

/* ---- Values */

enum found {
    NOTHING, /* that is for this reader */
    WHOLE,   /* a value, with its end */
    OPENED,  /* a container: its first item or its end is next */
};

static enum found push(struct scan *scan, msgpack_object value)
{
    return duet_xml_build_push(scan->build, value) == 0 ? WHOLE : NOTHING;
}

static enum found open(struct scan *scan, msgpack_object_type type)
{
    return duet_xml_build_open(scan->build, type) == 0 ? OPENED : NOTHING;
}

static enum found take_typed(struct scan *scan)
{
    if (TAKE(scan, "<struct>"))
        return open(scan, MSGPACK_OBJECT_MAP);
    if (TAKE(scan, "<array>"))
        return TAKE_AFTER_SPACE(scan, "<data>") ? open(scan, MSGPACK_OBJECT_ARRAY) : NOTHING;
    msgpack_object value;
    if (!take_scalar(scan, &value) || !TAKE_AFTER_SPACE(scan, "</value>"))
        return NOTHING;
    return push(scan, value);
}

/* From a value's tag to its end, or into a container. */
static enum found take_value(struct scan *scan)
{
    if (!TAKE_AFTER_SPACE(scan, "<value>"))
        return TAKE(scan, "<value/>") ? push(scan, empty_string()) : NOTHING;

    const char *text = scan->at;
    skip_space(scan);
    if (scan->end - scan->at >= 2 && scan->at[0] == '<' && scan->at[1] != '/')
        return take_typed(scan);

    scan->at = text; /* no type: a string, and all its spaces count */
    msgpack_object string;
    if (!take_text(scan, &string) || !TAKE(scan, "</value>"))
        return NOTHING;
    return push(scan, string);
}

/* The beginning of a member, up to its value. */
static bool take_name(struct scan *scan)
{
    msgpack_object name;
    return TAKE_AFTER_SPACE(scan, "<name>") && take_text(scan, &name) &&
           TAKE(scan, "</name>") && push(scan, name) == WHOLE;
}

/* From where take_value left off to where the next value must be: past the ends of the
 * containers that end here, perhaps to the end of the outermost value. */
static bool go_on(struct scan *scan, enum found found)
{
    while (found != NOTHING) {
        switch (duet_xml_build_inside(scan->build)) {
        case MSGPACK_OBJECT_ARRAY:
            if (!TAKE_AFTER_SPACE(scan, "</data>"))
                return true;
            if (!TAKE_AFTER_SPACE(scan, "</array>"))
                return false;
            break;
        case MSGPACK_OBJECT_MAP:
            if (found == WHOLE && !TAKE_AFTER_SPACE(scan, "</member>"))
                return false;
            if (TAKE_AFTER_SPACE(scan, "<member>"))
                return take_name(scan);
            if (!TAKE(scan, "</struct>"))
                return false;
            break;
        default:
            return true;
        }
        bool ends = TAKE_AFTER_SPACE(scan, "</value>");
        found = ends && duet_xml_build_close(scan->build) == 0 ? WHOLE : NOTHING;
    }
    return false;
}

static bool take_whole_value(struct scan *scan)
{
    do {
        if (!go_on(scan, take_value(scan)))
            return false;
    } while (scan->build->depth > 0);
    return true;
}

/* ---- The document */

static bool take_quoted(struct scan *scan, const char *text, size_t size)
{
    const char *at = scan->at;
    if ((size_t)(scan->end - at) < size + 2 || (at[0] != '"' && at[0] != '\'') ||
        memcmp(at + 1, text, size) != 0 || at[size + 1] != at[0])
        return false;
    scan->at += size + 2;
    return true;
}

#define TAKE_QUOTED(scan, text) take_quoted(scan, text, sizeof text - 1)

static bool skip_declaration(struct scan *scan)
{
    if (!TAKE(scan, "<?xml version="))
        return true;
    if (!TAKE_QUOTED(scan, "1.0"))
        return false;
    if (TAKE(scan, " encoding=") && !TAKE_QUOTED(scan, "utf-8") && !TAKE_QUOTED(scan, "UTF-8"))
        return false;
    return TAKE_AFTER_SPACE(scan, "?>"); /* Ruby sends one */
}

static bool take_method(struct scan *scan, const char **method, size_t *size)
{
    msgpack_object name;
    if (!TAKE_AFTER_SPACE(scan, "<methodName>") || !take_text(scan, &name) ||
        !TAKE(scan, "</methodName>"))
        return false;
    *method = name.via.str.ptr;
    *size = name.via.str.size;
    duet_xml_trim(method, size);
    return *size > 0;
}

/* A call's or reply's params, or, behind its tag, what stands in a <fault>. One place for both,
 * so that the compiler makes one piece of the way through a document. */
static bool take_values(struct scan *scan, bool is_fault)
{
    if (!is_fault && !TAKE_AFTER_SPACE(scan, "<params>")) {
        TAKE(scan, "<params/>"); /* and none at all are none, too */
        return true;
    }
    while (is_fault || TAKE_AFTER_SPACE(scan, "<param>")) {
        if (!take_whole_value(scan))
            return false;
        if (is_fault)
            return TAKE_AFTER_SPACE(scan, "</fault>");
        if (!TAKE_AFTER_SPACE(scan, "</param>"))
            return false;
    }
    return TAKE(scan, "</params>");
}

/* Of a reply without a value expat has the word. */
static bool take_document(struct scan *scan, struct duet_incoming *request)
{
    const char *method = NULL;
    size_t method_size = 0;
    bool is_reply = request->kind == DUET_KIND_RESPONSE, is_fault = false;
    if (!skip_declaration(scan))
        return false;
    if (is_reply && !TAKE_AFTER_SPACE(scan, "<methodResponse>"))
        return false;
    if (is_reply)
        is_fault = TAKE_AFTER_SPACE(scan, "<fault>");
    else if (!TAKE_AFTER_SPACE(scan, "<methodCall>") ||
             !take_method(scan, &method, &method_size))
        return false;

    if (!take_values(scan, is_fault))
        return false;
    bool ends = is_reply ? scan->build->size > 0 && TAKE_AFTER_SPACE(scan, "</methodResponse>")
                         : TAKE_AFTER_SPACE(scan, "</methodCall>");
    skip_space(scan);
    if (!ends || scan->at < scan->end ||
        duet_xml_build_finish(scan->build, &request->params) < 0)
        return false;
    request->method = method;
    request->method_size = method_size;
    request->is_fault = is_fault;
    return true;
}

bool duet_xml_fast_read(struct duet_xml_build *build, struct duet_incoming *request)
{
    if (request->size > INT32_MAX) /* sizes in the tree have 32 bits */
        return false;
    const char *bytes = (const char *)request->bytes;
    struct scan scan = {
        .at = bytes,
        .end = bytes + request->size,
        .int_max = request->int_is_strict ? INT32_MAX : INT64_MAX,
        .build = build,
    };
    struct duet_arena_mark mark = duet_arena_mark(request->arena);
    int code = request->fault->code;

    duet_xml_build_start(build, request);
    bool is_read = take_document(&scan, request);
    duet_xml_build_rest(build);
    if (!is_read) {
        request->fault->code = code; /* the builder may have set one */
        duet_arena_rewind(request->arena, mark);
    }
    return is_read;
}
