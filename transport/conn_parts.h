/*
 * What conn.c, conn_in.c and conn_out.c share; nobody else includes it.
 */
#ifndef DUET_CONN_PARTS_H
#define DUET_CONN_PARTS_H

#include "conn.h"

enum {
    DUET_SCRATCH_SIZE = 64 * 1024, /* one read; larger messages get a buffer of their own */
    DUET_CHUNK_SIZE = 16 * 1024,   /* of replies, copied one after another */
};

/* conn.c */
void duet_conn_enter(struct duet_conn *conn, enum duet_conn_state state);
bool duet_conn_may_read(const struct duet_conn *conn); /* no limit stops it from being read */
void duet_conn_count_pause(struct duet_conn *conn);    /* a limit has stopped it */
void duet_conn_watch(struct duet_conn *conn);          /* asks epoll for what the state needs */
void duet_conn_wait_since_now(struct duet_conn *conn); /* a new wait begins: its deadline */
void duet_conn_settle(
    struct duet_conn *conn); /* goes on to the next state when nothing is left to do */

/* conn_in.c */
void duet_conn_charge(
    struct duet_conn *conn); /* brings its part in conns->buffered up to date */
void duet_conn_read(struct duet_conn *conn);
void duet_conn_resume(struct duet_conn *conn);
void duet_conn_discard(struct duet_conn *conn); /* reads to EOF */
bool duet_conn_has_leftover(
    const struct duet_conn *conn); /* bytes read, of messages not looked at yet */

/* conn_out.c */
void duet_conn_touch(struct duet_conn *conn); /* puts it on the list of those to flush */
void duet_conn_flush(struct duet_conn *conn);
void duet_conn_drop_output(struct duet_conn *conn);
void duet_conns_free_chunks(struct duet_conns *conns);

#endif
