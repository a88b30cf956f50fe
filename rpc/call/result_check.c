/*
 * Results against signatures: see result_check.h. On the thread that writes, which need not be
 * the one that ran the handler.
 */
#include "result_check.h"

#include "call.h"
#include "recorder.h"

struct watched {
    struct duet_recorder recorder;
    const struct duet_method_entry *method;
};

static int check(struct duet_writer *writer, msgpack_object *value, void *ctx)
{
    const struct watched *watched = ctx;
    return duet_signature_check_result(&watched->method->signature, value,
                                       watched->recorder.arena, writer->fault);
}

void duet_call_check_result(struct duet_call *call)
{
    struct duet_arena *arena = &call->root->arena;
    struct watched *watched = duet_arena_alloc(arena, sizeof *watched);
    if (watched == NULL) /* as with a value that is too large to be looked at */
        return;
    watched->method = call->method;
    watched->recorder.show = check;
    watched->recorder.ctx = watched;
    duet_recorder_begin(&watched->recorder, call->writer, arena);
}
