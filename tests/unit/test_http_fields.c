/*
 * The lines of a request's head. What they do to a whole request is in test_framing_http.c;
 * here are the values that come in many spellings, and the heads that llhttp would not let
 * through.
 */
#include "http_fields.h"

#include "framing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Reads a copy of exactly the right size, so that reading too far is seen. */
static int read_head(struct duet_http_fields *fields, const char *head, char *reason)
{
    size_t size = strlen(head);
    uint8_t *copy = malloc(size > 0 ? size : 1);
    assert_non_null(copy);
    memcpy(copy, head, size);
    int status = duet_http_fields_read(fields, copy, size, false, reason);
    free(copy);
    return status;
}

static void accept_encoding_is_a_list_with_weights(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        bool takes_gzip;
    } rows[] = {
        {"gzip", true},
        {"GZip", true},
        {"x-gzip", true},
        {"gzip, deflate, br", true},
        {"deflate,gzip", true},
        {" , ,gzip", true},
        {"gzip;q=1", true},
        {"gzip ; Q=0.001", true},
        {"gzip;foo=bar;q=0.5", true},
        {"deflate;q=0, gzip;q=1.0", true},
        {"gzip;q=0", false},
        {"gzip;q=0.000", false},
        {"gzip; q=0, deflate", false},
        {"gzip;q=", false},
        {"gzipp", false},
        {"gzi", false},
        {"not gzip", false},
        {"deflate;x=gzip", false},
        {"identity", false},
        {"*", false},
        {"", false},
        {",,,;;;", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char head[200], reason[DUET_REASON_MAX];
        struct duet_http_fields fields;
        snprintf(head, sizeof head, "GET / HTTP/1.1\r\nAccept-Encoding: %s\r\n\r\n",
                 rows[i].value);
        assert_int_equal(read_head(&fields, head, reason), 0);
        bool takes_gzip = (fields.notes & DUET_NOTE_ACCEPT_GZIP) != 0;
        if (takes_gzip != rows[i].takes_gzip)
            fail_msg("%s", rows[i].value);
    }
}

static void names_match_whole_and_in_any_case(void **state)
{
    (void)state;
    char reason[DUET_REASON_MAX];
    struct duet_http_fields fields;

    assert_int_equal(
        read_head(&fields, "GET / HTTP/1.1\r\nhOsT:x\r\nEXPECT:100-Continue \r\n\r\n", reason),
        0);
    assert_non_null(fields.host);
    assert_true(fields.expects_continue);

    assert_int_equal(read_head(&fields,
                               "GET / HTTP/1.0\r\nHosts: x\r\nHos: x\r\nMost: x\r\n"
                               "Transfer-Encodinh: x\r\n\r\n",
                               reason),
                     0);
    assert_null(fields.host);
    assert_int_equal(fields.notes, DUET_NOTE_HTTP_10);
}

static void a_head_that_is_no_head_is_refused(void **state)
{
    (void)state;
    static const char *const heads[] = {
        "",
        "\r\n\r\n",
        "GET",
        "GET / HTTP/1.1",
        "GET / HTTP/1.1\r",
        "GET / HTTP/1.1\r\n",
        "GET / HTTP/1.1\r\n\r",
        "GET / HTTP/1.1\r\nHost: a\r\n",
        "GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n",
        "GET / HTTP/1.1\r\nHost\r\n\r\n",
        "GET / HTTP/1.1\r\nA\nB: c\r\n\r\n",
        "GET / HTTP/1.1x\r\n\r\n",
        "GET /\r\n\r\n",
        "GET\r\n\r\n",
        "GET  HTTP/1.1\r\n\r\n",
        "GET /\n HTTP/1.1\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        char reason[DUET_REASON_MAX] = "";
        struct duet_http_fields fields;
        if (read_head(&fields, heads[i], reason) != 400 || reason[0] == '\0')
            fail_msg("head %zu", i);
    }
}

static void a_blank_in_a_name_is_found_wherever_it_stands(void **state)
{
    (void)state;
    static const char blanks[] = {' ', '\t', 0x01, 0x1f};
    for (size_t size = 1; size <= 40; size++) {
        for (size_t at = 0; at <= size; at++) {
            char head[100], reason[DUET_REASON_MAX];
            struct duet_http_fields fields;
            snprintf(head, sizeof head, "GET / HTTP/1.0\r\n%.*s: x\r\n\r\n", (int)size,
                     "\x7f\x80\xff!~AzXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX");
            if (at < size)
                head[16 + at] = blanks[(size + at) % sizeof blanks];
            assert_int_equal(read_head(&fields, head, reason), at < size ? 400 : 0);
        }
    }
}

static void lf_alone_ends_a_line_where_it_may(void **state)
{
    (void)state;
    static const struct {
        const char *head;
        int strict, lenient;
    } rows[] = {
        {"GET / HTTP/1.1\nHost: a\n\n", 400, 0},
        {"GET / HTTP/1.1\nHost: a\r\n\n", 400, 0},
        {"GET / HTTP/1.1\r\nHost: a\n\r\n", 400, 0},
        {"\n\nGET / HTTP/1.1\nHost: a\n\n", 400, 0},
        {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", 0, 0},
        {"GET / HTTP/1.1\rHost: a\n\n", 400, 400},
        {"GET / HTTP/1.1\nHost: a\r\r\n\n", 400, 400},
        {"GET / HTTP/1.1\nHost: a\n\r", 400, 400},
        {"GET / HTTP/1.1\nHost: a\n", 400, 400},
        {"GET / HTTP/1.1\nHost: a\n b\n\n", 400, 400},
        {"GET / HTTP/1.1\nHost: a\nHost: b\n\n", 400, 400},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char reason[DUET_REASON_MAX] = "";
        struct duet_http_fields fields;
        const uint8_t *head = (const uint8_t *)rows[i].head;
        size_t size = strlen(rows[i].head);
        if (duet_http_fields_read(&fields, head, size, false, reason) != rows[i].strict ||
            duet_http_fields_read(&fields, head, size, true, reason) != rows[i].lenient)
            fail_msg("%s: %s", rows[i].head, reason);
        if (rows[i].lenient == 0)
            assert_non_null(fields.host);
    }
}

static void a_quote_is_short_and_printable(void **state)
{
    (void)state;
    char room[DUET_QUOTE_MAX];
    assert_string_equal(duet_http_quote(room, (const uint8_t *)"a\x01\xff\"\n", 5), "a??\"?");

    uint8_t long_text[100];
    memset(long_text, 'x', sizeof long_text);
    assert_int_equal(strlen(duet_http_quote(room, long_text, sizeof long_text)),
                     DUET_QUOTE_MAX - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accept_encoding_is_a_list_with_weights),
        cmocka_unit_test(names_match_whole_and_in_any_case),
        cmocka_unit_test(a_head_that_is_no_head_is_refused),
        cmocka_unit_test(a_blank_in_a_name_is_found_wherever_it_stands),
        cmocka_unit_test(lf_alone_ends_a_line_where_it_may),
        cmocka_unit_test(a_quote_is_short_and_printable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
