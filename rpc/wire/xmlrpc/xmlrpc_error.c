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
#include <strings.h>

void duet_xml_declare(struct duet_xml_declared *declared, const char *name)
{
    static const struct {
        const char *name;
        enum duet_xml_encoding encoding;
    } known[] = {
        {"UTF-8", DUET_XML_UTF_8},         {"US-ASCII", DUET_XML_ASCII},
        {"ISO-8859-1", DUET_XML_LATIN_1},  {"windows-1252", DUET_XML_WINDOWS_1252},
        {"cp1252", DUET_XML_WINDOWS_1252}, {"UTF-16", DUET_XML_UTF_16},
    };
    declared->encoding = DUET_XML_ENCODING_UNKNOWN;
    snprintf(declared->name, sizeof declared->name, "%s", name);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcasecmp(known[i].name, name) == 0)
            declared->encoding = known[i].encoding;
}

int duet_xml_describe(const struct duet_xml_declared *declared, XML_Encoding *info)
{
    /* Where windows-1252 is not ISO-8859-1; -1 where it has no character. */
    static const int other[] = {
        0x20ac, -1,     0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160,
        0x2039, 0x0152, -1,     0x017d, -1,     -1,     0x2018, 0x2019, 0x201c, 0x201d, 0x2022,
        0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, -1,     0x017e, 0x0178,
    };
    if (declared->encoding != DUET_XML_WINDOWS_1252)
        return XML_STATUS_ERROR;
    for (int i = 0; i < 256; i++)
        info->map[i] = i >= 0x80 && i <= 0x9f ? other[i - 0x80] : i;
    info->convert = NULL;
    info->release = NULL;
    return XML_STATUS_OK;
}

/* 0 or 1: the place of the more significant byte of each pair; -1 when it is no UTF-16. */
static int utf16_order(const uint8_t *bytes, size_t size)
{
    if (size < 2)
        return -1;
    if ((bytes[0] == 0xff && bytes[1] == 0xfe) || (bytes[0] == '<' && bytes[1] == 0))
        return 1;
    if ((bytes[0] == 0xfe && bytes[1] == 0xff) || (bytes[0] == 0 && bytes[1] == '<'))
        return 0;
    return -1;
}

int duet_xml_check_utf16(struct duet_request *request)
{
    const uint8_t *bytes = request->bytes;
    int order = utf16_order(bytes, request->size);
    if (order < 0)
        return 0;

    bool wants_low = false;
    size_t i = 0;
    for (; i + 1 < request->size; i += 2) {
        uint8_t kind = bytes[i + (size_t)order] & 0xfc;
        bool is_low = kind == 0xdc;
        if (is_low != wants_low)
            break;
        wants_low = kind == 0xd8;
    }
    if (i == request->size && !wants_low)
        return 0;
    return duet_fault_set(request->fault, DUET_FAULT_CHARACTER,
                          "bad UTF-16 at byte %zu: half a character", i);
}

/* Whether the byte at an error is no character at all in the document's encoding. */
static bool is_bad_byte(const struct duet_request *request, size_t at,
                        enum duet_xml_encoding encoding)
{
    const uint8_t *p = request->bytes + at;
    if (at >= request->size || *p < 0x80 || utf16_order(request->bytes, request->size) >= 0)
        return false;
    if (encoding == DUET_XML_UTF_8)
        return duet_utf8_size(p, request->bytes + request->size) == 0;
    return encoding == DUET_XML_ASCII || (encoding == DUET_XML_WINDOWS_1252 && *p <= 0x9f);
}

static int refuse_token(struct duet_request *request, size_t at,
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

int duet_xml_refuse(struct duet_request *request, XML_Parser parser,
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
        duet_fault_set(fault, DUET_FAULT_ENCODING,
                       "encoding \"%s\" is not supported; send UTF-8", declared->name);
        break;
    case XML_ERROR_INCORRECT_ENCODING:
        duet_fault_set(fault, DUET_FAULT_ENCODING,
                       "the document is not in the encoding \"%s\" that it declares",
                       declared->name);
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
