/*
 * For the tests of what reads XML-RPC: reads a document from a heap block of its exact size (so
 * that the address sanitizer sees a read past it) and renders the arguments as text.
 */
#ifndef DUET_TEST_XMLRPC_READING_H
#define DUET_TEST_XMLRPC_READING_H

#include "codec.h"
#include "duet.h"
#include "xmlrpc_expat.h"
#include "xmlrpc_read.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct reading {
    struct duet_limits limits;
    struct duet_arena arena;
    struct duet_fault fault;
    bool int_is_strict;
    struct duet_incoming request;
    uint8_t *bytes;
    int rc;
    char shown[4096];
};

static inline void reading_init(struct reading *reading)
{
    memset(reading, 0, sizeof *reading);
    reading->limits = (struct duet_limits){
        .max_message = 16 << 20, .max_head = 16384, .max_values = 1000000, .max_depth = 64};
    duet_arena_init(&reading->arena, (size_t)256 << 20);
}

static inline void reading_done(struct reading *reading)
{
    duet_arena_done(&reading->arena);
    free(reading->bytes);
}

static inline void show(struct reading *reading, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static inline void show(struct reading *reading, const char *format, ...)
{
    size_t size = strlen(reading->shown);
    va_list args;
    va_start(args, format);
    vsnprintf(reading->shown + size, sizeof reading->shown - size, format, args);
    va_end(args);
}

static inline void show_bytes(struct reading *reading, char mark, const char *bytes,
                              size_t size)
{
    show(reading, "%c(", mark);
    for (size_t i = 0; i < size; i++)
        show(reading, "%02x", (uint8_t)bytes[i]);
    show(reading, ")");
}

static inline void show_object(struct reading *reading, const msgpack_object *object)
{
    switch (object->type) {
    case MSGPACK_OBJECT_NIL:
        show(reading, "nil");
        break;
    case MSGPACK_OBJECT_BOOLEAN:
        show(reading, object->via.boolean ? "true" : "false");
        break;
    case MSGPACK_OBJECT_POSITIVE_INTEGER:
        show(reading, "%" PRIu64, object->via.u64);
        break;
    case MSGPACK_OBJECT_NEGATIVE_INTEGER:
        show(reading, "%" PRId64, object->via.i64);
        break;
    case MSGPACK_OBJECT_FLOAT32:
    case MSGPACK_OBJECT_FLOAT64:
        show(reading, "%.17g", object->via.f64);
        break;
    case MSGPACK_OBJECT_STR:
        show(reading, "'%.*s'", (int)object->via.str.size, object->via.str.ptr);
        if (object->via.str.ptr[object->via.str.size] != '\0')
            show(reading, " without a NUL");
        break;
    case MSGPACK_OBJECT_BIN:
        show_bytes(reading, 'b', object->via.bin.ptr, object->via.bin.size);
        break;
    case MSGPACK_OBJECT_EXT:
        show_bytes(reading, 't', object->via.ext.ptr, object->via.ext.size);
        break;
    case MSGPACK_OBJECT_ARRAY:
        show(reading, "[");
        for (uint32_t i = 0; i < object->via.array.size; i++) {
            show(reading, i > 0 ? "," : "");
            show_object(reading, &object->via.array.ptr[i]);
        }
        show(reading, "]");
        break;
    case MSGPACK_OBJECT_MAP:
        show(reading, "{");
        for (uint32_t i = 0; i < object->via.map.size; i++) {
            show(reading, i > 0 ? "," : "");
            show_object(reading, &object->via.map.ptr[i].key);
            show(reading, ":");
            show_object(reading, &object->via.map.ptr[i].val);
        }
        show(reading, "}");
        break;
    }
}

/* Reads a document; returns the arguments as text, or "fault CODE". */
static inline const char *read_bytes(struct reading *reading, const void *bytes, size_t size)
{
    duet_arena_reset(&reading->arena);
    free(reading->bytes);
    reading->bytes = malloc(size + 1);
    if (size > 0)
        memcpy(reading->bytes, bytes, size);
    reading->bytes[size] = 0xaa; /* readable, but nothing to rely on */
    memset(&reading->fault, 0, sizeof reading->fault);
    reading->request = (struct duet_incoming){.bytes = reading->bytes,
                                              .size = size,
                                              .limits = &reading->limits,
                                              .int_is_strict = reading->int_is_strict,
                                              .arena = &reading->arena,
                                              .fault = &reading->fault};
    reading->shown[0] = '\0';
    reading->rc = duet_xml_read(duet_xml_thread(), &reading->request);
    if (reading->rc < 0)
        show(reading, "fault %d", reading->fault.code);
    else
        show_object(reading, &reading->request.params);
    return reading->shown;
}

static inline const char *read_text(struct reading *reading, const char *text)
{
    return read_bytes(reading, text, strlen(text));
}

/* Reads a call of method m with what stands inside its one value. */
static inline const char *read_value(struct reading *reading, const char *inside)
{
    char *text = malloc(strlen(inside) + 200);
    sprintf(text,
            "<?xml version='1.0'?>\n<methodCall><methodName>m</methodName><params><param>"
            "<value>%s</value></param></params></methodCall>",
            inside);
    const char *shown = read_text(reading, text);
    free(text);
    return shown;
}

#endif
