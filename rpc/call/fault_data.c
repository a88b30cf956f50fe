/*
 * Data of faults. See fault_data.h. All of a call and the calls within it hang in one list at
 * the outermost, or at the innermost that is kept and has memory of its own: whoever holds that
 * has the list alone. What a handler may still write to stays until it has returned.
 */
#include "fault_data.h"

#include "call.h"
#include "within.h"

#include <stdlib.h>

struct duet_fault_data {
    struct duet_fault_data *next;
    const struct duet_call *owner;
    bool is_passed_on;       /* its owner did not make it, and cannot write to it */
    struct duet_fault fault; /* of the writing: what goes wrong there leaves the call's alone */
    struct duet_writer writer;
};

enum {
    ENVELOPE = 2
}; /* levels around it: a fault's own, and an answer's of system.multicall */

static void free_one(struct duet_fault_data *data)
{
    duet_writer_done(&data->writer);
    free(data);
}

/* A kept call is the one in its own memory, also for its handler, which knows the other. */
static struct duet_call *owner_of(struct duet_call *call)
{
    return call->within != NULL ? duet_within_call(call->within) : call;
}

/* Frees those of a call; of its own making too, with `all`. */
static void free_of(struct duet_call *call, bool all)
{
    const struct duet_call *owner = owner_of(call);
    for (struct duet_fault_data **link = &call->data_home->fault_data; *link != NULL;) {
        struct duet_fault_data *data = *link;
        if (data->owner != owner || !(all || data->is_passed_on)) {
            link = &data->next;
            continue;
        }
        *link = data->next;
        free_one(data);
    }
}

void duet_fault_data_free(struct duet_call *call)
{
    while (call->fault_data != NULL) {
        struct duet_fault_data *data = call->fault_data;
        call->fault_data = data->next;
        free_one(data);
    }
    call->fault.data = NULL;
}

static struct duet_fault_data *made_by(struct duet_call *call)
{
    const struct duet_call *owner = owner_of(call);
    struct duet_fault_data *data = call->data_home->fault_data;
    while (data != NULL && (data->owner != owner || data->is_passed_on))
        data = data->next;
    return data;
}

static void put(struct duet_call *home, struct duet_fault_data *data)
{
    data->next = home->fault_data;
    home->fault_data = data;
}

static struct duet_fault_data *make(struct duet_call *call)
{
    struct duet_fault_data *data = calloc(1, sizeof *data);
    if (data == NULL)
        return NULL;
    duet_writer_init(&data->writer, call->service->max_reply);
    data->writer.out.account = &call->data_home->account;
    data->owner = owner_of(call);
    put(call->data_home, data);
    return data;
}

/* Out of memory it is NULL, to which anything may be written. */
duet_writer *duet_fail_begin(duet_call *call, int code, const char *format, ...)
{
    if (call == NULL)
        return NULL;
    va_list args;
    va_start(args, format);
    duet_vfail(call, code, format, args);
    va_end(args);
    struct duet_fault_data *data = made_by(call);
    if (data == NULL)
        data = make(call);
    if (data == NULL)
        return NULL;
    duet_writer_start(&data->writer, call->to.codec->writer_ops, call->root->to.style,
                      &data->fault, call->service->max_write_depth - ENVELOPE);
    call->fault.data = &data->writer;
    return &data->writer;
}

static bool is_whole(const struct duet_writer *writer)
{
    return writer->error == 0 && writer->depth == 0 && writer->wanted == 0;
}

struct duet_writer *duet_fault_data_of(const struct duet_call *call)
{
    bool is_taken = call->to.codec->protocol != DUET_PROTOCOL_XMLRPC ||
                    call->to.notes & DUET_NOTE_FAULT_DATA;
    struct duet_writer *data = call->fault.code != 0 ? call->fault.data : NULL;
    return data != NULL && is_taken && is_whole(data) ? data : NULL;
}

/* What the fault of a call has for data is nobody's for a moment; or NULL. */
static struct duet_fault_data *take(struct duet_call *call)
{
    const struct duet_call *owner = owner_of(call);
    for (struct duet_fault_data **link = &call->data_home->fault_data; *link != NULL;
         link = &(*link)->next) {
        struct duet_fault_data *data = *link;
        if (data->owner == owner && &data->writer == call->fault.data) {
            *link = data->next;
            return data;
        }
    }
    return NULL;
}

void duet_fault_data_pass(struct duet_call *call, struct duet_call *inner)
{
    if (call->data_home->fault_data == NULL && inner->data_home->fault_data == NULL)
        return;
    free_of(call, false);
    struct duet_fault_data *data = take(inner);
    duet_fault_data_drop(inner);
    if (data == NULL)
        return;
    struct duet_buf out;
    duet_buf_hand(&out, &data->writer.out, &call->data_home->account);
    data->writer.out = out;
    data->owner = owner_of(call);
    data->is_passed_on = true;
    put(call->data_home, data);
}

void duet_fault_data_drop(struct duet_call *inner)
{
    if (inner->data_home->fault_data != NULL)
        free_of(inner, true);
}
