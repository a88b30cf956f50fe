/*
 * From message to call and from reply to connection. On the loop's thread.
 */
#include "home.h"

#include "home_parts.h"
#include "protocol.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    XML_ON_LOOP =
        16 * 1024, /* a larger document is parsed on a worker, not to hold up the loop */
    GZIP_ON_LOOP =
        16 * 1024, /* a larger reply is compressed on a worker: 16 KiB take some 200 us */
    SEND_BY_REFERENCE = 32 * 1024, /* a larger reply is not copied into the output */
    FULL_SPARES = 32,              /* this many idle calls keep all their memory, */
    TRIMMED_SPARES = 4096,         /* and this many keep a little: a turn's worth of calls */
};

/* ---- Calls: taken, recycled ---- */

static struct duet_call *take_call(struct duet_home *home)
{
    struct duet_call *call = home->free_calls;
    if (call == NULL)
        return duet_call_new(home);
    home->free_calls = call->next_free;
    home->free_call_count--;
    return call;
}

void duet_home_recycle(struct duet_call *call)
{
    struct duet_home *home = call->home;
    if (call->view != NULL)
        duet_view_release(call->view);
    if (home->free_call_count >= TRIMMED_SPARES) {
        duet_call_free(call);
        return;
    }
    duet_call_reset(call, home->free_call_count >= FULL_SPARES);
    call->next_free = home->free_calls;
    home->free_calls = call;
    home->free_call_count++;
}

/* ---- The one door for replies ---- */

static void release_reply(struct duet_out *out)
{
    duet_home_recycle((struct duet_call *)((char *)out - offsetof(struct duet_call, out)));
}

/* After the reply to its last request a connection ends. The peer that asked for that sends
 * nothing more; if it is our decision, unread bytes may still come. */
static void finish_if_last(struct duet_conn *conn, const struct duet_head *head)
{
    bool is_over =
        head->close || (head->notes & DUET_NOTE_HTTP && !(head->notes & DUET_NOTE_KEEP_ALIVE));
    if (is_over)
        duet_conn_finish(conn, head->close);
}

void duet_home_send(struct duet_conn *conn, struct duet_head *head, const void *body)
{
    char room[DUET_HEAD_ROOM];
    head->close = head->close || duet_conn_is_last(conn);
    size_t size = conn->framing->wrap(room, head);
    bool has_body = body != NULL && !(head->notes & DUET_NOTE_HEAD);
    duet_conn_send(conn, room, size, body, has_body ? head->body_size : 0);
    finish_if_last(conn, head);
}

/* Header lines that some replies have besides the usual ones. */
static const char *extra_lines(const struct duet_call *call, char *room, size_t size)
{
    if (call->status == 503)
        return "Retry-After: 1\r\n";
    if (!call->home->server->options.value[DUET_SERVER_TIMING] ||
        !(call->to.notes & DUET_NOTE_HTTP))
        return "";
    snprintf(room, size, "Server-Timing: queue;dur=%.3f, run;dur=%.3f\r\n",
             (double)(call->started_ns - call->arrived_ns) / 1e6,
             (double)(call->ended_ns - call->started_ns) / 1e6);
    return room;
}

/* Sends the reply in the call's writer; takes the call. */
static void send_reply(struct duet_conn *conn, struct duet_call *call)
{
    char extra[128];
    const struct duet_buf *reply = &call->own_writer.out;
    struct duet_head head = {
        .status = call->status,
        .content_type = call->to.codec->content_type,
        .body_size = reply->size,
        .notes = call->to.notes,
        .gzip = call->is_gzip,
        .extra = extra_lines(call, extra, sizeof extra),
    };
    if (reply->size < SEND_BY_REFERENCE) {
        duet_home_send(conn, &head, reply->data);
        duet_home_recycle(call);
        return;
    }
    duet_home_send(conn, &head, NULL);
    call->out =
        (struct duet_out){.bytes = reply->data, .size = reply->size, .release = release_reply};
    duet_conn_send_out(conn, &call->out);
}

/* A notification gets no reply; over HTTP, which wants one, an empty one. */
static void acknowledge(struct duet_conn *conn, const struct duet_call *call)
{
    if (call->to.notes & DUET_NOTE_HTTP)
        duet_home_send(conn,
                       &(struct duet_head){.status = 204, .notes = call->to.notes, .extra = ""},
                       NULL);
}

/* Answers a call on its connection; takes the call. */
static void answer(struct duet_conn *conn, struct duet_call *call)
{
    if (call->to.style.raw != conn->raw && call->home->server->raw_is_auto)
        conn->raw = call->to.style.raw;
    if (call->to.kind == DUET_KIND_NOTIFICATION) {
        acknowledge(conn, call);
        duet_home_recycle(call);
    } else if (call->own_writer.out.size == 0) { /* out of memory even for a fault */
        duet_home_recycle(call);
        duet_conn_close(conn);
    } else {
        send_reply(conn, call);
    }
}

/* ---- To the workers and back ---- */

static int refuse_full_queue(struct duet_call *call)
{
    long long limit = (long long)duet_server_get(call->home->server, DUET_WORKER_QUEUE);
    call->status = 503;
    return duet_fault_set(&call->fault, DUET_FAULT_LIMIT,
                          "the server is busy: %lld calls wait for a worker already "
                          "(--worker-queue %lld); try again",
                          limit, limit);
}

/* The result of a call has come home: to its connection, if its ticket is still there. */
static void settle(struct duet_call *call)
{
    struct duet_home *home = call->home;
    home->calls_out--;
    home->loop.expected_letters--;
    struct duet_ticket *ticket = duet_ticket_find(&home->tickets, call->ticket);
    if (ticket == NULL) {
        home->late++;
        duet_home_recycle(call);
        return;
    }
    struct duet_conn *conn = duet_conns_find(&home->conns, call->to.conn);
    size_t bytes = ticket->bytes;
    duet_ticket_close(&home->tickets, ticket);
    duet_conn_release(conn, bytes);
    answer(conn, call);
}

static void on_letter(struct duet_letter *letter)
{
    settle((struct duet_call *)((char *)letter - offsetof(struct duet_call, letter)));
}

/* The loop that this worker has posted to without announcing it. */
static _Thread_local struct duet_loop *owed;

void duet_home_post(struct duet_call *call)
{
    struct duet_loop *loop = &call->home->loop;
    if (owed != NULL && owed != loop)
        duet_loop_announce(owed);
    owed = loop;
    call->letter.deliver = on_letter;
    duet_loop_post(loop, &call->letter);
}

void duet_home_rest(void *ctx)
{
    (void)ctx;
    if (owed != NULL)
        duet_loop_announce(owed);
    owed = NULL;
}

/* Gives the turn's calls to the workers, in one push. What does not fit is refused. */
void duet_home_push(struct duet_home *home)
{
    size_t n = home->batch_count;
    if (n == 0)
        return;
    home->batch_count = 0;
    size_t pushed = duet_workers_push(&home->server->workers, (void *const *)home->batch, n);
    for (size_t i = pushed; i < n; i++) {
        struct duet_call *call = home->batch[i];
        duet_call_run(call, refuse_full_queue(call));
        settle(call);
    }
}

/* Moves what the worker needs of the message into the call. A decoded call has it all in its
 * arena. */
static int own_message(struct duet_call *call, struct duet_buf *whole)
{
    struct duet_request *request = &call->request;
    if (request->decoded || call->is_done)
        return 0;
    uint8_t *bytes = request->bytes;
    if (whole != NULL) {
        duet_buf_take(&call->message, whole);
        return 0;
    }
    request->bytes = duet_arena_alloc(&call->arena, request->size + 1);
    if (request->bytes == NULL)
        return -ENOMEM;
    memcpy(request->bytes, bytes, request->size);
    if (call->is_read)
        request->method =
            (const char *)request->bytes + (request->method - (const char *)bytes);
    return 0;
}

/* From here on the call belongs to whoever runs it; what is known of it here is its ticket. */
static void hand_over(struct duet_conn *conn, struct duet_call *call, struct duet_buf *whole)
{
    struct duet_home *home = call->home;
    struct duet_ticket *ticket = NULL;
    if (own_message(call, whole) == 0)
        ticket = duet_ticket_open(&home->tickets, (struct duet_ticket **)&conn->calls);
    if (ticket == NULL) {
        duet_home_recycle(call);
        duet_conn_close(conn);
        return;
    }
    ticket->call = call;
    ticket->to = call->to;
    ticket->bytes = call->wire_size;
    ticket->home = home;
    call->ticket = ticket->id;
    call->view = home->view;
    call->view->users++;
    home->calls_out++;
    home->loop.expected_letters++;
    duet_conn_hold(conn, call->wire_size);
    home->batch[home->batch_count++] = call;
    if (home->batch_count == DUET_HOME_BATCH)
        duet_home_push(home);
}

void duet_home_answer_ticket(struct duet_ticket *ticket, int code, const char *words)
{
    struct duet_home *home = ticket->home;
    struct duet_conn *conn = duet_conns_find(&home->conns, ticket->to.conn);
    struct duet_recipient to = ticket->to;
    size_t bytes = ticket->bytes;
    duet_ticket_close(&home->tickets, ticket);
    duet_conn_release(conn, bytes);

    struct duet_call *call = take_call(home);
    if (call == NULL) {
        duet_conn_close(conn);
        return;
    }
    call->to = to;
    duet_fault_set(&call->fault, code, "%s", words);
    duet_call_write_fault(call);
    answer(conn, call);
}

/* ---- Messages ---- */

static void receive(struct duet_call *call, struct duet_conn *conn,
                    const struct duet_message *message)
{
    const struct duet_server *server = call->home->server;
    call->request.bytes = message->body;
    call->request.size = message->body_size;
    call->wire_size = message->wire_size;
    call->arrived_ns = call->home->loop.now_ns;
    call->to = (struct duet_recipient){
        .conn = conn->id,
        .notes = message->notes,
        .style = server->style,
        .codec = duet_protocol_codec(message->content),
    };
    call->to.style.raw = conn->raw;
    memcpy(&call->peer, &conn->peer, sizeof call->peer);
}

/* Whether reading this message at all is work for a worker. */
static bool is_heavy(const struct duet_message *message)
{
    return message->notes & DUET_NOTE_BODY_GZIP ||
           (message->content == DUET_CONTENT_XML && message->body_size > XML_ON_LOOP);
}

static bool runs_inline(const struct duet_call *call)
{
    return call->method->flags & DUET_INLINE &&
           call->home->server->options.value[DUET_INLINE_METHODS];
}

/* Runs a call on the loop. Compressing a large reply is work for a worker all the same. */
static void run_here(struct duet_conn *conn, struct duet_call *call, int rc)
{
    duet_call_run(call, rc);
    if (duet_call_wants_gzip(call) && call->own_writer.out.size > GZIP_ON_LOOP) {
        hand_over(conn, call, NULL);
        return;
    }
    if (duet_call_wants_gzip(call))
        duet_call_compress(call);
    answer(conn, call);
}

/* A request that cannot even be answered: its msgid is not readable. The calls before it still are. */
static void give_up(struct duet_conn *conn, struct duet_call *call)
{
    call->home->unanswerable++;
    duet_home_recycle(call);
    duet_conn_finish(conn, true);
}

static bool is_answerable(const struct duet_call *call)
{
    return call->to.codec->protocol == DUET_XMLRPC || call->request.has_msgid ||
           call->request.kind == DUET_KIND_NOTIFICATION || call->to.notes & DUET_NOTE_HTTP;
}

static void on_message(struct duet_conn *conn, struct duet_message *message,
                       struct duet_buf *whole)
{
    struct duet_home *home = conn->conns->ctx;
    if (message->content == DUET_CONTENT_NONE) {
        duet_pages_answer(home, conn, message);
        return;
    }
    struct duet_call *call = take_call(home);
    if (call == NULL) {
        duet_conn_close(conn);
        return;
    }
    duet_view_refresh(home);
    receive(call, conn, message);
    if (is_heavy(message)) {
        hand_over(conn, call, whole);
        return;
    }

    int rc = duet_call_route(call, home->view->registry);
    if (rc == 0 && call->request.kind == DUET_KIND_RESPONSE) {
        home->unasked++;
        duet_home_recycle(call);
    } else if (rc < 0 && !is_answerable(call)) {
        give_up(conn, call);
    } else if (rc == 0 && !runs_inline(call)) {
        hand_over(conn, call, whole);
    } else {
        run_here(conn, call, rc);
    }
}

/* ---- Bad messages ---- */

static void answer_in_text(struct duet_conn *conn, const struct duet_message *message)
{
    char body[DUET_REASON_MAX + 2];
    int size = snprintf(body, sizeof body, "%s\n", message->reason);
    duet_home_send(
        conn,
        &(struct duet_head){
            .status = message->status,
            .content_type = "text/plain; charset=utf-8",
            .body_size = (size_t)size,
            .notes = message->notes,
            .close = true,
            .extra = message->status == 405 ? "Allow: POST, GET, HEAD, OPTIONS\r\n" : "",
        },
        body);
}

/* The fault of a message that its framing refused, in the caller's protocol. */
static void answer_in_kind(struct duet_conn *conn, struct duet_message *message)
{
    struct duet_home *home = conn->conns->ctx;
    struct duet_call *call = take_call(home);
    if (call == NULL)
        return;
    bool is_xml = message->notes & DUET_NOTE_HTTP && !(message->notes & DUET_NOTE_BODY_MSGPACK);
    message->content = is_xml ? DUET_CONTENT_XML : DUET_CONTENT_MSGPACK;
    receive(call, conn, message);
    if (!(message->notes & DUET_NOTE_HTTP)) {
        call->to.codec->head(&call->request); /* a prefix: whatever of it can be read */
        call->to.kind = call->request.kind;
        call->to.msgid = call->request.msgid;
        if (!call->request.has_msgid) {
            give_up(conn, call);
            return;
        }
    }
    call->status = message->status;
    call->to.notes &= ~(uint32_t)DUET_NOTE_KEEP_ALIVE;
    int code = message->bad == DUET_BAD_LIMIT ? DUET_FAULT_LIMIT : DUET_FAULT_PARSE;
    duet_call_run(call, duet_fault_set(&call->fault, code, "%s", message->reason));
    answer(conn, call);
    duet_conn_finish(conn, true);
}

static void on_bad(struct duet_conn *conn, struct duet_message *message)
{
    if (message->notes & DUET_NOTE_HTTP && message->bad != DUET_BAD_LIMIT)
        answer_in_text(conn, message);
    else
        answer_in_kind(conn, message);
}

/* ---- Connections come and go ---- */

static const struct duet_framing *on_choose(struct duet_conn *conn, uint8_t first)
{
    const struct duet_home *home = conn->conns->ctx;
    const struct duet_server *server = home->server;
    const struct duet_protocol_row *protocol =
        duet_protocol_choose(server->listeners[conn->listener].address.scheme, first);
    if (protocol == NULL)
        return NULL;
    conn->max_in_flight =
        protocol->is_ordered ? 1 : (uint32_t)server->options.value[DUET_MAX_IN_FLIGHT];
    return protocol->framing;
}

static void on_peer_finished(struct duet_conn *conn)
{
    for (struct duet_ticket *ticket = conn->calls; ticket != NULL; ticket = ticket->next)
        atomic_store_explicit(&ticket->call->fate, FATE_CANCELLED, memory_order_relaxed);
}

static void on_closed(struct duet_conn *conn)
{
    struct duet_home *home = conn->conns->ctx;
    while (conn->calls != NULL) {
        struct duet_ticket *ticket = conn->calls;
        atomic_store_explicit(&ticket->call->fate, FATE_DROPPED, memory_order_relaxed);
        duet_ticket_close(&home->tickets, ticket);
    }
    atomic_fetch_sub(&home->server->connections, 1);
}

const struct duet_conn_events duet_home_events = {
    .choose = on_choose,
    .message = on_message,
    .bad = on_bad,
    .peer_finished = on_peer_finished,
    .closed = on_closed,
};
