/*
 * Undoing the chunked transfer coding (RFC 9112 7.1) in place, strictly: a line ends with CR LF
 * and nothing else does, unless LF alone is allowed too. Bytes in, bytes out; knows no
 * connection and no limits but those it is given. llhttp 8 is not used for this: it takes any
 * byte for the LF after a chunk, and refuses legal extensions. framing_http calls it.
 */
#ifndef DUET_HTTP_CHUNKS_H
#define DUET_HTTP_CHUNKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where the walk is: what the next byte must be or may be. */
enum duet_http_chunks_place {
    DUET_CHUNK_SIZE,
    DUET_CHUNK_SIZE_BLANK, /* after the digits: padding, which some senders write */
    DUET_CHUNK_EXTENSION,
    DUET_CHUNK_SIZE_LF,
    DUET_CHUNK_DATA,
    DUET_CHUNK_DATA_CR,
    DUET_CHUNK_DATA_LF,
    DUET_CHUNK_TRAILER,
    DUET_CHUNK_TRAILER_NAME,
    DUET_CHUNK_TRAILER_VALUE,
    DUET_CHUNK_TRAILER_LF,
    DUET_CHUNK_END_LF,
};

/* Plain bytes: may be copied between calls. */
struct duet_http_chunks {
    enum duet_http_chunks_place place;
    unsigned digits;   /* of the size that is being read */
    uint64_t left;     /* of the chunk; while its size is read, the size so far */
    size_t body_size;  /* bytes moved so far */
    size_t extra_size; /* bytes of extensions and trailers so far */
    size_t max_body, max_extra;
    bool lone_lf_ends_line;
};

enum duet_http_chunks_result {
    DUET_CHUNKS_BAD_SYNTAX = -3,
    DUET_CHUNKS_BODY_TOO_LARGE = -2,  /* body_size + left is the size known so far */
    DUET_CHUNKS_EXTRA_TOO_LARGE = -1, /* extra_size is over max_extra */
    DUET_CHUNKS_MORE = 0,
    DUET_CHUNKS_WHOLE = 1,
};

void duet_http_chunks_start(struct duet_http_chunks *chunks, size_t max_body, size_t max_extra,
                            bool lone_lf_ends_line);

/* Walks the `n` bytes and moves those of the body to `body` + chunks->body_size; `body` is
 * where the first one of the whole body lies or will lie, at or before `bytes` in the same
 * buffer. `used` is set to how many bytes were walked: all of them, fewer after the end of the
 * message, or up to the one that is wrong. */
enum duet_http_chunks_result duet_http_chunks_walk(struct duet_http_chunks *chunks,
                                                   uint8_t *bytes, size_t n, uint8_t *body,
                                                   size_t *used);

/* What is wrong after DUET_CHUNKS_BAD_SYNTAX, in words. */
const char *duet_http_chunks_error(const struct duet_http_chunks *chunks);

#endif
