/*
 * Connections counted by address.
 */
#include "per_address.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static struct sockaddr_in ipv4(const char *text, uint16_t port)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
    assert_int_equal(inet_pton(AF_INET, text, &in.sin_addr), 1);
    return in;
}

static void an_address_has_so_many_connections_whatever_its_ports(void **state)
{
    (void)state;
    struct duet_per_address peers;
    duet_per_address_init(&peers);
    struct sockaddr_in one = ipv4("10.0.0.1", 1), same = ipv4("10.0.0.1", 2),
                       other = ipv4("10.0.0.2", 1);
    assert_true(duet_per_address_add(&peers, (struct sockaddr *)&one, 2));
    assert_true(duet_per_address_add(&peers, (struct sockaddr *)&same, 2));
    assert_false(duet_per_address_add(&peers, (struct sockaddr *)&one, 2));
    assert_true(duet_per_address_add(&peers, (struct sockaddr *)&other, 2));
    duet_per_address_remove(&peers, (struct sockaddr *)&same);
    assert_true(duet_per_address_add(&peers, (struct sockaddr *)&one, 2));
    duet_per_address_done(&peers);
}

static void thousands_of_addresses_are_told_apart(void **state)
{
    (void)state;
    struct duet_per_address peers;
    duet_per_address_init(&peers);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 5000; i++) {
            char text[32];
            snprintf(text, sizeof text, "10.1.%d.%d", i / 250, i % 250);
            struct sockaddr_in in = ipv4(text, 9);
            assert_true(duet_per_address_add(&peers, (struct sockaddr *)&in, 1));
            assert_false(duet_per_address_add(&peers, (struct sockaddr *)&in, 1));
            if (round == 0)
                duet_per_address_remove(&peers, (struct sockaddr *)&in);
        }
    }
    duet_per_address_done(&peers);
}

static void ipv6_is_counted_and_unix_is_not(void **state)
{
    (void)state;
    struct duet_per_address peers;
    duet_per_address_init(&peers);
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    struct sockaddr local = {.sa_family = AF_UNIX};
    assert_true(duet_per_address_add(&peers, (struct sockaddr *)&six, 1));
    assert_false(duet_per_address_add(&peers, (struct sockaddr *)&six, 1));
    for (int i = 0; i < 3; i++)
        assert_true(duet_per_address_add(&peers, &local, 1));
    duet_per_address_done(&peers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_has_so_many_connections_whatever_its_ports),
        cmocka_unit_test(thousands_of_addresses_are_told_apart),
        cmocka_unit_test(ipv6_is_counted_and_unix_is_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
