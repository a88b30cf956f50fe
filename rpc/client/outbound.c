/*
 * See outbound.h.
 */
#include "outbound.h"

#include "holder.h"
#include "request.h"

#include <errno.h>
#include <stdlib.h>

struct duet_outbound *duet_outbound_new(struct duet_conn *conn, size_t max_unsent)
{
    struct duet_outbound *outbound = calloc(1, sizeof *outbound);
    if (outbound == NULL)
        return NULL;
    outbound->conn = conn;
    outbound->max_unsent = max_unsent;
    return outbound;
}

void duet_outbound_free(struct duet_outbound *outbound)
{
    if (outbound == NULL)
        return;
    duet_pending_done(&outbound->pending);
    free(outbound);
}

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

/* Whether its peer may still answer, or take what wants no answer. */
static bool is_up(const struct duet_conn *conn, enum duet_kind kind)
{
    return conn->state == CONN_OPEN ||
           (conn->state == CONN_FINISHING && kind == DUET_KIND_NOTIFICATION);
}

int duet_outbound_send(struct duet_outbound *outbound, struct duet_request *request)
{
    struct duet_conn *conn = outbound->conn;
    struct duet_buf *call = &request->writer.out;
    if (!is_up(conn, request->kind))
        return -ENOTCONN;
    if (conn->out_size > 0 && conn->out_size + call->size > outbound->max_unsent)
        return -ENOBUFS;
    int rc = request->kind == DUET_KIND_REQUEST ? enter(outbound, request) : 0;
    if (rc < 0)
        return rc;
    size_t skipped =
        request->codec->readdress(call->data, request->kind, request->pending.msgid);
    struct duet_buf bytes;
    duet_buf_take(&bytes, call);
    /* The last thing: if it fails the connection is closed, and the request has ended. */
    duet_conn_send(conn, NULL, 0, bytes.data + skipped, bytes.size - skipped);
    duet_buf_done(&bytes);
    return 0;
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
