/*
 * Feeds bytes to a framing of HTTP as conn does: in pieces, keeping only what it is told to, in
 * memory of exactly that size and with its state moved between calls, so that a sanitizer sees
 * each byte read too far.
 */
#ifndef DUET_TESTS_HTTP_FEED_H
#define DUET_TESTS_HTTP_FEED_H

#include "framing.h"

enum { FEED_MAX_HEAD = 16384, FEED_MAX_MESSAGE = 16 * 1024 * 1024 };

/* Which framing it is: framing_http unless a test says otherwise. */
extern const struct duet_framing *feed_framing;

/* What the framing is given; a test may change it, and changes it back. */
extern struct duet_limits feed_limits;

/* Whether the stream ends after the bytes. */
extern bool feed_ends;

struct fed {
    enum duet_frame frame;
    struct duet_message message; /* its pointers point into `copy` */
    size_t wire_size;            /* of the stream, also what was not kept */
    size_t max_kept;
    unsigned interims;
    bool was_in_body;
    size_t need;              /* the last one told */
    struct duet_message told; /* of a message that is still under way */
    uint8_t *copy;
};

/* Feeds `step` bytes at a time (0: all at once) until the message is whole or bad, or the bytes
 * are used up. To be freed with fed_free. */
struct fed feed(const void *bytes, size_t size, size_t step);
struct fed feed_text(const char *text, size_t step);

/* Fails the test unless the bytes read alike whole, byte by byte and cut at random: the same
 * outcome, and the same words if they are refused. */
void same_however_cut(const void *bytes, size_t size);

/* Noise of its own, the same on every run; a seed of 0 stays 0. */
uint32_t random_number(uint32_t *seed);

void fed_free(struct fed *fed);

#endif
