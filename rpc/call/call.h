/*
 * One call coming in, from its message to its reply. It knows what its service lets it do, and
 * never who serves it: whoever holds calls makes them a member of a struct of its own. At each
 * moment exactly one thread holds a call.
 */
#ifndef DUET_CALL_H
#define DUET_CALL_H

#include "fate.h"
#include "fault_data.h"
#include "kept.h"
#include "recipient.h"
#include "registry.h"
#include "service.h"
#include "session.h"
#include "writer.h"

#include <assert.h>

/* clang-format off */
/*   READ --its head--> ROUTED --start-------------------------> RUNNING ----finish----> ANSWERED
 *     |                  |  \--the gate of its method--> ADMITTED --start--^ \             ^ ^
 *     |                  |                                |      its handler keeps it      | |
 *     |                  |                                |                    \--> KEPT --/ |
 *     \------------------\--------------------------------\------- refuse ------------------/
 *
 * READ: its message is here, whole. ROUTED: its head was read, or found unreadable, and its method
 * looked up. ADMITTED: it waits no more for its turn. RUNNING: its arguments are decoded, its handler
 * writes its result. KEPT: whoever has its duet_kept may write and finish it, on any thread, be its
 * handler still running or not. ANSWERED: its reply is complete; only compression is left to do. */
/* clang-format on */
enum duet_call_stage {
    CALL_READ,
    CALL_ROUTED,
    CALL_ADMITTED,
    CALL_RUNNING,
    CALL_KEPT,
    CALL_ANSWERED
};

struct duet_call {
    const struct duet_service *service;
    const struct duet_registry *registry; /* the methods there are: its holder sees to it that
                                             they stay */
    struct duet_call *root;       /* itself; or the call whose handler invoked this one */
    struct duet_session *session; /* that it came over; a user of it, or its loop's own */
    struct duet_recipient to;
    struct duet_incoming request;
    struct duet_method_entry *method; /* NULL until found */
    struct duet_writer *writer;       /* own_writer; or the one an invoked call writes to */
    size_t wire_size;                 /* of the request */
    unsigned invoke_depth;            /* of calls within calls */
    int status;                       /* HTTP status of the reply */
    enum duet_call_stage stage;       /* only duet_call_enter assigns it */
    enum duet_ended ending; /* ENDED_OK, until it is known to be a fault or a refusal */
    bool reply_is_gzip;
    _Atomic int fate;                   /* enum duet_fate, by the functions of fate.h */
    struct duet_kept_note *note;        /* while its handler runs; hooks find NULL */
    uint64_t kept;                      /* the id of its slot, or 0 */
    struct duet_slot *_Atomic slots;    /* of it and the calls within it: see kept_slots.h */
    struct duet_call *data_home;        /* itself; or the one around it whose memory it uses */
    struct duet_fault_data *fault_data; /* of itself and those whose home it is: a list */
    uint64_t arrived_ns, started_ns;    /* when it was whole, and when its waiting ended */
    uint64_t began_ns; /* when its handler did, if there are hooks to be told; 0: it has not */
    const char *default_name;    /* of a method that is the default: as it was called */
    bool gathers;                /* those that it invokes are entries, */
    bool is_entry;               /* which are kept without its waiting */
    struct duet_within *within;  /* an invoked call that is kept: its own memory */
    struct duet_within *entries; /* that were kept */
    const struct duet_writer_scope *scope; /* of an invoked call, in its writer */
    struct duet_account account;           /* of all its memory */
    size_t wants;   /* to be reserved before it can be started; 0: it is small */
    bool is_parked; /* it was not started, for want of room */
    bool is_let_in; /* it was put aside, and now it may start */
    struct duet_arena arena;
    struct duet_buf message; /* owned when it was read into a buffer of its own */
    struct duet_writer own_writer;
    struct duet_fault fault;
    struct duet_wait *wait; /* its handler waits for a client: under the lock of those that
                               do */
};

/* A call with no memory of its own yet. It points into itself: it must not be moved. */
void duet_call_init(struct duet_call *call, const struct duet_service *service);
void duet_call_done(struct duet_call *call);

/* Makes it ready for the next request. With `trim`, only a little memory is kept. */
void duet_call_reset(struct duet_call *call, bool trim);

enum { DUET_SMALL_CALL_BYTES = 6 * 1024 }; /* all that an everyday call holds while it waits */

/* What it takes from here on is of a connection's part, until it is reset. With `adopt`, what
 * it has taken as well. The home loop's thread. */
void duet_call_join(struct duet_call *call, struct duet_budget_part *part, bool adopt);

/* All the memory that a message of that size in this format, with at most so many values, may
 * need until its reply is made. */
size_t duet_call_will_need(const struct duet_codec *codec, size_t size, size_t max_values);

/* Whether there is room for it to be started, which is then reserved; if not it is to be put
 * aside until there is (see `wants`). A call that has joined its connection's part. */
bool duet_call_may_start(struct duet_call *call);

/* The same for one that was put aside. */
bool duet_call_finds_room(struct duet_call *call);

/* On to a later stage; a reset begins anew. */
static inline void duet_call_enter(struct duet_call *call, enum duet_call_stage stage)
{
    assert(stage > call->stage);
    call->stage = stage;
}

/* Reads what is needed to find the method, then finds it among those of its registry. 0 or
 * DUET_FAILED with the fault set. */
int duet_call_route(struct duet_call *call);

/* Decodes and checks the arguments, asks the before-hook, runs the handler. Returns what
 * duet_call_finish needs to know; or DUET_CALL_IS_KEPT: then the call is not the caller's any
 * more, and may be gone. */
int duet_call_start(struct duet_call *call);

/* What its handler, or who has kept it, returned as the end of the call: 0, or below 0 what
 * duet_call_finish needs to know. */
int duet_call_judge(struct duet_call *call, int rc);

/* What was written of its answer, or fault, is discarded. */
void duet_call_write_anew(struct duet_call *call);

/* The reply is completed, or becomes a fault: `rc` below 0 is what failed. Tells the
 * after-hook. */
void duet_call_finish(struct duet_call *call, int rc);

/* Answers a call that does not run with its fault. `rc` is below 0: what failed. */
void duet_call_refuse(struct duet_call *call, int rc);

/* Makes it the fault of a call that there is no room or no turn for just now: DUET_FAULT_BUSY
 * with these words, 503 in HTTP. Returns DUET_FAILED. */
int duet_call_fail_busy(struct duet_call *call, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Of one for which the memory of all messages and replies under way has no room. */
int duet_call_fail_over_budget(struct duet_call *call);

/* Of one whose method runs too often already. */
int duet_call_fail_method_busy(struct duet_call *call);

/* Whether the reply should be compressed, and has not been yet. */
bool duet_call_wants_gzip(const struct duet_call *call);

/* Compresses the reply; if that fails it stays as it is. */
void duet_call_compress(struct duet_call *call);

/* A whole fault reply in own_writer, whatever was there before. */
void duet_call_write_fault(struct duet_call *call);

#endif
