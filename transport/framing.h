/*
 * How a stream of bytes is cut into messages, and what goes around a message that is sent. A
 * framing knows a format: bytes in, struct out; it does no I/O, reads no clock and keeps
 * everything it must remember in a state that its caller stores. The caller is conn, on the
 * loop's thread.
 *
 * A connection reads one kind of message and sends the other, so HTTP has a framing for each
 * side of it: framing_http cuts requests and wraps replies, framing_http_reply cuts replies and
 * wraps requests. MessagePack's messages are framed alike whichever way they go, and nothing is
 * wrapped around them: framing_msgpack serves both sides, and connections that carry both.
 */
#ifndef DUET_FRAMING_H
#define DUET_FRAMING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What bounds one message, whatever its format, and what is taken that need not be. Set before
 * the first connection, read-only after. */
struct duet_limits {
    size_t max_message; /* bytes of a body, as sent and after decompression (--max-message) */
    size_t max_head;    /* bytes of an HTTP request line and headers (--max-head) */
    size_t max_values;  /* values in one message (--max-values) */
    unsigned max_depth; /* containers inside each other in one argument (--max-depth) */
    bool lone_lf_ends_line; /* in HTTP, beside CR LF (--http-line-ends lenient) */
};

/* What a message's body holds, as far as the framing can tell. */
enum duet_content {
    DUET_CONTENT_MSGPACK, /* one MessagePack-RPC message */
    DUET_CONTENT_XML,     /* an XML-RPC document */
    DUET_CONTENT_NONE,    /* an HTTP request without a body for us: GET or HEAD of `target`; or
                             an HTTP reply that is no RPC reply: its body, if any, is text */
};

/* Notes that a framing takes of a message: of a request, to wrap its reply; of a reply, those
 * of the first group. 0 for MessagePack on a plain stream. */
enum duet_notes {
    DUET_NOTE_HTTP = 1 << 0,
    DUET_NOTE_HTTP_10 = 1 << 1,      /* the peer speaks HTTP/1.0 */
    DUET_NOTE_KEEP_ALIVE = 1 << 2,   /* the connection may serve another request */
    DUET_NOTE_BODY_GZIP = 1 << 3,    /* the body is compressed */
    DUET_NOTE_BODY_MSGPACK = 1 << 4, /* Content-Type: application/msgpack: answer in kind */

    DUET_NOTE_HEAD = 1 << 5,        /* HEAD: the reply's body stays home */
    DUET_NOTE_ACCEPT_GZIP = 1 << 6, /* the reply may be compressed */

    /* With DUET_CONTENT_NONE, what to answer if it is not GET or HEAD. The body was read and
     * dropped, so the connection may go on. */
    DUET_NOTE_OPTIONS = 1 << 7,    /* OPTIONS: say what is allowed */
    DUET_NOTE_NOT_FOUND = 1 << 8,  /* POST to a path that takes none: 404 */
    DUET_NOTE_BAD_METHOD = 1 << 9, /* a method that is not for us: 405 with Allow */

    /* What browsers add of the page that asks; see also origin and host of the message. */
    DUET_NOTE_CROSS_SITE = 1 << 10,      /* Sec-Fetch-Site: cross-site */
    DUET_NOTE_PREFLIGHT = 1 << 11,       /* Access-Control-Request-Method */
    DUET_NOTE_PRIVATE_NETWORK = 1 << 12, /* Access-Control-Request-Private-Network: true */

    /* Set by whoever decides that: the page that asks may read the reply. */
    DUET_NOTE_ORIGIN_ALLOWED = 1 << 13,

    DUET_NOTE_FAULT_DATA = 1 << 14, /* Duet-Fault-Data: 1: a fault may have a third member */
};

/* Why a message is bad; the reason has the words. */
enum duet_bad {
    DUET_BAD_SYNTAX, /* not the format that it claims to be */
    DUET_BAD_LIMIT,  /* over one of the limits; the reason names flag, limit and size */
    DUET_BAD_BUSY,   /* no room for it now, perhaps later; status 503 */
    DUET_BAD_HTTP, /* good HTTP that asks for what is not here: status 404, 405, 501, 505, … */
    DUET_BAD_CUT,  /* the stream ended before the message did */
};

enum { DUET_REASON_MAX = 256 };

/* What `next` found. Which members are set depends on what it returns. Of a bad message all
 * that tells of a whole one is set as far as it is known, wire_size apart: NULL, 0 and
 * DUET_CONTENT_NONE for what is not, as where the head could not be read. */
struct duet_message {
    /* DUET_FRAME_WHOLE: the body, inside the bytes given and valid as long as they are; it may
     * be altered. Of a bad one what there is of it. */
    uint8_t *body;
    size_t body_size;
    size_t wire_size; /* bytes of the stream that the message took, head and all */
    uint64_t values;  /* in the body, itself one of them; 0 of a framing that walks none */
    enum duet_content content;
    uint32_t notes;     /* enum duet_notes */
    const char *target; /* of an HTTP request: the path that was asked for, in the bytes
                           given */
    size_t target_size;
    uint32_t retry_after_s; /* of an HTTP reply: Retry-After; 0: none */

    /* Of an HTTP request: what the lines Host and Origin say, in the bytes given; NULL where
     * they are missing. An absolute target stands in for Host. */
    const char *host, *origin;
    size_t host_size, origin_size;

    /* DUET_FRAME_MORE */
    size_t kept; /* of the bytes given only the first `kept` are needed again (<= n) */
    size_t need; /* how many kept bytes will make the message whole, if known already; else 0 */
    const char *interim; /* bytes to send at once ("100 Continue"), or NULL */
    bool in_body;        /* the head is complete: the body's time limit runs */

    /* DUET_FRAME_BAD: the stream cannot be read on. Bad is bad however the bytes were cut: all
     * that is told of it, body and body_size too, comes from what stands before the byte that
     * decided it, and from that byte. */
    enum duet_bad bad;
    int status; /* the HTTP status to answer with; 0 where the framing has none. Of a whole
                   HTTP reply: its own */
    char reason[DUET_REASON_MAX];
};

enum duet_frame { DUET_FRAME_BAD = -1, DUET_FRAME_MORE = 0, DUET_FRAME_WHOLE = 1 };

/* What goes around the body of a message that is sent. */
struct duet_head {
    int status; /* of a reply */
    const char *content_type;
    size_t body_size;
    uint32_t notes;    /* of the request that a reply answers; of a request: ACCEPT_GZIP */
    bool close;        /* the connection ends after this exchange, whatever the notes say */
    bool gzip;         /* the body is compressed */
    const char *extra; /* further header lines, each with its CRLF ("Allow: POST\r\n"), or "" */

    /* Of a request. Whoever takes these, and `extra`, from somebody else has looked that there
     * is no space or control character in them that would begin something of its own. */
    const char *target; /* "/RPC2" */
    const char *host;   /* "localhost:8080" */
};

enum {
    DUET_HEAD_EXTRA_MAX = 768,          /* the longest `extra` of a reply */
    DUET_HEAD_REQUEST_EXTRA_MAX = 2048, /* and of a request: tokens of 1,500 bytes are usual */
    DUET_HEAD_TARGET_MAX = 1024,        /* a path with its query */
    DUET_HEAD_HOST_MAX = 256 + 6,       /* a name and a port */
    DUET_HEAD_TYPE_MAX = 128,           /* the longest content type */

    /* The longest head that `wrap` writes: these of a request, and the words around them. */
    DUET_HEAD_ROOM = DUET_HEAD_REQUEST_EXTRA_MAX + DUET_HEAD_TARGET_MAX + DUET_HEAD_HOST_MAX +
                     DUET_HEAD_TYPE_MAX + 256,
};

struct duet_framing {
    const char *name;
    uint32_t notes; /* enum duet_notes of every message of this framing */

    /* The size of the state for these limits. The state is plain bytes: it may be moved with
     * memcpy between calls. */
    size_t (*state_size)(const struct duet_limits *limits);

    /* Begins a new message. */
    void (*start)(void *state, const struct duet_limits *limits);

    /* Looks at `bytes`, all that has arrived from the beginning of the message: first those
     * that it told its caller to keep, unchanged (perhaps moved in memory), then new ones.
     * There are at least as many as the last time, and at least 1. Bytes seen before are not
     * walked again. It may alter them (to undo chunking in place). Returns DUET_FRAME_WHOLE,
     * _MORE or _BAD; after whole and bad, `start` comes before the next `next`. */
    enum duet_frame (*next)(void *state, uint8_t *bytes, size_t n,
                            struct duet_message *message);

    /* No more bytes will come after these `n`, which `next` has seen and wanted more: at least
     * 1, as it left them. Returns DUET_FRAME_WHOLE if the message ends with the stream, else
     * DUET_FRAME_BAD (DUET_BAD_CUT). */
    enum duet_frame (*ended)(void *state, uint8_t *bytes, size_t n,
                             struct duet_message *message);

    /* What is known by now of the message under way, of which these are the bytes as `next`
     * left them: as of a bad one, but for why. For who gives it up. */
    void (*tell)(const void *state, uint8_t *bytes, size_t n, struct duet_message *message);

    /* Writes what goes before the body of the answer to what this framing cuts, or of the
     * request for it; `room` has DUET_HEAD_ROOM bytes. Returns its length, maybe 0. */
    size_t (*wrap)(char *room, const struct duet_head *head);
};

extern const struct duet_framing duet_framing_http;
extern const struct duet_framing duet_framing_msgpack;

/* Replies to POST; what it wraps is a POST. */
extern const struct duet_framing duet_framing_http_reply;

/* Replies to HEAD, which have no body whatever their heads say; what it wraps is a HEAD. */
extern const struct duet_framing duet_framing_http_reply_to_head;

#endif
