/*
 * What is a character of UTF-8. Pure; any thread.
 */
#ifndef DUET_UTF8_H
#define DUET_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A byte that is never the first of a character. */
static inline bool duet_utf8_continues(uint8_t byte)
{
    return (byte & 0xc0) == 0x80;
}

/* The size of the character at `p` (before `end`): 0 when the bytes are no UTF-8. */
size_t duet_utf8_size(const uint8_t *p, const uint8_t *end);

#endif
