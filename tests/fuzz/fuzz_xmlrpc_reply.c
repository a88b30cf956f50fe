/*
 * Fuzz target: XML-RPC's replies. Whatever the fast reader takes, expat must read as the same
 * reply; and what the codec makes of it is whole.
 */
#include "xmlrpc_agree.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void check_response(const struct duet_response *response)
{
    bool is_fault = response->status == DUET_RESPONSE_FAULT;
    if (is_fault && response->message[response->message_size] != '\0')
        abort();
    if (!is_fault && response->data.type != MSGPACK_OBJECT_NIL)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (agree_under_limits_on(DUET_KIND_RESPONSE, bytes, size) == READ_DIFFERENTLY)
        abort();

    static const struct duet_limits limits = {
        .max_message = 1 << 20, .max_head = 16384, .max_values = 10000, .max_depth = 64};
    struct view view;
    struct duet_response response;
    view_init(&view, &limits, bytes, size, 1);
    if (duet_codec_xmlrpc.reply(&view.request, &response) == 0)
        check_response(&response);
    else if (view.fault.code == 0)
        abort();
    view_done(&view);
    return 0;
}
