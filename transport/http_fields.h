/*
 * What the lines of a head say, of a request's or a reply's. Reads a head that llhttp has found
 * complete and takes nothing on trust where llhttp is lax: line ends, folding, spaces. Bytes
 * in, struct out; the framings of HTTP call it once for each head.
 */
#ifndef DUET_HTTP_FIELDS_H
#define DUET_HTTP_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct duet_http_fields {
    /* Of a request */
    const uint8_t *target; /* in the head: a path with its query, "*", or an authority */
    size_t target_size;
    const uint8_t *host, *origin; /* in the head, NULL where the line is missing */
    size_t host_size, origin_size;
    const uint8_t *authority; /* of an absolute target, which stands in for Host; or NULL */
    size_t authority_size;
    bool expects_continue;

    /* Of a reply */
    int status;             /* 100 to 999 */
    uint32_t retry_after_s; /* 0 where the line is missing, or a date */
    bool is_xml;            /* Content-Type: text/xml or application/xml */

    /* Of both */
    uint32_t notes; /* of enum duet_notes: HTTP_10, BODY_GZIP, BODY_MSGPACK; of a request also
                       ACCEPT_GZIP, CROSS_SITE, PREFLIGHT, PRIVATE_NETWORK */
    bool is_chunked;
};

/* Reads the head, from the first byte of the request (empty lines before it are skipped) to the
 * LF of its last, empty line. Lines end with CR LF, or with `lone_lf_ends_line` with LF alone;
 * with CR alone never. Returns 0; or the status to refuse it with, 400 or 501, and then
 * `reason` (DUET_REASON_MAX bytes) has the words. With 501 host and origin are set all the
 * same. */
int duet_http_fields_read(struct duet_http_fields *fields, const uint8_t *head, size_t size,
                          bool lone_lf_ends_line, char *reason);

/* The same for a reply's head. What a status means for the body is for the caller to know. */
int duet_http_reply_fields_read(struct duet_http_fields *fields, const uint8_t *head,
                                size_t size, bool lone_lf_ends_line, char *reason);

/* Words for what some versions of llhttp see first. */
#define DUET_HTTP_SPACE_IN_NAME "a space in the name of a header"
#define DUET_HTTP_FOLDED "a header line begins with a space (folding is obsolete)"

enum { DUET_QUOTE_MAX = 48 };

/* Writes up to DUET_QUOTE_MAX - 1 of the bytes as text for a reason: what is not printable
 * ASCII becomes '?'. Returns `room`, which has DUET_QUOTE_MAX bytes. */
const char *duet_http_quote(char *room, const uint8_t *bytes, size_t size);

#endif
