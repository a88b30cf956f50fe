/*
 * A queue of jobs: queue.put(text) adds one, queue.get() takes the oldest and waits for as long
 * as there is none. No thread waits with it: calls that cannot be answered yet are kept, and
 * whoever puts the next job finishes the one that has waited longest. A worker that dies, or is
 * stopped, loses no job.
 */
#include <duet.h>

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_JOBS = 1000, MAX_WAITING = 1000 };

struct queue {
    pthread_mutex_t lock;
    char *jobs[MAX_JOBS]; /* oldest first */
    size_t job_count;
    duet_kept waiting[MAX_WAITING]; /* longest first */
    size_t waiting_count;
};

/* ---- The two lists, under the lock */

static char *take_job(struct queue *queue)
{
    if (queue->job_count == 0)
        return NULL;
    char *job = queue->jobs[0];
    memmove(queue->jobs, queue->jobs + 1, --queue->job_count * sizeof *queue->jobs);
    return job;
}

static void forget_waiting(struct queue *queue, size_t i)
{
    size_t after = --queue->waiting_count - i;
    memmove(queue->waiting + i, queue->waiting + i + 1, after * sizeof *queue->waiting);
}

static duet_kept take_waiting(struct queue *queue)
{
    duet_kept first = {0};
    if (queue->waiting_count > 0) {
        first = queue->waiting[0];
        forget_waiting(queue, 0);
    }
    return first;
}

/* ---- queue.get */

/* Nobody waits for this one any more. If it is not on the list, somebody answers it just now,
 * and will find that out. */
static void gave_up(duet_kept kept, void *ctx)
{
    struct queue *queue = ctx;
    pthread_mutex_lock(&queue->lock);
    for (size_t i = 0; i < queue->waiting_count; i++)
        if (queue->waiting[i].id == kept.id)
            forget_waiting(queue, i--);
    pthread_mutex_unlock(&queue->lock);
    duet_kept_finish(kept, DUET_FAULT_CANCELLED);
}

/* Under the lock: when it is released, others may finish the call. */
static int wait_for_job(struct queue *queue, duet_call *call)
{
    if (queue->waiting_count == MAX_WAITING)
        return -EBUSY;
    queue->waiting[queue->waiting_count] = duet_call_keep(call);
    if (queue->waiting[queue->waiting_count].id == 0)
        return -ENOMEM;
    queue->waiting_count++;
    return duet_call_on_cancel(call, gave_up, queue);
}

static int get(duet_call *call, void *ctx)
{
    struct queue *queue = ctx;
    pthread_mutex_lock(&queue->lock);
    char *job = take_job(queue);
    int rc = job == NULL ? wait_for_job(queue, call) : 0;
    pthread_mutex_unlock(&queue->lock);
    if (job == NULL)
        return rc;
    rc = duet_reply_string(call, job);
    free(job);
    return rc;
}

/* ---- queue.put */

/* Gives it to the one that has waited longest and is still there. */
static bool give(struct queue *queue, const char *job)
{
    for (;;) {
        pthread_mutex_lock(&queue->lock);
        duet_kept first = take_waiting(queue);
        pthread_mutex_unlock(&queue->lock);
        if (first.id == 0)
            return false;
        if (duet_kept_finish(first, duet_reply_string(duet_kept_call(first), job)) == 0)
            return true;
    }
}

static int store(struct queue *queue, const char *text)
{
    char *job = strdup(text);
    if (job == NULL)
        return -ENOMEM;
    pthread_mutex_lock(&queue->lock);
    bool has_room = queue->job_count < MAX_JOBS;
    if (has_room)
        queue->jobs[queue->job_count++] = job;
    pthread_mutex_unlock(&queue->lock);
    if (!has_room)
        free(job);
    return has_room ? 0 : -EBUSY;
}

static int put(duet_call *call, void *ctx)
{
    const char *job = duet_arg_string(call, 0, NULL);
    return give(ctx, job) ? 0 : store(ctx, job);
}

static int count(duet_call *call, void *ctx)
{
    struct queue *queue = ctx;
    pthread_mutex_lock(&queue->lock);
    size_t jobs = queue->job_count, waiting = queue->waiting_count;
    pthread_mutex_unlock(&queue->lock);
    duet_writer *writer = duet_call_writer(call);
    duet_write_record(writer, 2, DUET_RECORD_MAP);
    duet_write_field(writer, "jobs");
    duet_write_int(writer, (int64_t)jobs);
    duet_write_field(writer, "waiting");
    return duet_write_int(writer, (int64_t)waiting);
}

static const duet_method methods[] = {
    {.name = "queue.put", .signature = "n:s", .handler = put, .flags = DUET_METHOD_INLINE},
    {.name = "queue.get",
     .signature = "s:",
     .handler = get,
     .flags = DUET_METHOD_INLINE | DUET_METHOD_FIN_CANCELS | DUET_METHOD_DRAIN_CANCELS,
     .timeout_ms = DUET_NO_TIMEOUT},
    {.name = "queue.count", .signature = "m:", .handler = count, .flags = DUET_METHOD_INLINE},
    {0},
};

static int serve(duet_server *server)
{
    signal(SIGPIPE, SIG_IGN); /* that nobody reads what it prints is no reason to end */
    for (size_t i = 0; duet_server_address(server, i) != NULL; i++)
        printf("listening on %s\n", duet_server_address(server, i));
    fflush(stdout);
    return duet_server_run(server);
}

int main(int argc, char *argv[])
{
    static struct queue queue = {.lock = PTHREAD_MUTEX_INITIALIZER};
    duet_server *server = duet_server_new();
    duet_server_add(server, methods, &queue);
    duet_server_stop_on_signals(server);

    int rc = duet_server_args(server, argc, argv);
    if (rc == 0) {
        rc = serve(server);
    } else if (rc > 0) {
        fputs(duet_server_args_text(server), stdout);
        rc = 0;
    }

    if (rc < 0)
        fprintf(stderr, "queue_server: %s\n", duet_server_error(server));
    duet_server_free(server);
    while (queue.job_count > 0)
        free(take_job(&queue));
    return rc < 0 ? 2 : rc;
}
