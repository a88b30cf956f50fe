/*
 * One notification to many sessions: encoded once, on the thread that sends it; then each loop
 * has one letter with its part of the sessions.
 */
#include "errno_words.h"
#include "holder.h"
#include "home.h"
#include "notice.h"

#include <errno.h>
#include <stdlib.h>

struct duet_broadcast {
    duet_server *server;
    const struct duet_codec *codec;
    struct duet_writer writer;
    struct duet_fault fault;
    int error;
    struct duet_notice *notice; /* NULL until it is sent for the first time */
};

/* ---- Making ---- */

duet_broadcast *duet_broadcast_new(duet_server *server, const char *method, size_t count)
{
    enum { DEPTH = 1024 }; /* what it holds may nest deeper than what callers may send */
    struct duet_broadcast *broadcast = server != NULL ? calloc(1, sizeof *broadcast) : NULL;
    if (broadcast == NULL)
        return NULL;
    broadcast->server = server;
    broadcast->codec = &duet_codec_msgpack;
    struct duet_style style = {.raw = duet_server_get(server, DUET_OPT_RAW) == DUET_RAW_OLD
                                          ? DUET_RAW_OLD
                                          : DUET_RAW_NEW};
    duet_writer_init(&broadcast->writer, (size_t)duet_server_get(server, DUET_OPT_MAX_MESSAGE));
    duet_writer_start(&broadcast->writer, broadcast->codec->writer_ops, style,
                      &broadcast->fault, DEPTH);
    broadcast->error =
        method == NULL ? -EINVAL
                       : broadcast->codec->begin_call(&broadcast->writer,
                                                      DUET_KIND_NOTIFICATION, 0, method, count);
    if (broadcast->error < 0)
        broadcast->writer.error = broadcast->error;
    return broadcast;
}

duet_writer *duet_broadcast_writer(duet_broadcast *broadcast)
{
    return broadcast != NULL ? &broadcast->writer : NULL;
}

void duet_broadcast_free(duet_broadcast *broadcast)
{
    if (broadcast == NULL)
        return;
    duet_writer_done(&broadcast->writer);
    duet_notice_unref(broadcast->notice);
    free(broadcast);
}

/* ---- On a loop: to its sessions ---- */

struct delivery {
    struct duet_letter letter;
    struct duet_session_keeper *keeper; /* whom the sessions refer to */
    struct duet_notice *notice;
    size_t count;
    struct duet_session *sessions[]; /* a reference to each */
};

static void free_delivery(struct delivery *delivery)
{
    for (size_t i = 0; i < delivery->count; i++)
        duet_session_unref(delivery->sessions[i]);
    duet_notice_unref(delivery->notice);
    free(delivery);
}

static void on_delivery(struct duet_letter *letter)
{
    struct delivery *delivery = DUET_HOLDER(letter, struct delivery, letter);
    const struct duet_session_keeper *keeper = delivery->keeper;
    struct duet_outbound *outbound;
    for (size_t i = 0; i < delivery->count; i++)
        if (keeper->outbound(keeper->ctx, delivery->sessions[i], &outbound) == 0)
            duet_outbound_notify(outbound, delivery->sessions[i], delivery->notice);
    free_delivery(delivery);
}

/* ---- Sending ---- */

static int complete(struct duet_broadcast *broadcast)
{
    struct duet_writer *writer = &broadcast->writer;
    if (broadcast->notice != NULL || broadcast->error < 0)
        return broadcast->error;
    int rc = duet_writer_finish(writer);
    if (rc == 0)
        rc = broadcast->codec->end_call(writer);
    if (rc < 0)
        return broadcast->error = duet_request_errno(&broadcast->fault, rc);
    broadcast->notice = duet_notice_new(&writer->out, 0);
    return broadcast->notice != NULL ? 0 : -ENOMEM;
}

/* The sessions that it goes to come first, in their order; the others are let go. Returns how
 * many they are. */
static size_t choose_from(struct duet_session **sessions, size_t count,
                          bool (*choose)(duet_session *session, void *ctx), void *ctx)
{
    size_t chosen = 0;
    for (size_t i = 0; i < count; i++) {
        struct duet_session *session = sessions[i];
        bool is_up =
            duet_session_is_open(session) && session->protocol == DUET_PROTOCOL_MSGPACKRPC;
        if (is_up && (choose == NULL || choose(session, ctx)))
            sessions[chosen++] = session;
        else
            duet_session_unref(session);
    }
    return chosen;
}

/* Moves those of the first one's loop into a delivery, the others to the front. Returns how
 * many others there are; *posted counts those that are on their way. */
static size_t deliver_some(struct duet_notice *notice, struct duet_session **sessions,
                           size_t count, int *posted)
{
    struct delivery *delivery =
        malloc(sizeof *delivery + count * sizeof(struct duet_session *));
    if (delivery == NULL)
        return count;
    *delivery = (struct delivery){.letter.deliver = on_delivery,
                                  .keeper = sessions[0]->keeper,
                                  .notice = duet_notice_ref(notice)};
    size_t others = 0;
    for (size_t i = 0; i < count; i++) {
        if (sessions[i]->keeper == delivery->keeper)
            delivery->sessions[delivery->count++] = sessions[i];
        else
            sessions[others++] = sessions[i];
    }
    int n = (int)delivery->count;
    struct duet_postbox *box = &delivery->keeper->box;
    if (duet_postbox_is_here(box))
        on_delivery(&delivery->letter);
    else if (!duet_postbox_post(box, &delivery->letter))
        free_delivery(delivery), n = 0;
    *posted += n;
    return others;
}

static int deliver(struct duet_notice *notice, struct duet_session **sessions, size_t count)
{
    int posted = 0;
    while (count > 0) {
        size_t left = deliver_some(notice, sessions, count, &posted);
        if (left == count) { /* out of memory */
            for (size_t i = 0; i < count; i++)
                duet_session_unref(sessions[i]);
            return -ENOMEM;
        }
        count = left;
    }
    return posted;
}

int duet_broadcast_send(duet_broadcast *broadcast,
                        bool (*choose)(duet_session *session, void *ctx), void *ctx)
{
    if (broadcast == NULL)
        return -ENOMEM;
    int rc = complete(broadcast);
    if (rc < 0)
        return rc;
    struct duet_session **sessions;
    size_t count;
    rc = duet_sessions_take_all(&broadcast->server->sessions, &sessions, &count);
    if (rc < 0)
        return rc;
    rc = deliver(broadcast->notice, sessions, choose_from(sessions, count, choose, ctx));
    free(sessions);
    return rc;
}
