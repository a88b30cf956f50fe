/*
 * Numbers in network byte order, as they lie in messages: at any address, aligned or not.
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

/* A number of 1, 2, 4 or 8 bytes. */
static inline uint64_t duet_load(const uint8_t *bytes, unsigned width)
{
    return width == 1   ? *bytes
           : width == 2 ? duet_load16(bytes)
           : width == 4 ? duet_load32(bytes)
                        : duet_load64(bytes);
}

static inline void duet_store32(void *bytes, uint32_t value)
{
    value = htobe32(value);
    memcpy(bytes, &value, sizeof value);
}

static inline void duet_store64(void *bytes, uint64_t value)
{
    value = htobe64(value);
    memcpy(bytes, &value, sizeof value);
}

#endif
