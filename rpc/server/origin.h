/*
 * Whether a request may come in, by what a browser says of the page that makes it. Pages of any
 * site can POST to a server on this machine without asking first, and by DNS rebinding they can
 * do it under a name of their own; nobody else sends an Origin. Struct in, verdict out: no I/O,
 * any thread.
 */
#ifndef DUET_ORIGIN_H
#define DUET_ORIGIN_H

#include "texts.h"

/* Who asks, as the request has it. NULL where it has none; nothing ends with a NUL. */
struct duet_asker {
    const char *host, *origin;
    size_t host_size, origin_size;
    bool is_cross_site; /* Sec-Fetch-Site says so */
    bool host_counts;   /* it came where a rebound name may lead: Host must be one of ours */
};

enum duet_admission {
    DUET_ADMITTED,            /* no page asks, as far as is told */
    DUET_ADMITTED_ORIGIN,     /* a page whose origin is allowed */
    DUET_ADMITTED_ANY_ORIGIN, /* a page, and all are allowed */
    DUET_REJECTED_HOST,       /* not our name */
    DUET_REJECTED_ORIGIN,     /* a page that is not allowed */
    DUET_REJECTED_OWN_ORIGIN, /* a page from the Host that it calls, but that is not our name */
    DUET_REJECTED_CROSS_SITE, /* a page of another site, which does not say of which */
};

/* `origins` and `hosts` are those of --allow-origin and --allow-host. */
enum duet_admission duet_admission_of(const struct duet_asker *asker,
                                      const struct duet_texts *origins,
                                      const struct duet_texts *hosts);

/* Why it was rejected, and which flag lets it in, printable. */
void duet_admission_words(enum duet_admission admission, const struct duet_asker *asker,
                          char *room, size_t size);

#endif
