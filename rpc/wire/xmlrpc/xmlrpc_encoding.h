/*
 * Character encodings of documents: under which names they are declared, which expat reads
 * itself, and what is bad in UTF-16 that expat does not look for. Pure; any thread.
 */
#ifndef DUET_XMLRPC_ENCODING_H
#define DUET_XMLRPC_ENCODING_H

#include "codec.h"

#include <expat.h>

enum duet_xml_encoding {
    DUET_XML_UTF_8,
    DUET_XML_ASCII,
    DUET_XML_LATIN_1,
    DUET_XML_WINDOWS_1252,
    DUET_XML_UTF_16,
    DUET_XML_ENCODING_UNKNOWN,
};

enum { DUET_XML_ENCODING_NAME = 40 }; /* longer names are cut, for messages */

/* The encoding that a document declares. */
struct duet_xml_declared {
    enum duet_xml_encoding encoding;
    char name[DUET_XML_ENCODING_NAME + 1];
};

/* Notes the name in an XML declaration: one of IANA's, or of those that Python takes. */
void duet_xml_declare(struct duet_xml_declared *declared, const char *name);

/* The name under which expat itself reads the encoding; NULL if it does not. */
const char *duet_xml_own_name(enum duet_xml_encoding encoding);

/* Describes an encoding that is not expat's own; for XML_SetUnknownEncodingHandler. */
int duet_xml_describe(const struct duet_xml_declared *declared, XML_Encoding *info);

/* Whether the document begins like UTF-16, whatever it declares. */
bool duet_xml_is_utf16(const struct duet_incoming *request);

/* Finds what expat does not look for in a document that begins like UTF-16: surrogates without
 * their other half. 0, or DUET_FAILED with the request's fault set. */
int duet_xml_check_utf16(struct duet_incoming *request);

#endif
