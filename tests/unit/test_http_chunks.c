/*
 * The chunked coding on its own: what comes out, where it stops, what it refuses. Each row
 * whole and byte by byte. How it fits into a request is in test_framing_http.c.
 */
#include "http_chunks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MAX_BODY = 100, MAX_EXTRA = 20 };

static const struct row {
    const char *bytes;
    enum duet_http_chunks_result result;
    size_t used; /* for WHOLE and bad: where it stops */
    const char *body;
} rows[] = {
    {"0\r\n\r\n", DUET_CHUNKS_WHOLE, 5, ""},
    {"0\r\n\r\nGET", DUET_CHUNKS_WHOLE, 5, ""},
    {"3\r\nabc\r\n0\r\n\r\n3\r\n", DUET_CHUNKS_WHOLE, 13, "abc"},
    {"a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n", DUET_CHUNKS_WHOLE, 35,
     "01234567890123456789"},
    {"3\r\n\r\n0\r\n0\r\n\r\n", DUET_CHUNKS_WHOLE, 13, "\r\n0"},
    {"0000000000000001\r\nx\r\n0\r\n\r\n", DUET_CHUNKS_WHOLE, 26, "x"},
    {"1;n=v\r\nx\r\n0\r\nT: u\r\n\r\n", DUET_CHUNKS_WHOLE, 21, "x"},
    {"3\r\nab", DUET_CHUNKS_MORE, 0, "ab"},
    {"3\r\nabc\r\n0\r\n\r", DUET_CHUNKS_MORE, 0, "abc"},
    {"64\r\n", DUET_CHUNKS_MORE, 0, ""},
    {"65\r\n", DUET_CHUNKS_BODY_TOO_LARGE, 2, ""},
    {"1\r\nx\r\n64\r\n", DUET_CHUNKS_BODY_TOO_LARGE, 8, "x"},
    {"ffffffffffffffff;", DUET_CHUNKS_BODY_TOO_LARGE, 16, ""},
    {"10000000000000000\r\n", DUET_CHUNKS_BAD_SYNTAX, 16, ""},
    {"g\r\n", DUET_CHUNKS_BAD_SYNTAX, 0, ""},
    {"\n", DUET_CHUNKS_BAD_SYNTAX, 0, ""},
    {"1\n", DUET_CHUNKS_BAD_SYNTAX, 1, ""},
    {"1\r\r", DUET_CHUNKS_BAD_SYNTAX, 2, ""},
    {"1\r\nxy", DUET_CHUNKS_BAD_SYNTAX, 4, "x"},
    {"1\r\nx\r\r", DUET_CHUNKS_BAD_SYNTAX, 5, "x"},
    {"1;\x7f", DUET_CHUNKS_BAD_SYNTAX, 2, ""},
    {"0\r\n\n", DUET_CHUNKS_BAD_SYNTAX, 3, ""},
    {"0\r\n:v\r\n", DUET_CHUNKS_BAD_SYNTAX, 3, ""},
    {"0\r\nname\r\n", DUET_CHUNKS_BAD_SYNTAX, 7, ""},
    {"0\r\nn: v\n", DUET_CHUNKS_BAD_SYNTAX, 7, ""},
    {"0\r\n\r\r", DUET_CHUNKS_BAD_SYNTAX, 4, ""},
    {"1;012345678901234567890", DUET_CHUNKS_EXTRA_TOO_LARGE, 22, ""},
    {"0\r\nn:012345678901234567890", DUET_CHUNKS_EXTRA_TOO_LARGE, 23, ""},
};

/* What LF alone gives where it ends a line; without that, each is bad. */
static const struct row lenient_rows[] = {
    {"0\n\n", DUET_CHUNKS_WHOLE, 3, ""},
    {"3\nabc\n0\n\n3\n", DUET_CHUNKS_WHOLE, 9, "abc"},
    {"3\r\nabc\n0\r\n\n", DUET_CHUNKS_WHOLE, 11, "abc"},
    {"3 \nabc\r\n0;x\n\r\n", DUET_CHUNKS_WHOLE, 14, "abc"},
    {"2\n\n\n\n0\nT: u\n\n", DUET_CHUNKS_WHOLE, 13, "\n\n"},
    {"1\nxy", DUET_CHUNKS_BAD_SYNTAX, 3, "x"},
    {"1\nx\r0", DUET_CHUNKS_BAD_SYNTAX, 4, "x"},
    {"\n", DUET_CHUNKS_BAD_SYNTAX, 0, ""},
    {"1\r\r\nx", DUET_CHUNKS_BAD_SYNTAX, 2, ""},
    {"0\nname\n", DUET_CHUNKS_BAD_SYNTAX, 6, ""},
    {"0\n\rx", DUET_CHUNKS_BAD_SYNTAX, 3, ""},
    {"65\n", DUET_CHUNKS_BODY_TOO_LARGE, 2, ""},
};

/* Walks a copy of the row in steps, putting the body at its beginning. */
static void check(const struct row *row, size_t step, bool lone_lf_ends_line)
{
    size_t size = strlen(row->bytes), at = 0;
    uint8_t *bytes = malloc(size);
    assert_non_null(bytes);
    memcpy(bytes, row->bytes, size);
    struct duet_http_chunks chunks;
    duet_http_chunks_start(&chunks, MAX_BODY, MAX_EXTRA, lone_lf_ends_line);

    enum duet_http_chunks_result result = DUET_CHUNKS_MORE;
    while (at < size && result == DUET_CHUNKS_MORE) {
        size_t n = step < size - at ? step : size - at, used;
        result = duet_http_chunks_walk(&chunks, bytes + at, n, bytes, &used);
        assert_true(result != DUET_CHUNKS_MORE || used == n);
        at += used;
    }
    assert_int_equal(result, row->result);
    if (result != DUET_CHUNKS_MORE)
        assert_int_equal(at, row->used);
    assert_int_equal(chunks.body_size, strlen(row->body));
    assert_memory_equal(bytes, row->body, chunks.body_size);
    if (result == DUET_CHUNKS_BAD_SYNTAX)
        assert_true(strlen(duet_http_chunks_error(&chunks)) > 10);
    free(bytes);
}

static void each_row_gives_its_body_and_stops_where_it_should(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (size_t step = 1; step <= 64; step++)
            check(&rows[i], step, false);
    }
}

static void lf_alone_ends_a_line_where_it_may(void **state)
{
    (void)state;
    for (size_t step = 1; step <= 64; step++) {
        for (size_t i = 0; i < sizeof lenient_rows / sizeof lenient_rows[0]; i++)
            check(&lenient_rows[i], step, true);
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
            if (rows[i].result >= 0) /* what is good strictly is the same */
                check(&rows[i], step, true);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_row_gives_its_body_and_stops_where_it_should),
        cmocka_unit_test(lf_alone_ends_a_line_where_it_may),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
