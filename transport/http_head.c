/*
 * First line and headers of replies and requests. See http_head.h. On a loop's thread.
 *
 * In a reply there is no Date: RFC 9110 6.6.1 wants one of origin servers so that caches can
 * tell an answer's age; answers to POST are not cached, and it would cost each call 37 bytes
 * and a look at the clock.
 */
#include "http_head.h"

#include <assert.h>
#include <string.h>

enum { DIGITS_MAX = 20 }; /* of SIZE_MAX */

static const struct {
    int status;
    const char *phrase;
} phrases[] = {
    {200, "OK"},
    {204, "No Content"},
    {400, "Bad Request"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {408, "Request Timeout"},
    {411, "Length Required"},
    {413, "Content Too Large"},
    {417, "Expectation Failed"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {503, "Service Unavailable"},
    {505, "HTTP Version Not Supported"},
};

const char *duet_http_phrase(int status)
{
    for (size_t i = 0; i < sizeof phrases / sizeof phrases[0]; i++) {
        if (phrases[i].status == status)
            return phrases[i].phrase;
    }
    return "Unknown";
}

static char *put(char *at, const char *text)
{
    size_t size = strlen(text);
    memcpy(at, text, size);
    return at + size;
}

static char *put_number(char *at, size_t number)
{
    char digits[DIGITS_MAX];
    size_t first = DIGITS_MAX;
    do {
        digits[--first] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    memcpy(at, digits + first, DIGITS_MAX - first);
    return at + DIGITS_MAX - first;
}

/* The head of nearly every reply but for its length: 200, nothing special. */
static const char usual[] = "HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: ";

static bool is_usual(const struct duet_head *head)
{
    const uint32_t special = DUET_NOTE_HTTP_10 | DUET_NOTE_KEEP_ALIVE;
    return head->status == 200 && (head->notes & special) == DUET_NOTE_KEEP_ALIVE &&
           !head->close && !head->gzip && head->extra[0] == '\0' &&
           head->content_type != NULL && strcmp(head->content_type, "text/xml") == 0;
}

static char *put_status(char *at, int status)
{
    at = put(at, "HTTP/1.1 "); /* also to HTTP/1.0: the version is the server's (RFC 9110
                                  2.5) */
    at = put_number(at, (size_t)status);
    at = put(at, " ");
    at = put(at, duet_http_phrase(status));
    return put(at, "\r\n");
}

static char *put_body_headers(char *at, const struct duet_head *head)
{
    if (head->content_type != NULL && head->content_type[0] != '\0') {
        at = put(at, "Content-Type: ");
        at = put(at, head->content_type);
        at = put(at, "\r\n");
    }
    if (head->gzip)
        at = put(at, "Content-Encoding: gzip\r\n");
    at = put(at, "Content-Length: ");
    at = put_number(at, head->body_size);
    return put(at, "\r\n");
}

static char *put_connection(char *at, const struct duet_head *head)
{
    if (head->close || (head->notes & DUET_NOTE_KEEP_ALIVE) == 0)
        return put(at, "Connection: close\r\n");
    if ((head->notes & DUET_NOTE_HTTP_10) != 0)
        return put(at, "Connection: keep-alive\r\n");
    return at;
}

size_t duet_http_head_write(char *room, const struct duet_head *head)
{
    char *at = room;
    if (is_usual(head)) {
        memcpy(at, usual, sizeof usual - 1);
        at = put_number(at + sizeof usual - 1, head->body_size);
        memcpy(at, "\r\n\r\n", 4);
        return (size_t)(at - room) + 4;
    }

    assert(head->status >= 100 && head->status <= 999);
    assert(head->content_type == NULL || strlen(head->content_type) <= DUET_HEAD_TYPE_MAX);
    assert(strlen(head->extra) <= DUET_HEAD_EXTRA_MAX);
    at = put_status(at, head->status);
    if (head->status != 204) /* no body to describe, no length either (RFC 9110 8.6) */
        at = put_body_headers(at, head);
    at = put_connection(at, head);
    at = put(at, head->extra);
    at = put(at, "\r\n");
    return (size_t)(at - room);
}

static char *begin_request(char *at, const char *method, const struct duet_head *head)
{
    assert(strlen(head->target) <= DUET_HEAD_TARGET_MAX);
    assert(strlen(head->host) <= DUET_HEAD_HOST_MAX);
    assert(head->content_type == NULL || strlen(head->content_type) <= DUET_HEAD_TYPE_MAX);
    assert(strlen(head->extra) <= DUET_HEAD_REQUEST_EXTRA_MAX);
    at = put(at, method);
    at = put(at, head->target);
    at = put(at, " HTTP/1.1\r\nHost: ");
    at = put(at, head->host);
    return put(at, "\r\nUser-Agent: Duet\r\n"); /* XML-RPC's specification wants one */
}

static size_t end_request(char *room, char *at, const struct duet_head *head)
{
    if ((head->notes & DUET_NOTE_ACCEPT_GZIP) != 0)
        at = put(at, "Accept-Encoding: gzip\r\n");
    if (head->close)
        at = put(at, "Connection: close\r\n");
    at = put(at, head->extra);
    at = put(at, "\r\n");
    return (size_t)(at - room);
}

size_t duet_http_post_write(char *room, const struct duet_head *head)
{
    char *at = begin_request(room, "POST ", head);
    at = put_body_headers(at, head);
    return end_request(room, at, head);
}

size_t duet_http_head_request_write(char *room, const struct duet_head *head)
{
    return end_request(room, begin_request(room, "HEAD ", head), head);
}
