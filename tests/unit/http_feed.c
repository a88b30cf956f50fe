/*
 * See http_feed.h.
 */
#include "http_feed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct duet_limits limits = {
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

struct fed feed(const void *bytes, size_t size, size_t step)
{
    struct fed fed = {.frame = DUET_FRAME_MORE};
    const uint8_t *next = bytes, *end = next + size;
    size_t state_size = duet_framing_http.state_size(&limits), kept = 0;
    void *state = malloc(state_size);
    assert_non_null(state);
    duet_framing_http.start(state, &limits);

    while (fed.frame == DUET_FRAME_MORE && next < end) {
        size_t n = step > 0 && step < (size_t)(end - next) ? step : (size_t)(end - next);
        fed.copy = joined(fed.copy, kept, next, n);
        state = moved(state, state_size);
        next += n;
        fed.frame = duet_framing_http.next(state, fed.copy, kept + n, &fed.message);
        if (fed.frame == DUET_FRAME_MORE) {
            note_more(&fed, kept + n);
            kept = fed.message.kept;
        }
    }
    if (fed.frame == DUET_FRAME_WHOLE)
        fed.wire_size += fed.message.wire_size;
    free(state);
    return fed;
}

struct fed feed_text(const char *text, size_t step)
{
    return feed(text, strlen(text), step);
}

void fed_free(struct fed *fed)
{
    free(fed->copy);
    fed->copy = NULL;
}
