/*
 * Scalars: the table of type names, and one small function per kind of text.
 */
#include "xmlrpc_scalar.h"

#include "timestamp.h"
#include "xmlrpc_base64.h"
#include "xmlrpc_number.h"
#include "xmlrpc_text.h"
#include "xmlrpc_time.h"

#include <stdio.h>
#include <string.h>

#define NAME(text) text, sizeof text - 1

/* The ones that clients send most come first. ex: types are those of Apache's extension. */
static const struct {
    const char *name;
    size_t size;
    enum duet_xml_type type;
} types[] = {
    {NAME("int"), DUET_XML_INT},
    {NAME("string"), DUET_XML_STRING},
    {NAME("double"), DUET_XML_DOUBLE},
    {NAME("boolean"), DUET_XML_BOOLEAN},
    {NAME("i4"), DUET_XML_INT},
    {NAME("i8"), DUET_XML_I8},
    {NAME("nil"), DUET_XML_NIL},
    {NAME("base64"), DUET_XML_BASE64},
    {NAME("dateTime.iso8601"), DUET_XML_TIME},
    {NAME("i1"), DUET_XML_I1},
    {NAME("i2"), DUET_XML_I2},
    {NAME("float"), DUET_XML_DOUBLE},
    {NAME("dateTime"), DUET_XML_TIME},
    {NAME("biginteger"), DUET_XML_BIG_INTEGER},
    {NAME("bigdecimal"), DUET_XML_DOUBLE},
    {NAME("dom"), DUET_XML_FOREIGN},
    {NAME("serializable"), DUET_XML_FOREIGN},
};

enum duet_xml_type duet_xml_type_find(const char *name, size_t size)
{
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (types[i].size == size && memcmp(types[i].name, name, size) == 0)
            return types[i].type;
    return DUET_XML_NONE;
}

static const struct {
    int64_t min, max;
} ranges[] = {
    [DUET_XML_I1] = {INT8_MIN, INT8_MAX},
    [DUET_XML_I2] = {INT16_MIN, INT16_MAX},
    [DUET_XML_INT] = {INT32_MIN, INT32_MAX},
    [DUET_XML_I8] = {INT64_MIN, INT64_MAX},
    [DUET_XML_BIG_INTEGER] = {INT64_MIN, INT64_MAX}, /* and UINT64_MAX, see below */
};

/* What is wrong with the text: "argument 2: <i4> holds "12x", which is no integer". */
static int refuse(struct duet_xml_build *build, int code, const char *name, const char *what)
{
    const char *text = duet_xml_text(build);
    size_t size = build->text_size;
    return duet_fault_set(build->request->fault, code, "%s: <%.*s> holds \"%.*s\"%s, %s",
                          duet_xml_build_where(build), duet_xml_shown(name, strlen(name)), name,
                          duet_xml_shown(text, size), text,
                          duet_xml_shown(text, size) < (int)size ? "..." : "", what);
}

/* The type whose range holds: many clients put 64 bits in an <int>. */
static enum duet_xml_type widened(const struct duet_xml_build *build, enum duet_xml_type type)
{
    return type == DUET_XML_INT && !build->request->int_is_strict ? DUET_XML_I8 : type;
}

static int refuse_integer(struct duet_xml_build *build, enum duet_xml_type type,
                          const char *name, int code)
{
    if (code == DUET_FAULT_REQUEST)
        return refuse(build, code, name, "which is no integer");
    if (type == DUET_XML_BIG_INTEGER)
        return refuse(build, code, name, "which is out of range: 64 bits are supported");
    char what[96];
    snprintf(what, sizeof what, "which is out of range: %" PRId64 " to %" PRId64 "%s",
             ranges[type].min, ranges[type].max,
             type == DUET_XML_INT ? " with --int strict" : "");
    return refuse(build, code, name, what);
}

static int read_integer(struct duet_xml_build *build, enum duet_xml_type type, const char *name,
                        msgpack_object *value)
{
    bool negative;
    uint64_t magnitude;
    type = widened(build, type);
    int rc =
        duet_xml_integer_read(duet_xml_text(build), build->text_size, &negative, &magnitude);
    if (rc < 0)
        return refuse_integer(build, type, name, rc);

    uint64_t most = negative ? 0 - (uint64_t)ranges[type].min : (uint64_t)ranges[type].max;
    if (type == DUET_XML_BIG_INTEGER && !negative)
        most = UINT64_MAX;
    if (magnitude > most)
        return refuse_integer(build, type, name, DUET_FAULT_PARAMS);

    value->type = negative ? MSGPACK_OBJECT_NEGATIVE_INTEGER : MSGPACK_OBJECT_POSITIVE_INTEGER;
    value->via.u64 = negative ? 0 - magnitude : magnitude; /* i64 shares the bits */
    return 0;
}

static int read_boolean(struct duet_xml_build *build, const char *name, msgpack_object *value)
{
    const char *text = duet_xml_text(build);
    size_t size = build->text_size;
    duet_xml_trim(&text, &size);
    value->type = MSGPACK_OBJECT_BOOLEAN;
    value->via.boolean = (size == 1 && *text == '1') || (size == 4 && !memcmp(text, "true", 4));
    if (value->via.boolean || (size == 1 && *text == '0') ||
        (size == 5 && !memcmp(text, "false", 5)))
        return 0;
    return refuse(build, DUET_FAULT_REQUEST, name, "which is neither 0 nor 1");
}

static int read_double(struct duet_xml_build *build, const char *name, msgpack_object *value)
{
    value->type = MSGPACK_OBJECT_FLOAT64;
    int rc = duet_xml_double_read(duet_xml_text(build), build->text_size, &value->via.f64);
    if (rc == DUET_FAULT_PARAMS)
        return refuse(build, rc, name, "which is out of range for a double");
    if (rc < 0)
        return refuse(build, rc, name, "which is no decimal number");
    return 0;
}

static int read_time(struct duet_xml_build *build, const char *name, msgpack_object *value)
{
    duet_time time;
    int rc = duet_xml_time_read(duet_xml_text(build), build->text_size, &time);
    if (rc == DUET_FAULT_PARAMS)
        return refuse(build, rc, name, "which is a date or time that does not exist");
    if (rc < 0)
        return refuse(build, rc, name, "which is not written like 19980717T14:08:55");

    duet_xml_text_keep(build, 0);
    bool has_room = duet_timestamp_object(value, time, build->request->arena);
    return has_room ? 0 : duet_xml_build_too_big(build);
}

static int read_base64(struct duet_xml_build *build, const char *name, msgpack_object *value)
{
    char *text = duet_xml_text(build);
    size_t bad;
    ptrdiff_t size = duet_xml_base64_decode(text, build->text_size, &bad);
    if (size < 0)
        return duet_fault_set(build->request->fault, DUET_FAULT_REQUEST,
                              bad < build->text_size
                                  ? "%s: <%.*s> is no base64 at character %zu"
                                  : "%s: <%.*s> is base64 that ends early, after "
                                    "character %zu",
                              duet_xml_build_where(build), duet_xml_shown(name, strlen(name)),
                              name, bad < build->text_size ? bad + 1 : bad);
    value->type = MSGPACK_OBJECT_BIN;
    value->via.bin.ptr = text;
    value->via.bin.size = (uint32_t)size;
    duet_xml_text_keep(build, (size_t)size);
    return 0;
}

static int read_nil(struct duet_xml_build *build, const char *name, msgpack_object *value)
{
    const char *text = duet_xml_text(build);
    size_t size = build->text_size;
    duet_xml_trim(&text, &size);
    if (size > 0)
        return refuse(build, DUET_FAULT_REQUEST, name, "but must be empty");
    value->type = MSGPACK_OBJECT_NIL;
    return 0;
}

static int read_scalar(struct duet_xml_build *build, enum duet_xml_type type, const char *name,
                       msgpack_object *value)
{
    switch (type) {
    case DUET_XML_BOOLEAN:
        return read_boolean(build, name, value);
    case DUET_XML_DOUBLE:
        return read_double(build, name, value);
    case DUET_XML_STRING:
        *value = duet_xml_text_take(build);
        return 0;
    case DUET_XML_TIME:
        return read_time(build, name, value);
    case DUET_XML_BASE64:
        return read_base64(build, name, value);
    case DUET_XML_NIL:
        return read_nil(build, name, value);
    default:
        return read_integer(build, type, name, value);
    }
}

int duet_xml_scalar_push(struct duet_xml_build *build, enum duet_xml_type type,
                         const char *name)
{
    msgpack_object value;
    int rc = read_scalar(build, type, name, &value);
    if (rc < 0)
        return rc;
    duet_xml_text_keep(build, 0); /* what a number was read from is done with */
    return duet_xml_build_push(build, value);
}
