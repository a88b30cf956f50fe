/*
 * A steady server does not touch malloc: after a warm-up, 10,000 calls in either protocol,
 * inline and on workers, one at a time and pipelined, allocate nothing. The program's own
 * malloc and its relatives count whatever any thread or library allocates while the count is
 * on; the client in it uses static memory. Not for sanitizers, which have a malloc of their
 * own.
 */
#include <duet.h>

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- Counting. glibc's own functions do the work; its names for them are not in a header.
 * Visible, or the libraries would still call glibc's. */

#define VISIBLE __attribute__((visibility("default")))

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

static atomic_bool counting;
static atomic_ulong allocations;

static void count(void)
{
    if (atomic_load_explicit(&counting, memory_order_relaxed))
        atomic_fetch_add(&allocations, 1);
}

VISIBLE void *malloc(size_t size)
{
    count();
    return __libc_malloc(size);
}

VISIBLE void *calloc(size_t n, size_t size)
{
    count();
    return __libc_calloc(n, size);
}

VISIBLE void *realloc(void *memory, size_t size)
{
    count();
    return __libc_realloc(memory, size);
}

VISIBLE void *aligned_alloc(size_t alignment, size_t size)
{
    count();
    return __libc_memalign(alignment, size);
}

VISIBLE int posix_memalign(void **memory, size_t alignment, size_t size)
{
    count();
    *memory = __libc_memalign(alignment, size);
    return *memory != NULL ? 0 : ENOMEM;
}

/* ---- The server */

static int twice(duet_call *call, void *ctx)
{
    (void)ctx;
    return duet_reply_int(call, 2 * duet_arg_int(call, 0));
}

/* A string and a record, built from what came. */
static int describe(duet_call *call, void *ctx)
{
    (void)ctx;
    size_t size;
    const char *name = duet_value_string(duet_value_get(duet_arg(call, 0), "name"), &size);
    duet_writer *writer = duet_call_writer(call);
    duet_write_record(writer, 2, DUET_RECORD_MAP);
    duet_write_field(writer, "name");
    duet_write_string(writer, name, size);
    duet_write_field(writer, "score");
    return duet_write_double(writer, 0.5);
}

static const duet_method methods[] = {
    {.name = "double", .signature = "i:i", .handler = twice, .flags = DUET_METHOD_INLINE},
    {.name = "describe",
     .signature = "{name:s,score:d}:{name:s}",
     .handler = describe,
     .flags = DUET_METHOD_INLINE},
    {0},
};

static void *run(void *server)
{
    duet_server_run(server);
    return NULL;
}

static int connect_to(const duet_server *server)
{
    const char *port = strrchr(duet_server_address(server, 0), ':') + 1;
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)atoi(port))};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct timeval patience = {.tv_sec = 10};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

/* ---- The client */

enum { WARM_UP = 2000, CALLS = 10000, PIPELINED = 25, ROOM = 64 * 1024 };

/* What is sent, and how long its reply is. */
struct shape {
    const char *name;
    size_t request_size, reply_size;
    char request[1024]; /* "POST …", or MessagePack */
};

static struct shape msgpack_shape(const char *name, const void *request, size_t size)
{
    struct shape shape = {.name = name, .request_size = size};
    memcpy(shape.request, request, size);
    return shape;
}

static struct shape xml_shape(const char *name, const char *method, const char *value)
{
    struct shape shape = {.name = name};
    char body[512];
    int size = snprintf(body, sizeof body,
                        "<?xml version='1.0'?>\n<methodCall>\n<methodName>%s</methodName>\n"
                        "<params>\n<param>\n<value>%s</value>\n</param>\n</params>\n"
                        "</methodCall>\n",
                        method, value);
    shape.request_size =
        (size_t)snprintf(shape.request, sizeof shape.request,
                         "POST /RPC2 HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml\r\n"
                         "Content-Length: %d\r\n\r\n%s",
                         size, body);
    return shape;
}

/* Sends `n` requests at once and reads their replies, which have to be of one size. The first
 * exchange of all finds out what that is. */
static void exchange(int fd, struct shape *shape, size_t n)
{
    static char out[ROOM], in[ROOM];
    for (size_t i = 0; i < n; i++)
        memcpy(out + i * shape->request_size, shape->request, shape->request_size);
    assert_int_equal(send(fd, out, n * shape->request_size, MSG_NOSIGNAL),
                     n * shape->request_size);
    if (shape->reply_size == 0) {
        ssize_t size = recv(fd, in, sizeof in, 0);
        assert_true(size > 0);
        assert_null(memmem(in, (size_t)size, "fault", 5));
        shape->reply_size = (size_t)size;
        return;
    }
    assert_int_equal(recv(fd, in, n * shape->reply_size, MSG_WAITALL), n * shape->reply_size);
}

/* How many allocations CALLS calls make. */
static unsigned long allocations_of(const duet_server *server, struct shape *shape,
                                    size_t at_once)
{
    int fd = connect_to(server);
    exchange(fd, shape, 1);
    for (size_t i = 0; i < WARM_UP; i += at_once)
        exchange(fd, shape, at_once);

    atomic_store(&allocations, 0);
    atomic_store(&counting, true);
    for (size_t i = 0; i < CALLS; i += at_once)
        exchange(fd, shape, at_once);
    atomic_store(&counting, false);
    close(fd);
    return atomic_load(&allocations);
}

/* How many of the shapes allocate more than they may. */
static int try_shapes(const duet_server *server, bool on_workers)
{
#define MSGPACK(name, bytes) msgpack_shape(name, bytes, sizeof bytes - 1)
    struct shape shapes[] = {
        MSGPACK("msgpack double", "\x94\x00\xce\x12\x34\x56\x78\xa6"
                                  "double\x91\xce\x07\x5b\xcd\x15"),
        MSGPACK("msgpack map", "\x94\x00\xce\x12\x34\x56\x78\xa8"
                               "describe\x91\x82\xa4name\xa3"
                               "abc\xa2id\x07"),
        xml_shape("xml double", "double", "<int>123456789</int>"),
        /* The plain reader leaves a comment to expat. */
        xml_shape("xml double by expat", "double", "<!-- seven --><int>7</int>"),
        xml_shape("xml struct", "describe",
                  "<struct><member><name>name</name><value><string>a &amp; b</string></value>"
                  "</member><member><name>id</name><value><int>7</int></value></member>"
                  "</struct>"),
    };
    int failures = 0;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        for (size_t at_once = 1; at_once <= PIPELINED; at_once += PIPELINED - 1) {
            unsigned long n = allocations_of(server, &shapes[i], at_once);
            if (n == 0)
                continue;
            print_message("%s, %s, %zu at once: %lu allocations in %d calls\n", shapes[i].name,
                          on_workers ? "on workers" : "inline", at_once, n, CALLS);
            failures++;
        }
    }
    return failures;
}

static void serve_without_malloc(bool inline_methods)
{
    duet_server *server = duet_server_new();
    duet_server_add(server, methods, NULL);
    duet_server_listen(server, "tcp://127.0.0.1:0");
    duet_server_set(server, DUET_OPT_LOOPS, 1);
    duet_server_set(server, DUET_OPT_NO_INLINE, !inline_methods);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, run, server), 0);

    int failures = try_shapes(server, !inline_methods);
    duet_server_drain(server);
    pthread_join(thread, NULL);
    duet_server_free(server);
    assert_int_equal(failures, 0);
}

static void the_count_counts(void **state)
{
    (void)state;
    atomic_store(&allocations, 0);
    atomic_store(&counting, true);
    void *volatile memory = malloc(1);
    memory = realloc(memory, 2);
    free(memory);
    memory = strdup("a library's own"); /* reaches ours from within libc */
    free(memory);
    atomic_store(&counting, false);
    assert_int_equal(atomic_load(&allocations), 3);
}

static void inline_calls_allocate_nothing(void **state)
{
    (void)state;
    serve_without_malloc(true);
}

static void calls_on_workers_allocate_nothing(void **state)
{
    (void)state;
    serve_without_malloc(false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_count_counts),
        cmocka_unit_test(inline_calls_allocate_nothing),
        cmocka_unit_test(calls_on_workers_allocate_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
