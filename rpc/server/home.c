/*
 * From message to call: what a connection delivers becomes a call, which runs here or goes to
 * the workers. On the loop's thread.
 */
#include "home.h"

#include "home_parts.h"
#include "protocol.h"

#include <stdio.h>
#include <stdlib.h>

/* Larger ones would hold up the loop, and with it everybody else's calls: a worker takes what
 * lasts longer than some 100 to 200 us. */
enum {
    XML_ON_LOOP = 16 * 1024,      /* bytes to parse */
    GZIP_ON_LOOP = 16 * 1024,     /* bytes to compress */
    UNWALKED_ON_LOOP = 64 * 1024, /* bytes of MessagePack in a POST, to be walked first */
    VALUES_ON_LOOP = 4096,        /* in MessagePack: 15 to 20 ns each, there and back */
    MSGPACK_ON_LOOP = 256 * 1024, /* bytes: 50 us to move, and handlers do more with them */
};

/* ---- Messages ---- */

/* Looks whether methods have come or gone since the last call. */
static void refresh_view(struct duet_home *home)
{
    if (atomic_load_explicit(&home->server->registry_number, memory_order_acquire) !=
        home->view_number) {
        duet_slow_inline_forget(home);
        duet_view_renew(home);
    }
}

static void receive(struct duet_job *job, struct duet_conn *conn,
                    const struct duet_message *message)
{
    struct duet_home *home = job->home;
    struct duet_call *call = &job->call;
    job->call.arrived_ns = job->call.started_ns = job->ended_ns = home->loop.now_ns;
    call->registry = home->view->registry;
    call->request.bytes = message->body;
    call->request.size = message->body_size;
    call->request.values = message->values;
    call->wire_size = message->wire_size;
    call->to = (struct duet_recipient){
        .conn = conn->id,
        .notes = message->notes,
        .style = call->service->style,
        .codec = duet_protocol_codec(message->content),
    };
    call->to.style.raw = duet_caller_of(conn)->raw;
    call->session = duet_caller_of(conn)->session;
}

/* Whether reading this message at all is work for a worker. */
static bool is_heavy(const struct duet_message *message)
{
    bool is_xml = message->content == DUET_CONTENT_XML;
    return message->notes & DUET_NOTE_BODY_GZIP ||
           (message->notes & DUET_NOTE_HTTP &&
            message->body_size > (is_xml ? XML_ON_LOOP : UNWALKED_ON_LOOP));
}

/* A worker will read it; if it never comes to that, its caller is found by its msgid all the
 * same. */
static void peek(struct duet_call *call)
{
    if (call->to.codec->protocol != DUET_PROTOCOL_MSGPACKRPC ||
        call->to.notes & DUET_NOTE_BODY_GZIP)
        return;
    call->to.codec->head(&call->request);
    call->to.kind = call->request.kind;
    call->to.msgid = call->request.msgid;
    call->fault.code = 0;
}

/* Whether decoding, running and answering it takes long, however quick the method is: a value
 * has a byte at least. */
static bool is_long(const struct duet_call *call)
{
    const struct duet_incoming *request = &call->request;
    return request->size > VALUES_ON_LOOP &&
           call->to.codec->protocol == DUET_PROTOCOL_MSGPACKRPC &&
           (request->values > VALUES_ON_LOOP || request->size > MSGPACK_ON_LOOP);
}

static bool runs_inline(const struct duet_job *job)
{
    const struct duet_method_entry *method = job->call.method;
    return !is_long(&job->call) && method->flags & DUET_METHOD_INLINE &&
           method->gate.max == 0 && !job->home->server->options.value[DUET_OPT_NO_INLINE];
}

/* A message in the connection's own buffer, or of a method whose calls have been kept before,
 * is copied: it may be read on when that buffer is used for others. */
static bool may_be_kept(const struct duet_conn *conn, const struct duet_call *call)
{
    return conn->in.size > 0 ||
           atomic_load_explicit(&call->method->is_kept_inline, memory_order_relaxed);
}

/* Runs a call on the loop. Compressing a large reply is work for a worker all the same. */
static void run_here(struct duet_conn *conn, struct duet_job *job, int rc)
{
    struct duet_call *call = &job->call;
    bool is_timed = job->home->server->options.value[DUET_OPT_SERVER_TIMING];
    if (is_timed)
        job->call.started_ns = duet_clock_ns();
    if (rc == 0 && may_be_kept(conn, call))
        rc = duet_home_own_message(job, NULL);
    if (rc == 0) {
        if (call->method != job->home->stretch.key)
            duet_slow_inline_switch(job->home, call->method);
        job->home->stretch.calls++;
        rc = duet_call_start(call);
        if (rc == DUET_CALL_IS_KEPT)
            return;
        duet_call_finish(call, rc);
    } else {
        duet_call_refuse(call, rc);
    }
    if (is_timed)
        job->ended_ns = duet_clock_ns();
    if (duet_call_wants_gzip(call) && call->own_writer.out.size > GZIP_ON_LOOP) {
        duet_home_hand_over(conn, job, NULL);
        return;
    }
    if (duet_call_wants_gzip(call))
        duet_call_compress(call);
    duet_home_answer(conn, job);
}

/* A request that cannot even be answered: its msgid is not readable. The calls before it still
 * are. */
static void give_up(struct duet_conn *conn, struct duet_job *job)
{
    duet_count(&job->home->unreadable, 1);
    duet_job_recycle(job);
    duet_conn_finish(conn);
}

static bool is_answerable(const struct duet_call *call)
{
    return call->to.codec->protocol == DUET_PROTOCOL_XMLRPC || call->request.has_msgid ||
           call->request.kind == DUET_KIND_NOTIFICATION || call->to.notes & DUET_NOTE_HTTP;
}

/* ---- Refusals ---- */

static int code_of_bad(enum duet_bad bad)
{
    switch (bad) {
    case DUET_BAD_LIMIT:
        return DUET_FAULT_LIMIT;
    case DUET_BAD_BUSY:
        return DUET_FAULT_BUSY;
    default:
        return DUET_FAULT_PARSE;
    }
}

/* Whose message it is, by as much of it as can be read: a msgid that is there is answered.
 * Without one nobody on a stream can be told (false). Over HTTP the connection says whose it
 * is, so a body that has not come that far, or is compressed, is answered with msgid 0, for a
 * reply has one; and a notification with the status, for HTTP wants an answer. */
static bool find_caller(struct duet_call *call)
{
    struct duet_incoming *request = &call->request;
    if (call->to.codec->protocol == DUET_PROTOCOL_XMLRPC)
        return true;
    call->to.codec->head(request);
    call->to.msgid = request->msgid;
    if (call->to.notes & DUET_NOTE_HTTP)
        return true;
    call->to.kind = request->kind;
    return request->has_msgid || request->kind == DUET_KIND_NOTIFICATION;
}

/* The fault of a message that its framing refused, in the caller's protocol. */
static void answer_in_kind(struct duet_conn *conn, struct duet_message *message)
{
    struct duet_home *home = conn->conns->ctx;
    struct duet_job *job = duet_job_take(home);
    if (job == NULL)
        return;
    struct duet_call *call = &job->call;
    bool is_xml = message->notes & DUET_NOTE_HTTP && !(message->notes & DUET_NOTE_BODY_MSGPACK);
    message->content = is_xml ? DUET_CONTENT_XML : DUET_CONTENT_MSGPACK;
    receive(job, conn, message);
    if (message->bad == DUET_BAD_LIMIT || message->bad == DUET_BAD_BUSY)
        call->ending = ENDED_REFUSED;
    if (!find_caller(call)) {
        give_up(conn, job);
        return;
    }
    duet_count(&home->calls, 1);
    call->status = message->status;
    call->to.notes &= ~(uint32_t)DUET_NOTE_KEEP_ALIVE;
    duet_call_refuse(
        call, duet_fault_set(&call->fault, code_of_bad(message->bad), "%s", message->reason));
    duet_home_answer(conn, job);
    duet_conn_finish(conn);
}

/* The connection is one too many: it is told so, whatever it asks but for the server's health,
 * and that is all. */
static void turn_away_conn(struct duet_conn *conn, struct duet_message *message)
{
    struct duet_home *home = conn->conns->ctx;
    if (duet_pages_is_health(message)) {
        message->notes &= ~(uint32_t)DUET_NOTE_KEEP_ALIVE;
        duet_pages_answer(home, conn, message);
        duet_conn_finish(conn);
        return;
    }
    duet_option option = duet_caller_of(conn)->excess == EXCESS_CONNECTIONS
                             ? DUET_OPT_MAX_CONNECTIONS
                             : DUET_OPT_MAX_PER_ADDRESS;
    bool is_call = message->content != DUET_CONTENT_NONE;
    message->bad = DUET_BAD_BUSY;
    message->status = 503;
    snprintf(message->reason, sizeof message->reason,
             "one connection too many: %s is %lld; try again later", duet_option_flag(option),
             (long long)home->server->options.value[option]);
    if (is_call)
        answer_in_kind(conn, message);
    else
        duet_pages_reject(conn, message);
}

/* Who has no room to be run is handed over: then it can wait. */
static bool has_room(const struct duet_conn *conn, struct duet_call *call)
{
    if (duet_method_large_reply(call->method) == 0)
        return true;
    duet_call_join(call, conn->part, false);
    return duet_call_may_start(call);
}

/* What was reserved for the message goes on with its call. How many values MessagePack has is
 * known by now. */
static void take_reservation(struct duet_conn *conn, struct duet_call *call,
                             const struct duet_message *message)
{
    duet_call_join(call, conn->part, false);
    duet_account_pass(&conn->account, &call->account);
    if (!(message->notes & DUET_NOTE_HTTP))
        duet_account_shrink(&call->account,
                            duet_call_will_need(&duet_codec_msgpack, message->body_size,
                                                (size_t)message->values));
}

/* A call whose head has been read runs here, goes to a worker, or is none. */
static void dispatch(struct duet_conn *conn, struct duet_job *job, struct duet_buf *whole,
                     int rc)
{
    struct duet_home *home = job->home;
    if (rc == 0 && job->call.request.kind == DUET_KIND_RESPONSE) {
        duet_home_take_reply(conn, job);
        return;
    }
    if (rc == 0 && (conn->awaited > 0 || conn->answers_only))
        rc = duet_home_judge_beside_answers(conn, &job->call);
    if (rc < 0 && !is_answerable(&job->call)) {
        give_up(conn, job);
        return;
    }
    duet_count(&home->calls, 1);
    if (rc == 0 && !(runs_inline(job) && has_room(conn, &job->call)))
        duet_home_hand_over(conn, job, whole);
    else
        run_here(conn, job, rc);
}

static void on_call(struct duet_conn *conn, const struct duet_message *message,
                    struct duet_buf *whole)
{
    struct duet_home *home = conn->conns->ctx;
    struct duet_job *job = duet_job_take(home);
    if (job == NULL) {
        duet_conn_close(conn);
        return;
    }
    struct duet_call *call = &job->call;
    refresh_view(home);
    receive(job, conn, message);
    if (conn->account.is_admitted)
        take_reservation(conn, call, message);
    if (whole != NULL && message->content == DUET_CONTENT_MSGPACK) {
        /* A large message: its reply may refer to it. */
        duet_buf_hand(&call->message, whole, &call->account);
        whole = NULL;
    }
    if (is_heavy(message)) {
        peek(call);
        duet_count(&home->calls, 1);
        duet_home_hand_over(conn, job, whole);
        return;
    }
    dispatch(conn, job, whole, duet_call_route(call));
}

static void on_message(struct duet_conn *conn, struct duet_message *message,
                       struct duet_buf *whole)
{
    if (message->notes & DUET_NOTE_HTTP && !duet_browser_admits(conn, message))
        return;
    if (duet_caller_of(conn)->excess != EXCESS_NONE)
        turn_away_conn(conn, message);
    else if (message->content == DUET_CONTENT_NONE)
        duet_pages_answer(conn->conns->ctx, conn, message);
    else
        on_call(conn, message, whole);
}

/* ---- Bad messages ---- */

static void on_bad(struct duet_conn *conn, struct duet_message *message)
{
    if (message->notes & DUET_NOTE_HTTP)
        duet_browser_note(conn, message);
    bool is_refusal = message->bad == DUET_BAD_LIMIT || message->bad == DUET_BAD_BUSY;
    if (message->notes & DUET_NOTE_HTTP && !is_refusal)
        duet_pages_reject(conn, message);
    else
        answer_in_kind(conn, message);
}

/* ---- Connections come and go ---- */

static const struct duet_framing *on_choose(struct duet_conn *conn, uint8_t first)
{
    struct duet_home *home = conn->conns->ctx;
    const struct duet_caller *caller = duet_caller_of(conn);
    const struct duet_listener *listener = duet_home_listener_of(home, conn);
    const struct duet_protocol_row *protocol =
        listener != NULL ? duet_protocol_of(listener->address.scheme) : NULL;
    if (protocol == NULL)
        protocol = duet_protocol_by_first(first);
    if (protocol == NULL) {
        duet_count(&home->unreadable, 1);
        return NULL;
    }
    conn->max_in_flight = duet_home_max_in_flight(home, protocol);
    conn->is_two_way = protocol->protocol == DUET_PROTOCOL_MSGPACKRPC;
    if (!duet_sessions_begin(conn, protocol->protocol, caller->excess != EXCESS_NONE))
        return NULL;
    return protocol->framing;
}

/* No more requests will come, and that is all it says: `nc -N` and Java's shutdownOutput wait
 * for their answers. Only methods that say so are cancelled by it: those that wait for
 * something, whose killed client on the same machine sends no more than this. */
static void on_peer_finished(struct duet_conn *conn)
{
    duet_home_mind_fin(conn);
}

/* Requests have lost who wanted their answers. */
static void on_abandoned(struct duet_conn *conn)
{
    struct duet_ticket *ticket = duet_caller_of(conn)->calls;
    while (ticket != NULL) {
        struct duet_ticket *next = ticket->next;
        if (!duet_home_may_be_notification(ticket)) {
            duet_home_release(ticket, conn);
            duet_home_drop_ticket(ticket);
        }
        ticket = next;
    }
    duet_home_leave_aside(conn);
}

/* Nobody waits for a notification, so nobody's leaving ends it: it goes on without its
 * connection. */
static void on_closed(struct duet_conn *conn)
{
    struct duet_home *home = conn->conns->ctx;
    struct duet_caller *caller = duet_caller_of(conn);
    while (caller->calls != NULL) {
        struct duet_ticket *ticket = caller->calls;
        if (duet_home_may_be_notification(ticket))
            duet_ticket_move(ticket, &home->orphans);
        else
            duet_home_drop_ticket(ticket);
    }
    duet_home_leave_aside(conn);
    free(caller->origin);
    duet_sessions_end(conn);
    duet_home_forget(home, caller->excess, &conn->peer.any);
}

/* What an HTTP body holds is not told here: XML needs more. */
static size_t on_will_need(const struct duet_conn *conn, size_t size)
{
    const struct duet_home *home = conn->conns->ctx;
    bool is_xml = conn->framing->notes & DUET_NOTE_HTTP;
    return duet_call_will_need(is_xml ? &duet_codec_xmlrpc : &duet_codec_msgpack, size,
                               home->server->service.limits.max_values);
}

static void on_shed(struct duet_conns *conns)
{
    duet_jobs_free(conns->ctx);
}

const struct duet_conn_events duet_home_events = {
    .choose = on_choose,
    .message = on_message,
    .bad = on_bad,
    .will_need = on_will_need,
    .resume = duet_home_resume,
    .shed = on_shed,
    .peer_finished = on_peer_finished,
    .unheard = duet_sessions_end_requests,
    .abandoned = on_abandoned,
    .closed = on_closed,
};
