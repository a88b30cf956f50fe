/*
 * HTTP/1.0 and 1.1 requests cut from a stream, and what goes around a reply: the framing of
 * XML-RPC, and of MessagePack-RPC posted to the same paths. Runs on a loop's thread, called by
 * conn; knows nothing of what the bodies mean.
 *
 * llhttp walks the head. What it lets pass and we refuse is found by http_fields when the head
 * is complete. The body is http_body's.
 *
 * Lines end with CR LF and nothing else: who takes a bare LF or CR for an end of line, and who
 * does not, is what request smuggling lives on. Who must serve a client that sends LF alone
 * says so; then llhttp is given CR LF in its place, so that all of us see the same lines.
 */
#include "framing.h"

#include "http_body.h"
#include "http_fields.h"
#include "http_head.h"
#include "http_walk.h"

#include <string.h>

struct http {
    struct duet_http_walk walk; /* of the head */
    bool is_in_body;
    enum duet_content content;
    uint32_t notes;
    size_t target_at, target_size; /* from the first byte given; empty until the head is read */
    size_t host_at, host_size;     /* the same; at 0 where the head has none */
    size_t origin_at, origin_size;
    bool owes_continue; /* the client waits for "100 Continue" */
    struct duet_http_body body;
};

static size_t http_state_size(const struct duet_limits *limits)
{
    (void)limits;
    return sizeof(struct http);
}

static void http_start(void *state, const struct duet_limits *limits)
{
    struct http *http = state;
    duet_http_walk_start(&http->walk, HTTP_REQUEST, limits->lone_lf_ends_line);
    http->body.max_head = limits->max_head;
    http->body.max_message = limits->max_message;
    http->body.walked = 0;
    http->is_in_body = false;
    http->notes = DUET_NOTE_HTTP;
    http->content = DUET_CONTENT_NONE;
    http->target_size = 0;
    http->host_at = http->origin_at = 0;
    http->owes_continue = false;
}

static bool is_call_path(const uint8_t *target, size_t size)
{
    return (size == 1 && target[0] == '/') || (size == 5 && memcmp(target, "/RPC2", 5) == 0);
}

/* Sets content and notes from method and target. */
static void classify(struct http *http, const struct duet_http_fields *fields)
{
    http->content = DUET_CONTENT_NONE;
    switch (llhttp_get_method(&http->walk.parser)) {
    case HTTP_POST:
        if (!is_call_path(fields->target, fields->target_size))
            http->notes |= DUET_NOTE_NOT_FOUND;
        else if ((fields->notes & DUET_NOTE_BODY_MSGPACK) != 0)
            http->content = DUET_CONTENT_MSGPACK;
        else
            http->content = DUET_CONTENT_XML;
        break;
    case HTTP_GET:
    case HTTP_HEAD: /* noted already */
        break;
    case HTTP_OPTIONS:
        http->notes |= DUET_NOTE_OPTIONS;
        break;
    default:
        http->notes |= DUET_NOTE_BAD_METHOD;
        break;
    }
}

/* A byte above 127 in the target, which no URL has (RFC 3986 2) and llhttp passes before 9. */
static const uint8_t *find_foreign_byte(const struct duet_http_fields *fields)
{
    if (is_call_path(fields->target, fields->target_size))
        return NULL;
    for (size_t i = 0; i < fields->target_size; i++)
        if (fields->target[i] > 127)
            return fields->target + i;
    return NULL;
}

static enum duet_frame bad_target(const uint8_t *bytes, const uint8_t *at,
                                  struct duet_message *message)
{
    const uint8_t *line;
    duet_http_find_line(bytes, at, &line);
    char quote[DUET_QUOTE_MAX];
    duet_http_quote(quote, line, (size_t)(at - line) + 1);
    return duet_http_bad(message, 400, "malformed request line: \"%s\"", quote);
}

/* Decides how the body is framed (RFC 9112 6.3) and refuses what is too long before it
 * comes. */
static enum duet_frame frame_body(struct http *http, const struct duet_http_fields *fields,
                                  struct duet_message *message)
{
    bool has_length = (http->walk.parser.flags & F_CONTENT_LENGTH) != 0;
    uint64_t length = has_length ? http->walk.parser.content_length : 0;
    if (fields->is_chunked && has_length)
        return duet_http_bad(message, 400, "Content-Length together with Transfer-Encoding");
    if (llhttp_get_method(&http->walk.parser) == HTTP_POST && !fields->is_chunked &&
        !has_length)
        return duet_http_bad(message, 411, "POST needs a Content-Length or chunks");
    http->is_in_body = true;
    http->owes_continue = fields->expects_continue && (http->notes & DUET_NOTE_HTTP_10) == 0;
    return duet_http_body_start(
        &http->body, fields->is_chunked ? DUET_HTTP_BODY_CHUNKED : DUET_HTTP_BODY_COUNTED,
        length, http->walk.lone_lf_ends_line, message);
}

/* Keeps where target, host and origin stand. */
static void note_places(struct http *http, const struct duet_http_fields *fields,
                        const uint8_t *head)
{
    http->target_at = (size_t)(fields->target - head);
    http->target_size = fields->target_size;
    bool is_absolute = fields->authority != NULL;
    const uint8_t *host = is_absolute ? fields->authority : fields->host;
    if (host != NULL) {
        http->host_at = (size_t)(host - head);
        http->host_size = is_absolute ? fields->authority_size : fields->host_size;
    }
    if (fields->origin != NULL) {
        http->origin_at = (size_t)(fields->origin - head);
        http->origin_size = fields->origin_size;
    }
}

static enum duet_frame bad_head(struct http *http, const uint8_t *bytes, size_t n,
                                struct duet_message *message)
{
    char reason[DUET_REASON_MAX];
    int status = duet_http_walk_refusal(&http->walk, bytes, n, http->body.max_message, reason);
    return duet_http_bad(message, status, "%s", reason);
}

static enum duet_frame end_head(struct http *http, const uint8_t *bytes,
                                struct duet_message *message)
{
    const llhttp_t *parser = &http->walk.parser;
    if (parser->http_major != 1 || parser->http_minor > 1)
        return duet_http_bad(message, 505, "HTTP/%d.%d is not spoken here, only 1.0 and 1.1",
                             parser->http_major, parser->http_minor);

    struct duet_http_fields fields;
    char reason[DUET_REASON_MAX];
    int status = duet_http_fields_read(&fields, bytes, http->body.head_size,
                                       http->walk.lone_lf_ends_line, reason);
    http->notes |= fields.notes;
    if (status != 400) { /* a malformed head says nothing that can be relied on */
        note_places(http, &fields, bytes);
        classify(http, &fields);
    }
    if (status != 0)
        return duet_http_bad(message, status, "%s", reason);
    const uint8_t *foreign = find_foreign_byte(&fields);
    if (foreign != NULL)
        return bad_target(bytes, foreign, message);
    if (fields.host == NULL && (http->notes & DUET_NOTE_HTTP_10) == 0)
        return duet_http_bad(message, 400, "HTTP/1.1 without a Host header");

    if (llhttp_should_keep_alive(parser))
        http->notes |= DUET_NOTE_KEEP_ALIVE;
    return frame_body(http, &fields, message);
}

/* DUET_FRAME_WHOLE: the head is complete and good. */
static enum duet_frame walk_head(struct http *http, uint8_t *bytes, size_t n,
                                 struct duet_message *message)
{
    /* Never past the limit, so that the outcome does not depend on how the bytes are cut. */
    size_t end = n < http->body.max_head ? n : http->body.max_head;
    const uint8_t *stop = duet_http_walk_on(&http->walk, bytes, http->body.walked, end);
    if (llhttp_get_method(&http->walk.parser) == HTTP_HEAD)
        http->notes |= DUET_NOTE_HEAD;

    if (duet_http_walk_is_09(&http->walk, stop, bytes, end))
        return duet_http_bad(message, 505, "HTTP/0.9 is not spoken here, only 1.0 and 1.1");
    if (stop != NULL) {
        if (llhttp_get_errno(&http->walk.parser) != HPE_PAUSED)
            return bad_head(http, bytes, end, message);
        http->body.head_size = http->body.walked = (size_t)(stop - bytes);
        return end_head(http, bytes, message);
    }

    http->body.walked = end;
    if (n > end)
        return duet_http_head_too_large(&http->body, message);
    message->kept = end;
    message->need = 0;
    return DUET_FRAME_MORE;
}

/* `kept` and `need` are set. */
static void tell_more(struct http *http, struct duet_message *message)
{
    message->in_body = http->is_in_body;
    message->interim = http->owes_continue ? "HTTP/1.1 100 Continue\r\n\r\n" : NULL;
    http->owes_continue = false;
}

/* What is told of a whole message and of a bad one, but for its body. */
static void tell_head(const struct http *http, const uint8_t *bytes,
                      struct duet_message *message)
{
    message->notes = http->notes;
    message->values = 0;
    message->content = http->content;
    message->target = http->target_size > 0 ? (const char *)bytes + http->target_at : NULL;
    message->target_size = http->target_size;
    message->host = http->host_at > 0 ? (const char *)bytes + http->host_at : NULL;
    message->host_size = http->host_size;
    message->origin = http->origin_at > 0 ? (const char *)bytes + http->origin_at : NULL;
    message->origin_size = http->origin_size;
}

static void http_tell(const void *state, uint8_t *bytes, size_t n, struct duet_message *message)
{
    const struct http *http = state;
    size_t head_size = http->is_in_body ? http->body.head_size : 0;
    (void)n;
    tell_head(http, bytes, message);
    message->body = bytes + head_size;
    message->body_size = http->is_in_body ? http->body.walked - head_size : 0;
}

static enum duet_frame http_next(void *state, uint8_t *bytes, size_t n,
                                 struct duet_message *message)
{
    struct http *http = state;
    enum duet_frame frame = DUET_FRAME_WHOLE;
    if (!http->is_in_body)
        frame = walk_head(http, bytes, n, message);
    if (frame == DUET_FRAME_WHOLE)
        frame = duet_http_body_next(&http->body, bytes, n, message);

    if (frame == DUET_FRAME_MORE) {
        tell_more(http, message);
        return DUET_FRAME_MORE;
    }
    if (frame == DUET_FRAME_BAD) {
        http_tell(http, bytes, n, message);
        return DUET_FRAME_BAD;
    }
    tell_head(http, bytes, message);
    return DUET_FRAME_WHOLE;
}

/* No request ends with the stream. */
static enum duet_frame http_ended(void *state, uint8_t *bytes, size_t n,
                                  struct duet_message *message)
{
    http_tell(state, bytes, n, message);
    return duet_http_ended_early(message, n, "request");
}

const struct duet_framing duet_framing_http = {
    .name = "HTTP",
    .notes = DUET_NOTE_HTTP,
    .state_size = http_state_size,
    .start = http_start,
    .next = http_next,
    .ended = http_ended,
    .tell = http_tell,
    .wrap = duet_http_head_write,
};
