/*
 * The home loop's table of calls that somebody else holds: for each, to whom its answer goes.
 * Timeout, cancel and drain act on the ticket; a result whose ticket is gone is dropped. The
 * home loop's thread only.
 */
#ifndef DUET_TICKET_H
#define DUET_TICKET_H

#include "conn.h"
#include "recipient.h"

struct duet_job;
struct duet_method_entry;

/* A note of a ticket's own, beside those of its request: its handler has kept the call. */
enum { DUET_TICKET_IS_KEPT = 1 << 30 };

struct duet_ticket {
    uint64_t id;          /* generation << 32 | index */
    struct duet_job *job; /* held by a worker: only its call's fate may be touched */
    struct duet_recipient to;
    size_t bytes;                     /* of the request, held against its connection */
    struct duet_ticket *next, **link; /* the list of its connection; link is NULL when closed */
    struct duet_deadline deadline;    /* of its time limit */
    struct duet_method_entry *method; /* NULL while only a worker knows it */
    void *home;
};

/* Tickets stand in blocks that never move, since lists and deadlines point to them. */
struct duet_tickets {
    struct duet_ticket **blocks;
    uint32_t block_count;
    struct duet_ticket *free; /* linked by next */
    uint32_t open;
};

/* A ticket in the list `head`; NULL when out of memory. The caller fills in the rest. */
struct duet_ticket *duet_ticket_open(struct duet_tickets *tickets, struct duet_ticket **head);

/* The open ticket of that id, or NULL. */
struct duet_ticket *duet_ticket_find(const struct duet_tickets *tickets, uint64_t id);

/* Takes it off its list and puts it into another. */
void duet_ticket_move(struct duet_ticket *ticket, struct duet_ticket **head);

/* Takes it off its list; its id names nothing any more. */
void duet_ticket_close(struct duet_tickets *tickets, struct duet_ticket *ticket);

/* Calls `visit` for each open ticket, which it may close. */
void duet_tickets_each(struct duet_tickets *tickets,
                       void (*visit)(struct duet_ticket *ticket, void *ctx), void *ctx);

void duet_tickets_done(struct duet_tickets *tickets);

#endif
