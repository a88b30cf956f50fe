/*
 * What hooks are asked and told about a call: whether it may come in, whether it may begin, and
 * what has become of it. On whichever thread holds the call. A file of its own, so that calls
 * without hooks save no registers for them.
 */
#include "call_parts.h"

#include "escape.h"
#include "loop.h"

#include <string.h>

static int answer(struct duet_call *call, int (*question)(duet_call *, void *), void *ctx)
{
    call->note = NULL;
    int rc = question != NULL ? question(call, ctx) : 0;
    return call->ending != ENDED_OK ? DUET_FAILED : rc;
}

/* Both in the order they were added, until one refuses. */
int duet_call_admit_hooks(struct duet_call *call)
{
    const struct duet_hook_list *list = &call->service->hooks;
    msgpack_object params = call->request.params; /* XML's reader has them already */
    call->request.params = (msgpack_object){.type = MSGPACK_OBJECT_ARRAY};
    int rc = 0;
    for (size_t i = 0; rc >= 0 && i < list->count; i++)
        rc = answer(call, list->at[i].hooks.admit, list->at[i].ctx);
    call->request.params = params;
    return rc < 0 ? rc : 0;
}

int duet_call_before_hooks(struct duet_call *call)
{
    const struct duet_hook_list *list = &call->service->hooks;
    int rc = 0;
    for (size_t i = 0; rc >= 0 && i < list->count; i++)
        rc = answer(call, list->at[i].hooks.before, list->at[i].ctx);
    call->began_ns = rc < 0 ? 0 : duet_clock_ns();
    return rc < 0 ? rc : 0;
}

static uint64_t us_between(uint64_t from_ns, uint64_t to_ns)
{
    return to_ns > from_ns ? (to_ns - from_ns) / 1000 : 0;
}

/* The last one added is the first to be told. */
void duet_call_after_hooks(struct duet_call *call)
{
    const struct duet_hook_list *list = &call->service->hooks;
    uint64_t now_ns = duet_clock_ns();
    char words[sizeof call->fault.message]; /* on one line: most hooks write logs */
    duet_escape(words, sizeof words, call->fault.message,
                call->fault.code ? strlen(call->fault.message) : 0);
    duet_outcome outcome = {
        .code = call->fault.code,
        .message = words,
        .request_bytes = call->wire_size,
        .reply_bytes = call == call->root ? duet_writer_size(&call->own_writer) : 0,
        .queue_us = us_between(call->arrived_ns, call->started_ns),
        .run_us = call->began_ns != 0 ? us_between(call->began_ns, now_ns) : 0,
        .total_us = us_between(call->arrived_ns, now_ns),
    };
    call->note = NULL;
    for (size_t i = list->count; i-- > 0;)
        if (list->at[i].hooks.after != NULL)
            list->at[i].hooks.after(call, &outcome, list->at[i].ctx);
}
