/*
 * One call coming in, from its message to its reply. It knows what its service lets it do, and
 * never who serves it: whoever holds calls makes them a member of a struct of its own. At each
 * moment exactly one thread holds a call.
 */
#ifndef DUET_CALL_H
#define DUET_CALL_H

#include "fate.h"
#include "recipient.h"
#include "registry.h"
#include "service.h"
#include "writer.h"

#include <netinet/in.h>

struct duet_call {
    const struct duet_service *service;
    const struct duet_registry *registry; /* the methods there are: its holder sees to it that
                                             they stay */
    struct duet_call *root; /* itself; or the call whose handler invoked this one */
    struct duet_recipient to;
    struct duet_incoming request;
    struct duet_method_entry *method; /* NULL until found */
    struct duet_writer *writer;       /* own_writer; or the one an invoked call writes to */
    size_t wire_size;                 /* of the request */
    unsigned invoke_depth;            /* of calls within calls */
    int status;                       /* HTTP status of the reply */
    bool is_read;                     /* head has been read (or has failed) */
    bool is_done;     /* the reply is complete: only compression is left to do */
    bool is_gzip;     /* the reply is compressed */
    bool has_failed;  /* duet_fail() was called: the call fails, whatever its handler returns */
    bool is_refused;  /* the fault is a refusal: it did not run */
    _Atomic int fate; /* enum duet_fate, by the functions of fate.h */
    char *peer_text;  /* made when asked for */
    struct sockaddr_in6 peer;
    struct duet_account account; /* that large memory is taken from: arena, reply, inflated
                                    message */
    size_t charged;              /* of the same budget, for all the rest */
    struct duet_arena arena;
    struct duet_buf message; /* owned when it was read into a buffer of its own */
    struct duet_writer own_writer;
    struct duet_fault fault;
};

/* A call with no memory of its own yet. It points into itself: it must not be moved. */
void duet_call_init(struct duet_call *call, const struct duet_service *service);
void duet_call_done(struct duet_call *call);

/* Makes it ready for the next request. With `trim`, only a little memory is kept. */
void duet_call_reset(struct duet_call *call, bool trim);

/* Accounts for memory that is not on its account, in all; a reset takes it back. */
void duet_call_charge(struct duet_call *call, size_t bytes);

/* Reads what is needed to find the method, then finds it among those of its registry. 0 or
 * DUET_FAILED with the fault set. */
int duet_call_route(struct duet_call *call);

/* Everything from decoding to a complete reply in own_writer. `rc` below 0 is what failed
 * before; then only the fault is written. */
void duet_call_run(struct duet_call *call, int rc);

/* Makes it a call that was not run because there is no room or no turn for it just now:
 * DUET_FAULT_BUSY with these words, and 503 in HTTP. Returns DUET_FAILED. */
int duet_call_refuse(struct duet_call *call, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Makes it the fault of a call for which the memory of all messages and replies under way has
 * no room; returns DUET_FAILED. */
int duet_call_refuse_over_budget(struct duet_call *call);

/* How a call that was run (or refused) ended. */
enum duet_ended duet_call_ended(const struct duet_call *call);

/* Makes it the fault of a call whose method runs too often already; returns DUET_FAILED. */
int duet_call_refuse_busy(struct duet_call *call);

/* Whether the reply should be compressed, and the caller of duet_call_run has not done it
 * yet. */
bool duet_call_wants_gzip(const struct duet_call *call);

/* Compresses the reply; if that fails it stays as it is. */
void duet_call_compress(struct duet_call *call);

/* A whole fault reply in own_writer, whatever was there before. */
void duet_call_write_fault(struct duet_call *call);

#endif
