/*
 * A queue, a lock, a condition: the plain way to hand work to a thread.
 */
#include "null_workers.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

struct job {
    struct job *next;
    int fd;
    size_t count;
    uint8_t requests[NULL_JOB_BYTES];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t filled = PTHREAD_COND_INITIALIZER;
static struct job *first_job, **last_job = &first_job, *spare_jobs; /* under lock */
static unsigned sleepers;                                           /* under lock */

void null_workers_push(int fd, const uint8_t *requests, size_t count)
{
    pthread_mutex_lock(&lock);
    struct job *job = spare_jobs;
    if (job != NULL)
        spare_jobs = job->next;
    else
        job = malloc(sizeof *job);
    if (job == NULL)
        abort();
    job->next = NULL;
    job->fd = fd;
    job->count = count;
    memcpy(job->requests, requests, count * DOUBLE_REQUEST);
    *last_job = job;
    last_job = &job->next;
    bool wake = sleepers > 0;
    pthread_mutex_unlock(&lock);
    if (wake)
        pthread_cond_signal(&filled);
}

static struct job *take_job(struct job *done)
{
    pthread_mutex_lock(&lock);
    if (done != NULL) {
        done->next = spare_jobs;
        spare_jobs = done;
    }
    while (first_job == NULL) {
        sleepers++;
        pthread_cond_wait(&filled, &lock);
        sleepers--;
    }
    struct job *job = first_job;
    first_job = job->next;
    if (first_job == NULL)
        last_job = &first_job;
    pthread_mutex_unlock(&lock);
    return job;
}

/* Sends by itself; what the kernel does not take is lost, and the generator would say so. */
static void *work(void *unused)
{
    static _Thread_local uint8_t replies[NULL_JOB_BYTES];
    (void)unused;
    for (struct job *job = NULL;;) {
        job = take_job(job);
        for (size_t i = 0; i < job->count; i++)
            null_answer_double(job->requests + i * DOUBLE_REQUEST, replies + i * DOUBLE_REPLY);
        if (send(job->fd, replies, job->count * DOUBLE_REPLY, MSG_NOSIGNAL) < 0)
            perror("null_server: send");
    }
    return NULL;
}

void null_workers_start(void)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, work, NULL) != 0)
        abort();
}
