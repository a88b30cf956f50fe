/*
 * Thousands of kept calls at once: finished in any order from four threads, some twice, some
 * before their handler has returned, some when told of their cancellation, some after their
 * server is gone, while clients come and go. TSan and ASan are the judges. DUET_KEPT_CALLS says
 * how many: 10000 by hand.
 */
#include "served.h"

#include "packed.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { FINISHERS = 4, CLIENTS = 4, BATCH = 50, USUAL = 2000 };

static struct {
    pthread_mutex_t lock;
    duet_kept *kept, *saved; /* to be finished now; and when all is over */
    size_t count, saved_count, most;
} pool = {.lock = PTHREAD_MUTEX_INITIALIZER};

static atomic_size_t kept, ended;
static atomic_bool is_over;

static unsigned next_random(unsigned *seed)
{
    *seed = *seed * 1103515245 + 12345;
    return *seed >> 16;
}

/* Whoever ends it counts it: nobody may be told so twice. */
static void finish(duet_kept call, int rc)
{
    rc = duet_kept_finish(call, rc);
    assert_true(rc == 0 || rc == -ECANCELED || rc == -EALREADY);
    if (rc != -EALREADY)
        ended++;
}

static void answer(duet_kept call)
{
    duet_call *held = duet_kept_call(call);
    finish(call, duet_reply_int(held, duet_arg_int(held, 0)));
}

/* ---- Handlers ---- */

static void on_cancelled(duet_kept call, void *ctx)
{
    (void)ctx;
    finish(call, DUET_FAULT_CANCELLED);
}

static void publish(duet_kept call)
{
    pthread_mutex_lock(&pool.lock);
    assert_true(pool.count < pool.most);
    pool.kept[pool.count++] = call;
    pthread_mutex_unlock(&pool.lock);
}

/* Keeps it, and asks to be told of the end of every other one. */
static int keep(duet_call *call, void *ctx)
{
    (void)ctx;
    int64_t number = duet_arg_int(call, 0);
    duet_kept value = duet_call_keep(call);
    if (value.id == 0)
        return -ENOMEM;
    kept++;
    if (number % 2 == 0 && duet_call_on_cancel(call, on_cancelled, NULL) < 0)
        return -ENOMEM;
    publish(value);
    return 0;
}

/* Answers, and goes on. */
static int keep_and_answer(duet_call *call, void *ctx)
{
    (void)ctx;
    duet_kept value = duet_call_keep(call);
    kept++;
    answer(value);
    sched_yield();
    return 3; /* is nobody's business any more */
}

static const duet_method methods[] = {
    {.name = "keep", .handler = keep},
    {.name = "here", .handler = keep, .flags = DUET_METHOD_INLINE | DUET_METHOD_FIN_CANCELS},
    {.name = "soon", .handler = keep, .timeout_ms = 1},
    {.name = "gated", .handler = keep, .max_running = 100},
    {.name = "first", .handler = keep_and_answer},
    {0},
};

/* ---- Finishers ---- */

static duet_kept take_any(unsigned *seed)
{
    duet_kept taken = {0};
    pthread_mutex_lock(&pool.lock);
    if (pool.count > 0) {
        size_t i = next_random(seed) % pool.count;
        taken = pool.kept[i];
        pool.kept[i] = pool.kept[--pool.count];
    }
    if (taken.id != 0 && next_random(seed) % 16 == 0) {
        pool.saved[pool.saved_count++] = taken;
        taken.id = 0;
    }
    pthread_mutex_unlock(&pool.lock);
    return taken;
}

static bool is_empty(void)
{
    pthread_mutex_lock(&pool.lock);
    bool is = pool.count == 0;
    pthread_mutex_unlock(&pool.lock);
    return is;
}

static void *finish_some(void *arg)
{
    unsigned seed = (unsigned)(uintptr_t)arg;
    while (!atomic_load(&is_over) || !is_empty()) {
        duet_kept call = take_any(&seed);
        if (call.id == 0) {
            sched_yield();
            continue;
        }
        if (next_random(&seed) % 8 == 0 && duet_kept_call(call) != NULL) {
            duet_reply_string(duet_kept_call(call), "not this");
            duet_kept_release(call);
        }
        answer(call);
        if (next_random(&seed) % 4 == 0)
            assert_int_equal(duet_kept_finish(call, 0), -EALREADY);
    }
    return NULL;
}

/* ---- Clients ---- */

struct client {
    pthread_t thread;
    const struct served *served;
    unsigned seed;
    size_t batches;
};

/* Half of them are answered for sure: of 16, one is saved. */
static void read_some(int fd)
{
    char byte[16];
    for (size_t got = 0; got < BATCH / 2 * 5;) {
        ssize_t n = recv(fd, byte, sizeof byte, 0);
        assert_true(n > 0);
        got += (size_t)n;
    }
}

static void leave(int fd, unsigned how)
{
    const struct linger none = {.l_onoff = 1};
    if (how % 2 == 0)
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof none);
    close(fd);
}

static void *ask(void *arg)
{
    static const char *const names[] = {"keep", "here", "first", "gated", "soon"};
    struct client *client = arg;
    for (size_t i = 0; i < client->batches; i++) {
        int fd = served_connect(client->served);
        for (int n = 0; n < BATCH; n++)
            served_tell(fd, "[0,%d,'%s',[%d]]", n, names[next_random(&client->seed) % 5], n);
        if (next_random(&client->seed) % 4 != 0)
            read_some(fd);
        leave(fd, next_random(&client->seed));
    }
    return NULL;
}

static size_t wanted_calls(void)
{
    const char *text = getenv("DUET_KEPT_CALLS");
    return text != NULL ? strtoul(text, NULL, 10) : USUAL;
}

static void each_of_thousands_ends_once(void **state)
{
    (void)state;
    struct served served;
    size_t calls = wanted_calls();
    pool.most = calls + CLIENTS * BATCH;
    pool.kept = calloc(pool.most, sizeof *pool.kept);
    pool.saved = calloc(pool.most, sizeof *pool.saved);
    served_open(&served, methods, NULL);
    assert_int_equal(duet_server_set(served.server, DUET_OPT_WORKERS, 3), 0);
    served_start(&served);

    pthread_t finishers[FINISHERS];
    struct client clients[CLIENTS];
    for (size_t i = 0; i < FINISHERS; i++)
        pthread_create(&finishers[i], NULL, finish_some, (void *)(uintptr_t)(i + 1));
    for (size_t i = 0; i < CLIENTS; i++) {
        clients[i] = (struct client){.served = &served,
                                     .seed = (unsigned)(100 + i),
                                     .batches = calls / CLIENTS / BATCH + 1};
        pthread_create(&clients[i].thread, NULL, ask, &clients[i]);
    }
    for (size_t i = 0; i < CLIENTS; i++)
        pthread_join(clients[i].thread, NULL);
    served_stop(&served); /* while they finish */
    atomic_store(&is_over, true);
    for (size_t i = 0; i < FINISHERS; i++)
        pthread_join(finishers[i], NULL);

    for (size_t i = 0; i < pool.saved_count; i++) {
        assert_null(duet_kept_call(pool.saved[i]));
        assert_int_equal(duet_kept_finish(pool.saved[i], 0), -EALREADY);
    }
    assert_in_range(served.result, 0, 1);
    assert_in_range(ended, 1, kept);
    free(pool.kept);
    free(pool.saved);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_of_thousands_ends_once)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
