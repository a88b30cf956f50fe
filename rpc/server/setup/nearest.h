/*
 * The word that was most likely meant, for a word that is none. Text in, text out.
 */
#ifndef DUET_NEAREST_H
#define DUET_NEAREST_H

#include <stddef.h>

/* Of the words that `nth` gives for 0 to count - 1, the nearest; NULL when none is near. */
const char *duet_nearest(const char *word, size_t size,
                         const char *(*nth)(int i, const void *ctx), const void *ctx,
                         int count);

#endif
