/*
 * Load in MessagePack-RPC: double(n), or an echo of bytes or structs. Replies may come in any
 * order. They are expected in the shortest encoding, which is what a server should send.
 */
#include "load/load.h"
#include "load/measure.h"

#include <stdio.h>
#include <stdlib.h>

enum { REPLY_HEAD = 8, ID_AT = 3 };

static uint8_t head[64]; /* everything before what the calls share */
static size_t head_size;
static struct load_shape load;

static uint8_t *put(uint8_t *at, uint32_t value, unsigned bytes)
{
    while (bytes-- > 0)
        *at++ = (uint8_t)(value >> 8 * bytes);
    return at;
}

static uint32_t get(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static uint8_t *put_text(uint8_t *at, const char *text)
{
    size_t size = strlen(text);
    if (size > 31)
        die("longer than 31 bytes: %s", text);
    *at++ = (uint8_t)(0xa0 | size);
    memcpy(at, text, size);
    return at + size;
}

static uint8_t *put_bin_head(uint8_t *at, size_t size)
{
    unsigned power = size < 0x100 ? 0 : size < 0x10000 ? 1 : 2;
    *at++ = (uint8_t)(0xc4 + power);
    return put(at, (uint32_t)size, 1u << power);
}

static uint8_t *put_natural(uint8_t *at, uint32_t value)
{
    if (value < 0x80)
        return put(at, value, 1);
    unsigned power = value < 0x100 ? 0 : value < 0x10000 ? 1 : 2;
    *at++ = (uint8_t)(0xcc + power);
    return put(at, value, 1u << power);
}

static uint8_t *put_double(uint8_t *at, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    *at++ = 0xcb;
    at = put(at, (uint32_t)(bits >> 32), 4);
    return put(at, (uint32_t)bits, 4);
}

static uint8_t *put_struct(uint8_t *at, uint32_t i)
{
    char name[32];
    snprintf(name, sizeof name, "name-%06u", i);
    *at++ = 0x83;
    at = put_natural(put_text(at, "id"), i);
    at = put_text(put_text(at, "name"), name);
    return put_double(put_text(at, "score"), i + 0.25);
}

static void build_body(const struct load_options *options)
{
    uint8_t *body = malloc(options->echo_bytes + options->echo_structs * 64 + 16);
    if (body == NULL)
        die("out of memory");
    uint8_t *end = body;
    if (options->echo_bytes > 0) {
        end = put_bin_head(body, options->echo_bytes);
        load_fill(end, options->echo_bytes, false);
        end += options->echo_bytes;
    } else {
        *end++ = 0xdc;
        end = put(end, (uint32_t)options->echo_structs, 2);
        for (uint32_t i = 0; i < options->echo_structs; i++)
            end = put_struct(end, i);
    }
    load.body = body;
    load.body_size = (size_t)(end - body);
}

static void prepare(const struct load_options *options, struct load_shape *shape)
{
    if (options->reconnect || options->echo_structs > 0xffff)
        die("not with MessagePack: --reconnect, more than 65,535 structs");
    memcpy(head, "\x94\x00\xce", ID_AT);
    uint8_t *at = put_text(head + ID_AT + 4, options->method);
    *at++ = 0x91;
    head_size = (size_t)(at - head);
    if (options->echo_bytes > 0 || options->echo_structs > 0)
        build_body(options);
    load.head_size = head_size + (load.body == NULL ? 5 : 0);
    load.reply_size = REPLY_HEAD + (load.body == NULL ? 5 : load.body_size);
    *shape = load;
}

static void write_head(uint8_t *to, uint32_t id, uint32_t number)
{
    memcpy(to, head, head_size);
    put(to + ID_AT, id, 4);
    if (load.body == NULL) {
        to[head_size] = 0xce;
        put(to + head_size + 1, number, 4);
    }
}

static size_t read_reply(const uint8_t *bytes, size_t size, struct load_reply *reply)
{
    if (size >= REPLY_HEAD && (memcmp(bytes, "\x94\x01\xce", ID_AT) != 0 || bytes[7] != 0xc0))
        load_bad("not [1, msgid, nil, result]", bytes, size);
    if (size < load.reply_size)
        return 0;

    reply->id = get(bytes + ID_AT);
    const uint8_t *result = bytes + REPLY_HEAD;
    if (load.body == NULL) {
        if (result[0] != 0xce && result[0] != 0xd2)
            load_bad("not an int of four bytes", bytes, size);
        reply->has_value = true;
        reply->value = get(result + 1);
    } else if (memcmp(result, load.body, load.body_size) != 0) {
        load_bad("not what was sent", bytes, size);
    }
    return load.reply_size;
}

static const struct load_protocol msgpack = {
    .name = "msgpack", .prepare = prepare, .write = write_head, .read = read_reply};

int main(int argc, char *argv[])
{
    return load_main(argc, argv, &msgpack);
}
