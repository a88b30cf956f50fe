/*
 * The calls that are out over one connection, and the connection: a request goes out here, and
 * here it finds its answer, or its end. Knows no server and no client: whoever holds the
 * connection makes one of these beside it. On the connection's loop.
 */
#ifndef DUET_OUTBOUND_H
#define DUET_OUTBOUND_H

#include "codec.h"
#include "conn.h"
#include "notice.h"
#include "pending.h"

struct duet_request;
struct duet_session;

struct duet_outbound {
    struct duet_conn *conn;
    struct duet_pending pending;
    size_t notices;            /* notifications that wait, each with some bytes of its own */
    _Atomic uint64_t *dropped; /* counts those that are dropped */
};

/* Of that connection, with nothing out; NULL when out of memory. */
struct duet_outbound *duet_outbound_new(struct duet_conn *conn, _Atomic uint64_t *dropped);

/* Nothing is out any more. Takes NULL. */
void duet_outbound_free(struct duet_outbound *outbound);

/* Sends a request; if it wants an answer it is out from then on. 0 or -errno. */
int duet_outbound_send(struct duet_outbound *outbound, struct duet_request *request);

/* Sends a notification. If the peer does not read, its session says what happens. 0 or
 * -errno. */
int duet_outbound_notify(struct duet_outbound *outbound, struct duet_session *session,
                         struct duet_notice *notice);

/* A reply has come, whose head has been read. The request that it answers, which is out no more
 * and has the message; NULL if nobody asked. Takes `whole`, the message's own buffer, if it is
 * not NULL and was asked for. */
struct duet_request *duet_outbound_answer(struct duet_outbound *outbound,
                                          const struct duet_incoming *reply,
                                          struct duet_buf *whole);

/* A request is out no more, whatever became of it. */
void duet_outbound_forget(struct duet_outbound *outbound, struct duet_request *request);

/* A handler of this connection waits for the answer: its call does not count among those in
 * flight, for those that its client must make first do. */
void duet_outbound_excuse(struct duet_outbound *outbound, struct duet_request *request);

/* All that is out ends like this: -errno. */
void duet_outbound_end(struct duet_outbound *outbound, int status);

#endif
