/*
 * How many connections each address has open, for --max-per-address. Shared by the loops under
 * one lock, and only asked when that limit is set. Unix sockets have no address: they are never
 * counted.
 */
#ifndef DUET_PEERS_H
#define DUET_PEERS_H

#include <netinet/in.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct duet_peer;

enum {
    DUET_PEER_BUCKETS = 1024
}; /* ten to a bucket at the default --max-connections, if all differ */

struct duet_peers {
    pthread_mutex_t lock;
    struct duet_peer *buckets[DUET_PEER_BUCKETS]; /* under lock */
};

void duet_peers_init(struct duet_peers *peers);
void duet_peers_done(struct duet_peers *peers);

/* Counts one more connection of that address; false when it has `max` already, or when out of
 * memory. */
bool duet_peers_add(struct duet_peers *peers, const struct sockaddr *peer, uint64_t max);

/* One less. */
void duet_peers_remove(struct duet_peers *peers, const struct sockaddr *peer);

#endif
