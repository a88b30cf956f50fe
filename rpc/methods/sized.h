/*
 * Structs that cross from programs compiled with another version of duet.h: members are only
 * ever added at the end, so the shorter one is the beginning of the longer one. Any thread.
 */
#ifndef DUET_SIZED_H
#define DUET_SIZED_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* Reads a struct of the program's: members that it does not have are 0. False if it has some
 * that we do not know, and they are not 0. */
static inline bool duet_sized_take(void *ours, size_t our_size, const void *theirs,
                                   size_t their_size)
{
    const unsigned char *bytes = theirs;
    memset(ours, 0, our_size);
    memcpy(ours, theirs, their_size < our_size ? their_size : our_size);
    for (size_t i = our_size; i < their_size; i++)
        if (bytes[i] != 0)
            return false;
    return true;
}

/* Fills a struct of the program's: members that we do not know are 0. */
static inline void duet_sized_give(void *theirs, size_t their_size, const void *ours,
                                   size_t our_size)
{
    memset(theirs, 0, their_size);
    memcpy(theirs, ours, their_size < our_size ? their_size : our_size);
}

#endif
