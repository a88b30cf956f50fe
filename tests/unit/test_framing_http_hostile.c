/*
 * HTTP framing under load and malice: heads without end, bodies that trickle, noise, requests
 * cut at every byte. What is counted is work (bytes walked) and memory (bytes kept), not time:
 * the linker wraps llhttp_execute and duet_http_chunks_walk.
 */
#include "http_chunks.h"
#include "http_feed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define POST "POST /RPC2 HTTP/1.1\r\nHost: a\r\n"

enum { MEBIBYTE = 1024 * 1024 };

static size_t walked; /* bytes given to the two parsers */

int __real_llhttp_execute(void *parser, const char *bytes, size_t size);
int __wrap_llhttp_execute(void *parser, const char *bytes, size_t size);

int __wrap_llhttp_execute(void *parser, const char *bytes, size_t size)
{
    walked += size;
    return __real_llhttp_execute(parser, bytes, size);
}

enum duet_http_chunks_result __real_duet_http_chunks_walk(struct duet_http_chunks *chunks,
                                                          uint8_t *bytes, size_t n,
                                                          uint8_t *body, size_t *used);
enum duet_http_chunks_result __wrap_duet_http_chunks_walk(struct duet_http_chunks *chunks,
                                                          uint8_t *bytes, size_t n,
                                                          uint8_t *body, size_t *used);

enum duet_http_chunks_result __wrap_duet_http_chunks_walk(struct duet_http_chunks *chunks,
                                                          uint8_t *bytes, size_t n,
                                                          uint8_t *body, size_t *used)
{
    walked += n;
    return __real_duet_http_chunks_walk(chunks, bytes, n, body, used);
}

/* Text that grows. */
struct text {
    char *at;
    size_t size, capacity;
};

static void add(struct text *text, const char *bytes, size_t size)
{
    if (size == 0)
        return;
    if (text->size + size > text->capacity) {
        text->capacity = 2 * (text->size + size);
        text->at = realloc(text->at, text->capacity);
        assert_non_null(text->at);
    }
    memcpy(text->at + text->size, bytes, size);
    text->size += size;
}

static void add_times(struct text *text, const char *words, size_t times)
{
    for (size_t i = 0; i < times; i++)
        add(text, words, strlen(words));
}

/* A state and one buffer that grows in place: for messages too long to copy at each byte. */
struct stream {
    void *state;
    struct duet_limits limits;
    struct duet_message message;
    size_t kept, max_kept;
};

static enum duet_frame trickle(struct stream *stream, const struct text *text, uint8_t *buffer)
{
    enum duet_frame frame = DUET_FRAME_MORE;
    stream->limits =
        (struct duet_limits){.max_head = FEED_MAX_HEAD, .max_message = FEED_MAX_MESSAGE};
    stream->kept = stream->max_kept = walked = 0;
    stream->state = malloc(duet_framing_http.state_size(&stream->limits));
    assert_non_null(stream->state);
    duet_framing_http.start(stream->state, &stream->limits);

    for (size_t i = 0; i < text->size && frame == DUET_FRAME_MORE; i++) {
        buffer[stream->kept] = (uint8_t)text->at[i];
        frame =
            duet_framing_http.next(stream->state, buffer, stream->kept + 1, &stream->message);
        stream->kept = stream->message.kept;
        if (frame == DUET_FRAME_MORE && stream->kept > stream->max_kept)
            stream->max_kept = stream->kept;
    }
    free(stream->state);
    return frame;
}

static void a_mebibyte_byte_by_byte_is_walked_once(void **state)
{
    (void)state;
    struct text text = {0};
    add_times(&text, POST "Content-Length: 1048576\r\n\r\n", 1);
    size_t head_size = text.size;
    add_times(&text, "abcdefgh", MEBIBYTE / 8);
    uint8_t *buffer = malloc(text.size);
    assert_non_null(buffer);

    struct stream stream;
    assert_int_equal(trickle(&stream, &text, buffer), DUET_FRAME_WHOLE);
    assert_int_equal(stream.message.body_size, MEBIBYTE);
    assert_int_equal(walked, head_size);
    free(buffer);
    free(text.at);
}

static void a_mebibyte_in_chunks_of_one_is_walked_once_and_kept_small(void **state)
{
    (void)state;
    struct text text = {0};
    add_times(&text, POST "Transfer-Encoding: chunked\r\n\r\n", 1);
    size_t head_size = text.size;
    add_times(&text, "1\r\nx\r\n", MEBIBYTE);
    add_times(&text, "0\r\n\r\n", 1);
    /* No room for the chunks' frames: a byte kept too many is a write past the end. */
    uint8_t *buffer = malloc(head_size + MEBIBYTE + 1);
    assert_non_null(buffer);

    struct stream stream;
    assert_int_equal(trickle(&stream, &text, buffer), DUET_FRAME_WHOLE);
    assert_int_equal(stream.message.body_size, MEBIBYTE);
    for (size_t i = 0; i < MEBIBYTE; i++)
        assert_int_equal(stream.message.body[i], 'x');
    assert_int_equal(stream.max_kept, head_size + MEBIBYTE);
    assert_true(walked <= text.size + 1);
    free(buffer);
    free(text.at);
}

static void expect_refusal(const struct text *text, int status, const char *reason)
{
    const size_t steps[] = {0, 7, 4096};
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        walked = 0;
        struct fed fed = feed(text->at, text->size, steps[i]);
        assert_int_equal(fed.frame, DUET_FRAME_BAD);
        assert_int_equal(fed.message.status, status);
        assert_non_null(strstr(fed.message.reason, reason));
        assert_true(walked <= FEED_MAX_HEAD || status == 413);
        fed_free(&fed);
    }
}

static void a_head_without_end_is_refused_at_the_limit(void **state)
{
    (void)state;
    static const char words[] = "head of at least 16385 bytes exceeds --max-head 16384";
    static const struct {
        const char *start, *again;
        size_t times;
    } rows[] = {
        {"GET /", "a", 100000},
        {"GET / HTTP/1.1\r\nHost: a\r\nX: ", "y", 100000},
        {"GET / HTTP/1.1\r\nHost: a\r\n", "y", 100000},
        {"GET / HTTP/1.1\r\nHost: a\r\n", "X: y\r\n", 20000},
        {"GET / HTTP/1.1\r\nHost: a\r\nX:", " ", 100000},
        {POST "Content-Length: ", "0", 100000},
        {"", "\r\n", 50000},
        {"GET ", " ", 100000},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct text text = {0};
        add_times(&text, rows[i].start, 1);
        add_times(&text, rows[i].again, rows[i].times);
        expect_refusal(&text, 431, words);
        free(text.at);
    }
}

static void a_head_of_exactly_the_limit_is_read(void **state)
{
    (void)state;
    static const char start[] = "GET / HTTP/1.1\r\nHost: a\r\nX: ", end[] = "\r\n\r\n";
    struct text text = {0};
    add_times(&text, start, 1);
    add_times(&text, "y", FEED_MAX_HEAD - sizeof start - sizeof end + 2);
    struct text longer = {0};
    add(&longer, text.at, text.size);

    add_times(&text, end, 1);
    assert_int_equal(text.size, FEED_MAX_HEAD);
    for (size_t step = 0; step <= 1000; step += 1000) {
        struct fed fed = feed(text.at, text.size, step);
        assert_int_equal(fed.frame, DUET_FRAME_WHOLE);
        fed_free(&fed);
    }

    add_times(&longer, "y\r\n\r\n", 1);
    expect_refusal(&longer, 431, "head of at least 16385 bytes");
    free(longer.at);
    free(text.at);
}

static void chunks_may_not_smuggle_in_endless_extras(void **state)
{
    (void)state;
    static const struct {
        const char *start, *again;
        size_t times;
    } rows[] = {
        {"3;", "x", 100000},          {"", "1;extension=value\r\nx\r\n", 10000},
        {"0\r\n", "X: y\r\n", 20000}, {"0\r\nX:", "y", 100000},
        {"0\r\n", "x", 100000},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct text text = {0};
        add_times(&text, POST "Transfer-Encoding: chunked\r\n\r\n", 1);
        add_times(&text, rows[i].start, 1);
        add_times(&text, rows[i].again, rows[i].times);
        for (size_t step = 0; step <= 1000; step += 1000) {
            struct fed fed = feed(text.at, text.size, step);
            assert_int_equal(fed.frame, DUET_FRAME_BAD);
            assert_int_equal(fed.message.status, 431);
            assert_string_equal(fed.message.reason, "chunk extensions and trailers of at least "
                                                    "16385 bytes exceed --max-head 16384");
            fed_free(&fed);
        }
        free(text.at);
    }
}

static void chunks_that_grow_past_the_limit_are_refused(void **state)
{
    (void)state;
    struct text text = {0};
    add_times(&text, POST "Transfer-Encoding: chunked\r\n\r\n", 1);
    for (int i = 0; i < 17; i++) {
        add_times(&text, "100000\r\n", 1);
        add_times(&text, "abcdefgh", MEBIBYTE / 8);
        add_times(&text, "\r\n", 1);
    }
    struct fed fed = feed(text.at, text.size, MEBIBYTE);
    assert_int_equal(fed.frame, DUET_FRAME_BAD);
    assert_string_equal(fed.message.reason,
                        "message of at least 17825792 bytes exceeds --max-message 16777216");
    assert_true(fed.max_kept <= FEED_MAX_MESSAGE + FEED_MAX_HEAD);
    fed_free(&fed);
    free(text.at);
}

static void a_request_cut_anywhere_reads_the_same(void **state)
{
    (void)state;
    static const char request[] =
        POST "Accept-Encoding: deflate, gzip;q=0.5\r\nTransfer-Encoding: chunked\r\n\r\n"
             "5;a=b\r\nhello\r\n1\r\n \r\n5\r\nworld\r\n0\r\nX: y\r\n\r\n";
    size_t size = sizeof request - 1;
    for (size_t step = 1; step <= size; step++) {
        struct fed fed = feed(request, size, step);
        assert_int_equal(fed.frame, DUET_FRAME_WHOLE);
        assert_int_equal(fed.message.body_size, 11);
        assert_memory_equal(fed.message.body, "hello world", 11);
        assert_true((fed.message.notes & DUET_NOTE_ACCEPT_GZIP) != 0);
        assert_int_equal(fed.wire_size, size);
        fed_free(&fed);
    }
}

static void noise_is_read_the_same_however_it_is_cut(void **state)
{
    (void)state;
    static const char request[] =
        "POST /RPC2 HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Type: text/xml\r\n"
        "Transfer-Encoding: chunked\r\n\r\n5;a\r\nhello\r\n0\r\nX: y\r\n\r\n";
    static const char spice[] = "\r\n\r\n :;,0159aAfF\t\x7f\x80/";
    uint32_t seed = 2463534242;
    for (int round = 0; round < 20000; round++) {
        char noisy[sizeof request];
        memcpy(noisy, request, sizeof request);
        for (uint32_t i = random_number(&seed) % 3 + 1; i > 0; i--) {
            char byte = random_number(&seed) % 4 > 0
                            ? spice[random_number(&seed) % sizeof spice]
                            : (char)random_number(&seed);
            noisy[random_number(&seed) % (sizeof request - 1)] = byte;
        }
        feed_limits.lone_lf_ends_line = round % 4 == 0;
        same_however_cut(noisy, sizeof request - 1);
        feed_limits.lone_lf_ends_line = false;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mebibyte_byte_by_byte_is_walked_once),
        cmocka_unit_test(a_mebibyte_in_chunks_of_one_is_walked_once_and_kept_small),
        cmocka_unit_test(a_head_without_end_is_refused_at_the_limit),
        cmocka_unit_test(a_head_of_exactly_the_limit_is_read),
        cmocka_unit_test(chunks_may_not_smuggle_in_endless_extras),
        cmocka_unit_test(chunks_that_grow_past_the_limit_are_refused),
        cmocka_unit_test(a_request_cut_anywhere_reads_the_same),
        cmocka_unit_test(noise_is_read_the_same_however_it_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
