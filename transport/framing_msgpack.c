/*
 * Cuts a stream into whole MessagePack messages. The format has no length in front, so each
 * value's header is walked: without recursion, without memory of its own, and keeping its
 * place, so that each byte is looked at once however the stream is cut. What the walk lets pass
 * is safe to decode: every count and length fits the bytes, depth and number of values are
 * within the limits. It knows nothing of what the values mean but that a message is an array.
 */
#include "framing.h"

#include "bytes.h"
#include "msgpack_first.h"

#include <inttypes.h>
#include <stdio.h>

/* Where the walk is. Bytes before `at` are done with; a value whose bytes have not all arrived
 * stays ahead of `at`, and its header of at most 6 bytes is read again the next time. */
struct place {
    size_t at;
    /* Bytes up to --max-message that nothing has a claim on yet: not walked, and not the one
     * byte at least of each value that was announced and is still ahead. */
    uint64_t spare;
    uint64_t budget; /* values that may still be announced */
    uint32_t left;   /* values still ahead in the innermost open container */
    uint32_t depth;  /* open containers, with the message and its parameters */
};

struct walk {
    uint64_t max_message, max_values;
    uint32_t max_open; /* containers inside each other */
    struct place place;
    uint32_t outer[]; /* `left` of each container around the innermost one; max_open of them */
};

enum {
    ENVELOPE_DEPTH = 2, /* the message and its parameters, which --max-depth does not count */
    /* From this size on it pays to tell the caller how much is to come: a page. */
    WORTH_WAITING_FOR = 4096,
};

static size_t walk_size(const struct duet_limits *limits)
{
    return sizeof(struct walk) +
           ((size_t)limits->max_depth + ENVELOPE_DEPTH) * sizeof(uint32_t);
}

static void walk_start(void *state, const struct duet_limits *limits)
{
    struct walk *walk = state;
    walk->max_message = limits->max_message;
    /* Counts are kept in 32 bits. */
    walk->max_values = limits->max_values < UINT32_MAX ? limits->max_values : UINT32_MAX;
    walk->max_open = limits->max_depth + ENVELOPE_DEPTH;
    walk->place =
        (struct place){.spare = walk->max_message, .budget = walk->max_values, .left = 1};
    walk->place.spare -= walk->max_message > 0; /* the message itself */
    walk->place.budget -= walk->max_values > 0;
}

#define TIMES4(x) x, x, x, x
#define TIMES32(x)                                                                             \
    TIMES4(x), TIMES4(x), TIMES4(x), TIMES4(x), TIMES4(x), TIMES4(x), TIMES4(x), TIMES4(x)

/* The size of the values whose first byte tells it; 0 where more must be read: containers, and
 * strings, bytes and extensions with a length of their own. */
/* clang-format off */
static const uint8_t sizes[256] = {
    /* 00-7f: 0 to 127 */
    TIMES32(1), TIMES32(1), TIMES32(1), TIMES32(1),
    /* 80-9f: maps and arrays */
    TIMES32(0),
    /* a0-bf: strings of 0 to 31 bytes */
    1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16,
    17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32,
    /* c0-c3: nil, never used, false, true */
    1, 0, 1, 1,
    /* c4-c9: bin8 bin16 bin32 ext8 ext16 ext32 */
    0, 0, 0, 0, 0, 0,
    /* ca-cf: float32 float64 uint8 uint16 uint32 uint64 */
    5, 9, 2, 3, 5, 9,
    /* d0-d3: int8 int16 int32 int64 */
    2, 3, 5, 9,
    /* d4-d8: extensions of 1, 2, 4, 8 and 16 bytes */
    3, 4, 6, 10, 18,
    /* d9-df: str8 str16 str32 array16 array32 map16 map32 */
    0, 0, 0, 0, 0, 0, 0,
    /* e0-ff: -32 to -1 */
    TIMES32(1),
};
/* clang-format on */

/* The headers that hold a number: how many bytes it has, how many values each one counts (0: it
 * counts bytes), and what stands between the number and the bytes. */
struct form {
    uint8_t width, values, extra;
};

static const struct form forms[32] = {
    [0xc4 - 0xc0] = {1, 0, 0}, [0xc5 - 0xc0] = {2, 0, 0}, [0xc6 - 0xc0] = {4, 0, 0},
    [0xc7 - 0xc0] = {1, 0, 1}, [0xc8 - 0xc0] = {2, 0, 1}, [0xc9 - 0xc0] = {4, 0, 1},
    [0xd9 - 0xc0] = {1, 0, 0}, [0xda - 0xc0] = {2, 0, 0}, [0xdb - 0xc0] = {4, 0, 0},
    [0xdc - 0xc0] = {2, 1, 0}, [0xdd - 0xc0] = {4, 1, 0}, [0xde - 0xc0] = {2, 2, 0},
    [0xdf - 0xc0] = {4, 2, 0},
};

/* What a header says: its own bytes, those of the value as far as they are known to come, and
 * for a container the values in it. */
struct header {
    uint64_t own;
    uint64_t size;
    uint64_t items;
    bool container;
};

/* Reads the header of a value that `sizes` cannot tell, from the `n` bytes there are. A header
 * that is not whole yet reads as a value of the header's size: more than n. */
static struct header read_header(const uint8_t *bytes, size_t n)
{
    uint8_t first = *bytes;
    if (first < 0x90)
        return (struct header){1, 1, 2 * (first & 15u), true};
    if (first < 0xa0)
        return (struct header){1, 1, first & 15u, true};

    const struct form *form = &forms[first - 0xc0];
    uint64_t own = 1u + form->width + form->extra;
    if (n <= form->width)
        return (struct header){own, own, 0, false};
    uint32_t number = (uint32_t)duet_load(bytes + 1, form->width);
    if (form->values == 0)
        return (struct header){own, own + number, 0, false};
    return (struct header){own, own, (uint64_t)number * form->values, true};
}

static enum duet_frame whole(uint8_t *bytes, size_t size, uint64_t values,
                             struct duet_message *message)
{
    message->body = bytes;
    message->body_size = size;
    message->wire_size = size;
    message->values = values;
    message->content = DUET_CONTENT_MSGPACK;
    message->notes = 0;
    return DUET_FRAME_WHOLE;
}

static void walk_tell(const void *state, uint8_t *bytes, size_t n, struct duet_message *message)
{
    (void)state;
    message->body = bytes;
    message->body_size = n;
    message->content = DUET_CONTENT_MSGPACK;
    message->values = 0;
    message->notes = 0;
}

/* `size` is how much of the message was walked: the value that is bad comes after it. Of what
 * follows nothing may be told, for it may not have arrived. */
static enum duet_frame bad(uint8_t *bytes, size_t size, enum duet_bad why,
                           struct duet_message *message)
{
    walk_tell(NULL, bytes, size, message);
    message->bad = why;
    message->status = 0;
    return DUET_FRAME_BAD;
}

static enum duet_frame bad_byte(uint8_t *bytes, size_t at, struct duet_message *message)
{
    if (at == 0)
        snprintf(message->reason, sizeof message->reason,
                 "not a MessagePack-RPC message: first byte 0x%02x", bytes[0]);
    else
        snprintf(message->reason, sizeof message->reason,
                 "not MessagePack: byte 0x%02x at offset %zu", bytes[at], at);
    return bad(bytes, at, DUET_BAD_SYNTAX, message);
}

static enum duet_frame too_much(const struct place *place, uint8_t *bytes,
                                struct duet_message *message, const char *what, uint64_t size,
                                const char *unit, const char *flag, uint64_t limit)
{
    snprintf(message->reason, sizeof message->reason,
             "%s of at least %" PRIu64 " %s exceeds --%s %" PRIu64, what, size, unit, flag,
             limit);
    return bad(bytes, place->at, DUET_BAD_LIMIT, message);
}

/* How long the message is at least if its next value has `size` bytes. */
static uint64_t least(const struct walk *walk, struct place place, uint64_t size)
{
    return walk->max_message - place.spare + (size - 1);
}

/* A value of at least `size` bytes has no place in the message any more. Looked at for each
 * value before anything else, so that it does not matter how much more has arrived. */
static enum duet_frame too_long(const struct walk *walk, struct place place, uint64_t size,
                                uint8_t *bytes, struct duet_message *message)
{
    return too_much(&place, bytes, message, "message", least(walk, place, size), "bytes",
                    "max-message", walk->max_message);
}

/* The value at `place`, of `size` bytes at least, has not arrived whole. */
static enum duet_frame more(struct walk *walk, struct place place, uint64_t size, size_t n,
                            struct duet_message *message)
{
    walk->place = place;
    message->kept = n;
    message->need = size >= WORTH_WAITING_FOR ? (size_t)least(walk, place, size) : 0;
    message->interim = NULL;
    message->in_body = true;
    return DUET_FRAME_MORE;
}

/* Whether a container may be opened: its depth, what it announces, and the bytes that takes. */
static inline bool may_open(const struct walk *walk, const struct place *place,
                            const struct header *header)
{
    return place->depth < walk->max_open && header->items <= place->budget &&
           header->own - 1 + header->items <= place->spare;
}

static inline void open_container(struct walk *walk, struct place *place,
                                  const struct header *header)
{
    place->at += (size_t)header->own;
    place->spare -= header->own - 1 + header->items;
    place->budget -= header->items;
    walk->outer[place->depth++] = place->left;
    place->left = (uint32_t)header->items;
}

/* A container that may not be opened. */
static enum duet_frame refuse(const struct walk *walk, struct place place,
                              const struct header *header, uint8_t *bytes,
                              struct duet_message *message)
{
    uint32_t max_depth = walk->max_open - ENVELOPE_DEPTH;
    if (place.depth == walk->max_open)
        return too_much(&place, bytes, message, "nesting", (uint64_t)max_depth + 1, "levels",
                        "max-depth", max_depth);
    if (header->items > place.budget)
        return too_much(&place, bytes, message, "message",
                        walk->max_values - place.budget + header->items, "values", "max-values",
                        walk->max_values);
    return too_long(walk, place, header->own + header->items, bytes, message);
}

static enum duet_frame walk_next(void *state, uint8_t *bytes, size_t n,
                                 struct duet_message *message)
{
    struct walk *walk = state;
    struct place place = walk->place; /* a copy, to live in registers */
    if (place.at == 0 && !duet_msgpack_begins_array(*bytes))
        return bad_byte(bytes, 0, message);

    for (;;) {
        if (place.at >= n)
            return more(walk, place, 1, n, message);
        uint8_t first = bytes[place.at];
        /* Small integers first: with a size that does not hang on a load the walk runs
         * ahead. */
        uint64_t size = first < 0x80 ? 1 : sizes[first];
        if (size == 0) {
            if (first == DUET_MSGPACK_NEVER)
                return bad_byte(bytes, place.at, message);
            struct header header = read_header(bytes + place.at, n - place.at);
            if (header.own - 1 > place.spare)
                return too_long(walk, place, header.own, bytes, message);
            if (header.container && !may_open(walk, &place, &header))
                return refuse(walk, place, &header, bytes, message);
            if (header.items > 0) {
                open_container(walk, &place, &header);
                continue;
            }
            size = header.size;
        }
        if (size - 1 > place.spare)
            return too_long(walk, place, size, bytes, message);
        if (size > n - place.at)
            return more(walk, place, size, n, message);

        place.at += (size_t)size;
        place.spare -= size - 1;
        while (--place.left == 0) {
            if (place.depth == 0)
                return whole(bytes, place.at, walk->max_values - place.budget, message);
            place.left = walk->outer[--place.depth];
        }
    }
}

static enum duet_frame walk_ended(void *state, uint8_t *bytes, size_t n,
                                  struct duet_message *message)
{
    const struct walk *walk = state;
    snprintf(message->reason, sizeof message->reason,
             "the connection ended after %zu bytes of a message", n);
    return bad(bytes, walk->place.at, DUET_BAD_CUT, message);
}

/* A message is its own frame. */
static size_t no_wrap(char *room, const struct duet_head *head)
{
    (void)room;
    (void)head;
    return 0;
}

const struct duet_framing duet_framing_msgpack = {
    .name = "MessagePack",
    .notes = 0,
    .state_size = walk_size,
    .start = walk_start,
    .next = walk_next,
    .ended = walk_ended,
    .tell = walk_tell,
    .wrap = no_wrap,
};
