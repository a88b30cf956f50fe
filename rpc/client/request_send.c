/*
 * A request on its way: from any thread to the loop of its session, out, and to its end there.
 */
#include "request.h"

#include "holder.h"
#include "wait.h"

#include <errno.h>

enum { ASKED_SEND = 1 << 0, ASKED_CANCEL = 1 << 1, ASKED_EXCUSE = 1 << 2 };

/* ---- The end ---- */

void duet_request_end(struct duet_request *request, int status)
{
    if (request->outbound != NULL)
        duet_outbound_forget(request->outbound, request);
    if (status == 0 && request->is_unread && request->done != NULL)
        status = duet_request_read(request);
    atomic_store(&request->status, status);
    if (request->done != NULL)
        request->done(request, request->ctx);
    duet_waits_tell(request);
    duet_request_free(request); /* who sent it needs it no more */
}

/* ---- On the loop ---- */

static int find_way(struct duet_request *request, struct duet_outbound **outbound)
{
    const struct duet_session_keeper *keeper = request->session->keeper;
    if (request->error < 0)
        return request->error;
    if (atomic_load(&request->is_cancelled))
        return -ECANCELED;
    return keeper->outbound(keeper->ctx, request->session, outbound);
}

static int notify(struct duet_request *request, struct duet_outbound *outbound)
{
    struct duet_buf *call = &request->writer.out;
    size_t from = request->codec->readdress(call->data, DUET_KIND_NOTIFICATION, 0);
    struct duet_notice *notice = duet_notice_new(call, from);
    if (notice == NULL)
        return -ENOMEM;
    int rc = duet_outbound_notify(outbound, request->session, notice);
    duet_notice_unref(notice);
    return rc;
}

/* Sends it or says why not. */
static int start(struct duet_request *request)
{
    struct duet_outbound *outbound;
    int rc = find_way(request, &outbound);
    if (rc < 0)
        return rc;
    return request->kind == DUET_KIND_NOTIFICATION ? notify(request, outbound)
                                                   : duet_outbound_send(outbound, request);
}

static void excuse(struct duet_request *request)
{
    if (request->outbound != NULL)
        duet_outbound_excuse(request->outbound, request);
}

/* Does what was asked for. A request that ended at once is told of its end. */
static void attend(struct duet_request *request, unsigned asked)
{
    if (asked & ASKED_SEND) {
        atomic_fetch_sub(&request->session->posted, request->posted);
        int rc = start(request);
        if (rc < 0 || request->kind == DUET_KIND_NOTIFICATION) {
            duet_request_end(request, rc);
            return;
        }
    }
    if (asked & ASKED_EXCUSE)
        excuse(request);
    if (asked & ASKED_CANCEL && request->outbound != NULL)
        duet_request_end(request, -ECANCELED);
}

static void on_letter(struct duet_letter *letter)
{
    struct duet_request *request = DUET_HOLDER(letter, struct duet_request, letter);
    attend(request, atomic_exchange(&request->asked, 0));
    duet_request_free(request);
}

/* ---- From any thread ---- */

/* No loop is there any more: this thread ends it. */
static void attend_alone(struct duet_request *request, unsigned asked)
{
    if (!(asked & ASKED_SEND))
        return;
    atomic_fetch_sub(&request->session->posted, request->posted);
    duet_request_end(request, request->error < 0 ? request->error : -ENOTCONN);
}

/* The letter is on its way as long as something is asked. */
static void ask(struct duet_request *request, unsigned what)
{
    if (atomic_fetch_or(&request->asked, what) != 0)
        return;
    request->letter.deliver = on_letter;
    atomic_fetch_add(&request->references, 1);
    if (duet_postbox_post(&request->session->keeper->box, &request->letter))
        return;
    attend_alone(request, atomic_exchange(&request->asked, 0));
    duet_request_free(request);
}

int duet_request_errno(const struct duet_fault *fault, int rc)
{
    if (rc == -ENOMEM)
        return rc;
    return fault->code == DUET_FAULT_LIMIT ? -EMSGSIZE : -EINVAL;
}

/* What has been written is a whole call, or an error. Faults of the writer have their words. */
static int complete(struct duet_request *request)
{
    if (request->error < 0)
        return request->error;
    int rc = duet_writer_finish(&request->writer);
    if (rc == 0)
        rc = request->codec->end_call(&request->writer);
    return rc == 0 ? 0 : duet_request_errno(&request->fault, rc);
}

/* Who sends faster than the loop can take it is told: 0 or -ENOBUFS. */
static int post(struct duet_request *request)
{
    struct duet_session *session = request->session;
    request->posted = sizeof *request + request->writer.out.size;
    size_t before = atomic_fetch_add(&session->posted, request->posted);
    bool has_room =
        before == 0 || before + request->posted <= session->keeper->terms.max_posted;
    return has_room ? 0 : -ENOBUFS;
}

/* It is on its way, by the loop that this thread is. */
static int leave(struct duet_request *request)
{
    if (request->kind == DUET_KIND_NOTIFICATION)
        duet_request_end(request, 0);
    return 0;
}

int duet_request_dispatch(struct duet_request *request, bool is_waited_for)
{
    if (atomic_exchange(&request->is_sent, true))
        return -EALREADY;
    int rc = request->error = complete(request);
    atomic_fetch_add(&request->references, 1);
    if (request->session == NULL) { /* and no loop */
        duet_request_end(request, rc);
        return rc;
    }
    if (rc == 0 && !duet_session_is_open(request->session))
        rc = request->error = -ENOTCONN;
    /* On its own loop it goes out at once, before the answer that its handler gives. If it
     * cannot, it ends later all the same: who sends it may hold a lock. */
    if (rc == 0 && duet_postbox_is_here(&request->session->keeper->box)) {
        rc = request->error = start(request);
        if (rc == 0)
            return leave(request);
    }
    int room = post(request);
    if (rc == 0)
        rc = request->error = room;
    ask(request, ASKED_SEND | (is_waited_for ? ASKED_EXCUSE : 0));
    return rc;
}

int duet_request_send(duet_request *request, void (*done)(duet_request *request, void *ctx),
                      void *ctx)
{
    if (request == NULL) {
        if (done != NULL)
            done(NULL, ctx); /* there is no memory to do it later */
        return -ENOMEM;
    }
    if (atomic_load(&request->is_sent))
        return -EALREADY;
    request->done = done;
    request->ctx = ctx;
    return duet_request_dispatch(request, false);
}

int duet_request_notify(duet_request *request)
{
    if (request == NULL)
        return -ENOMEM;
    if (atomic_load(&request->is_sent))
        return -EALREADY;
    request->kind = DUET_KIND_NOTIFICATION;
    return duet_request_dispatch(request, false);
}

void duet_request_cancel(duet_request *request)
{
    if (request == NULL)
        return;
    atomic_store(&request->is_cancelled, true);
    if (atomic_load(&request->is_sent) && request->session != NULL)
        ask(request, ASKED_CANCEL);
}

void duet_request_excuse(struct duet_request *request)
{
    ask(request, ASKED_EXCUSE);
}
