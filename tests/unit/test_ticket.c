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

/* ---- Fixture: an empty table, and the list of one connection */

static struct duet_tickets tickets;
static struct duet_ticket *head;

static int set_up(void **state)
{
    (void)state;
    tickets = (struct duet_tickets){0};
    head = NULL;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    duet_tickets_done(&tickets);
    return 0;
}

static struct duet_ticket *open_one(void)
{
    struct duet_ticket *ticket = duet_ticket_open(&tickets, &head);
    assert_non_null(ticket);
    return ticket;
}

static size_t length(const struct duet_ticket *ticket)
{
    size_t n = 0;
    for (; ticket != NULL; ticket = ticket->next)
        n++;
    return n;
}

static void an_open_ticket_is_found_and_a_closed_one_is_not(void **state)
{
    (void)state;
    assert_null(duet_ticket_find(&tickets, 0));
    assert_null(duet_ticket_find(&tickets, UINT64_MAX));

    struct duet_ticket *ticket = open_one();
    uint64_t id = ticket->id;
    assert_ptr_equal(duet_ticket_find(&tickets, id), ticket);
    assert_ptr_equal(head, ticket);
    duet_ticket_close(&tickets, ticket);
    assert_null(duet_ticket_find(&tickets, id));
    assert_null(head);
}

static void ids_that_were_never_given_name_nothing(void **state)
{
    (void)state;
    uint64_t id = open_one()->id;
    for (uint32_t index = 0; index < 600; index++) {
        assert_null(duet_ticket_find(&tickets, index));
        assert_null(duet_ticket_find(&tickets, UINT64_C(2) << 32 | index));
        if (index != (uint32_t)id)
            assert_null(duet_ticket_find(&tickets, UINT64_C(1) << 32 | index));
    }
}

static void an_old_id_does_not_name_the_next_user_of_its_place(void **state)
{
    (void)state;
    uint64_t old[MANY];
    for (size_t i = 0; i < MANY; i++) {
        struct duet_ticket *ticket = open_one();
        old[i] = ticket->id;
        for (size_t k = 0; k < i; k++)
            assert_true(old[k] != ticket->id);
        duet_ticket_close(&tickets, ticket);
    }
    struct duet_ticket *present = open_one();
    for (size_t i = 0; i < MANY; i++)
        assert_null(duet_ticket_find(&tickets, old[i]));
    assert_ptr_equal(duet_ticket_find(&tickets, present->id), present);
    assert_int_equal(tickets.block_count, 1);
}

static void tickets_do_not_move_as_the_table_grows(void **state)
{
    (void)state;
    struct duet_ticket *all[MANY];
    for (size_t i = 0; i < MANY; i++) {
        all[i] = open_one();
        all[i]->bytes = i;
    }
    assert_int_equal(tickets.open, MANY);
    assert_int_equal(length(head), MANY);
    for (size_t i = 0; i < MANY; i++) {
        assert_ptr_equal(duet_ticket_find(&tickets, all[i]->id), all[i]);
        assert_int_equal(all[i]->bytes, i);
    }
}

static void lists_stay_whole_whichever_is_closed(void **state)
{
    (void)state;
    static const int orders[][3] = {{0, 1, 2}, {2, 1, 0}, {1, 0, 2}, {1, 2, 0}};
    for (size_t i = 0; i < sizeof orders / sizeof *orders; i++) {
        struct duet_ticket *other = NULL, *three[3];
        struct duet_ticket *bystander = duet_ticket_open(&tickets, &other);
        for (size_t k = 0; k < 3; k++)
            three[k] = open_one();
        for (size_t k = 0; k < 3; k++) {
            duet_ticket_close(&tickets, three[orders[i][k]]);
            assert_int_equal(length(head), 2 - k);
        }
        assert_ptr_equal(other, bystander);
        assert_int_equal(length(other), 1);
        assert_int_equal(tickets.open, 1);
        duet_ticket_close(&tickets, bystander);
    }
}

static void a_ticket_may_go_to_another_list(void **state)
{
    (void)state;
    struct duet_ticket *other = NULL, *three[3];
    for (size_t i = 0; i < 3; i++)
        three[i] = open_one();
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
    struct duet_ticket *ticket = open_one();
    ticket->deadline.expired = on_expired;
    duet_wheel_set(&wheel, &ticket->deadline, 1010);
    duet_ticket_close(&tickets, ticket);
    duet_wheel_expire(&wheel, 2000);

    assert_ptr_equal(open_one(), ticket);
    assert_false(duet_deadline_is_set(&ticket->deadline));
}

struct visits {
    size_t count;
    bool closes;
};

static void visit(struct duet_ticket *ticket, void *ctx)
{
    struct visits *visits = ctx;
    visits->count++;
    if (visits->closes)
        duet_ticket_close(&tickets, ticket);
}

static void every_open_ticket_is_visited_and_may_be_closed_then(void **state)
{
    (void)state;
    struct duet_ticket *all[MANY];
    for (size_t i = 0; i < MANY; i++)
        all[i] = open_one();
    for (size_t i = 0; i < MANY; i += 2)
        duet_ticket_close(&tickets, all[i]);

    struct visits visits = {0};
    duet_tickets_each(&tickets, visit, &visits);
    assert_int_equal(visits.count, MANY / 2);
    visits = (struct visits){.closes = true};
    duet_tickets_each(&tickets, visit, &visits);
    assert_int_equal(visits.count, MANY / 2);
    assert_int_equal(tickets.open, 0);
    assert_null(head);
    duet_tickets_done(&tickets); /* and once more after the test */
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(an_open_ticket_is_found_and_a_closed_one_is_not),
        TEST(ids_that_were_never_given_name_nothing),
        TEST(an_old_id_does_not_name_the_next_user_of_its_place),
        TEST(tickets_do_not_move_as_the_table_grows),
        TEST(lists_stay_whole_whichever_is_closed),
        TEST(a_ticket_may_go_to_another_list),
        TEST(closing_clears_the_deadline),
        TEST(every_open_ticket_is_visited_and_may_be_closed_then),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
