/*
 * The worker's side of the walk: through the gate of the method, run, compress, home. Results
 * are posted at once and announced when the worker has nothing more to run, so that many share
 * one wake-up of their loop.
 */
#include "work.h"

#include "home.h"

/* The loop that this worker has posted to without announcing it, and when its last call ended
 * (0: long ago). */
static _Thread_local struct duet_loop *owed;
static _Thread_local uint64_t last_end_ns;

static void post_home(struct duet_call *call)
{
    struct duet_loop *loop = &call->home->loop;
    if (owed != NULL && owed != loop)
        duet_loop_announce(owed);
    owed = loop;
    duet_loop_post(loop, &call->letter);
}

void duet_work_rest(void *ctx)
{
    (void)ctx;
    if (owed != NULL)
        duet_loop_announce(owed);
    owed = NULL;
    last_end_ns = 0;
}

/* Runs it and sends it home. One clock read a call: the end of one is the start of the next. */
static void run(struct duet_call *call, int rc)
{
    duet_busy *busy = &call->home->server->busy[duet_workers_number()];
    atomic_store_explicit(busy, call->method, memory_order_relaxed);
    call->started_ns = last_end_ns > call->arrived_ns ? last_end_ns : duet_clock_ns();
    if (!call->is_done)
        duet_call_run(call, rc);
    if (duet_call_wants_gzip(call))
        duet_call_compress(call);
    last_end_ns = call->ended_ns = duet_clock_ns();
    atomic_store_explicit(busy, NULL, memory_order_relaxed);
}

static bool is_dropped(const struct duet_call *call)
{
    return atomic_load_explicit(&call->fate, memory_order_relaxed) == FATE_DROPPED;
}

/* Runs a call that has passed the gate; returns the one that its leaving lets in. */
static struct duet_gate_link *run_admitted(struct duet_call *call)
{
    struct duet_gate *gate = &call->method->gate;
    if (!is_dropped(call))
        run(call, 0);
    struct duet_gate_link *next = duet_gate_leave(gate);
    post_home(call);
    return next;
}

static struct duet_call *call_in_line(struct duet_gate_link *link)
{
    return (struct duet_call *)((char *)link - offsetof(struct duet_call, in_line));
}

/* Runs a call, and those that one after the other are let in by it. */
static void run_all_admitted(struct duet_call *call)
{
    for (;;) {
        struct duet_gate_link *next = run_admitted(call);
        if (next == NULL)
            return;
        call = call_in_line(next);
        atomic_fetch_sub(&call->home->server->in_line, 1);
    }
}

void duet_work_admit(struct duet_gate_link *link)
{
    struct duet_call *call = call_in_line(link);
    struct duet_server *server = call->home->server;
    atomic_fetch_sub(&server->in_line, 1);
    call->is_admitted = true;
    duet_workers_push_sure(&server->workers, call);
}

/* A place in line, while lines are shorter than the queue may be. */
static bool may_wait(struct duet_server *server)
{
    if (atomic_fetch_add(&server->in_line, 1) < server->options.value[DUET_WORKER_QUEUE])
        return true;
    atomic_fetch_sub(&server->in_line, 1);
    return false;
}

static void run_gated(struct duet_call *call)
{
    struct duet_server *server = call->home->server;
    struct duet_gate *gate = &call->method->gate;
    if (duet_gate_try(gate)) {
        run_all_admitted(call);
    } else if (call->method->flags & DUET_REFUSE_BUSY || !may_wait(server)) {
        run(call, duet_call_refuse_busy(call));
        post_home(call);
    } else if (duet_gate_enter(gate, &call->in_line)) {
        atomic_fetch_sub(&server->in_line, 1);
        run_all_admitted(call);
    }
}

/* A call that was too heavy for the loop to read: once read, it goes home to be entered under
 * its method. */
static void read_call(struct duet_call *call)
{
    int rc = duet_call_route(call, duet_call_registry(call));
    if (rc < 0)
        run(call, rc);
    post_home(call);
}

void duet_work_run(void *item)
{
    struct duet_call *call = item;
    if (call->is_admitted) {
        run_all_admitted(call);
    } else if (is_dropped(call)) {
        post_home(call);
    } else if (!call->is_read) {
        read_call(call);
    } else if (!call->is_done && call->method->gate.max > 0) {
        run_gated(call);
    } else {
        run(call, 0);
        post_home(call);
    }
}
