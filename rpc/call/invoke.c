/*
 * Calls within calls: a handler runs another method as if it had been called, and writes its
 * result into its own reply. On the thread of the handler.
 */
#include "call_parts.h"
#include "within.h"

#include "loop.h"
#include "recorder.h"
#include "result_check.h"

#include <errno.h>
#include <string.h>

enum {
    MAX_INVOKE_DEPTH = 16, /* each takes some 2 KiB of stack, and none is meant to call itself
                              without end */
};

/* An invoked call borrows everything from the one that invokes it but method, arguments and
 * fault. */
static void borrow(struct duet_call *inner, struct duet_call *call, const duet_value *args)
{
    struct duet_call *root = call->root;
    *inner = (struct duet_call){.service = root->service,
                                .registry = root->registry,
                                .root = root,
                                .data_home = call->data_home,
                                .to = root->to,
                                .request = root->request};
    inner->invoke_depth = call->invoke_depth + 1;
    inner->is_entry = call->gathers;
    inner->request.params = args->object;
    inner->request.fault = &inner->fault;
    inner->request.changes = NULL;
    inner->fault.code = 0;
    if (root->service->hooks.count > 0)
        inner->arrived_ns = inner->started_ns = duet_clock_ns();
}

/* Runs it in a scope of the writer: whatever it writes, the containers around it stay whole. */
static int run_invoked(struct duet_call *inner, struct duet_call *call)
{
    struct duet_writer *writer = call->writer;
    struct duet_writer_scope scope;
    int rc = duet_writer_enter(writer, &scope);
    if (rc < 0) { /* it wants the result where no value may stand */
        duet_fault_from(&call->fault, rc);
        duet_call_name_method(call);
        inner->fault = call->fault;
        return DUET_FAILED;
    }
    struct duet_fault *outer_fault = writer->fault;
    writer->fault = &inner->fault;
    inner->writer = writer;
    inner->scope = &scope;
    const struct duet_writer_ops *ops = writer->ops;
    struct duet_recorder *recorder = writer->recorder;
    if (call->service->checks_results)
        duet_call_check_result(inner);
    rc = duet_call_ask_before(inner);
    if (rc == 0)
        rc = duet_call_handle(inner);
    if (rc == DUET_CALL_IS_KEPT) /* what it has written is elsewhere */
        duet_writer_leave(writer, &scope, DUET_FAILED);
    else
        rc = duet_writer_leave(writer, &scope, rc);
    writer->fault = outer_fault;
    if (call->service->checks_results)
        duet_recorder_leave(writer, ops, recorder);
    return rc;
}

/* A call within a call cannot wait for its turn: the place that it waits for may be its own
 * caller's. */
static int run_in_gate(struct duet_call *inner, struct duet_call *call)
{
    struct duet_gate *gate = &inner->method->gate;
    if (gate->max == 0)
        return run_invoked(inner, call);
    if (!duet_gate_try(gate))
        return duet_call_fail_method_busy(inner);
    int rc = run_invoked(inner, call);
    if (rc != DUET_CALL_IS_KEPT)
        duet_gate_hand_on(gate);
    return rc;
}

static void count_invoked(struct duet_call *inner)
{
    if (inner->method == NULL)
        return;
    size_t shards = inner->service->shards;
    struct duet_counts *counts = duet_method_counts(inner->method, shards, shards - 1);
    if (counts != NULL)
        duet_count_shared(&counts->ended[inner->ending], 1);
}

void duet_call_end_invoked(struct duet_call *call, int rc)
{
    duet_call_settle(call, rc);
    count_invoked(call);
    duet_call_tell_after(call);
}

void duet_call_end_within(struct duet_call *call, int rc)
{
    struct duet_gate *gate = &call->method->gate;
    duet_call_end_invoked(call, rc);
    if (gate->max > 0)
        duet_gate_hand_on(gate);
}

static int fail_invocation(struct duet_call *call, const char *how)
{
    duet_fault_set(&call->fault, DUET_FAULT_INTERNAL, "the method called another %s", how);
    call->fault.is_nameless = true;
    return duet_call_name_method(call);
}

/* An entry's arguments stay as they are for whoever reads them now. */
static int await_kept(struct duet_call *inner, struct duet_call *call)
{
    if (inner->is_entry)
        return DUET_CALL_IS_KEPT;
    bool is_over = false;
    int rc = duet_within_await(inner->within, call, &is_over);
    if (is_over)
        duet_signature_restore(&inner->request);
    return rc;
}

static int invoke(struct duet_call *call, const char *method, const duet_value *args,
                  const struct duet_writer *writer)
{
    if (method == NULL)
        return fail_invocation(call, "without a name");
    if (args == NULL)
        return fail_invocation(call, "without arguments");
    if (writer == NULL || writer != call->writer)
        return fail_invocation(call, "with a writer that is not its own");
    if (duet_value_type(args) != DUET_TYPE_ARRAY)
        return duet_fault_set(&call->fault, DUET_FAULT_PARAMS,
                              "the arguments of %.200s must be an array, got %s", method,
                              duet_type_name(duet_value_type(args)));
    if (call->invoke_depth >= MAX_INVOKE_DEPTH)
        return duet_fault_set(&call->fault, DUET_FAULT_LIMIT,
                              "%.200s: methods that call methods go %d deep at most", method,
                              MAX_INVOKE_DEPTH);
    struct duet_call inner;
    borrow(&inner, call, args);
    inner.request.method = method;
    inner.request.method_size = strlen(method);

    int rc = duet_call_find_method(&inner);
    if (rc == 0)
        rc = duet_call_ask_admit(&inner);
    if (rc == 0)
        rc = duet_signature_check(&inner.method->signature, inner.method->name, &inner.request);
    if (rc == 0)
        rc = run_in_gate(&inner, call);
    if (rc == DUET_CALL_IS_KEPT)
        return await_kept(&inner, call);
    duet_call_end_invoked(&inner, rc);
    duet_signature_restore(&inner.request); /* they are the outer call's */
    if (rc < 0) {
        duet_fault_data_pass(call, &inner);
        call->fault = inner.fault;
    } else {
        duet_fault_data_drop(&inner);
    }
    return rc < 0 ? DUET_FAILED : 0;
}

int duet_call_invoke(duet_call *call, const char *method, const duet_value *args,
                     duet_writer *writer)
{
    if (call == NULL)
        return -EALREADY;
    int rc = invoke(call, method, args, writer);
    return rc < 0 ? duet_fault_rc(&call->fault) : rc;
}
