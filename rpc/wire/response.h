/*
 * What a reply's fault means. Peers send anything for one, over either format: this is the one
 * reading of it. Knows values, no bytes. Called by the codecs, on any thread.
 */
#ifndef DUET_RESPONSE_H
#define DUET_RESPONSE_H

#include "codec.h"

/* A reply with a result. */
void duet_response_result(struct duet_response *response, msgpack_object result);

/* A reply with a fault, from the value that stands for it: a pair of code and message (and
 * data), a map of them by XML-RPC's names or by JSON-RPC's, a message, a code, or whatever
 * else; strings in it may be altered. */
void duet_response_fault(struct duet_response *response, msgpack_object fault);

#endif
