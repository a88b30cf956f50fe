/*
 * Times as MessagePack has them. See timestamp.h. Any thread.
 */
#include "timestamp.h"

#include "bytes.h"

enum { SECONDS_BITS = 34 }; /* beside nanoseconds in 8 bytes */

size_t duet_timestamp_write(uint8_t *room, duet_time time)
{
    uint64_t seconds = (uint64_t)time.seconds;
    if (seconds >> SECONDS_BITS != 0) {
        duet_store32(room, time.nanoseconds);
        duet_store64(room + 4, seconds);
        return 12;
    }
    if (time.nanoseconds != 0 || seconds >> 32 != 0) {
        duet_store64(room, (uint64_t)time.nanoseconds << SECONDS_BITS | seconds);
        return 8;
    }
    duet_store32(room, (uint32_t)seconds);
    return 4;
}

bool duet_timestamp_read(const void *bytes, size_t size, duet_time *time)
{
    duet_time found = {0, 0};
    if (size == 4) {
        found.seconds = duet_load32(bytes);
    } else if (size == 8) {
        uint64_t both = duet_load64(bytes);
        found.seconds = (int64_t)(both & ((UINT64_C(1) << SECONDS_BITS) - 1));
        found.nanoseconds = (uint32_t)(both >> SECONDS_BITS);
    } else if (size == 12) {
        found.nanoseconds = duet_load32(bytes);
        found.seconds = (int64_t)duet_load64((const uint8_t *)bytes + 4);
    } else {
        return false;
    }
    if (found.nanoseconds >= DUET_NANOSECONDS)
        return false;
    *time = found;
    return true;
}

bool duet_timestamp_object(msgpack_object *object, duet_time time, struct duet_arena *arena)
{
    uint8_t *payload = duet_arena_alloc(arena, DUET_TIMESTAMP_SIZE);
    if (payload == NULL)
        return false;
    object->type = MSGPACK_OBJECT_EXT;
    object->via.ext.type = DUET_TIMESTAMP_TYPE;
    object->via.ext.size = (uint32_t)duet_timestamp_write(payload, time);
    object->via.ext.ptr = (const char *)payload;
    return true;
}
