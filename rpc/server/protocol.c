/*
 * First bytes. A MessagePack-RPC message is an array of three or four, an HTTP request begins
 * with a letter. An array of another size is taken for MessagePack-RPC too: its codec has the
 * words for what is wrong with it. 0x16, a TLS handshake, is nothing of ours; an SSH client
 * begins with a letter and is told in HTTP.
 */
#include "protocol.h"

#include "msgpack_first.h"

static const struct duet_protocol_row http = {
    .framing = &duet_framing_http, .protocol = DUET_PROTOCOL_XMLRPC, .is_ordered = true};
static const struct duet_protocol_row msgpack = {.framing = &duet_framing_msgpack,
                                                 .protocol = DUET_PROTOCOL_MSGPACKRPC};

static bool begins_http(uint8_t first)
{
    bool is_letter = (first >= 'A' && first <= 'Z') || (first >= 'a' && first <= 'z');
    return is_letter || first == '\r' || first == '\n'; /* RFC 9112 2.2: an empty line before a
                                                           request is ignored */
}

const struct duet_protocol_row *duet_protocol_of(enum duet_scheme scheme)
{
    switch (scheme) {
    case DUET_SCHEME_HTTP:
        return &http;
    case DUET_SCHEME_MSGPACK:
        return &msgpack;
    default:
        return NULL;
    }
}

const struct duet_protocol_row *duet_protocol_by_first(uint8_t first)
{
    if (duet_msgpack_begins_array(first))
        return &msgpack;
    return begins_http(first) ? &http : NULL;
}

const struct duet_codec *duet_protocol_codec(enum duet_content content)
{
    switch (content) {
    case DUET_CONTENT_MSGPACK:
        return &duet_codec_msgpack;
    case DUET_CONTENT_XML:
        return &duet_codec_xmlrpc;
    default:
        return NULL;
    }
}
