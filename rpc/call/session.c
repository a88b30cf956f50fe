/*
 * What duet.h offers about sessions. Any thread.
 */
#include "session.h"

#include "address.h"
#include "call.h"
#include "holder.h"

#include <errno.h>
#include <stdlib.h>

/* ---- Its keeper ---- */

struct duet_session_keeper *duet_session_keeper_new(struct duet_loop *loop)
{
    struct duet_session_keeper *keeper = calloc(1, sizeof *keeper);
    if (keeper == NULL)
        return NULL;
    atomic_init(&keeper->references, 1);
    duet_postbox_init(&keeper->box, loop);
    return keeper;
}

void duet_session_keeper_close(struct duet_session_keeper *keeper)
{
    if (keeper != NULL)
        duet_postbox_close(&keeper->box);
}

void duet_session_keeper_unref(struct duet_session_keeper *keeper)
{
    if (keeper == NULL || atomic_fetch_sub(&keeper->references, 1) > 1)
        return;
    duet_postbox_done(&keeper->box);
    free(keeper);
}

/* ---- Its life ---- */

static uint64_t next_id(void)
{
    static _Atomic uint64_t last;
    return atomic_fetch_add_explicit(&last, 1, memory_order_relaxed) + 1;
}

struct duet_session *duet_session_new(struct duet_session_keeper *keeper, uint64_t conn,
                                      duet_protocol protocol, const struct sockaddr_in6 *peer)
{
    struct duet_session *session = calloc(1, sizeof *session);
    if (session == NULL)
        return NULL;
    session->id = next_id();
    session->conn = conn;
    session->protocol = protocol;
    session->peer = *peer;
    session->keeper = keeper;
    atomic_fetch_add_explicit(&keeper->references, 1, memory_order_relaxed);
    session->users = 1;
    atomic_init(&session->references, 1);
    return session;
}

static void free_session(struct duet_session *session)
{
    void *data = atomic_load(&session->data);
    if (data != NULL && session->free_data != NULL)
        session->free_data(data);
    free(atomic_load(&session->peer_text));
    duet_session_keeper_unref(session->keeper);
    free(session);
}

duet_session *duet_session_ref(duet_session *session)
{
    if (session != NULL)
        atomic_fetch_add_explicit(&session->references, 1, memory_order_relaxed);
    return session;
}

void duet_session_unref(duet_session *session)
{
    if (session != NULL && atomic_fetch_sub(&session->references, 1) == 1)
        free_session(session);
}

/* ---- What it is ---- */

duet_session *duet_call_session(const duet_call *call)
{
    return call->root->session;
}

uint64_t duet_session_id(const duet_session *session)
{
    return session != NULL ? session->id : 0;
}

duet_protocol duet_session_protocol(const duet_session *session)
{
    return session != NULL ? session->protocol : DUET_PROTOCOL_XMLRPC;
}

bool duet_session_is_open(const duet_session *session)
{
    return session != NULL && atomic_load(&session->is_open);
}

/* Two threads may make it at once: the first one counts. */
const char *duet_session_peer(const duet_session *session)
{
    if (session == NULL)
        return "";
    _Atomic(char *) *place = (_Atomic(char *) *)&session->peer_text;
    char *text = atomic_load(place);
    if (text != NULL)
        return text;
    char *made = malloc(DUET_PEER_TEXT_MAX);
    if (made == NULL)
        return "";
    duet_peer_format((const struct sockaddr *)(const void *)&session->peer, made,
                     DUET_PEER_TEXT_MAX);
    if (atomic_compare_exchange_strong(place, &text, made))
        return made;
    free(made);
    return text;
}

/* ---- Its data ---- */

int duet_session_set_data(duet_session *session, void *data, void (*free_data)(void *data))
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* it happens once a session */
    if (session == NULL || data == NULL)
        return -EINVAL;
    pthread_mutex_lock(&lock);
    bool is_first = atomic_load(&session->data) == NULL;
    if (is_first) {
        session->free_data = free_data;
        atomic_store(&session->data, data);
    }
    pthread_mutex_unlock(&lock);
    return is_first ? 0 : -EEXIST;
}

void *duet_session_data(const duet_session *session)
{
    return session != NULL ? atomic_load(&session->data) : NULL;
}

/* ---- What is asked of it ---- */

static void on_letter(struct duet_letter *letter)
{
    struct duet_session *session = DUET_HOLDER(letter, struct duet_session, letter);
    unsigned asked = atomic_exchange(&session->asked, 0);
    session->keeper->attend(session->keeper->ctx, session, asked);
    duet_session_unref(session);
}

/* The letter is on its way, or of no use, as long as something is asked. */
void duet_session_ask(duet_session *session, unsigned what)
{
    if (session == NULL || atomic_fetch_or(&session->asked, what) != 0)
        return;
    session->letter.deliver = on_letter;
    atomic_fetch_add_explicit(&session->references, 1, memory_order_relaxed);
    if (!duet_postbox_post(&session->keeper->box, &session->letter))
        duet_session_unref(session);
}

void duet_session_close(duet_session *session)
{
    duet_session_ask(session, DUET_ASKED_CLOSE);
}

void duet_session_set_idle_timeout(duet_session *session, unsigned ms)
{
    if (session == NULL)
        return;
    atomic_store(&session->idle_timeout_ms, ms);
    duet_session_ask(session, DUET_ASKED_IDLE);
}

void duet_session_set_slow_reader(duet_session *session, duet_slow_reader policy)
{
    if (session != NULL)
        atomic_store(&session->slow_reader, (int)policy);
}
