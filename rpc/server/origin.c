/*
 * The rules for browsers. See origin.h.
 *
 * An origin is allowed if it is listed, or if it is that of the Host that it calls and that is
 * one of our names: an address, localhost, or listed. By its Host alone it is never allowed,
 * for a rebound name is the Host and the origin at once.
 */
#include "origin.h"

#include "web_name.h"

#include <stdio.h>
#include <string.h>

/* A Host, as far as it could be read. */
struct name {
    char text[DUET_HOST_MAX];
    enum duet_host_kind kind;
    int port;
    bool is_ours;
};

static bool has_host(const struct duet_asker *asker)
{
    return asker->host != NULL && asker->host_size > 0;
}

static void read_name(struct name *name, const struct duet_asker *asker,
                      const struct duet_texts *hosts)
{
    name->kind = DUET_HOST_NONE;
    if (has_host(asker))
        name->kind = duet_host_normal(asker->host, asker->host_size, name->text, &name->port);
    name->is_ours = name->kind == DUET_HOST_NUMERIC || name->kind == DUET_HOST_LOCALHOST ||
                    (name->kind == DUET_HOST_NAME && duet_texts_have(hosts, name->text));
}

static bool is_null(const struct duet_asker *asker)
{
    return asker->origin_size == 4 && memcmp(asker->origin, "null", 4) == 0;
}

static enum duet_admission admit_origin(const struct duet_asker *asker,
                                        const struct duet_texts *origins,
                                        const struct name *name)
{
    char origin[DUET_ORIGIN_MAX], own[DUET_ORIGIN_MAX];
    if (duet_texts_have(origins, "*"))
        return DUET_ADMITTED_ANY_ORIGIN;
    if (is_null(asker))
        return duet_texts_have(origins, "null") ? DUET_ADMITTED_ORIGIN : DUET_REJECTED_ORIGIN;
    if (!duet_origin_normal(asker->origin, asker->origin_size, origin))
        return DUET_REJECTED_ORIGIN;
    if (duet_texts_have(origins, origin))
        return DUET_ADMITTED_ORIGIN;
    if (name->kind == DUET_HOST_NONE)
        return DUET_REJECTED_ORIGIN;
    duet_origin_of_host(name->text, name->port, own);
    if (strcmp(origin, own) != 0)
        return DUET_REJECTED_ORIGIN;
    return name->is_ours ? DUET_ADMITTED_ORIGIN : DUET_REJECTED_OWN_ORIGIN;
}

enum duet_admission duet_admission_of(const struct duet_asker *asker,
                                      const struct duet_texts *origins,
                                      const struct duet_texts *hosts)
{
    struct name name;
    bool counts = asker->host_counts && has_host(asker);
    if (counts || asker->origin != NULL)
        read_name(&name, asker, hosts);
    if (counts && !name.is_ours)
        return DUET_REJECTED_HOST;
    if (asker->origin != NULL)
        return admit_origin(asker, origins, &name);
    if (asker->is_cross_site && !duet_texts_have(origins, "*"))
        return DUET_REJECTED_CROSS_SITE;
    return DUET_ADMITTED;
}

enum { QUOTE_MAX = 64 }; /* of what was sent, in words of DUET_REASON_MAX bytes */

static const char *quote(char *room, const char *text, size_t size)
{
    bool is_cut = size > QUOTE_MAX;
    size_t n = is_cut ? QUOTE_MAX : size;
    for (size_t i = 0; i < n; i++)
        room[i] = text[i] >= 0x20 && text[i] < 0x7f && text[i] != '"' ? text[i] : '?';
    strcpy(room + n, is_cut ? "..." : "");
    return room;
}

void duet_admission_words(enum duet_admission admission, const struct duet_asker *asker,
                          char *room, size_t size)
{
    char host[QUOTE_MAX + 4] = "", origin[QUOTE_MAX + 4] = "";
    if (asker->host != NULL)
        quote(host, asker->host, asker->host_size);
    if (asker->origin != NULL)
        quote(origin, asker->origin, asker->origin_size);

    switch (admission) {
    case DUET_REJECTED_HOST:
        snprintf(room, size,
                 "Host \"%s\" is none of this server's names, which a web page may make up; "
                 "--allow-host NAME adds one",
                 host);
        break;
    case DUET_REJECTED_ORIGIN:
        snprintf(
            room, size,
            "web pages from \"%s\" may not call this server; --allow-origin URL lets those "
            "from there",
            origin);
        break;
    case DUET_REJECTED_OWN_ORIGIN:
        snprintf(room, size,
                 "Host \"%s\", where the web page comes from too, is none of this server's "
                 "names; --allow-host NAME adds one",
                 host);
        break;
    case DUET_REJECTED_CROSS_SITE:
        snprintf(room, size,
                 "web pages of other sites may not call this server (Sec-Fetch-Site: "
                 "cross-site); --allow-origin URL lets those from there");
        break;
    default:
        snprintf(room, size, "allowed");
        break;
    }
}
