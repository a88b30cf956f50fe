/*
 * A server whose methods start processes in every way, for processes.py.
 */
#include <duet.h>

#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static int wait_for(duet_call *call, pid_t pid)
{
    int status = -1;
    if (pid < 0)
        return duet_fail(call, DUET_FAULT_INTERNAL, "cannot fork: %d", errno);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    return duet_reply_int(call, status);
}

static int do_system(duet_call *call, void *ctx)
{
    (void)ctx;
    return duet_reply_int(call, system("exit 3"));
}

/* `ctx` is the command. */
static int do_popen(duet_call *call, void *ctx)
{
    char said[1024] = "";
    FILE *file = popen(ctx, "r");
    if (file == NULL || fgets(said, sizeof said, file) == NULL)
        return duet_fail(call, DUET_FAULT_INTERNAL, "cannot read from a process: %d", errno);
    return pclose(file) == 0 ? duet_reply_string(call, said) : DUET_FAULT_INTERNAL;
}

static int do_spawn(duet_call *call, void *ctx)
{
    (void)ctx;
    char *const arguments[] = {"true", NULL}, *const environment[] = {NULL};
    pid_t pid;
    int error = posix_spawn(&pid, "/bin/true", NULL, NULL, arguments, environment);
    errno = error;
    return wait_for(call, error == 0 ? pid : -1);
}

static int do_fork_exec(duet_call *call, void *ctx)
{
    (void)ctx;
    pid_t pid = fork();
    if (pid == 0) {
        execl("/bin/true", "true", (char *)NULL);
        _exit(1);
    }
    return wait_for(call, pid);
}

/* A child that goes on for a while, argument 0 in ms, with copies of everything; it is not
 * waited for, but reaped by the system. */
static int do_fork(duet_call *call, void *ctx)
{
    (void)ctx;
    int64_t ms = duet_arg_int(call, 0);
    pid_t pid = fork();
    if (pid == 0) {
        pid = fork();
        if (pid == 0)
            usleep((useconds_t)ms * 1000);
        _exit(pid < 0);
    }
    return wait_for(call, pid);
}

/* The child of this one has its number told, and lives so long unless it is killed. */
static int do_fork_lasting(duet_call *call, void *ctx)
{
    (void)ctx;
    int64_t ms = duet_arg_int(call, 0);
    pid_t pid = fork();
    if (pid == 0) {
        usleep((useconds_t)ms * 1000);
        _exit(0);
    }
    return duet_reply_int(call, pid);
}

static int echo(duet_call *call, void *ctx)
{
    (void)ctx;
    return duet_reply_value(call, duet_arg(call, 0));
}

static const duet_method methods[] = {
    {.name = "system", .signature = "i:", .handler = do_system},
    {.name = "spawn", .signature = "i:", .handler = do_spawn},
    {.name = "fork.exec", .signature = "i:", .handler = do_fork_exec},
    {.name = "fork", .signature = "i:i", .handler = do_fork},
    {.name = "fork.lasting", .signature = "i:i", .handler = do_fork_lasting},
    {.name = "fork.inline",
     .signature = "i:i",
     .handler = do_fork,
     .flags = DUET_METHOD_INLINE},
    {.name = "echo", .signature = "v:v", .handler = echo, .flags = DUET_METHOD_INLINE},
    {0},
};

static const duet_method popen_methods[] = {
    {.name = "popen", .signature = "s:", .handler = do_popen}, {0}};
static const duet_method fds_methods[] = {
    {.name = "fds", .signature = "s:", .handler = do_popen}, {0}};

int main(int argc, char *argv[])
{
    duet_server *server = duet_server_new();
    duet_server_add(server, methods, NULL);
    duet_server_add(server, popen_methods, "echo hello");
    duet_server_add(server, fds_methods, "echo /proc/$$/fd/*");
    duet_server_stop_on_signals(server);
    int rc = duet_server_args(server, argc, argv);
    if (rc == 0) {
        printf("listening on %s\n", duet_server_address(server, 0));
        fflush(stdout);
        rc = duet_server_run(server);
    }
    if (rc < 0)
        fprintf(stderr, "forking_server: %s\n", duet_server_error(server));
    duet_server_free(server);
    return rc < 0 ? 2 : rc;
}
