/*
 * Load in XML-RPC over HTTP/1.1: double(n), or an echo of a string or of structs, written the
 * way Python's client writes them. Several in flight are pipelined.
 */
#include "load/load.h"
#include "load/measure.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#define CALL                                                                                   \
    "<?xml version='1.0'?>\n<methodCall>\n<methodName>%s</methodName>\n<params>\n<param>\n"
#define CALL_END "</param>\n</params>\n</methodCall>\n"
#define NUMBER "000000000"

enum { HTTP_ROOM = 512 };

static char head[1024];
static size_t head_size, number_at;
static struct load_shape load;
static uint8_t *echoed; /* the first good reply's body: all others must be like it */
static size_t echoed_size;

static size_t put_structs(char *to, size_t count)
{
    size_t size = (size_t)sprintf(to, "<value><array><data>\n");
    for (size_t i = 0; i < count; i++)
        size += (size_t)sprintf(
            to + size,
            "<value><struct>\n<member>\n<name>id</name>\n<value><int>%zu</int></value>\n"
            "</member>\n<member>\n<name>name</name>\n<value><string>name-%06zu</string>"
            "</value>\n</member>\n<member>\n<name>score</name>\n<value><double>%zu.25</double>"
            "</value>\n</member>\n</struct></value>\n",
            i, i, i);
    return size + (size_t)sprintf(to + size, "</data></array></value>\n" CALL_END);
}

static size_t put_string(char *to, size_t bytes)
{
    size_t size = (size_t)sprintf(to, "<value><string>");
    load_fill((uint8_t *)to + size, bytes, true);
    size += bytes;
    return size + (size_t)sprintf(to + size, "</string></value>\n" CALL_END);
}

static void build_body(const struct load_options *options)
{
    char *body = malloc(options->echo_bytes + options->echo_structs * 320 + 256);
    echoed = malloc(2 * (options->echo_bytes + options->echo_structs * 320) + 1024);
    if (body == NULL || echoed == NULL)
        die("out of memory");
    load.body = (uint8_t *)body;
    load.body_size = options->echo_bytes > 0 ? put_string(body, options->echo_bytes)
                                             : put_structs(body, options->echo_structs);
}

static void prepare(const struct load_options *options, struct load_shape *shape)
{
    char call[512];
    int size = snprintf(call, sizeof call, CALL, options->method);
    if (options->echo_bytes > 0 || options->echo_structs > 0)
        build_body(options);
    else
        size += snprintf(call + size, sizeof call - (size_t)size,
                         "<value><int>" NUMBER "</int></value>\n" CALL_END);
    if (size >= (int)sizeof call)
        die("the method's name is too long");

    head_size = (size_t)snprintf(
        head, sizeof head,
        "POST /RPC2 HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: load_xmlrpc\r\n"
        "Content-Type: text/xml\r\n%sContent-Length: %zu\r\n\r\n%s",
        options->reconnect ? "Connection: close\r\n" : "", (size_t)size + load.body_size, call);
    char *number = strstr(head, NUMBER);
    number_at = number != NULL ? (size_t)(number - head) : 0;
    load.head_size = head_size;
    load.reply_size = 2 * load.body_size + HTTP_ROOM;
    *shape = load;
}

static void write_head(uint8_t *to, uint32_t id, uint32_t number)
{
    (void)id;
    memcpy(to, head, head_size);
    if (load.body != NULL)
        return;
    for (size_t i = sizeof NUMBER - 1; i-- > 0; number /= 10)
        to[number_at + i] = (uint8_t)('0' + number % 10);
}

/* ---- Replies */

static size_t content_length(const char *at, const char *end)
{
    static const char name[] = "content-length:";
    while (at < end) {
        if ((*at | 0x20) == 'c' && strncasecmp(at, name, sizeof name - 1) == 0)
            return strtoull(at + sizeof name - 1, NULL, 10);
        at = (const char *)memchr(at, '\n', (size_t)(end - at)) + 1;
    }
    load_bad("no Content-Length", end, 0);
}

/* The text between two tags that is next, white space alone not counted; NULL at the end. */
static const char *next_text(const char **at, const char *end, size_t *size)
{
    while (*at < end) {
        const char *text = memchr(*at, '>', (size_t)(end - *at));
        if (text == NULL)
            return NULL;
        text++;
        const char *tag = memchr(text, '<', (size_t)(end - text));
        if (tag == NULL)
            return NULL;
        *at = tag;
        *size = (size_t)(tag - text);
        if (strspn(text, " \t\r\n") < *size)
            return text;
    }
    return NULL;
}

/* Every name and every value, in the order sent. Where servers may differ is white space. */
static bool same_texts(const char *reply, size_t reply_size)
{
    const char *sent = (const char *)load.body, *sent_end = sent + load.body_size;
    const char *reply_end = reply + reply_size;
    for (;;) {
        size_t n, m;
        const char *a = next_text(&sent, sent_end, &n), *b = next_text(&reply, reply_end, &m);
        if (a == NULL || b == NULL)
            return a == b;
        if (n != m || memcmp(a, b, n) != 0)
            return false;
    }
}

static void check_echo(const char *body, size_t size)
{
    if (echoed_size == 0 && size <= load.reply_size && same_texts(body, size)) {
        memcpy(echoed, body, size);
        echoed_size = size;
    }
    if (size != echoed_size || memcmp(body, echoed, size) != 0)
        load_bad("not what was sent", body, size);
}

/* What stands in "<value><int>…</int>". */
static uint64_t number_of(const char *body, size_t size)
{
    static const char value[] = "<value><i";
    const char *end = body + size, *at = memmem(body, size, value, sizeof value - 1);
    at = at != NULL ? memchr(at + sizeof value - 1, '>', (size_t)(end - at) - sizeof value + 1)
                    : NULL;
    uint64_t number = 0;
    while (at != NULL && ++at < end && *at >= '0' && *at <= '9')
        number = 10 * number + (uint64_t)(*at - '0');
    if (at == NULL || end - at < 3 || at[0] != '<' || at[1] != '/')
        load_bad("no int in it", body, size);
    return number;
}

static size_t read_reply(const uint8_t *bytes, size_t size, struct load_reply *reply)
{
    const char *text = (const char *)bytes;
    const char *head_end = memmem(text, size, "\r\n\r\n", 4);
    if (head_end == NULL)
        return 0;
    if (memcmp(text, "HTTP/1.", 7) != 0 || memcmp(text + 8, " 200 ", 5) != 0)
        load_bad("not 200", bytes, size);
    const char *body = head_end + 4;
    size_t body_size = content_length(text, head_end + 2);
    if (size - (size_t)(body - text) < body_size)
        return 0;

    if (memmem(body, body_size, "<methodResponse>", 16) == NULL)
        load_bad("not a methodResponse", bytes, size);
    if (load.body != NULL) {
        check_echo(body, body_size);
    } else {
        reply->has_value = true;
        reply->value = number_of(body, body_size);
    }
    return (size_t)(body - text) + body_size;
}

static const struct load_protocol xmlrpc = {.name = "xmlrpc",
                                            .in_order = true,
                                            .prepare = prepare,
                                            .write = write_head,
                                            .read = read_reply};

int main(int argc, char *argv[])
{
    return load_main(argc, argv, &xmlrpc);
}
