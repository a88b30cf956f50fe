/*
 * The head of a reply, byte for byte.
 */
#include "http_head.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum {
    KEEP = DUET_NOTE_HTTP | DUET_NOTE_KEEP_ALIVE,
    KEEP_10 = DUET_NOTE_HTTP | DUET_NOTE_KEEP_ALIVE | DUET_NOTE_HTTP_10,
};

static const struct row {
    struct duet_head head;
    const char *text;
} rows[] = {
    {{200, "text/xml", 0, KEEP, false, false, "", NULL, NULL},
     "HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: 0\r\n\r\n"},
    {{200, "text/xml", 1234567890, KEEP, false, false, "", NULL, NULL},
     "HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: 1234567890\r\n\r\n"},
    {{200, "text/xml", 5, KEEP | DUET_NOTE_ACCEPT_GZIP, false, true, "", NULL, NULL},
     "HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Encoding: gzip\r\n"
     "Content-Length: 5\r\n\r\n"},
    {{200, "text/xml", 5, KEEP, true, false, "", NULL, NULL},
     "HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: 5\r\n"
     "Connection: close\r\n\r\n"},
    {{200, "text/xml", 5, DUET_NOTE_HTTP, false, false, "", NULL, NULL},
     "HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: 5\r\n"
     "Connection: close\r\n\r\n"},
    {{200, "text/xml", 5, KEEP_10, false, false, "", NULL, NULL},
     "HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: 5\r\n"
     "Connection: keep-alive\r\n\r\n"},
    {{200, "text/xml", 5, KEEP_10, true, false, "", NULL, NULL},
     "HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: 5\r\n"
     "Connection: close\r\n\r\n"},
    /* To HEAD, the length of the body that GET would get. */
    {{200, "text/xml", 77, KEEP | DUET_NOTE_HEAD, false, false, "", NULL, NULL},
     "HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: 77\r\n\r\n"},
    {{200, "application/msgpack", 5, KEEP, false, false, "", NULL, NULL},
     "HTTP/1.1 200 OK\r\nContent-Type: application/msgpack\r\nContent-Length: 5\r\n\r\n"},
    {{503, "text/xml", 5, KEEP, false, false, "Retry-After: 1\r\n", NULL, NULL},
     "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/xml\r\nContent-Length: 5\r\n"
     "Retry-After: 1\r\n\r\n"},
    {{204, "text/plain", 0, KEEP, false, false, "Allow: POST\r\n", NULL, NULL},
     "HTTP/1.1 204 No Content\r\nAllow: POST\r\n\r\n"},
    {{405, "", 0, KEEP, false, false, "Allow: POST\r\n", NULL, NULL},
     "HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\nAllow: POST\r\n\r\n"},
};

static void each_head_is_written_as_it_should_be(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char room[DUET_HEAD_ROOM];
        size_t size = duet_framing_http.wrap(room, &rows[i].head);
        assert_int_equal(size, strlen(rows[i].text));
        assert_memory_equal(room, rows[i].text, size);
    }
}

static void every_status_that_is_sent_has_its_phrase(void **state)
{
    (void)state;
    static const int statuses[] = {200, 204, 400, 404, 405, 408, 411,
                                   413, 417, 431, 500, 501, 503, 505};
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++)
        assert_string_not_equal(duet_http_phrase(statuses[i]), "Unknown");
    assert_string_equal(duet_http_phrase(299), "Unknown");
}

static void the_longest_head_fits_the_room(void **state)
{
    (void)state;
    char type[129], extra[DUET_HEAD_EXTRA_MAX + 1];
    memset(type, 't', 128);
    memset(extra, 'e', DUET_HEAD_EXTRA_MAX);
    type[128] = extra[DUET_HEAD_EXTRA_MAX] = '\0';
    const struct duet_head head = {431,  type,  SIZE_MAX, KEEP_10, false,
                                   true, extra, NULL,     NULL};

    char *room = malloc(DUET_HEAD_ROOM);
    assert_non_null(room);
    size_t size = duet_http_head_write(room, &head);
    assert_true(size <= DUET_HEAD_ROOM);
    assert_memory_equal(room + size - 4 - DUET_HEAD_EXTRA_MAX + 2, "eeee", 4);
    assert_memory_equal(room + size - 2, "\r\n", 2);
    free(room);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_head_is_written_as_it_should_be),
        cmocka_unit_test(every_status_that_is_sent_has_its_phrase),
        cmocka_unit_test(the_longest_head_fits_the_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
