/*
 * A program as it was compiled with a duet.h of some age: ages.py makes the headers. It serves
 * one call to itself and exits with 0, or with 1 and the words of the set-up error.
 */
#include <duet.h>

#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef LATER_ROW
#define LATER_ROW /* what a row sets that only a later duet.h has */
#endif
#ifndef LATER_HOOK
#define LATER_HOOK
#endif
#ifndef END_ROW
#define END_ROW {0},
#endif

static int twice(duet_call *call, void *ctx)
{
    (void)ctx;
    return duet_reply_int(call, 2 * duet_arg_int(call, 0));
}

static const duet_method methods[] = {
    {.name = "double", .signature = "i:i", .handler = twice LATER_ROW}, END_ROW};

static int seen;

static int before(duet_call *call, void *ctx)
{
    (void)call, (void)ctx;
    seen++;
    return 0;
}

static void *run(void *server)
{
    duet_server_run(server);
    return NULL;
}

static int fail(duet_server *server, const char *what)
{
    printf("%s: %s\n", what, duet_server_error(server));
    duet_server_free(server);
    return 1;
}

/* [0, 1, "double", [21]], and the answer. */
static int call(const char *address)
{
    static const char request[] = "\x94\x00\x01\xa6"
                                  "double\x91\x15";
    static const char expected[] = "\x94\x01\x01\xc0\x2a";
    char reply[sizeof expected - 1];
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)atoi(strrchr(address, ':') + 1)),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    int good = connect(fd, (struct sockaddr *)&to, sizeof to) == 0 &&
               write(fd, request, sizeof request - 1) == (ssize_t)sizeof request - 1 &&
               recv(fd, reply, sizeof reply, MSG_WAITALL) == (ssize_t)sizeof reply &&
               memcmp(reply, expected, sizeof reply) == 0;
    close(fd);
    return good;
}

/* What stands behind a struct that is filled stays as it was. */
static int count(duet_server *server)
{
    struct {
        duet_stats stats;
        uint64_t behind;
        duet_call_stats method;
        uint64_t behind_it;
    } all;
    memset(&all, 0xff, sizeof all);
    if (duet_server_stats(server, &all.stats) < 0 ||
        duet_server_method_stats(server, "double", &all.method) < 0)
        return 0;
#ifdef LATER_COUNTER
    if (all.stats.LATER_COUNTER != 0)
        return 0;
#endif
    return all.behind == UINT64_MAX && all.behind_it == UINT64_MAX && all.stats.calls.ok == 1 &&
           all.stats.connections_accepted == 1 && all.method.ok == 1;
}

int main(void)
{
    duet_server *server = duet_server_new();
    if (duet_server_add(server, methods, NULL) < 0)
        return fail(server, "duet_server_add");
    if (duet_server_add(server, (duet_method[]){{.name = "again", .handler = twice}, {0}},
                        NULL) < 0)
        return fail(server, "duet_server_add of a literal");
    if (duet_server_add_hooks(server, &(duet_hooks){.before = before LATER_HOOK}, NULL) < 0)
        return fail(server, "duet_server_add_hooks");
    if (duet_server_listen(server, "tcp://127.0.0.1:0") < 0)
        return fail(server, "duet_server_listen");
    pthread_t thread;
    if (pthread_create(&thread, NULL, run, server) != 0)
        return fail(server, "pthread_create");
    int good = call(duet_server_address(server, 0)) && count(server) && seen == 1;
    duet_server_drain(server);
    pthread_join(thread, NULL);
    if (!good)
        return fail(server, "the call");
    duet_server_free(server);
    return 0;
}
