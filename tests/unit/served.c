/*
 * The test's server and its bare client.
 */
#include "served.h"

#include "packed.h"

#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cmocka.h>

void served_open(struct served *served, const duet_method *methods, void *ctx)
{
    served->server = duet_server_new();
    assert_non_null(served->server);
    if (methods != NULL)
        assert_int_equal(duet_server_add(served->server, methods, ctx), 0);
    assert_int_equal(duet_server_listen(served->server, "tcp://127.0.0.1:0"), 0);
    assert_int_equal(duet_server_set(served->server, DUET_OPT_LOOPS, 2), 0);
    assert_int_equal(duet_server_set(served->server, DUET_OPT_CHECK_RESULTS, 1), 0);
}

static void *run(void *arg)
{
    struct served *served = arg;
    served->result = duet_server_run(served->server);
    return NULL;
}

void served_start(struct served *served)
{
    assert_int_equal(pthread_create(&served->thread, NULL, run, served), 0);
}

void served_join(struct served *served)
{
    assert_int_equal(pthread_join(served->thread, NULL), 0);
}

void served_stop(struct served *served)
{
    duet_server_drain(served->server);
    served_join(served);
    duet_server_free(served->server);
}

static struct sockaddr_in address_of(const struct served *served)
{
    const char *port = strrchr(duet_server_address(served->server, 0), ':') + 1;
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)atoi(port))};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

int served_try_connect(const struct served *served)
{
    struct sockaddr_in address = address_of(served);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    int error = connect(fd, (struct sockaddr *)&address, sizeof address) < 0 ? errno : 0;
    close(fd);
    return error;
}

int served_connect(const struct served *served)
{
    struct sockaddr_in address = address_of(served);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    struct timeval patience = {.tv_sec = 10};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

void served_send(int fd, const void *bytes, size_t size)
{
    assert_int_equal(send(fd, bytes, size, MSG_NOSIGNAL), size);
}

/* A socket with a timeout does not go on by itself after a signal, be it one without a handler.
 */
static ssize_t receive(int fd, void *bytes, size_t room)
{
    ssize_t n;
    do
        n = recv(fd, bytes, room, 0);
    while (n < 0 && errno == EINTR);
    return n;
}

void served_read(int fd, void *bytes, size_t size)
{
    for (size_t got = 0; got < size;) {
        ssize_t n = receive(fd, (char *)bytes + got, size - got);
        if (n <= 0)
            fail_msg("the connection ended or stalled after %zu of %zu bytes", got, size);
        got += (size_t)n;
    }
}

size_t served_read_all(int fd, void *bytes, size_t room)
{
    size_t got = 0;
    for (;;) {
        ssize_t n = receive(fd, (char *)bytes + got, room - got);
        if (n == 0 || (n < 0 && errno == ECONNRESET))
            return got;
        assert_true(n > 0);
        got += (size_t)n;
    }
}

void served_exchange(int fd, const void *request, size_t request_size, const void *reply,
                     size_t reply_size)
{
    char got[4096];
    assert_true(reply_size <= sizeof got);
    served_send(fd, request, request_size);
    served_read(fd, got, reply_size);
    assert_memory_equal(got, reply, reply_size);
}

void served_tell(int fd, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    struct packed message = packed_from_list(format, args);
    va_end(args);
    served_send(fd, message.bytes, message.size);
}

void served_expect(int fd, const char *format, ...)
{
    uint8_t got[PACKED_ROOM];
    va_list args;
    va_start(args, format);
    struct packed wanted = packed_from_list(format, args);
    va_end(args);
    served_read(fd, got, wanted.size);
    assert_memory_equal(got, wanted.bytes, wanted.size);
}

void served_ask(int fd, const char *request, const char *reply)
{
    served_tell(fd, "%s", request);
    served_expect(fd, "%s", reply);
}
