/*
 * The walk of one call: route, decode, check, run, reply. On a loop for inline methods, on a
 * worker for all others; nothing here knows which.
 */
#include "call.h"

#include "codec_msgpack.h"
#include "escape.h"
#include "gzip.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

enum {
    MAX_INVOKE_DEPTH = 16,  /* each takes some 3 KiB of stack, and none is meant to call itself
                               without end */
    GZIP_FROM = 1400,       /* a smaller reply fits one packet anyway */
    KEPT_REPLY = 64 * 1024, /* reply bytes that a recycled call may hold on to */
    TRIMMED = 4 * 1024,     /* what it keeps when many calls lie idle */
};

void duet_call_init(struct duet_call *call, const struct duet_service *service)
{
    *call = (struct duet_call){.service = service, .root = call};
    duet_arena_init(&call->arena, service->max_arena);
    duet_buf_init(&call->message, SIZE_MAX);
    duet_writer_init(&call->own_writer, service->max_reply);
    call->account.budget = service->budget;
    call->arena.account = call->own_writer.out.account = &call->account;
    call->request.limits = &service->limits;
    call->request.int_is_strict = service->int_is_strict;
    call->request.arena = &call->arena;
    call->request.fault = &call->fault;
    duet_call_reset(call, false);
}

void duet_call_done(struct duet_call *call)
{
    duet_call_charge(call, 0);
    duet_arena_done(&call->arena);
    duet_buf_done(&call->message);
    duet_writer_done(&call->own_writer);
}

void duet_call_reset(struct duet_call *call, bool trim)
{
    duet_call_charge(call, 0);
    if (trim && call->arena.total > TRIMMED)
        duet_arena_done(&call->arena);
    duet_arena_reset(&call->arena);
    if (call->message.data != NULL)
        duet_buf_done(&call->message);
    call->account.refused = false;
    duet_buf_reset(&call->own_writer.out, trim ? TRIMMED : KEPT_REPLY);
    call->writer = &call->own_writer;
    call->method = NULL;
    call->peer_text = NULL;
    call->status = 200;
    call->is_read = call->is_done = call->is_gzip = call->is_refused = false;
    call->has_failed = false;
    call->fault.code = 0;
    call->request.decoded = false;
    call->request.has_msgid = false;
    call->request.kind = DUET_KIND_REQUEST;
    call->request.method = "";
    call->request.method_size = 0;
    call->request.raw_seen = DUET_RAW_UNKNOWN;
    call->request.params = (msgpack_object){.type = MSGPACK_OBJECT_ARRAY};
    atomic_store_explicit(&call->fate, FATE_OWN, memory_order_relaxed);
}

void duet_call_charge(struct duet_call *call, size_t bytes)
{
    if (bytes == call->charged)
        return;
    struct duet_budget *budget = call->service->budget;
    if (bytes > call->charged)
        duet_budget_add(budget, bytes - call->charged);
    else
        duet_budget_give(budget, call->charged - bytes);
    call->charged = bytes;
}

int duet_call_refuse(struct duet_call *call, const char *format, ...)
{
    call->status = 503;
    call->is_refused = true;
    va_list args;
    va_start(args, format);
    int rc = duet_fault_vset(&call->fault, DUET_FAULT_BUSY, format, args);
    va_end(args);
    return rc;
}

int duet_call_refuse_over_budget(struct duet_call *call)
{
    const struct duet_budget *budget = call->service->budget;
    duet_count_shared(call->service->refused_over_budget, 1);
    return duet_call_refuse(call,
                            "the server is busy: messages and replies under way hold %zu bytes "
                            "(--max-buffered %zu); try again",
                            atomic_load(&budget->used), budget->max);
}

static int find_method(struct duet_call *call)
{
    const struct duet_incoming *request = &call->request;
    call->method = duet_registry_find(call->registry, request->method, request->method_size);
    if (call->method != NULL)
        return 0;
    char shown[DUET_METHOD_SHOWN];
    duet_method_show(shown, request->method, request->method_size);
    return duet_fault_set(&call->fault, DUET_FAULT_METHOD,
                          "no method named '%s' (system.listMethods lists those there are)",
                          shown);
}

/* What the sender compressed, in a buffer of the call's own. */
static int inflate_body(struct duet_call *call)
{
    if (!(call->to.notes & DUET_NOTE_BODY_GZIP))
        return 0;
    struct duet_incoming *request = &call->request;
    size_t max = request->limits->max_message;
    struct duet_buf plain;
    duet_buf_init(&plain, max + 1); /* a message is followed by one readable byte */
    plain.account = &call->account;
    int rc = duet_gzip_inflate(request->bytes, request->size, &plain);
    if (rc == 0)
        rc = duet_buf_reserve(&plain, 1);
    duet_buf_done(&call->message);
    duet_block_disown(plain.account, plain.capacity); /* it may outlive the call */
    plain.account = NULL;
    call->message = plain;
    duet_call_charge(call, plain.capacity);
    request->bytes = plain.data;
    request->size = rc == 0 ? plain.size : 0;
    if (rc == -EMSGSIZE) {
        call->status = 413;
        return duet_fault_set(
            &call->fault, DUET_FAULT_LIMIT,
            "message of more than %zu bytes after decompression exceeds --max-message %zu", max,
            max);
    }
    if (rc == -EINVAL) {
        call->status = 400;
        return duet_fault_set(
            &call->fault, DUET_FAULT_PARSE,
            "Content-Encoding says gzip, but the body is not one whole gzip stream");
    }
    if (rc == -ENOBUFS)
        return duet_call_refuse_over_budget(call);
    return rc < 0 ? duet_fault_from(&call->fault, rc) : 0;
}

/* A MessagePack message that came as an HTTP body has not been walked by a framing. A bad one
 * is asked for its msgid all the same, so that the refusal finds its caller. */
static int check_body(struct duet_call *call)
{
    bool is_unwalked = call->to.notes & DUET_NOTE_HTTP && call->to.codec == &duet_codec_msgpack;
    int rc = is_unwalked ? duet_msgpack_check(&call->request) : 0;
    if (rc == 0)
        return 0;
    struct duet_fault why = call->fault;
    call->to.codec->head(&call->request);
    call->fault = why;
    return rc;
}

/* What a codec calls out of memory is the budget's refusal, if it refused. */
static int tell_budget(struct duet_call *call, int rc)
{
    return rc < 0 && call->account.refused ? duet_call_refuse_over_budget(call) : rc;
}

int duet_call_route(struct duet_call *call)
{
    call->is_read = true;
    int rc = inflate_body(call);
    if (rc == 0)
        rc = check_body(call);
    if (rc == 0)
        rc = call->to.codec->head(&call->request);
    rc = tell_budget(call, rc);
    call->to.kind = call->request.kind;
    call->to.msgid = call->request.msgid;
    if (rc < 0 || call->request.kind != DUET_KIND_RESPONSE)
        return rc < 0 ? rc : find_method(call);
    if (call->to.notes & DUET_NOTE_HTTP)
        return duet_fault_set(&call->fault, DUET_FAULT_REQUEST,
                              "a POST must bring a call, this one is a reply");
    return 0;
}

/* In automatic mode, the peer's own bytes tell what it understands. */
static void adopt_raw(struct duet_call *call)
{
    if (call->request.raw_seen == DUET_RAW_UNKNOWN || !call->service->raw_is_auto)
        return;
    call->to.style.raw =
        call->request.raw_seen == DUET_RAW_OLD_SEEN ? DUET_RAW_OLD : DUET_RAW_NEW;
}

static void start_writer(struct duet_call *call)
{
    const struct duet_codec *codec = call->to.codec;
    duet_writer_start(&call->own_writer, codec->writer_ops, call->to.style, &call->fault,
                      call->service->max_write_depth);
    /* What the call owns stays until its reply is out. Compression wants it all in one
     * place. */
    call->own_writer.may_refer =
        call->message.data != NULL && !(call->to.notes & DUET_NOTE_ACCEPT_GZIP);
}

static int run_before_hook(struct duet_call *call)
{
    const struct duet_service *service = call->service;
    if (service->before == NULL)
        return 0;
    int rc = service->before(call, service->hook_ctx);
    if (rc < 0)
        return rc;
    return call->has_failed ? DUET_FAILED : 0;
}

static int run_handler(struct duet_call *call)
{
    const struct duet_method_entry *method = call->method;
    int rc = method->handler(call, method->ctx);
    if (rc > 0)
        return duet_fault_set(&call->fault, DUET_FAULT_INTERNAL,
                              "%.200s: the method returned %d where 0 or less is allowed",
                              method->name, rc);
    return rc == 0 && call->has_failed ? DUET_FAILED : rc;
}

void duet_call_write_fault(struct duet_call *call)
{
    struct duet_writer *writer = &call->own_writer;
    start_writer(call);
    if (call->to.codec->fault(writer, call->to.msgid, &call->fault) < 0)
        writer->out.size = 0; /* out of memory: there is no reply, and its connection is
                                 closed */
}

static void run_after_hook(struct duet_call *call)
{
    const struct duet_service *service = call->service;
    if (service->after == NULL)
        return;
    char words[sizeof call->fault.message]; /* on one line: most hooks write logs */
    duet_escape(words, sizeof words, call->fault.message,
                call->fault.code ? strlen(call->fault.message) : 0);
    duet_outcome outcome = {
        .code = call->fault.code,
        .message = words,
        .request_bytes = call->wire_size,
        .reply_bytes = duet_writer_size(&call->own_writer),
    };
    service->after(call, &outcome, service->hook_ctx);
}

/* The writer does not know whose value it writes. */
static int name_method(struct duet_call *call)
{
    if (call->method == NULL || !call->fault.is_nameless)
        return DUET_FAILED;
    return duet_fault_set(&call->fault, call->fault.code, "%.200s: %s", call->method->name,
                          call->fault.message);
}

/* The fault that a failed step left, or the one that its bare code stands for. */
static void complete_fault(struct duet_call *call, int rc)
{
    duet_fault_from(&call->fault, rc);
    name_method(call);
    if (call->fault.code != DUET_FAULT_BUSY || !call->account.refused || call->is_refused)
        return;
    call->status = 503; /* it ran, but its reply had no room */
    duet_count_shared(call->service->refused_over_budget, 1);
}

static void settle_fault(struct duet_call *call, int rc)
{
    if (rc < 0)
        complete_fault(call, rc);
    else
        call->fault.code = 0; /* of an invoked call that the handler has dealt with */
}

enum duet_ended duet_call_ended(const struct duet_call *call)
{
    if (call->fault.code == 0)
        return ENDED_OK;
    return call->is_refused ? ENDED_REFUSED : ENDED_FAULT;
}

bool duet_call_wants_gzip(const struct duet_call *call)
{
    return call->to.notes & DUET_NOTE_ACCEPT_GZIP && call->own_writer.out.size > GZIP_FROM &&
           !call->is_gzip;
}

void duet_call_compress(struct duet_call *call)
{
    struct duet_buf *reply = &call->own_writer.out, small;
    duet_buf_init(&small, reply->size); /* what does not shrink is sent as it is */
    small.account = reply->account;
    if (duet_gzip_deflate(reply->data, reply->size, &small) < 0) {
        duet_buf_done(&small);
        return;
    }
    small.max = reply->max;
    duet_buf_done(reply);
    *reply = small;
    call->is_gzip = true;
}

/* Lets go of a large tree as soon as nobody reads it any more: its reply may be long on its
 * way. */
static void drop_tree(struct duet_call *call)
{
    if (call->arena.total <= DUET_FREE_OF_CHARGE || call->own_writer.reference_count > 0)
        return;
    duet_arena_done(&call->arena);
    call->request.params = (msgpack_object){.type = MSGPACK_OBJECT_ARRAY};
    call->request.method = "";
    call->request.method_size = 0;
    call->peer_text = NULL;
}

void duet_call_run(struct duet_call *call, int rc)
{
    const struct duet_codec *codec = call->to.codec;
    if (rc == 0 && !call->is_read)
        rc = duet_call_route(call);
    if (rc == 0)
        rc = tell_budget(call, codec->decode(&call->request));
    if (rc == 0)
        rc = duet_signature_check(&call->method->signature, call->method->name,
                                  &call->request.params, &call->fault);
    if (rc == 0)
        rc = run_before_hook(call);
    if (rc == 0) {
        adopt_raw(call);
        start_writer(call);
        rc = codec->begin_reply(&call->own_writer, call->to.msgid);
    }
    if (rc == 0)
        rc = run_handler(call);
    if (rc == 0)
        rc = duet_writer_finish(&call->own_writer);
    if (rc == 0)
        rc = codec->end_reply(&call->own_writer);
    settle_fault(call, rc);
    if (rc < 0)
        duet_call_write_fault(call);
    call->is_done = true;
    duet_call_end(call);
    run_after_hook(call);
    drop_tree(call);
}

int duet_call_refuse_busy(struct duet_call *call)
{
    return duet_call_refuse(call,
                            "%.200s is busy: %u calls of it run already, as many as its "
                            "max_running allows; try again",
                            call->method->name, call->method->gate.max);
}

/* An invoked call borrows everything from the one that invokes it but method, arguments and
 * fault. */
static void borrow(struct duet_call *inner, struct duet_call *call, const duet_value *args)
{
    struct duet_call *root = call->root;
    *inner = (struct duet_call){.service = root->service,
                                .registry = root->registry,
                                .root = root,
                                .to = root->to,
                                .request = root->request};
    inner->invoke_depth = call->invoke_depth + 1;
    inner->request.params = args->object;
    inner->request.fault = &inner->fault;
    inner->fault.code = 0;
}

/* Runs it in a scope of the writer: whatever it writes, the containers around it stay whole. */
static int run_invoked(struct duet_call *inner, struct duet_call *call)
{
    struct duet_writer *writer = call->writer;
    struct duet_writer_scope scope;
    int rc = duet_writer_enter(writer, &scope);
    if (rc < 0) {
        if (rc == DUET_FAILED)
            name_method(call); /* it wants the result where no value may stand */
        inner->fault = call->fault;
        return rc;
    }
    struct duet_fault *outer_fault = writer->fault;
    writer->fault = &inner->fault;
    inner->writer = writer;
    rc = run_before_hook(inner);
    if (rc == 0)
        rc = run_handler(inner);
    rc = duet_writer_leave(writer, &scope, rc);
    writer->fault = outer_fault;
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
        return duet_call_refuse_busy(inner);
    int rc = run_invoked(inner, call);
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
        duet_count_shared(&counts->ended[duet_call_ended(inner)], 1);
}

static int refuse_invocation(struct duet_call *call, const char *how)
{
    duet_fault_set(&call->fault, DUET_FAULT_INTERNAL, "the method called another %s", how);
    call->fault.is_nameless = true;
    return name_method(call);
}

int duet_call_invoke(duet_call *call, const char *method, const duet_value *args,
                     duet_writer *writer)
{
    if (method == NULL)
        return refuse_invocation(call, "without a name");
    if (args == NULL)
        return refuse_invocation(call, "without arguments");
    if (writer != call->writer)
        return refuse_invocation(call, "with a writer that is not its own");
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

    int rc = find_method(&inner);
    if (rc == 0)
        rc = duet_signature_check(&inner.method->signature, inner.method->name,
                                  &inner.request.params, &inner.fault);
    if (rc == 0)
        rc = run_in_gate(&inner, call);
    settle_fault(&inner, rc);
    count_invoked(&inner);
    run_after_hook(&inner);
    duet_signature_restore(&inner.request.params); /* they are the outer call's */
    if (rc < 0)
        call->fault = inner.fault;
    return rc < 0 ? DUET_FAILED : 0;
}
