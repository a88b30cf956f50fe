/*
 * What conns.c and the files of conn_*.c share; nobody else includes it.
 */
#ifndef DUET_CONN_PARTS_H
#define DUET_CONN_PARTS_H

#include "conn.h"

enum {
    DUET_SLAB_SIZE = 16 * 1024,   /* of replies, copied one after another */
    DUET_TURN_SHARE = 256 * 1024, /* read or written of one connection in a turn: some 100 us,
                                     after which the others have theirs */
};

/* A drain limits what is still read. */
static inline bool duet_conn_is_limited(const struct duet_conn *conn)
{
    return conn->read_left != SIZE_MAX;
}

/* Somebody else holds calls of it. */
static inline bool duet_conn_has_calls(const struct duet_conn *conn)
{
    return conn->in_flight > 0 || conn->kept > 0;
}

/* conn.c */
void duet_conn_enter(struct duet_conn *conn, enum duet_conn_state state);
void duet_conn_enter_input(struct duet_conn *conn, enum duet_conn_input input);

/* The peer is gone: closes, but for bytes that it sent before, which are read first. */
void duet_conn_abandon(struct duet_conn *conn);

/* Goes on to the next state when nothing is left to do in this one. */
void duet_conn_settle(struct duet_conn *conn);

/* Of one that is closed, and in no list. Takes NULL. */
void duet_conn_free(struct duet_conn *conn);

/* conns.c */

/* A place in the table, and with it the connection's id; 0 or -ENOMEM. */
int duet_conns_take_slot(struct duet_conns *conns, struct duet_conn *conn);
void duet_conns_free_slot(struct duet_conns *conns, uint64_t id);

/* conn_flow.c */

/* No limit stops it from being read; and one that does is counted. */
bool duet_conn_may_read(const struct duet_conn *conn);
void duet_conn_count_pause(struct duet_conn *conn);

/* Asks epoll for what the state needs. */
void duet_conn_watch(struct duet_conn *conn);

/* conn_time.c */

/* A new wait begins: its deadline. */
void duet_conn_wait_since_now(struct duet_conn *conn);

/* The kernel takes no more, after `written` bytes in a row: how its reader goes on is watched
 * until all is out. */
void duet_conn_wait_for_reader(struct duet_conn *conn, size_t written);

/* How many of the bytes that were written have left our kernel's buffer, which may be megabytes
 * large: what it takes from us says little of the peer. On a unix socket its bookkeeping counts
 * too, so that the number may be below 0 and only differences mean anything. */
int64_t duet_conn_taken_by_now(const struct duet_conn *conn);

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

/* Refuses the message under way, for others wait for the memory that it holds; then the
 * connection is finished. */
void duet_conn_refuse_busy(struct duet_conn *conn);

/* conn_spare.c */

/* Room for `more` bytes in the connection's own buffer, or for all `rest` that may come: in the
 * memory of an earlier message, if any of it is large enough. */
int duet_conn_reserve(struct duet_conn *conn, size_t more, size_t rest);

/* Memory for the state of a message under way, NULL when there is none; and back. */
void *duet_conn_take_state(struct duet_conn *conn);
void duet_conn_reuse_state(struct duet_conn *conn, void *state);

void duet_conns_free_spares(struct duet_conns *conns);

/* conn_room.c */

/* Reading on would take memory that others need more. What was let in is read to its end. */
static inline bool duet_conn_lacks_room(const struct duet_conn *conn)
{
    return (conn->is_held_back || conn->conns->is_short) && !conn->account.is_admitted &&
           !conn->is_tiny;
}

/* There is no room, but what is tiny is served all the same. */
bool duet_conn_slips_through(struct duet_conn *conn);

/* A large message is under way: whether it may be read on now. If not, it waits in line. */
bool duet_conn_ask_room(struct duet_conn *conn);

/* Looks whether it still may have more of the budget. */
void duet_conn_see_part(struct duet_conn *conn);

/* From here on it counts how long its peer does not move. */
void duet_conn_note_move(struct duet_conn *conn);

/* Lets in who waits if there is room, looks for those who stall if there is not. Once a
 * turn. */
void duet_conns_look_after_room_slow(struct duet_conns *conns);
static inline void duet_conns_look_after_room(struct duet_conns *conns)
{
    duet_conns_see_shortage(conns);
    if (duet_budget_is_awaited(conns->budget) || conns->is_awaited || conns->sheds_left > 0 ||
        conns->is_short != conns->was_short ||
        atomic_load_explicit(&conns->budget->floods, memory_order_relaxed) !=
            conns->floods_seen)
        duet_conns_look_after_room_slow(conns);
}

/* conn_out.c */
void duet_conn_touch(struct duet_conn *conn); /* puts it on the list of those to flush */
void duet_conn_flush(struct duet_conn *conn);
void duet_conn_drop_output(struct duet_conn *conn);
void duet_conns_free_slabs(struct duet_conns *conns);

#endif
