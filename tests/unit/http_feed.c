/*
 * See http_feed.h.
 */
#include "http_feed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

const struct duet_framing *feed_framing = &duet_framing_http;
bool feed_ends = false;
struct duet_limits feed_limits = {
    .max_message = FEED_MAX_MESSAGE,
    .max_head = FEED_MAX_HEAD,
};

static void *moved(void *old, size_t size)
{
    void *new = malloc(size);
    assert_non_null(new);
    memcpy(new, old, size);
    free(old);
    return new;
}

/* The kept bytes and the new ones, in a block of their own. */
static uint8_t *joined(uint8_t *kept, size_t kept_size, const uint8_t *bytes, size_t size)
{
    uint8_t *all = malloc(kept_size + size);
    assert_non_null(all);
    if (kept_size > 0)
        memcpy(all, kept, kept_size);
    memcpy(all + kept_size, bytes, size);
    free(kept);
    return all;
}

static void note_more(struct fed *fed, size_t given)
{
    const struct duet_message *message = &fed->message;
    assert_true(message->kept <= given);
    fed->wire_size += given - message->kept;
    fed->max_kept = message->kept > fed->max_kept ? message->kept : fed->max_kept;
    fed->interims += message->interim != NULL;
    if (message->interim != NULL)
        assert_string_equal(message->interim, "HTTP/1.1 100 Continue\r\n\r\n");
    fed->was_in_body = message->in_body;
    fed->need = message->need;
}

uint32_t random_number(uint32_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed;
}

/* How many of `left` bytes come next: `step`, all, or with a seed some number of its own. */
static size_t next_size(size_t left, size_t step, uint32_t *seed)
{
    if (*seed != 0)
        step = 1 + random_number(seed) % (random_number(seed) % 2 ? 4 : left);
    return step > 0 && step < left ? step : left;
}

static struct fed feed_cut(const void *bytes, size_t size, size_t step, uint32_t seed)
{
    struct fed fed = {.frame = DUET_FRAME_MORE, .message.values = 77}; /* of an earlier one */
    const uint8_t *next = bytes, *end = next + size;
    size_t state_size = feed_framing->state_size(&feed_limits), kept = 0;
    void *state = malloc(state_size);
    assert_non_null(state);
    feed_framing->start(state, &feed_limits);

    while (fed.frame == DUET_FRAME_MORE && next < end) {
        size_t n = next_size((size_t)(end - next), step, &seed);
        fed.copy = joined(fed.copy, kept, next, n);
        state = moved(state, state_size);
        next += n;
        fed.frame = feed_framing->next(state, fed.copy, kept + n, &fed.message);
        if (fed.frame == DUET_FRAME_MORE) {
            note_more(&fed, kept + n);
            kept = fed.message.kept;
            feed_framing->tell(state, fed.copy, kept, &fed.told);
        }
    }
    if (fed.frame == DUET_FRAME_MORE && feed_ends && kept > 0)
        fed.frame = feed_framing->ended(state, fed.copy, kept, &fed.message);
    if (fed.frame != DUET_FRAME_MORE)
        assert_int_equal(fed.message.values, 0);
    if (fed.frame == DUET_FRAME_WHOLE)
        fed.wire_size += fed.message.wire_size;
    free(state);
    return fed;
}

struct fed feed(const void *bytes, size_t size, size_t step)
{
    return feed_cut(bytes, size, step, 0);
}

struct fed feed_text(const char *text, size_t step)
{
    return feed(text, strlen(text), step);
}

static void check_same(const struct fed *one, const struct fed *other, const void *bytes,
                       size_t size)
{
    const struct duet_message *a = &one->message, *b = &other->message;
    bool is_same = one->frame == other->frame;
    if (is_same && one->frame == DUET_FRAME_WHOLE)
        is_same = a->content == b->content && a->notes == b->notes && a->status == b->status &&
                  one->wire_size == other->wire_size && a->body_size == b->body_size &&
                  memcmp(a->body, b->body, a->body_size) == 0;
    if (is_same && one->frame == DUET_FRAME_BAD)
        is_same = a->bad == b->bad && a->status == b->status && a->notes == b->notes &&
                  a->body_size == b->body_size && strcmp(a->reason, b->reason) == 0 &&
                  a->content == b->content && memcmp(a->body, b->body, a->body_size) == 0;
    if (!is_same)
        fail_msg("frames %d and %d, %s and %s: %.*s", one->frame, other->frame,
                 one->frame < 0 ? a->reason : "", other->frame < 0 ? b->reason : "", (int)size,
                 (const char *)bytes);
}

void same_however_cut(const void *bytes, size_t size)
{
    struct fed whole = feed(bytes, size, 0);
    struct fed bytewise = feed(bytes, size, 1);
    check_same(&whole, &bytewise, bytes, size);
    fed_free(&bytewise);
    for (uint32_t seed = 1; seed <= 20; seed++) {
        struct fed random = feed_cut(bytes, size, 0, seed * 2654435761U);
        check_same(&whole, &random, bytes, size);
        fed_free(&random);
    }
    fed_free(&whole);
}

void fed_free(struct fed *fed)
{
    free(fed->copy);
    fed->copy = NULL;
}
