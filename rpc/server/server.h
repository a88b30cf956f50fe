/*
 * The server as its parts see it: what set-up fixed, and the few things that loops and workers
 * share while it runs.
 */
#ifndef DUET_SERVER_H
#define DUET_SERVER_H

#include "block.h"
#include "codec.h"
#include "framing.h"
#include "listener.h"
#include "options.h"
#include "per_address.h"
#include "pool.h"
#include "registry.h"
#include "service.h"
#include "sessions.h"
#include "wait.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

struct duet_home;

/* What a worker notes, on a cache line of its own. */
struct duet_worker {
    _Alignas(64) _Atomic(const struct duet_method_entry *) running; /* for all to see */
    struct duet_home *home;    /* that does this work itself, on its loop; NULL for a thread */
    struct duet_runner runner; /* this thread, to the handlers that it runs */
    struct duet_loop *owed;    /* that it has posted to without announcing it */
    uint64_t last_end_ns;      /* when its last call ended; 0: long ago */
};

enum { DUET_SERVER_WORDS = 1024 };

/*  NOT_BEGUN --start--> BEGUN --wait--> AWAITED
 *       \---------------- run -------------^      */
enum duet_run_stage { RUN_NOT_BEGUN, RUN_BEGUN, RUN_AWAITED };

/* Who turns the first loop, and what becomes of it: run.c. */
struct duet_run {
    _Atomic int stage;    /* enum duet_run_stage */
    pthread_t starter;    /* whose duet_server_process() it is */
    int loop_fd;          /* what a program polls: the first loop's epoll, for as long as the
                             server lives. -1 if no program does */
    pthread_mutex_t turn; /* held by the thread that turns the first loop, if it is the
                             program's; it checks for errors, so a handler cannot have it
                             again */
    bool has_ended;       /* all is closed, or handlers are stuck; under turn */
    int result;           /* then */
};

struct duet_server {
    /* Set up, then read-only. */
    struct duet_options options;
    struct duet_service service; /* what its calls know of it */
    struct duet_listener *listeners;
    size_t listener_count;
    struct duet_home *homes; /* one for each loop */
    _Atomic size_t home_count;
    struct duet_pool pool;
    struct duet_worker *worker_notes; /* one for each thread; NULL without any */
    int error;                        /* the first set-up error */
    char words[DUET_SERVER_WORDS];
    char *text; /* what duet_server_args was asked for */
    bool has_signals;
    struct sigaction old_term, old_int;

    /* Methods: the current table under lock, its number to be looked at without. */
    pthread_mutex_t lock;
    struct duet_registry *registry; /* under lock; it holds a reference */
    bool is_serving; /* under lock: homes and workers are there to be looked at */
    _Atomic unsigned long registry_number;

    struct duet_run run;

    /* While it runs. */
    struct duet_session_list sessions;
    struct duet_per_address per_address;
    _Atomic pid_t process; /* that runs it; set before is_running */
    _Atomic int drain_fd;  /* an eventfd that every loop watches: readable when draining. It
                              lives as long as the server, for a drain may come when its loops
                              are gone. -1 before */
    struct duet_reserve reserve;
    _Atomic bool is_running;
    _Atomic bool is_draining;
    _Atomic bool has_told_drain;      /* to the hooks */
    _Atomic bool deadline_passed;     /* of the drain: calls were cancelled */
    _Atomic unsigned homes_accepting; /* loops that may still hand a connection to another */
    _Atomic long long connections;    /* open, on all loops */
    struct duet_budget budget;        /* of messages and replies under way, on all loops */
    _Atomic uint64_t refused_max_connections, refused_max_per_address;
    _Atomic uint64_t refused_over_budget; /* calls whose trees or replies had no room */
    _Atomic long long in_line; /* calls that wait for their method's gate, or were let in by
                                  somebody else and wait for a worker */
    _Atomic long long let_in;  /* the latter: the queue has room for them beside all others */
    _Atomic unsigned long accepted; /* connections so far: whose turn it is to take the next */
};

/* How many threads' counters there are: one for each home, and one that all workers share. */
static inline size_t duet_server_shards(const struct duet_server *server)
{
    return (size_t)server->options.value[DUET_OPT_LOOPS] + 1;
}

/* A call that was let in waits no more: a worker has it, or nobody wants it. */
static inline void duet_server_leave_line(struct duet_server *server)
{
    atomic_fetch_sub(&server->let_in, 1);
    atomic_fetch_sub(&server->in_line, 1);
}

/* Whether this is the copy of a running server in a process that a handler has forked: it
 * shares sockets and epolls with the server, and must leave them alone. Signal handlers too. */
static inline bool duet_server_is_forked(const struct duet_server *server)
{
    return atomic_load(&server->is_running) && atomic_load(&server->process) != getpid();
}

/* What set-up functions ask first: what loops read without a lock is fixed while they run. 0,
 * -ENOMEM for a NULL server or -EBUSY. */
int duet_server_check_set_up(const struct duet_server *server);

/* Remembers the first error of set-up with its words. Returns `rc`. */
int duet_server_fail(struct duet_server *server, int rc, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same for a step that may have failed (`rc` below 0), whose words were made where it
 * failed; without any it has the error's own. */
int duet_server_fail_if(struct duet_server *server, int rc, const char *words);

/* server.c: whether the methods can be kept to with the options that are set, which is known
 * when it starts. 0, or -EINVAL with words that name the method. */
int duet_server_check_methods(struct duet_server *server);

/* opening.c: options become what loops, calls and codecs use. */
void duet_server_fix_options(struct duet_server *server);

#endif
