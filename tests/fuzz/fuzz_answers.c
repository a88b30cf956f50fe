/*
 * Fuzz target: what a client sends that owes us answers. Whatever it is, each request ends
 * exactly once, and what was read of its answer can be looked at.
 */
#include "home_rig.h"
#include "request.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

enum { REQUESTS = 4, MOST = 64 * 1024 /* bytes: what a socket pair takes at once */ };

static struct home_rig rig;
static duet_session *session;

static void require(bool holds)
{
    if (!holds)
        abort();
}

static int keep(duet_call *call, void *ctx)
{
    (void)ctx;
    if (session == NULL)
        session = duet_session_ref(duet_call_session(call));
    return 0;
}

static const duet_method methods[] = {
    {.name = "keep", .handler = keep, .flags = DUET_METHOD_INLINE},
    {.name = "worker", .handler = keep},
    {0},
};

static void look_at(const duet_value *value)
{
    size_t size;
    duet_value_string(value, &size);
    for (size_t i = 0; i < duet_value_count(value); i++)
        look_at(duet_value_item(value, i));
}

static void note(duet_request *request, void *ctx)
{
    ++*(int *)ctx;
    int status = duet_request_status(request);
    require(status != -EINPROGRESS);
    look_at(duet_request_result(request));
    look_at(duet_request_fault_value(request));
}

/* The first three have numbers that a short input can name; none of them is freed before its
 * end. */
static void send_requests(int *ended)
{
    for (int i = 0; i < REQUESTS; i++) {
        duet_request *request = duet_session_request(session, "m", 0);
        require(duet_request_send(request, note, &ended[i]) == 0);
        duet_request_free(request);
    }
    home_rig_turn(&rig);
}

static void set_up(void)
{
    home_rig_init(&rig, methods, NULL);
    duet_server_set(rig.server, DUET_OPT_MAX_VALUES, 5000);
    home_rig_open(&rig);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    char sent[4096];
    int ended[REQUESTS] = {0};
    if (rig.server == NULL)
        set_up();
    int peer = home_rig_connect(&rig);
    home_rig_send(&rig, peer, "[0,1,'keep',[]]");
    send_requests(ended);
    require(recv(peer, sent, sizeof sent, 0) > 0);
    if (send(peer, bytes, size < MOST ? size : MOST, MSG_NOSIGNAL) > 0) {
        home_rig_turn(&rig);
        home_rig_turn(&rig);
    }
    duet_session_unref(session);
    session = NULL;
    shutdown(peer, SHUT_RDWR);
    close(peer);
    while (rig.home->conns.open > 0)
        home_rig_turn(&rig);
    for (int i = 0; i < REQUESTS; i++)
        require(ended[i] == 1);
    return 0;
}
