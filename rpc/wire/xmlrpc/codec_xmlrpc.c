/*
 * XML-RPC as a codec: requests are read whole, because the method's name is in the document;
 * replies are the writer's value in a methodResponse. Called on any thread; what a thread keeps
 * between documents is in xmlrpc_expat.
 */
#include "codec.h"
#include "writer.h"
#include "xmlrpc_fast.h"
#include "xmlrpc_number.h"
#include "xmlrpc_read.h"
#include "xmlrpc_text.h"

#include <string.h>

#define TEXT(text) text, sizeof text - 1

static int head(struct duet_incoming *request)
{
    request->kind = DUET_KIND_REQUEST;
    request->has_msgid = false;
    request->msgid = 0;
    struct duet_xml_thread *thread = duet_xml_thread();
    int rc = 0;
    if (!duet_xml_fast_read(&thread->build, request))
        rc = duet_xml_read(thread, request);
    return rc;
}

/* head has done it. */
static int decode(struct duet_incoming *request)
{
    (void)request;
    return 0;
}

static int begin_reply(struct duet_writer *writer, uint32_t msgid)
{
    (void)msgid;
    bool extended = writer->style.i8 == DUET_I8_EX || writer->style.nil == DUET_NIL_EX;
    if (!extended)
        return duet_buf_append(
            &writer->out, TEXT("<?xml version=\"1.0\"?>\r\n<methodResponse><params><param>"));
    return duet_buf_append(
        &writer->out,
        TEXT(
            "<?xml version=\"1.0\"?>\r\n<methodResponse xmlns:ex=\"http://ws.apache.org/xmlrpc/"
            "namespaces/extensions\"><params><param>"));
}

static int end_reply(struct duet_writer *writer)
{
    return duet_buf_append(&writer->out, TEXT("</param></params></methodResponse>\r\n"));
}

static int fault(struct duet_writer *writer, uint32_t msgid, const struct duet_fault *fault)
{
    (void)msgid;
    struct duet_buf *out = &writer->out;
    char code[DUET_XML_INTEGER_ROOM];
    size_t code_size = duet_xml_integer_write(code, fault->code), bad;
    int rc = duet_buf_append(
        out, TEXT("<?xml version=\"1.0\"?>\r\n<methodResponse><fault><value><struct>"
                  "<member><name>faultCode</name><value><int>"));
    if (rc == 0)
        rc = duet_buf_append(out, code, code_size);
    if (rc == 0)
        rc = duet_buf_append(out, TEXT("</int></value></member>"
                                       "<member><name>faultString</name><value><string>"));
    if (rc == 0)
        rc = duet_xml_text_write(out, fault->message, strlen(fault->message), true, &bad);
    if (rc == 0)
        rc = duet_buf_append(out, TEXT("</string></value></member></struct></value></fault>"
                                       "</methodResponse>\r\n"));
    return rc;
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
};
