/*
 * MessagePack's timestamp, the extension of type -1: how a time lies in a message, and in the
 * tree whatever format it came in. Pure functions.
 */
#ifndef DUET_TIMESTAMP_H
#define DUET_TIMESTAMP_H

#include "arena.h"
#include "duet.h"

#include <msgpack/object.h>
#include <stddef.h>
#include <stdint.h>

enum {
    DUET_TIMESTAMP_TYPE = -1,
    DUET_TIMESTAMP_SIZE = 12, /* of the longest payload */
    DUET_NANOSECONDS = 1000000000,
};

/* Writes the shortest payload: 32 bits of seconds; 30 bits of nanoseconds and 34 of seconds; or
 * 32 of nanoseconds and 64 of seconds. Returns its size: 4, 8 or 12. */
size_t duet_timestamp_write(uint8_t *room, duet_time time);

/* Reads a payload. False, and `time` as it was, when it is none. */
bool duet_timestamp_read(const void *bytes, size_t size, duet_time *time);

/* Makes the value that a time is in a tree. False when the arena has no room for it. */
bool duet_timestamp_object(msgpack_object *object, duet_time time, struct duet_arena *arena);

#endif
