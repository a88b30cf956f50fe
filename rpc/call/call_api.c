/*
 * What duet.h offers a handler about its call: arguments, answers, the caller. On the thread
 * that runs the handler.
 */
#include "call.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

/* ---- Arguments ---- */

static const duet_value nil = {.object = {.type = MSGPACK_OBJECT_NIL}};

size_t duet_arg_count(const duet_call *call)
{
    return call != NULL ? call->request.params.via.array.size : 0;
}

const duet_value *duet_arg(const duet_call *call, size_t i)
{
    if (call == NULL)
        return &nil;
    const msgpack_object_array *params = &call->request.params.via.array;
    return i < params->size ? (const duet_value *)(const void *)&params->ptr[i] : &nil;
}

duet_type duet_arg_type(const duet_call *call, size_t i)
{
    return duet_value_type(duet_arg(call, i));
}

bool duet_arg_bool(const duet_call *call, size_t i)
{
    return duet_value_bool(duet_arg(call, i));
}

int64_t duet_arg_int(const duet_call *call, size_t i)
{
    return duet_value_int(duet_arg(call, i));
}

uint64_t duet_arg_uint(const duet_call *call, size_t i)
{
    return duet_value_uint(duet_arg(call, i));
}

double duet_arg_double(const duet_call *call, size_t i)
{
    return duet_value_double(duet_arg(call, i));
}

const char *duet_arg_string(const duet_call *call, size_t i, size_t *size)
{
    return duet_value_string(duet_arg(call, i), size);
}

const void *duet_arg_bytes(const duet_call *call, size_t i, size_t *size)
{
    return duet_value_bytes(duet_arg(call, i), size);
}

duet_time duet_arg_time(const duet_call *call, size_t i)
{
    return duet_value_time(duet_arg(call, i));
}

bool duet_arg_is_text(duet_call *call, size_t i)
{
    size_t size;
    const char *text = duet_arg_string(call, i, &size);
    size_t end = strlen(text);
    if (end == size)
        return true;
    duet_fail(call, DUET_FAULT_PARAMS,
              "%s: argument %zu has a NUL inside, after %zu of %zu bytes: the method takes "
              "text without one",
              duet_call_method(call), i + 1, end, size);
    return false;
}

/* ---- Answers ---- */

static duet_writer *writer_of(duet_call *call)
{
    return call != NULL ? call->writer : NULL;
}

int duet_reply_nil(duet_call *call)
{
    return duet_write_nil(writer_of(call));
}

int duet_reply_bool(duet_call *call, bool value)
{
    return duet_write_bool(writer_of(call), value);
}

int duet_reply_int(duet_call *call, int64_t value)
{
    return duet_write_int(writer_of(call), value);
}

int duet_reply_uint(duet_call *call, uint64_t value)
{
    return duet_write_uint(writer_of(call), value);
}

int duet_reply_double(duet_call *call, double value)
{
    return duet_write_double(writer_of(call), value);
}

int duet_reply_string(duet_call *call, const char *text)
{
    duet_writer *writer = writer_of(call);
    return text != NULL ? duet_write_text(writer, text) : duet_write_nil(writer);
}

int duet_reply_bytes(duet_call *call, const void *bytes, size_t size)
{
    return duet_write_bytes(writer_of(call), bytes, size);
}

int duet_reply_time(duet_call *call, duet_time value)
{
    return duet_write_time(writer_of(call), value);
}

int duet_reply_value(duet_call *call, const duet_value *value)
{
    return duet_write_value(writer_of(call), value);
}

int duet_vfail(duet_call *call, int code, const char *format, va_list args)
{
    if (call == NULL)
        return -EALREADY;
    duet_fault_vset_verbatim(&call->fault, code, format, args);
    call->ending = ENDED_FAULT;
    int rc = duet_fault_rc(&call->fault);
    if (call->writer != NULL && call->writer->error == 0)
        call->writer->error = rc; /* what is written after it cannot make it another fault */
    return rc;
}

int duet_fail(duet_call *call, int code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int rc = duet_vfail(call, code, format, args);
    va_end(args);
    return rc;
}

duet_writer *duet_call_writer(duet_call *call)
{
    return writer_of(call);
}

int duet_call_fault(const duet_call *call, const char **message)
{
    int code = call != NULL ? call->fault.code : -EALREADY;
    if (message != NULL)
        *message = call != NULL && code != 0 ? call->fault.message : "";
    return code;
}

/* ---- About the call ---- */

bool duet_call_cancelled(const duet_call *call)
{
    return call == NULL || duet_call_is_doomed(call->root);
}

const char *duet_call_method(const duet_call *call)
{
    if (call == NULL)
        return "";
    if (call->method != NULL)
        return call->method->is_default ? call->default_name : call->method->name;
    char shown[DUET_METHOD_SHOWN];
    size_t size = duet_method_show(shown, call->request.method, call->request.method_size);
    const char *name = duet_arena_text(call->request.arena, shown, size);
    return name != NULL ? name : "";
}

const char *duet_call_peer(duet_call *call)
{
    return call != NULL ? duet_session_peer(duet_call_session(call)) : "";
}

duet_protocol duet_call_protocol(const duet_call *call)
{
    return call != NULL ? call->to.codec->protocol : DUET_PROTOCOL_XMLRPC;
}

bool duet_call_is_notification(const duet_call *call)
{
    return call != NULL && call->to.kind == DUET_KIND_NOTIFICATION;
}

duet_server *duet_call_server(const duet_call *call)
{
    return call != NULL ? call->service->server : NULL;
}
