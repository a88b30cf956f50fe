/*
 * The one table that knows both transport's framings and rpc's codecs: which a connection
 * speaks, by its listener's scheme or its first byte, and how many of its calls may be in
 * flight.
 */
#ifndef DUET_PROTOCOL_H
#define DUET_PROTOCOL_H

#include "address.h"
#include "codec.h"
#include "framing.h"

struct duet_protocol_row {
    const struct duet_framing *framing;
    duet_protocol protocol; /* of its sessions */
    bool is_ordered;        /* replies follow the order of requests: one call in flight */
};

/* What all connections of a listener speak; NULL if the first byte of each decides. */
const struct duet_protocol_row *duet_protocol_of(enum duet_scheme scheme);

/* What a connection speaks by its first byte; NULL if that is nothing of ours. */
const struct duet_protocol_row *duet_protocol_by_first(uint8_t first);

/* The codec of a message with such a body; NULL for DUET_CONTENT_NONE. */
const struct duet_codec *duet_protocol_codec(enum duet_content content);

#endif
