/*
 * Where letters for a loop are left by whoever cannot know whether it still turns: the box
 * outlives its loop as long as anybody refers to it. Any thread.
 */
#ifndef DUET_POSTBOX_H
#define DUET_POSTBOX_H

#include "loop.h"

#include <pthread.h>

struct duet_postbox {
    _Atomic unsigned references;
    pthread_mutex_t lock;
    struct duet_loop *loop; /* under lock; NULL once it is closed */
};

/* A box of that loop, with one reference; NULL when out of memory. */
struct duet_postbox *duet_postbox_new(struct duet_loop *loop);

struct duet_postbox *duet_postbox_ref(struct duet_postbox *box);
void duet_postbox_unref(struct duet_postbox *box); /* takes NULL */

/* Posts a letter, and sees to it that the loop looks at it now. False: the box is closed, and
 * the letter is still the caller's. */
bool duet_postbox_post(struct duet_postbox *box, struct duet_letter *letter);

/* No letter comes after this; those before it are in the loop's mailbox. For the loop's
 * owner. */
void duet_postbox_close(struct duet_postbox *box);

#endif
