/*
 * Fuzz target: whatever the fast reader of XML-RPC takes, expat must read as the same call.
 */
#include "xmlrpc_agree.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (agree_under_limits(bytes, size) == READ_DIFFERENTLY)
        abort();
    return 0;
}
