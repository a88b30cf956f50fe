/*
 * HTTP/1.0 and 1.1 replies cut from a stream, and what goes around a request: framing_http's
 * other side. Runs on a loop's thread, called by conn; knows nothing of what the bodies mean.
 *
 * Interim replies (1xx) come before the one that counts, as many as the server likes: their
 * heads are passed over, and count against the limit of the head. A body ends where its length
 * or its chunks say, else with the stream; 204 and 304 have none, and to HEAD no reply has one
 * (RFC 9112 6.3).
 *
 *   IN_HEAD --1xx--> IN_HEAD --any other--> in the body --> whole
 */
#include "framing.h"

#include "http_body.h"
#include "http_fields.h"
#include "http_head.h"
#include "http_walk.h"

struct reply {
    struct duet_http_walk walk; /* of the head */
    bool is_to_head, is_in_body;
    size_t head_at; /* of the head that is being read, from the first byte given */
    enum duet_content content;
    uint32_t notes;
    int status;
    uint32_t retry_after_s;
    struct duet_http_body body;
};

static size_t reply_state_size(const struct duet_limits *limits)
{
    (void)limits;
    return sizeof(struct reply);
}

static void reply_start(void *state, const struct duet_limits *limits)
{
    struct reply *reply = state;
    *reply = (struct reply){
        .notes = DUET_NOTE_HTTP,
        .body = {.max_head = limits->max_head, .max_message = limits->max_message},
    };
    duet_http_walk_start(&reply->walk, HTTP_RESPONSE, limits->lone_lf_ends_line);
}

static void reply_to_head_start(void *state, const struct duet_limits *limits)
{
    struct reply *reply = state;
    reply_start(state, limits);
    reply->is_to_head = true;
}

static bool is_interim(int status)
{
    return status < 200 && status != 101; /* after 101 there is no more HTTP */
}

static bool has_no_body(const struct reply *reply)
{
    return reply->is_to_head || reply->status == 204 || reply->status == 304;
}

/* A good reply is taken for XML-RPC whatever it says it is: servers say text/plain and
 * text/html of it. Any other is one if it says so; else its body is a page or a line for
 * people. */
static enum duet_content content_of(const struct reply *reply,
                                    const struct duet_http_fields *fields)
{
    if (has_no_body(reply))
        return DUET_CONTENT_NONE;
    if ((fields->notes & DUET_NOTE_BODY_MSGPACK) != 0)
        return DUET_CONTENT_MSGPACK;
    bool is_good = reply->status >= 200 && reply->status < 300;
    return is_good || fields->is_xml ? DUET_CONTENT_XML : DUET_CONTENT_NONE;
}

/* Decides how the body is framed, and refuses what is too long before it comes. */
static enum duet_frame frame_body(struct reply *reply, const struct duet_http_fields *fields,
                                  struct duet_message *message)
{
    const llhttp_t *parser = &reply->walk.parser;
    bool has_length = (parser->flags & F_CONTENT_LENGTH) != 0;
    if (fields->is_chunked && has_length)
        return duet_http_bad(message, 400, "Content-Length together with Transfer-Encoding");

    enum duet_http_body_form form = DUET_HTTP_BODY_COUNTED;
    if (!has_no_body(reply) && !has_length)
        form = fields->is_chunked ? DUET_HTTP_BODY_CHUNKED : DUET_HTTP_BODY_TO_END;
    bool is_kept = (reply->notes & DUET_NOTE_HTTP_10) != 0
                       ? (parser->flags & F_CONNECTION_KEEP_ALIVE) != 0
                       : (parser->flags & F_CONNECTION_CLOSE) == 0;
    if (is_kept && form != DUET_HTTP_BODY_TO_END)
        reply->notes |= DUET_NOTE_KEEP_ALIVE;
    reply->is_in_body = true;
    uint64_t size = has_length && !has_no_body(reply) ? parser->content_length : 0;
    return duet_http_body_start(&reply->body, form, size, reply->walk.lone_lf_ends_line,
                                message);
}

/* The head is complete. */
static enum duet_frame end_head(struct reply *reply, const uint8_t *bytes,
                                struct duet_message *message)
{
    const llhttp_t *parser = &reply->walk.parser;
    if (parser->http_major != 1 || parser->http_minor > 1)
        return duet_http_bad(message, 505, "HTTP/%d.%d is not spoken here, only 1.0 and 1.1",
                             parser->http_major, parser->http_minor);
    struct duet_http_fields fields;
    char reason[DUET_REASON_MAX];
    int status = duet_http_reply_fields_read(&fields, bytes + reply->head_at,
                                             reply->body.head_size - reply->head_at,
                                             reply->walk.lone_lf_ends_line, reason);
    if (status != 0)
        return duet_http_bad(message, status, "%s", reason);
    if (fields.status == 101)
        return duet_http_bad(message, 501, "status 101: nobody asked for another protocol");
    reply->status = fields.status;
    if (is_interim(fields.status))
        return DUET_FRAME_WHOLE;

    reply->notes |= fields.notes;
    reply->retry_after_s = fields.retry_after_s;
    reply->content = content_of(reply, &fields);
    return frame_body(reply, &fields, message);
}

/* DUET_FRAME_WHOLE: a head is complete and good. */
static enum duet_frame walk_head(struct reply *reply, uint8_t *bytes, size_t n,
                                 struct duet_message *message)
{
    struct duet_http_body *body = &reply->body;
    /* Never past the limit, so that the outcome does not depend on how the bytes are cut. */
    size_t end = n < body->max_head ? n : body->max_head;
    const uint8_t *stop =
        body->walked < end ? duet_http_walk_on(&reply->walk, bytes, body->walked, end) : NULL;
    if (stop != NULL && llhttp_get_errno(&reply->walk.parser) == HPE_PAUSED) {
        body->head_size = body->walked = (size_t)(stop - bytes);
        return end_head(reply, bytes, message);
    }
    if (stop != NULL) {
        char reason[DUET_REASON_MAX];
        int status = duet_http_walk_refusal(&reply->walk, bytes + reply->head_at,
                                            end - reply->head_at, body->max_message, reason);
        return duet_http_bad(message, status, "%s", reason);
    }
    body->walked = end;
    if (n > end)
        return duet_http_head_too_large(body, message);
    message->kept = end;
    message->need = 0;
    return DUET_FRAME_MORE;
}

/* DUET_FRAME_WHOLE: the head of the reply that counts is complete and good. */
static enum duet_frame walk_heads(struct reply *reply, uint8_t *bytes, size_t n,
                                  struct duet_message *message)
{
    for (;;) {
        enum duet_frame frame = walk_head(reply, bytes, n, message);
        if (frame != DUET_FRAME_WHOLE || reply->is_in_body)
            return frame;
        reply->head_at = reply->body.walked;
        duet_http_walk_start(&reply->walk, HTTP_RESPONSE, reply->walk.lone_lf_ends_line);
    }
}

/* Nobody is told a status for a bad one: it is ours to know. */
static enum duet_frame tell(const struct reply *reply, uint8_t *bytes, enum duet_frame frame,
                            struct duet_message *message)
{
    message->notes = reply->notes;
    message->values = 0;
    message->host = message->origin = NULL;
    message->target = NULL;
    message->host_size = message->origin_size = message->target_size = 0;
    if (frame == DUET_FRAME_BAD) {
        message->body = bytes;
        message->body_size = 0;
        message->status = 0;
        return frame;
    }
    message->status = reply->status;
    message->retry_after_s = reply->retry_after_s;
    message->content = reply->content;
    return frame;
}

static enum duet_frame reply_next(void *state, uint8_t *bytes, size_t n,
                                  struct duet_message *message)
{
    struct reply *reply = state;
    enum duet_frame frame = DUET_FRAME_WHOLE;
    if (!reply->is_in_body)
        frame = walk_heads(reply, bytes, n, message);
    if (frame == DUET_FRAME_WHOLE)
        frame = duet_http_body_next(&reply->body, bytes, n, message);
    if (frame != DUET_FRAME_MORE)
        return tell(reply, bytes, frame, message);
    message->in_body = reply->is_in_body;
    message->interim = NULL;
    return DUET_FRAME_MORE;
}

static enum duet_frame reply_ended(void *state, uint8_t *bytes, size_t n,
                                   struct duet_message *message)
{
    const struct reply *reply = state;
    if (!reply->is_in_body || reply->body.form != DUET_HTTP_BODY_TO_END)
        return tell(reply, bytes, duet_http_ended_early(message, n, "reply"), message);
    message->body = bytes + reply->body.head_size;
    message->body_size = n - reply->body.head_size;
    message->wire_size = n;
    return tell(reply, bytes, DUET_FRAME_WHOLE, message);
}

static void reply_tell(const void *state, uint8_t *bytes, size_t n,
                       struct duet_message *message)
{
    (void)n;
    tell(state, bytes, DUET_FRAME_BAD, message);
}

const struct duet_framing duet_framing_http_reply = {
    .name = "HTTP",
    .notes = DUET_NOTE_HTTP,
    .state_size = reply_state_size,
    .start = reply_start,
    .next = reply_next,
    .ended = reply_ended,
    .tell = reply_tell,
    .wrap = duet_http_post_write,
};

const struct duet_framing duet_framing_http_reply_to_head = {
    .name = "HTTP",
    .notes = DUET_NOTE_HTTP,
    .state_size = reply_state_size,
    .start = reply_to_head_start,
    .next = reply_next,
    .ended = reply_ended,
    .tell = reply_tell,
    .wrap = duet_http_head_request_write,
};
