/*
 * What the server keeps of each connection: who calls over it. It lies in the connection's own
 * memory, and comes and goes with it. On the loop's thread.
 */
#ifndef DUET_CALLER_H
#define DUET_CALLER_H

#include "conn.h"
#include "outbound.h"
#include "session.h"
#include "ticket.h"

enum { DUET_NO_LISTENER = UINT16_MAX }; /* of a connection that a program brought */

struct duet_caller {
    struct duet_ticket *calls;           /* that somebody else holds */
    struct duet_job *aside, *aside_last; /* those of them that found no room to start */
    struct duet_session *session;        /* NULL before the first byte */
    struct duet_outbound *outbound;      /* calls to it; NULL until there is one */
    char *origin;      /* of the page that asks, and may read the reply; or NULL */
    uint16_t listener; /* that it came by: an index, or DUET_NO_LISTENER */
    uint8_t raw;       /* enum duet_raw: what its bytes have shown so far */
    uint8_t excess;    /* enum duet_excess: it is open to be told so */
};

static inline struct duet_caller *duet_caller_of(const struct duet_conn *conn)
{
    return conn->owner;
}

#endif
