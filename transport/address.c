/*
 * Schemes, hosts and ports: a table of prefixes, getaddrinfo for the rest.
 */
#include "address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *prefix;
    enum duet_scheme scheme;
    bool is_unix;
} prefixes[] = {
    {"tcp://", DUET_SCHEME_BOTH, false},        {"http://", DUET_SCHEME_HTTP, false},
    {"msgpack://", DUET_SCHEME_MSGPACK, false}, {"unix:", DUET_SCHEME_BOTH, true},
    {"http+unix:", DUET_SCHEME_HTTP, true},     {"msgpack+unix:", DUET_SCHEME_MSGPACK, true},
};

enum { PREFIXES = sizeof prefixes / sizeof *prefixes };

static int parse_unix(struct duet_address *address, const char *path, char *words, size_t room)
{
    size_t size = strlen(path);
    if (size == 0 || size >= sizeof address->un.sun_path) {
        snprintf(words, room, "a unix socket's path has 1 to %zu bytes, '%.200s' has %zu",
                 sizeof address->un.sun_path - 1, path, size);
        return -EINVAL;
    }
    address->un.sun_family = AF_UNIX;
    memcpy(address->un.sun_path, path, size + 1);
    address->size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size + 1);
    return 0;
}

/* Splits "host:port", "[host]:port", with an optional "/" or "/RPC2" after it, into its
 * parts. */
static int split_host(const char *text, char *host, size_t host_room, char *port,
                      size_t port_room)
{
    size_t size = strcspn(text, "/");
    if (text[size] != '\0' && strcmp(text + size, "/") != 0 &&
        strcmp(text + size, "/RPC2") != 0)
        return -EINVAL;

    const char *colon = memrchr(text, ':', size);
    if (colon == NULL)
        return -EINVAL;
    const char *host_end = colon;
    size_t port_size = size - (size_t)(colon + 1 - text);
    if (*text == '[') {
        text++;
        if (host_end[-1] != ']')
            return -EINVAL;
        host_end--;
    } else if (memchr(text, ':', (size_t)(colon - text)) != NULL) {
        return -EINVAL; /* "::1:6789" is an IPv6 address without a port as well as one with */
    }
    size_t host_size = (size_t)(host_end - text);
    if (host_end <= text || host_size >= host_room || port_size == 0 || port_size >= port_room)
        return -EINVAL;

    memcpy(host, text, host_size);
    host[host_size] = '\0';
    memcpy(port, colon + 1, port_size);
    port[port_size] = '\0';
    return 0;
}

static bool is_port(const char *text)
{
    unsigned long port = 0;
    for (const char *p = text; *p != '\0'; p++) {
        if (*p < '0' || *p > '9')
            return false;
        port = port * 10 + (unsigned long)(*p - '0');
    }
    return port <= 65535 && strlen(text) <= 5;
}

static int parse_host(struct duet_address *address, const char *text, char *words, size_t room)
{
    char host[256], port[8];
    if (split_host(text, host, sizeof host, port, sizeof port) < 0 || !is_port(port)) {
        snprintf(
            words, room,
            "expected HOST:PORT with a port from 0 to 65535 (IPv6 as [::1]:6789), got '%s'",
            text);
        return -EINVAL;
    }

    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE}, *found = NULL;
    int rc = getaddrinfo(host, port, &hints, &found);
    if (rc != 0) {
        snprintf(words, room, "cannot resolve host '%s': %s", host, gai_strerror(rc));
        return -EINVAL;
    }
    memcpy(&address->storage, found->ai_addr, found->ai_addrlen);
    address->size = found->ai_addrlen;
    freeaddrinfo(found);
    return 0;
}

int duet_address_parse(struct duet_address *address, const char *text, char *words, size_t room)
{
    for (size_t i = 0; i < PREFIXES; i++) {
        size_t size = strlen(prefixes[i].prefix);
        if (strncmp(text, prefixes[i].prefix, size) != 0)
            continue;
        *address = (struct duet_address){.scheme = prefixes[i].scheme};
        return prefixes[i].is_unix ? parse_unix(address, text + size, words, room)
                                   : parse_host(address, text + size, words, room);
    }
    snprintf(words, room,
             "expected tcp://HOST:PORT, http://HOST:PORT, msgpack://HOST:PORT, unix:PATH, "
             "http+unix:PATH or msgpack+unix:PATH, got '%s'",
             text);
    return -EINVAL;
}

static const char *prefix_of(enum duet_scheme scheme, bool is_unix)
{
    for (size_t i = 0; i < PREFIXES; i++)
        if (prefixes[i].scheme == scheme && prefixes[i].is_unix == is_unix)
            return prefixes[i].prefix;
    return "";
}

void duet_address_format(const struct duet_address *address, char *text)
{
    bool is_unix = address->any.sa_family == AF_UNIX;
    char rest[sizeof address->un.sun_path + 1];
    if (is_unix)
        snprintf(rest, sizeof rest, "%s", address->un.sun_path);
    else
        duet_peer_format(&address->any, rest, sizeof rest);
    snprintf(text, DUET_ADDRESS_TEXT_MAX, "%s%s", prefix_of(address->scheme, is_unix), rest);
}

void duet_peer_format(const struct sockaddr *peer, char *text, size_t room)
{
    char host[INET6_ADDRSTRLEN] = "?";
    if (peer->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)peer;
        inet_ntop(AF_INET, &in->sin_addr, host, sizeof host);
        snprintf(text, room, "%s:%u", host, ntohs(in->sin_port));
    } else if (peer->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)peer;
        inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof host);
        snprintf(text, room, "[%s]:%u", host, ntohs(in6->sin6_port));
    } else {
        snprintf(text, room, "unix");
    }
}
