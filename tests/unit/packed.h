/*
 * MessagePack written as text, for tests where the bytes are not the point:
 *
 *     [0,1,'double',[21]]   {'k':nil}   true   -5   1.5   'text' or "text"   b'bytes'
 *     ext(5,'xy')           <dc0000>, bytes in hex that stand for one value
 *
 * It is packed by msgpack-c, each value in its shortest form, so that our own writer is not its
 * own judge. A text that is none of this fails the test.
 */
#ifndef DUET_TESTS_PACKED_H
#define DUET_TESTS_PACKED_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

enum { PACKED_ROOM = 4096 };

struct packed {
    size_t size;
    uint8_t bytes[PACKED_ROOM];
};

/* The text, as printf makes it of `format`, in bytes: one value, or several side by side. */
struct packed packed_from(const char *format, ...) __attribute__((format(printf, 1, 2)));
struct packed packed_from_list(const char *format, va_list args)
    __attribute__((format(printf, 1, 0)));

/* Fails the test unless the bytes are those of the text. */
void assert_packed(const void *bytes, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
