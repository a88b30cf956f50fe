/*
 * Counted bytes. See notice.h.
 */
#include "notice.h"

#include <stdlib.h>

struct duet_notice *duet_notice_new(struct duet_buf *bytes, size_t from)
{
    struct duet_notice *notice = calloc(1, sizeof *notice);
    if (notice == NULL)
        return NULL;
    atomic_init(&notice->references, 1);
    duet_buf_take(&notice->bytes, bytes);
    notice->from = from;
    return notice;
}

struct duet_notice *duet_notice_ref(struct duet_notice *notice)
{
    atomic_fetch_add_explicit(&notice->references, 1, memory_order_relaxed);
    return notice;
}

void duet_notice_unref(struct duet_notice *notice)
{
    if (notice == NULL || atomic_fetch_sub(&notice->references, 1) > 1)
        return;
    duet_buf_done(&notice->bytes);
    free(notice);
}
