/*
 * Requests as programs make and read them. On the thread of whoever uses one; sending and
 * ending are in request_send.c, waiting in wait.c.
 */
#include "request.h"

#include "call.h"
#include "errno_words.h"

#include <errno.h>
#include <stdlib.h>

static const duet_value nil = {.object = {.type = MSGPACK_OBJECT_NIL}};

/* ---- Making ---- */

/* The msgid is not known yet: it is written as the longest one, and put in its place when the
 * request is sent. */
static int begin(struct duet_request *request, const char *method, size_t count)
{
    const struct duet_session *session = request->session;
    if (session == NULL)
        return -ENOTCONN;
    if (session->protocol != DUET_PROTOCOL_MSGPACKRPC)
        return -ENOTSUP;
    if (method == NULL)
        return -EINVAL;
    return request->codec->begin_call(&request->writer, DUET_KIND_REQUEST, UINT32_MAX, method,
                                      count);
}

static void start_writer(struct duet_request *request)
{
    static const struct duet_session_terms nobody = {.limits.max_message = 64};
    const struct duet_session *session = request->session;
    const struct duet_session_terms *terms =
        session != NULL ? &session->keeper->terms : &nobody;
    struct duet_style style = terms->style;
    if (session != NULL && atomic_load(&session->has_shown_raw))
        style.raw = atomic_load(&session->raw);
    request->timeout_ms = terms->request_timeout_ms;
    duet_writer_init(&request->writer, terms->limits.max_message);
    duet_writer_start(&request->writer, request->codec->writer_ops, style, &request->fault,
                      terms->max_write_depth);
    duet_arena_init(&request->arena, terms->max_arena);
}

duet_request *duet_session_request(duet_session *session, const char *method, size_t count)
{
    struct duet_request *request = calloc(1, sizeof *request);
    if (request == NULL)
        return NULL;
    atomic_init(&request->references, 1);
    atomic_init(&request->status, -EINPROGRESS);
    request->session = duet_session_ref(session);
    request->codec = &duet_codec_msgpack;
    request->kind = DUET_KIND_REQUEST;
    duet_buf_init(&request->message, SIZE_MAX);
    start_writer(request);
    request->error = begin(request, method, count);
    if (request->error < 0)
        request->writer.error = request->error;
    return request;
}

duet_writer *duet_request_writer(duet_request *request)
{
    return request != NULL ? &request->writer : NULL;
}

void duet_request_set_timeout(duet_request *request, unsigned timeout_ms)
{
    if (request != NULL && !atomic_load(&request->is_sent))
        request->timeout_ms = timeout_ms;
}

void duet_request_free(duet_request *request)
{
    if (request == NULL || atomic_fetch_sub(&request->references, 1) > 1)
        return;
    duet_writer_done(&request->writer);
    duet_arena_done(&request->arena);
    duet_buf_done(&request->message);
    duet_session_unref(request->session);
    free(request);
}

/* ---- Reading ---- */

int duet_request_read(struct duet_request *request)
{
    const struct duet_session_terms *terms = &request->session->keeper->terms;
    struct duet_incoming reply = {
        .bytes = request->message.data,
        .size = request->message.size,
        .values = request->values,
        .limits = &terms->limits,
        .int_is_strict = terms->int_is_strict,
        .arena = &request->arena,
        .fault = &request->fault,
    };
    request->is_unread = false;
    if (request->codec->reply(&reply, &request->response) < 0)
        return -EPROTO;
    if (request->response.status == DUET_RESPONSE_RESULT)
        return 0;
    duet_fault_set(&request->fault, DUET_FAULT_APPLICATION, "%s", request->response.message);
    return DUET_REQUEST_FAULT;
}

int duet_request_status(const duet_request *request)
{
    if (request == NULL)
        return -ENOMEM;
    int status = atomic_load(&request->status);
    if (status == 0 && request->is_unread) {
        struct duet_request *mine = (struct duet_request *)(uintptr_t)request;
        status = duet_request_read(mine);
        atomic_store(&mine->status, status);
    }
    return status;
}

static const char *words_of(int status)
{
    switch (status) {
    case 0:
        return "";
    case -EINPROGRESS:
        return "no answer yet";
    case -ETIMEDOUT:
        return "no answer within the time limit";
    case -ENOTCONN:
        return "the session is closed";
    case -ENOTSUP:
        return "the session is an HTTP connection, over which its client cannot be called";
    case -ECANCELED:
        return "the request was cancelled";
    case -ESHUTDOWN:
        return "the server has stopped";
    case -ENOBUFS:
        return "the client does not read, or does not answer: too much waits for it already";
    case -EDEADLK:
        return "a handler on a loop cannot wait: send the request with a callback, and keep "
               "the "
               "call";
    default:
        return duet_fault_words(status);
    }
}

const char *duet_request_error(const duet_request *request)
{
    int status = duet_request_status(request);
    bool has_words =
        request != NULL && status < 0 && status != -EINPROGRESS && request->fault.code != 0;
    if (has_words)
        return request->fault.message;
    if (status == -ENOMEM || status == -EINVAL || status == -EPROTO || status == -EMSGSIZE)
        return duet_errno_words(-status);
    return words_of(status);
}

const duet_value *duet_request_result(const duet_request *request)
{
    bool has_it = duet_request_status(request) == 0 && request->kind == DUET_KIND_REQUEST;
    return has_it ? (const duet_value *)(const void *)&request->response.result : &nil;
}

int duet_request_fault_code(const duet_request *request)
{
    if (duet_request_status(request) != DUET_REQUEST_FAULT)
        return 0;
    int64_t code = request->response.code;
    return code >= INT32_MIN && code <= INT32_MAX ? (int)code : DUET_FAULT_APPLICATION;
}

const duet_value *duet_request_fault_value(const duet_request *request)
{
    bool has_it = duet_request_status(request) == DUET_REQUEST_FAULT;
    return has_it ? (const duet_value *)(const void *)&request->response.fault : &nil;
}

int duet_fail_request(duet_call *call, const duet_request *request)
{
    int status = duet_request_status(request);
    int code =
        status == DUET_REQUEST_FAULT ? duet_request_fault_code(request) : DUET_FAULT_INTERNAL;
    return duet_fail(call, code, "%s", duet_request_error(request));
}
