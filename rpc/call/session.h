/*
 * A session: a client's connection as the program sees it. It has memory of its own, which
 * lives as long as anybody refers to it, on any thread; the connection it knows by id alone.
 * Whoever serves it keeps it while the connection is open or calls of it run, and does on its
 * loop what others ask of it.
 */
#ifndef DUET_SESSION_H
#define DUET_SESSION_H

#include "duet.h"
#include "postbox.h"

#include <netinet/in.h>

/* What may be asked of a session's keeper, all at once. */
enum { DUET_ASKED_CLOSE = 1 << 0, DUET_ASKED_IDLE = 1 << 1 };

struct duet_session_keeper {
    struct duet_postbox *box; /* of the loop that the session lives on */
    void *ctx;
    /* On that loop: does what was asked, a sum of DUET_ASKED_…; the session may have ended. */
    void (*attend)(void *ctx, struct duet_session *session, unsigned asked);
};

struct duet_session {
    /* Fixed when it is made. */
    uint64_t id;
    uint64_t conn; /* id, for the keeper */
    duet_protocol protocol;
    struct sockaddr_in6 peer;
    struct duet_postbox *box;                 /* a reference */
    const struct duet_session_keeper *keeper; /* on its loop only */

    /* For any thread. */
    _Atomic unsigned references;
    _Atomic bool is_open;
    _Atomic unsigned asked;
    _Atomic unsigned idle_timeout_ms; /* as asked for last */
    _Atomic(char *) peer_text;        /* made when asked for */
    _Atomic(void *) data;
    void (*free_data)(void *data); /* written before data */
    struct duet_letter letter;     /* while `asked` is not 0 */

    /* On its loop. */
    unsigned users;       /* its connection, and calls that somebody else holds */
    bool has_been_opened; /* the hook session_open let it in */

    struct duet_session *next, **link; /* in its keeper's list, under that one's lock */
};

/* A session of the connection `conn`, with one user; not open yet. NULL when out of memory. */
struct duet_session *duet_session_new(const struct duet_session_keeper *keeper, uint64_t conn,
                                      duet_protocol protocol, const struct sockaddr_in6 *peer);

/* One more user of it, and one less. The keeper's loop. */
static inline void duet_session_use(struct duet_session *session)
{
    session->users++;
}

static inline void duet_session_leave(struct duet_session *session)
{
    if (--session->users == 0)
        duet_session_unref(session);
}

#endif
