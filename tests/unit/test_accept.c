/*
 * Which connections are taken: the limits, who is told that it is one too many, and what is
 * counted.
 */
#include "home_parts.h"
#include "home_rig.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int twice(duet_call *call, void *ctx)
{
    (void)ctx;
    return duet_reply_int(call, 2 * duet_arg_int(call, 0));
}

static const duet_method methods[] = {
    {.name = "twice", .signature = "i:i", .handler = twice, .flags = DUET_METHOD_INLINE},
    {0},
};

struct fixture {
    struct home_rig rig;
    int first;
};

/* A connection that the home has taken, or turned away. */
static int connect_to(struct fixture *it)
{
    const char *port = strrchr(duet_server_address(it->rig.server, 0), ':') + 1;
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)atoi(port))};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    unsigned long accepted = it->rig.server->accepted + it->rig.home->turned_away_count;
    while (it->rig.server->accepted + it->rig.home->turned_away_count == accepted)
        home_rig_turn(&it->rig);
    return fd;
}

/* Sends it and reads what comes, which contains the text. */
static void ask(struct fixture *it, int fd, const void *request, size_t size, const char *part)
{
    char got[4096];
    ssize_t n = -1;
    assert_int_equal(send(fd, request, size, MSG_NOSIGNAL), size);
    while (n < 0) {
        home_rig_turn(&it->rig);
        n = recv(fd, got, sizeof got - 1, MSG_DONTWAIT);
    }
    if (memmem(got, (size_t)n, part, strlen(part)) == NULL)
        fail_msg("'%s' did not come", part);
}

#define ASK(it, fd, request, part) ask(it, fd, request, sizeof(request) - 1, part)

static const char call[] = "\x94\x00\x01\xa5twice\x91\x15";
static const char health[] = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";

static int open_with(void **state, duet_option option)
{
    static struct fixture it;
    home_rig_init(&it.rig, methods, NULL);
    assert_int_equal(duet_server_set(it.rig.server, option, 1), 0);
    home_rig_open(&it.rig);
    assert_int_equal(duet_home_start_accepting(it.rig.home), 0);
    it.first = connect_to(&it);
    *state = &it;
    return 0;
}

static int open_for_one(void **state)
{
    return open_with(state, DUET_OPT_MAX_CONNECTIONS);
}

static int open_for_one_of_each(void **state)
{
    return open_with(state, DUET_OPT_MAX_PER_ADDRESS);
}

static int close_home(void **state)
{
    struct fixture *it = *state;
    home_rig_leave(&it->rig, it->first);
    assert_int_equal(it->rig.server->connections, 0);
    home_rig_close(&it->rig);
    return 0;
}

static void up_to_the_limit_connections_are_served(void **state)
{
    struct fixture *it = *state;
    ASK(it, it->first, call, "\x94\x01\x01\xc0\x2a");
    assert_int_equal(it->rig.server->connections, 1);
    assert_int_equal(it->rig.server->refused_max_connections, 0);
}

static void one_too_many_is_told_which_limit(void **state)
{
    struct fixture *it = *state;
    int second = connect_to(it);
    ASK(it, second, call, "one connection too many: --max-connections is 1");
    assert_int_equal(it->rig.server->refused_max_connections, 1);
    assert_int_equal(it->rig.server->connections, 1); /* it does not count */
    home_rig_leave(&it->rig, second);
}

static void one_too_many_of_an_address_too(void **state)
{
    struct fixture *it = *state;
    int second = connect_to(it);
    ASK(it, second, call, "one connection too many: --max-per-address is 1");
    assert_int_equal(it->rig.server->refused_max_per_address, 1);
    home_rig_leave(&it->rig, second);
}

static void the_health_check_is_answered_all_the_same(void **state)
{
    struct fixture *it = *state;
    int second = connect_to(it);
    ASK(it, second, health, "\r\n\r\nok\n");
    home_rig_leave(&it->rig, second);
}

static void who_leaves_makes_room(void **state)
{
    struct fixture *it = *state;
    home_rig_leave(&it->rig, it->first);
    it->first = connect_to(it);
    ASK(it, it->first, call, "\x94\x01\x01\xc0\x2a");
    assert_int_equal(it->rig.server->refused_max_connections, 0);
}

/* Of those who say nothing the oldest makes room for one that may be a health check. */
static void no_number_of_silent_ones_keeps_a_health_check_out(void **state)
{
    struct fixture *it = *state;
    int silent[DUET_HOME_TURNED_AWAY];
    for (size_t i = 0; i < DUET_HOME_TURNED_AWAY; i++)
        silent[i] = connect_to(it);
    assert_int_equal(it->rig.home->conns.open, 1 + DUET_HOME_TURNED_AWAY);
    uint64_t oldest = it->rig.home->turned_away[0];
    int fd = connect_to(it);
    assert_null(duet_conns_find(&it->rig.home->conns, oldest));
    ASK(it, fd, health, "\r\n\r\nok\n");
    home_rig_leave(&it->rig, fd);
    close(silent[0]); /* the home has closed it */
    for (size_t i = 1; i < DUET_HOME_TURNED_AWAY; i++)
        home_rig_leave(&it->rig, silent[i]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_for_one, close_home)
#define TEST_ADDRESS(name)                                                                     \
    cmocka_unit_test_setup_teardown(name, open_for_one_of_each, close_home)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(up_to_the_limit_connections_are_served),
        TEST(one_too_many_is_told_which_limit),
        TEST_ADDRESS(one_too_many_of_an_address_too),
        TEST(the_health_check_is_answered_all_the_same),
        TEST(who_leaves_makes_room),
        TEST(no_number_of_silent_ones_keeps_a_health_check_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
