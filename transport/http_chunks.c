/*
 * The chunked transfer coding, undone in place. See http_chunks.h. On a loop's thread.
 *
 *   SIZE -> [SIZE_BLANK] -> [EXTENSION] -> SIZE_LF -> DATA -> DATA_CR -> DATA_LF -> SIZE …
 *                                             \ size 0
 *   TRAILER -> TRAILER_NAME -> TRAILER_VALUE -> TRAILER_LF -> TRAILER …
 *      \ CR
 *     END_LF -> whole
 */
#include "http_chunks.h"

#include <string.h>

enum { DIGITS_MAX = 16 }; /* hexadecimal digits that fit `left`; more is nobody's chunk */

void duet_http_chunks_start(struct duet_http_chunks *chunks, size_t max_body, size_t max_extra,
                            bool lone_lf_ends_line)
{
    *chunks = (struct duet_http_chunks){
        .place = DUET_CHUNK_SIZE,
        .max_body = max_body,
        .max_extra = max_extra,
        .lone_lf_ends_line = lone_lf_ends_line,
    };
}

/* The value of a hexadecimal digit, or -1. */
static int digit(uint8_t byte)
{
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    uint8_t lower = byte | 0x20;
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* A byte that may stand in an extension or in a trailer's value (RFC 9110 5.5). */
static bool is_text(uint8_t byte)
{
    return (byte >= 0x20 && byte != 0x7f) || byte == '\t';
}

/* A byte of a field's name (RFC 9110 5.6.2). */
static bool is_token(uint8_t byte)
{
    return byte > 0x20 && byte < 0x7f && strchr("\"(),/:;<=>?@[\\]{}", byte) == NULL;
}

/* Counts a byte that is neither body nor needed to frame it. */
static enum duet_http_chunks_result count_extra(struct duet_http_chunks *chunks)
{
    chunks->extra_size++;
    return chunks->extra_size > chunks->max_extra ? DUET_CHUNKS_EXTRA_TOO_LARGE
                                                  : DUET_CHUNKS_MORE;
}

/* The size is read, `byte` follows it. "73 5" is no size: another reader may take 7, or 735. */
static enum duet_http_chunks_result end_size(struct duet_http_chunks *chunks, uint8_t byte)
{
    if (byte == '\r')
        chunks->place = DUET_CHUNK_SIZE_LF;
    else if (byte == ';')
        chunks->place = DUET_CHUNK_EXTENSION;
    else if (byte == ' ' || byte == '\t')
        chunks->place = DUET_CHUNK_SIZE_BLANK;
    else
        return DUET_CHUNKS_BAD_SYNTAX;
    return chunks->place == DUET_CHUNK_SIZE_BLANK ? count_extra(chunks) : DUET_CHUNKS_MORE;
}

static enum duet_http_chunks_result walk_size(struct duet_http_chunks *chunks, uint8_t byte)
{
    int value = digit(byte);
    if (value >= 0 && chunks->digits < DIGITS_MAX) {
        chunks->digits++;
        chunks->left = chunks->left << 4 | (unsigned)value;
        return DUET_CHUNKS_MORE;
    }
    if (value >= 0 || chunks->digits == 0)
        return DUET_CHUNKS_BAD_SYNTAX;
    if (chunks->left > chunks->max_body - chunks->body_size)
        return DUET_CHUNKS_BODY_TOO_LARGE;
    return end_size(chunks, byte);
}

/* `byte` is text or the CR that ends it. */
static enum duet_http_chunks_result walk_text(struct duet_http_chunks *chunks, uint8_t byte,
                                              enum duet_http_chunks_place after)
{
    if (byte == '\r')
        chunks->place = after;
    else if (!is_text(byte))
        return DUET_CHUNKS_BAD_SYNTAX;
    return count_extra(chunks);
}

static enum duet_http_chunks_result walk_trailer(struct duet_http_chunks *chunks, uint8_t byte)
{
    if (chunks->place == DUET_CHUNK_TRAILER && byte == '\r')
        chunks->place = DUET_CHUNK_END_LF;
    else if (chunks->place == DUET_CHUNK_TRAILER_NAME && byte == ':')
        chunks->place = DUET_CHUNK_TRAILER_VALUE;
    else if (is_token(byte))
        chunks->place = DUET_CHUNK_TRAILER_NAME;
    else
        return DUET_CHUNKS_BAD_SYNTAX;
    return count_extra(chunks);
}

static enum duet_http_chunks_result expect(struct duet_http_chunks *chunks, uint8_t byte,
                                           uint8_t wanted, enum duet_http_chunks_place next)
{
    if (byte != wanted)
        return DUET_CHUNKS_BAD_SYNTAX;
    chunks->place = next;
    chunks->digits = 0;
    return DUET_CHUNKS_MORE;
}

/* One byte that is not of the body. */
static enum duet_http_chunks_result walk_byte(struct duet_http_chunks *chunks, uint8_t byte)
{
    switch (chunks->place) {
    case DUET_CHUNK_SIZE:
        return walk_size(chunks, byte);
    case DUET_CHUNK_SIZE_BLANK:
        return end_size(chunks, byte);
    case DUET_CHUNK_EXTENSION:
        return walk_text(chunks, byte, DUET_CHUNK_SIZE_LF);
    case DUET_CHUNK_SIZE_LF:
        return expect(chunks, byte, '\n',
                      chunks->left > 0 ? DUET_CHUNK_DATA : DUET_CHUNK_TRAILER);
    case DUET_CHUNK_DATA:
    case DUET_CHUNK_DATA_CR:
        return expect(chunks, byte, '\r', DUET_CHUNK_DATA_LF);
    case DUET_CHUNK_DATA_LF:
        return expect(chunks, byte, '\n', DUET_CHUNK_SIZE);
    case DUET_CHUNK_TRAILER:
    case DUET_CHUNK_TRAILER_NAME:
        return walk_trailer(chunks, byte);
    case DUET_CHUNK_TRAILER_VALUE:
        return walk_text(chunks, byte, DUET_CHUNK_TRAILER_LF);
    case DUET_CHUNK_TRAILER_LF:
        return expect(chunks, byte, '\n', DUET_CHUNK_TRAILER);
    case DUET_CHUNK_END_LF:
        break;
    }
    return byte == '\n' ? DUET_CHUNKS_WHOLE : DUET_CHUNKS_BAD_SYNTAX;
}

static bool is_after_cr(const struct duet_http_chunks *chunks)
{
    return chunks->place == DUET_CHUNK_SIZE_LF || chunks->place == DUET_CHUNK_DATA_LF ||
           chunks->place == DUET_CHUNK_TRAILER_LF || chunks->place == DUET_CHUNK_END_LF;
}

/* An LF alone is read as CR LF, where it may be. */
static enum duet_http_chunks_result walk_lone_lf(struct duet_http_chunks *chunks)
{
    enum duet_http_chunks_result result = walk_byte(chunks, '\r');
    return result == DUET_CHUNKS_MORE ? walk_byte(chunks, '\n') : result;
}

/* Moves what there is of the chunk's data. Returns how many bytes that was. */
static size_t move_data(struct duet_http_chunks *chunks, const uint8_t *bytes, size_t n,
                        uint8_t *body)
{
    size_t size = n < chunks->left ? n : (size_t)chunks->left;
    memmove(body + chunks->body_size, bytes, size);
    chunks->body_size += size;
    chunks->left -= size;
    if (chunks->left == 0)
        chunks->place = DUET_CHUNK_DATA_CR;
    return size;
}

enum duet_http_chunks_result duet_http_chunks_walk(struct duet_http_chunks *chunks,
                                                   uint8_t *bytes, size_t n, uint8_t *body,
                                                   size_t *used)
{
    enum duet_http_chunks_result result = DUET_CHUNKS_MORE;
    size_t at = 0;
    while (at < n && result == DUET_CHUNKS_MORE) {
        if (chunks->place == DUET_CHUNK_DATA) {
            at += move_data(chunks, bytes + at, n - at, body);
            continue;
        }
        if (bytes[at] == '\n' && chunks->lone_lf_ends_line && !is_after_cr(chunks))
            result = walk_lone_lf(chunks);
        else
            result = walk_byte(chunks, bytes[at]);
        if (result >= 0)
            at++;
    }
    *used = at;
    return result;
}

const char *duet_http_chunks_error(const struct duet_http_chunks *chunks)
{
    switch (chunks->place) {
    case DUET_CHUNK_SIZE:
    case DUET_CHUNK_SIZE_BLANK:
        return "a chunk size is not a hexadecimal number of 1 to 16 digits";
    case DUET_CHUNK_EXTENSION:
        return "a chunk extension holds a control character";
    case DUET_CHUNK_DATA:
    case DUET_CHUNK_DATA_CR:
    case DUET_CHUNK_DATA_LF:
        return "a chunk is not followed by CR LF";
    case DUET_CHUNK_TRAILER:
    case DUET_CHUNK_TRAILER_NAME:
        return "a trailer line after the last chunk is not a name and a colon";
    case DUET_CHUNK_TRAILER_VALUE:
        return "a trailer line after the last chunk holds a control character";
    case DUET_CHUNK_SIZE_LF:
    case DUET_CHUNK_TRAILER_LF:
    case DUET_CHUNK_END_LF:
        break;
    }
    return "a line of the chunked body ends with a bare CR";
}
