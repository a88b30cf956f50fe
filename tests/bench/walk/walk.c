/*
 * The walk of a call from end to end (loop, connection, framing, codec, dispatch, reply) over a
 * stream in memory: no socket, no thread, one loop that turns when it is told to. Calls that
 * workers would run are run in its place, by their code. `run` counts its instructions: what
 * walk_measured does counts, what is done before does not.
 *
 * usage: walk --list | walk TURNS ROW
 */
#include "home_parts.h"
#include "home_rig.h"
#include "pairs.h"
#include "stream_memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void must(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "walk: %s\n", what);
    exit(1);
}

/* ---- The server ---- */

static int twice(duet_call *call, void *ctx)
{
    (void)ctx;
    return duet_reply_int(call, 2 * duet_arg_int(call, 0));
}

static int echo(duet_call *call, void *ctx)
{
    (void)ctx;
    return duet_reply_value(call, duet_arg(call, 0));
}

static const duet_method methods[] = {
    {.name = "double", .signature = "i:i", .handler = twice, .flags = DUET_METHOD_INLINE},
    {.name = "echo", .signature = "v:v", .handler = echo, .flags = DUET_METHOD_INLINE},
    {0},
};

struct walk {
    struct home_rig home;
    struct stream_memory peer;
};

static void open_walk(struct walk *walk)
{
    static const struct sockaddr nobody = {.sa_family = AF_UNIX};
    home_rig_init(&walk->home, methods, NULL);
    pairs_add(walk->home.server);
    home_rig_open(&walk->home);
    stream_memory_init(&walk->peer);
    const struct duet_newcomer newcomer = {.stream = stream_memory_stream(&walk->peer),
                                           .peer = &nobody};
    walk->home.server->connections++; /* as accept does */
    must(duet_home_open_conn(walk->home.home, EXCESS_NONE, &newcomer) != NULL, "connection");
}

static void close_walk(struct walk *walk)
{
    home_rig_close(&walk->home);
    stream_memory_done(&walk->peer);
}

/* ---- Turns ---- */

/* The peer says the bytes, the loop turns until their answers are written. */
static void exchange(struct walk *walk, const struct duet_buf *request)
{
    walk->peer.written.size = 0;
    stream_memory_say(&walk->peer, request->data, request->size);
    do {
        home_rig_turn(&walk->home);
        if (home_rig_waiting(&walk->home) > 0)
            home_rig_work(&walk->home, home_rig_newest_job(&walk->home));
    } while (walk->peer.script_size > 0 || walk->home.home->tickets.open > 0);
}

__attribute__((noinline)) static void walk_measured(struct walk *walk,
                                                    const struct duet_buf *request, int turns)
{
    for (int i = 0; i < turns; i++)
        exchange(walk, request);
}

/* ---- Requests ---- */

static void add(struct duet_buf *buf, const void *bytes, size_t size)
{
    must(duet_buf_append(buf, bytes, size) == 0, "out of memory");
}

#define ADD(buf, literal) add(buf, literal, sizeof(literal) - 1)

static void msgpack_double(struct duet_buf *buf)
{
    ADD(buf, "\x94\x00\x01\xa6"
             "double\x91\x15");
}

static void msgpack_notification(struct duet_buf *buf)
{
    ADD(buf, "\x93\x02\xa6"
             "double\x91\x15");
}

/* The argument is of the wrong type. */
static void msgpack_fault(struct duet_buf *buf)
{
    ADD(buf, "\x94\x00\x01\xa6"
             "double\x91\xa1x");
}

enum { STRUCTS = 1000, ENTRIES = 10 };

static void msgpack_structs(struct duet_buf *buf)
{
    ADD(buf, "\x94\x00\x01\xa4"
             "echo\x91\xdc");
    add(buf, (const uint8_t[]){STRUCTS >> 8, STRUCTS & 0xff}, 2);
    for (int i = 0; i < STRUCTS; i++) {
        ADD(buf, "\x82\xa2"
                 "id\xcd");
        add(buf, (const uint8_t[]){(uint8_t)(1 + (i >> 8)), (uint8_t)i}, 2);
        ADD(buf, "\xa4"
                 "name\xa6"
                 "item 7");
    }
}

static void msgpack_multicall(struct duet_buf *buf)
{
    ADD(buf, "\x94\x00\x01\xb0"
             "system.multicall\x91\x9a");
    for (int i = 0; i < ENTRIES; i++)
        ADD(buf, "\x82\xaa"
                 "methodName\xa6"
                 "double\xa6"
                 "params\x91\x15");
}

static void http(struct duet_buf *buf, const struct duet_buf *body)
{
    char head[200];
    int size = snprintf(head, sizeof head,
                        "POST /RPC2 HTTP/1.1\r\nHost: localhost:8080\r\n"
                        "Content-Type: text/xml\r\nContent-Length: %zu\r\n\r\n",
                        body->size);
    add(buf, head, (size_t)size);
    add(buf, body->data, body->size);
}

static void xml(struct duet_buf *buf, const char *method, const char *value)
{
    struct duet_buf body;
    duet_buf_init(&body, SIZE_MAX);
    ADD(&body, "<?xml version=\"1.0\"?><methodCall><methodName>");
    add(&body, method, strlen(method));
    ADD(&body, "</methodName><params><param><value>");
    add(&body, value, strlen(value));
    ADD(&body, "</value></param></params></methodCall>");
    http(buf, &body);
    duet_buf_done(&body);
}

static void xml_double(struct duet_buf *buf)
{
    xml(buf, "double", "<int>21</int>");
}

static void xml_fault(struct duet_buf *buf)
{
    xml(buf, "double", "<string>x</string>");
}

/* `part` so many times in an array. */
static void xml_array(struct duet_buf *buf, const char *method, const char *part, size_t count)
{
    struct duet_buf value;
    duet_buf_init(&value, SIZE_MAX);
    ADD(&value, "<array><data>");
    for (size_t i = 0; i < count; i++)
        add(&value, part, strlen(part));
    ADD(&value, "</data></array>\0");
    xml(buf, method, (const char *)value.data);
    duet_buf_done(&value);
}

static void xml_structs(struct duet_buf *buf)
{
    xml_array(buf, "echo",
              "<value><struct><member><name>id</name><value><int>1234</int></value></member>"
              "<member><name>name</name><value><string>item 7</string></value></member>"
              "</struct></value>",
              STRUCTS);
}

static void xml_multicall(struct duet_buf *buf)
{
    xml_array(buf, "system.multicall",
              "<value><struct><member><name>methodName</name><value>double</value></member>"
              "<member><name>params</name><value><array><data><value><int>21</int></value>"
              "</data></array></value></member></struct></value>",
              ENTRIES);
}

/* What is there by hand and generated. */
static void hand_twice(struct duet_buf *buf)
{
    pairs_twice(buf, "hand.twice");
}

static void generated_twice(struct duet_buf *buf)
{
    pairs_twice(buf, "twice");
}

static void hand_copy(struct duet_buf *buf)
{
    pairs_copy(buf, "hand.copy");
}

static void generated_copy(struct duet_buf *buf)
{
    pairs_copy(buf, "copy");
}

static void hand_sum(struct duet_buf *buf)
{
    pairs_sum(buf, "hand.sum");
}

static void generated_sum(struct duet_buf *buf)
{
    pairs_sum(buf, "sum");
}

/* ---- Rows ---- */

struct row {
    const char *name;
    void (*request)(struct duet_buf *buf);
    int calls;         /* in one turn, one behind the other */
    const char *reply; /* stands in each; NULL: there is none */
};

static const struct row rows[] = {
    {"msgpack-double-32", msgpack_double, 32, "\x94\x01\x01\xc0\x2a"},
    {"msgpack-double", msgpack_double, 1, "\x94\x01\x01\xc0\x2a"},
    {"msgpack-notification-32", msgpack_notification, 32, NULL},
    {"msgpack-fault-32", msgpack_fault, 32, "must be int"},
    {"msgpack-multicall-10", msgpack_multicall, 1, "\x91\x2a"},
    {"msgpack-structs-1000", msgpack_structs, 1, "item 7"},
    {"xmlrpc-double-32", xml_double, 32, "<int>42</int>"},
    {"xmlrpc-double", xml_double, 1, "<int>42</int>"},
    {"xmlrpc-fault-32", xml_fault, 32, "must be int"},
    {"xmlrpc-multicall-10", xml_multicall, 1, "<int>42</int>"},
    {"xmlrpc-structs-1000", xml_structs, 1, "item 7"},
    {"hand-twice-32", hand_twice, 32, "\x40\x45"}, /* 42.0 */
    {"generated-twice-32", generated_twice, 32, "\x40\x45"},
    {"hand-copy-32", hand_copy, 32, "item 7"},
    {"generated-copy-32", generated_copy, 32, "item 7"},
    {"hand-sum-32", hand_sum, 32, "\xcd\x0e\x2e"}, /* 10 * (258 + 'i') = 3630 */
    {"generated-sum-32", generated_sum, 32, "\xcd\x0e\x2e"},
};

enum { ROWS = sizeof rows / sizeof *rows };

static int list(void)
{
    for (size_t i = 0; i < ROWS; i++)
        printf("%s %d\n", rows[i].name, rows[i].calls);
    return 0;
}

static size_t count_of(const struct duet_buf *text, const char *part)
{
    size_t count = 0, size = strlen(part);
    for (size_t at = 0; at + size <= text->size; at++)
        count += memcmp(text->data + at, part, size) == 0;
    return count;
}

/* Before it is measured it is walked often enough for memory to be at hand, and the answers are
 * those to be expected. */
static void walk_row(struct walk *walk, const struct row *row, int turns)
{
    enum { WARM = 20 };
    struct duet_buf request;
    duet_buf_init(&request, SIZE_MAX);
    for (int i = 0; i < row->calls; i++)
        row->request(&request);
    for (int i = 0; i < WARM; i++)
        exchange(walk, &request);
    if (row->reply == NULL)
        must(walk->peer.written.size == 0, "an answer to a notification");
    else
        must(count_of(&walk->peer.written, row->reply) >= (size_t)row->calls, "wrong answers");
    walk_measured(walk, &request, turns);
    duet_buf_done(&request);
}

int main(int argc, char *argv[])
{
    if (argc == 2 && strcmp(argv[1], "--list") == 0)
        return list();
    must(argc == 3, "usage: walk --list | walk TURNS ROW");
    for (size_t i = 0; i < ROWS; i++) {
        if (strcmp(argv[2], rows[i].name) != 0)
            continue;
        struct walk walk = {0};
        open_walk(&walk);
        walk_row(&walk, &rows[i], atoi(argv[1]));
        close_walk(&walk);
        return 0;
    }
    must(false, "no such row");
}
