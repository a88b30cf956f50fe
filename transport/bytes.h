/*
 * Numbers in network byte order, as they lie in messages: read from any address, aligned or
 * not.
 */
#ifndef DUET_BYTES_H
#define DUET_BYTES_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

static inline uint16_t duet_load16(const void *bytes)
{
    uint16_t value;
    memcpy(&value, bytes, sizeof value);
    return be16toh(value);
}

static inline uint32_t duet_load32(const void *bytes)
{
    uint32_t value;
    memcpy(&value, bytes, sizeof value);
    return be32toh(value);
}

static inline uint64_t duet_load64(const void *bytes)
{
    uint64_t value;
    memcpy(&value, bytes, sizeof value);
    return be64toh(value);
}

#endif
