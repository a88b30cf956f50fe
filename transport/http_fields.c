/*
 * The lines of a request's head, read one by one. See http_fields.h. On a loop's thread.
 */
#include "http_fields.h"

#include "framing.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

struct text {
    const uint8_t *at;
    size_t size;
};

const char *duet_http_quote(char *room, const uint8_t *bytes, size_t size)
{
    if (size > DUET_QUOTE_MAX - 1)
        size = DUET_QUOTE_MAX - 1;
    for (size_t i = 0; i < size; i++)
        room[i] = bytes[i] >= 0x20 && bytes[i] < 0x7f ? (char)bytes[i] : '?';
    room[size] = '\0';
    return room;
}

/* Puts words and the text that they are about into the reason. Returns the status. */
static int refuse(char *reason, int status, const char *words, struct text about)
{
    char quote[DUET_QUOTE_MAX];
    snprintf(reason, DUET_REASON_MAX, "%s: \"%s\"", words,
             duet_http_quote(quote, about.at, about.size));
    return status;
}

static bool is_blank(uint8_t byte)
{
    return byte == ' ' || byte == '\t';
}

static struct text trimmed(struct text text)
{
    while (text.size > 0 && is_blank(text.at[0])) {
        text.at++;
        text.size--;
    }
    while (text.size > 0 && is_blank(text.at[text.size - 1]))
        text.size--;
    return text;
}

static bool is_word(struct text text, const char *word)
{
    return text.size == strlen(word) &&
           strncasecmp((const char *)text.at, word, text.size) == 0;
}

/* Cuts off what stands before the first `mark`, trimmed; `rest` goes on after it, or is
 * empty. */
static struct text cut(struct text *rest, uint8_t mark)
{
    struct text part = *rest;
    const uint8_t *end = rest->size > 0 ? memchr(rest->at, mark, rest->size) : NULL;
    if (end == NULL) {
        rest->size = 0;
        return trimmed(part);
    }
    part.size = (size_t)(end - part.at);
    rest->at = end + 1;
    rest->size -= part.size + 1;
    return trimmed(part);
}

static int read_host(struct duet_http_fields *fields, struct text value, char *reason)
{
    if (fields->host != NULL)
        return refuse(reason, 400, "a second Host header", value);
    fields->host = value.at;
    fields->host_size = value.size;
    return 0;
}

static int read_origin(struct duet_http_fields *fields, struct text value, char *reason)
{
    if (fields->origin != NULL)
        return refuse(reason, 400, "a second Origin header", value);
    fields->origin = value.at;
    fields->origin_size = value.size;
    return 0;
}

static int read_fetch_site(struct duet_http_fields *fields, struct text value, char *reason)
{
    (void)reason;
    if (is_word(value, "cross-site"))
        fields->notes |= DUET_NOTE_CROSS_SITE;
    return 0;
}

static int read_request_method(struct duet_http_fields *fields, struct text value, char *reason)
{
    (void)reason;
    if (value.size > 0)
        fields->notes |= DUET_NOTE_PREFLIGHT;
    return 0;
}

static int read_private_network(struct duet_http_fields *fields, struct text value,
                                char *reason)
{
    (void)reason;
    if (is_word(value, "true"))
        fields->notes |= DUET_NOTE_PRIVATE_NETWORK;
    return 0;
}

static int read_expect(struct duet_http_fields *fields, struct text value, char *reason)
{
    (void)reason;
    if (is_word(value, "100-continue"))
        fields->expects_continue = true;
    return 0;
}

static int read_content_type(struct duet_http_fields *fields, struct text value, char *reason)
{
    (void)reason;
    struct text type = cut(&value, ';');
    if (is_word(type, "application/msgpack") || is_word(type, "application/x-msgpack") ||
        is_word(type, "application/vnd.msgpack"))
        fields->notes |= DUET_NOTE_BODY_MSGPACK;
    return 0;
}

/* False for "q=0", "q=0.0" and the like (RFC 9110 12.4.2). */
static bool is_wanted(struct text parameters)
{
    while (parameters.size > 0) {
        struct text parameter = cut(&parameters, ';');
        if (parameter.size < 2 || (parameter.at[0] | 0x20) != 'q' || parameter.at[1] != '=')
            continue;
        for (size_t i = 2; i < parameter.size; i++) {
            if (parameter.at[i] >= '1' && parameter.at[i] <= '9')
                return true;
        }
        return false;
    }
    return true;
}

/* "*" is not taken for gzip: a reply that is not compressed is always right. */
static int read_accept_encoding(struct duet_http_fields *fields, struct text value,
                                char *reason)
{
    (void)reason;
    while (value.size > 0) {
        struct text item = cut(&value, ',');
        struct text coding = cut(&item, ';');
        if ((is_word(coding, "gzip") || is_word(coding, "x-gzip")) && is_wanted(item))
            fields->notes |= DUET_NOTE_ACCEPT_GZIP;
    }
    return 0;
}

static int read_content_encoding(struct duet_http_fields *fields, struct text value,
                                 char *reason)
{
    if (value.size == 0 || is_word(value, "identity"))
        return 0;
    bool is_gzip = is_word(value, "gzip") || is_word(value, "x-gzip");
    if (!is_gzip || (fields->notes & DUET_NOTE_BODY_GZIP) != 0)
        return refuse(reason, 501, "Content-Encoding is not gzip, once", value);
    fields->notes |= DUET_NOTE_BODY_GZIP;
    return 0;
}

static int read_transfer_encoding(struct duet_http_fields *fields, struct text value,
                                  char *reason)
{
    /* RFC 9112 6.1: HTTP/1.0 has none, so somebody on the way frames the body differently. */
    if ((fields->notes & DUET_NOTE_HTTP_10) != 0)
        return refuse(reason, 400, "Transfer-Encoding in HTTP/1.0", value);
    if (fields->is_chunked)
        return refuse(reason, 400, "a second Transfer-Encoding header", value);
    if (!is_word(value, "chunked"))
        return refuse(reason, 501, "Transfer-Encoding is not chunked alone", value);
    fields->is_chunked = true;
    return 0;
}

/* Whether one of the eight bytes is a space or less: a borrow reaches its highest bit, which it
 * did not have. */
static bool has_blank_in_eight(const uint8_t *at)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    uint64_t eight;
    memcpy(&eight, at, sizeof eight);
    return ((eight - ones * (' ' + 1)) & ~eight & ones * 0x80) != 0;
}

/* Whether a name has a space in it, or less. Names are a good part of a head, so by eights; the
 * last eight may have been looked at in part. */
static bool has_blank(struct text name)
{
    if (name.size < 8) {
        for (size_t i = 0; i < name.size; i++)
            if (name.at[i] <= ' ')
                return true;
        return false;
    }
    for (size_t i = 0; i + 8 < name.size; i += 8)
        if (has_blank_in_eight(name.at + i))
            return true;
    return has_blank_in_eight(name.at + name.size - 8);
}

struct known {
    const char *name;
    int (*read)(struct duet_http_fields *fields, struct text value, char *reason);
};

/* Most lines are none of ours: the length of a name finds the few that it may be. */
static const struct known known[][2] = {
    [4] = {{"host", read_host}},
    [6] = {{"expect", read_expect}, {"origin", read_origin}},
    [12] = {{"content-type", read_content_type}},
    [14] = {{"sec-fetch-site", read_fetch_site}},
    [15] = {{"accept-encoding", read_accept_encoding}},
    [16] = {{"content-encoding", read_content_encoding}},
    [17] = {{"transfer-encoding", read_transfer_encoding}},
    [29] = {{"access-control-request-method", read_request_method}},
    [38] = {{"access-control-request-private-network", read_private_network}},
};

/* The row of a name in any case, or NULL. */
static const struct known *find_known(struct text name)
{
    if (name.size >= sizeof known / sizeof known[0])
        return NULL;
    const struct known *row = known[name.size];
    for (int i = 0; i < 2 && row->name != NULL; i++, row++)
        if (row->name[0] == (name.at[0] | 0x20) &&
            strncasecmp((const char *)name.at, row->name, name.size) == 0)
            return row;
    return NULL;
}

static int read_field(struct duet_http_fields *fields, struct text line, char *reason)
{
    if (is_blank(line.at[0]))
        return refuse(reason, 400, DUET_HTTP_FOLDED, line);

    const uint8_t *colon = memchr(line.at, ':', line.size);
    struct text name = {line.at, colon != NULL ? (size_t)(colon - line.at) : line.size};
    if (has_blank(name))
        return refuse(reason, 400, DUET_HTTP_SPACE_IN_NAME, line);
    if (name.size == 0 || colon == NULL)
        return refuse(reason, 400, "a header line without name and colon", line);

    const struct known *row = find_known(name);
    if (row == NULL)
        return 0;
    struct text value = {colon + 1, line.size - name.size - 1};
    return row->read(fields, trimmed(value), reason);
}

/* "http://host:80/RPC2" means "/RPC2" here, and host:80 whatever Host says (RFC 9112
 * 3.2.2). */
static void set_target(struct duet_http_fields *fields, struct text target)
{
    static const char scheme[] = "http://";
    size_t size = sizeof scheme - 1;
    if (target.size > size && strncasecmp((const char *)target.at, scheme, size) == 0) {
        const uint8_t *path = memchr(target.at + size, '/', target.size - size);
        fields->authority = target.at + size;
        fields->authority_size =
            path != NULL ? (size_t)(path - fields->authority) : target.size - size;
        /* No path is the path "/": the last of "http://" will do. */
        fields->target = path != NULL ? path : target.at + size - 1;
        fields->target_size =
            path != NULL ? (size_t)(target.at + target.size - path) : (size_t)1;
        return;
    }
    fields->target = target.at;
    fields->target_size = target.size;
}

/* "POST /RPC2 HTTP/1.1": two single spaces (RFC 9112 3). */
static int read_request_line(struct duet_http_fields *fields, struct text line, char *reason)
{
    struct text rest = line;
    const uint8_t *space = memchr(rest.at, ' ', rest.size);
    const uint8_t *second =
        space != NULL ? memchr(space + 1, ' ', (size_t)(line.at + line.size - space) - 1)
                      : NULL;
    if (second == NULL || second == space + 1 || memchr(line.at, '\n', line.size) != NULL)
        return refuse(reason, 400, "the request line is not method, target and version", line);

    struct text version = {second + 1, (size_t)(line.at + line.size - second) - 1};
    if (version.size != 8 || memcmp(version.at, "HTTP/1.", 7) != 0)
        return refuse(reason, 400, "the request line does not end with an HTTP version", line);
    if (version.at[7] == '0')
        fields->notes |= DUET_NOTE_HTTP_10;
    set_target(fields, (struct text){space + 1, (size_t)(second - space) - 1});
    return 0;
}

/* Cuts a line off, up to its CR LF. A CR alone ends no line. */
static int read_line(struct text *rest, struct text *line, char *reason)
{
    line->at = rest->at;
    const uint8_t *cr = memchr(rest->at, '\r', rest->size);
    line->size = cr != NULL ? (size_t)(cr - rest->at) : rest->size;
    if (line->size + 2 > rest->size || cr[1] != '\n')
        return refuse(reason, 400,
                      "a line of the head does not end with CR LF (--http-line-ends lenient "
                      "takes LF alone)",
                      *line);
    rest->at += line->size + 2;
    rest->size -= line->size + 2;
    return 0;
}

/* The same for a client that may leave out the CR. */
static int read_lenient_line(struct text *rest, struct text *line, char *reason)
{
    line->at = rest->at;
    const uint8_t *lf = memchr(rest->at, '\n', rest->size);
    line->size = lf != NULL ? (size_t)(lf - rest->at) : rest->size;
    rest->at += line->size + (lf != NULL);
    rest->size -= line->size + (lf != NULL);
    if (lf != NULL && line->size > 0 && lf[-1] == '\r')
        line->size--;
    if (lf == NULL || memchr(line->at, '\r', line->size) != NULL)
        return refuse(reason, 400, "a line of the head does not end with LF", *line);
    return 0;
}

static inline int next_line(struct text *rest, struct text *line, bool lone_lf_ends_line,
                            char *reason)
{
    return lone_lf_ends_line ? read_lenient_line(rest, line, reason)
                             : read_line(rest, line, reason);
}

int duet_http_fields_read(struct duet_http_fields *fields, const uint8_t *head, size_t size,
                          bool lone_lf_ends_line, char *reason)
{
    struct text rest = {head, size}, line;
    *fields = (struct duet_http_fields){.target = head};
    while (rest.size > 0 && (rest.at[0] == '\r' || rest.at[0] == '\n')) {
        rest.at++;
        rest.size--;
    }

    int status = next_line(&rest, &line, lone_lf_ends_line, reason);
    if (status == 0)
        status = read_request_line(fields, line, reason);
    while (status == 0) {
        status = next_line(&rest, &line, lone_lf_ends_line, reason);
        if (status == 0 && line.size == 0)
            break;
        if (status == 0)
            status = read_field(fields, line, reason);
    }
    return status;
}
