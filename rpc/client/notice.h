/*
 * A notification as bytes that any number of connections write, each in its turn: encoded once,
 * freed when the last one has written it.
 */
#ifndef DUET_NOTICE_H
#define DUET_NOTICE_H

#include "buf.h"

#include <stdatomic.h>

struct duet_notice {
    _Atomic unsigned references;
    struct duet_buf bytes;
    size_t from; /* where they begin in it */
};

/* Takes the bytes, from `from` on, with one reference; NULL when out of memory. */
struct duet_notice *duet_notice_new(struct duet_buf *bytes, size_t from);

struct duet_notice *duet_notice_ref(struct duet_notice *notice);
void duet_notice_unref(struct duet_notice *notice); /* takes NULL */

static inline size_t duet_notice_size(const struct duet_notice *notice)
{
    return notice->bytes.size - notice->from;
}

#endif
