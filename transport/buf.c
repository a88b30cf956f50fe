/*
 * The byte buffer's slow paths: growing, moving, letting go.
 */
#include "buf.h"

#include <errno.h>
#include <stdlib.h>

enum { FIRST_CAPACITY = 256 }; /* most calls and replies fit; doubles from here */

void duet_buf_init(struct duet_buf *buf, size_t max)
{
    *buf = (struct duet_buf){.max = max};
}

void duet_buf_done(struct duet_buf *buf)
{
    free(buf->data);
    duet_buf_init(buf, buf->max);
}

int duet_buf_reserve_slow(struct duet_buf *buf, size_t more)
{
    if (more <= buf->capacity - buf->size)
        return 0;
    if (more > buf->max - buf->size)
        return -EMSGSIZE;

    size_t need = buf->size + more;
    size_t capacity = buf->capacity ? buf->capacity : FIRST_CAPACITY;
    while (capacity < need)
        capacity = capacity > SIZE_MAX / 2 ? need : capacity * 2;
    if (capacity > buf->max)
        capacity = buf->max;

    uint8_t *data = realloc(buf->data, capacity);
    if (data == NULL)
        return -ENOMEM;
    buf->data = data;
    buf->capacity = capacity;
    return 0;
}

void duet_buf_take(struct duet_buf *to, struct duet_buf *from)
{
    *to = *from;
    duet_buf_init(from, from->max);
}

void duet_buf_reset(struct duet_buf *buf, size_t keep)
{
    if (buf->capacity > keep)
        duet_buf_done(buf);
    buf->size = 0;
}
