/*
 * The stream that is a socket: what stream.h promises of every kind.
 */
#include "stream.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static struct duet_stream stream;
static int peer;

static int open_pair(void **state)
{
    (void)state;
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds),
                     0);
    stream = duet_stream_socket(fds[0]);
    peer = fds[1];
    return 0;
}

static int close_pair(void **state)
{
    (void)state;
    stream.kind->close(&stream);
    close(peer);
    return 0;
}

static struct iovec part(const char *text)
{
    return (struct iovec){.iov_base = (void *)(uintptr_t)text, .iov_len = strlen(text)};
}

static void nothing_there_is_eagain_and_an_end_is_0(void **state)
{
    (void)state;
    char room[8];
    assert_int_equal(stream.kind->read(&stream, room, sizeof room), -EAGAIN);
    assert_int_equal(send(peer, "abc", 3, 0), 3);
    assert_int_equal(stream.kind->pending(&stream, STREAM_UNREAD), 3);
    assert_int_equal(stream.kind->read(&stream, room, 2), 2);
    assert_int_equal(stream.kind->read(&stream, room, sizeof room), 1);
    assert_int_equal(shutdown(peer, SHUT_WR), 0);
    assert_int_equal(stream.kind->read(&stream, room, sizeof room), 0);
}

static void parts_are_written_one_after_another(void **state)
{
    (void)state;
    char room[16];
    const struct iovec parts[] = {part("one"), part("two"), part("three")};
    assert_int_equal(stream.kind->writev(&stream, parts, 3), 11);
    assert_int_equal(stream.kind->writev(&stream, parts, 1), 3);
    assert_int_equal(recv(peer, room, sizeof room, 0), 14);
    assert_memory_equal(room, "onetwothreeone", 14);
}

static void a_full_stream_takes_a_part_and_then_nothing(void **state)
{
    (void)state;
    static const char zeros[1 << 20];
    const struct iovec parts[] = {{.iov_base = (void *)(uintptr_t)zeros, sizeof zeros}};
    ssize_t n;
    do
        n = stream.kind->writev(&stream, parts, 1);
    while (n > 0);
    assert_int_equal(n, -EAGAIN);
    assert_true(stream.kind->pending(&stream, STREAM_UNTAKEN) > 0);
}

static void after_shutdown_the_peer_reads_an_end_and_may_write(void **state)
{
    (void)state;
    char byte;
    assert_int_equal(stream.kind->shutdown(&stream), 0);
    assert_int_equal(recv(peer, &byte, 1, 0), 0);
    assert_int_equal(send(peer, "x", 1, 0), 1);
    assert_int_equal(stream.kind->read(&stream, &byte, 1), 1);
}

static void a_peer_that_is_gone_is_an_error_and_no_signal(void **state)
{
    (void)state;
    const struct iovec parts[] = {part("one"), part("two")};
    assert_int_equal(shutdown(peer, SHUT_RDWR), 0);
    assert_int_equal(stream.kind->writev(&stream, parts, 1), -EPIPE);
    assert_int_equal(stream.kind->writev(&stream, parts, 2), -EPIPE);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, open_pair, close_pair)
    const struct CMUnitTest tests[] = {
        TEST(nothing_there_is_eagain_and_an_end_is_0),
        TEST(parts_are_written_one_after_another),
        TEST(a_full_stream_takes_a_part_and_then_nothing),
        TEST(after_shutdown_the_peer_reads_an_end_and_may_write),
        TEST(a_peer_that_is_gone_is_an_error_and_no_signal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
