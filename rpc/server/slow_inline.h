/*
 * Which inline handler holds its loop too long (--slow-inline-ms). No clock is read for each
 * call: those of one method in a row are one stretch, timed when another method's turn comes or
 * the loop's turn is over. A stretch of one call that is too long names its method; of several,
 * one that has been too long as a whole has its method's calls timed one by one from then on.
 * On the loop's thread.
 */
#ifndef DUET_SLOW_INLINE_H
#define DUET_SLOW_INLINE_H

#include <stdbool.h>
#include <stdint.h>

struct duet_home;
struct duet_method_entry;

struct duet_stretch {
    const struct duet_method_entry *key; /* whose next call goes on with it; or NULL */
    struct duet_method_entry *method;    /* whose calls are in it; NULL: they are not timed */
    unsigned calls;                      /* of this turn; 0: there is none */
    uint64_t last_ns;                    /* when the last one ended: it began then, or with its
                                            turn */
};

/* An inline call of another method than the one before is about to begin. */
void duet_slow_inline_switch(struct duet_home *home, struct duet_method_entry *method);

/* The turn's calls have run, and there were some. Its method's next call goes on with another
 * one. */
void duet_slow_inline_end(struct duet_home *home);

/* Methods may go: nothing is kept of them. */
void duet_slow_inline_forget(struct duet_home *home);

#endif
