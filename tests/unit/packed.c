/*
 * The text is read once, from left to right. A container is packed apart and put behind its
 * header when its items are counted.
 */
#include "packed.h"

#include <ctype.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <msgpack/pack.h>
#include <msgpack/sbuffer.h>

#include <cmocka.h>

struct reader {
    const char *text, *next;
    msgpack_packer packer;
    unsigned depth; /* of containers around */
};

static void wrong(const struct reader *reader, const char *wanted)
{
    fail_msg("packed: %s wanted at \"%s\" of \"%s\"", wanted, reader->next, reader->text);
}

static void skip_spaces(struct reader *reader)
{
    while (isspace((unsigned char)*reader->next))
        reader->next++;
}

static bool take(struct reader *reader, const char *word)
{
    skip_spaces(reader);
    if (strncmp(reader->next, word, strlen(word)) != 0)
        return false;
    reader->next += strlen(word);
    return true;
}

static void need(struct reader *reader, const char *word)
{
    if (!take(reader, word))
        wrong(reader, word);
}

/* What stands between quotes, which nothing can hide. */
static const char *take_quoted(struct reader *reader, size_t *size)
{
    skip_spaces(reader);
    const char quote = *reader->next, *start = reader->next + 1;
    const char *end = quote == '\'' || quote == '"' ? strchr(start, quote) : NULL;
    if (end == NULL)
        wrong(reader, "'text'");
    reader->next = end + 1;
    *size = (size_t)(end - start);
    return start;
}

static void pack_text(struct reader *reader)
{
    size_t size;
    const char *text = take_quoted(reader, &size);
    msgpack_pack_str_with_body(&reader->packer, text, size);
}

static void pack_bytes(struct reader *reader)
{
    size_t size;
    const char *bytes = take_quoted(reader, &size);
    msgpack_pack_bin_with_body(&reader->packer, bytes, size);
}

static void pack_ext(struct reader *reader)
{
    char *end;
    long type = strtol(reader->next, &end, 10);
    reader->next = end;
    need(reader, ",");
    size_t size;
    const char *bytes = take_quoted(reader, &size);
    need(reader, ")");
    msgpack_pack_ext_with_body(&reader->packer, bytes, size, (int8_t)type);
}

static void put_hex(struct reader *reader)
{
    while (!take(reader, ">")) {
        unsigned byte;
        if (sscanf(reader->next, "%2x", &byte) != 1)
            wrong(reader, "hex");
        const char one = (char)byte;
        reader->packer.callback(reader->packer.data, &one, 1);
        reader->next += 2;
    }
}

static void pack_number(struct reader *reader)
{
    char *end, *end_of_real;
    errno = 0;
    double real = strtod(reader->next, &end_of_real);
    bool is_negative = *reader->next == '-';
    long long negative = is_negative ? strtoll(reader->next, &end, 10) : 0;
    unsigned long long natural = is_negative ? 0 : strtoull(reader->next, &end, 10);
    if (end_of_real == reader->next || errno != 0)
        wrong(reader, "a value");
    if (end != end_of_real)
        msgpack_pack_double(&reader->packer, real);
    else if (is_negative)
        msgpack_pack_int64(&reader->packer, negative);
    else
        msgpack_pack_uint64(&reader->packer, natural);
    reader->next = end_of_real;
}

static void pack_value(struct reader *reader);

/* What stands up to `end`, with its header before it. */
static void pack_items(struct reader *reader, const char *end)
{
    enum { DEEPEST = 100 };
    assert_true(reader->depth++ < DEEPEST);
    msgpack_packer outer = reader->packer;
    msgpack_sbuffer items;
    msgpack_sbuffer_init(&items);
    msgpack_packer_init(&reader->packer, &items, msgpack_sbuffer_write);

    size_t count = 0;
    bool is_map = *end == '}';
    while (!take(reader, end)) {
        if (count++ > 0)
            need(reader, ",");
        pack_value(reader);
        if (!is_map)
            continue;
        need(reader, ":");
        pack_value(reader);
    }

    reader->packer = outer;
    if (is_map)
        msgpack_pack_map(&outer, count);
    else
        msgpack_pack_array(&outer, count);
    outer.callback(outer.data, items.data, items.size);
    msgpack_sbuffer_destroy(&items);
    reader->depth--;
}

static void pack_value(struct reader *reader)
{
    msgpack_packer *packer = &reader->packer;
    if (take(reader, "["))
        pack_items(reader, "]");
    else if (take(reader, "{"))
        pack_items(reader, "}");
    else if (take(reader, "<"))
        put_hex(reader);
    else if (take(reader, "nil"))
        msgpack_pack_nil(packer);
    else if (take(reader, "true"))
        msgpack_pack_true(packer);
    else if (take(reader, "false"))
        msgpack_pack_false(packer);
    else if (take(reader, "ext("))
        pack_ext(reader);
    else if (take(reader, "b"))
        pack_bytes(reader);
    else if (*reader->next == '\'' || *reader->next == '"')
        pack_text(reader);
    else
        pack_number(reader);
}

struct packed packed_from_list(const char *format, va_list args)
{
    char text[PACKED_ROOM];
    int length = vsnprintf(text, sizeof text, format, args);
    assert_in_range(length, 1, sizeof text - 1);

    struct reader reader = {.text = text, .next = text};
    msgpack_sbuffer out;
    msgpack_sbuffer_init(&out);
    msgpack_packer_init(&reader.packer, &out, msgpack_sbuffer_write);
    do {
        pack_value(&reader);
        skip_spaces(&reader);
    } while (*reader.next != '\0');

    struct packed packed = {.size = out.size};
    assert_true(out.size <= sizeof packed.bytes);
    memcpy(packed.bytes, out.data, out.size);
    msgpack_sbuffer_destroy(&out);
    return packed;
}

struct packed packed_from(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    struct packed packed = packed_from_list(format, args);
    va_end(args);
    return packed;
}

void assert_packed(const void *bytes, size_t size, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    struct packed packed = packed_from_list(format, args);
    va_end(args);
    assert_int_equal(size, packed.size);
    assert_memory_equal(bytes, packed.bytes, size);
}
