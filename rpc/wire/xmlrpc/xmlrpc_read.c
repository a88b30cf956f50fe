/*
 * Feeding a document to expat, and expat's events to the grammar; the first failed step is told
 * where it is. Then the rest is only looked through: a document that is not well-formed is told
 * that, whatever else is wrong with it.
 */
#include "xmlrpc_read.h"

#include "xmlrpc_error.h"
#include "xmlrpc_expat_calls.h"
#include "xmlrpc_grammar.h"

struct reader {
    XML_Parser parser;
    struct duet_incoming *request;
    struct duet_xml_grammar grammar;
    struct duet_xml_declared declared;
    const char *own_name; /* what expat calls an encoding that came under another name */
    bool failed;          /* the fault is set; the grammar sees nothing any more */
    unsigned open;        /* elements that have begun since */
};

/* expat keeps the names of all open elements: what is nested deeper than any call is not worth
 * them. */
enum { MAX_OPEN_AFTER_FAULT = 1024 };

/* After a failed step: says where. A limit or a DOCTYPE ends the reading at once. */
static void fail(struct reader *reader)
{
    struct duet_fault *fault = reader->request->fault;
    duet_xml_fault_at(fault, reader->parser);
    reader->failed = true;
    if (fault->code != DUET_FAULT_REQUEST && fault->code != DUET_FAULT_PARAMS)
        XML_StopParser(reader->parser, XML_FALSE);
}

static void XMLCALL on_start(void *ctx, const XML_Char *name, const XML_Char **attributes)
{
    (void)attributes;
    struct reader *reader = ctx;
    if (reader->failed) {
        if (++reader->open > MAX_OPEN_AFTER_FAULT)
            XML_StopParser(reader->parser, XML_FALSE);
    } else if (duet_xml_start_element(&reader->grammar, name) < 0) {
        fail(reader);
    }
}

static void XMLCALL on_end(void *ctx, const XML_Char *name)
{
    struct reader *reader = ctx;
    if (reader->failed)
        reader->open -= reader->open > 0; /* those that were open before are not counted */
    else if (duet_xml_end_element(&reader->grammar, name) < 0)
        fail(reader);
}

static void XMLCALL on_text(void *ctx, const XML_Char *text, int size)
{
    struct reader *reader = ctx;
    if (!reader->failed && duet_xml_characters(&reader->grammar, text, (size_t)size) < 0)
        fail(reader);
}

/* Entities are how a few bytes become gigabytes; nothing in XML-RPC needs a DTD. */
static void XMLCALL on_doctype(void *ctx, const XML_Char *name, const XML_Char *system_id,
                               const XML_Char *public_id, int has_internal_subset)
{
    (void)name, (void)system_id, (void)public_id, (void)has_internal_subset;
    struct reader *reader = ctx;
    if (reader->failed)
        return;
    duet_fault_set(reader->request->fault, DUET_FAULT_PARSE,
                   "a DOCTYPE is refused: XML-RPC needs none");
    fail(reader);
}

static void XMLCALL on_declaration(void *ctx, const XML_Char *version, const XML_Char *encoding,
                                   int standalone)
{
    (void)version, (void)standalone;
    struct reader *reader = ctx;
    if (encoding != NULL)
        duet_xml_declare(&reader->declared, encoding);
}

/* expat takes few names, and would read no character beyond U+FFFF in an encoding that is
 * described to it. So what it can read under its own name is read again, from the beginning,
 * under that: there is nothing before the declaration. */
static int XMLCALL on_unknown_encoding(void *ctx, const XML_Char *name, XML_Encoding *info)
{
    (void)name; /* it was declared a moment ago */
    struct reader *reader = ctx;
    bool is_utf16 = reader->declared.encoding == DUET_XML_UTF_16;
    if (is_utf16 != duet_xml_is_utf16(reader->request))
        return XML_STATUS_ERROR;
    reader->own_name = duet_xml_own_name(reader->declared.encoding);
    return duet_xml_describe(&reader->declared, info);
}

/* ---- The whole document */

static void set_handlers(struct reader *reader)
{
    XML_Parser parser = reader->parser;
    XML_SetUserData(parser, reader);
    XML_SetElementHandler(parser, on_start, on_end);
    XML_SetCharacterDataHandler(parser, on_text);
    XML_SetStartDoctypeDeclHandler(parser, on_doctype);
    XML_SetXmlDeclHandler(parser, on_declaration);
    XML_SetUnknownEncodingHandler(parser, on_unknown_encoding, reader);
}

enum {
    SLICE = 64 * 1024,       /* expat copies what it is given: not 16 MiB at once */
    LARGEST_SLICE = 1 << 30, /* its sizes are ints */
};

/* What expat has not understood yet, because a token is longer than the slices, it scans anew
 * with the next slice: which is as long as all that waits, so that the work stays linear. */
static size_t next_slice(XML_Parser parser, size_t fed)
{
    int64_t understood = duet_expat_byte_index(parser);
    size_t waiting = understood < 0 ? fed : fed - (size_t)understood;
    if (waiting > LARGEST_SLICE)
        return LARGEST_SLICE;
    return waiting > SLICE ? waiting : SLICE;
}

/* After an error of expat's. */
static int give_up(struct reader *reader)
{
    bool is_ours = XML_GetErrorCode(reader->parser) == XML_ERROR_ABORTED;
    if (is_ours || reader->own_name != NULL)
        return DUET_FAILED;
    return duet_xml_refuse(reader->request, reader->parser, &reader->declared);
}

static int feed(struct reader *reader)
{
    const char *bytes = (const char *)reader->request->bytes;
    size_t left = reader->request->size, fed = 0, slice = SLICE;
    for (;;) {
        size_t size = left < slice ? left : slice;
        left -= size;
        if (XML_Parse(reader->parser, bytes + fed, (int)size, left == 0) != XML_STATUS_OK)
            return give_up(reader);
        if (left == 0)
            return reader->failed ? DUET_FAILED : 0;
        fed += size;
        slice = next_slice(reader->parser, fed);
    }
}

/* What expat itself may take: a token of the whole message in its buffer, and that buffer while
 * it grows. */
static size_t parser_ceiling(const struct duet_limits *limits)
{
    enum { EVERYDAY = 1024 * 1024 };
    size_t most = (SIZE_MAX - EVERYDAY) / 4;
    return EVERYDAY + 4 * (limits->max_message < most ? limits->max_message : most);
}

/* Reads it in the encoding of that name; NULL: in the one that it declares. */
static int read_in(struct reader *reader, struct duet_xml_thread *thread, const char *encoding)
{
    struct duet_incoming *request = reader->request;
    reader->parser =
        duet_xml_parser_start(thread, parser_ceiling(request->limits), request->arena->account);
    if (reader->parser == NULL || XML_SetEncoding(reader->parser, encoding) != XML_STATUS_OK)
        return duet_fault_set(request->fault, DUET_FAULT_INTERNAL,
                              "out of memory: no XML parser");
    reader->own_name = NULL;
    set_handlers(reader);
    duet_xml_grammar_start(&reader->grammar, &thread->build, request);
    return feed(reader);
}

int duet_xml_read(struct duet_xml_thread *thread, struct duet_incoming *request)
{
    int rc = duet_xml_check_utf16(request);
    if (rc < 0)
        return rc;

    struct reader reader = {.request = request};
    rc = read_in(&reader, thread, NULL);
    if (reader.own_name != NULL)
        rc = read_in(&reader, thread, reader.own_name);
    if (rc == 0)
        rc = duet_xml_grammar_finish(&reader.grammar);
    duet_xml_build_rest(&thread->build);
    duet_xml_parser_rest(thread);
    return rc;
}
