/*
 * Calls of a home are counted when they end, and every reply, good or bad, leaves through one
 * door. On the loop's thread.
 */
#include "home_parts.h"

#include <stdio.h>

enum {
    SEND_BY_REFERENCE = 32 * 1024, /* a larger reply is not copied into the output */
};

/* A reply that refers to something is never one of those that are copied. */
_Static_assert((int)SEND_BY_REFERENCE <= (int)DUET_REFERENCE_FROM,
               "a reference alone makes a reply large");

/* ---- Counting ---- */

static void count_in(struct duet_counts *counts, enum duet_ended how, uint64_t queue_ns,
                     uint64_t run_ns)
{
    duet_count(&counts->ended[how], 1);
    if (run_ns == 0)
        return;
    duet_count(&counts->queue_ns, queue_ns);
    duet_count(&counts->run_ns, run_ns);
}

/* Each accepted call passes here once, when it has ended. */
void duet_home_count_end(struct duet_home *home, struct duet_method_entry *method,
                         enum duet_ended how, uint64_t queue_ns, uint64_t run_ns)
{
    count_in(&home->totals, how, queue_ns, run_ns);
    if (method == NULL)
        return;
    struct duet_counts *counts =
        duet_method_counts(method, duet_server_shards(home->server), home->number);
    if (counts != NULL)
        count_in(counts, how, queue_ns, run_ns);
}

/* ---- The one door for replies ---- */

static void release_job(struct duet_out *last)
{
    duet_job_recycle((struct duet_job *)last->owner);
}

static void release_piece(struct duet_out *out)
{
    (void)out; /* the last piece of a reply releases it all */
}

/* After the reply to its last request a connection ends. */
static void finish_if_last(struct duet_conn *conn, const struct duet_head *head)
{
    bool is_over =
        head->close || (head->notes & DUET_NOTE_HTTP && !(head->notes & DUET_NOTE_KEEP_ALIVE));
    if (is_over)
        duet_conn_take_no_calls(conn);
}

void duet_home_send(struct duet_conn *conn, struct duet_head *head, const void *body)
{
    char room[DUET_HEAD_ROOM], lines[DUET_HEAD_EXTRA_MAX + 1];
    if (head->notes & DUET_NOTE_ORIGIN_ALLOWED)
        head->extra = duet_browser_lines(conn, head, lines);
    head->close = head->close || duet_conn_is_last(conn);
    size_t size = conn->framing->wrap(room, head);
    bool has_body = body != NULL && !(head->notes & DUET_NOTE_HEAD);
    duet_conn_send(conn, room, size, body, has_body ? head->body_size : 0);
    finish_if_last(conn, head);
}

/* Header lines that some replies have besides the usual ones. */
static const char *extra_lines(const struct duet_job *job, char *room, size_t size)
{
    if (job->call.status == 503)
        return "Retry-After: 1\r\n";
    if (!job->home->server->options.value[DUET_OPT_SERVER_TIMING] ||
        !(job->call.to.notes & DUET_NOTE_HTTP))
        return "";
    snprintf(room, size, "Server-Timing: queue;dur=%.3f, run;dur=%.3f\r\n",
             (double)(job->call.started_ns - job->call.arrived_ns) / 1e6,
             (double)(job->ended_ns - job->call.started_ns) / 1e6);
    return room;
}

/* The output and what it refers to, as pieces in their order. Returns how many; none is
 * empty. */
static size_t cut_pieces(struct duet_job *job)
{
    const struct duet_writer *writer = &job->call.own_writer;
    struct duet_out *piece = job->outs;
    size_t from = 0;
    for (unsigned i = 0; i < writer->reference_count; i++) {
        const struct duet_writer_reference *reference = &writer->references[i];
        *piece++ =
            (struct duet_out){.bytes = writer->out.data + from, .size = reference->at - from};
        *piece++ = (struct duet_out){.bytes = (const uint8_t *)reference->object->via.bin.ptr,
                                     .size = reference->size};
        from = reference->at;
    }
    if (from < writer->out.size)
        *piece++ = (struct duet_out){.bytes = writer->out.data + from,
                                     .size = writer->out.size - from};
    return (size_t)(piece - job->outs);
}

/* Sends them without copying; takes the job, which is released with the last one. */
static void send_pieces(struct duet_conn *conn, struct duet_job *job)
{
    size_t count = cut_pieces(job);
    for (size_t i = 0; i < count; i++) {
        job->outs[i].owner = job;
        job->outs[i].release = i + 1 < count ? release_piece : release_job;
    }
    for (size_t i = 0; i < count; i++)
        duet_conn_send_out(conn, &job->outs[i]);
}

/* A reply that is its own message, and small: there is nothing to wrap it in. */
static void send_bare(struct duet_conn *conn, const struct duet_buf *reply)
{
    bool is_last = duet_conn_is_last(conn);
    duet_conn_send(conn, NULL, 0, reply->data, reply->size);
    if (is_last)
        duet_conn_take_no_calls(conn);
}

/* Sends the reply in the call's writer; takes the job. */
static void send_reply(struct duet_conn *conn, struct duet_job *job)
{
    struct duet_call *call = &job->call;
    const struct duet_buf *reply = &call->own_writer.out;
    size_t body_size = duet_writer_size(&call->own_writer);
    if (body_size < SEND_BY_REFERENCE && !(call->to.notes & DUET_NOTE_HTTP)) {
        send_bare(conn, reply);
        duet_job_recycle(job);
        return;
    }
    char extra[128];
    struct duet_head head = {
        .status = call->status,
        .content_type = call->to.codec->content_type,
        .body_size = body_size,
        .notes = call->to.notes,
        .gzip = call->reply_is_gzip,
        .extra = extra_lines(job, extra, sizeof extra),
    };
    if (body_size < SEND_BY_REFERENCE) {
        duet_home_send(conn, &head, reply->data);
        duet_job_recycle(job);
        return;
    }
    if (call->own_writer.reference_count == 0)
        duet_conns_reuse(&job->home->conns, &call->message);
    duet_account_release(&call->account);
    duet_call_join(call, conn->part, true);
    duet_home_send(conn, &head, NULL);
    send_pieces(conn, job);
}

/* A notification gets no reply; over HTTP, which wants one, an empty one. */
static void acknowledge(struct duet_conn *conn, const struct duet_call *call)
{
    if (call->to.notes & DUET_NOTE_HTTP)
        duet_home_send(conn,
                       &(struct duet_head){.status = 204, .notes = call->to.notes, .extra = ""},
                       NULL);
}

/* Sends what a call has for an answer, which may be nothing; takes the job. */
void duet_home_send_answer(struct duet_conn *conn, struct duet_job *job)
{
    const struct duet_call *call = &job->call;
    if (conn == NULL) {
        duet_job_recycle(job);
        return;
    }
    if (call->request.raw_seen != DUET_RAW_UNKNOWN && call->service->raw_is_auto)
        duet_caller_of(conn)->raw = call->to.style.raw;
    if (call->to.kind == DUET_KIND_NOTIFICATION) {
        acknowledge(conn, call);
        duet_job_recycle(job);
    } else if (call->own_writer.out.size == 0) { /* out of memory even for a fault */
        duet_job_recycle(job);
        duet_conn_close(conn);
    } else {
        send_reply(conn, job);
    }
}

/* Answers a call that was run or refused; takes the job. */
void duet_home_answer(struct duet_conn *conn, struct duet_job *job)
{
    duet_home_count_end(job->home, job->call.method, job->call.ending,
                        job->call.started_ns - job->call.arrived_ns,
                        job->ended_ns - job->call.started_ns);
    duet_home_send_answer(conn, job);
}
