/*
 * Kept calls, as their home sees them: a letter tells it that one is kept, another that it is
 * finished; in between it has the ticket, and acts on it as on any other. What a handler's
 * thread or a finisher's does stands first, what the loop does after it.
 */
#include "kept_home.h"

#include "holder.h"
#include "home_parts.h"

#include <errno.h>
#include <stdlib.h>

static struct duet_job *job_of(struct duet_call *call)
{
    return DUET_HOLDER(call, struct duet_job, call);
}

static void on_kept(struct duet_letter *letter);
static void on_finished(struct duet_letter *letter);

/* ---- On any thread ---- */

static bool lies_in(const struct duet_scratch *scratch, const uint8_t *bytes)
{
    return bytes >= scratch->bytes && bytes < scratch->bytes + sizeof scratch->bytes;
}

/* One that runs on its loop. What its handler has read must stay where it is: its message,
 * which the next calls of this method own before they run. */
static int keep_here(struct duet_job *job)
{
    struct duet_call *call = &job->call;
    atomic_store_explicit(&call->method->is_kept_inline, true, memory_order_relaxed);
    struct duet_conns *conns = &job->home->conns;
    if (!call->to.codec->head_reads_all && lies_in(conns->scratch, call->request.bytes)) {
        job->scratch = duet_conns_hold_scratch(conns);
        if (job->scratch == NULL)
            return -ENOMEM;
    }
    return duet_home_lend_kept(job);
}

/* It may be long: all that it has counts as its connection's, and it keeps nobody waiting for
 * what it may still need. */
static void hold_in_part(struct duet_call *call)
{
    duet_account_release(&call->account);
    if (call->account.part != NULL)
        duet_account_join(&call->account, call->account.part, true);
}

/* The letter is on its way before anybody can finish the call: it comes first. */
static int keep(struct duet_call *call)
{
    struct duet_job *job = job_of(call);
    int rc = 0;
    if (duet_call_is_lent(call))
        duet_runner_let_go(call);
    else
        rc = keep_here(job);
    if (rc < 0)
        return rc;
    hold_in_part(call);
    job->kept_letter.deliver = on_kept;
    duet_loop_post(&job->home->loop, &job->kept_letter);
    return 0;
}

/* It leaves its method's gate, and goes home. */
static void finished(struct duet_call *call)
{
    struct duet_job *job = job_of(call);
    struct duet_loop *loop = &job->home->loop;
    struct duet_gate *gate = &call->method->gate;
    job->ended_ns = duet_clock_ns();
    if (gate->max > 0)
        duet_gate_hand_on(gate);
    job->letter.deliver = on_finished;
    duet_loop_post(loop, &job->letter);
    duet_loop_announce(loop);
}

/* Somebody wants to be told of what has happened already. */
struct late_wish {
    struct duet_letter letter;
    uint64_t slot;
};

static void on_late_wish(struct duet_letter *letter)
{
    struct late_wish *wish = DUET_HOLDER(letter, struct late_wish, letter);
    uint64_t slot = wish->slot;
    free(wish);
    duet_kept_tell_slot(slot);
}

static int tell_soon(struct duet_call *call, uint64_t slot)
{
    struct late_wish *wish = malloc(sizeof *wish);
    if (wish == NULL)
        return -ENOMEM;
    *wish = (struct late_wish){.letter.deliver = on_late_wish, .slot = slot};
    duet_loop_post(&job_of(call)->home->loop, &wish->letter);
    duet_loop_announce(&job_of(call)->home->loop);
    return 0;
}

const struct duet_keeper duet_home_keeper = {
    .keep = keep,
    .finished = finished,
    .tell_soon = tell_soon,
};

/* ---- On the loop's thread ---- */

static bool is_ordered(const struct duet_ticket *ticket)
{
    return ticket->to.notes & DUET_NOTE_HTTP;
}

void duet_home_release(const struct duet_ticket *ticket, struct duet_conn *conn)
{
    if (conn == NULL)
        return;
    if (ticket->to.notes & DUET_TICKET_IS_KEPT && !is_ordered(ticket))
        duet_conn_release_kept(conn);
    else
        duet_conn_release(conn, ticket->bytes);
}

void duet_home_close_ticket(struct duet_ticket *ticket, struct duet_conn *conn)
{
    struct duet_home *home = ticket->home;
    duet_home_release(ticket, conn);
    duet_ticket_close(&home->tickets, ticket);
}

/* Its answer may be long in coming: it is not counted among those that are in flight. But HTTP
 * answers in order, and what comes after it has to wait. */
static void on_kept(struct duet_letter *letter)
{
    struct duet_job *job = DUET_HOLDER(letter, struct duet_job, kept_letter);
    struct duet_home *home = job->home;
    home->loop.expected_letters--;
    struct duet_ticket *ticket = duet_ticket_find(&home->tickets, job->ticket);
    if (ticket == NULL)
        return;
    struct duet_conn *conn = duet_conns_find(&home->conns, ticket->to.conn);
    ticket->to.notes |= DUET_TICKET_IS_KEPT;
    if (!duet_deadline_is_set(&ticket->deadline)) /* it has run here */
        duet_home_limit_time(ticket, home->loop.now_ns);
    if (conn != NULL && !is_ordered(ticket))
        duet_conn_keep(conn, ticket->bytes);
    duet_home_mind_method(ticket);
}

static void on_finished(struct duet_letter *letter)
{
    duet_home_settle(DUET_HOLDER(letter, struct duet_job, letter));
}

/* ---- Callers that end sending, and drains ---- */

static bool has_flag(const struct duet_ticket *ticket, enum duet_method_flag flag)
{
    return ticket->method != NULL && ticket->method->flags & (unsigned)flag;
}

/* Answers of HTTP come in order: without this one there can be none after it. */
static void drop_for_fin(struct duet_ticket *ticket, struct duet_conn *conn)
{
    if (is_ordered(ticket)) {
        duet_conn_close(conn);
        return;
    }
    duet_home_release(ticket, conn);
    duet_home_drop_ticket(ticket);
}

static bool is_dropped_by_fin(const struct duet_ticket *ticket)
{
    return has_flag(ticket, DUET_METHOD_FIN_CANCELS) && !duet_home_may_be_notification(ticket);
}

void duet_home_mind_fin(struct duet_conn *conn)
{
    struct duet_ticket *ticket = duet_caller_of(conn)->calls;
    while (ticket != NULL && conn->state != CONN_CLOSED) {
        struct duet_ticket *next = ticket->next;
        if (is_dropped_by_fin(ticket))
            drop_for_fin(ticket, conn);
        ticket = next;
    }
}

static void cancel_for_drain(struct duet_ticket *ticket, void *ctx)
{
    if (has_flag(ticket, DUET_METHOD_DRAIN_CANCELS))
        duet_home_cancel_ticket(ticket, ctx);
}

void duet_home_mind_drain(struct duet_home *home)
{
    duet_tickets_each(&home->tickets, cancel_for_drain, NULL);
}

void duet_home_mind_method(struct duet_ticket *ticket)
{
    const struct duet_home *home = ticket->home;
    struct duet_conn *conn = duet_conns_find(&home->conns, ticket->to.conn);
    if (conn != NULL && conn->input != INPUT_OPEN && is_dropped_by_fin(ticket))
        drop_for_fin(ticket, conn);
    else if (home->is_draining)
        cancel_for_drain(ticket, NULL);
}
