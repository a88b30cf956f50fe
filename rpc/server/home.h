/*
 * A home: one loop with its connections, its calls and its tickets. It glues transport to
 * calls: a message comes in from conn, becomes a call, runs here or on a worker, and its reply
 * leaves through duet_home_answer. Everything is for the loop's own
 * thread.
 */
#ifndef DUET_HOME_H
#define DUET_HOME_H

#include "conn.h"
#include "job.h"
#include "server.h"
#include "session.h"
#include "slow_inline.h"
#include "ticket.h"
#include "view.h"

enum {
    DUET_HOME_BATCH = 256,
    DUET_HOME_TURNED_AWAY = 64, /* connections over a limit that are open at a time */
};

struct duet_home {
    struct duet_server *server;
    struct duet_loop loop;
    struct duet_conns conns;
    struct duet_session *ended;         /* in this turn, linked by next */
    struct duet_session_keeper *keeper; /* what its sessions know of it */
    struct duet_acceptor *acceptors;    /* one for each listener */
    struct duet_tickets tickets;
    struct duet_ticket *orphans; /* of connections that are gone: notifications, or what may
                                    turn out to be one */
    struct duet_view *view;
    unsigned long view_number;

    struct duet_job *spare_jobs;
    unsigned spare_job_count;
    size_t spare_job_bytes;

    struct duet_pool *pool; /* where its calls go: to the server's workers; or, without any, */
    struct duet_pool own_pool; /* to itself: its loop runs them in its turns */
    struct duet_worker worker; /* then: that it is itself */
    struct duet_queue_link *batch[DUET_HOME_BATCH]; /* this turn's calls for the workers */
    size_t batch_count;
    bool has_doomed; /* some of them may have been ended since */

    uint64_t turned_away[DUET_HOME_TURNED_AWAY]; /* ids of connections that are told they are
                                            too many */
    unsigned turned_away_count; /* so far: the next one's place, counted round */

    char usual_host[64]; /* the Host of the last request under one of our names */
    size_t usual_host_size;

    bool is_accepting; /* it may still hand a connection to another home */
    bool is_draining, is_past_deadline;
    struct duet_source drain_source; /* the server's drain_fd */
    struct duet_deadline drain_deadline;
    bool has_thread; /* of its own */
    pthread_t thread;
    bool is_over; /* it turns no more */
    int result;   /* then: 0, or what failed */

    struct duet_stretch stretch; /* of inline calls, in this turn */
    size_t number;               /* which of the server's homes it is */
    struct duet_counts totals;
    _Atomic uint64_t calls;      /* accepted */
    _Atomic uint64_t unreadable; /* messages of the wrong shape without a msgid; the connection
                                    was closed */
    _Atomic uint64_t unasked;    /* replies that nobody asked for */
    _Atomic uint64_t slow_inline;
    _Atomic uint64_t dropped; /* notifications, whose readers were too slow */
    _Atomic uint64_t late;    /* results whose ticket was gone */
};

/* Whether there are no workers: its loop runs all its calls. */
static inline bool duet_home_works(const struct duet_home *home)
{
    return home->pool == &home->own_pool;
}

/* Opens loop and connections. 0 or a negative code; duet_home_done either way. */
int duet_home_init(struct duet_home *home, struct duet_server *server);

/* Starts accepting; from here on its loop turns, until it is drained. 0 or -errno. */
int duet_home_start(struct duet_home *home);

/* It accepts no more, or never will; the last home to say so closes the listeners. */
void duet_home_leave_accepting(struct duet_home *home);

/* Its loop turns no more: what is asked of its sessions from now on fails at once, so that no
 * handler waits for it. On the thread that turned it. */
void duet_home_end(struct duet_home *home);

/* Frees everything; no worker holds a call of it any more. */
void duet_home_done(struct duet_home *home);

#endif
