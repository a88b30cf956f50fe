/*
 * The sessions of a server: they begin with a connection's first byte and end with the
 * connection, the hooks are told of both, and whoever asks may look at all that are open.
 */
#ifndef DUET_SESSIONS_H
#define DUET_SESSIONS_H

#include "conn.h"
#include "session.h"

struct duet_home;

/* All that are open, on all loops. */
struct duet_session_list {
    pthread_mutex_t lock;
    struct duet_session *first; /* under lock, as are their `next` and `link` */
    size_t count;               /* under lock */
};

/* A connection's first byte has come: makes its session, and asks the hooks. With
 * `is_turned_away` it never opens. False: the connection is to be closed. The loop. */
bool duet_sessions_begin(struct duet_conn *conn, duet_protocol protocol, bool is_turned_away);

/* The connection of it, if it has one, is gone. The loop. */
void duet_sessions_end(struct duet_conn *conn);

/* A connection will answer no request of ours any more: those that are out end. The loop. */
void duet_sessions_end_requests(struct duet_conn *conn);

/* References to all that are open now, in an array to be freed. 0 or -ENOMEM. Any thread. */
int duet_sessions_take_all(struct duet_session_list *list, struct duet_session ***taken,
                           size_t *count);

/* A turn is over: lets go of the sessions that have ended in it, which a handler of theirs may
 * have seen to its end. */
void duet_sessions_bury(struct duet_home *home);

/* A home can have sessions from now on. 0 or -ENOMEM. */
int duet_sessions_open(struct duet_home *home);

#endif
