/*
 * What is wrong with a document that is no XML: expat's verdict and the bytes at hand, turned
 * into a fault that people understand. Also the character encodings: which are read, and what
 * is bad in them.
 */
#ifndef DUET_XMLRPC_ERROR_H
#define DUET_XMLRPC_ERROR_H

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

/* Notes the name in an XML declaration. */
void duet_xml_declare(struct duet_xml_declared *declared, const char *name);

/* Describes an encoding that is not expat's own; for XML_SetUnknownEncodingHandler. */
int duet_xml_describe(const struct duet_xml_declared *declared, XML_Encoding *info);

/* Finds what expat does not look for in a document that begins like UTF-16: surrogates without
 * their other half. 0, or DUET_FAILED with the request's fault set. */
int duet_xml_check_utf16(struct duet_request *request);

/* Sets the fault for expat's error in the request's document. Returns DUET_FAILED. */
int duet_xml_refuse(struct duet_request *request, XML_Parser parser,
                    const struct duet_xml_declared *declared);

/* Adds where the parser stands to the words of the fault. Returns DUET_FAILED. */
int duet_xml_fault_at(struct duet_fault *fault, XML_Parser parser);

#endif
