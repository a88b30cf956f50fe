/*
 * What the home's own files share (home.c, accept.c, browser.c, called.c, handover.c,
 * kept_home.c, reply.c, pages.c, home_life.c); nobody else includes it.
 */
#ifndef DUET_HOME_PARTS_H
#define DUET_HOME_PARTS_H

#include "caller.h"
#include "home.h"
#include "protocol.h"

/* home.c */
extern const struct duet_conn_events duet_home_events;

/* reply.c */

/* Counts how an accepted call ended: once for each. The times are 0 for calls that no worker
 * ran. */
void duet_home_count_end(struct duet_home *home, struct duet_method_entry *method,
                         enum duet_ended how, uint64_t queue_ns, uint64_t run_ns);

/* Wraps a body for its request and sends it; after the last reply of a connection, finishes
 * that. */
void duet_home_send(struct duet_conn *conn, struct duet_head *head, const void *body);

/* Sends what a call has for an answer, which may be nothing; takes the job. `conn` is NULL for
 * a notification that has outlived its connection. */
void duet_home_send_answer(struct duet_conn *conn, struct duet_job *job);

/* The same, and counts how the call ended. */
void duet_home_answer(struct duet_conn *conn, struct duet_job *job);

/* called.c */

/* A reply finds its request, or nobody asked for it. Takes the job; the callback comes last. */
void duet_home_take_reply(struct duet_conn *conn, struct duet_job *job);

/* Whether a call may be taken while an answer of its client is awaited. In a drain only those
 * are that a handler waits for. 0 or DUET_FAILED with the fault set. */
int duet_home_judge_beside_answers(const struct duet_conn *conn, struct duet_call *call);

/* browser.c */

/* Whether an HTTP request may come in, as far as web pages go; else it is rejected with 403.
 * Before anything of it is looked at. */
bool duet_browser_admits(struct duet_conn *conn, struct duet_message *message);

/* For one that is rejected for other reasons: a page that may call may read why. */
void duet_browser_note(struct duet_conn *conn, struct duet_message *message);

/* The head's `extra`, and the lines that let the page read the reply, with
 * DUET_NOTE_ORIGIN_ALLOWED. Written into `room`, of DUET_HEAD_EXTRA_MAX + 1 bytes. */
const char *duet_browser_lines(const struct duet_conn *conn, const struct duet_head *head,
                               char *room);

/* handover.c */

/* Gives a call to the workers; takes it. From here on it belongs to whoever runs it; what is
 * known of it here is its ticket. `whole` as conn's message event has it. */
void duet_home_hand_over(struct duet_conn *conn, struct duet_job *job, struct duet_buf *whole);

/* Moves what somebody else will need of the message into the call, if it is not there yet. A
 * decoded call has it all in its arena. 0 or -ENOMEM. */
int duet_home_own_message(struct duet_job *job, struct duet_buf *whole);

/* A ticket for one that its handler keeps, on this loop: nobody else has held it. 0 or
 * -ENOMEM. */
int duet_home_lend_kept(struct duet_job *job);

/* A call that somebody else holds has a time limit if its method has one, or the server. */
void duet_home_limit_time(struct duet_ticket *ticket, uint64_t from_ns);

/* Puts a call with the turn's others; and pushes them. */
void duet_home_enqueue(struct duet_home *home, struct duet_job *job);
void duet_home_push(struct duet_home *home);

/* The result of a call has come home: to its connection, if its ticket is still there. */
void duet_home_settle(struct duet_job *job);

/* A call has come home whose ticket is gone. If it had not begun when it was answered, its
 * after-hook is told here. */
void duet_home_forget_job(struct duet_job *job);

/* Whether the call of a ticket is a notification; or may be one, which only the worker knows
 * that reads it now. */
bool duet_home_may_be_notification(const struct duet_ticket *ticket);

/* Nobody wants its answer any more. A call that nobody has begun is gone with it, and its place
 * in the queue or in line is free; whoever has begun it learns that, and finds the ticket
 * gone. */
void duet_home_drop_ticket(struct duet_ticket *ticket);

/* A call has come home whose ticket is gone. If it had not begun when it was answered, its
 * after-hook is told here. */
void duet_home_forget_job(struct duet_job *job);

/* Puts a call with the turn's others that go to the workers; or a handler takes it in that
 * waits for its client. */
void duet_home_enqueue(struct duet_home *home, struct duet_job *job);

/* aside.c */

/* A call that found no room waits for it with its connection, or goes on if that is gone. */
void duet_home_put_aside(struct duet_conn *conn, struct duet_job *job);

/* There is room: conn's resume event. */
void duet_home_resume(struct duet_conn *conn, bool is_admitted);

/* The peer is gone, and its tickets but for notifications: these go on. */
void duet_home_leave_aside(struct duet_conn *conn);

/* The drain's deadline has passed: answers a ticket with a fault, whoever holds its call. */
void duet_home_cancel_ticket(struct duet_ticket *ticket, void *ctx);

/* kept_home.c */

/* The connection of a call that is over may be read on, as far as that call goes. NULL: it is
 * gone. */
void duet_home_release(const struct duet_ticket *ticket, struct duet_conn *conn);

/* The same, and the ticket is done with. */
void duet_home_close_ticket(struct duet_ticket *ticket, struct duet_conn *conn);

/* What the method of a call that somebody else holds says of callers that end sending
 * (DUET_METHOD_FIN_CANCELS) and of drains (DUET_METHOD_DRAIN_CANCELS), if that is so already
 * when the ticket is new, or its method has just become known. The ticket may be gone after;
 * then, for all those of a connection that was open, and of all calls. */
void duet_home_mind_method(struct duet_ticket *ticket);
void duet_home_mind_fin(struct duet_conn *conn);
void duet_home_mind_drain(struct duet_home *home);

/* accept.c */

/* How many calls of a connection may be in flight: what it takes to remember them when they are
 * small and wait is within its part of the memory, too. */
uint32_t duet_home_max_in_flight(const struct duet_home *home,
                                 const struct duet_protocol_row *protocol);

/* Why a connection is open only to be told that it is one too many. */
enum duet_excess { EXCESS_NONE, EXCESS_CONNECTIONS, EXCESS_PER_ADDRESS };

/* A connection that is not open yet. */
struct duet_newcomer {
    struct duet_stream stream;
    uint16_t listener; /* that it came by: an index, or DUET_NO_LISTENER */
    const struct sockaddr *peer;
};

/* What it came by; NULL if a program brought it. */
static inline const struct duet_listener *duet_home_listener_of(const struct duet_home *home,
                                                                const struct duet_conn *conn)
{
    uint16_t i = duet_caller_of(conn)->listener;
    return i != DUET_NO_LISTENER ? &home->server->listeners[i] : NULL;
}

/* Opens it, counted already but for what exceeds a limit; NULL, with the stream closed and
 * nothing counted, on failure. */
struct duet_conn *duet_home_open_conn(struct duet_home *home, enum duet_excess excess,
                                      const struct duet_newcomer *newcomer);

/* 0 or -errno. */
int duet_home_start_accepting(struct duet_home *home);

/* A connection is gone, or was never opened: it counts no more. */
void duet_home_forget(struct duet_home *home, enum duet_excess excess,
                      const struct sockaddr *peer);

/* pages.c */

/* Rejects an HTTP request that cannot be answered by a fault, in plain text; the connection
 * ends. */
void duet_pages_reject(struct duet_conn *conn, const struct duet_message *message);

/* Whether it asks how the server is: GET or HEAD of /healthz. */
bool duet_pages_is_health(const struct duet_message *message);

/* Answers an HTTP request that is no call. */
void duet_pages_answer(struct duet_home *home, struct duet_conn *conn,
                       const struct duet_message *message);

#endif
