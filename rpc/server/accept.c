/*
 * Which connections are taken, and by which loop. On the loop's thread; those that a program
 * brings, on any.
 */
#include "home_parts.h"

#include "fd.h"
#include "given.h"

#include <errno.h>
#include <stdlib.h>

/* One on its way to another loop. */
struct parcel {
    struct duet_letter letter;
    struct duet_home *to;
    struct duet_newcomer newcomer;
    struct sockaddr_storage peer;
};

uint32_t duet_home_max_in_flight(const struct duet_home *home,
                                 const struct duet_protocol_row *protocol)
{
    uint32_t limit = (uint32_t)home->server->options.value[DUET_OPT_MAX_IN_FLIGHT];
    size_t fitting = home->conns.conn_limits.max_part / DUET_SMALL_CALL_BYTES + 1;
    if (protocol->is_ordered)
        return 1;
    return fitting < limit ? (uint32_t)fitting : limit;
}

struct duet_conn *duet_home_open_conn(struct duet_home *home, enum duet_excess excess,
                                      const struct duet_newcomer *newcomer)
{
    const struct duet_conn_opening opening = {
        .stream = newcomer->stream,
        .peer = newcomer->peer,
        .max_in_flight = 1, /* until the first byte has come */
        .owner_size = sizeof(struct duet_caller),
    };
    struct duet_conn *conn = duet_conn_open(&home->conns, &opening);
    if (conn == NULL) {
        duet_home_forget(home, excess, newcomer->peer);
        return NULL;
    }
    struct duet_caller *caller = duet_caller_of(conn);
    caller->listener = newcomer->listener;
    caller->excess = (uint8_t)excess;
    caller->raw = home->server->service.style.raw;
    if (home->is_draining)
        duet_conn_drain(conn);
    return conn;
}

static void on_parcel(struct duet_letter *letter)
{
    struct parcel *parcel = (struct parcel *)(void *)letter;
    duet_home_open_conn(parcel->to, EXCESS_NONE, &parcel->newcomer);
    free(parcel);
}

static socklen_t size_of(const struct sockaddr *peer)
{
    switch (peer->sa_family) {
    case AF_INET:
        return sizeof(struct sockaddr_in);
    case AF_INET6:
        return sizeof(struct sockaddr_in6);
    default:
        return sizeof peer->sa_family;
    }
}

/* 0; or -ENOMEM, and it is still the caller's. */
static int send_parcel(struct duet_home *to, const struct duet_newcomer *newcomer)
{
    struct parcel *parcel = calloc(1, sizeof *parcel);
    if (parcel == NULL)
        return -ENOMEM;
    parcel->letter.deliver = on_parcel;
    parcel->to = to;
    parcel->newcomer = *newcomer;
    memcpy(&parcel->peer, newcomer->peer, size_of(newcomer->peer));
    parcel->newcomer.peer = (const struct sockaddr *)&parcel->peer;
    duet_loop_post(&to->loop, &parcel->letter);
    duet_loop_announce(&to->loop);
    return 0;
}

/* Which limit keeps the next connection out, if any. What is counted here is taken back when
 * the connection closes. */
static enum duet_excess which_limit(struct duet_server *server, const struct sockaddr *peer)
{
    int64_t per_address = server->options.value[DUET_OPT_MAX_PER_ADDRESS];
    if (atomic_fetch_add(&server->connections, 1) >=
        server->options.value[DUET_OPT_MAX_CONNECTIONS]) {
        atomic_fetch_sub(&server->connections, 1);
        duet_count_shared(&server->refused_max_connections, 1);
        return EXCESS_CONNECTIONS;
    }
    if (per_address > 0 &&
        !duet_per_address_add(&server->per_address, peer, (uint64_t)per_address)) {
        atomic_fetch_sub(&server->connections, 1);
        duet_count_shared(&server->refused_max_per_address, 1);
        return EXCESS_PER_ADDRESS;
    }
    return EXCESS_NONE;
}

static void count_out(struct duet_server *server, const struct sockaddr *peer)
{
    atomic_fetch_sub(&server->connections, 1);
    if (server->options.value[DUET_OPT_MAX_PER_ADDRESS] > 0)
        duet_per_address_remove(&server->per_address, peer);
}

void duet_home_forget(struct duet_home *home, enum duet_excess excess,
                      const struct sockaddr *peer)
{
    if (excess == EXCESS_NONE)
        count_out(home->server, peer);
}

/* A connection too many: it is told so when it has said what it wants, for it may be a health
 * check, which is answered. Of those that wait the oldest makes room, so that no number of
 * silent ones keeps a health check out. */
static void turn_away(struct duet_home *home, enum duet_excess excess,
                      struct duet_newcomer *newcomer)
{
    uint64_t *place = &home->turned_away[home->turned_away_count++ % DUET_HOME_TURNED_AWAY];
    struct duet_conn *oldest = duet_conns_find(&home->conns, *place);
    if (oldest != NULL)
        duet_conn_close(oldest);
    const struct duet_conn *conn = duet_home_open_conn(home, excess, newcomer);
    if (conn != NULL)
        *place = conn->id;
}

/* Loops take turns: whichever accepts, the connections are shared evenly. */
static struct duet_home *next_home(struct duet_server *server)
{
    return &server->homes[atomic_fetch_add(&server->accepted, 1) % server->home_count];
}

static void on_accepted(struct duet_acceptor *acceptor, int fd, const struct sockaddr *peer)
{
    struct duet_home *home = acceptor->ctx;
    struct duet_server *server = home->server;
    struct duet_newcomer newcomer = {.stream = duet_stream_socket(fd),
                                     .listener =
                                         (uint16_t)(acceptor->listener - server->listeners),
                                     .peer = peer};
    enum duet_excess excess = which_limit(server, peer);
    if (excess != EXCESS_NONE) {
        turn_away(home, excess, &newcomer);
        return;
    }
    struct duet_home *to = next_home(server);
    if (to == home || home->is_draining) {
        duet_home_open_conn(home, EXCESS_NONE, &newcomer);
    } else if (send_parcel(to, &newcomer) < 0) {
        duet_socket_close(fd);
        count_out(server, peer);
    }
}

int duet_home_start_accepting(struct duet_home *home)
{
    struct duet_server *server = home->server;
    for (size_t i = 0; i < server->listener_count; i++) {
        struct duet_acceptor *acceptor = &home->acceptors[i];
        acceptor->listener = &server->listeners[i];
        acceptor->loop = &home->loop;
        acceptor->reserve = &server->reserve;
        acceptor->accepted = on_accepted;
        acceptor->ctx = home;
        int rc = duet_acceptor_start(acceptor);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* ---- Connections that a program brings ---- */

/* To a loop, while there are loops. */
static int send_newcomer(struct duet_server *server, const struct duet_newcomer *newcomer)
{
    pthread_mutex_lock(&server->lock);
    bool is_open = server->is_serving && !atomic_load(&server->is_draining);
    int rc = is_open ? send_parcel(next_home(server), newcomer) : -ESHUTDOWN;
    pthread_mutex_unlock(&server->lock);
    return rc;
}

static int adopt(struct duet_server *server, int fd, const struct sockaddr *peer)
{
    if (!atomic_load(&server->is_running) || duet_server_is_forked(server))
        return -EINVAL;
    if (which_limit(server, peer) != EXCESS_NONE)
        return -EAGAIN;
    const struct duet_newcomer newcomer = {
        .stream = duet_stream_socket(fd), .listener = DUET_NO_LISTENER, .peer = peer};
    int rc = send_newcomer(server, &newcomer);
    if (rc < 0)
        count_out(server, peer);
    return rc;
}

int duet_server_adopt(duet_server *server, int fd)
{
    struct sockaddr_storage peer;
    fd = duet_given_connected(fd, &peer);
    if (fd < 0)
        return fd;
    int rc = server != NULL ? adopt(server, fd, (const struct sockaddr *)&peer) : -ENOMEM;
    if (rc < 0)
        duet_socket_close(fd);
    return rc;
}
