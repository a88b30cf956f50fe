/*
 * The byte buffer's slow paths: growing, moving, letting go.
 */
#include "buf.h"

#include <errno.h>

enum {
    FIRST_CAPACITY = 256, /* most calls and replies fit; doubles from here */
    STEADY = 1024 * 1024,
};

void duet_buf_init(struct duet_buf *buf, size_t max)
{
    *buf = (struct duet_buf){.max = max};
}

void duet_buf_done(struct duet_buf *buf)
{
    duet_block_free(buf->account, buf->data, buf->capacity);
    buf->data = NULL;
    buf->size = buf->capacity = 0;
}

/* Doubles, and from STEADY on grows by a quarter or to what is asked: mapped memory moves
 * without being copied, and what is not used counts all the same. */
static size_t next_capacity(const struct duet_buf *buf, size_t need)
{
    size_t capacity = buf->capacity ? buf->capacity : FIRST_CAPACITY;
    while (capacity < need && capacity < STEADY)
        capacity *= 2;
    if (capacity < need)
        capacity += capacity / 4;
    if (capacity < need)
        capacity = need;
    return capacity < buf->max ? capacity : buf->max;
}

int duet_buf_reserve_slow(struct duet_buf *buf, size_t more)
{
    if (more <= buf->capacity - buf->size)
        return 0;
    if (more > buf->max - buf->size)
        return -EMSGSIZE;

    size_t capacity = next_capacity(buf, buf->size + more);
    if (buf->account != NULL)
        buf->account->room = DUET_ROOM_FOUND;
    uint8_t *data = duet_block_resize(buf->account, buf->data, buf->capacity, capacity);
    if (data == NULL)
        return buf->account != NULL && buf->account->room != DUET_ROOM_FOUND ? -ENOBUFS
                                                                             : -ENOMEM;
    buf->data = data;
    buf->capacity = capacity;
    return 0;
}

void duet_buf_take(struct duet_buf *to, struct duet_buf *from)
{
    *to = *from;
    from->data = NULL;
    from->size = from->capacity = 0;
}

void duet_buf_hand(struct duet_buf *to, struct duet_buf *from, struct duet_account *account)
{
    if (account != NULL)
        duet_account_move(from->account, account, from->capacity);
    else if (from->account != NULL)
        duet_account_give(from->account, from->capacity);
    duet_buf_take(to, from);
    to->account = account;
}
