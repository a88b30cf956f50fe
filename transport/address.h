/*
 * Addresses as people write them: "tcp://127.0.0.1:6789", "unix:/run/x.sock?mode=0660",
 * "http://[::1]:8080". Knows text and sockaddr; opens nothing. Any thread (a name that is not
 * numeric is looked up, which may block).
 */
#ifndef DUET_ADDRESS_H
#define DUET_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/un.h>

enum duet_scheme { DUET_SCHEME_BOTH, DUET_SCHEME_HTTP, DUET_SCHEME_MSGPACK };

/* Who may connect to a unix socket's path, where that is not left to the umask. */
struct duet_access {
    bool has_mode, has_group;
    mode_t mode;
    gid_t group;
};

struct duet_address {
    enum duet_scheme scheme;
    struct duet_access access;
    socklen_t size;
    union {
        struct sockaddr any;
        struct sockaddr_storage storage;
        struct sockaddr_un un;
    };
};

enum {
    DUET_ADDRESS_TEXT_MAX = 160, /* the longest: "msgpack+unix:" and a path of 107 bytes */
    DUET_PEER_TEXT_MAX = 80,     /* "[", 45 bytes of IPv6, "%", 15 of an interface, "]:65535" */
    DUET_ADDRESSES_MAX = 16, /* of one name: a machine has a few, a name of more is a trap */
};

/* Reads an address, which may stand for several: a name has one for each family, and perhaps
 * more. Returns how many were found, at least one; or -EINVAL with words that say what was
 * expected. */
int duet_address_parse(struct duet_address found[DUET_ADDRESSES_MAX], const char *text,
                       char *words, size_t room);

/* The address as text with its scheme, as duet_address_parse reads it; without who may connect.
 * `text` has DUET_ADDRESS_TEXT_MAX bytes. */
void duet_address_format(const struct duet_address *address, char *text);

/* A unix address without a path, "unix:@name". */
bool duet_address_is_abstract(const struct duet_address *address);

/* localhost, or a name below it: loopback, whatever a resolver says (RFC 6761 6.3). Upper or
 * lower case, with or without a dot at its end. */
bool duet_address_is_localhost(const char *host);

/* A peer's address without scheme: "127.0.0.1:40312", "[fe80::1%eth0]:40312", "unix". */
void duet_peer_format(const struct sockaddr *peer, char *text, size_t room);

#endif
