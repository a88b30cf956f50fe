/*
 * The lines of a head, read one by one. See http_fields.h. On a loop's thread.
 */
#include "http_fields.h"

#include "framing.h"
#include "http_text.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

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
static int refuse(char *reason, int status, const char *words, struct duet_http_text about)
{
    char quote[DUET_QUOTE_MAX];
    snprintf(reason, DUET_REASON_MAX, "%s: \"%s\"", words,
             duet_http_quote(quote, about.at, about.size));
    return status;
}

static int read_host(struct duet_http_fields *fields, struct duet_http_text value, char *reason)
{
    if (fields->host != NULL)
        return refuse(reason, 400, "a second Host header", value);
    fields->host = value.at;
    fields->host_size = value.size;
    return 0;
}

static int read_origin(struct duet_http_fields *fields, struct duet_http_text value,
                       char *reason)
{
    if (fields->origin != NULL)
        return refuse(reason, 400, "a second Origin header", value);
    fields->origin = value.at;
    fields->origin_size = value.size;
    return 0;
}

static int read_fetch_site(struct duet_http_fields *fields, struct duet_http_text value,
                           char *reason)
{
    (void)reason;
    if (duet_http_is_word(value, "cross-site"))
        fields->notes |= DUET_NOTE_CROSS_SITE;
    return 0;
}

static int read_request_method(struct duet_http_fields *fields, struct duet_http_text value,
                               char *reason)
{
    (void)reason;
    if (value.size > 0)
        fields->notes |= DUET_NOTE_PREFLIGHT;
    return 0;
}

static int read_private_network(struct duet_http_fields *fields, struct duet_http_text value,
                                char *reason)
{
    (void)reason;
    if (duet_http_is_word(value, "true"))
        fields->notes |= DUET_NOTE_PRIVATE_NETWORK;
    return 0;
}

static int read_fault_data(struct duet_http_fields *fields, struct duet_http_text value,
                           char *reason)
{
    (void)reason;
    if (duet_http_is_word(value, "1"))
        fields->notes |= DUET_NOTE_FAULT_DATA;
    return 0;
}

static int read_expect(struct duet_http_fields *fields, struct duet_http_text value,
                       char *reason)
{
    (void)reason;
    if (duet_http_is_word(value, "100-continue"))
        fields->expects_continue = true;
    return 0;
}

static int read_content_type(struct duet_http_fields *fields, struct duet_http_text value,
                             char *reason)
{
    (void)reason;
    struct duet_http_text type = duet_http_cut(&value, ';');
    if (duet_http_is_word(type, "application/msgpack") ||
        duet_http_is_word(type, "application/x-msgpack") ||
        duet_http_is_word(type, "application/vnd.msgpack"))
        fields->notes |= DUET_NOTE_BODY_MSGPACK;
    return 0;
}

static int read_reply_type(struct duet_http_fields *fields, struct duet_http_text value,
                           char *reason)
{
    struct duet_http_text rest = value, type = duet_http_cut(&rest, ';');
    fields->is_xml =
        duet_http_is_word(type, "text/xml") || duet_http_is_word(type, "application/xml");
    return read_content_type(fields, value, reason);
}

/* A date would need a clock: who sends one gives no hint that is worth it. */
static int read_retry_after(struct duet_http_fields *fields, struct duet_http_text value,
                            char *reason)
{
    (void)reason;
    uint64_t seconds = 0;
    for (size_t i = 0; i < value.size; i++) {
        if (value.at[i] < '0' || value.at[i] > '9')
            return 0;
        if (seconds < UINT32_MAX)
            seconds = 10 * seconds + (value.at[i] - '0');
    }
    fields->retry_after_s = seconds < UINT32_MAX ? (uint32_t)seconds : UINT32_MAX;
    return 0;
}

/* False for "q=0", "q=0.0" and the like (RFC 9110 12.4.2). */
static bool is_wanted(struct duet_http_text parameters)
{
    while (parameters.size > 0) {
        struct duet_http_text parameter = duet_http_cut(&parameters, ';');
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
static int read_accept_encoding(struct duet_http_fields *fields, struct duet_http_text value,
                                char *reason)
{
    (void)reason;
    while (value.size > 0) {
        struct duet_http_text item = duet_http_cut(&value, ',');
        struct duet_http_text coding = duet_http_cut(&item, ';');
        if ((duet_http_is_word(coding, "gzip") || duet_http_is_word(coding, "x-gzip")) &&
            is_wanted(item))
            fields->notes |= DUET_NOTE_ACCEPT_GZIP;
    }
    return 0;
}

static int read_content_encoding(struct duet_http_fields *fields, struct duet_http_text value,
                                 char *reason)
{
    if (value.size == 0 || duet_http_is_word(value, "identity"))
        return 0;
    bool is_gzip = duet_http_is_word(value, "gzip") || duet_http_is_word(value, "x-gzip");
    if (!is_gzip || (fields->notes & DUET_NOTE_BODY_GZIP) != 0)
        return refuse(reason, 501, "Content-Encoding is not gzip, once", value);
    fields->notes |= DUET_NOTE_BODY_GZIP;
    return 0;
}

static int read_transfer_encoding(struct duet_http_fields *fields, struct duet_http_text value,
                                  char *reason)
{
    /* RFC 9112 6.1: HTTP/1.0 has none, so somebody on the way frames the body differently. */
    if ((fields->notes & DUET_NOTE_HTTP_10) != 0)
        return refuse(reason, 400, "Transfer-Encoding in HTTP/1.0", value);
    if (fields->is_chunked)
        return refuse(reason, 400, "a second Transfer-Encoding header", value);
    if (!duet_http_is_word(value, "chunked"))
        return refuse(reason, 501, "Transfer-Encoding is not chunked alone", value);
    fields->is_chunked = true;
    return 0;
}

struct known {
    const char *name;
    int (*read)(struct duet_http_fields *fields, struct duet_http_text value, char *reason);
};

/* Most lines are none of ours: the length of a name finds the few that it may be. */
enum { NAME_MAX_SIZE = 38, NAMES_OF_A_SIZE = 2 };

struct known_lines {
    struct known of_size[NAME_MAX_SIZE + 1][NAMES_OF_A_SIZE];
};

static const struct known_lines request_lines = {{
    [4] = {{"host", read_host}},
    [6] = {{"expect", read_expect}, {"origin", read_origin}},
    [12] = {{"content-type", read_content_type}},
    [14] = {{"sec-fetch-site", read_fetch_site}},
    [15] = {{"accept-encoding", read_accept_encoding}, {"duet-fault-data", read_fault_data}},
    [16] = {{"content-encoding", read_content_encoding}},
    [17] = {{"transfer-encoding", read_transfer_encoding}},
    [29] = {{"access-control-request-method", read_request_method}},
    [38] = {{"access-control-request-private-network", read_private_network}},
}};

static const struct known_lines reply_lines = {{
    [11] = {{"retry-after", read_retry_after}},
    [12] = {{"content-type", read_reply_type}},
    [16] = {{"content-encoding", read_content_encoding}},
    [17] = {{"transfer-encoding", read_transfer_encoding}},
}};

/* The row of a name in any case, or NULL. */
static inline const struct known *find_known(const struct known_lines *lines,
                                             struct duet_http_text name)
{
    if (name.size > NAME_MAX_SIZE)
        return NULL;
    const struct known *row = lines->of_size[name.size];
    for (int i = 0; i < NAMES_OF_A_SIZE && row->name != NULL; i++, row++)
        if (row->name[0] == (name.at[0] | 0x20) &&
            strncasecmp((const char *)name.at, row->name, name.size) == 0)
            return row;
    return NULL;
}

static inline int read_field(struct duet_http_fields *fields, const struct known_lines *lines,
                             struct duet_http_text line, char *reason)
{
    if (duet_http_is_blank(line.at[0]))
        return refuse(reason, 400, DUET_HTTP_FOLDED, line);

    const uint8_t *colon = memchr(line.at, ':', line.size);
    struct duet_http_text name = {line.at,
                                  colon != NULL ? (size_t)(colon - line.at) : line.size};
    if (duet_http_has_blank(name))
        return refuse(reason, 400, DUET_HTTP_SPACE_IN_NAME, line);
    if (name.size == 0 || colon == NULL)
        return refuse(reason, 400, "a header line without name and colon", line);

    const struct known *row = find_known(lines, name);
    if (row == NULL)
        return 0;
    struct duet_http_text value = {colon + 1, line.size - name.size - 1};
    return row->read(fields, duet_http_trimmed(value), reason);
}

/* "http://host:80/RPC2" means "/RPC2" here, and host:80 whatever Host says (RFC 9112
 * 3.2.2). */
static void set_target(struct duet_http_fields *fields, struct duet_http_text target)
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
static int read_request_line(struct duet_http_fields *fields, struct duet_http_text line,
                             char *reason)
{
    struct duet_http_text rest = line;
    const uint8_t *space = memchr(rest.at, ' ', rest.size);
    const uint8_t *second =
        space != NULL ? memchr(space + 1, ' ', (size_t)(line.at + line.size - space) - 1)
                      : NULL;
    if (second == NULL || second == space + 1 || memchr(line.at, '\n', line.size) != NULL)
        return refuse(reason, 400, "the request line is not method, target and version", line);

    struct duet_http_text version = {second + 1, (size_t)(line.at + line.size - second) - 1};
    if (version.size != 8 || memcmp(version.at, "HTTP/1.", 7) != 0)
        return refuse(reason, 400, "the request line does not end with an HTTP version", line);
    if (version.at[7] == '0')
        fields->notes |= DUET_NOTE_HTTP_10;
    set_target(fields, (struct duet_http_text){space + 1, (size_t)(second - space) - 1});
    return 0;
}

/* Cuts a line off, up to its CR LF. A CR alone ends no line. */
static int read_line(struct duet_http_text *rest, struct duet_http_text *line, char *reason)
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
static int read_lenient_line(struct duet_http_text *rest, struct duet_http_text *line,
                             char *reason)
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

static inline int next_line(struct duet_http_text *rest, struct duet_http_text *line,
                            bool lone_lf_ends_line, char *reason)
{
    return lone_lf_ends_line ? read_lenient_line(rest, line, reason)
                             : read_line(rest, line, reason);
}

/* "HTTP/1.1 200 OK": the words may be missing, and the space before them too, as some servers
 * have it (RFC 9112 4 wants the space). */
static int read_status_line(struct duet_http_fields *fields, struct duet_http_text line,
                            char *reason)
{
    enum { VERSION = 8, SHORTEST = 12 };
    const uint8_t *at = line.at;
    bool is_whole = line.size >= SHORTEST && memcmp(at, "HTTP/1.", VERSION - 1) == 0 &&
                    at[VERSION] == ' ' && (line.size == SHORTEST || at[SHORTEST] == ' ') &&
                    memchr(at, '\n', line.size) == NULL;
    int status = 0;
    for (size_t i = VERSION + 1; is_whole && i < SHORTEST; i++) {
        is_whole = at[i] >= '0' && at[i] <= '9';
        status = 10 * status + (at[i] - '0');
    }
    if (!is_whole || status < 100)
        return refuse(reason, 400, "the status line is not a version and a status", line);
    if (at[VERSION - 1] == '0')
        fields->notes |= DUET_NOTE_HTTP_10;
    fields->status = status;
    return 0;
}

/* The lines behind one that asks for what is not here: who asks is to be told that. No more of
 * them is read than can be relied on. */
__attribute__((noinline)) static void read_rest(struct duet_http_fields *fields,
                                                const struct known_lines *lines,
                                                struct duet_http_text rest,
                                                bool lone_lf_ends_line)
{
    char ignored[DUET_REASON_MAX];
    struct duet_http_text line = {rest.at, 1};
    int status = 0;
    while (status != 400 && line.size > 0) {
        status = next_line(&rest, &line, lone_lf_ends_line, ignored);
        if (status == 0 && line.size > 0)
            status = read_field(fields, lines, line, ignored);
    }
    if (status == 400)
        fields->host = fields->origin = NULL;
}

/* A head's first line, and what its other lines may be. One walk for both kinds of head, so
 * that the compiler makes one piece of it. */
struct form {
    int (*read_first_line)(struct duet_http_fields *fields, struct duet_http_text line,
                           char *reason);
    const struct known_lines *lines;
};

static const struct form request_form = {read_request_line, &request_lines};
static const struct form reply_form = {read_status_line, &reply_lines};

/* Made anew for each kind of head: this is a tenth of a small call over HTTP. */
__attribute__((always_inline)) static inline int read_head(struct duet_http_fields *fields,
                                                           const struct form *form,
                                                           struct duet_http_text rest,
                                                           bool lone_lf_ends_line, char *reason)
{
    struct duet_http_text line;
    while (rest.size > 0 && (rest.at[0] == '\r' || rest.at[0] == '\n')) {
        rest.at++;
        rest.size--;
    }

    int status = next_line(&rest, &line, lone_lf_ends_line, reason);
    if (status == 0)
        status = form->read_first_line(fields, line, reason);
    while (status == 0) {
        status = next_line(&rest, &line, lone_lf_ends_line, reason);
        if (status == 0 && line.size == 0)
            break;
        if (status == 0)
            status = read_field(fields, form->lines, line, reason);
    }
    if (status > 400)
        read_rest(fields, form->lines, rest, lone_lf_ends_line);
    return status;
}

int duet_http_fields_read(struct duet_http_fields *fields, const uint8_t *head, size_t size,
                          bool lone_lf_ends_line, char *reason)
{
    *fields = (struct duet_http_fields){.target = head};
    return read_head(fields, &request_form, (struct duet_http_text){head, size},
                     lone_lf_ends_line, reason);
}

int duet_http_reply_fields_read(struct duet_http_fields *fields, const uint8_t *head,
                                size_t size, bool lone_lf_ends_line, char *reason)
{
    *fields = (struct duet_http_fields){.target = head};
    return read_head(fields, &reply_form, (struct duet_http_text){head, size},
                     lone_lf_ends_line, reason);
}
