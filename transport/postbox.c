/*
 * A lock around one pointer. See postbox.h.
 */
#include "postbox.h"

void duet_postbox_init(struct duet_postbox *box, struct duet_loop *loop)
{
    pthread_mutex_init(&box->lock, NULL);
    box->loop = loop;
}

void duet_postbox_done(struct duet_postbox *box)
{
    pthread_mutex_destroy(&box->lock);
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

bool duet_postbox_is_here(struct duet_postbox *box)
{
    pthread_mutex_lock(&box->lock);
    bool is_here = box->loop != NULL && duet_loop_is_turning_here(box->loop);
    pthread_mutex_unlock(&box->lock);
    return is_here;
}

void duet_postbox_close(struct duet_postbox *box)
{
    pthread_mutex_lock(&box->lock);
    box->loop = NULL;
    pthread_mutex_unlock(&box->lock);
}
