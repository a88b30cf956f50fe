/*
 * What conn.c, conn_time.c, conn_in.c, conn_room.c and conn_out.c share; nobody else includes
 * it.
 */
#ifndef DUET_CONN_PARTS_H
#define DUET_CONN_PARTS_H

#include "conn.h"

enum {
    DUET_SCRATCH_SIZE = 64 * 1024, /* one read; larger messages get a buffer of their own */
    DUET_SLAB_SIZE = 16 * 1024,    /* of replies, copied one after another */
    DUET_TURN_SHARE = 256 * 1024,  /* read or written of one connection in a turn: some 100 us,
                                      after which the others have theirs */
};

/* A drain limits what is still read. */
static inline bool duet_conn_is_limited(const struct duet_conn *conn)
{
    return conn->read_left != SIZE_MAX;
}

/* conn.c */
void duet_conn_enter(struct duet_conn *conn, enum duet_conn_state state);
void duet_conn_enter_input(struct duet_conn *conn, enum duet_conn_input input);

/* No limit stops it from being read; and one that does is counted. */
bool duet_conn_may_read(const struct duet_conn *conn);
void duet_conn_count_pause(struct duet_conn *conn);

/* Asks epoll for what the state needs. */
void duet_conn_watch(struct duet_conn *conn);

/* The peer is gone: closes, but for bytes that it sent before, which are read first. */
void duet_conn_abandon(struct duet_conn *conn);

/* Goes on to the next state when nothing is left to do in this one. */
void duet_conn_settle(struct duet_conn *conn);

/* conn_time.c */

/* A new wait begins: its deadline. */
void duet_conn_wait_since_now(struct duet_conn *conn);

/* The kernel takes no more, after `written` bytes in a row: how its reader goes on is watched
 * until all is out. */
void duet_conn_wait_for_reader(struct duet_conn *conn, size_t written);

/* The peer's kernel has all that was ever written; a unix socket's has it at once. */
bool duet_conn_is_taken(struct duet_conn *conn);

/* Nothing of ours keeps the peer from sending on, and it need not take anything first. */
bool duet_conn_is_its_turn(const struct duet_conn *conn);

void duet_conn_expired(struct duet_deadline *deadline);

/* conn_in.c */
void duet_conn_read(struct duet_conn *conn);
void duet_conn_resume(struct duet_conn *conn);

/* Reads to EOF and forgets what it reads. */
void duet_conn_discard(struct duet_conn *conn);

/* What is known of the message under way, for who gives it up. `bytes` are what there is of
 * it. */
void duet_conn_tell(const struct duet_conn *conn, uint8_t *bytes, size_t size,
                    struct duet_message *message);

/* Bytes have been read of messages that are not looked at yet. */
bool duet_conn_has_leftover(const struct duet_conn *conn);

/* conn_room.c */

/* Brings the connection's part in the budget up to date. */
void duet_conn_charge(struct duet_conn *conn);

/* Whether all connections together may hold that much more. */
bool duet_conn_has_budget(const struct duet_conn *conn, size_t more);

/* Room for `more` bytes in the connection's own buffer: in the memory of an earlier message, if
 * any of it is large enough. */
int duet_conn_reserve(struct duet_conn *conn, size_t more);

/* Memory for the state of a message under way, NULL when there is none; and back. */
void *duet_conns_take_state(struct duet_conns *conns);
void duet_conns_reuse_state(struct duet_conns *conns, void *state);

void duet_conns_free_spares(struct duet_conns *conns);

/* conn_out.c */
void duet_conn_touch(struct duet_conn *conn); /* puts it on the list of those to flush */
void duet_conn_flush(struct duet_conn *conn);
void duet_conn_drop_output(struct duet_conn *conn);
void duet_conns_free_slabs(struct duet_conns *conns);

#endif
