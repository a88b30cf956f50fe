/*
 * A hash table with lists: an entry for each address that has connections open.
 */
#include "per_address.h"

#include <stdlib.h>
#include <string.h>

/* An IPv4 address stands in the first four bytes: no IPv6 address in use looks like that. */
struct address {
    uint8_t bytes[16];
};

struct duet_address_count {
    struct duet_address_count *next;
    struct address address;
    uint64_t count;
};

void duet_per_address_init(struct duet_per_address *counts)
{
    *counts = (struct duet_per_address){0};
    pthread_mutex_init(&counts->lock, NULL);
}

void duet_per_address_done(struct duet_per_address *counts)
{
    for (size_t i = 0; i < DUET_ADDRESS_BUCKETS; i++) {
        while (counts->buckets[i] != NULL) {
            struct duet_address_count *next = counts->buckets[i]->next;
            free(counts->buckets[i]);
            counts->buckets[i] = next;
        }
    }
    pthread_mutex_destroy(&counts->lock);
}

static bool read_address(const struct sockaddr *peer, struct address *address)
{
    memset(address, 0, sizeof *address);
    if (peer->sa_family == AF_INET)
        memcpy(address, &((const struct sockaddr_in *)(const void *)peer)->sin_addr, 4);
    else if (peer->sa_family == AF_INET6)
        memcpy(address, &((const struct sockaddr_in6 *)(const void *)peer)->sin6_addr, 16);
    else
        return false;
    return true;
}

/* The link that points to the address's entry, or to the end of its list. */
static struct duet_address_count **find(struct duet_per_address *counts,
                                        const struct address *address)
{
    uint32_t hash = 2166136261u; /* FNV-1a: a caller who owns many addresses gains a longer
                                    list, no more */
    for (size_t i = 0; i < sizeof address->bytes; i++)
        hash = (hash ^ address->bytes[i]) * 16777619u;
    struct duet_address_count **link = &counts->buckets[hash % DUET_ADDRESS_BUCKETS];
    while (*link != NULL && memcmp(&(*link)->address, address, sizeof *address) != 0)
        link = &(*link)->next;
    return link;
}

/* Under lock. */
static bool add(struct duet_per_address *counts, const struct address *address, uint64_t max)
{
    struct duet_address_count **link = find(counts, address);
    if (*link == NULL) {
        *link = calloc(1, sizeof **link);
        if (*link == NULL)
            return false;
        (*link)->address = *address;
    }
    if ((*link)->count >= max)
        return false;
    (*link)->count++;
    return true;
}

bool duet_per_address_add(struct duet_per_address *counts, const struct sockaddr *peer,
                          uint64_t max)
{
    struct address address;
    if (!read_address(peer, &address))
        return true;
    pthread_mutex_lock(&counts->lock);
    bool has_room = add(counts, &address, max);
    pthread_mutex_unlock(&counts->lock);
    return has_room;
}

void duet_per_address_remove(struct duet_per_address *counts, const struct sockaddr *peer)
{
    struct address address;
    if (!read_address(peer, &address))
        return;
    pthread_mutex_lock(&counts->lock);
    struct duet_address_count **link = find(counts, &address), *entry = *link;
    if (entry != NULL && --entry->count == 0) {
        *link = entry->next;
        free(entry);
    }
    pthread_mutex_unlock(&counts->lock);
}
