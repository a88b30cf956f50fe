/*
 * What text XML can carry, and writing it. Knows UTF-8 and XML's characters, not XML-RPC.
 */
#ifndef DUET_XMLRPC_TEXT_H
#define DUET_XMLRPC_TEXT_H

#include "buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The size of the character at `p` (before `end`): 0 when the bytes are no UTF-8. */
size_t duet_utf8_size(const uint8_t *p, const uint8_t *end);

/* How much of a text to show in a message: at most 200 bytes, whole characters. */
int duet_xml_shown(const char *text, size_t size);

/* Appends text as XML. What XML cannot carry (control characters, bytes that are no UTF-8)
 * becomes U+FFFD if `replace`; else it returns 1, the text is written in part and `*bad` is
 * where it stands. 0, -ENOMEM, -EMSGSIZE as duet_buf_append. */
int duet_xml_text_write(struct duet_buf *out, const char *text, size_t size, bool replace,
                        size_t *bad);

#endif
