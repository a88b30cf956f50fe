/*
 * What peers send, in words that people read: in logs, on terminals, in faults. Pure; any
 * thread.
 */
#ifndef DUET_ESCAPE_H
#define DUET_ESCAPE_H

#include <stddef.h>

enum { DUET_ESCAPED_MAX = 4 }; /* characters that one byte may become: \x0a */

/* Copies a text to `room`, which has room for `room_size` bytes, so that it stays on its line
 * and commands no terminal: control characters (those beyond ASCII too, and line separators)
 * and bytes that are no UTF-8 become \x0a, all other characters stay. Cut before the first
 * character that does not fit; always ended by a NUL. Returns the size without it. */
size_t duet_escape(char *room, size_t room_size, const char *text, size_t size);

#endif
