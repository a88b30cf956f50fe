/*
 * XML-RPC as a codec: documents are read whole, because the method's name stands in them; what
 * the writer writes goes into a methodResponse, or into a methodCall's params. Called on any
 * thread; what a thread keeps between documents is in xmlrpc_expat.
 */
#include "codec.h"
#include "response.h"
#include "writer_parts.h"
#include "xmlrpc_fast.h"
#include "xmlrpc_number.h"
#include "xmlrpc_read.h"
#include "xmlrpc_text.h"

#include <string.h>

#define TEXT(text) text, sizeof text - 1

static int read_document(struct duet_incoming *document)
{
    document->has_msgid = false;
    document->msgid = 0;
    struct duet_xml_thread *thread = duet_xml_thread();
    int rc = 0;
    if (!duet_xml_fast_read(&thread->build, document))
        rc = duet_xml_read(thread, document);
    return rc;
}

static int head(struct duet_incoming *request)
{
    request->kind = DUET_KIND_REQUEST;
    return read_document(request);
}

/* head has done it. */
static int decode(struct duet_incoming *request)
{
    (void)request;
    return 0;
}

#define DECLARATION "<?xml version=\"1.0\"?>\r\n"
#define NAMESPACE " xmlns:ex=\"http://ws.apache.org/xmlrpc/namespaces/extensions\""

/* Whether the style calls for Apache's types: their namespace is declared by the root. */
static bool is_extended(const struct duet_writer *writer)
{
    return writer->style.i8 == DUET_I8_EX || writer->style.nil == DUET_NIL_EX;
}

static int begin_reply(struct duet_writer *writer, uint32_t msgid)
{
    (void)msgid;
    if (!is_extended(writer))
        return duet_buf_append(&writer->out,
                               TEXT(DECLARATION "<methodResponse><params><param>"));
    return duet_buf_append(&writer->out,
                           TEXT(DECLARATION "<methodResponse" NAMESPACE "><params><param>"));
}

static int end_reply(struct duet_writer *writer)
{
    return duet_buf_append(&writer->out, TEXT("</param></params></methodResponse>\r\n"));
}

static int put_code_and_words(struct duet_buf *out, const struct duet_fault *fault)
{
    char code[DUET_XML_INTEGER_ROOM];
    size_t code_size = duet_xml_integer_write(code, fault->code), bad;
    int rc = duet_buf_append(out, code, code_size);
    if (rc == 0)
        rc = duet_buf_append(out, TEXT("</int></value></member>"
                                       "<member><name>faultString</name><value><string>"));
    if (rc == 0)
        rc = duet_xml_text_write(out, fault->message, strlen(fault->message), true, &bad);
    return rc == 0 ? duet_buf_append(out, TEXT("</string></value></member>")) : rc;
}

static int put_data(struct duet_buf *out, const struct duet_writer *data)
{
    int rc = duet_buf_append(out, TEXT("<member><name>faultData</name>"));
    if (rc == 0)
        rc = duet_buf_append(out, data->out.data, data->out.size);
    return rc == 0 ? duet_buf_append(out, TEXT("</member>")) : rc;
}

#define FAULT "><fault><value><struct><member><name>faultCode</name><value><int>"

static int fault(struct duet_writer *writer, uint32_t msgid, const struct duet_fault *fault)
{
    (void)msgid;
    struct duet_buf *out = &writer->out;
    bool is_plain = fault->data == NULL || !is_extended(writer);
    int rc = is_plain
                 ? duet_buf_append(out, TEXT(DECLARATION "<methodResponse" FAULT))
                 : duet_buf_append(out, TEXT(DECLARATION "<methodResponse" NAMESPACE FAULT));
    if (rc == 0)
        rc = put_code_and_words(out, fault);
    if (rc == 0 && fault->data != NULL)
        rc = put_data(out, fault->data);
    if (rc == 0)
        rc = duet_buf_append(out, TEXT("</struct></value></fault></methodResponse>\r\n"));
    return rc;
}

/* ---- Calls that go out */

static int put_method(struct duet_writer *writer, const char *method)
{
    size_t bad;
    int rc = duet_xml_text_write(&writer->out, method, strlen(method), false, &bad);
    if (rc <= 0)
        return rc;
    return duet_fault_set(writer->fault, DUET_FAULT_REQUEST,
                          "the method's name holds byte 0x%02x at offset %zu, which XML cannot "
                          "carry",
                          (uint8_t)method[bad], bad);
}

static int begin_call(struct duet_writer *writer, enum duet_kind kind, uint32_t msgid,
                      const char *method, size_t count)
{
    (void)kind, (void)msgid;
    struct duet_buf *out = &writer->out;
    int rc =
        is_extended(writer)
            ? duet_buf_append(out, TEXT(DECLARATION "<methodCall" NAMESPACE "><methodName>"))
            : duet_buf_append(out, TEXT(DECLARATION "<methodCall><methodName>"));
    if (rc == 0)
        rc = put_method(writer, method);
    if (rc == 0)
        rc = duet_buf_append(out, TEXT("</methodName><params>"));
    if (rc == 0 && count > 0)
        rc = duet_buf_append(out, TEXT("<param>"));
    return duet_writer_open_call(writer, rc, count);
}

/* Its HTTP request says whose reply it is. */
static size_t readdress(uint8_t *call, enum duet_kind kind, uint32_t msgid)
{
    (void)call, (void)kind, (void)msgid;
    return 0;
}

static int end_call(struct duet_writer *writer)
{
    int rc = duet_buf_append(&writer->out, TEXT("</params></methodCall>\r\n"));
    return rc < 0 ? duet_writer_stick(writer, rc) : 0;
}

/* Servers whose method returns nothing may send no value, which is nil, as Python's client
 * takes it; more than one is for nobody to choose from. */
static int reply(struct duet_incoming *reply, struct duet_response *response)
{
    reply->kind = DUET_KIND_RESPONSE;
    int rc = read_document(reply);
    if (rc < 0)
        return rc;
    const msgpack_object_array *values = &reply->params.via.array;
    if (values->size > 1)
        return duet_fault_set(reply->fault, DUET_FAULT_REQUEST,
                              "a reply has one value, got %" PRIu32, values->size);
    if (reply->is_fault)
        duet_response_fault(response, values->ptr[0]);
    else
        duet_response_result(response, values->size > 0
                                           ? values->ptr[0]
                                           : (msgpack_object){.type = MSGPACK_OBJECT_NIL});
    return 0;
}

const struct duet_codec duet_codec_xmlrpc = {
    .name = "XML-RPC",
    .protocol = DUET_PROTOCOL_XMLRPC,
    .content_type = "text/xml",
    .writer_ops = &duet_writer_ops_xmlrpc,
    .head_reads_all = true,
    .head = head,
    .decode = decode,
    .begin_reply = begin_reply,
    .end_reply = end_reply,
    .fault = fault,
    .begin_call = begin_call,
    .end_call = end_call,
    .readdress = readdress,
    .reply = reply,
};
