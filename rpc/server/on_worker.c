/*
 * The worker's side of the walk: through the gate of the method, run, compress, home. Results
 * are posted at once and announced when the worker has nothing more to run, so that many share
 * one wake-up of their loop.
 */
#include "on_worker.h"

#include "holder.h"
#include "home.h"

static void post_home(struct duet_worker *self, struct duet_call *call)
{
    struct duet_loop *loop = &call->home->loop;
    if (self->owed != NULL && self->owed != loop)
        duet_loop_announce(self->owed);
    self->owed = loop;
    duet_loop_post(loop, &call->letter);
}

/* The last that this worker does for what it took: whoever learns of it finds the worker
 * free. */
static void finish(struct duet_worker *self, struct duet_call *call)
{
    struct duet_server *server = call->home->server;
    duet_pool_finish(&server->pool, (unsigned)(self - server->worker_notes));
    post_home(self, call);
}

void duet_on_worker_rest(void *ctx, unsigned worker)
{
    const struct duet_server *server = ctx;
    struct duet_worker *self = &server->worker_notes[worker];
    if (self->owed != NULL)
        duet_loop_announce(self->owed);
    self->owed = NULL;
    self->last_end_ns = 0;
}

/* Runs it. One clock read a call: the end of one is the start of the next. */
static void run(struct duet_worker *self, struct duet_call *call, int rc)
{
    atomic_store_explicit(&self->running, call->method, memory_order_relaxed);
    call->started_ns =
        self->last_end_ns > call->arrived_ns ? self->last_end_ns : duet_clock_ns();
    if (!call->is_done)
        duet_call_run(call, rc);
    if (duet_call_wants_gzip(call))
        duet_call_compress(call);
    self->last_end_ns = call->ended_ns = duet_clock_ns();
    atomic_store_explicit(&self->running, NULL, memory_order_relaxed);
}

/* Runs a call that has passed the gate; returns the one that its leaving lets in. */
static struct duet_gate_link *run_admitted(struct duet_worker *self, struct duet_call *call)
{
    struct duet_gate *gate = &call->method->gate;
    if (!duet_call_is_doomed(call))
        run(self, call, 0);
    struct duet_gate_link *next = duet_gate_leave(gate);
    if (next != NULL)
        post_home(self, call);
    else
        finish(self, call);
    return next;
}

static struct duet_call *call_in_line(struct duet_gate_link *link)
{
    return DUET_HOLDER(link, struct duet_call, in_line);
}

/* Runs a call, and those that one after the other are let in by it. */
static void run_all_admitted(struct duet_worker *self, struct duet_call *call)
{
    for (;;) {
        struct duet_gate_link *next = run_admitted(self, call);
        if (next == NULL)
            return;
        call = call_in_line(next);
        atomic_fetch_sub(&call->home->server->in_line, 1);
    }
}

void duet_on_worker_admit(struct duet_gate_link *link)
{
    struct duet_call *call = call_in_line(link);
    struct duet_server *server = call->home->server;
    atomic_fetch_sub(&server->in_line, 1);
    call->is_admitted = true;
    duet_pool_push_sure(&server->pool, &call->queued);
}

/* A place in line, while lines are shorter than the queue may be. */
static bool may_wait(struct duet_server *server)
{
    if (atomic_fetch_add(&server->in_line, 1) < server->options.value[DUET_OPT_WORKER_QUEUE])
        return true;
    atomic_fetch_sub(&server->in_line, 1);
    return false;
}

static void enter_gate(struct duet_worker *self, struct duet_call *call)
{
    struct duet_server *server = call->home->server;
    enum duet_gate_entry entry = duet_gate_enter(&call->method->gate, &call->in_line);
    if (entry == GATE_WAITS)
        return; /* whoever lets it in has it now */
    atomic_fetch_sub(&server->in_line, 1);
    if (entry == GATE_PASSED)
        run_all_admitted(self, call);
    else
        finish(self, call);
}

static void run_gated(struct duet_worker *self, struct duet_call *call)
{
    if (duet_gate_try(&call->method->gate)) {
        run_all_admitted(self, call);
    } else if (call->method->flags & DUET_METHOD_REFUSE_BUSY || !may_wait(call->home->server)) {
        run(self, call, duet_call_refuse_busy(call));
        finish(self, call);
    } else {
        enter_gate(self, call);
    }
}

/* A call that was too heavy for the loop to read: once read, it goes home to be entered under
 * its method. */
static void read_call(struct duet_worker *self, struct duet_call *call)
{
    int rc = duet_call_route(call, duet_call_registry(call));
    if (rc < 0)
        run(self, call, rc);
    finish(self, call);
}

void duet_on_worker_run(struct duet_queue_link *item, unsigned worker)
{
    struct duet_call *call = DUET_HOLDER(item, struct duet_call, queued);
    struct duet_worker *self = &call->home->server->worker_notes[worker];
    if (call->is_admitted) {
        run_all_admitted(self, call);
    } else if (duet_call_is_doomed(call)) {
        finish(self, call);
    } else if (!call->is_read) {
        read_call(self, call);
    } else if (!call->is_done && call->method->gate.max > 0) {
        run_gated(self, call);
    } else {
        run(self, call, 0);
        finish(self, call);
    }
}
