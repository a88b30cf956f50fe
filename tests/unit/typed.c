/*
 * Signatures, and values as codecs read them. See typed.h.
 */
#include "typed.h"

#include "codec_msgpack.h"
#include "packed.h"
#include "type_names.h"
#include "writer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct duet_signature typed_signature;
struct duet_incoming typed_request;

static struct duet_type_names *names;
static struct duet_arena arena;
static struct duet_fault fault;
static struct packed packed;
static const struct duet_limits limits = {
    .max_message = 1 << 22, .max_head = 1 << 14, .max_values = 1000000, .max_depth = 1000};

static const char *use(const char *types, const char *signature, const char *arguments)
{
    static char words[2000];
    words[0] = '\0';
    typed_done();
    names = duet_type_names_new();
    duet_arena_init(&arena, 1 << 26);
    int rc = duet_type_names_add(names, types, words, sizeof words);
    if (rc == 0)
        rc = duet_signature_init(&typed_signature, signature, arguments, names, words,
                                 sizeof words);
    assert_int_equal(rc < 0, words[0] != '\0');
    return words;
}

void typed_use(const char *types, const char *signature, const char *arguments)
{
    assert_string_equal(use(types, signature, arguments), "");
}

const char *typed_refuse(const char *types, const char *signature)
{
    const char *words = use(types, signature, NULL);
    typed_signature = (struct duet_signature){.size = 0};
    return words;
}

void typed_done(void)
{
    duet_signature_done(&typed_signature);
    typed_signature = (struct duet_signature){.size = 0};
    duet_type_names_unref(names);
    names = NULL;
    duet_arena_done(&arena);
}

/* The values of a text as MessagePack brings them; they stay until the next text. */
static void read_packed(const char *params, va_list args)
{
    duet_arena_reset(&arena);
    packed = packed_from_list(params, args);
    assert_true(packed.size < sizeof packed.bytes); /* one byte behind is readable */
    fault.code = 0;
    typed_request = (struct duet_incoming){.bytes = packed.bytes,
                                           .size = packed.size,
                                           .limits = &limits,
                                           .arena = &arena,
                                           .fault = &fault};
    assert_int_equal(duet_msgpack_read(&typed_request, 0, &typed_request.params, 1), 0);
    assert_int_equal(typed_request.params.type, MSGPACK_OBJECT_ARRAY);
}

/* Goes on with the same values as an XML-RPC client would have sent them. */
static void read_as_xml(void)
{
    struct duet_writer writer;
    const msgpack_object_array params = typed_request.params.via.array;
    duet_writer_init(&writer, 1 << 22);
    duet_writer_start(&writer, &duet_writer_ops_xmlrpc, (struct duet_style){0}, &fault, 1000);
    duet_codec_xmlrpc.begin_call(&writer, DUET_KIND_REQUEST, 1, "m", params.size);
    for (uint32_t i = 0; i < params.size; i++)
        assert_int_equal(duet_write_value(&writer, (const duet_value *)&params.ptr[i]), 0);
    assert_int_equal(duet_codec_xmlrpc.end_call(&writer), 0);

    uint8_t *bytes = duet_arena_alloc(&arena, writer.out.size + 1);
    assert_non_null(bytes);
    memcpy(bytes, writer.out.data, writer.out.size);
    typed_request.bytes = bytes;
    typed_request.size = writer.out.size;
    duet_writer_done(&writer);
    assert_int_equal(duet_codec_xmlrpc.head(&typed_request), 0);
    assert_int_equal(duet_codec_xmlrpc.decode(&typed_request), 0);
}

static const char *check(void)
{
    int rc = duet_signature_check(&typed_signature, "m", &typed_request);
    assert_int_equal(rc < 0, fault.code != 0);
    return rc < 0 ? fault.message : "";
}

const char *typed_check_msgpack(const char *params, ...)
{
    va_list args;
    va_start(args, params);
    read_packed(params, args);
    va_end(args);
    return check();
}

const char *typed_check_xml(const char *params, ...)
{
    va_list args;
    va_start(args, params);
    read_packed(params, args);
    va_end(args);
    read_as_xml();
    return check();
}

void typed_both(const char *words, const char *params, ...)
{
    char text[2000];
    va_list args;
    va_start(args, params);
    vsnprintf(text, sizeof text, params, args);
    va_end(args);
    const char *got = typed_check_msgpack("%s", text);
    if (strcmp(got, words) != 0)
        print_error("MessagePack: %s\n", text);
    assert_string_equal(got, words);
    got = typed_check_xml("%s", text);
    if (strcmp(got, words) != 0)
        print_error("XML: %s\n", text);
    assert_string_equal(got, words);
}

void typed_expect(const char *params, ...)
{
    struct duet_writer writer;
    duet_writer_init(&writer, 1 << 20);
    duet_writer_start(&writer, &duet_writer_ops_msgpack, (struct duet_style){0}, &fault, 1000);
    assert_int_equal(duet_write_value(&writer, (const duet_value *)&typed_request.params), 0);
    va_list args;
    va_start(args, params);
    struct packed wanted = packed_from_list(params, args);
    va_end(args);
    assert_int_equal(writer.out.size, wanted.size);
    assert_memory_equal(writer.out.data, wanted.bytes, wanted.size);
    duet_writer_done(&writer);
}
