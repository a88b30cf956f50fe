/*
 * What text XML can carry, writing it, and reading it back. Knows UTF-8 and XML's characters,
 * not XML-RPC.
 */
#ifndef DUET_XMLRPC_TEXT_H
#define DUET_XMLRPC_TEXT_H

#include "buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The first byte from `p` on that XML does not carry as it is: one of < > & and CR, a control
 * character, or what is no UTF-8; `end` when there is none. */
const uint8_t *duet_xml_plain_end(const uint8_t *p, const uint8_t *end);

/* How much of a text to show in a message: at most 200 bytes, whole characters. */
int duet_xml_shown(const char *text, size_t size);

/* Appends text as XML. What XML cannot carry (control characters, bytes that are no UTF-8)
 * becomes U+FFFD if `replace`; else it returns 1, the text is written in part and `*bad` is
 * where it stands. 0, -ENOMEM, -EMSGSIZE as duet_buf_append. */
int duet_xml_text_write(struct duet_buf *out, const char *text, size_t size, bool replace,
                        size_t *bad);

/* Copies text with XML's five predefined entities replaced; `to` has room for as many bytes.
 * Returns the end of the copy, NULL for an ampersand that begins none of the five. */
char *duet_xml_text_expand(char *to, const char *from, size_t size);

#endif
