/*
 * HTTP requests as tables: what is taken and what it means, what is refused and why. Each row
 * is fed whole, byte by byte and cut at random; each good one also twice in a row. The hostile
 * and the large are in test_framing_http_hostile.c.
 */
#include "http_feed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define POST "POST /RPC2 HTTP/1.1\r\nHost: a\r\n"
#define CHUNKED POST "Transfer-Encoding: chunked\r\n\r\n"

enum {
    HTTP = DUET_NOTE_HTTP,
    KEEP = DUET_NOTE_HTTP | DUET_NOTE_KEEP_ALIVE,
    XML = DUET_CONTENT_XML,
    MSGPACK = DUET_CONTENT_MSGPACK,
    NONE = DUET_CONTENT_NONE,
};

static const struct good {
    const char *request;
    int content; /* enum duet_content */
    uint32_t notes;
    const char *body;
    const char *target; /* for DUET_CONTENT_NONE */
} good[] = {
    /* Bodies. */
    {POST "Content-Length: 3\r\n\r\nabc", XML, KEEP, "abc", NULL},
    {POST "content-LENGTH:3\r\n\r\nabc", XML, KEEP, "abc", NULL},
    {POST "Content-Length: 0\r\n\r\n", XML, KEEP, "", NULL},
    {POST "Content-Length: 0003  \r\n\r\nabc", XML, KEEP, "abc", NULL},
    {CHUNKED "3\r\nabc\r\n0\r\n\r\n", XML, KEEP, "abc", NULL},
    {CHUNKED "1\r\na\r\n2\r\nbc\r\n00A\r\n0123456789\r\n0\r\n\r\n", XML, KEEP, "abc0123456789",
     NULL},
    {CHUNKED "0\r\n\r\n", XML, KEEP, "", NULL},
    {CHUNKED "3;a=b;c=\"d;\\\"e\"\r\nabc\r\n0;z\r\nX: y\r\nMore:\r\n\r\n", XML, KEEP, "abc",
     NULL},
    {CHUNKED "3 \r\nabc\r\n0 ; x\r\n\r\n", XML, KEEP, "abc", NULL},
    {CHUNKED "3 \t \r\nabc\r\n0\t;x y\r\n\r\n", XML, KEEP, "abc", NULL},
    {POST "transfer-encoding:  CHUNKED \r\n\r\n1\r\na\r\n0\r\n\r\n", XML, KEEP, "a", NULL},
    {CHUNKED "0\r\nContent-Length: 9\r\nTransfer-Encoding: gzip\r\n\r\n", XML, KEEP, "", NULL},

    /* Paths and methods. */
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\na", XML, KEEP, "a", NULL},
    {"POST http://h:80/RPC2 HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\na", XML, KEEP, "a",
     NULL},
    {"POST HTTP://h HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\na", XML, KEEP, "a", NULL},
    {"POST /RPC2?x HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\na", NONE,
     KEEP | DUET_NOTE_NOT_FOUND, "a", "/RPC2?x"},
    {"POST /rpc2 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
     NONE, KEEP | DUET_NOTE_NOT_FOUND, "a", "/rpc2"},
    {"GET /healthz?full=1 HTTP/1.1\r\nHost: a\r\n\r\n", NONE, KEEP, "", "/healthz?full=1"},
    {"GET http://h/x HTTP/1.1\r\nHost: a\r\n\r\n", NONE, KEEP, "", "/x"},
    {"GET http://h HTTP/1.1\r\nHost: a\r\n\r\n", NONE, KEEP, "", "/"},
    {"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", NONE, KEEP, "abc", "/"},
    {"HEAD / HTTP/1.1\r\nHost:\r\n\r\n", NONE, KEEP | DUET_NOTE_HEAD, "", "/"},
    {"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", NONE, KEEP | DUET_NOTE_OPTIONS, "", "*"},
    {"PUT /RPC2 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab", NONE,
     KEEP | DUET_NOTE_BAD_METHOD, "ab", "/RPC2"},
    {"DELETE / HTTP/1.1\r\nHost: a\r\n\r\n", NONE, KEEP | DUET_NOTE_BAD_METHOD, "", "/"},
    {"CONNECT h:1 HTTP/1.1\r\nHost: a\r\n\r\n", NONE, KEEP | DUET_NOTE_BAD_METHOD, "", "h:1"},

    /* How long the connection lives. */
    {POST "Connection: close\r\nContent-Length: 1\r\n\r\na", XML, HTTP, "a", NULL},
    {POST "Connection: foo, Close\r\nContent-Length: 1\r\n\r\na", XML, HTTP, "a", NULL},
    {POST "Connection: keep-alive\r\nContent-Length: 1\r\n\r\na", XML, KEEP, "a", NULL},
    {"POST / HTTP/1.0\r\nContent-Length: 1\r\n\r\na", XML, HTTP | DUET_NOTE_HTTP_10, "a", NULL},
    {"POST / HTTP/1.0\r\nConnection: Keep-Alive\r\nContent-Length: 1\r\n\r\na", XML,
     KEEP | DUET_NOTE_HTTP_10, "a", NULL},
    {POST "Upgrade: h2c\r\nConnection: upgrade\r\nContent-Length: 1\r\n\r\na", XML, KEEP, "a",
     NULL},
    {"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n", NONE,
     KEEP, "", "/"},
    {"\r\n\r\n" POST "Content-Length: 1\r\n\r\na", XML, KEEP, "a", NULL},

    /* Codings and types. */
    {POST "Content-Type: application/msgpack\r\nContent-Length: 1\r\n\r\na", MSGPACK,
     KEEP | DUET_NOTE_BODY_MSGPACK, "a", NULL},
    {POST "CONTENT-TYPE: Application/X-MsgPack ; charset=x\r\nContent-Length: 1\r\n\r\na",
     MSGPACK, KEEP | DUET_NOTE_BODY_MSGPACK, "a", NULL},
    {POST "Content-Type: application/msgpackx\r\nContent-Length: 1\r\n\r\na", XML, KEEP, "a",
     NULL},
    {POST "Content-Type: text/plain\r\nContent-Length: 1\r\n\r\na", XML, KEEP, "a", NULL},
    {POST "Content-Encoding: gzip\r\nContent-Length: 1\r\n\r\na", XML,
     KEEP | DUET_NOTE_BODY_GZIP, "a", NULL},
    {POST "Content-Encoding: X-GZIP\r\nContent-Length: 1\r\n\r\na", XML,
     KEEP | DUET_NOTE_BODY_GZIP, "a", NULL},
    {POST "Content-Encoding: identity\r\nContent-Length: 1\r\n\r\na", XML, KEEP, "a", NULL},
    {POST "Accept-Encoding: gzip\r\nContent-Length: 1\r\n\r\na", XML,
     KEEP | DUET_NOTE_ACCEPT_GZIP, "a", NULL},

    /* Expectations other than ours are none of our business. */
    {POST "Expect: a-miracle\r\nContent-Length: 1\r\n\r\na", XML, KEEP, "a", NULL},
    /* Bytes above 127 in values are somebody's text. */
    {"GET / HTTP/1.1\r\nHost: \xc3\xa9\r\nX: \t\xff\r\n\r\n", NONE, KEEP, "", "/"},
};

static const struct bad_row {
    const char *request;
    int status;
    const char *reason; /* part of it */
} bad[] = {
    /* The request line. */
    {"\x16\x03\x01\x02\x00\x01", 400, "TLS"},
    {"SSH-2.0-OpenSSH_9.2\r\n", 400, "not HTTP"},
    {"post / HTTP/1.1\r\n", 400, "not HTTP"},
    {"FOO / HTTP/1.1\r\n", 400, "not HTTP"},
    {"\x94\x01\x02", 400, "not HTTP"},
    {"GET /\r\n", 505, "HTTP/0.9"},
    {"GET /\n", 505, "HTTP/0.9"},
    {"GET / HTTP/0.9\r\n\r\n", 505, "HTTP/0.9"},
    {"GET / HTTP/1.2\r\nHost: a\r\n\r\n", 505, "GET / HTTP/1.2"},
    {"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505, "HTTP/2.0"},
    {"GET / HTTP/3.0\r\nHost: a\r\n\r\n", 505, "GET / HTTP/3.0"},
    {"GET / HTTP/11.1\r\nHost: a\r\n\r\n", 505, "HTTP/11"},
    {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, "HTTP/2.0"},
    {"GET / RTSP/1.0\r\n\r\n", 400, "HTTP version"},
    {"GET / http/1.1\r\n\r\n", 400, "malformed request line"},
    {"GET / HTTP/x.1\r\n\r\n", 400, "malformed request line"},
    {"GET / HTTP/1.1 \r\nHost: a\r\n\r\n", 400, "malformed request line"},
    {"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400, "request line"},
    {"GET /  HTTP/1.1\r\nHost: a\r\n\r\n", 400, "request line"},
    {"GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n", 400, "malformed request line: \"GET /?\""},
    {"GET /\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n", 400, "malformed request line: \"GET /?\""},
    {"GET foo HTTP/1.1\r\nHost: a\r\n\r\n", 400, "malformed request line"},
    {"GET / HTTP/1.1\rHost: a\r\n\r\n", 400, "malformed request line"},
    {"GET / HTTP/1.1\nHost: a\r\n\r\n", 400, "request line"},

    /* Header lines. */
    {POST "X: y\nContent-Length: 1\r\n\r\na", 400, "malformed header at line 3: \"X: y?\""},
    {POST "X: y\rZ: z\r\nContent-Length: 1\r\n\r\na", 400, "malformed header at line 3"},
    {POST "X: y\r\rContent-Length: 1\r\n\r\na", 400, "malformed header at line 3"},
    {POST "Content-Length: 1\r\n\na", 400, "--http-line-ends lenient"},
    {POST "Content-Length: 1\r\n\rab", 400, "line"},
    {POST "X: y\r\n z\r\nContent-Length: 1\r\n\r\na", 400, "folding"},
    {POST "X:\r\n\tz\r\nContent-Length: 1\r\n\r\na", 400, "folding"},
    {"GET / HTTP/1.1\r\n X: y\r\nHost: a\r\n\r\n", 400, "malformed header at line 2"},
    {"GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400, "space in the name of a header: \"Host"},
    {"GET / HTTP/1.1\r\nHost: a\r\nA B: c\r\n\r\n", 400, "space in the name"},
    {"GET / HTTP/1.1\r\nHost: a\r\n: c\r\n\r\n", 400, "header"},
    {"GET / HTTP/1.1\r\nHost: a\r\nABC\r\n\r\n", 400, "malformed header at line 3"},
    {"GET / HTTP/1.1\r\nHost: a\r\nA(: c\r\n\r\n", 400, "malformed header at line 3"},
    {"GET / HTTP/1.1\r\nHost: a\r\nA: \x01\r\n\r\n", 400, "malformed header at line 3"},
    {"GET / HTTP/1.1\r\nX: y\r\n\r\n", 400, "without a Host"},
    {"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400, "second Host"},
    {"GET / HTTP/1.0\r\nHost: a\r\nhost: a\r\n\r\n", 400, "second Host"},

    /* How long the body is. */
    {POST "\r\n", 411, "Content-Length"},
    {"POST / HTTP/1.0\r\n\r\n", 411, "Content-Length"},
    {POST "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", 400, "twice"},
    {POST "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", 400, "twice"},
    {POST "Content-Length: 3, 3\r\n\r\nabc", 400, "not a number"},
    {POST "Content-Length: 3 3\r\n\r\nabc", 400, "not a number"},
    {POST "Content-Length: +3\r\n\r\nabc", 400, "not a number"},
    {POST "Content-Length: -3\r\n\r\nabc", 400, "not a number"},
    {POST "Content-Length: 0x3\r\n\r\nabc", 400, "not a number"},
    {POST "Content-Length: three\r\n\r\nabc", 400, "not a number"},
    {POST "Content-Length:\r\n\r\nabc", 400, "not a number"},
    {POST "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400,
     "Transfer-Encoding"},
    {POST "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n", 400,
     "Transfer-Encoding"},
    {POST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501, "gzip, chunked"},
    {POST "Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n", 400, "chunked,"},
    {POST "Transfer-Encoding: identity\r\n\r\n", 501, "identity"},
    {POST "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 501, "xchunked"},
    {POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400,
     "Transfer-Encoding"},
    {POST "Transfer-Encoding:\r\n\r\n0\r\n\r\n", 501, "Transfer-Encoding"},
    {"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400,
     "Transfer-Encoding in HTTP/1.0"},
    {POST "Content-Length: 16777217\r\n\r\n", 413,
     "message of 16777217 bytes exceeds --max-message 16777216"},
    {POST "Content-Length: 1000000000000\r\n\r\n", 413, "message of 1000000000000 bytes"},
    {POST "Content-Length: 18446744073709551615\r\n\r\n", 413,
     "message of 18446744073709551615 bytes"},
    {POST "Content-Length: 18446744073709551616\r\n\r\n", 413,
     "message of more than 18446744073709551615 bytes exceeds --max-message 16777216"},
    {POST "Content-Length: 99999999999999999999999999999999999999\r\n\r\n", 413, "more than"},
    {POST "Content-Encoding: br\r\nContent-Length: 1\r\n\r\na", 501, "br"},
    {POST "Content-Encoding: gzip, gzip\r\nContent-Length: 1\r\n\r\na", 501, "gzip, gzip"},
    {POST "Content-Encoding: gzip\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n\r\na", 501,
     "Content-Encoding"},

    /* Chunks. */
    {CHUNKED "3\nabc\r\n0\r\n\r\n", 400, "chunk size"},
    {CHUNKED "3\rabc\r\n0\r\n\r\n", 400, "bare CR"},
    {CHUNKED "3\r\nabc\n0\r\n\r\n", 400, "not followed by CR LF"},
    {CHUNKED "3\r\nabcX\n0\r\n\r\n", 400, "not followed by CR LF"},
    {CHUNKED "3\r\nabc\rX0\r\n\r\n", 400, "not followed by CR LF"},
    {CHUNKED "3\r\nabc0\r\n\r\n", 400, "not followed by CR LF"},
    {CHUNKED "xyz\r\n", 400, "chunk size"},
    {CHUNKED "0x3\r\nabc\r\n0\r\n\r\n", 400, "chunk size"},
    {CHUNKED "-3\r\nabc\r\n0\r\n\r\n", 400, "chunk size"},
    {CHUNKED " 3\r\nabc\r\n0\r\n\r\n", 400, "chunk size"},
    {CHUNKED "\r\nabc\r\n0\r\n\r\n", 400, "chunk size"},
    {CHUNKED ";a=b\r\nabc\r\n0\r\n\r\n", 400, "chunk size"},
    {CHUNKED "00000000000000003\r\nabc\r\n0\r\n\r\n", 400, "1 to 16 digits"},
    {CHUNKED "73 5\r\nabc\r\n0\r\n\r\n", 400, "chunk size"},
    {CHUNKED "3 x\r\nabc\r\n0\r\n\r\n", 400, "chunk size"},
    {CHUNKED "3\t\n\r\nabc\r\n0\r\n\r\n", 400, "chunk size"},
    {CHUNKED "3;a\nb\r\nabc\r\n0\r\n\r\n", 400, "chunk extension"},
    {CHUNKED "3;a\rb\r\nabc\r\n0\r\n\r\n", 400, "bare CR"},
    {CHUNKED "ffffffffffffffff\r\n", 413, "at least 18446744073709551615 bytes"},
    {CHUNKED "1\r\na\r\nffffffffffffffff\r\n", 413, "at least 18446744073709551615 bytes"},
    {CHUNKED "1\r\na\r\n1000000\r\n", 413, "message of at least 16777217 bytes exceeds"},
    {CHUNKED "0\r\n\rX", 400, "bare CR"},
    {CHUNKED "0\r\nabc", 0, ""}, /* not bad yet: a trailer without its colon */
    {CHUNKED "0\r\nabc\r\n\r\n", 400, "trailer"},
    {CHUNKED "0\r\nA: b\n\n", 400, "trailer"},
    {CHUNKED "0\r\n A: b\r\n\r\n", 400, "trailer"},
    {CHUNKED "0\r\nA : b\r\n\r\n", 400, "trailer"},
};

static void check_good(const struct good *row, const struct fed *fed, size_t size)
{
    if (fed->frame != DUET_FRAME_WHOLE)
        fail_msg("frame %d, %s: %s", fed->frame,
                 fed->frame == DUET_FRAME_BAD ? fed->message.reason : "", row->request);
    assert_int_equal(fed->message.content, row->content);
    assert_int_equal(fed->message.notes, row->notes);
    assert_int_equal(fed->message.body_size, strlen(row->body));
    assert_memory_equal(fed->message.body, row->body, strlen(row->body));
    assert_int_equal(fed->wire_size, size);
    if (row->target != NULL) {
        assert_int_equal(fed->message.target_size, strlen(row->target));
        assert_memory_equal(fed->message.target, row->target, strlen(row->target));
    }
}

static void good_requests_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        size_t size = strlen(good[i].request);
        for (size_t step = 0; step <= size; step += step < 3 ? 1 : size - step + 1) {
            struct fed fed = feed_text(good[i].request, step);
            check_good(&good[i], &fed, size);
            fed_free(&fed);
        }
    }
}

static void each_prefix_of_a_good_request_wants_more(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        for (size_t n = 1; n < strlen(good[i].request); n++) {
            struct fed fed = feed(good[i].request, n, 0);
            assert_int_equal(fed.frame, DUET_FRAME_MORE);
            fed_free(&fed);
        }
    }
}

static void of_two_requests_in_a_row_each_is_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        size_t size = strlen(good[i].request);
        char *twice = malloc(2 * size + 1);
        assert_non_null(twice);
        snprintf(twice, 2 * size + 1, "%s%s", good[i].request, good[i].request);

        struct fed first = feed_text(twice, 0);
        check_good(&good[i], &first, size);
        /* In place: what follows must have been left alone. */
        struct fed second = feed(first.copy + first.message.wire_size, size, 0);
        check_good(&good[i], &second, size);
        fed_free(&second);
        fed_free(&first);
        free(twice);
    }
}

static void check_bad(const struct bad_row *row, const struct fed *fed)
{
    if (row->status == 0) {
        assert_int_equal(fed->frame, DUET_FRAME_MORE);
        return;
    }
    if (fed->frame != DUET_FRAME_BAD)
        fail_msg("frame %d: %s", fed->frame, row->request);
    if (fed->message.status != row->status || strstr(fed->message.reason, row->reason) == NULL)
        fail_msg("%d %s: %s", fed->message.status, fed->message.reason, row->request);
    enum duet_bad kind = row->status == 400                         ? DUET_BAD_SYNTAX
                         : row->status == 413 || row->status == 431 ? DUET_BAD_LIMIT
                                                                    : DUET_BAD_HTTP;
    assert_int_equal(fed->message.bad, kind);
    assert_true((fed->message.notes & DUET_NOTE_HTTP) != 0);
    assert_in_range(fed->message.body - fed->copy, 0, strlen(row->request));
}

static void bad_requests_are_refused_in_words(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        for (size_t step = 0; step <= 2; step++) {
            struct fed fed = feed_text(bad[i].request, step);
            check_bad(&bad[i], &fed);
            fed_free(&fed);
        }
    }
}

/* What follows, in the same read or not, is no part of the answer either. */
static void every_row_reads_alike_however_it_is_cut(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        same_however_cut(good[i].request, strlen(good[i].request));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        same_however_cut(bad[i].request, strlen(bad[i].request));
        char followed[400];
        int size = snprintf(followed, sizeof followed, "%s" POST "Content-Length: 1\r\n\r\na",
                            bad[i].request);
        same_however_cut(followed, (size_t)size);
    }
}

/* With CR taken out before each LF. */
static size_t without_cr(char *room, const char *text)
{
    size_t size = 0;
    for (const char *p = text; *p != '\0'; p++)
        if (p[0] != '\r' || p[1] != '\n')
            room[size++] = *p;
    room[size] = '\0';
    return size;
}

static void lf_alone_reads_as_cr_lf_where_it_may(void **state)
{
    (void)state;
    feed_limits.lone_lf_ends_line = true;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        char request[400];
        size_t size = without_cr(request, good[i].request);
        struct fed fed = feed(request, size, 0);
        check_good(&good[i], &fed, size);
        fed_free(&fed);
        same_however_cut(request, size);
        same_however_cut(good[i].request, strlen(good[i].request));

        feed_limits.lone_lf_ends_line = false;
        struct fed strict = feed(request, size, 0);
        assert_int_equal(strict.frame, DUET_FRAME_BAD);
        assert_int_equal(strict.message.status, 400);
        assert_non_null(strstr(strict.message.reason, "--http-line-ends lenient"));
        fed_free(&strict);
        feed_limits.lone_lf_ends_line = true;
    }
    feed_limits.lone_lf_ends_line = false;
}

static void nothing_else_is_taken_that_could_be_read_in_two_ways(void **state)
{
    (void)state;
    static const struct bad_row rows[] = {
        {"POST / HTTP/1.1\nHost: a\nContent-Length: 3\nTransfer-Encoding: chunked\n\nabc", 400,
         "Transfer-Encoding"},
        {"POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\nContent-Length: 3\n\nabc", 400,
         "Transfer-Encoding"},
        {"POST / HTTP/1.1\nHost: a\nContent-Length: 3\r\nTransfer-Encoding: chunked\n\nabc",
         400, "Transfer-Encoding"},
        {"POST / HTTP/1.1\nHost: a\nContent-Length: 3\nContent-Length: 4\n\nabc", 400, "twice"},
        {"POST / HTTP/1.1\nHost: a\nX: y\rContent-Length: 3\n\nabc", 400, "malformed header"},
        {"POST / HTTP/1.1\nHost: a\nContent-Length: 3\n\rabc", 400, ""},
        {"POST / HTTP/1.1\nHost: a\nX: y\n Content-Length: 3\n\nabc", 400, "folding"},
        {"POST / HTTP/1.1\nHost: a\nHost: b\nContent-Length: 3\n\nabc", 400, "second Host"},
        {"POST / HTTP/1.1\rHost: a\n\n", 400, "malformed request line"},
        {"POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n\n3\rabc", 400, "bare CR"},
        {"POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n\n3\nabcd", 400,
         "not followed"},
    };
    feed_limits.lone_lf_ends_line = true;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fed fed = feed_text(rows[i].request, 0);
        check_bad(&rows[i], &fed);
        fed_free(&fed);
        same_however_cut(rows[i].request, strlen(rows[i].request));
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        same_however_cut(bad[i].request, strlen(bad[i].request));
    feed_limits.lone_lf_ends_line = false;
}

static void check_text(const char *found, size_t size, const char *wanted, const char *request)
{
    if ((found == NULL) != (wanted == NULL))
        fail_msg("%s", request);
    if (wanted == NULL)
        return;
    assert_int_equal(size, strlen(wanted));
    assert_memory_equal(found, wanted, size);
}

/* Of what is bad, and of what is given up before it is whole, its body so far. */
static void as_much_is_told_as_is_known(void **state)
{
    (void)state;
    enum { UNDER_WAY, REFUSED };
    static const struct {
        const char *request;
        int frame;
        const char *origin, *body, *target;
        int content;
    } rows[] = {
        {POST "Origin: https://b\r\nContent-Le", UNDER_WAY, NULL, "", NULL, NONE},
        {POST "Origin: https://b\r\nContent-Length: 9\r\n\r\nabc", UNDER_WAY, "https://b",
         "abc", "/RPC2", XML},
        {POST "Content-Type: application/msgpack\r\nContent-Length: 9\r\n\r\n", UNDER_WAY, NULL,
         "", "/RPC2", MSGPACK},
        {POST "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n5\r\nc", UNDER_WAY, NULL, "abc",
         "/RPC2", XML},
        {POST "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\nfffffff\r\n", REFUSED,
         NULL, "abc", "/RPC2", XML},
        {POST "Content-Type: application/msgpack\r\nContent-Length: 99999999\r\n\r\nabc",
         REFUSED, NULL, "", "/RPC2", MSGPACK},
        {POST "Origin: https://b\r\n: x\r\n\r\n", REFUSED, NULL, "", NULL, NONE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (size_t step = 0; step < 2; step++) {
            struct fed fed = feed_text(rows[i].request, step);
            const struct duet_message *told =
                rows[i].frame == REFUSED ? &fed.message : &fed.told;
            assert_int_equal(fed.frame == DUET_FRAME_BAD, rows[i].frame == REFUSED);
            check_text(told->origin, told->origin_size, rows[i].origin, rows[i].request);
            check_text(told->target, told->target_size, rows[i].target, rows[i].request);
            check_text((const char *)told->body, told->body_size, rows[i].body,
                       rows[i].request);
            assert_int_equal(told->content, rows[i].content);
            fed_free(&fed);
        }
    }
}

/* Whose page asks is told of good requests, and of bad ones whose head could be read. */
static void host_and_origin_are_told(void **state)
{
    (void)state;
    static const struct {
        const char *request, *host, *origin;
        uint32_t notes;
    } rows[] = {
        {"GET / HTTP/1.1\r\nHost: a:1\r\n\r\n", "a:1", NULL, 0},
        {"GET / HTTP/1.0\r\n\r\n", NULL, NULL, 0},
        {"GET / HTTP/1.1\r\nHost:\r\nOrigin:\r\n\r\n", "", "", 0},
        {POST "ORIGIN:  https://b \r\nContent-Length: 1\r\n\r\nx", "a", "https://b", 0},
        {POST "Origin: https://b\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n", "a",
         "https://b", 0},
        {POST "Origin: null\r\nContent-Length: 99999999\r\n\r\n", "a", "null", 0},
        {POST "Origin: null\r\nTransfer-Encoding: chunked\r\n\r\nx", "a", "null", 0},
        {POST "Origin: null\r\n\r\n", "a", "null", 0},
        {POST "Content-Encoding: br\r\nOrigin: https://b\r\nContent-Length: 1\r\n\r\nx", "a",
         "https://b", 0},
        {POST "Transfer-Encoding: br\r\nContent-Encoding: br\r\nOrigin: https://b\r\n\r\n", "a",
         "https://b", 0},
        {POST "Origin: https://b\r\nContent-Encoding: br\r\nOrigin: https://b\r\n\r\n", NULL,
         NULL, 0},
        {POST "Origin: https://b\r\nOrigin: https://b\r\nContent-Length: 1\r\n\r\nx", NULL,
         NULL, 0},
        {"GET http://b:2/ HTTP/1.1\r\nHost: a\r\n\r\n", "b:2", NULL, 0},
        {"GET http://b HTTP/1.1\r\nHost: a\r\n\r\n", "b", NULL, 0},
        {"GET http://b/ HTTP/1.0\r\n\r\n", "b", NULL, 0},
        {"GET / HTTP/1.1\r\nHost: a\r\nSec-Fetch-Site: Cross-Site\r\n\r\n", "a", NULL,
         DUET_NOTE_CROSS_SITE},
        {"GET / HTTP/1.1\r\nHost: a\r\nSec-Fetch-Site: same-origin\r\n\r\n", "a", NULL, 0},
        {"OPTIONS / HTTP/1.1\r\nHost: a\r\nAccess-Control-Request-Method: POST\r\n"
         "Access-Control-Request-Private-Network: true\r\n\r\n",
         "a", NULL, DUET_NOTE_PREFLIGHT | DUET_NOTE_PRIVATE_NETWORK},
    };
    const uint32_t told =
        DUET_NOTE_CROSS_SITE | DUET_NOTE_PREFLIGHT | DUET_NOTE_PRIVATE_NETWORK;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (size_t step = 0; step < 2; step++) {
            struct fed fed = feed_text(rows[i].request, step);
            const struct duet_message *message = &fed.message;
            assert_int_not_equal(fed.frame, DUET_FRAME_MORE);
            check_text(message->host, message->host_size, rows[i].host, rows[i].request);
            check_text(message->origin, message->origin_size, rows[i].origin, rows[i].request);
            assert_int_equal(message->notes & told, rows[i].notes);
            fed_free(&fed);
        }
        same_however_cut(rows[i].request, strlen(rows[i].request));
    }
}

static void the_client_that_waits_is_told_to_continue_once(void **state)
{
    (void)state;
    static const struct {
        const char *request;
        unsigned bytewise, whole;
    } rows[] = {
        {POST "Expect: 100-continue\r\nContent-Length: 3\r\n\r\nabc", 1, 0},
        {POST "expect: 100-Continue\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
         1, 0},
        {POST "Expect: 100-continue\r\nContent-Length: 0\r\n\r\n", 0, 0},
        {POST "Expect: 100-continue\r\nContent-Length: 3\r\n\r\n", 1, 1},
        {POST "Expect: 100-continue\r\nContent-Length: 3\r\n\r\nab", 1, 1},
        {POST "Expect: 100-continue\r\nContent-Length: 3\r\n", 0, 0},
        {POST "Expect: 200-ok\r\nContent-Length: 3\r\n\r\n", 0, 0},
        {"POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nab", 0, 0},
        {POST "Expect: 100-continue\r\nContent-Length: 99999999\r\n\r\n", 0, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fed bytewise = feed_text(rows[i].request, 1);
        assert_int_equal(bytewise.interims, rows[i].bytewise);
        struct fed whole = feed_text(rows[i].request, 0);
        assert_int_equal(whole.interims, rows[i].whole);
        fed_free(&whole);
        fed_free(&bytewise);
    }
}

static void the_length_is_told_as_soon_as_the_head_is_complete(void **state)
{
    (void)state;
    static const char head[] = POST "Content-Length: 1000\r\n";

    struct fed fed = feed_text(head, 0);
    assert_int_equal(fed.need, 0);
    assert_false(fed.was_in_body);
    fed_free(&fed);

    fed = feed_text(POST "Content-Length: 1000\r\n\r\nabc", 0);
    assert_int_equal(fed.need, sizeof head - 1 + 2 + 1000);
    assert_int_equal(fed.message.kept, sizeof head - 1 + 2 + 3);
    assert_true(fed.was_in_body);
    fed_free(&fed);
}

static void a_refused_head_request_is_answered_without_a_body(void **state)
{
    (void)state;
    struct fed fed = feed_text("HEAD / HTTP/1.1\r\n\r\n", 0);
    assert_int_equal(fed.frame, DUET_FRAME_BAD);
    assert_true((fed.message.notes & DUET_NOTE_HEAD) != 0);
    fed_free(&fed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_requests_are_read),
        cmocka_unit_test(each_prefix_of_a_good_request_wants_more),
        cmocka_unit_test(of_two_requests_in_a_row_each_is_read),
        cmocka_unit_test(bad_requests_are_refused_in_words),
        cmocka_unit_test(every_row_reads_alike_however_it_is_cut),
        cmocka_unit_test(host_and_origin_are_told),
        cmocka_unit_test(as_much_is_told_as_is_known),
        cmocka_unit_test(lf_alone_reads_as_cr_lf_where_it_may),
        cmocka_unit_test(nothing_else_is_taken_that_could_be_read_in_two_ways),
        cmocka_unit_test(the_client_that_waits_is_told_to_continue_once),
        cmocka_unit_test(the_length_is_told_as_soon_as_the_head_is_complete),
        cmocka_unit_test(a_refused_head_request_is_answered_without_a_body),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
