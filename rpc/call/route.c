/*
 * From a message to its method: inflated, checked, its head read, the name looked up.
 */
#include "call_parts.h"

#include "codec_msgpack.h"
#include "gzip.h"

#include <errno.h>
#include <string.h>

/* Names that no method has may have a handler all the same; those of the server never. */
__attribute__((cold)) static int find_default(struct duet_call *call)
{
    static const char ours[] = "system.";
    const struct duet_incoming *request = &call->request;
    struct duet_method_entry *method = duet_registry_default(call->registry);
    bool is_ours = request->method_size >= sizeof ours - 1 &&
                   memcmp(request->method, ours, sizeof ours - 1) == 0;
    if (method == NULL || is_ours)
        return duet_call_fail_unknown(call);
    char shown[DUET_METHOD_SHOWN];
    size_t size = duet_method_show(shown, request->method, request->method_size);
    const char *name = duet_arena_text(request->arena, shown, size);
    call->default_name = name != NULL ? name : "";
    call->method = method;
    return 0;
}

int duet_call_find_method(struct duet_call *call)
{
    const struct duet_incoming *request = &call->request;
    call->method = duet_registry_find(call->registry, request->method, request->method_size);
    return call->method != NULL ? 0 : find_default(call);
}

int duet_call_fail_unknown(struct duet_call *call)
{
    char shown[DUET_METHOD_SHOWN];
    duet_method_show(shown, call->request.method, call->request.method_size);
    return duet_fault_set(&call->fault, DUET_FAULT_METHOD,
                          "no method named '%s' (system.listMethods lists those there are)",
                          shown);
}

/* The words, and HTTP's status, for a body that could not be inflated. */
static int fail_inflation(struct duet_call *call, int rc)
{
    size_t max = call->request.limits->max_message;
    switch (rc) {
    case -EMSGSIZE:
        call->status = 413;
        return duet_fault_set(
            &call->fault, DUET_FAULT_LIMIT,
            "message of more than %zu bytes after decompression exceeds --max-message %zu", max,
            max);
    case -EINVAL:
        call->status = 400;
        return duet_fault_set(
            &call->fault, DUET_FAULT_PARSE,
            "Content-Encoding says gzip, but the body is not one whole gzip stream");
    case -ENOBUFS:
        return duet_call_fail_over_budget(call);
    default:
        return duet_fault_from(&call->fault, rc);
    }
}

/* What the sender compressed, in a buffer of the call's own. */
static int inflate_body(struct duet_call *call)
{
    if (!(call->to.notes & DUET_NOTE_BODY_GZIP))
        return 0;
    struct duet_incoming *request = &call->request;
    struct duet_buf plain;
    duet_buf_init(&plain, request->limits->max_message + 1); /* a message is followed by one
                                                                readable byte */
    plain.account = &call->account;
    int rc = duet_gzip_inflate(request->bytes, request->size, &plain);
    if (rc == 0)
        rc = duet_buf_reserve(&plain, 1);
    duet_buf_done(&call->message);
    call->message = plain;
    request->bytes = plain.data;
    request->size = rc == 0 ? plain.size : 0;
    return rc < 0 ? fail_inflation(call, rc) : 0;
}

/* A MessagePack message that came as an HTTP body has not been walked by a framing. */
static bool is_unwalked(const struct duet_call *call)
{
    return call->to.notes & DUET_NOTE_HTTP && call->to.codec == &duet_codec_msgpack;
}

/* A bad one is asked for its msgid all the same, so that the refusal finds its caller. */
static int walk_body(struct duet_call *call)
{
    int rc = duet_msgpack_check(&call->request);
    if (rc == 0)
        return 0;
    struct duet_fault why = call->fault;
    call->to.codec->head(&call->request);
    call->fault = why;
    return rc;
}

/* To its method, and past the hooks that know it by name alone. */
static int enter_method(struct duet_call *call)
{
    int rc = duet_call_find_method(call);
    return rc == 0 ? duet_call_ask_admit(call) : rc;
}

int duet_call_route(struct duet_call *call)
{
    duet_call_enter(call, CALL_ROUTED);
    int rc = inflate_body(call);
    if (rc == 0 && is_unwalked(call))
        rc = walk_body(call);
    if (rc == 0)
        rc = call->to.codec->head(&call->request);
    rc = duet_call_tell_budget(call, rc);
    call->to.kind = call->request.kind;
    call->to.msgid = call->request.msgid;
    if (rc < 0 || call->request.kind != DUET_KIND_RESPONSE)
        return rc < 0 ? rc : enter_method(call);
    if (call->to.notes & DUET_NOTE_HTTP)
        return duet_fault_set(&call->fault, DUET_FAULT_REQUEST,
                              "a POST must bring a call, this one is a reply");
    return 0;
}
