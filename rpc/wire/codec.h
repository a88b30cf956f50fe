/*
 * The vtable of a wire format: a message in, a decoded tree out; the message around what
 * the writer streams. rpc meets a format only through this header. A codec knows a format and
 * nothing else: no I/O, no clock; it may be called on any thread, for one call by one thread at
 * a time.
 *
 * One codec has both sides of a call, for one connection may carry calls both ways, and what is
 * read of either side goes through the same readers, within the same limits.
 */
#ifndef DUET_CODEC_H
#define DUET_CODEC_H

#include "arena.h"
#include "duet.h"
#include "error.h"
#include "framing.h"

#include <msgpack/object.h>

/* The one value model: what duet.h calls a duet_value is a msgpack_object in the call's arena.
 * Strings are MSGPACK_OBJECT_STR, bytes BIN, times EXT -1 (payload as on the wire: 4, 8 or 12
 * bytes), integers POSITIVE_INTEGER when >= 0 else NEGATIVE_INTEGER, doubles FLOAT64. A
 * string's bytes are followed by at least one readable byte, and preceded by at least one
 * writable byte that belongs to it, or followed by a NUL: see duet_value_string. */
struct duet_value {
    msgpack_object object;
};

struct duet_type_change;

enum duet_kind { DUET_KIND_REQUEST, DUET_KIND_NOTIFICATION, DUET_KIND_RESPONSE };

/* How values are written where the formats leave a choice, each one of duet.h's choices for the
 * option of that name. Plain bytes. */
struct duet_style {
    uint8_t control_chars; /* DUET_CONTROL_CHARS_… */
    uint8_t i8;            /* DUET_I8_… */
    uint8_t nil;           /* DUET_NIL_… */
    uint8_t raw;           /* DUET_RAW_NEW or _OLD */
    uint8_t error;         /* DUET_ERROR_STYLE_… */
};

/* One message as a codec reads it: a request, a notification, or the reply to one of ours. */
struct duet_incoming {
    /* Set by the caller. The message may be altered; one byte after it is readable. */
    uint8_t *bytes;
    size_t size;
    uint64_t values; /* MessagePack: in the whole message, as its walk counted them */
    const struct duet_limits *limits;
    bool int_is_strict; /* XML's <int> and <i4> hold 32 bits and no more */
    struct duet_arena *arena;
    struct duet_fault *fault;

    /* Set by head. The name is not NUL-terminated and lies in the message or the arena. */
    enum duet_kind kind;
    bool has_msgid; /* also after a failed head, if it could be read: the refusal needs it */
    uint32_t msgid;
    const char *method;
    size_t method_size;
    enum {
        DUET_RAW_UNKNOWN,
        DUET_RAW_OLD_SEEN,
        DUET_RAW_NEW_SEEN
    } raw_seen; /* what the bytes tell of the peer */

    /* Set by decode: always an array. */
    msgpack_object params;
    struct duet_type_change *changes; /* the signature's own: what its check changed in
                                         params */
    size_t params_offset;             /* the codec's own: where head stopped */
    bool is_fault; /* the codec's own: params is what a reply says of a fault */
};

/* What a reply says. A fault may be anything that a peer takes for one: what has no place in
 * code and message stands in `data`, so that nothing of it is lost. */
struct duet_response {
    enum { DUET_RESPONSE_RESULT, DUET_RESPONSE_FAULT } status;
    msgpack_object result; /* RESULT: nil if there is none */

    /* FAULT. What of them is missing has its usual value: DUET_FAULT_APPLICATION, the standard
     * words, nil. The message is as it was sent, and has a NUL behind it. */
    int64_t code;
    const char *message;
    size_t message_size;
    msgpack_object data;
    msgpack_object fault; /* all of it, as it came */
};

struct duet_writer;
struct duet_writer_ops;

struct duet_codec {
    const char *name; /* "XML-RPC", "MessagePack-RPC" */
    duet_protocol protocol;
    const char *content_type; /* of bodies in HTTP */
    const struct duet_writer_ops *writer_ops;
    bool head_reads_all; /* a good head has decoded the parameters too, and needs the message no
                            more: decode has nothing left to do */

    /* ---- Calls that come in */

    /* Reads what is needed to find the method: kind, msgid, name. Cheap where the format allows
     * it; XML is parsed whole. Of a reply that comes among requests it reads kind and msgid. 0,
     * or DUET_FAILED with the request's fault set. */
    int (*head)(struct duet_incoming *request);

    /* Decodes the parameters into the arena. 0, or DUET_FAILED with the request's fault set. */
    int (*decode)(struct duet_incoming *request);

    /* What stands before and after the one value of a good reply. 0, or an error as the
     * writer's operations. */
    int (*begin_reply)(struct duet_writer *writer, uint32_t msgid);
    int (*end_reply)(struct duet_writer *writer);

    /* A whole fault reply into an empty writer, with its data where the style has a place for
     * it. */
    int (*fault)(struct duet_writer *writer, uint32_t msgid, const struct duet_fault *fault);

    /* ---- Calls that go out */

    /* What stands before a call's arguments, into an empty writer that then wants `count`
     * values, and after them, once the writer has finished. A DUET_KIND_REQUEST or
     * _NOTIFICATION: XML-RPC has no notifications, and a reply to what was meant as one is for
     * the caller to drop. 0, or below 0 with the writer's fault set; the error sticks. */
    int (*begin_call)(struct duet_writer *writer, enum duet_kind kind, uint32_t msgid,
                      const char *method, size_t count);
    int (*end_call)(struct duet_writer *writer);

    /* A whole call that was written with msgid UINT32_MAX becomes one of that kind and msgid,
     * in place. Returns how many of its first bytes fall away. */
    size_t (*readdress)(uint8_t *call, enum duet_kind kind, uint32_t msgid);

    /* Reads a whole reply into the arena, and its msgid where the format has one; head need not
     * have seen it. A fault is a good reply. 0, or DUET_FAILED with the fault of `reply` set:
     * then this is no reply, or over a limit. */
    int (*reply)(struct duet_incoming *reply, struct duet_response *response);
};

extern const struct duet_codec duet_codec_msgpack;
extern const struct duet_codec duet_codec_xmlrpc;

#endif
