/*
 * How many connections each address has open, for --max-per-address. Shared by the loops under
 * one lock, and only asked when that limit is set. Unix sockets have no address: they are never
 * counted.
 */
#ifndef DUET_PER_ADDRESS_H
#define DUET_PER_ADDRESS_H

#include <netinet/in.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct duet_address_count;

enum {
    DUET_ADDRESS_BUCKETS = 1024, /* ten to a bucket at the default --max-connections, if all
                                    differ */
};

struct duet_per_address {
    pthread_mutex_t lock;
    struct duet_address_count *buckets[DUET_ADDRESS_BUCKETS]; /* under lock */
};

void duet_per_address_init(struct duet_per_address *counts);
void duet_per_address_done(struct duet_per_address *counts);

/* Counts one more connection of that address; false when it has `max` already, or when out of
 * memory. */
bool duet_per_address_add(struct duet_per_address *counts, const struct sockaddr *peer,
                          uint64_t max);

/* One less. */
void duet_per_address_remove(struct duet_per_address *counts, const struct sockaddr *peer);

#endif
