/*
 * See outbound.h.
 */
#include "outbound.h"

#include "holder.h"
#include "request.h"

#include <errno.h>
#include <stdlib.h>

struct duet_outbound *duet_outbound_new(struct duet_conn *conn, _Atomic uint64_t *dropped)
{
    struct duet_outbound *outbound = calloc(1, sizeof *outbound);
    if (outbound == NULL)
        return NULL;
    outbound->conn = conn;
    outbound->dropped = dropped;
    return outbound;
}

void duet_outbound_free(struct duet_outbound *outbound)
{
    if (outbound == NULL)
        return;
    duet_pending_done(&outbound->pending);
    free(outbound);
}

/* A notification on its way over one connection. */
struct notice_out {
    struct duet_out out;
    struct duet_notice *notice;     /* a reference */
    struct duet_outbound *outbound; /* it lives longer: a connection that closes lets go first
                                     */
};

static struct duet_request *request_of(struct duet_pending_call *call)
{
    return DUET_HOLDER(call, struct duet_request, pending);
}

/* ---- Out ---- */

static void on_deadline(struct duet_deadline *deadline)
{
    duet_request_end(DUET_HOLDER(deadline, struct duet_request, deadline), -ETIMEDOUT);
}

/* From here on it is out. */
static int enter(struct duet_outbound *outbound, struct duet_request *request)
{
    int rc = duet_pending_add(&outbound->pending, &request->pending);
    if (rc < 0)
        return rc;
    request->outbound = outbound;
    request->session->awaited++;
    duet_conn_await(outbound->conn);
    struct duet_loop *loop = outbound->conn->conns->loop;
    request->deadline.expired = on_deadline;
    if (request->timeout_ms != DUET_NO_TIMEOUT)
        duet_wheel_set(&loop->wheel, &request->deadline, loop->now_ms + request->timeout_ms);
    return 0;
}

/* All that waits for the peer to read, and so many more bytes. */
static bool has_room(const struct duet_outbound *outbound, size_t more)
{
    size_t waiting = outbound->conn->out_size + outbound->notices * sizeof(struct notice_out);
    return waiting == 0 || waiting + more <= outbound->conn->part->max;
}

int duet_outbound_send(struct duet_outbound *outbound, struct duet_request *request)
{
    struct duet_conn *conn = outbound->conn;
    if (conn->state != CONN_OPEN) /* or it would not hear the answer */
        return -ENOTCONN;
    if (!has_room(outbound, request->writer.out.size))
        return -ENOBUFS;
    int rc = enter(outbound, request);
    if (rc < 0)
        return rc;
    struct duet_buf call;
    duet_buf_take(&call, &request->writer.out);
    request->codec->readdress(call.data, DUET_KIND_REQUEST, request->pending.msgid);
    /* The last thing: if it fails the connection is closed, and the request has ended. */
    duet_conn_send(conn, NULL, 0, call.data, call.size);
    duet_buf_done(&call);
    return 0;
}

/* ---- Notifications ---- */

static void release(struct duet_out *out)
{
    struct notice_out *mine = DUET_HOLDER(out, struct notice_out, out);
    mine->outbound->notices--;
    duet_notice_unref(mine->notice);
    free(mine);
}

static int queue(struct duet_outbound *outbound, struct duet_notice *notice)
{
    struct notice_out *mine = malloc(sizeof *mine);
    if (mine == NULL)
        return -ENOMEM;
    *mine = (struct notice_out){
        .out = {.bytes = notice->bytes.data + notice->from,
                .size = duet_notice_size(notice),
                .release = release,
                .may_drop = true,
                .charge = sizeof *mine + duet_notice_size(notice)},
        .notice = duet_notice_ref(notice),
        .outbound = outbound,
    };
    outbound->notices++;
    duet_conn_send_out(outbound->conn, &mine->out);
    return 0;
}

/* Its peer reads too slowly. Whoever is to be closed is not closed here, for a handler of it
 * may be running. */
static bool makes_room(struct duet_outbound *outbound, struct duet_session *session,
                       size_t size)
{
    if (atomic_load(&session->slow_reader) == DUET_SLOW_READER_CLOSE) {
        duet_session_ask(session, DUET_ASKED_ABORT);
        return false;
    }
    while (!has_room(outbound, size)) {
        size_t dropped = duet_conn_drop_oldest(outbound->conn, 1);
        duet_count(outbound->dropped, dropped > 0 ? dropped : 1);
        if (dropped == 0) /* then this is the oldest */
            return false;
    }
    return true;
}

int duet_outbound_notify(struct duet_outbound *outbound, struct duet_session *session,
                         struct duet_notice *notice)
{
    const struct duet_conn *conn = outbound->conn;
    size_t size = duet_notice_size(notice) + sizeof(struct notice_out);
    if (conn->state != CONN_OPEN && conn->state != CONN_FINISHING)
        return -ENOTCONN;
    if (!has_room(outbound, size) && !makes_room(outbound, session, size))
        return -ENOBUFS;
    return queue(outbound, notice);
}

void duet_outbound_excuse(struct duet_outbound *outbound, struct duet_request *request)
{
    if (request->is_excused)
        return;
    request->is_excused = true;
    outbound->conn->excused++;
}

/* ---- Out no more ---- */

void duet_outbound_forget(struct duet_outbound *outbound, struct duet_request *request)
{
    struct duet_conn *conn = outbound->conn;
    duet_pending_take(&outbound->pending, request->pending.msgid);
    duet_wheel_clear(&request->deadline);
    if (request->is_excused)
        conn->excused--;
    request->is_excused = false;
    request->outbound = NULL;
    request->session->awaited--;
    duet_conn_unawait(conn);
}

static int own_reply(struct duet_request *request, const struct duet_incoming *reply,
                     struct duet_buf *whole)
{
    struct duet_buf *message = &request->message;
    request->values = reply->values;
    if (whole != NULL && whole->data != NULL) {
        duet_buf_hand(message, whole, NULL); /* it is the program's from here on */
        return 0;
    }
    int rc = duet_buf_reserve(message, reply->size + 1); /* and the byte after a message */
    return rc < 0 ? rc : duet_buf_append(message, reply->bytes, reply->size);
}

struct duet_request *duet_outbound_answer(struct duet_outbound *outbound,
                                          const struct duet_incoming *reply,
                                          struct duet_buf *whole)
{
    struct duet_pending_call *call = duet_pending_take(&outbound->pending, reply->msgid);
    if (call == NULL)
        return NULL;
    struct duet_request *request = request_of(call);
    duet_outbound_forget(outbound, request);
    request->error = own_reply(request, reply, whole);
    request->is_unread = request->error == 0;
    return request;
}

void duet_outbound_end(struct duet_outbound *outbound, int status)
{
    struct duet_pending_call *call = duet_pending_take_all(&outbound->pending);
    while (call != NULL) {
        struct duet_request *request = request_of(call);
        call = call->next;
        duet_request_end(request, status);
    }
}
