/*
 * What both framings of HTTP share: the body that follows a head, and the words of a refusal.
 * Bodies never go through llhttp's callbacks: one with a Content-Length is a count, one in
 * chunks is undone in place, one that ends with the stream is all that comes, so that a body is
 * always one piece after its head. Bytes in, place out. On a loop's thread.
 */
#ifndef DUET_HTTP_BODY_H
#define DUET_HTTP_BODY_H

#include "framing.h"
#include "http_chunks.h"

enum duet_http_body_form {
    DUET_HTTP_BODY_COUNTED, /* by Content-Length, or 0 where there is none */
    DUET_HTTP_BODY_CHUNKED,
    DUET_HTTP_BODY_TO_END, /* of the stream: only replies can have that */
};

/* Plain bytes: may be copied between calls. */
struct duet_http_body {
    enum duet_http_body_form form;
    size_t walked;    /* of the bytes given, how many were looked at and kept, head and all */
    size_t head_size; /* where the body begins */
    size_t size;      /* COUNTED: as declared */
    size_t max_head, max_message;
    struct duet_http_chunks chunks;
};

/* Fills in the refusal of a message: kind, status and words. Returns DUET_FRAME_BAD. */
enum duet_frame duet_http_bad(struct duet_message *message, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same for a body of so many bytes or `at_least` ("at least ") so many. */
enum duet_frame duet_http_too_large(const struct duet_http_body *body,
                                    struct duet_message *message, const char *at_least,
                                    uint64_t size);

/* The same for a head that has not ended where it must have. */
enum duet_frame duet_http_head_too_large(const struct duet_http_body *body,
                                         struct duet_message *message);

/* The same for a request or reply (`what`) of which `n` bytes came before the stream ended. */
enum duet_frame duet_http_ended_early(struct duet_message *message, size_t n, const char *what);

/* Begins the body after its head, whose size and limits are set. Refuses a length that is over
 * the limit (DUET_FRAME_BAD, else _WHOLE). */
enum duet_frame duet_http_body_start(struct duet_http_body *body, enum duet_http_body_form form,
                                     uint64_t size, bool lone_lf_ends_line,
                                     struct duet_message *message);

enum duet_frame duet_http_body_next_slow(struct duet_http_body *body, uint8_t *bytes, size_t n,
                                         struct duet_message *message);

/* As a framing's `next`, from the end of the head on. Sets of the message what tells of its
 * body, or where it is refused. */
static inline enum duet_frame duet_http_body_next(struct duet_http_body *body, uint8_t *bytes,
                                                  size_t n, struct duet_message *message)
{
    if (body->form != DUET_HTTP_BODY_COUNTED || n - body->head_size < body->size)
        return duet_http_body_next_slow(body, bytes, n, message);
    message->body = bytes + body->head_size;
    message->body_size = body->size;
    message->wire_size = body->head_size + body->size;
    return DUET_FRAME_WHOLE;
}

#endif
