/*
 * A growable byte buffer with a hard ceiling. Knows nothing of what the bytes mean. One owner,
 * one thread.
 */
#ifndef DUET_BUF_H
#define DUET_BUF_H

#include "block.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct duet_buf {
    uint8_t *data;
    size_t size;                  /* bytes in use */
    size_t capacity;              /* bytes allocated */
    size_t max;                   /* bytes it may ever hold */
    struct duet_account *account; /* that it is taken from; NULL: none */
};

/* An empty buffer that owns no memory yet, and is on no account. */
void duet_buf_init(struct duet_buf *buf, size_t max);

/* Frees the bytes; the buffer is as after init. */
void duet_buf_done(struct duet_buf *buf);

/* Makes room for `more` bytes after those in use. 0, -ENOMEM, -EMSGSIZE when it would pass
 * `max`, or -ENOBUFS when its account's budget has no room. */
int duet_buf_reserve_slow(struct duet_buf *buf, size_t more);

static inline int duet_buf_reserve(struct duet_buf *buf, size_t more)
{
    if (more <= buf->capacity - buf->size)
        return 0;
    return duet_buf_reserve_slow(buf, more);
}

/* Appends a copy of the bytes; errors as duet_buf_reserve, and then nothing was appended. */
static inline int duet_buf_append(struct duet_buf *buf, const void *bytes, size_t size)
{
    int rc = duet_buf_reserve(buf, size);
    if (rc < 0)
        return rc;
    if (size > 0)
        memcpy(buf->data + buf->size, bytes, size);
    buf->size += size;
    return 0;
}

/* Moves the bytes and their ownership to `to`, which must own none; `from` is as after init.
 * The account goes along; or another one pays for them from here on, or nobody (NULL). */
void duet_buf_take(struct duet_buf *to, struct duet_buf *from);
void duet_buf_hand(struct duet_buf *to, struct duet_buf *from, struct duet_account *account);

/* Empties it; keeps the memory if that is at most `keep` bytes. */
static inline void duet_buf_reset(struct duet_buf *buf, size_t keep)
{
    if (buf->capacity > keep)
        duet_buf_done(buf);
    buf->size = 0;
}

#endif
