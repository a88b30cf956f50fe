/*
 * What the first byte of a MessagePack value tells of it, for all who look at it: the choice of
 * a protocol, the framing, the codec.
 */
#ifndef DUET_MSGPACK_FIRST_H
#define DUET_MSGPACK_FIRST_H

#include <stdbool.h>
#include <stdint.h>

enum {
    DUET_MSGPACK_NIL = 0xc0,
    DUET_MSGPACK_NEVER = 0xc1, /* the one byte that no value begins with */
};

/* Every message is an array, and so are a request's parameters. */
static inline bool duet_msgpack_begins_array(uint8_t first)
{
    return (first & 0xf0) == 0x90 || first == 0xdc || first == 0xdd;
}

#endif
