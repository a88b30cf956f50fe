/*
 * HTTP replies cut from a stream, each also byte by byte and cut at random; and the heads of
 * requests.
 */
#include "http_feed.h"
#include "http_head.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define OK "HTTP/1.1 200 OK\r\n"
#define OK_10 "HTTP/1.0 200 OK\r\n"
#define XML "Content-Type: text/xml\r\n"
#define TWO "Content-Length: 2\r\n\r\nab"

enum {
    KEEP = DUET_NOTE_HTTP | DUET_NOTE_KEEP_ALIVE,
    CLOSE = DUET_NOTE_HTTP,
    HTTP_10 = DUET_NOTE_HTTP_10,
    GZIP = DUET_NOTE_BODY_GZIP,
    PACKED = DUET_NOTE_BODY_MSGPACK,
};

static int set_up(void **state)
{
    (void)state;
    feed_framing = &duet_framing_http_reply;
    feed_ends = false;
    feed_limits =
        (struct duet_limits){.max_message = FEED_MAX_MESSAGE, .max_head = FEED_MAX_HEAD};
    return 0;
}

/* ---- Whole ones */

struct whole {
    const char *text, *body;
    int status;
    uint32_t notes;
    enum duet_content content;
    uint32_t retry_after_s;
    size_t left; /* bytes after it that are not its own */
};

static void expect_whole(const struct whole *row)
{
    struct fed fed = feed_text(row->text, 0);
    if (fed.frame != DUET_FRAME_WHOLE)
        fail_msg("%d %s: %s", fed.frame, fed.frame < 0 ? fed.message.reason : "", row->text);
    assert_int_equal(fed.message.status, row->status);
    assert_int_equal(fed.message.content, row->content);
    if (fed.message.notes != row->notes)
        fail_msg("notes %x, not %x: %s", (unsigned)fed.message.notes, (unsigned)row->notes,
                 row->text);
    assert_int_equal(fed.message.retry_after_s, row->retry_after_s);
    assert_int_equal(fed.message.body_size, strlen(row->body));
    assert_memory_equal(fed.message.body, row->body, strlen(row->body));
    assert_int_equal(fed.wire_size, strlen(row->text) - row->left);
    fed_free(&fed);
    same_however_cut(row->text, strlen(row->text));
}

static void whole_replies_are_cut(void **state)
{
    (void)state;
    static const struct whole rows[] = {
        {OK XML TWO, "ab", 200, KEEP, DUET_CONTENT_XML, 0, 0},
        {OK XML TWO "HTTP/1.1", "ab", 200, KEEP, DUET_CONTENT_XML, 0, 8},
        {"\r\n" OK XML TWO, "ab", 200, KEEP, DUET_CONTENT_XML, 0, 0},
        {OK TWO, "ab", 200, KEEP, DUET_CONTENT_XML, 0, 0},
        {OK "Content-Type: text/plain\r\n" TWO, "ab", 200, KEEP, DUET_CONTENT_XML, 0, 0},
        {OK "content-type:application/xml ; charset=x\r\n" TWO, "ab", 200, KEEP,
         DUET_CONTENT_XML, 0, 0},
        {OK "Content-Type: application/msgpack\r\n" TWO, "ab", 200, KEEP | PACKED,
         DUET_CONTENT_MSGPACK, 0, 0},
        {OK "Content-Encoding: gzip\r\n" TWO, "ab", 200, KEEP | GZIP, DUET_CONTENT_XML, 0, 0},
        {OK "Content-Length: 0\r\n\r\nab", "", 200, KEEP, DUET_CONTENT_XML, 0, 2},
        /* The words after a status are free, and may be missing with their space. */
        {"HTTP/1.1 200\r\n" TWO, "ab", 200, KEEP, DUET_CONTENT_XML, 0, 0},
        {"HTTP/1.1 200 \r\n" TWO, "ab", 200, KEEP, DUET_CONTENT_XML, 0, 0},
        {"HTTP/1.1 200 Tout va \xc3\xa0 merveille\r\n" TWO, "ab", 200, KEEP, DUET_CONTENT_XML,
         0, 0},
        /* Who goes on, and who does not. */
        {OK "Connection: close\r\n" TWO, "ab", 200, CLOSE, DUET_CONTENT_XML, 0, 0},
        {OK "Connection: keep-alive\r\n" TWO, "ab", 200, KEEP, DUET_CONTENT_XML, 0, 0},
        {OK_10 TWO, "ab", 200, CLOSE | HTTP_10, DUET_CONTENT_XML, 0, 0},
        {OK_10 "Connection: Keep-Alive\r\n" TWO, "ab", 200, KEEP | HTTP_10, DUET_CONTENT_XML, 0,
         0},
        /* Chunks. */
        {OK "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n1;x=y\r\nb\r\n0\r\nT: v\r\n\r\nHT",
         "ab", 200, KEEP, DUET_CONTENT_XML, 0, 2},
        {OK "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "", 200, KEEP, DUET_CONTENT_XML, 0,
         0},
        /* Replies that have no body, whatever they say. */
        {"HTTP/1.1 204 No Content\r\n\r\nab", "", 204, KEEP, DUET_CONTENT_NONE, 0, 2},
        {"HTTP/1.1 304 Not Modified\r\nContent-Length: 2\r\n\r\nab", "", 304, KEEP,
         DUET_CONTENT_NONE, 0, 2},
        {"HTTP/1.1 204 No\r\nTransfer-Encoding: chunked\r\n\r\n", "", 204, KEEP,
         DUET_CONTENT_NONE, 0, 0},
        /* Refusals: for people, unless they say that they are more. */
        {"HTTP/1.1 404 Not Found\r\nContent-Type: text/html\r\n" TWO, "ab", 404, KEEP,
         DUET_CONTENT_NONE, 0, 0},
        {"HTTP/1.1 500 No\r\n" TWO, "ab", 500, KEEP, DUET_CONTENT_NONE, 0, 0},
        {"HTTP/1.1 500 No\r\n" XML TWO, "ab", 500, KEEP, DUET_CONTENT_XML, 0, 0},
        {"HTTP/1.1 301 Moved\r\nLocation: /x\r\n" TWO, "ab", 301, KEEP, DUET_CONTENT_NONE, 0,
         0},
        {"HTTP/1.1 503 Busy\r\nRetry-After: 12\r\n" XML TWO, "ab", 503, KEEP, DUET_CONTENT_XML,
         12, 0},
        {"HTTP/1.1 503 Busy\r\nRetry-After: 4294967295999999999999\r\n" TWO, "ab", 503, KEEP,
         DUET_CONTENT_NONE, UINT32_MAX, 0},
        {"HTTP/1.1 503 Busy\r\nRetry-After: Wed, 21 Oct 2015 07:28:00 GMT\r\n" TWO, "ab", 503,
         KEEP, DUET_CONTENT_NONE, 0, 0},
        {"HTTP/1.1 503 Busy\r\nRetry-After:\r\n" TWO, "ab", 503, KEEP, DUET_CONTENT_NONE, 0, 0},
        /* Lines of a request's head mean nothing here. */
        {OK "Host: a\r\nHost: b\r\nExpect: 100-continue\r\n" TWO, "ab", 200, KEEP,
         DUET_CONTENT_XML, 0, 0},
        /* Interim ones are passed over. */
        {"HTTP/1.1 100 Continue\r\n\r\n" OK TWO, "ab", 200, KEEP, DUET_CONTENT_XML, 0, 0},
        {"HTTP/1.1 102 Processing\r\nRetry-After: 9\r\nContent-Type: "
         "application/msgpack\r\n\r\n"
         "HTTP/1.1 103 Early Hints\r\nLink: <a>\r\nConnection: close\r\n\r\n" OK TWO,
         "ab", 200, KEEP, DUET_CONTENT_XML, 0, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        expect_whole(&rows[i]);
}

static void a_body_without_a_length_ends_with_the_stream(void **state)
{
    (void)state;
    static const struct whole rows[] = {
        {OK "\r\nab", "ab", 200, CLOSE, DUET_CONTENT_XML, 0, 0},
        {OK "Connection: keep-alive\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n",
         200, CLOSE, DUET_CONTENT_XML, 0, 0},
        {OK "\r\n", "", 200, CLOSE, DUET_CONTENT_XML, 0, 0},
        {OK_10 XML "\r\nab", "ab", 200, CLOSE | HTTP_10, DUET_CONTENT_XML, 0, 0},
        {"HTTP/1.1 100 Continue\r\n\r\n" OK "\r\nab", "ab", 200, CLOSE, DUET_CONTENT_XML, 0, 0},
        {"HTTP/1.1 502 Bad Gateway\r\n\r\n<p>", "<p>", 502, CLOSE, DUET_CONTENT_NONE, 0, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        feed_ends = false;
        struct fed fed = feed_text(rows[i].text, 0);
        assert_int_equal(fed.frame, DUET_FRAME_MORE);
        assert_true(fed.message.in_body);
        assert_int_equal(fed.message.need, 0);
        fed_free(&fed);
        feed_ends = true;
        expect_whole(&rows[i]);
    }
}

static void no_reply_to_head_has_a_body(void **state)
{
    (void)state;
    feed_framing = &duet_framing_http_reply_to_head;
    static const struct whole rows[] = {
        {OK XML "Content-Length: 2\r\n\r\nHT", "", 200, KEEP, DUET_CONTENT_NONE, 0, 2},
        {OK "\r\n", "", 200, KEEP, DUET_CONTENT_NONE, 0, 0},
        {OK "Transfer-Encoding: chunked\r\n\r\n", "", 200, KEEP, DUET_CONTENT_NONE, 0, 0},
        {OK "Content-Length: 99999999999\r\n\r\n", "", 200, KEEP, DUET_CONTENT_NONE, 0, 0},
        {"HTTP/1.1 503 Busy\r\nRetry-After: 1\r\nConnection: close\r\n\r\n", "", 503, CLOSE,
         DUET_CONTENT_NONE, 1, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        expect_whole(&rows[i]);
}

static void what_is_still_to_come_is_told(void **state)
{
    (void)state;
    struct fed fed = feed_text(OK "Content-Length: 9\r\n\r\nab", 0);
    assert_int_equal(fed.frame, DUET_FRAME_MORE);
    assert_int_equal(fed.need, strlen(OK "Content-Length: 9\r\n\r\n") + 9);
    assert_true(fed.was_in_body);
    assert_int_equal(fed.interims, 0);
    fed_free(&fed);

    fed = feed_text("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 2", 1);
    assert_int_equal(fed.frame, DUET_FRAME_MORE);
    assert_int_equal(fed.need, 0);
    assert_false(fed.was_in_body);
    fed_free(&fed);
}

/* ---- Bad ones */

struct bad {
    const char *text;
    enum duet_bad bad;
    const char *reason;
};

static void expect_bad(const struct bad *row)
{
    struct fed fed = feed_text(row->text, 0);
    if (fed.frame != DUET_FRAME_BAD)
        fail_msg("%d: %s", fed.frame, row->text);
    if (fed.message.bad != row->bad || strstr(fed.message.reason, row->reason) == NULL)
        fail_msg("%d %s: %s", (int)fed.message.bad, fed.message.reason, row->text);
    assert_int_equal(fed.message.status, 0); /* nobody is answered */
    fed_free(&fed);
    same_however_cut(row->text, strlen(row->text));
}

static void bad_replies_are_refused(void **state)
{
    (void)state;
    static const struct bad rows[] = {
        {"ICY 200 OK\r\n\r\n", DUET_BAD_SYNTAX, "malformed status line: \"I"},
        {"<html>", DUET_BAD_SYNTAX, "malformed status line: \"<"},
        {"POST / HTTP/1.1\r\n", DUET_BAD_SYNTAX, "malformed status line: \"P"},
        {"\x94\x01\x01", DUET_BAD_SYNTAX, "malformed status line: \"?"},
        {"HTTP/1.1 20 OK\r\n\r\n", DUET_BAD_SYNTAX, "status line"},
        {"HTTP/1.1 2000 OK\r\n\r\n", DUET_BAD_SYNTAX, "status line"},
        {"HTTP/1.1 099 OK\r\n\r\n", DUET_BAD_SYNTAX, "status line"},
        {"HTTP/1.1 200OK\r\n\r\n", DUET_BAD_SYNTAX, "status line"},
        {"HTTP/1.1  200 OK\r\n\r\n", DUET_BAD_SYNTAX, "status line"},
        {"HTTP/2.0 200 OK\r\n\r\n", DUET_BAD_HTTP, "not"},
        {"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n",
         DUET_BAD_HTTP, "status 101: nobody asked for another protocol"},
        {OK "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n", DUET_BAD_SYNTAX,
         "with Transfer-Encoding"},
        {OK "Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n", DUET_BAD_SYNTAX,
         "with Transfer-Encoding"},
        {OK "Content-Length: 2\r\nContent-Length: 2\r\n\r\n", DUET_BAD_SYNTAX,
         "Content-Length comes twice"},
        {OK "Content-Length: 2x\r\n\r\n", DUET_BAD_SYNTAX, "Content-Length is not a number"},
        {OK "Content-Length: -2\r\n\r\n", DUET_BAD_SYNTAX, "Content-Length is not a number"},
        {OK "Transfer-Encoding: gzip, chunked\r\n\r\n", DUET_BAD_HTTP,
         "Transfer-Encoding is not chunked alone"},
        {OK "Transfer-Encoding: identity\r\n\r\n", DUET_BAD_HTTP,
         "Transfer-Encoding is not chunked alone"},
        {OK_10 "Transfer-Encoding: chunked\r\n\r\n", DUET_BAD_SYNTAX,
         "Transfer-Encoding in HTTP/1.0"},
        {OK "Content-Encoding: br\r\n" TWO, DUET_BAD_HTTP,
         "Content-Encoding is not gzip, once"},
        {OK " folded: x\r\n" TWO, DUET_BAD_SYNTAX, "line 2"},
        {OK "na me: x\r\n" TWO, DUET_BAD_SYNTAX, "a space in the name of a header"},
        {OK "a: b\r\n folded\r\n" TWO, DUET_BAD_SYNTAX, "folding is obsolete"},
        {"HTTP/1.1 200 OK\nContent-Length: 2\n\nab", DUET_BAD_SYNTAX, "LF"},
        {OK "Content-Length: 16777217\r\n\r\n", DUET_BAD_LIMIT,
         "message of 16777217 bytes exceeds --max-message 16777216"},
        {OK "Content-Length: 99999999999999999999\r\n\r\n", DUET_BAD_LIMIT,
         "exceeds --max-message 16777216"},
        {OK "Transfer-Encoding: chunked\r\n\r\n1000001\r\n", DUET_BAD_LIMIT,
         "message of at least 16777217 bytes exceeds --max-message 16777216"},
        {OK "Transfer-Encoding: chunked\r\n\r\nx\r\n", DUET_BAD_SYNTAX,
         "a chunk size is not a hexadecimal number"},
        {"HTTP/1.1 100 Continue\r\n\r\nnonsense", DUET_BAD_SYNTAX,
         "malformed status line: \"n"},
        {"HTTP/1.1 100 Continue\r\nContent-Length: x\r\n\r\n", DUET_BAD_SYNTAX,
         "Content-Length is not a number"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        expect_bad(&rows[i]);
}

static void a_reply_that_the_stream_cuts_off_is_bad(void **state)
{
    (void)state;
    feed_ends = true;
    static const struct bad rows[] = {
        {"H", DUET_BAD_CUT, "the connection ended after 1 bytes of a reply"},
        {"HTTP/1.1 200 OK\r\n", DUET_BAD_CUT, "ended after 17 bytes of a reply"},
        {"HTTP/1.1 100 Continue\r\n\r\n", DUET_BAD_CUT, "ended after 25 bytes of a reply"},
        {OK "Content-Length: 3\r\n\r\nab", DUET_BAD_CUT, "ended after 40 bytes of a reply"},
        {OK "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n", DUET_BAD_CUT, "ended after"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        expect_bad(&rows[i]);
}

static void limits_hold_to_the_byte(void **state)
{
    (void)state;
    static const char head[] = "HTTP/1.1 100 Continue\r\n\r\n" OK "\r\n";
    char text[sizeof head + 4];
    feed_limits.max_message = 3;
    feed_limits.max_head = sizeof head - 1;
    feed_ends = true;
    snprintf(text, sizeof text, "%sabc", head);
    expect_whole(&(struct whole){text, "abc", 200, CLOSE, DUET_CONTENT_XML, 0, 0});
    snprintf(text, sizeof text, "%sabcd", head);
    expect_bad(&(struct bad){text, DUET_BAD_LIMIT,
                             "message of at least 4 bytes exceeds --max-message 3"});

    /* Interim heads are of the same measure. */
    feed_limits.max_head--;
    expect_bad(&(struct bad){text, DUET_BAD_LIMIT,
                             "head of at least 44 bytes exceeds "
                             "--max-head 43"});
}

static void lines_may_end_with_lf_alone_where_that_is_allowed(void **state)
{
    (void)state;
    feed_limits.lone_lf_ends_line = true;
    expect_whole(&(struct whole){"HTTP/1.1 100 Continue\n\nHTTP/1.1 200 OK\nContent-Length: 2\n"
                                 "\nab",
                                 "ab", 200, KEEP, DUET_CONTENT_XML, 0, 0});
    expect_whole(&(struct whole){"HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n2\nab\n0\n\n",
                                 "ab", 200, KEEP, DUET_CONTENT_XML, 0, 0});
}

/* ---- Noise: replies with bytes changed read alike however they are cut */

static void noise_reads_alike_however_it_is_cut(void **state)
{
    (void)state;
    static const char *const texts[] = {
        OK XML "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n1;x=y\r\nb\r\n0\r\nT: v\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\n" OK "Retry-After: 1\r\n" TWO,
        OK "Connection: close\r\nContent-Encoding: gzip\r\n\r\nab",
    };
    static const char bytes[] = "\r\n\t :,;0129aAHT/\xff";
    feed_ends = true;
    for (uint32_t i = 1; i <= 600; i++) {
        uint32_t seed = i * 2654435761U;
        char *copy = strdup(texts[i % 3]);
        assert_non_null(copy);
        size_t size = strlen(copy);
        for (uint32_t changes = 1 + random_number(&seed) % 3; changes > 0; changes--)
            copy[random_number(&seed) % size] =
                bytes[random_number(&seed) % (sizeof bytes - 1)];
        same_however_cut(copy, size);
        free(copy);
    }
}

/* ---- What goes around a request */

static void each_request_head_is_written_as_it_should_be(void **state)
{
    (void)state;
    static const struct {
        struct duet_head head;
        const char *text;
    } rows[] = {
        {{.target = "/RPC2",
          .host = "localhost:8080",
          .content_type = "text/xml",
          .body_size = 12,
          .extra = ""},
         "POST /RPC2 HTTP/1.1\r\nHost: localhost:8080\r\nUser-Agent: Duet\r\n"
         "Content-Type: text/xml\r\nContent-Length: 12\r\n\r\n"},
        {{.target = "/?a=b",
          .host = "[::1]",
          .content_type = "application/msgpack",
          .body_size = 0,
          .gzip = true,
          .close = true,
          .notes = DUET_NOTE_ACCEPT_GZIP,
          .extra = "Authorization: Bearer x\r\n"},
         "POST /?a=b HTTP/1.1\r\nHost: [::1]\r\nUser-Agent: Duet\r\n"
         "Content-Type: application/msgpack\r\nContent-Encoding: gzip\r\nContent-Length: 0\r\n"
         "Accept-Encoding: gzip\r\nConnection: close\r\nAuthorization: Bearer x\r\n\r\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char room[DUET_HEAD_ROOM];
        size_t size = duet_framing_http_reply.wrap(room, &rows[i].head);
        assert_int_equal(size, strlen(rows[i].text));
        assert_memory_equal(room, rows[i].text, size);

        feed_framing = &duet_framing_http; /* our other side takes it */
        struct fed fed = feed(room, size, 1);
        assert_int_equal(fed.frame,
                         rows[i].head.body_size > 0 ? DUET_FRAME_MORE : DUET_FRAME_WHOLE);
        fed_free(&fed);
    }

    char room[DUET_HEAD_ROOM + 1];
    struct duet_head head = {.target = "/healthz", .host = "a", .close = true, .extra = ""};
    room[duet_framing_http_reply_to_head.wrap(room, &head)] = '\0';
    assert_string_equal(room, "HEAD /healthz HTTP/1.1\r\nHost: a\r\nUser-Agent: Duet\r\n"
                              "Connection: close\r\n\r\n");
}

static char *filled(char fill, size_t size)
{
    char *text = malloc(size + 1);
    assert_non_null(text);
    memset(text, fill, size);
    text[size] = '\0';
    return text;
}

static void the_longest_request_head_fits_the_room(void **state)
{
    (void)state;
    char *target = filled('/', DUET_HEAD_TARGET_MAX), *host = filled('h', DUET_HEAD_HOST_MAX);
    char *type = filled('t', DUET_HEAD_TYPE_MAX);
    char *extra = filled('e', DUET_HEAD_REQUEST_EXTRA_MAX);
    const struct duet_head head = {0,     type,   SIZE_MAX, DUET_NOTE_ACCEPT_GZIP, true, true,
                                   extra, target, host};
    char *room = malloc(DUET_HEAD_ROOM);
    assert_non_null(room);
    size_t size = duet_framing_http_reply.wrap(room, &head);
    assert_true(size <= DUET_HEAD_ROOM);
    assert_memory_equal(room + size - 2, "\r\n", 2);
    free(room);
    free(target);
    free(host);
    free(type);
    free(extra);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(whole_replies_are_cut, set_up),
        cmocka_unit_test_setup(a_body_without_a_length_ends_with_the_stream, set_up),
        cmocka_unit_test_setup(no_reply_to_head_has_a_body, set_up),
        cmocka_unit_test_setup(what_is_still_to_come_is_told, set_up),
        cmocka_unit_test_setup(bad_replies_are_refused, set_up),
        cmocka_unit_test_setup(a_reply_that_the_stream_cuts_off_is_bad, set_up),
        cmocka_unit_test_setup(limits_hold_to_the_byte, set_up),
        cmocka_unit_test_setup(lines_may_end_with_lf_alone_where_that_is_allowed, set_up),
        cmocka_unit_test_setup(noise_reads_alike_however_it_is_cut, set_up),
        cmocka_unit_test_setup(each_request_head_is_written_as_it_should_be, set_up),
        cmocka_unit_test_setup(the_longest_request_head_fits_the_room, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
