/*
 * The null server: what the machine can do. It waits in epoll, reads, cuts what it read into
 * requests of the one shape that our load generators send, and writes answers; no method is
 * looked up, nothing is checked, limited or counted. What a real server costs above it is what
 * that server adds. With --hand-over the answers are made by another thread, to which calls go
 * one by one, or all of one read at once.
 */
#include "null_workers.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum {
    IN_FIRST = NULL_JOB_BYTES,
    OUT_ROOM = 64 * 1024, /* more than the answers to IN_FIRST bytes of either protocol */
    EVENTS = 512,
    BACKLOG = 4096,
    ECHO_HEAD = 14, /* [0, msgid, "echo", [ before the argument */
    REPLY_HEAD = 8, /* [1, msgid, nil, before the result */
};

struct conn {
    int fd;
    bool wants_out;
    uint8_t *in;
    size_t in_size, in_room;
    uint8_t *unsent; /* what the kernel did not take */
    size_t unsent_size, unsent_at;
};

/* What one read's requests are answered with. */
struct answers {
    size_t size;
    bool close;
    uint8_t bytes[OUT_ROOM];
};

static enum { MSGPACK, HTTP } spoken;
static enum { AT_ONCE, EACH_CALL, EACH_READ } hand_over;
static long busy_poll_us;
static uint16_t port;

static void stop(const char *what)
{
    perror(what);
    exit(1);
}

static void *grow(void *memory, size_t size)
{
    memory = realloc(memory, size);
    if (memory == NULL)
        stop("null_server");
    return memory;
}

/* ---- Sending */

static void watch(int epoll_fd, struct conn *conn, bool out)
{
    struct epoll_event event = {.events = EPOLLIN | (out ? (uint32_t)EPOLLOUT : 0),
                                .data.ptr = conn};
    if (conn->wants_out != out)
        epoll_ctl(epoll_fd, EPOLL_CTL_MOD, conn->fd, &event);
    conn->wants_out = out;
}

static void keep_unsent(struct conn *conn, const uint8_t *bytes, size_t size)
{
    conn->unsent = grow(conn->unsent, conn->unsent_size + size);
    memcpy(conn->unsent + conn->unsent_size, bytes, size);
    conn->unsent_size += size;
}

static void send_pieces(int epoll_fd, struct conn *conn, const struct iovec *pieces, int count)
{
    ssize_t n = conn->unsent_size == 0 ? writev(conn->fd, pieces, count) : 0;
    size_t sent = n > 0 ? (size_t)n : 0;
    for (int i = 0; i < count; i++) {
        size_t skip = sent < pieces[i].iov_len ? sent : pieces[i].iov_len;
        if (skip < pieces[i].iov_len)
            keep_unsent(conn, (uint8_t *)pieces[i].iov_base + skip, pieces[i].iov_len - skip);
        sent -= skip;
    }
    watch(epoll_fd, conn, conn->unsent_size > 0);
}

static void send_unsent(int epoll_fd, struct conn *conn)
{
    ssize_t n =
        write(conn->fd, conn->unsent + conn->unsent_at, conn->unsent_size - conn->unsent_at);
    conn->unsent_at += n > 0 ? (size_t)n : 0;
    if (conn->unsent_at < conn->unsent_size)
        return;
    conn->unsent_at = conn->unsent_size = 0;
    watch(epoll_fd, conn, false);
}

/* ---- MessagePack */

/* The size of a bin with its header, 0 when that has not arrived. */
static size_t bin_size(const uint8_t *at, size_t size)
{
    size_t header = *at == 0xc4 ? 2 : *at == 0xc5 ? 3 : 5, bytes = 0;
    if (size < header)
        return 0;
    for (size_t i = 1; i < header; i++)
        bytes = bytes << 8 | at[i];
    return header + bytes;
}

/* Sends the argument back from where it was read to. Returns the request's size or 0. */
static size_t echo(int epoll_fd, struct conn *conn, uint8_t *request, size_t size)
{
    size_t bin = size > ECHO_HEAD ? bin_size(request + ECHO_HEAD - 1, size - ECHO_HEAD + 1) : 0;
    size_t whole = ECHO_HEAD - 1 + bin;
    if (bin == 0)
        return 0;
    if (whole > conn->in_room) {
        conn->in_room = whole + IN_FIRST;
        conn->in = grow(conn->in, conn->in_room);
        return 0;
    }
    if (size < whole)
        return 0;
    uint8_t head[REPLY_HEAD] = {0x94, 0x01, 0xce, [7] = 0xc0};
    memcpy(head + 3, request + 3, 4);
    const struct iovec pieces[] = {{head, sizeof head}, {request + ECHO_HEAD - 1, bin}};
    send_pieces(epoll_fd, conn, pieces, 2);
    return whole;
}

/* ---- HTTP */

#define HTTP_NUMBER "0000000000"

static char http_answer[512]; /* with the number's last digit at `http_digit` */
static size_t http_size, http_digit;

static void build_http_answer(void)
{
    static const char body[] = "<?xml version='1.0'?>\n<methodResponse>\n<params>\n<param>\n"
                               "<value><int>" HTTP_NUMBER "</int></value>\n"
                               "</param>\n</params>\n</methodResponse>\n";
    http_size = (size_t)snprintf(http_answer, sizeof http_answer,
                                 "HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\n"
                                 "Content-Length: %zu\r\n\r\n%s",
                                 sizeof body - 1, body);
    http_digit =
        (size_t)(strstr(http_answer, HTTP_NUMBER) - http_answer) + sizeof HTTP_NUMBER - 2;
}

static size_t answer_http(const uint8_t *request, size_t size, struct answers *answers)
{
    static const char length_name[] = "Content-Length: ";
    const uint8_t *body = memmem(request, size, "\r\n\r\n", 4);
    if (body == NULL)
        return 0;
    body += 4;
    size_t head_size = (size_t)(body - request);
    const char *length = memmem(request, head_size, length_name, sizeof length_name - 1);
    size_t body_size = length != NULL ? strtoul(length + sizeof length_name - 1, NULL, 10) : 0;
    if (size < head_size + body_size)
        return 0;

    const char *number = memmem(body, body_size, "<int>", 5);
    unsigned long twice = number != NULL ? 2 * strtoul(number + 5, NULL, 10) : 0;
    uint8_t *reply = answers->bytes + answers->size;
    memcpy(reply, http_answer, http_size);
    for (uint8_t *digit = reply + http_digit; twice > 0; twice /= 10)
        *digit-- = (uint8_t)('0' + twice % 10);
    answers->size += http_size;
    answers->close = memmem(request, head_size, "Connection: close", 17) != NULL;
    return head_size + body_size;
}

/* ---- The loop */

static size_t hand_over_doubles(const struct conn *conn, const uint8_t *requests, size_t size)
{
    size_t count = hand_over == EACH_CALL ? 1 : size / DOUBLE_REQUEST;
    null_workers_push(conn->fd, requests, count);
    return count * DOUBLE_REQUEST;
}

static size_t answer(int epoll_fd, struct conn *conn, size_t at, struct answers *answers)
{
    uint8_t *request = conn->in + at;
    size_t size = conn->in_size - at;
    if (spoken == HTTP)
        return answer_http(request, size, answers);
    if (size < DOUBLE_REQUEST)
        return 0;
    if (request[7] == (0xa0 | 4))
        return echo(epoll_fd, conn, request, size);
    if (hand_over != AT_ONCE)
        return hand_over_doubles(conn, request, size);
    null_answer_double(request, answers->bytes + answers->size);
    answers->size += DOUBLE_REPLY;
    return DOUBLE_REQUEST;
}

static void close_conn(struct conn *conn)
{
    close(conn->fd);
    free(conn->in);
    free(conn->unsent);
    free(conn);
}

static void on_readable(int epoll_fd, struct conn *conn, struct answers *answers)
{
    ssize_t n = read(conn->fd, conn->in + conn->in_size, conn->in_room - conn->in_size);
    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0) {
        close_conn(conn);
        return;
    }
    conn->in_size += (size_t)n;
    answers->size = 0;
    answers->close = false;
    size_t at = 0;
    while (at < conn->in_size) {
        size_t size = answer(epoll_fd, conn, at, answers);
        if (size == 0)
            break;
        at += size;
    }
    conn->in_size -= at;
    if (at > 0 && conn->in_size > 0)
        memmove(conn->in, conn->in + at, conn->in_size);
    if (answers->size > 0)
        send_pieces(epoll_fd, conn, &(struct iovec){answers->bytes, answers->size}, 1);
    if (answers->close)
        close_conn(conn);
}

static void accept_all(int epoll_fd, int listener)
{
    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), on = 1;
        if (fd < 0)
            return;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        struct conn *conn = grow(NULL, sizeof *conn);
        *conn = (struct conn){.fd = fd, .in = grow(NULL, IN_FIRST), .in_room = IN_FIRST};
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = conn};
        epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event);
    }
}

static int listen_here(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on); /* each thread has its own */
    if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, BACKLOG) < 0)
        stop("null_server");
    return fd;
}

static int64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000) + now.tv_nsec / 1000;
}

static int wait_for_events(int epoll_fd, struct epoll_event *events)
{
    if (busy_poll_us > 0) {
        int64_t end = now_us() + busy_poll_us;
        do {
            int n = epoll_wait(epoll_fd, events, EVENTS, 0);
            if (n != 0)
                return n;
        } while (now_us() < end);
    }
    return epoll_wait(epoll_fd, events, EVENTS, -1);
}

static void *serve(void *unused)
{
    static _Thread_local struct answers answers;
    (void)unused;
    int epoll_fd = epoll_create1(EPOLL_CLOEXEC), listener = listen_here();
    struct epoll_event events[EVENTS] = {{.events = EPOLLIN}};
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listener, events);
    for (;;) {
        int n = wait_for_events(epoll_fd, events);
        for (int i = 0; i < n; i++) {
            struct conn *conn = events[i].data.ptr;
            if (conn == NULL) {
                accept_all(epoll_fd, listener);
                continue;
            }
            if (events[i].events & EPOLLOUT)
                send_unsent(epoll_fd, conn);
            if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))
                on_readable(epoll_fd, conn, &answers);
        }
    }
    return NULL;
}

static int usage(void)
{
    fputs("usage: null_server [options] msgpack|http PORT\n"
          "  --threads N              loops, each with its own listening socket (1)\n"
          "  --hand-over call|read    answer double on a worker: call by call, or a read's\n"
          "                           calls at once (msgpack)\n"
          "  --busy-poll-us US        poll that long before sleeping\n",
          stderr);
    return 1;
}

static void start(void *(*run)(void *))
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, run, NULL) != 0)
        stop("pthread_create");
}

int main(int argc, char *argv[])
{
    static const struct option flags[] = {{"threads", 1, NULL, 't'},
                                          {"hand-over", 1, NULL, 'h'},
                                          {"busy-poll-us", 1, NULL, 'b'},
                                          {0}};
    int threads = 1;
    for (int flag; (flag = getopt_long(argc, argv, "", flags, NULL)) != -1;)
        switch (flag) {
        case 't':
            threads = atoi(optarg);
            break;
        case 'h':
            hand_over = strcmp(optarg, "call") == 0 ? EACH_CALL : EACH_READ;
            break;
        case 'b':
            busy_poll_us = atol(optarg);
            break;
        default:
            return usage();
        }
    if (optind + 2 != argc)
        return usage();
    spoken = strcmp(argv[optind], "http") == 0 ? HTTP : MSGPACK;
    port = (uint16_t)atoi(argv[optind + 1]);

    struct rlimit fds;
    if (getrlimit(RLIMIT_NOFILE, &fds) == 0) {
        fds.rlim_cur = fds.rlim_max;
        setrlimit(RLIMIT_NOFILE, &fds);
    }
    signal(SIGPIPE, SIG_IGN);
    build_http_answer();
    if (hand_over != AT_ONCE)
        null_workers_start();
    for (int i = 1; i < threads; i++)
        start(serve);
    serve(NULL);
}
