/*
 * One call going out: written by whoever makes it, sent and ended on the loop of its session,
 * read by whoever looks at it. Two refer to it: its maker, until it frees it, and who sends it,
 * until it has ended.
 */
#ifndef DUET_REQUEST_H
#define DUET_REQUEST_H

#include "arena.h"
#include "deadline.h"
#include "outbound.h"
#include "session.h"
#include "writer.h"

struct duet_request {
    /* Its maker's, until it is sent. */
    struct duet_session *session; /* a reference */
    const struct duet_codec *codec;
    struct duet_writer writer;
    struct duet_fault fault; /* words of what went wrong on this side */
    unsigned timeout_ms;     /* or DUET_NO_TIMEOUT */
    int error;               /* it cannot be sent: -errno; it was found out before */
    void (*done)(struct duet_request *request, void *ctx);
    void *ctx;
    size_t posted;       /* bytes, on its way to its loop */
    enum duet_kind kind; /* _REQUEST or _NOTIFICATION */

    /* For any thread. */
    _Atomic unsigned references;
    _Atomic unsigned asked; /* of its loop */
    _Atomic bool is_sent, is_cancelled;
    _Atomic bool is_waited_for;
    struct duet_wait *wait; /* under the lock of wait.c */
    _Atomic int status;     /* -EINPROGRESS until it has ended */
    struct duet_letter letter;

    /* Its loop's, while it is out. */
    struct duet_outbound *outbound; /* NULL when it is not */
    struct duet_pending_call pending;
    struct duet_deadline deadline;
    bool is_excused;

    /* The reply. Read by the loop if there is a callback, else by who looks first. */
    bool is_unread;
    struct duet_buf message;
    uint64_t values;
    struct duet_arena arena;
    struct duet_response response;
};

/* Reads its reply. 0, DUET_REQUEST_FAULT, or -EPROTO with words. */
int duet_request_read(struct duet_request *request);

/* It has ended: tells whoever wants to know. On its loop, if that still turns. */
void duet_request_end(struct duet_request *request, int status);

/* The -errno of a writer's failure, whose words are in the fault. */
int duet_request_errno(const struct duet_fault *fault, int rc);

/* Sends it, if it is not sent yet. With `excuse`, a handler waits for it (outbound.h). 0 or the
 * -errno that stands in its way; then it ends all the same. */
int duet_request_dispatch(struct duet_request *request, bool excuse);

/* The handler that waits for it, sent already, is one of its session's. */
void duet_request_excuse(struct duet_request *request);

#endif
