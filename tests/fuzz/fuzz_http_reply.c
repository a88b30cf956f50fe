/*
 * Fuzz target: HTTP replies. The first byte says whether the stream ends after the bytes and
 * how they are cut; whole, byte by byte or cut at random they must read alike, and what is
 * found must lie in the bytes given.
 */
#include "framing.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

enum { MAX_HEAD = 300, MAX_MESSAGE = 2000 }; /* small enough to be met */

struct found {
    enum duet_frame frame;
    struct duet_message message;
    uint8_t *bytes;
    size_t wire_size;
};

static void require(bool holds)
{
    if (!holds)
        abort();
}

/* The kept bytes and the new ones in a block of exactly that size. */
static uint8_t *joined(uint8_t *kept, size_t kept_size, const uint8_t *bytes, size_t size)
{
    uint8_t *all = malloc(kept_size + size);
    require(all != NULL);
    if (kept_size > 0)
        memcpy(all, kept, kept_size);
    memcpy(all + kept_size, bytes, size);
    free(kept);
    return all;
}

static size_t next_step(uint32_t *seed, size_t left)
{
    if (*seed <= 1)
        return *seed == 1 ? 1 : left;
    *seed = *seed * 1103515245 + 12345;
    size_t step = 1 + (*seed >> 16) % 23;
    return step < left ? step : left;
}

/* A seed of 0 cuts nothing, 1 after each byte. */
static struct found read_reply(const struct duet_framing *framing, const uint8_t *bytes,
                               size_t size, bool ends, bool is_lenient, uint32_t seed)
{
    const struct duet_limits limits = {
        .max_head = MAX_HEAD, .max_message = MAX_MESSAGE, .lone_lf_ends_line = is_lenient};
    struct found found = {.frame = DUET_FRAME_MORE};
    void *state = malloc(framing->state_size(&limits));
    require(state != NULL);
    framing->start(state, &limits);

    size_t kept = 0;
    for (size_t at = 0; found.frame == DUET_FRAME_MORE && at < size;) {
        size_t step = next_step(&seed, size - at);
        found.bytes = joined(found.bytes, kept, bytes + at, step);
        found.frame = framing->next(state, found.bytes, kept + step, &found.message);
        at += step;
        if (found.frame == DUET_FRAME_MORE) {
            require(found.message.kept <= kept + step && found.message.interim == NULL);
            found.wire_size += kept + step - found.message.kept;
            kept = found.message.kept;
        }
    }
    if (found.frame == DUET_FRAME_MORE && ends && kept > 0) {
        found.frame = framing->ended(state, found.bytes, kept, &found.message);
        require(found.frame != DUET_FRAME_MORE);
    }
    free(state);
    return found;
}

static void check_whole(const struct found *found)
{
    const struct duet_message *message = &found->message;
    require(message->body >= found->bytes && message->body_size <= MAX_MESSAGE);
    require((size_t)(message->body - found->bytes) + message->body_size <= message->wire_size);
    require(message->status >= 200 && message->status <= 999);
}

static void check_same(const struct found *one, const struct found *other)
{
    const struct duet_message *a = &one->message, *b = &other->message;
    require(one->frame == other->frame);
    if (one->frame == DUET_FRAME_WHOLE) {
        require(a->content == b->content && a->notes == b->notes && a->status == b->status &&
                a->retry_after_s == b->retry_after_s && a->body_size == b->body_size &&
                one->wire_size + a->wire_size == other->wire_size + b->wire_size);
        require(a->body_size == 0 || memcmp(a->body, b->body, a->body_size) == 0);
    }
    if (one->frame == DUET_FRAME_BAD)
        require(a->bad == b->bad && strcmp(a->reason, b->reason) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size < 2)
        return 0;
    bool ends = bytes[0] & 1, is_lenient = bytes[0] & 2;
    const struct duet_framing *framing =
        bytes[0] & 4 ? &duet_framing_http_reply_to_head : &duet_framing_http_reply;
    struct found whole = read_reply(framing, bytes + 1, size - 1, ends, is_lenient, 0);
    if (whole.frame == DUET_FRAME_WHOLE)
        check_whole(&whole);
    const uint32_t seeds[] = {1, 2u + (bytes[0] >> 3), 1000};
    for (size_t i = 0; i < sizeof seeds / sizeof *seeds; i++) {
        struct found cut = read_reply(framing, bytes + 1, size - 1, ends, is_lenient, seeds[i]);
        check_same(&whole, &cut);
        free(cut.bytes);
    }
    free(whole.bytes);
    return 0;
}
