/*
 * Adding up what homes and workers have counted. Any thread, while the server runs.
 */
#include "home.h"
#include "server.h"
#include "sized.h"

#include <errno.h>
#include <string.h>

/* What lies idle for the next calls is held for nobody. It was counted at the end of a turn, so
 * it may be more than there is now. */
static uint64_t idle_bytes(const struct duet_conns *conns, uint64_t used)
{
    uint64_t idle = atomic_load_explicit(&conns->idle_bytes, memory_order_relaxed);
    return idle < used ? idle : used;
}

static void add_home(duet_stats *stats, const struct duet_home *home)
{
    const struct duet_conns *conns = &home->conns;
    stats->calls_accepted += duet_counted(&home->calls);
    duet_counts_add(&stats->calls, &home->totals);
    stats->calls.slow_inline += duet_counted(&home->slow_inline);
    stats->late_results += duet_counted(&home->late);
    stats->unreadable_messages += duet_counted(&home->unreadable);
    stats->unasked_replies += duet_counted(&home->unasked);
    stats->dropped_notifications += duet_counted(&home->dropped);
    stats->bytes_in += duet_counted(&conns->bytes_in);
    stats->bytes_out += duet_counted(&conns->bytes_out);
    stats->refused_max_buffered += duet_counted(&conns->gave_way);
    stats->buffered_bytes -= idle_bytes(conns, stats->buffered_bytes);
    stats->paused_max_in_flight += duet_counted(&conns->paused_in_flight);
    stats->paused_max_in_flight_bytes += duet_counted(&conns->paused_in_flight_bytes);
    stats->paused_out_mark += duet_counted(&conns->paused_out_mark);
    if (duet_home_works(home))
        stats->queue_length += duet_pool_waiting(home->pool);
    stats->paused_max_buffered += duet_counted(&conns->paused_buffered);
    for (size_t i = 0; i < home->server->listener_count; i++)
        stats->accept_pauses += duet_counted(&home->acceptors[i].pauses);
}

/* Those that were let in are in the queue. */
static uint64_t count_in_line(const struct duet_server *server)
{
    long long let_in = atomic_load(&server->let_in), in_line = atomic_load(&server->in_line);
    return in_line > let_in ? (uint64_t)(in_line - let_in) : 0;
}

static void add_workers(duet_stats *stats, const struct duet_server *server)
{
    unsigned idle = duet_pool_idle(&server->pool);
    stats->workers = (uint64_t)server->options.value[DUET_OPT_WORKERS];
    stats->workers_waiting = idle < stats->workers ? idle : stats->workers;
    stats->workers_active = stats->workers - stats->workers_waiting;
    stats->queue_length += count_in_line(server);
    if (stats->workers > 0)
        stats->queue_length += duet_pool_waiting(&server->pool);
}

/* A server that is only looked at is locked all the same. */
static pthread_mutex_t *lock_of(const struct duet_server *server)
{
    return (pthread_mutex_t *)(uintptr_t)&server->lock;
}

static void collect(const struct duet_server *server, duet_stats *stats)
{
    *stats = (duet_stats){
        .connections_open = (uint64_t)atomic_load(&server->connections),
        .connections_accepted = atomic_load(&server->accepted),
        .refused_max_connections = duet_counted(&server->refused_max_connections),
        .refused_max_per_address = duet_counted(&server->refused_max_per_address),
        .refused_max_fds = atomic_load(&server->reserve.turned_away),
        .refused_max_buffered = duet_counted(&server->refused_over_budget),
        .buffered_bytes = atomic_load(&server->budget.used),
    };
    struct duet_kept_count kept;
    duet_kept_look(&server->service, &kept);
    stats->calls_kept = kept.count;
    pthread_mutex_t *lock = lock_of(server);
    pthread_mutex_lock(lock);
    for (size_t i = 0; i < server->home_count && server->is_serving; i++)
        add_home(stats, &server->homes[i]);
    if (server->is_serving)
        add_workers(stats, server);
    pthread_mutex_unlock(lock);

    const duet_call_stats *ended = &stats->calls;
    uint64_t all = ended->ok + ended->fault + ended->refused + ended->cancelled +
                   ended->dropped + ended->timed_out;
    stats->calls_in_progress = stats->calls_accepted > all ? stats->calls_accepted - all : 0;
}

int duet_server_stats_sized(const duet_server *server, duet_stats *stats, size_t size)
{
    if (server == NULL)
        return -ENOMEM;
    if (stats == NULL)
        return -EINVAL;
    duet_stats ours;
    collect(server, &ours);
    duet_sized_give(stats, size, &ours, sizeof ours);
    return 0;
}

int duet_server_method_stats_sized(const duet_server *server, const char *method,
                                   duet_call_stats *stats, size_t size)
{
    if (server == NULL)
        return -ENOMEM;
    if (method == NULL || stats == NULL)
        return -EINVAL;
    pthread_mutex_t *lock = lock_of(server);
    pthread_mutex_lock(lock);
    const struct duet_method_entry *entry =
        strcmp(method, DUET_METHOD_DEFAULT) == 0
            ? duet_registry_default(server->registry)
            : duet_registry_find(server->registry, method, strlen(method));
    duet_call_stats ours;
    if (entry != NULL) {
        duet_method_sum(entry, duet_server_shards(server), &ours);
        duet_sized_give(stats, size, &ours, sizeof ours);
    }
    pthread_mutex_unlock(lock);
    return entry != NULL ? 0 : -ENOENT;
}
