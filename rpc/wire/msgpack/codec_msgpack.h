/*
 * What the MessagePack codec's files share, and what it offers beside its vtable.
 */
#ifndef DUET_CODEC_MSGPACK_H
#define DUET_CODEC_MSGPACK_H

#include "codec.h"

/* Checks that the request's bytes are exactly one whole message within the limits. The codec
 * reads only what has been walked: messages cut by framing_msgpack are; a message that came as
 * an HTTP body needs this before head and decode. 0, or DUET_FAILED with the request's fault
 * set. */
int duet_msgpack_check(struct duet_incoming *request);

/* The first item of a message. */
enum duet_msgpack_type { TYPE_REQUEST, TYPE_RESPONSE, TYPE_NOTIFICATION };

/* The vtable's head: msgpack_head.c. Of a reply params_offset is where error and result stand.
 */
int duet_msgpack_head(struct duet_incoming *request);

/* The vtable's decode: msgpack_tree.c. */
int duet_msgpack_decode(struct duet_incoming *request);

/* Reads `count` values that stand in a row, the first of them `offset` bytes into the message,
 * and all that is in them. 0, or DUET_FAILED with the request's fault set: no memory for
 * them. */
int duet_msgpack_read(struct duet_incoming *request, size_t offset, msgpack_object *values,
                      uint32_t count);

#endif
