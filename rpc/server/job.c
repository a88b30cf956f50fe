/*
 * Spare jobs, so that a steady server does not touch malloc. On the loop's thread.
 */
#include "job.h"

#include "home.h"

#include <stdlib.h>

enum {
    FULL_SPARES = 32,      /* this many idle jobs keep all their memory, */
    TRIMMED_SPARES = 4096, /* and this many keep a little: a turn's worth of calls */
};

static struct duet_job *new_job(struct duet_home *home)
{
    struct duet_job *job = calloc(1, sizeof *job);
    if (job == NULL)
        return NULL;
    job->home = home;
    duet_call_init(&job->call, &home->server->service);
    duet_account_take(&job->call.account, sizeof *job, DUET_RANK_SMALL);
    duet_conns_see_shortage(&home->conns);
    return job;
}

static void free_job(struct duet_job *job)
{
    duet_call_done(&job->call);
    duet_account_give(&job->call.account, sizeof *job);
    free(job);
}

struct duet_job *duet_job_take(struct duet_home *home)
{
    struct duet_job *job = home->spare_jobs;
    if (job == NULL)
        return new_job(home);
    home->spare_jobs = job->next_spare;
    home->spare_job_count--;
    home->spare_job_bytes -= job->call.account.held;
    return job;
}

void duet_job_leave_place(struct duet_job *job)
{
    if (job->keeps_place)
        duet_pool_leave_place(job->home->pool);
    job->keeps_place = false;
}

void duet_job_recycle(struct duet_job *job)
{
    struct duet_home *home = job->home;
    struct duet_call *call = &job->call;
    duet_job_leave_place(job);
    if (job->view != NULL) { /* it was handed over */
        duet_view_release(job->view);
        duet_session_leave(call->session);
    }
    job->view = NULL;
    if (job->scratch != NULL) {
        duet_scratch_release(job->scratch);
        job->scratch = NULL;
    }
    if (call->message.data != NULL)
        duet_conns_reuse(&home->conns, &call->message);
    if (home->spare_job_count >= TRIMMED_SPARES) {
        free_job(job);
        return;
    }
    duet_call_reset(call, home->spare_job_count >= FULL_SPARES);
    job->next_spare = home->spare_jobs;
    home->spare_jobs = job;
    home->spare_job_count++;
    home->spare_job_bytes += call->account.held;
}

void duet_jobs_free(struct duet_home *home)
{
    while (home->spare_jobs != NULL)
        free_job(duet_job_take(home));
}
