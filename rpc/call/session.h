/*
 * A session: a client's connection as the program sees it. It has memory of its own, which
 * lives as long as anybody refers to it, on any thread; the connection it knows by id alone.
 * Whoever serves it keeps it while the connection is open or calls of it run, and does on its
 * loop what others ask of it.
 */
#ifndef DUET_SESSION_H
#define DUET_SESSION_H

#include "codec.h"
#include "postbox.h"

#include <netinet/in.h>

/* What may be asked of a session's keeper, all at once. */
enum {
    DUET_ASKED_CLOSE = 1 << 0,
    DUET_ASKED_IDLE = 1 << 1,
    DUET_ASKED_ABORT = 1 << 2, /* at once, whatever is unsent */
};

/* What requests over a session keep to. */
struct duet_session_terms {
    struct duet_limits limits;
    struct duet_style style; /* towards a peer that has shown nothing yet */
    bool int_is_strict;
    size_t max_arena;
    size_t max_write_depth;
    unsigned request_timeout_ms;
    size_t max_posted; /* bytes of requests on their way to one session's loop */
};

struct duet_outbound;

/* Of one loop; it outlives the loop and whoever owns that, as long as sessions refer to it. */
struct duet_session_keeper {
    _Atomic unsigned references;
    struct duet_postbox box; /* of the loop that the session lives on */
    struct duet_session_terms terms;
    void *ctx; /* for the functions, which are called on that loop */

    /* Does what was asked, a sum of DUET_ASKED_…; the session may have ended. */
    void (*attend)(void *ctx, struct duet_session *session, unsigned asked);

    /* Where its requests go out. 0; -ENOTCONN if it has ended, or -errno. */
    int (*outbound)(void *ctx, struct duet_session *session, struct duet_outbound **outbound);
};

/* Of that loop, with one reference; NULL when out of memory. The rest is the owner's to set. */
struct duet_session_keeper *duet_session_keeper_new(struct duet_loop *loop);

/* Nothing more is asked of it; and its owner refers to it no more. Takes NULL. */
void duet_session_keeper_close(struct duet_session_keeper *keeper);
void duet_session_keeper_unref(struct duet_session_keeper *keeper);

struct duet_wait;
struct duet_inner;

struct duet_session {
    /* Fixed when it is made. */
    uint64_t id;
    uint64_t conn; /* id, for the keeper */
    duet_protocol protocol;
    struct sockaddr_in6 peer;
    struct duet_session_keeper *keeper; /* a reference */

    /* For any thread. */
    _Atomic unsigned references;
    _Atomic bool is_open;
    _Atomic unsigned asked;
    _Atomic unsigned idle_timeout_ms; /* as asked for last */
    _Atomic size_t posted;            /* bytes of requests on their way to the loop */
    _Atomic(char *) peer_text;        /* made when asked for */
    _Atomic int slow_reader;          /* enum duet_slow_reader */
    _Atomic bool has_shown_raw;
    _Atomic uint8_t raw; /* enum duet_raw, once its bytes have shown it */
    _Atomic(void *) data;
    void (*free_data)(void *data); /* written before data */
    struct duet_letter letter;     /* while `asked` is not 0 */

    /* On its loop. */
    unsigned awaited;     /* requests to its client that are out */
    unsigned users;       /* its connection, and calls that somebody else holds */
    bool has_been_opened; /* the hook session_open let it in */

    /* Under the lock of those that wait. */
    struct duet_wait *waits;               /* handlers, for its client */
    struct duet_inner *inner, *last_inner; /* calls that they take in */

    struct duet_session *next, **link; /* in its keeper's list, under that one's lock */
};

/* A session of the connection `conn`, with one user; not open yet. NULL when out of memory. */
struct duet_session *duet_session_new(struct duet_session_keeper *keeper, uint64_t conn,
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

/* Asks its keeper. Any thread. */
void duet_session_ask(struct duet_session *session, unsigned what);

/* Its bytes have shown what its client understands. Any thread. */
static inline void duet_session_show_raw(struct duet_session *session, uint8_t raw)
{
    atomic_store_explicit(&session->raw, raw, memory_order_relaxed);
    atomic_store(&session->has_shown_raw, true);
}

#endif
