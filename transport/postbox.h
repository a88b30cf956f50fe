/*
 * Where letters for a loop are left by whoever cannot know whether it still turns: the box
 * outlives its loop. Any thread.
 */
#ifndef DUET_POSTBOX_H
#define DUET_POSTBOX_H

#include "loop.h"

#include <pthread.h>

struct duet_postbox {
    pthread_mutex_t lock;
    struct duet_loop *loop; /* under lock; NULL once it is closed */
};

/* A box of that loop. */
void duet_postbox_init(struct duet_postbox *box, struct duet_loop *loop);
void duet_postbox_done(struct duet_postbox *box);

/* Posts a letter, and sees to it that the loop looks at it now. False: the box is closed, and
 * the letter is still the caller's. */
bool duet_postbox_post(struct duet_postbox *box, struct duet_letter *letter);

/* Whether its loop turns on this thread, now. */
bool duet_postbox_is_here(struct duet_postbox *box);

/* No letter comes after this; those before it are in the loop's mailbox. For the loop's
 * owner. */
void duet_postbox_close(struct duet_postbox *box);

#endif
