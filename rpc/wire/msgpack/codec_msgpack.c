/*
 * MessagePack-RPC: [0, msgid, method, params], [2, method, params] and the reply
 * [1, msgid, error, result], each of them read and written. The front of a message is read in
 * msgpack_head.c, its values in msgpack_tree.c; values are written in msgpack_write.c.
 */
#include "codec_msgpack.h"

#include "duet.h"
#include "framing.h"
#include "response.h"
#include "writer.h"

#include <endian.h>
#include <string.h>

/* ---- The walk again, for messages in an HTTP body */

static int not_whole(struct duet_incoming *request, enum duet_frame found,
                     const struct duet_message *message)
{
    if (found == DUET_FRAME_MORE)
        return duet_fault_set(request->fault, DUET_FAULT_PARSE,
                              "the message ends early, after %zu bytes", request->size);
    if (found == DUET_FRAME_WHOLE)
        return duet_fault_set(request->fault, DUET_FAULT_REQUEST,
                              "%zu bytes follow the message",
                              request->size - message->wire_size);
    return duet_fault_set(request->fault,
                          message->bad == DUET_BAD_LIMIT ? DUET_FAULT_LIMIT : DUET_FAULT_PARSE,
                          "%s", message->reason);
}

int duet_msgpack_check(struct duet_incoming *request)
{
    const struct duet_framing *framing = &duet_framing_msgpack;
    struct duet_message message;
    enum duet_frame found = DUET_FRAME_MORE;

    if (request->size > 0) {
        void *walk = duet_arena_alloc(request->arena, framing->state_size(request->limits));
        if (walk == NULL)
            return duet_fault_from(request->fault, DUET_FAULT_LIMIT);
        framing->start(walk, request->limits);
        found = framing->next(walk, request->bytes, request->size, &message);
    }
    if (found == DUET_FRAME_WHOLE && message.wire_size == request->size) {
        request->values = message.values;
        return 0;
    }
    return not_whole(request, found, &message);
}

/* ---- Replies */

static int begin_response(struct duet_writer *writer, uint32_t msgid)
{
    static const uint8_t start[] = {0x94, TYPE_RESPONSE};
    int rc = duet_buf_append(&writer->out, start, sizeof start);
    if (rc == 0)
        rc = duet_writer_ops_msgpack.integer(writer, msgid);
    return rc;
}

static int begin_reply(struct duet_writer *writer, uint32_t msgid)
{
    int rc = begin_response(writer, msgid);
    if (rc == 0)
        rc = duet_writer_ops_msgpack.nil(writer);
    return rc;
}

static int end_reply(struct duet_writer *writer)
{
    (void)writer;
    return 0;
}

static int write_message(struct duet_writer *writer, const struct duet_fault *fault)
{
    return duet_writer_ops_msgpack.string(writer, fault->message, strlen(fault->message));
}

/* jubatus and msgpack-rpc-cpp know two errors by number. */
static int write_jubatus(struct duet_writer *writer, const struct duet_fault *fault)
{
    if (fault->code == DUET_FAULT_METHOD)
        return duet_writer_ops_msgpack.integer(writer, 1);
    if (fault->code == DUET_FAULT_PARAMS)
        return duet_writer_ops_msgpack.integer(writer, 2);
    return write_message(writer, fault);
}

static int write_error(struct duet_writer *writer, const struct duet_fault *fault)
{
    if (writer->style.error == DUET_ERROR_STYLE_STRING)
        return write_message(writer, fault);
    if (writer->style.error == DUET_ERROR_STYLE_JUBATUS)
        return write_jubatus(writer, fault);

    const struct duet_writer *data = fault->data;
    int rc = duet_writer_ops_msgpack.begin_array(writer, data != NULL ? 3 : 2);
    if (rc == 0)
        rc = duet_writer_ops_msgpack.integer(writer, fault->code);
    if (rc == 0)
        rc = write_message(writer, fault);
    if (rc == 0 && data != NULL)
        rc = duet_buf_append(&writer->out, data->out.data, data->out.size);
    return rc;
}

static int write_fault(struct duet_writer *writer, uint32_t msgid,
                       const struct duet_fault *fault)
{
    int rc = begin_response(writer, msgid);
    if (rc == 0)
        rc = write_error(writer, fault);
    if (rc == 0)
        rc = duet_writer_ops_msgpack.nil(writer);
    return rc;
}

/* ---- Calls that go out */

static int write_call_head(struct duet_writer *writer, enum duet_kind kind, uint32_t msgid,
                           const char *method, size_t count)
{
    static const uint8_t request[] = {0x94, TYPE_REQUEST};
    static const uint8_t notification[] = {0x93, TYPE_NOTIFICATION};
    bool is_notification = kind == DUET_KIND_NOTIFICATION;
    int rc = duet_buf_append(&writer->out, is_notification ? notification : request, 2);
    if (rc == 0 && !is_notification)
        rc = duet_writer_ops_msgpack.integer(writer, msgid);
    if (rc == 0)
        rc = duet_writer_ops_msgpack.string(writer, method, strlen(method));
    return rc == 0 ? duet_writer_ops_msgpack.begin_array(writer, count) : rc;
}

static int begin_call(struct duet_writer *writer, enum duet_kind kind, uint32_t msgid,
                      const char *method, size_t count)
{
    int rc = write_call_head(writer, kind, msgid, method, count);
    return duet_writer_open_call(writer, rc, count);
}

static int end_call(struct duet_writer *writer)
{
    (void)writer;
    return 0;
}

/* [0, msgid, …: five bytes hold the longest msgid, and two are enough for [2, …. */
static size_t readdress(uint8_t *call, enum duet_kind kind, uint32_t msgid)
{
    enum { MSGID_AT = 2, METHOD_AT = 7, UINT32 = 0xce };
    if (kind == DUET_KIND_NOTIFICATION) {
        call[METHOD_AT - 2] = 0x93;
        call[METHOD_AT - 1] = TYPE_NOTIFICATION;
        return METHOD_AT - 2;
    }
    uint32_t big_endian = htobe32(msgid);
    call[MSGID_AT] = UINT32;
    memcpy(call + MSGID_AT + 1, &big_endian, sizeof big_endian);
    return 0;
}

/* An error that is not nil is one whatever stands beside it: false and 0 too, as most clients
 * have it. */
static int read_reply(struct duet_incoming *reply, struct duet_response *response)
{
    int rc = duet_msgpack_head(reply);
    if (rc < 0)
        return rc;
    if (reply->kind != DUET_KIND_RESPONSE)
        return duet_fault_set(reply->fault, DUET_FAULT_REQUEST,
                              "a call where the reply to one must be");
    msgpack_object values[2]; /* error, result */
    rc = duet_msgpack_read(reply, reply->params_offset, values, 2);
    if (rc < 0)
        return rc;
    if (values[0].type != MSGPACK_OBJECT_NIL)
        duet_response_fault(response, values[0]);
    else
        duet_response_result(response, values[1]);
    return 0;
}

const struct duet_codec duet_codec_msgpack = {
    .name = "MessagePack-RPC",
    .protocol = DUET_PROTOCOL_MSGPACKRPC,
    .content_type = "application/msgpack",
    .writer_ops = &duet_writer_ops_msgpack,
    .head = duet_msgpack_head,
    .decode = duet_msgpack_decode,
    .begin_reply = begin_reply,
    .end_reply = end_reply,
    .fault = write_fault,
    .begin_call = begin_call,
    .end_call = end_call,
    .readdress = readdress,
    .reply = read_reply,
};
