/*
 * Addresses as people write them: "tcp://127.0.0.1:6789", "unix:/run/x.sock",
 * "http://[::1]:8080". Knows text and sockaddr; opens nothing. Any thread (a name that is not
 * numeric is looked up, which may block).
 */
#ifndef DUET_ADDRESS_H
#define DUET_ADDRESS_H

#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

enum duet_scheme { DUET_SCHEME_BOTH, DUET_SCHEME_HTTP, DUET_SCHEME_MSGPACK };

struct duet_address {
    enum duet_scheme scheme;
    socklen_t size;
    union {
        struct sockaddr any;
        struct sockaddr_storage storage;
        struct sockaddr_un un;
    };
};

enum { DUET_ADDRESS_TEXT_MAX = 160 }; /* the longest: "msgpack+unix:" and a path of 107 bytes */

/* Reads an address. 0, or -EINVAL with words that say what was expected. */
int duet_address_parse(struct duet_address *address, const char *text, char *words,
                       size_t room);

/* The address as text with its scheme, as duet_address_parse reads it. `text` has
 * DUET_ADDRESS_TEXT_MAX bytes. */
void duet_address_format(const struct duet_address *address, char *text);

/* A peer's address without scheme: "127.0.0.1:40312", "[::1]:40312", "unix". */
void duet_peer_format(const struct sockaddr *peer, char *text, size_t room);

#endif
