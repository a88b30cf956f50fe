/*
 * Tickets: ids that never come back, lists that stay whole, visits that close.
 */
#include "ticket.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { MANY = 1000 };

static size_t length(const struct duet_ticket *head)
{
    size_t n = 0;
    for (; head != NULL; head = head->next)
        n++;
    return n;
}

static void an_open_ticket_is_found_and_a_closed_one_is_not(void **state)
{
    (void)state;
    struct duet_tickets tickets = {0};
    struct duet_ticket *head = NULL;
    assert_null(duet_ticket_find(&tickets, 0));
    assert_null(duet_ticket_find(&tickets, UINT64_MAX));

    struct duet_ticket *ticket = duet_ticket_open(&tickets, &head);
    uint64_t id = ticket->id;
    assert_ptr_equal(duet_ticket_find(&tickets, id), ticket);
    assert_ptr_equal(head, ticket);
    duet_ticket_close(&tickets, ticket);
    assert_null(duet_ticket_find(&tickets, id));
    assert_null(head);
    duet_tickets_done(&tickets);
}

static void ids_that_were_never_given_name_nothing(void **state)
{
    (void)state;
    struct duet_tickets tickets = {0};
    struct duet_ticket *head = NULL;
    uint64_t id = duet_ticket_open(&tickets, &head)->id;
    for (uint32_t index = 0; index < 600; index++) {
        assert_null(duet_ticket_find(&tickets, index));
        assert_null(duet_ticket_find(&tickets, UINT64_C(2) << 32 | index));
        if (index != (uint32_t)id)
            assert_null(duet_ticket_find(&tickets, UINT64_C(1) << 32 | index));
    }
    duet_tickets_done(&tickets);
}

static void an_old_id_does_not_name_the_next_user_of_its_place(void **state)
{
    (void)state;
    struct duet_tickets tickets = {0};
    struct duet_ticket *head = NULL;
    uint64_t old[MANY];
    for (size_t i = 0; i < MANY; i++) {
        struct duet_ticket *ticket = duet_ticket_open(&tickets, &head);
        old[i] = ticket->id;
        for (size_t k = 0; k < i; k++)
            assert_true(old[k] != ticket->id);
        duet_ticket_close(&tickets, ticket);
    }
    struct duet_ticket *present = duet_ticket_open(&tickets, &head);
    for (size_t i = 0; i < MANY; i++)
        assert_null(duet_ticket_find(&tickets, old[i]));
    assert_ptr_equal(duet_ticket_find(&tickets, present->id), present);
    assert_int_equal(tickets.block_count, 1);
    duet_tickets_done(&tickets);
}

static void tickets_do_not_move_as_the_table_grows(void **state)
{
    (void)state;
    struct duet_tickets tickets = {0};
    struct duet_ticket *head = NULL, *all[MANY];
    for (size_t i = 0; i < MANY; i++) {
        all[i] = duet_ticket_open(&tickets, &head);
        all[i]->bytes = i;
    }
    assert_int_equal(tickets.open, MANY);
    assert_int_equal(length(head), MANY);
    for (size_t i = 0; i < MANY; i++) {
        assert_ptr_equal(duet_ticket_find(&tickets, all[i]->id), all[i]);
        assert_int_equal(all[i]->bytes, i);
    }
    duet_tickets_done(&tickets);
}

static void lists_stay_whole_whichever_is_closed(void **state)
{
    (void)state;
    static const int orders[][3] = {{0, 1, 2}, {2, 1, 0}, {1, 0, 2}, {1, 2, 0}};
    for (size_t i = 0; i < sizeof orders / sizeof *orders; i++) {
        struct duet_tickets tickets = {0};
        struct duet_ticket *head = NULL, *other = NULL, *three[3];
        struct duet_ticket *bystander = duet_ticket_open(&tickets, &other);
        for (size_t k = 0; k < 3; k++)
            three[k] = duet_ticket_open(&tickets, &head);
        for (size_t k = 0; k < 3; k++) {
            duet_ticket_close(&tickets, three[orders[i][k]]);
            assert_int_equal(length(head), 2 - k);
        }
        assert_ptr_equal(other, bystander);
        assert_int_equal(length(other), 1);
        assert_int_equal(tickets.open, 1);
        duet_tickets_done(&tickets);
    }
}

static void a_ticket_may_go_to_another_list(void **state)
{
    (void)state;
    struct duet_tickets tickets = {0};
    struct duet_ticket *head = NULL, *other = NULL, *three[3];
    for (size_t i = 0; i < 3; i++)
        three[i] = duet_ticket_open(&tickets, &head);
    uint64_t id = three[1]->id;
    duet_ticket_move(three[1], &other);
    assert_int_equal(length(head), 2);
    assert_ptr_equal(other, three[1]);
    assert_ptr_equal(duet_ticket_find(&tickets, id), three[1]);
    duet_ticket_move(three[2], &other);
    duet_ticket_close(&tickets, three[1]);
    assert_int_equal(length(other), 1);
    assert_int_equal(length(head), 1);
    assert_int_equal(tickets.open, 2);
    duet_tickets_done(&tickets);
}

static void on_expired(struct duet_deadline *deadline)
{
    (void)deadline;
    fail_msg("a closed ticket's deadline fired");
}

static void closing_clears_the_deadline(void **state)
{
    (void)state;
    struct duet_wheel wheel;
    duet_wheel_init(&wheel, 1000);
    struct duet_tickets tickets = {0};
    struct duet_ticket *head = NULL, *ticket = duet_ticket_open(&tickets, &head);
    ticket->deadline.expired = on_expired;
    duet_wheel_set(&wheel, &ticket->deadline, 1010);
    duet_ticket_close(&tickets, ticket);
    duet_wheel_expire(&wheel, 2000);

    assert_ptr_equal(duet_ticket_open(&tickets, &head), ticket);
    assert_false(duet_deadline_is_set(&ticket->deadline));
    duet_tickets_done(&tickets);
}

struct visits {
    struct duet_tickets *tickets;
    size_t count;
    bool closes;
};

static void visit(struct duet_ticket *ticket, void *ctx)
{
    struct visits *visits = ctx;
    visits->count++;
    if (visits->closes)
        duet_ticket_close(visits->tickets, ticket);
}

static void every_open_ticket_is_visited_and_may_be_closed_then(void **state)
{
    (void)state;
    struct duet_tickets tickets = {0};
    struct duet_ticket *head = NULL, *all[MANY];
    for (size_t i = 0; i < MANY; i++)
        all[i] = duet_ticket_open(&tickets, &head);
    for (size_t i = 0; i < MANY; i += 2)
        duet_ticket_close(&tickets, all[i]);

    struct visits visits = {.tickets = &tickets};
    duet_tickets_each(&tickets, visit, &visits);
    assert_int_equal(visits.count, MANY / 2);
    visits = (struct visits){.tickets = &tickets, .closes = true};
    duet_tickets_each(&tickets, visit, &visits);
    assert_int_equal(visits.count, MANY / 2);
    assert_int_equal(tickets.open, 0);
    assert_null(head);
    duet_tickets_done(&tickets);
    duet_tickets_done(&tickets);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_open_ticket_is_found_and_a_closed_one_is_not),
        cmocka_unit_test(ids_that_were_never_given_name_nothing),
        cmocka_unit_test(an_old_id_does_not_name_the_next_user_of_its_place),
        cmocka_unit_test(tickets_do_not_move_as_the_table_grows),
        cmocka_unit_test(lists_stay_whole_whichever_is_closed),
        cmocka_unit_test(a_ticket_may_go_to_another_list),
        cmocka_unit_test(closing_clears_the_deadline),
        cmocka_unit_test(every_open_ticket_is_visited_and_may_be_closed_then),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
