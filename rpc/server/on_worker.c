/*
 * The worker's side of the walk: through the gate of the method, run, compress, home. Results
 * are posted at once and announced when the worker has nothing more to run, so that many share
 * one wake-up of their loop.
 */
#include "on_worker.h"

#include "holder.h"
#include "home.h"

/* Calls within calls that wait: each takes as much stack as its handler does. */
enum { MAX_INSIDE = 16 };

static void post_home(struct duet_worker *self, struct duet_job *job)
{
    struct duet_loop *loop = &job->home->loop;
    if (self->home != NULL) { /* it has never left */
        job->letter.deliver(&job->letter);
        return;
    }
    if (self->owed != NULL && self->owed != loop)
        duet_loop_announce(self->owed);
    self->owed = loop;
    duet_loop_post(loop, &job->letter);
}

/* The last that this worker does for what it took: whoever learns of it finds the worker
 * free. */
static void finish(struct duet_worker *self, struct duet_job *job)
{
    struct duet_server *server = job->home->server;
    if (self->home == NULL && self->runner.depth == 0)
        duet_pool_finish(&server->pool, (unsigned)(self - server->worker_notes));
    post_home(self, job);
}

/* What a handler has kept is not this worker's any more, and may be gone. */
enum outcome { IS_DONE, IS_KEPT };

static void announce(struct duet_worker *self)
{
    if (self->owed != NULL)
        duet_loop_announce(self->owed);
    self->owed = NULL;
    self->last_end_ns = 0;
}

void duet_on_worker_rest(void *ctx, unsigned worker)
{
    const struct duet_server *server = ctx;
    announce(&server->worker_notes[worker]);
}

/* It is going to wait in a handler. */
static void rest(struct duet_runner *runner)
{
    announce(DUET_HOLDER(runner, struct duet_worker, runner));
}

/* One clock read a call: the end of one is the start of the next. */
static void begin(struct duet_worker *self, struct duet_job *job)
{
    atomic_store_explicit(&self->running, job->call.method, memory_order_relaxed);
    self->runner.call = &job->call;
    job->call.started_ns =
        self->last_end_ns > job->call.arrived_ns ? self->last_end_ns : duet_clock_ns();
}

static void rest_from(struct duet_worker *self)
{
    self->last_end_ns = duet_clock_ns();
    atomic_store_explicit(&self->running, NULL, memory_order_relaxed);
    self->runner.call = NULL;
}

static void end(struct duet_worker *self, struct duet_job *job)
{
    if (duet_call_wants_gzip(&job->call))
        duet_call_compress(&job->call);
    rest_from(self);
    job->ended_ns = self->last_end_ns;
}

static enum outcome start(struct duet_worker *self, struct duet_job *job)
{
    int rc = duet_call_start(&job->call);
    if (rc == DUET_CALL_IS_KEPT) {
        rest_from(self);
        return IS_KEPT;
    }
    duet_call_finish(&job->call, rc);
    end(self, job);
    return IS_DONE;
}

/* Runs it; or it has run, and wants to be compressed. */
static enum outcome run(struct duet_worker *self, struct duet_job *job)
{
    bool has_run = job->call.stage == CALL_ANSWERED;
    begin(self, job);
    if (!has_run)
        return start(self, job);
    end(self, job);
    return IS_DONE;
}

static void refuse(struct duet_worker *self, struct duet_job *job, int rc)
{
    begin(self, job);
    duet_call_refuse(&job->call, rc);
    end(self, job);
}

/* Runs a call that has passed the gate; returns the one that its leaving lets in. A call that
 * is kept leaves when it is finished. */
static struct duet_gate_link *run_admitted(struct duet_worker *self, struct duet_job *job)
{
    struct duet_gate *gate = &job->call.method->gate;
    if (!duet_call_is_doomed(&job->call) && run(self, job) == IS_KEPT)
        return NULL;
    struct duet_gate_link *next = duet_gate_leave(gate);
    if (next != NULL)
        post_home(self, job);
    else
        finish(self, job);
    return next;
}

static struct duet_job *job_in_line(struct duet_gate_link *link)
{
    return DUET_HOLDER(link, struct duet_job, in_line);
}

/* Somebody who does not run it himself has let it in: a worker does, or its home's loop. It
 * counts as in line until then, so that no more of them are queued than there is room for. */
static void on_admitted(struct duet_gate_link *link, void *ctx)
{
    struct duet_server *server = ctx;
    struct duet_job *job = job_in_line(link);
    struct duet_home *home = job->home; /* the job may be gone as soon as it is pushed */
    atomic_fetch_add(&server->let_in, 1);
    duet_call_enter(&job->call, CALL_ADMITTED);
    duet_pool_push_sure(home->pool, &job->queued);
    if (duet_home_works(home))
        duet_loop_wake(&home->loop);
}

/* Runs a call, and those that one after the other are let in by it. A loop runs its own calls
 * alone, each in its turn. */
static void run_all_admitted(struct duet_worker *self, struct duet_job *job)
{
    for (;;) {
        struct duet_server *server = job->home->server;
        struct duet_gate_link *next = run_admitted(self, job);
        if (next == NULL)
            return;
        if (self->home != NULL) {
            on_admitted(next, server);
            return;
        }
        job = job_in_line(next);
        atomic_fetch_sub(&server->in_line, 1);
    }
}

/* A place in line, while fewer have one than may wait in the queue. */
static bool may_wait(struct duet_server *server)
{
    if (atomic_fetch_add(&server->in_line, 1) < server->options.value[DUET_OPT_WORKER_QUEUE])
        return true;
    atomic_fetch_sub(&server->in_line, 1);
    return false;
}

static void enter_gate(struct duet_worker *self, struct duet_job *job)
{
    struct duet_server *server = job->home->server;
    job->in_line.admit = on_admitted;
    job->in_line.ctx = server;
    enum duet_gate_entry entry = duet_gate_enter(&job->call.method->gate, &job->in_line);
    if (entry == GATE_WAITS)
        return; /* whoever lets it in has it now */
    atomic_fetch_sub(&server->in_line, 1);
    if (entry == GATE_PASSED)
        run_all_admitted(self, job);
    else
        finish(self, job);
}

/* Inside another call nobody waits for a turn, which may be that call's own, and nobody runs
 * those whose turn comes then. */
static void run_gated_inside(struct duet_worker *self, struct duet_job *job)
{
    struct duet_gate *gate = &job->call.method->gate;
    if (!duet_gate_try(gate)) {
        refuse(self, job, duet_call_fail_method_busy(&job->call));
    } else if (run(self, job) == IS_KEPT) {
        return; /* its finish leaves the gate */
    } else {
        duet_gate_hand_on(gate);
    }
    finish(self, job);
}

static void run_gated(struct duet_worker *self, struct duet_job *job)
{
    struct duet_method_entry *method = job->call.method;
    if (self->runner.depth > 0) {
        run_gated_inside(self, job);
    } else if (duet_gate_try(&method->gate)) {
        run_all_admitted(self, job);
    } else if (method->flags & DUET_METHOD_REFUSE_BUSY || !may_wait(job->home->server)) {
        refuse(self, job, duet_call_fail_method_busy(&job->call));
        finish(self, job);
    } else {
        enter_gate(self, job);
    }
}

/* A call that was too heavy for the loop to read: once read, it goes home to be entered under
 * its method, and comes again. It has been let into the queue once, and that holds. */
static void read_call(struct duet_worker *self, struct duet_job *job)
{
    job->keeps_place = true;
    duet_pool_keep_place(job->home->pool);
    int rc = duet_call_route(&job->call);
    if (rc < 0) {
        refuse(self, job, rc);
        duet_job_leave_place(job);
    }
    finish(self, job);
}

/* A call that was let in before it was queued. */
static void run_let_in(struct duet_worker *self, struct duet_job *job)
{
    duet_server_leave_line(job->home->server);
    run_all_admitted(self, job);
}

static int fail_too_deep(struct duet_job *job)
{
    return duet_call_fail_busy(&job->call,
                               "%.200s is not run: %d handlers wait inside each other for "
                               "this client already; try again",
                               job->call.method->name, MAX_INSIDE);
}

/* Inside another call nobody waits for room, which may be that call's own. */
static bool may_start(const struct duet_worker *self, struct duet_call *call)
{
    return self->runner.depth > 0 || duet_call_may_start(call);
}

static void run_any(struct duet_worker *self, struct duet_job *job)
{
    struct duet_call *call = &job->call;
    if (call->stage == CALL_ADMITTED) {
        run_let_in(self, job);
    } else if (duet_call_is_doomed(call)) {
        finish(self, job);
    } else if (!may_start(self, call)) {
        call->is_parked = true;
        finish(self, job);
    } else if (call->stage == CALL_READ) {
        read_call(self, job);
    } else if (call->stage == CALL_ROUTED && self->runner.depth > MAX_INSIDE) {
        refuse(self, job, fail_too_deep(job));
        finish(self, job);
    } else if (call->stage == CALL_ROUTED && call->method->gate.max > 0) {
        run_gated(self, job);
    } else {
        if (run(self, job) == IS_DONE)
            finish(self, job);
    }
}

void duet_on_worker_run(struct duet_queue_link *item, unsigned worker)
{
    struct duet_job *job = DUET_HOLDER(item, struct duet_job, queued);
    struct duet_worker *self = &job->home->server->worker_notes[worker];
    self->runner.rest = rest;
    duet_runner_enter(&self->runner);
    run_any(self, job);
}

void duet_on_worker_run_inside(struct duet_inner *inner, struct duet_runner *runner)
{
    struct duet_worker *self = DUET_HOLDER(runner, struct duet_worker, runner);
    const struct duet_method_entry *running = atomic_load(&self->running);
    struct duet_call *call = runner->call;
    runner->depth++;
    run_any(self, DUET_HOLDER(inner, struct duet_job, inner));
    runner->depth--;
    runner->call = call;
    atomic_store_explicit(&self->running, running, memory_order_relaxed);
    announce(self);
}

void duet_on_worker_give_back(struct duet_inner *inner)
{
    struct duet_job *job = DUET_HOLDER(inner, struct duet_job, inner);
    duet_loop_post(&job->home->loop, &job->letter);
    duet_loop_announce(&job->home->loop);
}

void duet_on_worker_turn(struct duet_home *home)
{
    enum { SHARE_US = 1000 }; /* many quick calls; the turn around them costs some us */
    const uint64_t until = home->loop.now_ns + SHARE_US * UINT64_C(1000);
    struct duet_worker *self = &home->worker;
    struct duet_queue_link *item;
    do {
        item = duet_pool_take(home->pool);
        if (item != NULL)
            run_any(self, DUET_HOLDER(item, struct duet_job, queued));
    } while (item != NULL && self->last_end_ns < until);
    self->last_end_ns = 0;
}
