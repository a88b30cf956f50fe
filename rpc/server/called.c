/*
 * Connections whose clients are called: their answers, and what comes beside those. On the
 * loop's thread.
 */
#include "home_parts.h"
#include "request.h"

void duet_home_take_reply(struct duet_conn *conn, struct duet_job *job)
{
    struct duet_home *home = job->home;
    struct duet_outbound *outbound = duet_caller_of(conn)->outbound;
    struct duet_request *request = NULL;
    if (outbound != NULL)
        request = duet_outbound_answer(outbound, &job->call.request, &job->call.message);
    if (request == NULL)
        duet_count(&home->unasked, 1);
    duet_job_recycle(job);
    if (request != NULL)
        duet_request_end(request, request->error);
}

/* It is read on all the same, for the answers that we wait for. */
static int fail_over_limit(const struct duet_conn *conn, struct duet_call *call)
{
    const struct duet_conn_limits *limits = &conn->conns->conn_limits;
    return duet_call_fail_busy(call,
                               "the connection is busy: %" PRIu32 " calls of it with %zu bytes "
                               "are in progress and %zu bytes of answers unread "
                               "(--max-in-flight %" PRIu32 ", --max-in-flight-bytes %zu, "
                               "--out-mark %zu, --max-buffered-per-connection %zu), and its "
                               "answer is awaited; try again",
                               conn->in_flight, conn->in_flight_bytes, conn->out_size,
                               conn->max_in_flight, limits->max_in_flight_bytes,
                               limits->out_mark, limits->max_part);
}

int duet_home_judge_beside_answers(const struct duet_conn *conn, struct duet_call *call)
{
    if (conn->answers_only && conn->excused == 0) {
        call->ending = ENDED_REFUSED;
        call->status = 503;
        return duet_fault_set(&call->fault, DUET_FAULT_SHUTTING_DOWN,
                              "the server shuts down, and takes no more calls");
    }
    return duet_conn_is_over(conn) ? fail_over_limit(conn, call) : 0;
}
