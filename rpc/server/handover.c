/*
 * To the workers and back: a call leaves with a ticket, in one push a turn; its result finds
 * the ticket again, or finds that its time, its client or the server's is over. On the loop's
 * thread.
 */
#include "home_parts.h"

#include "holder.h"
#include "on_worker.h"

#include <errno.h>

static int fail_full_queue(struct duet_job *job)
{
    long long limit = (long long)job->home->server->options.value[DUET_OPT_WORKER_QUEUE];
    return duet_call_fail_busy(&job->call,
                               "the server is busy: %lld calls wait for %s already "
                               "(--worker-queue %lld); try again",
                               limit, duet_home_works(job->home) ? "their turn" : "a worker",
                               limit);
}

/* ---- Calls that are ended while somebody else holds them ---- */

/* Takes back a call that nobody has begun, from the queue or from the line before its method's
 * gate, and the place behind the gate that it may have been given. NULL: somebody has it. */
static struct duet_job *take_back(const struct duet_ticket *ticket)
{
    struct duet_home *home = ticket->home;
    struct duet_job *job = ticket->job;
    bool is_gated = ticket->method != NULL && ticket->method->gate.max > 0;
    bool is_back = duet_pool_take_back(home->pool, &job->queued);
    if (!is_back && is_gated && duet_gate_take_back(&ticket->method->gate, &job->in_line)) {
        atomic_fetch_sub(&home->server->in_line, 1);
        is_back = true;
    }
    if (!is_back) {
        home->has_doomed = home->batch_count > 0; /* it may not even be pushed yet */
        return NULL;
    }
    home->loop.expected_letters--;
    if (job->call.stage == CALL_ADMITTED) { /* while it waited for a worker, it held a place */
        duet_server_leave_line(home->server);
        duet_gate_hand_on(&ticket->method->gate);
    }
    return job;
}

/* Somebody has it, and perhaps waits in it. Those who want to hear of its end are told before
 * it is answered in their place: what they answer then is the call's. False: its answer is
 * complete. */
static bool doom(struct duet_call *call, enum duet_fate fate)
{
    if (fate != FATE_DROPPED && duet_kept_is_watched(call)) {
        if (!duet_call_warn(call, fate))
            return false;
        duet_kept_tell(call);
    }
    bool is_doomed = duet_call_doom(call, fate);
    if (is_doomed)
        duet_waits_cancel(call);
    return is_doomed;
}

void duet_home_drop_ticket(struct duet_ticket *ticket)
{
    struct duet_home *home = ticket->home;
    struct duet_job *job = take_back(ticket);
    struct duet_call *call = &ticket->job->call;
    bool is_doomed = job == NULL && doom(call, FATE_DROPPED);
    duet_home_count_end(home, ticket->method, ENDED_DROPPED, 0, 0);
    duet_ticket_close(&home->tickets, ticket);
    if (job != NULL)
        duet_job_recycle(job);
    else if (is_doomed && duet_kept_is_watched(call))
        duet_kept_tell(call);
}

/* A job to be answered in the place of one that somebody else holds; NULL when out of
 * memory. */
static struct duet_job *stand_in(const struct duet_ticket *ticket, enum duet_fate fate)
{
    struct duet_home *home = ticket->home;
    struct duet_job *job = duet_job_take(home);
    if (job == NULL)
        return NULL;
    struct duet_call *call = &job->call;
    call->to = ticket->to;
    call->method = ticket->method;
    call->session = ticket->job->call.session;
    job->call.arrived_ns = job->call.started_ns = job->ended_ns = home->loop.now_ns;
    duet_call_fail_as(call, fate);
    duet_call_write_fault(call);
    return job;
}

static void refuse_unbegun(struct duet_job *job, enum duet_fate fate)
{
    job->call.started_ns = job->ended_ns = job->home->loop.now_ns;
    duet_call_refuse(&job->call, duet_call_fail_as(&job->call, fate));
}

/* Answers a call with a fault, whoever holds it. Who has begun it will find the ticket gone,
 * and tells the after-hook; of one that nobody has begun it is told here. An answer that is
 * complete is given instead: it is on its way, or only waits to be compressed. Without a
 * connection, a notification has outlived it. */
static void answer_ticket(struct duet_ticket *ticket, enum duet_fate fate)
{
    struct duet_home *home = ticket->home;
    struct duet_conn *conn = duet_conns_find(&home->conns, ticket->to.conn);
    struct duet_job *job = take_back(ticket);
    bool is_complete = job != NULL && job->call.stage == CALL_ANSWERED;
    if (job == NULL && !doom(&ticket->job->call, fate))
        return;
    if (!is_complete)
        duet_home_count_end(home, ticket->method,
                            fate == FATE_TIMED_OUT ? ENDED_TIMED_OUT : ENDED_CANCELLED, 0, 0);
    if (job == NULL && conn != NULL)
        job = stand_in(ticket, fate);
    else if (job != NULL && !is_complete)
        refuse_unbegun(job, fate);

    duet_home_close_ticket(ticket, conn);
    if (is_complete)
        duet_home_answer(conn, job);
    else if (job != NULL)
        duet_home_send_answer(conn, job);
    else if (conn != NULL)
        duet_conn_close(conn);
}

static void on_ticket_deadline(struct duet_deadline *deadline)
{
    answer_ticket(DUET_HOLDER(deadline, struct duet_ticket, deadline), FATE_TIMED_OUT);
}

void duet_home_cancel_ticket(struct duet_ticket *ticket, void *ctx)
{
    (void)ctx;
    answer_ticket(ticket, FATE_STOPPED);
}

void duet_home_forget_job(struct duet_job *job)
{
    if (job->call.stage != CALL_ANSWERED)
        job->call.started_ns = job->home->loop.now_ns; /* it waited until now */
    if (job->call.stage == CALL_ANSWERED)
        duet_count(&job->home->late, 1);
    else if (duet_call_is_answered(&job->call))
        duet_call_refuse(&job->call, DUET_FAILED);
    duet_job_recycle(job);
}

/* ---- There and back ---- */

/* A call that somebody else holds has a time limit if its method has one, or the server. */
void duet_home_limit_time(struct duet_ticket *ticket, uint64_t from_ns)
{
    struct duet_home *home = ticket->home;
    unsigned timeout_ms = duet_service_timeout_ms(&home->server->service, ticket->method);
    if (timeout_ms == 0)
        return;
    ticket->deadline.expired = on_ticket_deadline;
    duet_wheel_set(&home->loop.wheel, &ticket->deadline, from_ns / 1000000 + timeout_ms);
}

void duet_home_enqueue(struct duet_home *home, struct duet_job *job)
{
    struct duet_session *session = job->call.session;
    home->loop.expected_letters++;
    if (session->awaited > 0 && duet_waits_take_in(session, &job->inner))
        return;
    home->batch[home->batch_count++] = &job->queued;
    if (home->batch_count == DUET_HOME_BATCH)
        duet_home_push(home);
}

/* A worker has read a call that was too heavy for the loop. Now its method is known: its time
 * limit holds, its end counts for it, and back it goes to be run, to the place that it has
 * kept. */
static void enter_method(struct duet_ticket *ticket, struct duet_job *job)
{
    struct duet_home *home = job->home;
    ticket->method = job->call.method;
    ticket->to.kind = job->call.to.kind;
    if (!duet_home_works(home)) /* a loop that runs its calls itself could not keep it */
        duet_home_limit_time(ticket, job->call.arrived_ns);
    home->loop.expected_letters++;
    job->keeps_place = false;
    duet_pool_push_sure(home->pool, &job->queued);
    duet_pool_leave_place(home->pool);
    duet_home_mind_method(ticket);
}

bool duet_home_may_be_notification(const struct duet_ticket *ticket)
{
    bool is_unread = ticket->method == NULL &&
                     ticket->to.codec->protocol == DUET_PROTOCOL_MSGPACKRPC &&
                     ticket->to.notes & DUET_NOTE_BODY_GZIP;
    return is_unread || ticket->to.kind == DUET_KIND_NOTIFICATION;
}

/* A request whose caller is gone. */
static bool is_unwanted(const struct duet_conn *conn, const struct duet_call *call)
{
    bool is_gone = conn == NULL || conn->state == CONN_ABANDONED;
    return is_gone && call->stage >= CALL_ROUTED && call->to.kind != DUET_KIND_NOTIFICATION;
}

static void on_letter(struct duet_letter *letter);

void duet_home_settle(struct duet_job *job)
{
    struct duet_home *home = job->home;
    struct duet_call *call = &job->call;
    struct duet_ticket *ticket = duet_ticket_find(&home->tickets, job->ticket);
    if (ticket == NULL) {
        duet_home_forget_job(job);
        return;
    }
    struct duet_conn *conn = duet_conns_find(&home->conns, call->to.conn);
    if (is_unwanted(conn, call)) { /* it was read after its connection had gone */
        duet_home_release(ticket, conn);
        duet_home_drop_ticket(ticket);
        duet_job_recycle(job);
        return;
    }
    if (call->is_parked) {
        duet_home_put_aside(conn, job);
        return;
    }
    if (call->stage != CALL_ANSWERED) {
        enter_method(ticket, job);
        return;
    }
    if (duet_call_wants_gzip(call) && ticket->to.notes & DUET_TICKET_IS_KEPT) { /* who has
                                                                                   finished it
                                                                                   did not */
        job->letter.deliver = on_letter;
        duet_home_enqueue(home, job);
        return;
    }
    duet_home_close_ticket(ticket, conn);
    duet_home_answer(conn, job);
}

static void on_letter(struct duet_letter *letter)
{
    struct duet_job *job = DUET_HOLDER(letter, struct duet_job, letter);
    job->home->loop.expected_letters--;
    duet_home_settle(job);
}

static struct duet_job *job_of(struct duet_queue_link *item)
{
    return DUET_HOLDER(item, struct duet_job, queued);
}

/* Leaves those in the batch whose clients are still there, and their time not over. */
static void drop_doomed(struct duet_home *home)
{
    size_t n = home->batch_count;
    home->batch_count = 0;
    home->has_doomed = false;
    for (size_t i = 0; i < n; i++) {
        struct duet_job *job = job_of(home->batch[i]);
        if (duet_call_is_doomed(&job->call))
            on_letter(&job->letter);
        else
            home->batch[home->batch_count++] = home->batch[i];
    }
}

/* Gives the turn's calls to the workers, in one push. What does not fit is refused; but what
 * has run and only wants to be compressed is answered as it is. */
void duet_home_push(struct duet_home *home)
{
    if (home->batch_count == 0)
        return;
    if (home->has_doomed)
        drop_doomed(home);
    size_t n = home->batch_count;
    home->batch_count = 0;
    size_t pushed = duet_pool_push(home->pool, home->batch, n);
    for (size_t i = pushed; i < n; i++) {
        struct duet_job *job = job_of(home->batch[i]);
        if (job->call.stage != CALL_ANSWERED)
            duet_call_refuse(&job->call, fail_full_queue(job));
        on_letter(&job->letter);
    }
}

/* Copies the message, and with it the name that its head, if anybody has looked at that, was
 * found to have: of XML, which is not read yet, none. */
static int copy_message(struct duet_call *call)
{
    struct duet_incoming *request = &call->request;
    uint8_t *copy = duet_arena_alloc(&call->arena, request->size + 1);
    if (copy == NULL)
        return -ENOMEM;
    memcpy(copy, request->bytes, request->size);
    if (request->method_size > 0)
        request->method = (const char *)copy + (request->method - (const char *)request->bytes);
    request->bytes = copy;
    return 0;
}

int duet_home_own_message(struct duet_job *job, struct duet_buf *whole)
{
    struct duet_call *call = &job->call;
    bool is_read = call->stage >= CALL_ROUTED && call->to.codec->head_reads_all;
    if (is_read || call->stage == CALL_ANSWERED || call->message.data != NULL)
        return 0;
    if (whole == NULL)
        return copy_message(call);
    duet_buf_hand(&call->message, whole, &call->account);
    return 0;
}

/* The last of the memory is not for calls that wait for a worker: those that the loop runs by
 * itself still find it. */
static bool may_wait(const struct duet_call *call)
{
    return call->stage == CALL_ANSWERED || call->account.is_admitted ||
           !duet_budget_is_nearly_spent(call->service->budget);
}

/* A ticket for a call that somebody else may hold from here on; NULL when out of memory. */
static struct duet_ticket *lend(struct duet_conn *conn, struct duet_job *job)
{
    struct duet_home *home = job->home;
    struct duet_call *call = &job->call;
    struct duet_ticket **list = conn != NULL ? &duet_caller_of(conn)->calls : &home->orphans;
    struct duet_ticket *ticket = duet_ticket_open(&home->tickets, list);
    if (ticket == NULL)
        return NULL;
    job->letter.deliver = on_letter;
    job->inner.run = duet_on_worker_run_inside;
    job->inner.give_back = duet_on_worker_give_back;
    duet_call_lend(call);
    if (call->stage == CALL_ANSWERED)
        duet_call_end(call);
    ticket->job = job;
    ticket->to = call->to;
    ticket->bytes = call->wire_size;
    ticket->home = home;
    ticket->method = call->method;
    job->ticket = ticket->id;
    job->view = home->view;
    job->view->users++;
    duet_session_use(call->session);
    if (conn != NULL)
        duet_conn_hold(conn, call->wire_size);
    return ticket;
}

void duet_home_hand_over(struct duet_conn *conn, struct duet_job *job, struct duet_buf *whole)
{
    struct duet_home *home = job->home;
    struct duet_call *call = &job->call;
    struct duet_ticket *ticket = NULL;
    if (is_unwanted(conn, call)) {
        duet_home_count_end(home, call->method, ENDED_DROPPED, 0, 0);
        duet_job_recycle(job);
        return;
    }
    if (!may_wait(call)) {
        duet_call_refuse(call, duet_call_fail_over_budget(call));
        duet_home_answer(conn, job);
        return;
    }
    /* What an everyday call holds is bounded by how many may be in flight. */
    duet_call_join(call, conn->part, call->account.held > DUET_SMALL_CALL_BYTES);
    if (duet_home_own_message(job, whole) == 0)
        ticket = lend(conn, job);
    if (ticket == NULL) {
        duet_home_count_end(home, call->method, ENDED_DROPPED, 0, 0);
        duet_job_recycle(job);
        duet_conn_close(conn);
        return;
    }
    job->in_line.is_gone = false;
    if (!duet_home_works(home)) /* a loop that runs its calls itself could not keep it */
        duet_home_limit_time(ticket, job->call.arrived_ns);
    duet_home_enqueue(home, job);
    duet_home_mind_method(ticket);
}

int duet_home_lend_kept(struct duet_job *job)
{
    struct duet_home *home = job->home;
    struct duet_conn *conn = duet_conns_find(&home->conns, job->call.to.conn);
    if (conn != NULL)
        duet_call_join(&job->call, conn->part, true);
    struct duet_ticket *ticket = lend(conn, job);
    if (ticket == NULL)
        return -ENOMEM;
    home->loop.expected_letters++;
    return 0;
}
