/*
 * See http_walk.h. llhttp 8 and 9 differ in what they refuse where, and in what they call it:
 * what is told of a head is the same for both. On a loop's thread.
 */
#include "http_walk.h"

#include "framing.h"
#include "http_fields.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static int pause_after_head(llhttp_t *parser)
{
    (void)parser;
    return HPE_PAUSED;
}

static const llhttp_settings_t settings = {.on_headers_complete = pause_after_head};

void duet_http_walk_start(struct duet_http_walk *walk, llhttp_type_t type,
                          bool lone_lf_ends_line)
{
    llhttp_init(&walk->parser, type, &settings);
    walk->lone_lf_ends_line = lone_lf_ends_line;
}

/* Gives llhttp the bytes from `at` to `end`. Returns where it stopped, NULL if it did not. */
static const uint8_t *walk_bytes(struct duet_http_walk *walk, const uint8_t *bytes, size_t at,
                                 size_t end)
{
    llhttp_errno_t rc = llhttp_execute(&walk->parser, (const char *)bytes + at, end - at);
    return rc != HPE_OK ? (const uint8_t *)llhttp_get_error_pos(&walk->parser) : NULL;
}

/* The same for one LF that follows no CR. */
static const uint8_t *walk_lone_lf(struct duet_http_walk *walk, const uint8_t *lf)
{
    static const uint8_t crlf[] = "\r\n";
    const uint8_t *stop = walk_bytes(walk, crlf, 0, 2);
    return stop == NULL ? NULL : lf + (stop == crlf + 2);
}

const uint8_t *duet_http_walk_lenient(struct duet_http_walk *walk, const uint8_t *bytes,
                                      size_t at, size_t end)
{
    const uint8_t *stop = NULL, *lf;
    while (stop == NULL && at < end && (lf = memchr(bytes + at, '\n', end - at)) != NULL) {
        size_t lf_at = (size_t)(lf - bytes);
        bool is_lone = lf_at == 0 || lf[-1] != '\r';
        if (at < lf_at + !is_lone)
            stop = walk_bytes(walk, bytes, at, lf_at + !is_lone);
        if (stop == NULL && is_lone)
            stop = walk_lone_lf(walk, lf);
        at = lf_at + 1;
    }
    return stop == NULL && at < end ? walk_bytes(walk, bytes, at, end) : stop;
}

/* "GET /" CR LF was a whole request in HTTP/0.9: nothing more will come. llhttp 9 says so with
 * the byte after the line only; until then it has no version. */
bool duet_http_walk_is_09(const struct duet_http_walk *walk, const uint8_t *stop,
                          const uint8_t *bytes, size_t n)
{
    const llhttp_t *parser = &walk->parser;
    if (parser->http_major != 0)
        return false;
    if (parser->http_minor == 9)
        return true;
    if (stop != NULL || n < 2 || bytes[n - 1] != '\n')
        return false;
    uint8_t last = bytes[n - 2] == '\r' && n > 2 ? bytes[n - 3] : bytes[n - 2];
    return last != '\r' && last != '\n'; /* else this is an empty line before the request */
}

size_t duet_http_find_line(const uint8_t *bytes, const uint8_t *stop, const uint8_t **line)
{
    size_t number = 1;
    *line = bytes;
    while (*line < stop && (**line == '\r' || **line == '\n'))
        (*line)++;
    for (const uint8_t *lf = *line; (lf = memchr(lf, '\n', (size_t)(stop - lf))) != NULL;) {
        *line = ++lf;
        number++;
    }
    return number;
}

/* ---- What is wrong with it ---- */

/* True if llhttp stopped at a version that is none of ours, rather than at garbage: it has read
 * "HTTP/" and a number that is neither 1.0 nor 1.1. */
static bool is_other_version(const uint8_t *line, const uint8_t *stop, const uint8_t *end)
{
    const uint8_t *version = stop;
    while (version > line && version[-1] != '/')
        version--;
    size_t size = (size_t)(stop - version);
    bool has_digit = size > 0 && version[0] >= '0' && version[0] <= '9';
    bool goes_on = stop < end && stop[0] >= '0' && stop[0] <= '9';
    bool is_ours =
        size == 3 && (memcmp(version, "1.0", 3) == 0 || memcmp(version, "1.1", 3) == 0);
    return goes_on || (has_digit && (size == 3 || size == 1) && !is_ours);
}

/* True if llhttp stopped in a Content-Length because it is over 64 bits, not because it is
 * none. */
static bool is_huge_length(const uint8_t *line, const uint8_t *stop, const uint8_t *end)
{
    static const char largest[] = "18446744073709551615";
    const uint8_t *at = memchr(line, ':', (size_t)(stop - line));
    if (at == NULL)
        return false;
    for (at++; at < stop && (*at == ' ' || *at == '0');)
        at++;

    const uint8_t *digits = at;
    while (at < end && at <= stop && *at >= '0' && *at <= '9')
        at++;
    size_t size = (size_t)(at - digits);
    return at >= stop && (size >= sizeof largest ||
                          (size == sizeof largest - 1 && memcmp(digits, largest, size) > 0));
}

/* llhttp has refused one of the first `n` bytes. It says where it stopped, which may be at that
 * byte or behind it, as the bytes were cut: a walk byte by byte finds the one that decided, and
 * nothing is told of what comes after it. Returns what follows that byte, and sets `stop`. */
static const uint8_t *find_bad_byte(struct duet_http_walk *walk, const uint8_t *bytes, size_t n,
                                    const uint8_t **stop)
{
    llhttp_init(&walk->parser, walk->parser.type, &settings);
    for (size_t at = 0; at < n; at++)
        if ((*stop = duet_http_walk_on(walk, bytes, at, at + 1)) != NULL) {
            if (*stop > bytes + at)
                *stop = bytes + at; /* of this line, if it is an LF, not of the next */
            return bytes + at + 1;
        }
    return *stop = bytes + n;
}

/* llhttp 9 has no code of its own for a Content-Length beside a Transfer-Encoding; the flags
 * tell that the other one was there before. */
static llhttp_errno_t error_in_head(const llhttp_t *parser)
{
    llhttp_errno_t error = llhttp_get_errno(parser);
    bool has_other =
        (error == HPE_INVALID_CONTENT_LENGTH && (parser->flags & F_TRANSFER_ENCODING) != 0) ||
        (error == HPE_INVALID_TRANSFER_ENCODING && (parser->flags & F_CONTENT_LENGTH) != 0);
    return has_other ? HPE_UNEXPECTED_CONTENT_LENGTH : error;
}

/* What is wrong with the blank that llhttp stopped at. llhttp 9 knows, older ones leave it to
 * http_fields. NULL if this is something else. */
static const char *misplaced_blank(const uint8_t *line, size_t number, const uint8_t *stop)
{
    if (number == 1 || (*stop != ' ' && *stop != '\t'))
        return NULL;
    if (stop == line)
        return number > 2 ? DUET_HTTP_FOLDED : NULL;
    return memchr(line, ':', (size_t)(stop - line)) == NULL ? DUET_HTTP_SPACE_IN_NAME : NULL;
}

/* Where it is wrong. */
struct spot {
    const uint8_t *line, *stop, *end;
    size_t number; /* of the line */
    char quote[DUET_QUOTE_MAX];
};

__attribute__((format(printf, 3, 4))) static int refuse(char *reason, int status,
                                                        const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(reason, DUET_REASON_MAX, format, args);
    va_end(args);
    return status;
}

static int refuse_length(const struct spot *spot, size_t max_message, char *reason)
{
    if (is_huge_length(spot->line, spot->stop, spot->end))
        return refuse(reason, 413,
                      "message of more than %" PRIu64 " bytes exceeds --max-message %zu",
                      UINT64_MAX, max_message);
    return refuse(reason, 400, "Content-Length is not a number: \"%s\"", spot->quote);
}

/* It breaks no rule that llhttp has a name for. */
static int refuse_line(const struct duet_http_walk *walk, const struct spot *spot,
                       const uint8_t *bytes, char *reason)
{
    const uint8_t *end = spot->end;
    bool is_lone_lf = end[-1] == '\n' && (end - bytes == 1 || end[-2] != '\r');
    const char *advice =
        is_lone_lf ? ": LF without CR, which --http-line-ends lenient takes" : "";
    if (spot->number == 1)
        return refuse(reason, 400, "malformed %s line: \"%s\"%s",
                      walk->parser.type == HTTP_REQUEST ? "request" : "status", spot->quote,
                      advice);
    const char *blank =
        spot->stop < end ? misplaced_blank(spot->line, spot->number, spot->stop) : NULL;
    if (blank != NULL)
        return refuse(reason, 400, "%s: \"%s\"", blank, spot->quote);
    return refuse(reason, 400, "malformed header at line %zu: \"%s\"%s", spot->number,
                  spot->quote, advice);
}

int duet_http_walk_refusal(struct duet_http_walk *walk, const uint8_t *bytes, size_t n,
                           size_t max_message, char *reason)
{
    struct spot spot;
    spot.end = find_bad_byte(walk, bytes, n, &spot.stop);
    spot.number = duet_http_find_line(bytes, spot.stop, &spot.line);
    duet_http_quote(spot.quote, spot.line,
                    (size_t)(spot.stop - spot.line) + (spot.stop < spot.end));

    switch (error_in_head(&walk->parser)) {
    case HPE_INVALID_METHOD:
        return refuse(reason, 400, "not HTTP: no method begins like \"%s\"%s", spot.quote,
                      *spot.line == 0x16 ? " (this looks like TLS)" : "");
    case HPE_PAUSED_H2_UPGRADE:
        return refuse(reason, 505, "HTTP/2.0 is not spoken here, only 1.0 and 1.1");
    case HPE_INVALID_VERSION:
        if (is_other_version(spot.line, spot.stop, spot.end))
            return refuse(reason, 505, "HTTP version of \"%s\" is not 1.0 or 1.1", spot.quote);
        return refuse_line(walk, &spot, bytes, reason);
    case HPE_INVALID_CONTENT_LENGTH:
        return refuse_length(&spot, max_message, reason);
    case HPE_UNEXPECTED_CONTENT_LENGTH:
        return refuse(reason, 400,
                      "Content-Length comes twice, or with Transfer-Encoding, at line %zu",
                      spot.number);
    case HPE_INVALID_TRANSFER_ENCODING:
        return refuse(reason, 400, "Transfer-Encoding is not chunked alone: \"%s\"",
                      spot.quote);
    default:
        return refuse_line(walk, &spot, bytes, reason);
    }
}
