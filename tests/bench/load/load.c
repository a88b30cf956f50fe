/*
 * The load generator's engine: connections, slots of requests in flight, the loop and its three
 * phases (warm-up, the measured window, waiting for the last replies).
 */
#include "load.h"

#include "measure.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum { PIECES = 32, EVENTS = 512, PATIENCE_MS = 10000 };

struct slot {
    uint32_t id; /* 0: free */
    uint64_t since_ns;
};

struct conn {
    int fd;
    bool wants_out;
    struct slot *slots; /* as many as may be in flight */
    uint32_t *idle;     /* a ring of the free ones: taken at `taken`, given back at `given` */
    uint64_t taken, given;
    uint8_t *heads; /* requests not wholly sent: heads first to last */
    size_t first, last, sent;
    uint8_t *in;
    size_t in_size;
};

static enum { WARMING, MEASURING, DRAINING } phase;
static struct load_options options;
static const struct load_protocol *protocol;
static struct load_shape shape;
static size_t request_size, in_capacity;
static struct conn *conns;
static int epoll_fd;
static uint32_t serial;
static uint64_t in_flight_total, replies, measured, bytes_in;
static struct histogram latencies;

void load_bad(const char *why, const void *bytes, size_t size)
{
    fprintf(stderr, "bad reply: %s:\n", why);
    for (size_t i = 0; i < size && i < 600; i++) {
        uint8_t byte = ((const uint8_t *)bytes)[i];
        fprintf(stderr, byte >= ' ' && byte < 127 ? "%c" : "\\x%02x", byte);
    }
    fputc('\n', stderr);
    exit(2);
}

void load_fill(uint8_t *bytes, size_t size, bool letters)
{
    uint32_t state = 1;
    for (size_t i = 0; i < size; i++) {
        state = state * 1664525u + 1013904223u; /* Numerical Recipes' generator */
        bytes[i] = (uint8_t)(letters ? 'a' + (state >> 24) % 26 : state >> 24);
    }
}

/* ---- Sending */

static uint32_t in_flight(const struct conn *conn)
{
    return options.in_flight - (uint32_t)(conn->given - conn->taken);
}

/* A new request, not sent yet; there is a free slot. */
static void add_request(struct conn *conn, uint64_t since_ns)
{
    if (conn->last == options.in_flight) { /* the end of the room: move what is unsent down */
        memmove(conn->heads, conn->heads + conn->first * shape.head_size,
                (conn->last - conn->first) * shape.head_size);
        conn->last -= conn->first;
        conn->first = 0;
    }
    uint32_t index = conn->idle[conn->taken++ % options.in_flight];
    serial = serial % 0x7fff + 1; /* not 0: every id is above 65,535 and as wide as the
                                     others */
    uint32_t id = serial << 16 | index;
    conn->slots[index] = (struct slot){.id = id, .since_ns = since_ns};
    protocol->write(conn->heads + conn->last++ * shape.head_size, id, load_number(id));
    in_flight_total++;
}

static void watch(struct conn *conn, bool out)
{
    if (conn->wants_out == out)
        return;
    struct epoll_event event = {.events = EPOLLIN | (out ? (uint32_t)EPOLLOUT : 0),
                                .data.ptr = conn};
    epoll_ctl(epoll_fd, EPOLL_CTL_MOD, conn->fd, &event);
    conn->wants_out = out;
}

/* The rest of `base`'s bytes after the first `skip` as a piece. Returns how many pieces. */
static size_t add_piece(struct iovec *piece, const uint8_t *base, size_t size, size_t skip)
{
    if (skip >= size)
        return 0;
    *piece = (struct iovec){.iov_base = (void *)(base + skip), .iov_len = size - skip};
    return 1;
}

/* What is to be sent next. Heads without bodies lie side by side and are one piece. */
static size_t gather(const struct conn *conn, struct iovec *pieces)
{
    const uint8_t *head = conn->heads + conn->first * shape.head_size;
    if (shape.body == NULL)
        return add_piece(pieces, head, (conn->last - conn->first) * shape.head_size,
                         conn->sent);

    size_t n = 0, skip = conn->sent;
    for (size_t i = conn->first; i < conn->last && n + 2 <= PIECES; i++) {
        n += add_piece(&pieces[n], head, shape.head_size, skip);
        n += add_piece(&pieces[n], shape.body, shape.body_size,
                       skip > shape.head_size ? skip - shape.head_size : 0);
        head += shape.head_size;
        skip = 0;
    }
    return n;
}

static void flush(struct conn *conn)
{
    while (conn->first < conn->last) {
        struct iovec pieces[PIECES];
        struct msghdr message = {.msg_iov = pieces, .msg_iovlen = gather(conn, pieces)};
        ssize_t n = sendmsg(conn->fd, &message, MSG_NOSIGNAL);
        if (n < 0 && errno == EAGAIN) {
            watch(conn, true);
            return;
        }
        if (n < 0)
            die("send: %s", strerror(errno));
        conn->sent += (size_t)n;
        conn->first += conn->sent / request_size;
        conn->sent %= request_size;
    }
    conn->first = conn->last = 0;
    watch(conn, false);
}

/* ---- Connections */

static void reset_slots(struct conn *conn)
{
    for (uint32_t i = 0; i < options.in_flight; i++) {
        conn->slots[i].id = 0;
        conn->idle[i] = i;
    }
    conn->taken = 0;
    conn->given = options.in_flight;
    conn->first = conn->last = conn->sent = conn->in_size = 0;
}

/* Connects, waiting for a server that has just been started. */
static int connect_to_server(void)
{
    for (int tries = 0;; tries++) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0)
            die("socket: %s", strerror(errno));
        if (connect(fd, (struct sockaddr *)&options.address, sizeof options.address) == 0)
            return fd;
        if (tries == 500)
            die("connect: %s", strerror(errno));
        close(fd);
        usleep(10000);
    }
}

static void open_conn(struct conn *conn)
{
    conn->fd = connect_to_server();
    int on = 1;
    setsockopt(conn->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    /* Closing resets: ten thousand connections leave nothing behind for the next run. */
    if (!options.reconnect)
        setsockopt(conn->fd, SOL_SOCKET, SO_LINGER, &(struct linger){.l_onoff = 1},
                   sizeof(struct linger));
    fcntl(conn->fd, F_SETFL, O_NONBLOCK);
    reset_slots(conn);
    conn->wants_out = false;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = conn};
    if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, conn->fd, &event) < 0)
        die("epoll_ctl: %s", strerror(errno));
}

static void *allocate(size_t count, size_t size)
{
    void *memory = calloc(count, size);
    if (memory == NULL)
        die("out of memory");
    return memory;
}

static void open_conns(void)
{
    struct rlimit fds;
    if (getrlimit(RLIMIT_NOFILE, &fds) == 0) {
        fds.rlim_cur = fds.rlim_max;
        setrlimit(RLIMIT_NOFILE, &fds);
    }
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    conns = allocate(options.connections, sizeof *conns);
    for (unsigned i = 0; i < options.connections; i++) {
        conns[i].slots = allocate(options.in_flight, sizeof *conns[i].slots);
        conns[i].idle = allocate(options.in_flight, sizeof *conns[i].idle);
        conns[i].heads = allocate(options.in_flight, shape.head_size);
        conns[i].in = allocate(in_capacity, 1);
        open_conn(&conns[i]);
    }
}

/* ---- Receiving */

static struct slot *answered_slot(struct conn *conn, const struct load_reply *reply)
{
    uint32_t index =
        protocol->in_order ? (uint32_t)(conn->given % options.in_flight) : reply->id & 0xffff;
    struct slot *slot = index < options.in_flight ? &conn->slots[index] : NULL;
    if (slot == NULL || slot->id == 0 || (!protocol->in_order && slot->id != reply->id))
        load_bad("an answer to nothing", &reply->id, sizeof reply->id);
    return slot;
}

static void complete(struct conn *conn, const struct load_reply *reply, uint64_t now)
{
    struct slot *slot = answered_slot(conn, reply);
    if (reply->has_value && reply->value != 2 * (uint64_t)load_number(slot->id))
        load_bad("not twice the number", conn->in, conn->in_size);
    if (phase == MEASURING) {
        measured++;
        histogram_add(&latencies, now > slot->since_ns ? now - slot->since_ns : 0);
    }
    slot->id = 0;
    conn->idle[conn->given++ % options.in_flight] = (uint32_t)(slot - conn->slots);
    in_flight_total--;
    replies++;
}

/* Takes the whole replies out of what has arrived. Returns how many. */
static unsigned take_replies(struct conn *conn, uint64_t now)
{
    size_t at = 0;
    unsigned taken = 0;
    while (at < conn->in_size) {
        struct load_reply reply = {0};
        size_t size = protocol->read(conn->in + at, conn->in_size - at, &reply);
        if (size == 0)
            break;
        complete(conn, &reply, now);
        at += size;
        taken++;
    }
    memmove(conn->in, conn->in + at, conn->in_size - at);
    conn->in_size -= at;
    return taken;
}

static void refill(struct conn *conn, unsigned count)
{
    uint64_t now = now_ns();
    for (unsigned i = 0; i < count; i++)
        add_request(conn, now);
    if (!conn->wants_out)
        flush(conn);
}

static void on_readable(struct conn *conn)
{
    if (conn->in_size == in_capacity)
        load_bad("longer than expected", conn->in, conn->in_size);
    ssize_t n = read(conn->fd, conn->in + conn->in_size, in_capacity - conn->in_size);
    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0)
        die("the server closed a connection: %s", n < 0 ? strerror(errno) : "end of stream");
    conn->in_size += (size_t)n;
    if (phase == MEASURING)
        bytes_in += (uint64_t)n;

    unsigned taken = take_replies(conn, now_ns());
    if (taken == 0)
        return;
    if (options.reconnect) {
        close(conn->fd);
        open_conn(conn);
    }
    if (phase != DRAINING && options.rate == 0)
        refill(conn, taken);
}

/* ---- The run */

/* At a fixed rate: sends what is due by now, to the connections in turn. What finds no free
 * slot waits for one, and its latency grows. */
static void send_due(uint64_t start)
{
    static uint64_t issued;
    static unsigned turn;
    uint64_t due = (uint64_t)((double)(now_ns() - start) * options.rate / 1e9);
    for (unsigned full = 0; issued < due && full < options.connections;) {
        struct conn *conn = &conns[turn++ % options.connections];
        if (in_flight(conn) == options.in_flight) {
            full++;
            continue;
        }
        full = 0;
        add_request(conn, start + (uint64_t)((double)issued++ * 1e9 / options.rate));
        if (!conn->wants_out)
            flush(conn);
    }
}

static void turn(uint64_t start)
{
    static uint64_t last_reply_ns;
    struct epoll_event events[EVENTS];
    uint64_t before = replies;
    if (options.rate > 0 && phase != DRAINING)
        send_due(start);
    int n = epoll_wait(epoll_fd, events, EVENTS, options.rate > 0 ? 0 : 100);
    for (int i = 0; i < n; i++) {
        struct conn *conn = events[i].data.ptr;
        if (events[i].events & EPOLLOUT)
            flush(conn);
        if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))
            on_readable(conn);
    }

    uint64_t now = now_ns();
    if (replies != before || last_reply_ns == 0 || in_flight_total == 0)
        last_reply_ns = now;
    if (now - last_reply_ns > PATIENCE_MS * UINT64_C(1000000))
        die("no reply for %d s", PATIENCE_MS / 1000);
}

static void run_until(uint64_t start, uint64_t end)
{
    while (now_ns() < end)
        turn(start);
}

static double us_per_call(uint64_t ns)
{
    return measured > 0 ? (double)ns / 1000 / (double)measured : 0;
}

static void report(double seconds, uint64_t own_ns, uint64_t server_ns)
{
    printf("{\"protocol\": \"%s\", \"connections\": %u, \"in_flight\": %u, \"calls\": %llu, "
           "\"seconds\": %.3f, \"calls_per_s\": %.0f, \"mb_per_s\": %.2f, "
           "\"p50_us\": %.2f, \"p99_us\": %.2f, \"p999_us\": %.2f, \"max_us\": %.1f, "
           "\"client_cpu_us\": %.4f",
           protocol->name, options.connections, options.in_flight, (unsigned long long)measured,
           seconds, (double)measured / seconds, (double)bytes_in / 1e6 / seconds,
           histogram_us(&latencies, 0.5), histogram_us(&latencies, 0.99),
           histogram_us(&latencies, 0.999), (double)latencies.max / 1000, us_per_call(own_ns));
    if (options.pid != 0)
        printf(", \"server_cpu_us\": %.4f, \"server_busy\": %.3f", us_per_call(server_ns),
               (double)server_ns / 1e9 / seconds);
    puts("}");
}

static void run(void)
{
    clockid_t server = options.pid != 0 ? process_clock(options.pid) : CLOCK_MONOTONIC;
    open_conns();
    uint64_t start = now_ns();
    for (unsigned i = 0; i < options.connections && options.rate == 0; i++)
        refill(&conns[i], options.in_flight);
    run_until(start, start + (uint64_t)(options.warm_up * 1e9));

    phase = MEASURING;
    uint64_t own = clock_ns(CLOCK_PROCESS_CPUTIME_ID), cpu = clock_ns(server);
    uint64_t begin = now_ns();
    run_until(start, begin + (uint64_t)(options.seconds * 1e9));
    uint64_t end = now_ns();
    cpu = clock_ns(server) - cpu;
    own = clock_ns(CLOCK_PROCESS_CPUTIME_ID) - own;

    phase = DRAINING;
    while (in_flight_total > 0)
        turn(start);
    report((double)(end - begin) / 1e9, own, cpu);
}

int load_main(int argc, char *argv[], const struct load_protocol *spoken)
{
    enum { IN_MIN = 4096, IN_MAX = 1 << 20 };
    protocol = spoken;
    load_parse(argc, argv, &options);
    protocol->prepare(&options, &shape);
    request_size = shape.head_size + shape.body_size;
    in_capacity = options.in_flight * shape.reply_size + IN_MIN;
    if (in_capacity > 2 * shape.reply_size + IN_MAX)
        in_capacity = 2 * shape.reply_size + IN_MAX;
    run();
    return 0;
}
