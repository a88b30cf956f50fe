/*
 * Schemes, hosts and ports: a table of prefixes, getaddrinfo for names but localhost.
 */
#include "address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <grp.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

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

/* ---- Unix sockets ---- */

static int read_mode(struct duet_access *access, const char *text, size_t size, char *words,
                     size_t room)
{
    enum { LONGEST = 4 }; /* 0777 */
    unsigned mode = 0;
    bool is_octal = size > 0 && size <= LONGEST;
    for (size_t i = 0; i < size && is_octal; i++) {
        is_octal = text[i] >= '0' && text[i] <= '7';
        mode = mode * 8 + (unsigned)(text[i] - '0');
    }
    if (!is_octal || mode > 0777) {
        snprintf(words, room, "mode= takes an octal number from 0 to 0777, got '%.*s'",
                 (int)size, text);
        return -EINVAL;
    }
    access->mode = mode;
    access->has_mode = true;
    return 0;
}

static bool find_group(const char *name, gid_t *group)
{
    char *end;
    unsigned long number = strtoul(name, &end, 10);
    if (*name >= '0' && *name <= '9' && *end == '\0' && number < (gid_t)-1) {
        *group = (gid_t)number;
        return true;
    }
    struct group entry, *found = NULL;
    char members[16384]; /* a group of a thousand members has its entry in it */
    if (getgrnam_r(name, &entry, members, sizeof members, &found) != 0 || found == NULL)
        return false;
    *group = found->gr_gid;
    return true;
}

static int read_group(struct duet_access *access, const char *text, size_t size, char *words,
                      size_t room)
{
    char name[256]; /* the longest that useradd takes has 32 bytes */
    bool fits = size > 0 && size < sizeof name;
    if (fits) {
        memcpy(name, text, size);
        name[size] = '\0';
    }
    if (!fits || !find_group(name, &access->group)) {
        snprintf(words, room, "group= takes a group of this machine or its number, got '%.*s'",
                 (int)size, text);
        return -EINVAL;
    }
    access->has_group = true;
    return 0;
}

/* "mode=0660&group=adm" */
static int parse_access(struct duet_access *access, const char *text, char *words, size_t room)
{
    static const struct {
        const char *key;
        int (*read)(struct duet_access *access, const char *text, size_t size, char *words,
                    size_t room);
    } settings[] = {{"mode=", read_mode}, {"group=", read_group}};
    for (;;) {
        size_t size = strcspn(text, "&"), i = 0;
        while (i < 2 && strncmp(text, settings[i].key, strlen(settings[i].key)) != 0)
            i++;
        if (i == 2) {
            snprintf(words, room,
                     "after a unix socket's path come ?mode=OCTAL and &group=NAME, got '%.*s'",
                     (int)size, text);
            return -EINVAL;
        }
        size_t key = strlen(settings[i].key);
        int rc = settings[i].read(access, text + key, size - key, words, room);
        if (rc < 0)
            return rc;
        if (text[size] == '\0')
            return 0;
        text += size + 1;
    }
}

/* "@name" is of the abstract namespace: no file, it goes with its socket. */
static int parse_unix(struct duet_address *address, const char *text, char *words, size_t room)
{
    enum { LONGEST = sizeof address->un.sun_path - 1 };
    bool is_abstract = *text == '@';
    const char *query = strchr(text, '?');
    const char *name = text + is_abstract;
    size_t size = query != NULL ? (size_t)(query - name) : strlen(name);
    if (size == 0 || size > LONGEST) {
        snprintf(words, room, "a unix socket's %s has 1 to %d bytes, '%.200s' has %zu",
                 is_abstract ? "name" : "path", LONGEST, text, size);
        return -EINVAL;
    }
    if (is_abstract && query != NULL) {
        snprintf(words, room,
                 "'%s': a unix socket without a path has no mode and no group, everybody on "
                 "this machine may connect to it",
                 text);
        return -EINVAL;
    }
    address->un.sun_family = AF_UNIX;
    memcpy(address->un.sun_path + is_abstract, name, size);
    address->size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size + 1);
    return query != NULL ? parse_access(&address->access, query + 1, words, room) : 0;
}

/* ---- Hosts ---- */

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

bool duet_address_is_localhost(const char *host)
{
    static const char name[] = "localhost";
    size_t size = strlen(host), end = sizeof name - 1;
    if (size > 0 && host[size - 1] == '.')
        size--;
    return size >= end && strncasecmp(host + size - end, name, end) == 0 &&
           (size == end || host[size - end - 1] == '.');
}

static int find_loopback(struct duet_address *found, const char *port)
{
    in_port_t number = htons((uint16_t)atoi(port));
    struct sockaddr_in in4 = {.sin_family = AF_INET, .sin_port = number};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = number};
    in4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    in6.sin6_addr = in6addr_loopback;
    memcpy(&found[0].storage, &in4, sizeof in4);
    memcpy(&found[1].storage, &in6, sizeof in6);
    found[0].size = sizeof in4;
    found[1].size = sizeof in6;
    return 2;
}

/* /etc/hosts may say the same twice. */
static bool is_among(const struct duet_address *found, int count, const struct addrinfo *info)
{
    for (int i = 0; i < count; i++)
        if (found[i].size == info->ai_addrlen &&
            memcmp(&found[i].storage, info->ai_addr, info->ai_addrlen) == 0)
            return true;
    return false;
}

static int look_up(struct duet_address *found, const char *host, const char *port, char *words,
                   size_t room)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE}, *first = NULL;
    int rc = getaddrinfo(host, port, &hints, &first);
    if (rc != 0) {
        snprintf(words, room, "cannot resolve host '%s': %s", host, gai_strerror(rc));
        return -EINVAL;
    }
    int count = 0;
    for (const struct addrinfo *info = first; info != NULL && count >= 0;
         info = info->ai_next) {
        if (is_among(found, count, info))
            continue;
        if (count == DUET_ADDRESSES_MAX) {
            snprintf(words, room, "host '%s' has more than %d addresses: give those to use",
                     host, DUET_ADDRESSES_MAX);
            count = -EINVAL;
            break;
        }
        memcpy(&found[count].storage, info->ai_addr, info->ai_addrlen);
        found[count++].size = info->ai_addrlen;
    }
    freeaddrinfo(first);
    return count;
}

static int parse_host(struct duet_address *found, const char *text, char *words, size_t room)
{
    char host[256], port[8];
    if (split_host(text, host, sizeof host, port, sizeof port) < 0 || !is_port(port)) {
        snprintf(
            words, room,
            "expected HOST:PORT with a port from 0 to 65535 (IPv6 as [::1]:6789), got '%s'",
            text);
        return -EINVAL;
    }
    return duet_address_is_localhost(host) ? find_loopback(found, port)
                                           : look_up(found, host, port, words, room);
}

/* ---- Text to address, and back ---- */

int duet_address_parse(struct duet_address found[DUET_ADDRESSES_MAX], const char *text,
                       char *words, size_t room)
{
    for (size_t i = 0; i < PREFIXES; i++) {
        size_t size = strlen(prefixes[i].prefix);
        if (strncmp(text, prefixes[i].prefix, size) != 0)
            continue;
        for (int j = 0; j < DUET_ADDRESSES_MAX; j++)
            found[j] = (struct duet_address){.scheme = prefixes[i].scheme};
        if (!prefixes[i].is_unix)
            return parse_host(found, text + size, words, room);
        int rc = parse_unix(found, text + size, words, room);
        return rc < 0 ? rc : 1;
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

bool duet_address_is_abstract(const struct duet_address *address)
{
    return address->any.sa_family == AF_UNIX && address->un.sun_path[0] == '\0';
}

void duet_address_format(const struct duet_address *address, char *text)
{
    bool is_unix = address->any.sa_family == AF_UNIX;
    char rest[sizeof address->un.sun_path + 1];
    if (duet_address_is_abstract(address))
        snprintf(rest, sizeof rest, "@%.*s",
                 (int)(address->size - offsetof(struct sockaddr_un, sun_path) - 1),
                 address->un.sun_path + 1);
    else if (is_unix)
        snprintf(rest, sizeof rest, "%s", address->un.sun_path);
    else
        duet_peer_format(&address->any, rest, sizeof rest);
    snprintf(text, DUET_ADDRESS_TEXT_MAX, "%s%s", prefix_of(address->scheme, is_unix), rest);
}

/* "fe80::1%eth0": a link-local address says nothing without its interface (RFC 4007 11). */
static void format_host6(const struct sockaddr_in6 *in6, char *text, size_t room)
{
    char host[INET6_ADDRSTRLEN] = "?", interface[IF_NAMESIZE];
    inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof host);
    if (in6->sin6_scope_id == 0)
        snprintf(text, room, "%s", host);
    else if (if_indextoname(in6->sin6_scope_id, interface) != NULL)
        snprintf(text, room, "%s%%%s", host, interface);
    else
        snprintf(text, room, "%s%%%u", host, in6->sin6_scope_id);
}

void duet_peer_format(const struct sockaddr *peer, char *text, size_t room)
{
    char host[INET6_ADDRSTRLEN + 1 + IF_NAMESIZE] = "?";
    if (peer->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)peer;
        inet_ntop(AF_INET, &in->sin_addr, host, sizeof host);
        snprintf(text, room, "%s:%u", host, ntohs(in->sin_port));
    } else if (peer->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)peer;
        format_host6(in6, host, sizeof host);
        snprintf(text, room, "[%s]:%u", host, ntohs(in6->sin6_port));
    } else {
        snprintf(text, room, "unix");
    }
}
