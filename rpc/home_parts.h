/*
 * What home.c, home_life.c and pages.c share; nobody else includes it.
 */
#ifndef DUET_HOME_PARTS_H
#define DUET_HOME_PARTS_H

#include "home.h"

/* home.c */
extern const struct duet_conn_events duet_home_events;
void duet_home_recycle(struct duet_call *call);
void duet_home_push(struct duet_home *home);

/* Answers a ticket with a fault while a worker still holds its call, whose result will find the
 * ticket gone. */
void duet_home_answer_ticket(struct duet_ticket *ticket, int code, const char *words);

/* Wraps a body for its request and sends it; after the last reply of a connection, finishes
 * that. */
void duet_home_send(struct duet_conn *conn, struct duet_head *head, const void *body);

/* home_life.c */

/* Looks whether methods have come or gone since the last call. */
void duet_view_refresh_slow(struct duet_home *home);
static inline void duet_view_refresh(struct duet_home *home)
{
    if (atomic_load_explicit(&home->server->registry_number, memory_order_acquire) !=
        home->view_number)
        duet_view_refresh_slow(home);
}
void duet_view_release(struct duet_view *view);

/* pages.c: answers an HTTP request that is no call. */
void duet_pages_answer(struct duet_home *home, struct duet_conn *conn,
                       const struct duet_message *message);

#endif
