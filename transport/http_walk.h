/*
 * llhttp's walk over the head of a request or a reply, under our rule for the ends of lines,
 * and what is wrong with a head that it refuses. Bytes in, place out; only the two framings of
 * HTTP see this, and they alone see llhttp.
 */
#ifndef DUET_HTTP_WALK_H
#define DUET_HTTP_WALK_H

#include <llhttp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Holds no pointer to itself or to the bytes between calls. */
struct duet_http_walk {
    llhttp_t parser;
    bool lone_lf_ends_line;
};

/* Begins a head: of HTTP_REQUEST or HTTP_RESPONSE. */
void duet_http_walk_start(struct duet_http_walk *walk, llhttp_type_t type,
                          bool lone_lf_ends_line);

/* As duet_http_walk_on, where LF alone ends a line too. */
const uint8_t *duet_http_walk_lenient(struct duet_http_walk *walk, const uint8_t *bytes,
                                      size_t at, size_t end);

/* Walks the bytes from `at` to `end`; those before `at` were walked. Returns where it stopped:
 * behind the head (the parser's error is HPE_PAUSED) or near the byte that it refuses. NULL if
 * it wants more. */
static inline const uint8_t *duet_http_walk_on(struct duet_http_walk *walk,
                                               const uint8_t *bytes, size_t at, size_t end)
{
    if (walk->lone_lf_ends_line)
        return duet_http_walk_lenient(walk, bytes, at, end);
    llhttp_errno_t rc = llhttp_execute(&walk->parser, (const char *)bytes + at, end - at);
    return rc != HPE_OK ? (const uint8_t *)llhttp_get_error_pos(&walk->parser) : NULL;
}

/* Whether the walk over `n` bytes has met a request of HTTP/0.9; `stop` is what it returned. */
bool duet_http_walk_is_09(const struct duet_http_walk *walk, const uint8_t *stop,
                          const uint8_t *bytes, size_t n);

/* Why the walk refused one of the first `n` bytes, however they were cut. Returns the status,
 * and `reason` (DUET_REASON_MAX bytes) has the words. The walk is over. */
int duet_http_walk_refusal(struct duet_http_walk *walk, const uint8_t *bytes, size_t n,
                           size_t max_message, char *reason);

/* The number (from 1) of the line in which `at` stands, and its beginning. */
size_t duet_http_find_line(const uint8_t *bytes, const uint8_t *at, const uint8_t **line);

#endif
