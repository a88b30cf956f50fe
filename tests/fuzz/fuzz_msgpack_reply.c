/*
 * Fuzz target: MessagePack-RPC's replies. What the walk lets pass is read without a step
 * outside, head and reply agree on what is one, and a result is written again as what was read.
 */
#include "codec_msgpack.h"
#include "writer.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static const struct duet_limits limits = {
    .max_message = 1 << 20, .max_values = 5000, .max_depth = 64};

static void require(bool holds)
{
    if (!holds)
        abort();
}

/* Whatever was read can be walked and written. */
static void write_value(const msgpack_object *value)
{
    struct duet_writer writer;
    struct duet_fault fault = {0};
    duet_writer_init(&writer, 4 << 20);
    duet_writer_start(&writer, &duet_writer_ops_msgpack, (struct duet_style){0}, &fault, 65);
    require(duet_write_value(&writer, (const duet_value *)value) == 0 || fault.code != 0);
    duet_writer_done(&writer);
}

static void check_response(const struct duet_response *response)
{
    bool is_fault = response->status == DUET_RESPONSE_FAULT;
    if (is_fault)
        require(response->message[response->message_size] == '\0');
    write_value(is_fault ? &response->data : &response->result);
}

static void read_reply(struct duet_incoming *reply)
{
    if (duet_msgpack_check(reply) < 0) {
        require(reply->fault->code != 0);
        return;
    }
    struct duet_response response;
    bool is_reply = duet_codec_msgpack.head(reply) == 0 && reply->kind == DUET_KIND_RESPONSE;
    uint32_t msgid = reply->msgid;
    reply->fault->code = 0;
    bool is_read = duet_codec_msgpack.reply(reply, &response) == 0;
    require(is_read == is_reply && is_read == (reply->fault->code == 0));
    if (is_read) {
        require(reply->has_msgid && reply->msgid == msgid);
        check_response(&response);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct duet_arena arena;
    struct duet_fault fault = {0};
    uint8_t *copy = malloc(size + 1);
    require(copy != NULL);
    if (size > 0)
        memcpy(copy, bytes, size);
    copy[size] = 0xaa;
    duet_arena_init(&arena, 8 << 20);
    read_reply(&(struct duet_incoming){
        .bytes = copy, .size = size, .limits = &limits, .arena = &arena, .fault = &fault});
    duet_arena_done(&arena);
    free(copy);
    return 0;
}
