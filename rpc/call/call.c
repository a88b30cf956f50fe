/*
 * The walk of one call from its method to its reply: decode, check, run, answer. On a loop for
 * inline methods, on a worker for all others; nothing here knows which.
 */
#include "call.h"

#include "call_parts.h"
#include "escape.h"
#include "gzip.h"
#include "result_check.h"

#include <endian.h>
#include <stdarg.h>
#include <string.h>

enum {
    GZIP_FROM = 1400,       /* a smaller reply fits one packet anyway */
    KEPT_REPLY = 64 * 1024, /* reply bytes that a recycled call may hold on to */
    TRIMMED = 4 * 1024,     /* what it keeps when many calls lie idle */
};

void duet_call_init(struct duet_call *call, const struct duet_service *service)
{
    *call = (struct duet_call){.service = service, .root = call, .data_home = call};
    duet_arena_init(&call->arena, service->max_arena);
    duet_buf_init(&call->message, SIZE_MAX);
    duet_writer_init(&call->own_writer, service->max_reply);
    call->own_writer.fault = &call->fault; /* hooks may write before it is started */
    call->account.budget = service->budget;
    call->arena.account = call->own_writer.out.account = call->message.account = &call->account;
    call->request.limits = &service->limits;
    call->request.int_is_strict = service->int_is_strict;
    call->request.arena = &call->arena;
    call->request.fault = &call->fault;
    duet_call_reset(call, false);
}

/* Who has not joined a part has no reservation either. */
static void leave_part(struct duet_call *call)
{
    struct duet_budget_part *part = call->account.part;
    call->is_let_in = call->is_parked = false;
    duet_account_release(&call->account);
    duet_account_join(&call->account, NULL, false);
    duet_budget_part_leave(part);
}

void duet_call_done(struct duet_call *call)
{
    duet_fault_data_free(call);
    if (call->account.part != NULL)
        leave_part(call);
    duet_arena_done(&call->arena);
    duet_buf_done(&call->message);
    duet_writer_done(&call->own_writer);
}

void duet_call_reset(struct duet_call *call, bool trim)
{
    if (call->account.part != NULL)
        leave_part(call);
    if (trim && call->arena.total > TRIMMED)
        duet_arena_done(&call->arena);
    duet_arena_reset(&call->arena);
    if (call->message.data != NULL)
        duet_buf_done(&call->message);
    call->account.room = DUET_ROOM_FOUND;
    duet_buf_reset(&call->own_writer.out, trim ? TRIMMED : KEPT_REPLY);
    call->writer = &call->own_writer;
    call->own_writer.wanted = 0; /* nothing may be written before it is started */
    call->method = NULL;
    call->default_name = "";
    call->status = 200;
    call->stage = CALL_READ;
    call->ending = ENDED_OK;
    call->reply_is_gzip = false;
    call->began_ns = 0;
    if (call->fault_data != NULL)
        duet_fault_data_free(call);
    call->fault.code = 0;
    call->request.has_msgid = false;
    call->request.kind = DUET_KIND_REQUEST;
    call->request.method = "";
    call->request.method_size = 0;
    call->request.raw_seen = DUET_RAW_UNKNOWN;
    call->request.params = (msgpack_object){.type = MSGPACK_OBJECT_ARRAY};
    atomic_store_explicit(&call->fate, FATE_OWN, memory_order_relaxed);
}

void duet_call_join(struct duet_call *call, struct duet_budget_part *part, bool adopt)
{
    if (call->account.part == NULL)
        part->users++;
    duet_account_join(&call->account, part, adopt);
}

/* A value in XML is 8 bytes at least (<value/>): 40 in the tree, 24 on the stack while the tree
 * is built, 32 or so when it is written again, and buffers are larger than what is in them:
 * measured, 13 bytes for one. In MessagePack it is one byte at least, and a reply of the same
 * kind is as long as its request. */
size_t duet_call_will_need(const struct duet_codec *codec, size_t size, size_t max_values)
{
    enum { XML_TIMES = 14, VALUE = sizeof(msgpack_object) };
    if (codec->protocol == DUET_PROTOCOL_XMLRPC)
        return XML_TIMES * size;
    return 2 * size + VALUE * (size < max_values ? size : max_values);
}

/* How long a compressed body will be, as its last four bytes say (RFC 1952 2.3.1). If they lie
 * the call may run out of room, that is all. */
static size_t inflated_size(const struct duet_incoming *request)
{
    uint32_t size = 0;
    if (request->size > sizeof size)
        memcpy(&size, request->bytes + request->size - sizeof size, sizeof size);
    size = le32toh(size);
    return size < request->limits->max_message ? size : request->limits->max_message;
}

/* Small requests are let in without asking, but for two kinds: those that are larger than they
 * look, and those that are known for large answers. */
static size_t wants_of(const struct duet_call *call)
{
    size_t wants = 0;
    if (call->to.notes & DUET_NOTE_BODY_GZIP && call->stage == CALL_READ)
        wants = duet_call_will_need(call->to.codec, inflated_size(&call->request),
                                    call->request.limits->max_values);
    if (call->method != NULL)
        wants += duet_method_large_reply(call->method);
    return wants > DUET_SMALL ? wants : 0;
}

bool duet_call_finds_room(struct duet_call *call)
{
    struct duet_budget *budget = call->account.budget;
    if (call->wants > 0)
        return duet_budget_admit(budget, &call->account, call->wants);
    return call->wire_size > DUET_TINY ? !duet_budget_is_short(budget)
                                       : !duet_budget_is_spent(budget);
}

bool duet_call_may_start(struct duet_call *call)
{
    if (call->is_let_in || call->stage == CALL_ANSWERED || call->account.is_admitted)
        return true;
    call->wants = wants_of(call);
    return !duet_budget_part_is_full(call->account.part) && duet_call_finds_room(call);
}

/* ---- Faults of calls that have no room or no turn */

int duet_call_fail_busy(struct duet_call *call, const char *format, ...)
{
    call->status = 503;
    call->ending = ENDED_REFUSED;
    va_list args;
    va_start(args, format);
    int rc = duet_fault_vset(&call->fault, DUET_FAULT_BUSY, format, args);
    va_end(args);
    return rc;
}

int duet_call_fail_over_budget(struct duet_call *call)
{
    const struct duet_budget *budget = call->service->budget;
    duet_count_shared(call->service->refused_over_budget, 1);
    if (call->account.room == DUET_ROOM_NEVER) {
        call->status = 413;
        call->ending = ENDED_REFUSED;
        return duet_fault_set(&call->fault, DUET_FAULT_LIMIT,
                              "the call needs more memory than all messages and replies under "
                              "way may have together (--max-buffered %zu)",
                              budget->max);
    }
    return duet_call_fail_busy(
        call,
        "the server is busy: messages and replies under way hold %zu bytes "
        "(--max-buffered %zu); try again",
        atomic_load(&budget->used), budget->max);
}

int duet_call_fail_method_busy(struct duet_call *call)
{
    return duet_call_fail_busy(call,
                               "%.200s is busy: %u calls of it run already, as many as its "
                               "max_running allows; try again",
                               duet_call_method(call), call->method->gate.max);
}

/* ---- Start */

/* In automatic mode, the peer's own bytes tell what it understands. */
static void adopt_raw(struct duet_call *call)
{
    if (call->request.raw_seen == DUET_RAW_UNKNOWN || !call->service->raw_is_auto)
        return;
    call->to.style.raw =
        call->request.raw_seen == DUET_RAW_OLD_SEEN ? DUET_RAW_OLD : DUET_RAW_NEW;
    if (call->session != NULL)
        duet_session_show_raw(call->session, call->to.style.raw);
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

static int fail_positive(struct duet_call *call, int rc)
{
    return duet_fault_set(&call->fault, DUET_FAULT_INTERNAL,
                          "%s: the method returned %d where 0 or less is allowed",
                          duet_call_method(call), rc);
}

int duet_call_judge(struct duet_call *call, int rc)
{
    if (call->ending != ENDED_OK)
        return DUET_FAILED;
    return rc > 0 ? fail_positive(call, rc) : rc;
}

/* If it is kept, whatever its handler returned, the call is not looked at any more. */
static inline int handle(struct duet_call *call)
{
    const struct duet_method_entry *method = call->method;
    struct duet_kept_note note;
    note.is_used = false;
    call->note = &note;
    int rc = method->handler(call, method->ctx);
    if (note.is_used && duet_kept_leave(&note, rc))
        return DUET_CALL_IS_KEPT;
    if (call->ending != ENDED_OK)
        return DUET_FAILED;
    return rc > 0 ? fail_positive(call, rc) : rc;
}

int duet_call_handle(struct duet_call *call)
{
    return handle(call);
}

void duet_call_write_anew(struct duet_call *call)
{
    call->fault.code = 0;
    call->ending = ENDED_OK;
    start_writer(call);
    int rc = call->to.codec->begin_reply(&call->own_writer, call->to.msgid);
    if (rc < 0)
        call->own_writer.error = rc; /* its finisher will see it */
    else if (call->service->checks_results)
        duet_call_check_result(call);
}

/* Now it is known how large the tree is: the reply will hardly be larger than twice that.
 * Apart, or everyday calls would save registers for it. */
__attribute__((noinline)) static void shrink_reservation(struct duet_call *call)
{
    size_t large = call->method != NULL ? duet_method_large_reply(call->method) : 0;
    duet_account_shrink(&call->account, call->account.held + 2 * call->arena.total + large);
}

int duet_call_start(struct duet_call *call)
{
    const struct duet_codec *codec = call->to.codec;
    duet_call_enter(call, CALL_RUNNING);
    int rc = duet_call_tell_budget(call, codec->decode(&call->request));
    if (call->account.is_admitted)
        shrink_reservation(call);
    if (rc == 0)
        rc = duet_signature_check(&call->method->signature, call->method->name, &call->request);
    if (rc == 0)
        rc = duet_call_ask_before(call);
    if (rc == 0) {
        adopt_raw(call);
        start_writer(call);
        rc = codec->begin_reply(&call->own_writer, call->to.msgid);
    }
    if (rc == 0 && call->service->checks_results)
        duet_call_check_result(call);
    return rc == 0 ? duet_call_handle(call) : rc;
}

/* ---- Finish */

static int put_fault(struct duet_call *call)
{
    start_writer(call);
    return call->to.codec->fault(&call->own_writer, call->to.msgid, &call->fault);
}

/* False if the caller does not take the data, or there is no room: without it there may be. */
__attribute__((cold)) static bool write_with_data(struct duet_call *call)
{
    call->fault.data = duet_fault_data_of(call);
    bool is_written = call->fault.data != NULL && put_fault(call) == 0;
    duet_fault_data_free(call);
    return is_written;
}

void duet_call_write_fault(struct duet_call *call)
{
    if (call->fault_data != NULL && write_with_data(call))
        return;
    if (put_fault(call) < 0)
        call->own_writer.out.size = 0; /* out of memory: there is no reply, and its connection
                                          is closed */
}

int duet_call_name_method(struct duet_call *call)
{
    if (call->method == NULL || !call->fault.is_nameless)
        return DUET_FAILED;
    return duet_fault_set(&call->fault, call->fault.code, "%s: %s", duet_call_method(call),
                          call->fault.message);
}

/* The fault that a failed step left, or the one that its bare code stands for. */
static void complete_fault(struct duet_call *call, int rc)
{
    bool is_unknown = rc == DUET_FAULT_METHOD && call->method != NULL &&
                      call->method->is_default && call->fault.code == 0;
    if (is_unknown)
        duet_call_fail_unknown(call);
    duet_fault_from(&call->fault, rc);
    duet_call_name_method(call);
    if (call->ending == ENDED_REFUSED)
        return;
    call->ending = ENDED_FAULT;
    if (call->fault.code != DUET_FAULT_BUSY || call->account.room == DUET_ROOM_FOUND)
        return;
    call->status = 503; /* it ran, but its reply had no room */
    duet_count_shared(call->service->refused_over_budget, 1);
}

void duet_call_settle(struct duet_call *call, int rc)
{
    if (rc < 0)
        complete_fault(call, rc);
    else
        call->fault.code = 0; /* of an invoked call that the handler has dealt with */
}

/* Lets go of a large tree as soon as nobody reads it any more: its reply may be long on its
 * way. */
static void drop_tree(struct duet_call *call)
{
    if (call->arena.total <= DUET_SMALL || call->own_writer.reference_count > 0)
        return;
    duet_arena_done(&call->arena);
    call->request.params = (msgpack_object){.type = MSGPACK_OBJECT_ARRAY};
    call->request.method = "";
    call->request.method_size = 0;
    call->default_name = "";
}

/* Methods that answer small requests at length are remembered for it: for the memory that a
 * reply takes, which its buffer has grown to by doubling. */
__attribute__((noinline)) static void note_large_reply(struct duet_call *call)
{
    const struct duet_writer *writer = &call->own_writer;
    size_t size = duet_writer_size(writer), capacity = writer->out.capacity;
    if (call->method != NULL && call->request.size <= DUET_SMALL)
        duet_method_note_reply(call->method, size > capacity ? size : capacity);
}

void duet_call_finish(struct duet_call *call, int rc)
{
    if (rc == 0)
        rc = duet_writer_finish(&call->own_writer);
    if (rc == 0)
        rc = call->to.codec->end_reply(&call->own_writer);
    duet_call_settle(call, rc);
    if (rc < 0)
        duet_call_write_fault(call);
    duet_call_enter(call, CALL_ANSWERED);
    if (atomic_load_explicit(&call->fate, memory_order_relaxed) != FATE_OWN)
        duet_call_end(call);
    duet_call_tell_after(call);
    drop_tree(call);
    if (call->own_writer.out.size > DUET_SMALL || call->account.is_admitted)
        note_large_reply(call);
}

void duet_call_refuse(struct duet_call *call, int rc)
{
    assert(rc < 0 && call->stage < CALL_RUNNING);
    duet_call_finish(call, rc);
}

/* ---- Compression */

bool duet_call_wants_gzip(const struct duet_call *call)
{
    return call->to.notes & DUET_NOTE_ACCEPT_GZIP && call->own_writer.out.size > GZIP_FROM &&
           !call->reply_is_gzip;
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
    call->reply_is_gzip = true;
}
