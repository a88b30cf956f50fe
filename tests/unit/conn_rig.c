/*
 * The rig: the tiny framing, an owner that keeps a log, and both ends of connections.
 */
#include "conn_rig.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* ---- The framing ---- */

/* Remembers what it kept, to see that it comes back unchanged. */
struct tiny {
    uint32_t is_started, seen, sum;
    bool has_greeted;
};

static size_t tiny_size(const struct duet_limits *limits)
{
    (void)limits;
    return sizeof(struct tiny);
}

static void tiny_start(void *state, const struct duet_limits *limits)
{
    (void)limits;
    *(struct tiny *)state = (struct tiny){.is_started = 1};
}

static uint32_t sum_of(const uint8_t *bytes, size_t n)
{
    uint32_t sum = 1;
    for (size_t i = 0; i < n; i++)
        sum = sum * 31 + bytes[i];
    return sum;
}

static enum duet_frame tiny_more(struct tiny *tiny, const uint8_t *bytes, size_t n,
                                 struct duet_message *message)
{
    enum { SUMMED = 64 }; /* of the bytes kept: enough to see a mistake */
    tiny->seen = (uint32_t)n;
    tiny->sum = sum_of(bytes, n < SUMMED ? n : SUMMED);
    message->kept = n;
    return DUET_FRAME_MORE;
}

static void check_kept(const struct tiny *tiny, const uint8_t *bytes, size_t n)
{
    enum { SUMMED = 64 };
    assert_int_equal(tiny->is_started, 1);
    assert_true(n >= 1 && n >= tiny->seen);
    if (tiny->seen > 0)
        assert_int_equal(sum_of(bytes, tiny->seen < SUMMED ? tiny->seen : SUMMED), tiny->sum);
}

static enum duet_frame tiny_next(void *state, uint8_t *bytes, size_t n,
                                 struct duet_message *message)
{
    struct tiny *tiny = state;
    check_kept(tiny, bytes, n);
    message->in_body = false;
    message->need = 0;
    message->interim = NULL;
    message->notes = 0;
    message->content = DUET_CONTENT_MSGPACK;
    if (bytes[0] == BAD) {
        message->bad = DUET_BAD_SYNTAX;
        message->status = 400;
        snprintf(message->reason, sizeof message->reason, "bad");
        tiny->is_started = 0;
        return DUET_FRAME_BAD;
    }

    size_t head = bytes[0] == LARGE ? LARGE_HEAD : bytes[0] == GREET ? 2 : 1;
    if (bytes[0] == GREET && !tiny->has_greeted) {
        tiny->has_greeted = true;
        message->interim = n < 2 ? "go" : NULL;
    }
    if (n < head)
        return tiny_more(tiny, bytes, n, message);
    size_t body = bytes[head - 1];
    if (bytes[0] == LARGE)
        body =
            (size_t)bytes[1] << 24 | (size_t)bytes[2] << 16 | (size_t)bytes[3] << 8 | bytes[4];
    message->in_body = true;
    message->need = bytes[0] == LARGE ? head + body : 0;
    if (n < head + body)
        return tiny_more(tiny, bytes, n, message);

    message->body = bytes + head;
    message->body_size = body;
    message->wire_size = head + body;
    tiny->is_started = 0;
    return DUET_FRAME_WHOLE;
}

static enum duet_frame tiny_ended(void *state, uint8_t *bytes, size_t n,
                                  struct duet_message *message)
{
    (void)state, (void)bytes, (void)n;
    message->bad = DUET_BAD_CUT;
    return DUET_FRAME_BAD;
}

static void tiny_tell(const void *state, uint8_t *bytes, size_t n, struct duet_message *message)
{
    (void)state;
    message->body = bytes;
    message->body_size = n;
}

static size_t tiny_wrap(char *room, const struct duet_head *head)
{
    (void)room;
    (void)head;
    return 0;
}

static const struct duet_framing tiny_framing = {
    .name = "tiny",
    .state_size = tiny_size,
    .start = tiny_start,
    .next = tiny_next,
    .ended = tiny_ended,
    .tell = tiny_tell,
    .wrap = tiny_wrap,
};

/* ---- The owner ---- */

static const struct duet_framing *on_choose(struct duet_conn *conn, uint8_t first)
{
    (void)first;
    const struct rig *rig = conn->conns->ctx;
    return rig->framing;
}

static void on_message(struct duet_conn *conn, struct duet_message *message,
                       struct duet_buf *whole)
{
    struct rig *rig = conn->conns->ctx;
    volatile uint8_t after = message->body[message->body_size]; /* must be readable */
    (void)after;
    assert_int_equal(duet_buf_append(&rig->log, message->body, message->body_size), 0);
    rig->messages++;
    rig->last_wire_size = message->wire_size;
    rig->last_was_last = duet_conn_is_last(conn);
    if (rig->echoes)
        duet_conn_send(conn, NULL, 0, message->body, message->body_size);
    if (rig->holds)
        duet_conn_hold(conn, message->wire_size);
    if (whole != NULL) {
        assert_ptr_equal(whole->data + whole->size, message->body + message->body_size);
        assert_int_equal(whole->size, message->wire_size);
        rig->whole_messages++;
    }
    if (whole != NULL && rig->takes_whole) {
        struct duet_buf taken;
        duet_buf_take(&taken, whole);
        taken.data[taken.size] = 0; /* it brought room for the byte behind it */
        duet_buf_done(&taken);
    }
    if (rig->on_message != NULL)
        rig->on_message(rig, conn);
}

static void on_bad(struct duet_conn *conn, struct duet_message *message)
{
    struct rig *rig = conn->conns->ctx;
    rig->bads++;
    rig->bad_status = message->status;
    snprintf(rig->reason, sizeof rig->reason, "%s", message->reason);
    if (rig->says_bad)
        duet_conn_send(conn, "bad", 3, NULL, 0);
}

static void on_peer_finished(struct duet_conn *conn)
{
    struct rig *rig = conn->conns->ctx;
    rig->fins++;
}

static void on_unheard(struct duet_conn *conn)
{
    (void)conn;
}

static void on_abandoned(struct duet_conn *conn)
{
    struct rig *rig = conn->conns->ctx;
    rig->abandons++;
}

static size_t on_will_need(const struct duet_conn *conn, size_t size)
{
    const struct rig *rig = conn->conns->ctx;
    return rig->needs > 0 ? rig->needs : size;
}

static void on_resume(struct duet_conn *conn, bool is_admitted)
{
    struct rig *rig = conn->conns->ctx;
    rig->resumed++;
    if (is_admitted)
        duet_account_release(&conn->account);
    duet_conn_unpark(conn);
}

static void on_shed(struct duet_conns *conns)
{
    (void)conns;
}

static void on_closed(struct duet_conn *conn)
{
    struct rig *rig = conn->conns->ctx;
    assert_null(duet_conns_find(&rig->conns, conn->id));
    rig->closes++;
}

static const struct duet_conn_events events = {
    .choose = on_choose,
    .message = on_message,
    .bad = on_bad,
    .will_need = on_will_need,
    .resume = on_resume,
    .shed = on_shed,
    .peer_finished = on_peer_finished,
    .unheard = on_unheard,
    .abandoned = on_abandoned,
    .closed = on_closed,
};

/* ---- The loop ---- */

static void on_turn_over(void *ctx)
{
    struct rig *rig = ctx;
    duet_conns_turn_over(&rig->conns);
    duet_loop_stop(&rig->loop);
}

struct duet_conn *rig_open_conn(struct rig *rig, struct duet_stream stream,
                                const struct sockaddr *peer)
{
    const struct duet_conn_opening opening = {
        .stream = stream, .peer = peer, .max_in_flight = rig->max_in_flight};
    struct duet_conn *conn = duet_conn_open(&rig->conns, &opening);
    assert_non_null(conn);
    return conn;
}

void rig_open(struct rig *rig)
{
    memset(rig, 0, sizeof *rig);
    assert_int_equal(duet_loop_init(&rig->loop, on_turn_over, rig), 0);
    rig->limits = (struct duet_limits){
        .max_message = 16 << 20, .max_head = 16384, .max_values = 1000000, .max_depth = 64};
    duet_budget_init(&rig->budget, SIZE_MAX / 2);
    rig->conns = (struct duet_conns){
        .loop = &rig->loop,
        .events = &events,
        .ctx = rig,
        .limits = &rig->limits,
        .budget = &rig->budget,
        .conn_limits = {.max_spare = 16 * 1024 * 1024,
                        .max_in_flight_bytes = 32 << 20,
                        .max_part = 1 << 30,
                        .out_mark = 1 << 20,
                        .head_timeout_ms = 100000,
                        .body_timeout_ms = 100000,
                        .write_timeout_ms = 100000,
                        .idle_timeout_ms = 100000,
                        .linger_timeout_ms = 100000,
                        .linger_idle_ms = 1000,
                        .rate_ms = 100000},
    };
    rig->framing = &tiny_framing;
    rig->max_in_flight = 1000;
    rig->echoes = true;
    duet_buf_init(&rig->log, SIZE_MAX);
    assert_int_equal(duet_conns_init(&rig->conns), 0);
}

void rig_close(struct rig *rig)
{
    unsigned open = rig->conns.open, closes = rig->closes;
    duet_conns_done(&rig->conns);
    assert_int_equal(rig->closes, closes + open);
    assert_int_equal(rig->conns.open, 0);
    duet_loop_done(&rig->loop);
    duet_buf_done(&rig->log);
}

size_t rig_held(const struct rig *rig)
{
    return rig->budget.used - rig->conns.account.held;
}

static void set_nonblocking(int fd)
{
    assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
}

struct duet_conn *rig_connect(struct rig *rig, int *peer)
{
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    set_nonblocking(fds[0]);
    set_nonblocking(fds[1]);
    *peer = fds[1];
    struct sockaddr nobody = {.sa_family = AF_UNIX};
    return rig_open_conn(rig, duet_stream_socket(fds[0]), &nobody);
}

struct duet_conn *rig_connect_tcp(struct rig *rig, int *peer)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &size), 0);
    *peer = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(*peer, (struct sockaddr *)&address, size), 0);
    int fd = accept(listener, (struct sockaddr *)&address, &size);
    assert_true(fd >= 0);
    close(listener);
    set_nonblocking(fd);
    set_nonblocking(*peer);
    return rig_open_conn(rig, duet_stream_socket(fd), (const struct sockaddr *)&address);
}

void rig_wait(struct rig *rig)
{
    rig->loop.stopping = false;
    assert_int_equal(duet_loop_run(&rig->loop), 0);
}

void rig_turn(struct rig *rig)
{
    duet_loop_wake(&rig->loop);
    rig_wait(rig);
}

void rig_let_pass(struct rig *rig, uint64_t ms)
{
    uint64_t until = rig->loop.now_ms + ms;
    while (rig->loop.now_ms < until)
        rig_turn(rig);
}

/* ---- The peer ---- */

size_t peer_send_some(int peer, const void *bytes, size_t size)
{
    ssize_t n = send(peer, bytes, size, MSG_NOSIGNAL);
    if (n < 0)
        assert_int_equal(errno, EAGAIN);
    return n < 0 ? 0 : (size_t)n;
}

void peer_send(struct rig *rig, int peer, const void *bytes, size_t size)
{
    for (size_t sent = 0; sent < size;) {
        sent += peer_send_some(peer, (const uint8_t *)bytes + sent, size - sent);
        rig_turn(rig);
    }
}

void peer_expect(struct rig *rig, int peer, const void *bytes, size_t size)
{
    uint8_t room[65536];
    for (size_t got = 0; got < size;) {
        size_t left = size - got;
        ssize_t n = recv(peer, room, left < sizeof room ? left : sizeof room, 0);
        if (n < 0) {
            assert_int_equal(errno, EAGAIN);
            rig_turn(rig);
            continue;
        }
        assert_true(n > 0);
        assert_memory_equal(room, (const uint8_t *)bytes + got, (size_t)n);
        got += (size_t)n;
    }
}

size_t peer_read_to_end(struct rig *rig, int peer)
{
    uint8_t room[65536];
    for (size_t got = 0;;) {
        ssize_t n = recv(peer, room, sizeof room, 0);
        if (n == 0)
            return got;
        if (n > 0) {
            got += (size_t)n;
            continue;
        }
        assert_int_equal(errno, EAGAIN);
        rig_turn(rig);
    }
}

size_t unread(int fd)
{
    int n = 0;
    assert_int_equal(ioctl(fd, FIONREAD, &n), 0);
    return (size_t)n;
}

/* ---- What was sent and seen ---- */

void log_expect(struct rig *rig, const void *bytes, size_t size)
{
    assert_int_equal(rig->log.size, size);
    if (size > 0)
        assert_memory_equal(rig->log.data, bytes, size);
    rig->log.size = 0;
}

uint8_t *large_message(size_t body_size)
{
    uint8_t *bytes = malloc(LARGE_HEAD + body_size);
    assert_non_null(bytes);
    bytes[0] = LARGE;
    for (int i = 0; i < 4; i++)
        bytes[1 + i] = (uint8_t)(body_size >> (24 - 8 * i));
    for (size_t i = 0; i < body_size; i++)
        bytes[LARGE_HEAD + i] = (uint8_t)(i * 2654435761u >> 13);
    return bytes;
}

static void on_release(struct duet_out *out)
{
    ((struct parcel *)(void *)out)->released++;
}

struct parcel parcel_of(const void *bytes, size_t size)
{
    return (struct parcel){.out = {.bytes = bytes, .size = size, .release = on_release}};
}
