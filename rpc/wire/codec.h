/*
 * The vtable of a wire format: a request message in, a decoded tree out; a reply's frame around
 * what the writer streams. rpc meets a format only through this header. A codec knows a format
 * and nothing else: no I/O, no clock; it may be called on any thread, for one call by one
 * thread at a time.
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
    size_t params_offset; /* the codec's own: where head stopped */
};

struct duet_writer;
struct duet_writer_ops;

struct duet_codec {
    const char *name; /* "XML-RPC", "MessagePack-RPC" */
    duet_protocol protocol;
    const char *content_type; /* of replies in HTTP */
    const struct duet_writer_ops *writer_ops;
    bool head_reads_all; /* a good head has decoded the parameters too, and needs the message no
                            more: decode has nothing left to do */

    /* Reads what is needed to find the method: kind, msgid, name. Cheap where the format allows
     * it; XML is parsed whole. 0, or DUET_FAILED with the request's fault set. */
    int (*head)(struct duet_incoming *request);

    /* Decodes the parameters into the arena. 0, or DUET_FAILED with the request's fault set. */
    int (*decode)(struct duet_incoming *request);

    /* What stands before and after the one value of a good reply. 0, or an error as the
     * writer's operations. */
    int (*begin_reply)(struct duet_writer *writer, uint32_t msgid);
    int (*end_reply)(struct duet_writer *writer);

    /* A whole fault reply into an empty writer. */
    int (*fault)(struct duet_writer *writer, uint32_t msgid, const struct duet_fault *fault);
};

extern const struct duet_codec duet_codec_msgpack;
extern const struct duet_codec duet_codec_xmlrpc;

#endif
