/*
 * The server for what double_server does not have: any number of methods, a payload to echo, a
 * method that sleeps. Written with duet.h alone. usage: bench_server [--methods N] [flags of
 * every Duet server]
 */
#include <duet.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int twice(duet_call *call, void *ctx)
{
    (void)ctx;
    return duet_reply_int(call, 2 * duet_arg_int(call, 0));
}

static int echo(duet_call *call, void *ctx)
{
    (void)ctx;
    return duet_reply_value(call, duet_arg(call, 0));
}

/* Blocks its worker for 10 ms, as a query of a database would; answers as double does, so that
 * the load generators can call it. */
static int nap(duet_call *call, void *ctx)
{
    nanosleep(&(struct timespec){.tv_nsec = 10 * 1000 * 1000}, NULL);
    return twice(call, ctx);
}

static const duet_method methods[] = {
    {.name = "double", .signature = "i:i", .handler = twice, .flags = DUET_METHOD_INLINE},
    {.name = "echo", .signature = "v:v", .handler = echo, .flags = DUET_METHOD_INLINE},
    {.name = "nap", .signature = "i:i", .handler = nap},
    {0},
};

/* Adds methods that nobody calls, in one table. */
static int add_fillers(duet_server *server, size_t count)
{
    enum { NAME_ROOM = 40 };
    duet_method *table = calloc(count + 1, sizeof *table);
    char *names = calloc(count + 1, NAME_ROOM);
    int rc = -1;
    for (size_t i = 0; table != NULL && names != NULL && i < count; i++) {
        snprintf(names + i * NAME_ROOM, NAME_ROOM, "filler.number_%zu", i);
        table[i] = methods[0];
        table[i].name = names + i * NAME_ROOM;
    }
    if (table != NULL && names != NULL)
        rc = duet_server_add(server, table, NULL);
    free(table);
    free(names);
    return rc;
}

int main(int argc, char *argv[])
{
    size_t fillers = 0;
    if (argc > 2 && strcmp(argv[1], "--methods") == 0) {
        size_t wanted = strtoull(argv[2], NULL, 10);
        fillers = wanted > 3 ? wanted - 3 : 0;
        argv += 2; /* the name goes with them; usage does not matter here */
        argc -= 2;
    }
    duet_server *server = duet_server_new();
    duet_server_add(server, methods, NULL);
    int rc = add_fillers(server, fillers);
    duet_server_stop_on_signals(server);
    if (rc == 0)
        rc = duet_server_args(server, argc, argv);
    if (rc == 0)
        rc = duet_server_run(server);
    if (rc < 0)
        fprintf(stderr, "bench_server: %s\n", duet_server_error(server));
    duet_server_free(server);
    return rc < 0 ? 2 : rc;
}
