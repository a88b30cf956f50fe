/*
 * A lock around one pointer. See postbox.h.
 */
#include "postbox.h"

#include <stdlib.h>

struct duet_postbox *duet_postbox_new(struct duet_loop *loop)
{
    struct duet_postbox *box = calloc(1, sizeof *box);
    if (box == NULL)
        return NULL;
    atomic_init(&box->references, 1);
    pthread_mutex_init(&box->lock, NULL);
    box->loop = loop;
    return box;
}

struct duet_postbox *duet_postbox_ref(struct duet_postbox *box)
{
    atomic_fetch_add_explicit(&box->references, 1, memory_order_relaxed);
    return box;
}

void duet_postbox_unref(struct duet_postbox *box)
{
    if (box == NULL || atomic_fetch_sub(&box->references, 1) > 1)
        return;
    pthread_mutex_destroy(&box->lock);
    free(box);
}

bool duet_postbox_post(struct duet_postbox *box, struct duet_letter *letter)
{
    pthread_mutex_lock(&box->lock);
    struct duet_loop *loop = box->loop;
    if (loop != NULL) {
        duet_loop_post(loop, letter);
        duet_loop_announce(loop);
    }
    pthread_mutex_unlock(&box->lock);
    return loop != NULL;
}

void duet_postbox_close(struct duet_postbox *box)
{
    pthread_mutex_lock(&box->lock);
    box->loop = NULL;
    pthread_mutex_unlock(&box->lock);
}
