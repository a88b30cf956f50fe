/*
 * Hosts and origins as browsers and their users write them, brought to one form each so that
 * equal ones are equal texts. Bytes in, text out; any thread.
 */
#ifndef DUET_WEB_NAME_H
#define DUET_WEB_NAME_H

#include <stdbool.h>
#include <stddef.h>

enum {
    DUET_HOST_MAX = 256,   /* a name of 253 bytes, its dot, and the NUL */
    DUET_ORIGIN_MAX = 320, /* a scheme, "://", a host, ":65535", and the NUL */
};

enum duet_host_kind {
    DUET_HOST_NONE, /* not what a Host header may say */
    DUET_HOST_NAME,
    DUET_HOST_LOCALHOST, /* it, or a name below it */
    DUET_HOST_NUMERIC,   /* an IPv4 address, or an IPv6 address in brackets */
};

/* Reads "Example.org.:8080", "127.0.0.1", "[::1]:80". Writes the host into `room`
 * (DUET_HOST_MAX bytes), in lower case, without port and without a dot at its end; `port` is -1
 * where there is none. */
enum duet_host_kind duet_host_normal(const char *text, size_t size, char *room, int *port);

/* Reads "https://Example.org:443", or with a "/" after it. Writes it into `room`
 * (DUET_ORIGIN_MAX bytes), in lower case, without a port that its scheme implies. False for
 * what is no origin; also for "null", which is the origin of those who have none. */
bool duet_origin_normal(const char *text, size_t size, char *room);

/* The origin of pages that come from this host, over HTTP without TLS. `port` as above. */
void duet_origin_of_host(const char *host, int port, char *room);

#endif
