/*
 * Connections: bytes in, messages out; replies in, bytes out. A connection belongs to one loop
 * for life and only that loop's thread touches it; others name it by its id. It knows framing
 * and flow control, no RPC: what a message means is for the owner's callbacks (rpc/server).
 * Files: conn.c the states, conn_time.c how long they last, conn_in.c reading, conn_room.c
 * memory, conn_out.c writing.
 */
#ifndef DUET_CONN_H
#define DUET_CONN_H

#include "account.h"
#include "buf.h"
#include "count.h"
#include "framing.h"
#include "loop.h"
#include "scratch.h"
#include "stream.h"

#include <netinet/in.h>
#include <sys/socket.h>

struct duet_conn;
struct duet_conns;

/* What a connection tells its owner. Called on the loop's thread, last thing: the connection
 * may be closed by the callback, but its memory stays until the turn is over. */
struct duet_conn_events {
    /* The first byte has come on a connection that was opened without a framing: which one does
     * it speak? May set max_in_flight. NULL closes it. */
    const struct duet_framing *(*choose)(struct duet_conn *conn, uint8_t first);

    /* One whole message. Its bytes are valid during the call. If `whole` is not NULL, the
     * message fills that buffer and the owner may take it instead of copying. */
    void (*message)(struct duet_conn *conn, struct duet_message *message,
                    struct duet_buf *whole);

    /* The stream cannot be read on, or a time limit passed (message->status 408). The owner may
     * send a last reply; then the connection is finished. */
    void (*bad)(struct duet_conn *conn, struct duet_message *message);

    /* All that a message of that size will need, itself included, until its reply is made. */
    size_t (*will_need)(const struct duet_conn *conn, size_t size);

    /* There is room for calls that the owner has put aside (conn->parked); with the
     * reservation that it asked for, on the connection's account, if it did. */
    void (*resume)(struct duet_conn *conn, bool is_admitted);

    /* Memory is scarce, or a flood is over: what the owner keeps for later may go. */
    void (*shed)(struct duet_conns *conns);

    /* The peer will send no more (FIN). Calls still run, replies are still written. */
    void (*peer_finished)(struct duet_conn *conn);

    /* No message of it is delivered any more; replies to it are still written. */
    void (*unheard)(struct duet_conn *conn);

    /* The peer is gone (a reset, a hang-up, a failed write), though bytes that it sent before
     * are unread. They will be; but nobody takes a reply any more. */
    void (*abandoned)(struct duet_conn *conn);

    /* The connection is gone; its id names nothing any more. The last call for it. */
    void (*closed)(struct duet_conn *conn);
};

/* Bytes to be written that somebody else owns: released when written, or when the connection is
 * gone. */
struct duet_out {
    struct duet_out *next;
    const uint8_t *bytes;
    size_t size;
    void (*release)(struct duet_out *out);
    bool may_drop; /* as long as nothing of it has left, nobody misses it for good */
    size_t charge; /* what it holds for its connection's account; 0: it is on another one */
    void *owner;   /* for release */
};

/* clang-format off */
/*   OPEN --FIN, bad, last request, drain--> FINISHING --last reply out--> LINGERING --EOF, silence--> CLOSED
 *     |                                         \--------------- all is read ---------------------------^
 *     |--reset or hang-up, bytes unread--> ABANDONED --all is read---------------------------------------^
 *     \----------------------- reset, error or deadline, from any state --------------------------------^
 *
 * ABANDONED writes nothing, but reads what its peer sent before it left: notifications want no reply.
 * FINISHING takes no more requests and still writes replies. LINGERING has shut down its writing side
 * and reads on as long as bytes keep coming: a close with bytes unread, or before those that come
 * after it, would reset the connection and take the last reply with it (RFC 9112 9.6). */
/* clang-format on */
enum duet_conn_state { CONN_OPEN, CONN_ABANDONED, CONN_FINISHING, CONN_LINGERING, CONN_CLOSED };

/*   INPUT_OPEN --a FIN is seen, its owner told--> INPUT_ENDING --all is read--> INPUT_ENDED */
enum duet_conn_input { INPUT_OPEN, INPUT_ENDING, INPUT_ENDED };

/* How fast the peer goes on: with the body that it sends, or with taking what was written. */
struct duet_conn_pace {
    uint64_t since_ms; /* when measuring began; or lingering */
    uint64_t bytes;    /* that came, or were taken, since */
    int64_t taken; /* of all bytes written, those its kernel had when it was last looked at */
};

struct duet_conn {
    struct duet_source source;
    struct duet_conns *conns;
    uint64_t id; /* slot + generation: never names another connection later */
    struct duet_stream stream;
    uint8_t state;      /* enum duet_conn_state; only conn_enter assigns it */
    uint8_t input;      /* enum duet_conn_input; only conn_enter_input assigns it */
    bool in_body;       /* of the message under way */
    bool write_blocked; /* no more is taken now, or in this turn */
    bool is_dirty;      /* on the list of connections to flush */
    bool is_ready;      /* on the list of connections to resume */
    bool has_more;      /* bytes follow the message that is being delivered */
    bool is_two_way;    /* its peer may be asked, and is heard until it has answered */
    bool answers_only;  /* what else it sends is for its owner to refuse */
    bool is_paused;     /* a limit stopped it from being read, which was counted */
    bool is_held_back;  /* it waits for room, or its part of the budget is full */
    bool is_tiny;       /* what is being read is so little that it does not wait for room */
    uint32_t watched;   /* epoll events asked for */
    uint32_t in_flight; /* calls that somebody else holds */
    uint32_t max_in_flight;
    uint32_t awaited; /* answers that its peer owes us: it is read on for them */
    uint32_t excused; /* calls in flight that wait for such an answer, and do not count */
    uint32_t kept;    /* calls whose answers may be long in coming: they stop nobody from being
                         read, but the connection waits for them */
    size_t in_flight_bytes; /* their request bytes */
    size_t read_left; /* bytes that are still read; SIZE_MAX until a drain limits them to what
                         had arrived */

    const struct duet_framing *framing; /* NULL until the first byte */
    void *framing_state;                /* only while a message is under way */
    struct duet_buf in; /* bytes read and not yet used; empty between messages */
    size_t in_start;    /* where they begin */
    size_t in_need;     /* how long the message under way will be, if known */
    size_t room_for;    /* how long it may become with what is reserved for it */

    struct duet_budget_part *part; /* of the budget: what it and its calls hold */
    struct duet_account account;   /* of what it has read and not used, and has to write */
    struct duet_waiter waiter;     /* its place in the line of those who wait for room */
    uint32_t parked;               /* of its calls: those that the owner has put aside */
    int64_t moved_before; /* what its peer had sent, or taken, when it was last seen to move */
    uint64_t moved_ms;    /* enough, which was then */
    bool moved_is_taken;  /* and which of both */

    struct duet_out *out_first, *out_last;
    size_t out_offset;               /* of out_first: bytes written already */
    size_t out_size;                 /* unsent bytes in all */
    size_t slab_bytes;               /* memory of those that were copied, */
    size_t slabs_settled;            /* and what of it is on the account */
    size_t hung_bytes, hung_settled; /* the same of those that were hung in, by their charge */

    struct duet_deadline deadline;
    uint64_t active_ms; /* since when the present wait lasts; conn_time.c has its kinds */
    struct duet_conn_pace pace;
    uint64_t received, written; /* bytes, since it was opened */
    uint64_t linger_idle_ms, idle_timeout_ms;
    struct duet_conn *next_dirty, *next_ready, *next_closed;

    void *owner; /* the part of whoever opened it */
    union {
        struct sockaddr any;
        struct sockaddr_in in4;
        struct sockaddr_in6 in6;
    } peer;
    uint64_t owner_part[]; /* where `owner` points */
};

/* What a new connection is. */
struct duet_conn_opening {
    struct duet_stream stream;          /* connected; the connection takes it */
    const struct sockaddr *peer;        /* copied */
    const struct duet_framing *framing; /* NULL: the first byte decides */
    uint32_t max_in_flight;             /* calls that somebody else may hold */
    size_t owner_size; /* bytes for the owner, zero at first, aligned for pointers; gone with
                          the connection */
};

#define DUET_CONN_NEVER UINT64_MAX /* no time limit */

struct duet_conn_limits {
    size_t max_in_flight_bytes;
    size_t max_part;  /* bytes that one connection and its calls may hold */
    size_t max_spare; /* bytes that lie idle, to be used again for the next messages */
    size_t out_mark;
    uint64_t head_timeout_ms, body_timeout_ms, write_timeout_ms, idle_timeout_ms;
    uint64_t linger_timeout_ms, linger_idle_ms;
    uint64_t min_rate; /* bytes per second of a body, or of replies that wait; 0: any; */
    uint64_t rate_ms;  /* an average over so long */
};

struct duet_slab;

enum {
    DUET_SPARE_BUFFERS = 20, /* looked through for each message that one read does not bring
                                whole */
};

/* All connections of one loop, and what they share. */
struct duet_conns {
    struct duet_loop *loop;
    const struct duet_conn_events *events;
    void *ctx; /* the owner's */
    const struct duet_limits *limits;
    struct duet_conn_limits conn_limits;
    struct duet_budget *budget;  /* of what all loops hold for messages and replies under way */
    struct duet_account account; /* of it: what lies idle here, to be used again */
    bool was_short;
    bool is_awaited;           /* somebody waits for room, on any loop */
    bool is_short;             /* so much of it is used that nothing more is read */
    struct duet_line line;     /* of connections that wait for room */
    struct duet_deadline look; /* while anybody does: at who stalls */
    uint64_t let_in_ms;        /* when one of them was let in last */
    unsigned floods_seen, sheds_left, stuck_looks;
    _Atomic size_t idle_bytes; /* held for nobody, as of the last turn */

    struct duet_conn_slot *slots;
    uint32_t slot_count, first_free;
    uint32_t open; /* connections now */

    struct duet_scratch *scratch;      /* one read's bytes, shared by the connections that have
                                          nothing under way */
    struct duet_scratch *next_scratch; /* takes its place after this read: somebody holds it */
    void *scratch_state;               /* of the framing in use during one read */
    struct duet_message message;
    struct duet_conn *dirty, *ready, *closed;
    struct duet_buf spare_buffers[DUET_SPARE_BUFFERS]; /* of messages that are done with */
    size_t spare_bytes;
    void *spare_states; /* of framings; each begins with a pointer to the next */
    unsigned spare_state_count;
    size_t state_size; /* of the framing whose state is largest */
    struct duet_slab *spare_slabs;
    unsigned spare_slab_count;

    _Atomic uint64_t bytes_in, bytes_out;
    _Atomic uint64_t gave_way; /* connections closed because others waited for what they held */

    /* How often each limit stopped a connection from being read. */
    _Atomic uint64_t paused_in_flight, paused_in_flight_bytes, paused_out_mark, paused_buffered;
};

/* 0 or -ENOMEM. The members loop to conn_limits are the caller's to set before. */
int duet_conns_init(struct duet_conns *conns);

/* Closes every connection and frees everything. */
void duet_conns_done(struct duet_conns *conns);

/* The end of a turn: takes up connections that may be read again, writes what is to be written,
 * frees what was closed. */
void duet_conns_turn_over(struct duet_conns *conns);

/* The open connection of that id, or NULL. */
struct duet_conn *duet_conns_find(const struct duet_conns *conns, uint64_t id);

/* Calls `visit` for each open connection, which it may close. */
void duet_conns_each(struct duet_conns *conns, void (*visit)(struct duet_conn *conn, void *ctx),
                     void *ctx);

/* A new connection. The stream is closed on failure: NULL when out of memory or fds. */
struct duet_conn *duet_conn_open(struct duet_conns *conns,
                                 const struct duet_conn_opening *opening);

/* Queues a copy of the bytes; they are written when the turn is over. On failure the connection
 * is closed. */
void duet_conn_send(struct duet_conn *conn, const void *head, size_t head_size,
                    const void *body, size_t body_size);

/* Queues bytes without copying them. Takes `out` whether or not the connection lives. */
void duet_conn_send_out(struct duet_conn *conn, struct duet_out *out);

/* Drops the oldest of what may be dropped and has not begun to leave, until so many bytes are
 * gone of it. Returns how many pieces went. */
size_t duet_conn_drop_oldest(struct duet_conn *conn, size_t bytes);

/* Another call of this connection is in flight; or it is answered, and reading may go on. */
void duet_conn_hold(struct duet_conn *conn, size_t bytes);
void duet_conn_release(struct duet_conn *conn, size_t bytes);

/* An answer of its peer is awaited from now on, whatever is in flight the other way; and that
 * is over. */
void duet_conn_await(struct duet_conn *conn);
void duet_conn_unawait(struct duet_conn *conn);

/* Whether a limit would stop it from being read if no answer were awaited: who reads it on must
 * refuse what comes beside answers. */
bool duet_conn_is_over(const struct duet_conn *conn);

/* How long it may stay without a request, from now on; or DUET_CONN_NEVER. */
void duet_conn_set_idle_timeout(struct duet_conn *conn, uint64_t ms);

/* One of its calls in flight is put aside until `resume`; it is taken up again, or dropped. */
void duet_conn_park(struct duet_conn *conn);
void duet_conn_unpark(struct duet_conn *conn);

/* The scratch that the message under delivery lies in stays as it is until it is released
 * (scratch.h): for who must not move the message. NULL when out of memory. */
struct duet_scratch *duet_conns_hold_scratch(struct duet_conns *conns);

/* One that is in flight is kept from now on: it is counted apart; and then it is answered. */
void duet_conn_keep(struct duet_conn *conn, size_t bytes);
void duet_conn_release_kept(struct duet_conn *conn);

/* Takes the buffer of a message that is done with, and frees it, or keeps it for the next large
 * message: fresh memory of that size costs more in page faults than reading into it. */
void duet_conns_reuse(struct duet_conns *conns, struct duet_buf *buf);

/* The owner has put calls of this connection aside: it waits in line, to be told by `resume`
 * when that much is reserved for the next one; 0: when the budget is not short. */
void duet_conn_wait_for_room(struct duet_conn *conn, size_t wants);

/* Memory has been taken: perhaps nothing more is to be read. */
static inline void duet_conns_see_shortage(struct duet_conns *conns)
{
    conns->is_short = duet_budget_is_short(conns->budget);
}

/* Lets go of what is kept for later. */
void duet_conns_shed(struct duet_conns *conns);

/* No more requests are taken; when the last reply is out, the connection ends in stages, so
 * that the peer gets that reply whatever it still sends. */
void duet_conn_finish(struct duet_conn *conn);

/* The same, but that answers are still heard: those that are out already, and those to what the
 * calls in flight may ask. */
void duet_conn_take_no_calls(struct duet_conn *conn);

/* Its messages are still taken: it is open, or abandoned. */
static inline bool duet_conn_is_heard(const struct duet_conn *conn)
{
    return conn->state == CONN_OPEN || conn->state == CONN_ABANDONED;
}

/* Closes at once; unsent bytes are lost, and if any are unread perhaps those too that the peer
 * has not read. */
void duet_conn_close(struct duet_conn *conn);

/* The server drains: what has arrived by now is still read and answered, nothing after it. */
void duet_conn_drain(struct duet_conn *conn);

/* Bytes have arrived that nobody has looked at yet, whole messages among them perhaps. */
bool duet_conn_has_unread(const struct duet_conn *conn);

/* Whether the message that was just delivered is the last one that this connection will
 * take. */
bool duet_conn_is_last(const struct duet_conn *conn);

#endif
