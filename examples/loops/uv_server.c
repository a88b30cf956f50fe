/*
 * A libuv program: its loop waits for calls, beside whatever else it waits for. Handlers run in
 * it.
 */
#include <duet.h>

#include <stdio.h>
#include <uv.h>

struct program {
    duet_server *server;
    uv_poll_t readable;
    uv_timer_t timer;
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

static void on_readable(uv_poll_t *readable, int status, int events)
{
    (void)status;
    (void)events;
    struct program *program = readable->data;
    if (duet_server_process(program->server) == 0)
        return;
    uv_close((uv_handle_t *)&program->readable, NULL); /* it has drained: nothing keeps */
    uv_close((uv_handle_t *)&program->timer, NULL);    /* uv_run() any longer */
}

static void on_tick(uv_timer_t *timer)
{
    struct program *program = timer->data;
    program->ticks++;
}

static int serve(struct program *program)
{
    uv_loop_t *loop = uv_default_loop();
    if (duet_server_start(program->server) == 0) {
        uv_poll_init(loop, &program->readable, duet_server_fd(program->server));
        uv_timer_init(loop, &program->timer);
        program->readable.data = program->timer.data = program;
        uv_poll_start(&program->readable, UV_READABLE, on_readable);
        uv_timer_start(&program->timer, on_tick, 100, 100);
        uv_run(loop, UV_RUN_DEFAULT);
    }
    uv_loop_close(loop);
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
        fprintf(stderr, "uv_server: %s\n", duet_server_error(program.server));
    duet_server_free(program.server);
    return rc < 0 ? 2 : rc;
}
