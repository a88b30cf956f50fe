/*
 * Who has the signals, and what the handler may touch while the server is about to go. The
 * handler runs on any thread, and in processes that a method has forked.
 */
#include "signals.h"

#include <errno.h>
#include <sched.h>

static _Atomic(struct duet_server *) signalled;
static _Atomic unsigned handlers_running;

static void set_default_actions(void)
{
    struct sigaction standard = {.sa_handler = SIG_DFL};
    sigaction(SIGTERM, &standard, NULL);
    sigaction(SIGINT, &standard, NULL);
}

/* The first signal drains; the next one, of either kind, has its default action. A forked
 * process does not drain its parent's server: the signal does to it what it does to any. */
static void on_signal(int number)
{
    int saved = errno;
    atomic_fetch_add(&handlers_running, 1);
    struct duet_server *server = atomic_load(&signalled);
    if (server != NULL)
        set_default_actions();
    if (server != NULL && !duet_server_is_forked(server))
        duet_server_drain(server);
    else
        raise(number); /* without a server it is for whoever has it back by now */
    atomic_fetch_sub(&handlers_running, 1);
    errno = saved;
}

int duet_server_stop_on_signals(duet_server *server)
{
    if (duet_server_check_set_up(server) < 0)
        return duet_server_check_set_up(server);
    struct duet_server *none = NULL;
    if (!atomic_compare_exchange_strong(&signalled, &none, server) && none != server)
        return duet_server_fail(server, -EBUSY,
                                "another server of this process stops on signals already");
    if (server->has_signals)
        return 0;
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigaction(SIGTERM, &action, &server->old_term);
    sigaction(SIGINT, &action, &server->old_int);
    server->has_signals = true;
    return 0;
}

static void restore_actions(const struct duet_server *server)
{
    sigaction(SIGTERM, &server->old_term, NULL);
    sigaction(SIGINT, &server->old_int, NULL);
}

void duet_signals_give_back(struct duet_server *server)
{
    if (!server->has_signals)
        return;
    server->has_signals = false;
    restore_actions(server); /* before nobody is signalled: a handler that finds nobody
                                raises */
    atomic_store(&signalled, NULL);
    if (duet_server_is_forked(server))
        return; /* handlers that ran when it was forked run in the parent alone */
    while (atomic_load(&handlers_running) > 0) /* on other threads: a few instructions */
        sched_yield();
    restore_actions(server); /* such a handler may have set the default ones */
}
