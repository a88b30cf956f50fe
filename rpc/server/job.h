/*
 * A job: one call as a server carries it. What a call needs to be answered is the call's own;
 * where it is on its way (home, the queue, a method's line, home again, out) is here. A home
 * keeps jobs for its next calls; it alone takes and recycles them, and whoever else holds one
 * posts it home.
 */
#ifndef DUET_JOB_H
#define DUET_JOB_H

#include "call.h"
#include "conn.h"
#include "pool.h"
#include "wait.h"

struct duet_home;
struct duet_view;

struct duet_job {
    struct duet_call call;
    struct duet_home *home;
    struct duet_job *next_spare;
    struct duet_job *next_aside;    /* of those that found no room to start */
    struct duet_view *view;         /* that it keeps alive, or NULL */
    struct duet_scratch *scratch;   /* that its message lies in, or NULL */
    uint64_t ticket;                /* its id, once it has been handed over */
    uint64_t ended_ns;              /* for workers, and with --server-timing */
    struct duet_queue_link queued;  /* while it waits for a worker */
    bool keeps_place;               /* in the queue: it is to come again */
    struct duet_inner inner;        /* while a handler that waits may take it in */
    struct duet_gate_link in_line;  /* while it waits for its method's gate */
    struct duet_letter letter;      /* its way home */
    struct duet_letter kept_letter; /* what tells its home that it is kept */
    struct duet_out outs[2 * DUET_WRITER_REFERENCES + 1]; /* its reply on the way out, by
                                                             reference */
};

/* A job ready for a request; NULL when out of memory. */
struct duet_job *duet_job_take(struct duet_home *home);

/* It will not come to the queue again. */
void duet_job_leave_place(struct duet_job *job);

/* Its call is over: it is kept for the next one, or freed. */
void duet_job_recycle(struct duet_job *job);

/* Frees those that are kept. */
void duet_jobs_free(struct duet_home *home);

#endif
