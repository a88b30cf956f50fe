/*
 * To whom a reply goes, and how it must look: all that is needed to answer a call whose message
 * is no longer at hand.
 */
#ifndef DUET_RECIPIENT_H
#define DUET_RECIPIENT_H

#include "codec.h"

struct duet_recipient {
    uint64_t conn;  /* id */
    uint32_t notes; /* enum duet_notes of the request */
    uint32_t msgid;
    enum duet_kind kind;
    struct duet_style style;
    const struct duet_codec *codec;
};

#endif
