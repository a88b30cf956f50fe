/*
 * The program's side of a server whose loop it turns.
 */
#include "turned.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

bool turned_is_readable(int fd)
{
    struct pollfd look = {.fd = fd, .events = POLLIN};
    return poll(&look, 1, 0) == 1;
}

int turned(const struct served *served)
{
    struct pollfd look = {.fd = duet_server_fd(served->server), .events = POLLIN};
    assert_int_equal(poll(&look, 1, -1), 1);
    assert_int_equal(look.revents, POLLIN);
    return duet_server_process(served->server);
}

void turned_rest(const struct served *served)
{
    while (turned_is_readable(duet_server_fd(served->server)))
        assert_int_equal(duet_server_process(served->server), 0);
}

void turned_until_readable(const struct served *served, int fd)
{
    while (!turned_is_readable(fd)) {
        struct pollfd fds[] = {{.fd = duet_server_fd(served->server), .events = POLLIN},
                               {.fd = fd, .events = POLLIN}};
        assert_true(poll(fds, 2, -1) > 0);
        if (fds[0].revents != 0)
            assert_int_equal(duet_server_process(served->server), 0);
    }
}

void turned_ask(const struct served *served, int fd, const char *request, const char *reply)
{
    served_tell(fd, "%s", request);
    turned_until_readable(served, fd);
    served_expect(fd, "%s", reply);
}

void turned_until_drained(const struct served *served)
{
    int rc = 0;
    while (rc == 0)
        rc = turned(served);
    assert_int_equal(rc, 1);
    assert_int_equal(duet_server_process(served->server), 1); /* and so it stays */
}

void turned_finish(struct served *served)
{
    turned_until_drained(served);
    assert_int_equal(duet_server_wait(served->server), 0);
    duet_server_free(served->server);
}

void turned_stop(struct served *served)
{
    duet_server_drain(served->server);
    turned_finish(served);
}
