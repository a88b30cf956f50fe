/*
 * See nearest.h.
 */
#include "nearest.h"

#include <assert.h>
#include <string.h>

enum { LONGEST_GUESS = 31 }; /* longer than any flag: what is longer was not meant as one */

static size_t least(size_t a, size_t b, size_t c)
{
    size_t ab = a < b ? a : b;
    return ab < c ? ab : c;
}

/* How many letters must be put in, left out or changed to make one word of the other. */
static size_t distance(const char *a, size_t a_size, const char *b, size_t b_size)
{
    size_t row[LONGEST_GUESS + 1];
    assert(b_size <= LONGEST_GUESS);
    for (size_t j = 0; j <= b_size; j++)
        row[j] = j;
    for (size_t i = 1; i <= a_size; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b_size; j++) {
            size_t changed = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            row[j] = least(row[j] + 1, row[j - 1] + 1, changed);
        }
    }
    return row[b_size];
}

const char *duet_nearest(const char *word, size_t size,
                         const char *(*nth)(int i, const void *ctx), const void *ctx, int count)
{
    const char *nearest = NULL;
    size_t best = size / 3 + 2; /* with more than every third letter wrong it is another word */
    if (size > LONGEST_GUESS)
        return NULL;
    for (int i = 0; i < count; i++) {
        const char *other = nth(i, ctx);
        if (strlen(other) > LONGEST_GUESS)
            continue;
        size_t d = distance(word, size, other, strlen(other));
        if (d < best) {
            best = d;
            nearest = other;
        }
    }
    return nearest;
}
