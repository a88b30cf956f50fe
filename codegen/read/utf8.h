/*
 * Which bytes are UTF-8.
 */
#ifndef IDL_UTF8_H
#define IDL_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* How many bytes the character at `text` has, of `size` that there are; 0 if it is none. */
size_t idl_utf8_character(const char *text, size_t size);

bool idl_utf8_is_whole(const char *text, size_t size);

#endif
