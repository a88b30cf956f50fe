/*
 * See slow_inline.h. The end of a turn reads the coarse clock, which costs next to nothing, and
 * the real one only where that may matter.
 */
#include "slow_inline.h"

#include "home.h"

#include <time.h>

static const uint64_t coarse_ns = 10 * 1000 * 1000; /* how far behind it may be: HZ is 100 at
                                                       least */

static uint64_t coarse_clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Told once for each method, counted each time. */
static void tell(struct duet_home *home, struct duet_method_entry *method, uint64_t held_ns)
{
    duet_count_shared(&method->slow_inline, 1);
    duet_count(&home->slow_inline, 1);
    if (atomic_exchange(&method->slow_is_told, true))
        return;
    duet_hook_list_notice(&home->server->service.hooks,
                          "%s held its event loop for %llu ms (--slow-inline-ms %lld): without "
                          "DUET_METHOD_INLINE it would hold up nobody else",
                          method->name, (unsigned long long)(held_ns / 1000000),
                          (long long)home->server->options.value[DUET_OPT_SLOW_INLINE_MS]);
}

static uint64_t limit_of(const struct duet_home *home)
{
    return (uint64_t)home->server->options.value[DUET_OPT_SLOW_INLINE_MS] * 1000000;
}

static uint64_t began_ns(const struct duet_home *home)
{
    uint64_t last_ns = home->stretch.last_ns, now_ns = home->loop.now_ns;
    return last_ns > now_ns ? last_ns : now_ns;
}

/* Ends the stretch now. */
static void end(struct duet_home *home)
{
    struct duet_stretch *stretch = &home->stretch;
    uint64_t limit_ns = limit_of(home), now_ns = duet_clock_ns();
    uint64_t held_ns = now_ns - began_ns(home);
    if (stretch->method != NULL && held_ns / stretch->calls > limit_ns)
        tell(home, stretch->method, held_ns / stretch->calls);
    else if (stretch->method != NULL && held_ns > limit_ns) {
        atomic_store(&stretch->method->slow_is_suspected, true);
        stretch->key = NULL;
    }
    stretch->last_ns = now_ns;
    stretch->calls = 0;
}

void duet_slow_inline_end(struct duet_home *home)
{
    if (coarse_clock_ns() + coarse_ns > home->loop.now_ns + limit_of(home))
        end(home);
    home->stretch.calls = 0;
}

void duet_slow_inline_forget(struct duet_home *home)
{
    if (home->stretch.calls > 0)
        end(home);
    home->stretch.key = NULL;
    home->stretch.method = NULL;
}

/* What is not inline runs on a loop where there are no workers, and is meant to. */
void duet_slow_inline_switch(struct duet_home *home, struct duet_method_entry *method)
{
    struct duet_stretch *stretch = &home->stretch;
    if (stretch->calls > 0)
        end(home);
    bool is_single = atomic_load_explicit(&method->slow_is_suspected, memory_order_relaxed);
    bool is_timed = limit_of(home) > 0 && method->flags & DUET_METHOD_INLINE;
    stretch->key = is_timed && is_single ? NULL : method;
    stretch->method = is_timed ? method : NULL;
}
