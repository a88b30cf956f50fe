/*
 * A program with a loop of its own: poll() waits for calls, for a console and for the next
 * tick. Handlers run in this thread, between two waits, so nothing that they share needs a
 * lock.
 */
#include <duet.h>

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

struct program {
    int console;   /* -1: nobody types any more */
    int64_t ticks; /* so many */
    int64_t next_ms;
};

enum { TICK_MS = 100 };

/* ---- What can be called ---- */

static int twice(duet_call *call, void *ctx)
{
    (void)ctx;
    return duet_reply_int(call, 2 * duet_arg_int(call, 0));
}

static int ticks(duet_call *call, void *ctx)
{
    const struct program *program = ctx;
    return duet_reply_int(call, program->ticks);
}

static const duet_method methods[] = {
    {.name = "double", .signature = "i:i", .handler = twice},
    {.name = "ticks", .signature = "i:", .handler = ticks},
    {0},
};

/* ---- What the program does besides ---- */

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Ticks if it is time; returns how many ms it is to the next one. */
static int tick(struct program *program)
{
    int64_t now = now_ms();
    for (; program->next_ms <= now; program->next_ms += TICK_MS)
        program->ticks++;
    return (int)(program->next_ms - now);
}

static void read_console(struct program *program)
{
    char line[256];
    ssize_t n = read(program->console, line, sizeof line);
    if (n > 0)
        printf("%lld ticks\n", (long long)program->ticks);
    else
        program->console = -1; /* which poll() passes over */
    fflush(stdout);
}

/* ---- The server ---- */

/* The sockets that systemd listens on for this program, if it does: sd_listen_fds(3). */
static void take_sockets(duet_server *server)
{
    const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");
    if (pid == NULL || count == NULL || atoi(pid) != getpid())
        return;
    for (int i = 0; i < atoi(count); i++)
        duet_server_listen_fd(server, STDERR_FILENO + 1 + i, DUET_PROTOCOLS_BOTH);
}

static int serve(duet_server *server, struct program *program)
{
    int rc = duet_server_start(server);
    while (rc == 0) {
        struct pollfd fds[] = {{.fd = duet_server_fd(server), .events = POLLIN},
                               {.fd = program->console, .events = POLLIN}};
        poll(fds, 2, tick(program));
        if (fds[0].revents != 0)
            rc = duet_server_process(server); /* 1 once it has drained */
        if (fds[1].revents != 0)
            read_console(program);
    }
    return duet_server_wait(server);
}

int main(int argc, char *argv[])
{
    signal(SIGPIPE, SIG_IGN); /* that nobody reads what it prints is no reason to end */
    struct program program = {.console = STDIN_FILENO, .next_ms = now_ms()};
    duet_server *server = duet_server_new();
    duet_server_pin(server, DUET_OPT_LOOPS, 1);   /* the one that is ours, */
    duet_server_pin(server, DUET_OPT_WORKERS, 0); /* and no thread besides */
    duet_server_add(server, methods, &program);
    duet_server_stop_on_signals(server);
    take_sockets(server);

    int rc = duet_server_args(server, argc, argv);
    if (rc == 0) {
        printf("listening on %s\n", duet_server_address(server, 0));
        fflush(stdout);
        rc = serve(server, &program);
    } else if (rc > 0) { /* --help and its like */
        rc = fputs(duet_server_args_text(server), stdout) < 0 ? 1 : 0;
    }
    if (rc < 0) /* the first error of all the calls above */
        fprintf(stderr, "poll_server: %s\n", duet_server_error(server));
    duet_server_free(server);
    return rc < 0 ? 2 : rc;
}
