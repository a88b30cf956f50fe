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

/* The vtable's decode: msgpack_tree.c. */
int duet_msgpack_decode(struct duet_incoming *request);

#endif
