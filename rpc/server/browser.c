/*
 * Browsers: whose pages may call, and what they are told so that the page may read the answer
 * (CORS, https://fetch.spec.whatwg.org). On the loop's thread.
 */
#include "home_parts.h"
#include "origin.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_loopback(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)address;
        return ntohl(in->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
    }
    if (address->sa_family != AF_INET6)
        return false;
    const struct in6_addr *in6 =
        &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
    return IN6_IS_ADDR_LOOPBACK(in6) ||
           (IN6_IS_ADDR_V4MAPPED(in6) && in6->s6_addr[12] == IN_LOOPBACKNET);
}

/* Where a rebound name may lead. Calls: to loopback, also through a listener on all addresses;
 * beyond it a server has names that it cannot know, and a page that calls says its Origin.
 * Pages: everywhere, for a page may be read without one. Never to a unix socket, which no
 * browser reaches: there stands a proxy, whose names are its own. */
static bool does_host_count(const struct duet_conn *conn, const struct duet_message *message)
{
    const struct duet_home *home = conn->conns->ctx;
    const struct duet_listener *listener = duet_home_listener_of(home, conn);
    sa_family_t family =
        listener != NULL ? listener->address.any.sa_family : conn->peer.any.sa_family;
    bool is_unix = family != AF_INET && family != AF_INET6; /* a peer there has no address */
    if (is_unix || duet_pages_is_health(message))
        return false;
    return message->content == DUET_CONTENT_NONE || is_loopback(&conn->peer.any) ||
           (listener != NULL && is_loopback(&listener->address.any));
}

static bool is_usual_host(const struct duet_home *home, const struct duet_message *message)
{
    return message->host != NULL && message->host_size == home->usual_host_size &&
           memcmp(message->host, home->usual_host, home->usual_host_size) == 0;
}

/* One of our names: the next request with it need not be looked at. */
static void remember_host(struct duet_home *home, const struct duet_message *message)
{
    if (message->host == NULL || message->host_size > sizeof home->usual_host)
        return;
    memcpy(home->usual_host, message->host, message->host_size);
    home->usual_host_size = message->host_size;
}

/* Keeps what the replies to this request say of whose pages may read them. HTTP answers one
 * request after the other, so one is enough. */
static void allow_origin(struct duet_conn *conn, struct duet_message *message,
                         const char *origin, size_t size)
{
    char *kept = strndup(origin, size);
    if (kept == NULL)
        return; /* the page is answered and may not read it */
    free(duet_caller_of(conn)->origin);
    duet_caller_of(conn)->origin = kept;
    message->notes |= DUET_NOTE_ORIGIN_ALLOWED;
}

static enum duet_admission judge(struct duet_conn *conn, struct duet_message *message,
                                 const struct duet_asker *asker)
{
    const struct duet_home *home = conn->conns->ctx;
    const struct duet_texts *texts = home->server->options.texts;
    enum duet_admission admission =
        duet_admission_of(asker, &texts[DUET_TEXT_ALLOW_ORIGIN], &texts[DUET_TEXT_ALLOW_HOST]);
    if (admission == DUET_ADMITTED_ORIGIN)
        allow_origin(conn, message, asker->origin, asker->origin_size);
    else if (admission == DUET_ADMITTED_ANY_ORIGIN)
        allow_origin(conn, message, "*", 1);
    return admission;
}

static struct duet_asker asker_of(const struct duet_conn *conn,
                                  const struct duet_message *message)
{
    return (struct duet_asker){
        .host = message->host,
        .host_size = message->host_size,
        .origin = message->origin,
        .origin_size = message->origin_size,
        .is_cross_site = (message->notes & DUET_NOTE_CROSS_SITE) != 0,
        .host_counts = does_host_count(conn, message),
    };
}

bool duet_browser_admits(struct duet_conn *conn, struct duet_message *message)
{
    struct duet_home *home = conn->conns->ctx;
    bool is_page = message->origin != NULL || message->notes & DUET_NOTE_CROSS_SITE;
    if (!is_page && is_usual_host(home, message))
        return true;

    struct duet_asker asker = asker_of(conn, message);
    enum duet_admission admission = judge(conn, message, &asker);
    if (admission < DUET_REJECTED_HOST) {
        if (asker.host_counts)
            remember_host(home, message);
        return true;
    }
    message->status = 403;
    duet_admission_words(admission, &asker, message->reason, sizeof message->reason);
    duet_pages_reject(conn, message);
    return false;
}

void duet_browser_note(struct duet_conn *conn, struct duet_message *message)
{
    if (message->origin == NULL)
        return;
    struct duet_asker asker = asker_of(conn, message);
    judge(conn, message, &asker);
}

const char *duet_browser_lines(const struct duet_conn *conn, const struct duet_head *head,
                               char *room)
{
    /* A page may ask for these ten minutes before it must ask again: flags change with the next
     * start of a server. */
    static const char preflight[] =
        "Access-Control-Allow-Methods: POST, GET, HEAD\r\n"
        "Access-Control-Allow-Headers: Content-Type, Content-Encoding, Authorization, "
        "Duet-Fault-Data\r\n"
        "Access-Control-Max-Age: 600\r\n";
    const uint32_t notes = head->notes;
    const char *origin = duet_caller_of(conn)->origin;
    bool is_any = strcmp(origin, "*") == 0;
    bool is_preflight = notes & DUET_NOTE_OPTIONS && notes & DUET_NOTE_PREFLIGHT;
    bool asks_private = is_preflight && notes & DUET_NOTE_PRIVATE_NETWORK;
    snprintf(room, DUET_HEAD_EXTRA_MAX + 1, "%sAccess-Control-Allow-Origin: %s\r\n%s%s%s",
             head->extra, origin, is_any ? "" : "Vary: Origin\r\n",
             is_preflight ? preflight : "",
             asks_private ? "Access-Control-Allow-Private-Network: true\r\n" : "");
    return room;
}
