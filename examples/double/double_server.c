/*
 * A whole server: two functions, called by any XML-RPC or MessagePack-RPC client on one port.
 */
#include <duet.h>

#include <signal.h>
#include <stdio.h>

/* A plain function becomes a method by one line. */
static double half(double x)
{
    return x / 2;
}
DUET_FUNCTION(half, d, d);

/* A handler sees its call: here it takes two types, and can fail. */
static int twice(duet_call *call, void *ctx)
{
    (void)ctx;
    if (duet_arg_type(call, 0) == DUET_TYPE_DOUBLE)
        return duet_reply_double(call, 2 * duet_arg_double(call, 0));

    int64_t x = duet_arg_int(call, 0);
    if (x > INT64_MAX / 2 || x < INT64_MIN / 2)
        return duet_fail(call, DUET_FAULT_PARAMS,
                         "cannot double %" PRId64 ": it exceeds 64 bits", x);
    return duet_reply_int(call, 2 * x);
}

static const duet_method methods[] = {
    {.name = "double",
     .signature = "i:i d:d",
     .handler = twice,
     .flags = DUET_METHOD_INLINE,
     .help = "Twice its argument."},
    {DUET_METHOD_OF("half", half), .flags = DUET_METHOD_INLINE, .help = "Half its argument."},
    {0},
};

static int serve(duet_server *server)
{
    signal(SIGPIPE, SIG_IGN); /* that nobody reads what it prints is no reason to end */
    for (size_t i = 0; duet_server_address(server, i) != NULL; i++)
        printf("listening on %s\n", duet_server_address(server, i));
    fflush(stdout);
    return duet_server_run(server);
}

int main(int argc, char *argv[])
{
    duet_server *server = duet_server_new();
    duet_server_add(server, methods, NULL);
    duet_server_stop_on_signals(server);

    int rc = duet_server_args(server, argc, argv);
    if (rc == 0) {
        rc = serve(server);
    } else if (rc > 0) { /* --help and its like */
        fputs(duet_server_args_text(server), stdout);
        rc = 0;
    }

    if (rc < 0) /* the first error of all the calls above */
        fprintf(stderr, "double_server: %s\n", duet_server_error(server));
    duet_server_free(server);
    return rc < 0 ? 2 : rc;
}
