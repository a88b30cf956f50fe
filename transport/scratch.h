/*
 * The buffer that all connections of a loop read into, one after another. Whoever must not move
 * what was just read holds it: then the next read gets another one. One loop's thread.
 */
#ifndef DUET_SCRATCH_H
#define DUET_SCRATCH_H

#include <stdint.h>

enum {
    DUET_SCRATCH_SIZE = 64 * 1024, /* one read; larger messages get a buffer of their own */
};

struct duet_scratch {
    unsigned users;
    uint8_t bytes[DUET_SCRATCH_SIZE];
};

/* One with one user; NULL when out of memory. */
struct duet_scratch *duet_scratch_new(void);

/* One user less; it goes with the last. Takes NULL. */
void duet_scratch_release(struct duet_scratch *scratch);

#endif
