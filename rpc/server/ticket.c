/*
 * Tickets by id: an index into blocks, and a generation that makes an old id name nothing.
 */
#include "ticket.h"

#include <stdlib.h>

enum { BLOCK = 256 }; /* tickets in a block */

static struct duet_ticket *ticket_at(const struct duet_tickets *tickets, uint32_t index)
{
    return &tickets->blocks[index / BLOCK][index % BLOCK];
}

static int add_block(struct duet_tickets *tickets)
{
    uint32_t n = tickets->block_count;
    struct duet_ticket **blocks =
        realloc(tickets->blocks, (n + 1) * sizeof(struct duet_ticket *));
    if (blocks == NULL)
        return -1;
    tickets->blocks = blocks;
    blocks[n] = calloc(BLOCK, sizeof **blocks);
    if (blocks[n] == NULL)
        return -1;
    tickets->block_count++;
    for (uint32_t i = BLOCK; i-- > 0;) {
        struct duet_ticket *ticket = &blocks[n][i];
        ticket->id = n * BLOCK + i; /* generation 0: never handed out */
        ticket->next = tickets->free;
        tickets->free = ticket;
    }
    return 0;
}

static void put_on_list(struct duet_ticket *ticket, struct duet_ticket **head)
{
    ticket->next = *head;
    if (ticket->next != NULL)
        ticket->next->link = &ticket->next;
    ticket->link = head;
    *head = ticket;
}

static void take_off_list(struct duet_ticket *ticket)
{
    *ticket->link = ticket->next;
    if (ticket->next != NULL)
        ticket->next->link = ticket->link;
    ticket->link = NULL;
}

struct duet_ticket *duet_ticket_open(struct duet_tickets *tickets, struct duet_ticket **head)
{
    if (tickets->free == NULL && add_block(tickets) < 0)
        return NULL;
    struct duet_ticket *ticket = tickets->free;
    tickets->free = ticket->next;
    ticket->id += UINT64_C(1) << 32;
    put_on_list(ticket, head);
    tickets->open++;
    return ticket;
}

struct duet_ticket *duet_ticket_find(const struct duet_tickets *tickets, uint64_t id)
{
    uint32_t index = (uint32_t)id;
    if (index >= tickets->block_count * BLOCK)
        return NULL;
    struct duet_ticket *ticket = ticket_at(tickets, index);
    return ticket->id == id && ticket->link != NULL ? ticket : NULL;
}

void duet_ticket_move(struct duet_ticket *ticket, struct duet_ticket **head)
{
    take_off_list(ticket);
    put_on_list(ticket, head);
}

void duet_ticket_close(struct duet_tickets *tickets, struct duet_ticket *ticket)
{
    take_off_list(ticket);
    duet_wheel_clear(&ticket->deadline);
    ticket->next = tickets->free;
    tickets->free = ticket;
    tickets->open--;
}

void duet_tickets_each(struct duet_tickets *tickets,
                       void (*visit)(struct duet_ticket *ticket, void *ctx), void *ctx)
{
    for (uint32_t i = 0; i < tickets->block_count * BLOCK; i++)
        if (ticket_at(tickets, i)->link != NULL)
            visit(ticket_at(tickets, i), ctx);
}

void duet_tickets_done(struct duet_tickets *tickets)
{
    for (uint32_t i = 0; i < tickets->block_count; i++)
        free(tickets->blocks[i]);
    free(tickets->blocks);
    *tickets = (struct duet_tickets){0};
}
