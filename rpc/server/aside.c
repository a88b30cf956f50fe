/*
 * Calls that were put aside: a worker has found no room to start them, because their connection
 * holds its part of the memory already, or all connections hold all of it (see account.h).
 * They wait at home, in order, and go to the workers again. On the loop's thread.
 */
#include "home_parts.h"

enum { RESUMED_AT_ONCE = 64 }; /* of one connection: it may turn out that few have room */

static void append(struct duet_conn *conn, struct duet_job *job)
{
    struct duet_caller *caller = duet_caller_of(conn);
    job->next_aside = NULL;
    if (conn->parked == 0)
        caller->aside = job;
    else
        caller->aside_last->next_aside = job;
    caller->aside_last = job;
    duet_conn_park(conn);
}

static struct duet_job *take_first(struct duet_conn *conn)
{
    struct duet_caller *caller = duet_caller_of(conn);
    struct duet_job *job = caller->aside;
    caller->aside = job->next_aside;
    duet_conn_unpark(conn);
    return job;
}

/* Sends it to the workers again, which start it whatever its connection holds. */
static void go_on(struct duet_job *job)
{
    job->call.is_let_in = true;
    duet_home_enqueue(job->home, job);
}

void duet_home_put_aside(struct duet_conn *conn, struct duet_job *job)
{
    job->call.is_parked = false;
    duet_buf_reset(&job->call.own_writer.out, 0);       /* what it has kept for a reply */
    bool may_wait = conn != NULL && conn->awaited == 0; /* or its handlers wait for it */
    if (may_wait)
        append(conn, job);
    else
        go_on(job);
}

static struct duet_ticket *ticket_of(const struct duet_job *job)
{
    return duet_ticket_find(&job->home->tickets, job->ticket);
}

/* Whether the first of them may start. If not, its connection waits. */
static bool finds_room(struct duet_conn *conn, struct duet_job *job, bool is_admitted)
{
    if (is_admitted)
        duet_account_pass(&conn->account, &job->call.account);
    if (is_admitted || duet_call_finds_room(&job->call))
        return true;
    duet_conn_wait_for_room(conn, job->call.wants);
    return false;
}

/* The first one starts whatever its connection holds: it may be all that can make room. The
 * others look again when they are taken. */
void duet_home_resume(struct duet_conn *conn, bool is_admitted)
{
    struct duet_home *home = conn->conns->ctx;
    for (unsigned n = 0; conn->parked > 0 && n < RESUMED_AT_ONCE;) {
        struct duet_job *job = duet_caller_of(conn)->aside;
        if (ticket_of(job) == NULL) {
            duet_home_forget_job(take_first(conn));
            continue;
        }
        if (!finds_room(conn, job, is_admitted))
            break;
        is_admitted = false;
        take_first(conn);
        job->call.is_let_in = n++ == 0;
        duet_home_enqueue(home, job);
    }
    if (is_admitted)
        duet_account_release(&conn->account);
}

void duet_home_leave_aside(struct duet_conn *conn)
{
    while (conn->parked > 0) {
        struct duet_job *job = take_first(conn);
        if (ticket_of(job) != NULL)
            go_on(job);
        else
            duet_home_forget_job(job);
    }
}
