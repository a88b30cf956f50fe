/*
 * system.multicall: many calls in one, each as if it had been invoked by a handler of its own.
 * Those that are kept are waited for by the answer, and by no thread.
 */
#include "multicall.h"

#include "within.h"

#include <string.h>

const char duet_multicall_name[] = "system.multicall";

static bool is_text(const duet_value *value)
{
    duet_type type = duet_value_type(value);
    return type == DUET_TYPE_STRING || type == DUET_TYPE_BYTES;
}

/* Runs the call that an entry asks for; its result goes to the writer. A fault is left in the
 * call. */
static int run_entry(duet_call *call, const duet_value *entry, duet_writer *writer)
{
    const duet_value *name = duet_value_get(entry, "methodName");
    const duet_value *params = duet_value_get(entry, "params");
    if (duet_value_type(entry) != DUET_TYPE_MAP)
        return duet_fault_set(&call->fault, DUET_FAULT_REQUEST,
                              "a call must be a struct, got %s",
                              duet_type_name(duet_value_type(entry)));
    if (!is_text(name))
        return duet_fault_set(&call->fault, DUET_FAULT_REQUEST,
                              "methodName must be string, got %s",
                              duet_type_name(duet_value_type(name)));
    if (duet_value_type(params) != DUET_TYPE_ARRAY)
        return duet_fault_set(&call->fault, DUET_FAULT_REQUEST, "params must be array, got %s",
                              duet_type_name(duet_value_type(params)));

    size_t size;
    const char *method = duet_value_string(name, &size);
    if (strlen(method) != size) /* what follows the NUL would be cut, and another method run */
        return duet_fault_set(&call->fault, DUET_FAULT_METHOD, "methodName has a NUL in it");
    if (strcmp(method, duet_multicall_name) == 0)
        return duet_fault_set(&call->fault, DUET_FAULT_REQUEST, "%s must not call itself",
                              duet_multicall_name);
    return duet_call_invoke(call, method, params, writer);
}

static int write_fault(duet_call *call, duet_writer *writer, const struct duet_writer *data)
{
    const char *message;
    int code = duet_call_fault(call, &message);
    duet_write_record(writer, data != NULL ? 3 : 2, DUET_RECORD_MAP);
    duet_write_field(writer, "faultCode");
    duet_write_int(writer, code);
    duet_write_field(writer, "faultString");
    /* A string in any style, as in a whole fault: never base64, never a fault of its own. */
    uint8_t style = writer->style.control_chars;
    writer->style.control_chars = DUET_CONTROL_CHARS_REPLACE;
    int rc = duet_write_string(writer, message, strlen(message));
    writer->style.control_chars = style;
    if (data == NULL)
        return rc;
    duet_write_field(writer, "faultData");
    return duet_writer_put_raw(writer, data->out.data, data->out.size);
}

int duet_multicall_write_fault(duet_call *call, duet_writer *writer)
{
    const struct duet_writer *data = duet_fault_data_of(call);
    if (data == NULL)
        return write_fault(call, writer, NULL);
    struct duet_fault fault = call->fault;
    duet_mark mark = duet_writer_mark(writer);
    int rc = write_fault(call, writer, data);
    if (rc == 0)
        return 0;
    duet_writer_rewind(writer, mark); /* without it there may be room */
    call->fault = fault;
    return write_fault(call, writer, NULL);
}

/* An entry of the answer: an array of the one result, or the fault. Of one that is kept, a
 * place for either. */
static int write_entry(duet_call *call, const duet_value *entry, duet_writer *writer)
{
    duet_mark mark = duet_writer_mark(writer);
    int rc = duet_write_array(writer, 1);
    if (rc == 0)
        rc = run_entry(call, entry, writer);
    if (rc == 0)
        return 0;
    duet_writer_rewind(writer, mark);
    return rc == DUET_CALL_IS_KEPT ? duet_within_leave_out(call)
                                   : duet_multicall_write_fault(call, writer);
}

static int fail_long(duet_call *call, size_t count, int64_t max)
{
    return duet_fail(call, DUET_FAULT_LIMIT, "%s of %zu calls exceeds --max-multicall %" PRId64,
                     duet_multicall_name, count, max);
}

/* One that is invoked itself has no answer of its own, which could wait: its handler does. */
int duet_multicall(duet_call *call, void *ctx)
{
    (void)ctx;
    const duet_value *calls = duet_arg(call, 0);
    size_t count = duet_value_count(calls);
    int64_t max = call->service->max_multicall;
    if (count > (size_t)max)
        return fail_long(call, count, max);

    duet_writer *writer = duet_call_writer(call);
    int rc = duet_write_array(writer, count);
    call->gathers = call == call->root;
    for (size_t i = 0; rc == 0 && i < count; i++) {
        if (duet_call_cancelled(call))
            rc = duet_fail(call, DUET_FAULT_CANCELLED, "%s cancelled after %zu of %zu calls",
                           duet_multicall_name, i, count);
        else
            rc = write_entry(call, duet_value_item(calls, i), writer);
    }
    call->gathers = false;
    return rc;
}
