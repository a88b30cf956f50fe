/*
 * Reading hosts and origins. See web_name.h. What browsers send is in this form already; what
 * people type, and what attackers send, is not.
 */
#include "web_name.h"

#include "address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

static bool is_alphanumeric(char c)
{
    return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'z');
}

/* Cuts ":8080" off the end; ":" alone is no port (RFC 3986 3.2.3). False for a port that is
 * none. */
static bool cut_port(const char *text, size_t *size, int *port)
{
    size_t end = *size;
    *port = -1;
    while (end > 0 && is_digit(text[end - 1]))
        end--;
    if (end == 0 || text[end - 1] != ':')
        return true;

    size_t digits = *size - end;
    *size = end - 1;
    if (digits == 0)
        return true;
    if (digits > 5)
        return false;
    *port = 0;
    for (size_t i = 0; i < digits; i++)
        *port = *port * 10 + (text[end + i] - '0');
    return *port <= 65535;
}

/* Labels with dots between them. */
static bool is_name(const char *host)
{
    char before = '.';
    for (const char *p = host; *p != '\0'; before = *p++)
        if (*p == '.' ? before == '.' : !is_alphanumeric(*p) && *p != '-' && *p != '_')
            return false;
    return before != '.';
}

/* "[::1]", "[fe80::1%25eth0]": a zone says by which interface. */
static bool is_ipv6(const char *host)
{
    char inside[DUET_HOST_MAX];
    struct in6_addr ignored;
    size_t size = strlen(host);
    if (size < 2 || host[size - 1] != ']')
        return false;
    memcpy(inside, host + 1, size - 2);
    inside[size - 2] = '\0';
    char *zone = strstr(inside, "%25");
    if (zone != NULL) {
        *zone = '\0';
        if (!is_name(zone + 3))
            return false;
    }
    return inet_pton(AF_INET6, inside, &ignored) == 1;
}

static enum duet_host_kind kind_of(const char *host)
{
    struct in_addr ignored;
    if (host[0] == '[')
        return is_ipv6(host) ? DUET_HOST_NUMERIC : DUET_HOST_NONE;
    if (!is_name(host))
        return DUET_HOST_NONE;
    if (duet_address_is_localhost(host))
        return DUET_HOST_LOCALHOST;
    return inet_pton(AF_INET, host, &ignored) == 1 ? DUET_HOST_NUMERIC : DUET_HOST_NAME;
}

enum duet_host_kind duet_host_normal(const char *text, size_t size, char *room, int *port)
{
    if (!cut_port(text, &size, port))
        return DUET_HOST_NONE;
    if (size > 1 && text[size - 1] == '.')
        size--;
    if (size >= DUET_HOST_MAX || memchr(text, '\0', size) != NULL)
        return DUET_HOST_NONE;
    for (size_t i = 0; i < size; i++)
        room[i] = lower(text[i]);
    room[size] = '\0';
    return kind_of(room);
}

/* The port that a scheme stands for; -1 where it is none of the web's. */
static int implied_port(const char *scheme, size_t size)
{
    static const struct {
        const char *scheme;
        int port;
    } rows[] = {{"http", 80}, {"https", 443}, {"ws", 80}, {"wss", 443}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strlen(rows[i].scheme) == size && memcmp(rows[i].scheme, scheme, size) == 0)
            return rows[i].port;
    return -1;
}

/* Copies "https" and returns its length, which is 0 for what is no scheme (RFC 3986 3.1). */
static size_t copy_scheme(const char *text, size_t size, char *room)
{
    enum { LONGEST = 32 }; /* "chrome-extension" has 16 */
    size_t n = 0;
    while (n < size && n < LONGEST &&
           (is_alphanumeric(text[n]) || (n > 0 && strchr("+-.", text[n]) && text[n]))) {
        room[n] = lower(text[n]);
        n++;
    }
    return n > 0 && !is_digit(text[0]) ? n : 0;
}

bool duet_origin_normal(const char *text, size_t size, char *room)
{
    char host[DUET_HOST_MAX];
    int port;
    size_t n = copy_scheme(text, size, room);
    if (n == 0 || size < n + 3 || memcmp(text + n, "://", 3) != 0)
        return false;
    text += n + 3;
    size -= n + 3;
    if (size > 0 && text[size - 1] == '/')
        size--;
    bool is_file = size == 0 && n == 4 && memcmp(room, "file", 4) == 0;
    if (!is_file && duet_host_normal(text, size, host, &port) == DUET_HOST_NONE)
        return false;
    if (is_file || port < 0 || port == implied_port(room, n))
        snprintf(room + n, DUET_ORIGIN_MAX - n, "://%s", is_file ? "" : host);
    else
        snprintf(room + n, DUET_ORIGIN_MAX - n, "://%s:%d", host, port);
    return true;
}

void duet_origin_of_host(const char *host, int port, char *room)
{
    if (port < 0 || port == 80)
        snprintf(room, DUET_ORIGIN_MAX, "http://%s", host);
    else
        snprintf(room, DUET_ORIGIN_MAX, "http://%s:%d", host, port);
}
