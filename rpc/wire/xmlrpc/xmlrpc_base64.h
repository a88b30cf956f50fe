/*
 * base64 as XML-RPC carries it. Pure functions: bytes in, bytes out.
 */
#ifndef DUET_XMLRPC_BASE64_H
#define DUET_XMLRPC_BASE64_H

#include <stddef.h>
#include <stdint.h>

/* Decodes the text in place. Whitespace is skipped and padding may be missing. Returns the
 * number of bytes, or DUET_FAULT_REQUEST with `*bad` at the character that does not belong. */
ptrdiff_t duet_xml_base64_decode(char *text, size_t size, size_t *bad);

static inline size_t duet_xml_base64_size(size_t size)
{
    return size / 3 * 4 + (size % 3 != 0 ? 4 : 0);
}

/* Writes exactly duet_xml_base64_size(size) characters. */
void duet_xml_base64_encode(char *room, const uint8_t *bytes, size_t size);

#endif
