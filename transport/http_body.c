/*
 * Bodies of HTTP messages. See http_body.h.
 */
#include "http_body.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

enum duet_frame duet_http_bad(struct duet_message *message, int status, const char *format, ...)
{
    bool is_limit = status == 413 || status == 431;
    message->bad = is_limit ? DUET_BAD_LIMIT : status == 400 ? DUET_BAD_SYNTAX : DUET_BAD_HTTP;
    message->status = status;
    va_list args;
    va_start(args, format);
    vsnprintf(message->reason, sizeof message->reason, format, args);
    va_end(args);
    return DUET_FRAME_BAD;
}

enum duet_frame duet_http_too_large(const struct duet_http_body *body,
                                    struct duet_message *message, const char *at_least,
                                    uint64_t size)
{
    return duet_http_bad(message, 413,
                         "message of %s%" PRIu64 " bytes exceeds --max-message %zu", at_least,
                         size, body->max_message);
}

enum duet_frame duet_http_head_too_large(const struct duet_http_body *body,
                                         struct duet_message *message)
{
    return duet_http_bad(message, 431, "head of at least %zu bytes exceeds --max-head %zu",
                         body->max_head + 1, body->max_head);
}

enum duet_frame duet_http_ended_early(struct duet_message *message, size_t n, const char *what)
{
    duet_http_bad(message, 0, "the connection ended after %zu bytes of a %s", n, what);
    message->bad = DUET_BAD_CUT;
    return DUET_FRAME_BAD;
}

enum duet_frame duet_http_body_start(struct duet_http_body *body, enum duet_http_body_form form,
                                     uint64_t size, bool lone_lf_ends_line,
                                     struct duet_message *message)
{
    if (size > body->max_message)
        return duet_http_too_large(body, message, "", size);
    body->form = form;
    body->size = (size_t)size;
    if (form == DUET_HTTP_BODY_CHUNKED)
        duet_http_chunks_start(&body->chunks, body->max_message, body->max_head,
                               lone_lf_ends_line);
    return DUET_FRAME_WHOLE;
}

static enum duet_frame more(const struct duet_http_body *body, size_t need,
                            struct duet_message *message)
{
    message->kept = body->walked;
    message->need = need;
    return DUET_FRAME_MORE;
}

static enum duet_frame whole(const struct duet_http_body *body, uint8_t *bytes, size_t size,
                             size_t wire_size, struct duet_message *message)
{
    message->body = bytes + body->head_size;
    message->body_size = size;
    message->wire_size = wire_size;
    return DUET_FRAME_WHOLE;
}

static enum duet_frame walk_chunks(struct duet_http_body *body, uint8_t *bytes, size_t n,
                                   struct duet_message *message)
{
    struct duet_http_chunks *chunks = &body->chunks;
    size_t used;
    enum duet_http_chunks_result result = duet_http_chunks_walk(
        chunks, bytes + body->walked, n - body->walked, bytes + body->head_size, &used);
    size_t wire_size = body->walked + used;
    body->walked = body->head_size + chunks->body_size;

    switch (result) {
    case DUET_CHUNKS_WHOLE:
        return whole(body, bytes, chunks->body_size, wire_size, message);
    case DUET_CHUNKS_MORE:
        return more(body, 0, message);
    case DUET_CHUNKS_BODY_TOO_LARGE: {
        uint64_t size = chunks->body_size + chunks->left;
        return duet_http_too_large(body, message, "at least ",
                                   size < chunks->left ? UINT64_MAX : size);
    }
    case DUET_CHUNKS_EXTRA_TOO_LARGE:
        return duet_http_bad(
            message, 431,
            "chunk extensions and trailers of at least %zu bytes exceed --max-head %zu",
            chunks->extra_size, body->max_head);
    case DUET_CHUNKS_BAD_SYNTAX:
        break;
    }
    return duet_http_bad(message, 400, "%s", duet_http_chunks_error(chunks));
}

/* The byte that is one too many decides, however many came with it. */
static enum duet_frame walk_to_end(struct duet_http_body *body, size_t n,
                                   struct duet_message *message)
{
    if (n - body->head_size > body->max_message)
        return duet_http_too_large(body, message, "at least ", (uint64_t)body->max_message + 1);
    body->walked = n;
    return more(body, 0, message);
}

enum duet_frame duet_http_body_next_slow(struct duet_http_body *body, uint8_t *bytes, size_t n,
                                         struct duet_message *message)
{
    switch (body->form) {
    case DUET_HTTP_BODY_CHUNKED:
        return walk_chunks(body, bytes, n, message);
    case DUET_HTTP_BODY_TO_END:
        return walk_to_end(body, n, message);
    case DUET_HTTP_BODY_COUNTED:
        break;
    }
    if (n - body->head_size >= body->size)
        return whole(body, bytes, body->size, body->head_size + body->size, message);
    body->walked = n;
    return more(body, body->head_size + body->size, message);
}
