/*
 * A GLib program: its main loop waits for calls, beside whatever else it waits for. Handlers
 * run in it, so they may use all of GLib's single-threaded world, as GTK's.
 */
#include <duet.h>

#include <glib-unix.h>
#include <glib.h>
#include <stdio.h>

struct program {
    duet_server *server;
    GMainLoop *loop;
    int64_t ticks;
};

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

static gboolean on_readable(gint fd, GIOCondition condition, gpointer data)
{
    (void)fd;
    (void)condition;
    struct program *program = data;
    if (duet_server_process(program->server) == 0)
        return G_SOURCE_CONTINUE;
    g_main_loop_quit(program->loop); /* it has drained */
    return G_SOURCE_REMOVE;
}

static gboolean on_tick(gpointer data)
{
    struct program *program = data;
    program->ticks++;
    return G_SOURCE_CONTINUE;
}

static int serve(struct program *program)
{
    if (duet_server_start(program->server) == 0) {
        program->loop = g_main_loop_new(NULL, FALSE);
        g_unix_fd_add(duet_server_fd(program->server), G_IO_IN, on_readable, program);
        guint timer = g_timeout_add(100, on_tick, program);
        g_main_loop_run(program->loop);
        g_source_remove(timer);
        g_main_loop_unref(program->loop);
    }
    return duet_server_wait(program->server);
}

int main(int argc, char *argv[])
{
    struct program program = {.server = duet_server_new()};
    duet_server_pin(program.server, DUET_OPT_LOOPS, 1);
    duet_server_pin(program.server, DUET_OPT_WORKERS, 0);
    duet_server_add(program.server, methods, &program);
    duet_server_stop_on_signals(program.server);

    int rc = duet_server_args(program.server, argc, argv);
    if (rc == 0) {
        printf("listening on %s\n", duet_server_address(program.server, 0));
        fflush(stdout);
        rc = serve(&program);
    } else if (rc > 0) { /* --help and its like */
        rc = fputs(duet_server_args_text(program.server), stdout) < 0 ? 1 : 0;
    }
    if (rc < 0) /* the first error of all the calls above */
        fprintf(stderr, "glib_server: %s\n", duet_server_error(program.server));
    duet_server_free(program.server);
    return rc < 0 ? 2 : rc;
}
