/*
 * XML-RPC's side of the writer: each value as the elements that clients of all ages read.
 * Strings are always typed: some servers and clients know no other. What the format cannot
 * carry is a fault with words, or goes out as the style says; the output is well formed in any
 * case.
 */
#include "duet.h"
#include "timestamp.h"
#include "writer.h"
#include "xmlrpc_base64.h"
#include "xmlrpc_number.h"
#include "xmlrpc_text.h"
#include "xmlrpc_time.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define TEXT(text) text, sizeof text - 1

static int put(struct duet_writer *writer, const char *text, size_t size)
{
    return duet_buf_append(&writer->out, text, size);
}

/* One short value between its tags, with one look at the buffer. */
static int put_between(struct duet_writer *writer, const char *before, size_t before_size,
                       const char *text, size_t size, const char *after, size_t after_size)
{
    struct duet_buf *out = &writer->out;
    int rc = duet_buf_reserve(out, before_size + size + after_size);
    if (rc < 0)
        return rc;
    uint8_t *to = out->data + out->size;
    memcpy(to, before, before_size);
    memcpy(to + before_size, text, size);
    memcpy(to + before_size + size, after, after_size);
    out->size += before_size + size + after_size;
    return 0;
}

static int refuse(struct duet_writer *writer, const char *words)
{
    return duet_fault_set(writer->fault, DUET_FAULT_INTERNAL, "%s", words);
}

static int write_boolean(struct duet_writer *writer, bool value)
{
    return value ? put(writer, TEXT("<value><boolean>1</boolean></value>"))
                 : put(writer, TEXT("<value><boolean>0</boolean></value>"));
}

static int write_nil(struct duet_writer *writer)
{
    switch (writer->style.nil) {
    case DUET_NIL_EX:
        return put(writer, TEXT("<value><ex:nil/></value>"));
    case DUET_NIL_FAULT:
        return refuse(writer, "XML-RPC has no nil, and --nil fault forbids the extension");
    case DUET_NIL_EMPTY:
        return put(writer, TEXT("<value><string></string></value>"));
    case DUET_NIL_FALSE:
        return write_boolean(writer, false);
    default:
        return put(writer, TEXT("<value><nil/></value>"));
    }
}

static int write_long_integer(struct duet_writer *writer, const char *digits, size_t size)
{
    switch (writer->style.i8) {
    case DUET_I8_EX:
        return put_between(writer, TEXT("<value><ex:i8>"), digits, size,
                           TEXT("</ex:i8></value>"));
    case DUET_I8_FAULT:
        return duet_fault_set(writer->fault, DUET_FAULT_INTERNAL,
                              "integer %.*s exceeds XML-RPC's 32 bits, and --i8 fault forbids "
                              "the extension",
                              (int)size, digits);
    default:
        return put_between(writer, TEXT("<value><i8>"), digits, size, TEXT("</i8></value>"));
    }
}

static int write_integer(struct duet_writer *writer, int64_t value)
{
    char digits[DUET_XML_INTEGER_ROOM];
    size_t size = duet_xml_integer_write(digits, value);
    if (value < INT32_MIN || value > INT32_MAX)
        return write_long_integer(writer, digits, size);
    return put_between(writer, TEXT("<value><int>"), digits, size, TEXT("</int></value>"));
}

static int write_natural(struct duet_writer *writer, uint64_t value)
{
    return duet_fault_set(writer->fault, DUET_FAULT_INTERNAL,
                          "integer %" PRIu64 " exceeds 9223372036854775807, the largest that "
                          "XML-RPC's i8 can carry",
                          value);
}

static int refuse_not_finite(struct duet_writer *writer)
{
    return refuse(writer, "XML-RPC has no double that is NaN or infinite");
}

static int write_real(struct duet_writer *writer, double value)
{
    char digits[DUET_XML_DOUBLE_ROOM];
    size_t size = duet_xml_double_write(digits, value);
    if (size == 0)
        return refuse_not_finite(writer);
    return put_between(writer, TEXT("<value><double>"), digits, size,
                       TEXT("</double></value>"));
}

static int write_bytes(struct duet_writer *writer, const void *bytes, size_t size)
{
    int rc = put(writer, TEXT("<value><base64>"));
    if (rc < 0)
        return rc;
    size_t coded = duet_xml_base64_size(size);
    if (size / 3 > SIZE_MAX / 8)
        return -EMSGSIZE;
    rc = duet_buf_reserve(&writer->out, coded);
    if (rc < 0)
        return rc;
    duet_xml_base64_encode((char *)writer->out.data + writer->out.size, bytes, size);
    writer->out.size += coded;
    return put(writer, TEXT("</base64></value>"));
}

static int refuse_text(struct duet_writer *writer, const char *what, const char *text,
                       size_t at)
{
    return duet_fault_set(writer->fault, DUET_FAULT_INTERNAL,
                          "%s holds byte 0x%02x at offset %zu, which XML cannot carry; "
                          "--control-chars base64 or replace would send it",
                          what, (uint8_t)text[at], at);
}

static int write_string(struct duet_writer *writer, const char *text, size_t size)
{
    size_t start = writer->out.size, bad;
    int rc = put(writer, TEXT("<value><string>"));
    if (rc == 0)
        rc = duet_xml_text_write(&writer->out, text, size,
                                 writer->style.control_chars == DUET_CONTROL_CHARS_REPLACE,
                                 &bad);
    if (rc == 0)
        return put(writer, TEXT("</string></value>"));
    if (rc < 0)
        return rc;

    writer->out.size = start;
    if (writer->style.control_chars == DUET_CONTROL_CHARS_FAULT)
        return refuse_text(writer, "a string", text, bad);
    return write_bytes(writer, text, size);
}

static int refuse_year(struct duet_writer *writer)
{
    return refuse(writer, "XML-RPC's dates have years 0001 to 9999; this one is outside");
}

static int write_time(struct duet_writer *writer, duet_time value)
{
    char text[DUET_XML_TIME_SIZE];
    if (!duet_xml_time_write(text, value.seconds))
        return refuse_year(writer);
    return put_between(writer, TEXT("<value><dateTime.iso8601>"), text, sizeof text,
                       TEXT("</dateTime.iso8601></value>"));
}

static int refuse_ext(struct duet_writer *writer, int type)
{
    return duet_fault_set(writer->fault, DUET_FAULT_INTERNAL,
                          "XML-RPC cannot carry a MessagePack extension of type %d", type);
}

static int write_ext(struct duet_writer *writer, int type, const void *bytes, size_t size)
{
    duet_time time;
    if (type != DUET_TIMESTAMP_TYPE || !duet_timestamp_read(bytes, size, &time))
        return refuse_ext(writer, type);
    return write_time(writer, time);
}

static int begin_array(struct duet_writer *writer, size_t count)
{
    (void)count;
    return put(writer, TEXT("<value><array><data>"));
}

static int end_array(struct duet_writer *writer)
{
    return put(writer, TEXT("</data></array></value>"));
}

static int begin_map(struct duet_writer *writer, size_t count)
{
    (void)count;
    return put(writer, TEXT("<value><struct>"));
}

/* Names have no base64 to fall back on: what XML cannot carry is replaced, if not refused. */
static int put_name(struct duet_writer *writer, const char *text, size_t size)
{
    size_t bad;
    int rc = duet_xml_text_write(&writer->out, text, size,
                                 writer->style.control_chars != DUET_CONTROL_CHARS_FAULT, &bad);
    return rc > 0 ? refuse_text(writer, "a struct's member name", text, bad) : rc;
}

static int put_real_name(struct duet_writer *writer, double value)
{
    char digits[DUET_XML_DOUBLE_ROOM];
    size_t size = duet_xml_double_write(digits, value);
    return size > 0 ? put(writer, digits, size) : refuse_not_finite(writer);
}

static int put_integer_name(struct duet_writer *writer, const msgpack_object *key)
{
    char digits[DUET_XML_INTEGER_ROOM + 1];
    if (key->type == MSGPACK_OBJECT_POSITIVE_INTEGER && key->via.u64 > INT64_MAX)
        return put(writer, digits,
                   (size_t)snprintf(digits, sizeof digits, "%" PRIu64, key->via.u64));
    return put(writer, digits, duet_xml_integer_write(digits, key->via.i64));
}

static int put_ext_name(struct duet_writer *writer, const msgpack_object_ext *ext)
{
    duet_time time;
    char text[DUET_XML_TIME_SIZE];
    if (ext->type != DUET_TIMESTAMP_TYPE || !duet_timestamp_read(ext->ptr, ext->size, &time))
        return refuse_ext(writer, ext->type);
    if (!duet_xml_time_write(text, time.seconds))
        return refuse_year(writer);
    return put(writer, text, sizeof text);
}

/* Members of a struct have names that are text; MessagePack's keys may be anything. */
static int put_key(struct duet_writer *writer, const msgpack_object *key)
{
    switch (key->type) {
    case MSGPACK_OBJECT_STR:
        return put_name(writer, key->via.str.ptr, key->via.str.size);
    case MSGPACK_OBJECT_BIN:
        return put_name(writer, key->via.bin.ptr, key->via.bin.size);
    case MSGPACK_OBJECT_POSITIVE_INTEGER:
    case MSGPACK_OBJECT_NEGATIVE_INTEGER:
        return put_integer_name(writer, key);
    case MSGPACK_OBJECT_BOOLEAN:
        return key->via.boolean ? put(writer, TEXT("true")) : put(writer, TEXT("false"));
    case MSGPACK_OBJECT_FLOAT32:
    case MSGPACK_OBJECT_FLOAT64:
        return put_real_name(writer, key->via.f64);
    case MSGPACK_OBJECT_NIL:
        return put(writer, TEXT("nil"));
    case MSGPACK_OBJECT_EXT:
        return put_ext_name(writer, &key->via.ext);
    case MSGPACK_OBJECT_ARRAY:
    case MSGPACK_OBJECT_MAP:
        break;
    }
    return refuse(writer, "XML-RPC cannot carry a map whose key is an array or a map");
}

static int write_key(struct duet_writer *writer, const msgpack_object *key)
{
    int rc = put(writer, TEXT("<member><name>"));
    if (rc == 0)
        rc = put_key(writer, key);
    return rc == 0 ? put(writer, TEXT("</name>")) : rc;
}

static int end_member(struct duet_writer *writer)
{
    return put(writer, TEXT("</member>"));
}

static int end_map(struct duet_writer *writer)
{
    return put(writer, TEXT("</struct></value>"));
}

static int end_argument(struct duet_writer *writer, size_t left)
{
    return left > 0 ? put(writer, TEXT("</param><param>")) : put(writer, TEXT("</param>"));
}

const struct duet_writer_ops duet_writer_ops_xmlrpc = {
    .nil = write_nil,
    .boolean = write_boolean,
    .integer = write_integer,
    .natural = write_natural,
    .real = write_real,
    .string = write_string,
    .bytes = write_bytes,
    .time = write_time,
    .ext = write_ext,
    .begin_array = begin_array,
    .end_array = end_array,
    .begin_map = begin_map,
    .key = write_key,
    .end_member = end_member,
    .end_map = end_map,
    .end_argument = end_argument,
    .has_field_names = true,
};
