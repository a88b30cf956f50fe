/*
 * From expat's error codes to faults: -32700 not well formed, -32701 an encoding that is not
 * read here, -32702 bytes that are bad in the encoding. expat has one code for a bad byte and a
 * character that XML forbids; the bytes tell which it is.
 */
#include "xmlrpc_error.h"

#include "utf8.h"
#include "xmlrpc_build.h"
#include "xmlrpc_expat_calls.h"
#include "xmlrpc_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Whether the byte at an error is no character at all in the document's encoding. */
static bool is_bad_byte(const struct duet_incoming *request, size_t at,
                        enum duet_xml_encoding encoding)
{
    const uint8_t *p = request->bytes + at;
    if (at >= request->size || *p < 0x80 || duet_xml_is_utf16(request))
        return false;
    if (encoding == DUET_XML_UTF_8)
        return duet_utf8_size(p, request->bytes + request->size) == 0;
    return encoding == DUET_XML_ASCII || (encoding == DUET_XML_WINDOWS_1252 && *p <= 0x9f);
}

static int refuse_token(struct duet_incoming *request, size_t at,
                        const struct duet_xml_declared *declared)
{
    if (is_bad_byte(request, at, declared->encoding))
        return duet_fault_set(request->fault, DUET_FAULT_CHARACTER,
                              "byte 0x%02x is no character in %s; declare the encoding that "
                              "the document is in",
                              request->bytes[at],
                              declared->name[0] != '\0' ? declared->name : "UTF-8");
    if (at < request->size && request->bytes[at] < 0x20)
        return duet_fault_set(request->fault, DUET_FAULT_PARSE,
                              "not well-formed XML: control character U+%04X; send such text "
                              "as base64",
                              request->bytes[at]);
    return duet_fault_set(request->fault, DUET_FAULT_PARSE, "not well-formed XML: %s",
                          XML_ErrorString(XML_ERROR_INVALID_TOKEN));
}

static int refuse_encoding(struct duet_incoming *request,
                           const struct duet_xml_declared *declared)
{
    if (declared->encoding == DUET_XML_ENCODING_UNKNOWN)
        return duet_fault_set(request->fault, DUET_FAULT_ENCODING,
                              "encoding \"%s\" is not supported; send UTF-8", declared->name);
    return duet_fault_set(request->fault, DUET_FAULT_ENCODING,
                          "the document is not in the encoding \"%s\" that it declares",
                          declared->name);
}

int duet_xml_refuse(struct duet_incoming *request, XML_Parser parser,
                    const struct duet_xml_declared *declared)
{
    enum XML_Error error = XML_GetErrorCode(parser);
    int64_t at = duet_expat_byte_index(parser);
    struct duet_fault *fault = request->fault;
    switch (error) {
    case XML_ERROR_NO_MEMORY:
        duet_fault_set(fault, DUET_FAULT_LIMIT,
                       "a message of %zu bytes needs more memory to read than --max-message "
                       "%zu allows for",
                       request->size, request->limits->max_message);
        break;
    case XML_ERROR_UNKNOWN_ENCODING:
    case XML_ERROR_INCORRECT_ENCODING:
        refuse_encoding(request, declared);
        break;
    case XML_ERROR_PARTIAL_CHAR:
        duet_fault_set(fault, DUET_FAULT_CHARACTER,
                       "the document ends in the middle of a character");
        break;
    case XML_ERROR_INVALID_TOKEN:
        refuse_token(request, at < 0 ? request->size : (size_t)at, declared);
        break;
    default:
        duet_fault_set(fault, DUET_FAULT_PARSE, "not well-formed XML: %s",
                       XML_ErrorString(error));
    }
    return duet_xml_fault_at(fault, parser);
}

int duet_xml_fault_at(struct duet_fault *fault, XML_Parser parser)
{
    size_t size = strlen(fault->message);
    snprintf(fault->message + size, sizeof fault->message - size,
             " (line %" PRIu64 ", column %" PRIu64 ")", duet_expat_line(parser),
             duet_expat_column(parser) + 1);
    return DUET_FAILED;
}
