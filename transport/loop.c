/*
 * The turn: wait, events, letters, deadlines, turn_over. Runs on the loop's thread. Whoever
 * waits for the events, the loop itself or a program, what is done with them is the same.
 */
#include "loop.h"

#include "fd.h"
#include "holder.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum {
    EVENTS_PER_TURN = 128, /* a wait costs some 300 ns: shared by 128 it vanishes; more only
                              adds delay */
    DOZE_MS = 1,
};

uint64_t duet_clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void read_clock(struct duet_loop *loop)
{
    loop->now_ns = duet_clock_ns();
    loop->now_ms = loop->now_ns / 1000000u;
}

/* ---- Places: what epoll is told instead of a pointer ---- */

/* Where a source is found. Its id is generation << 32 | place: epoll may still tell of a source
 * that was removed in this turn, or whose file lives on in a forked process, and then the
 * generation does not fit any more. */
struct duet_place {
    struct duet_source *source; /* NULL when free */
    uint32_t generation;
    uint32_t next_free;
};

enum { FIRST_PLACES = 64 };
static const uint32_t no_place = UINT32_MAX;

static int add_places(struct duet_loop *loop)
{
    uint32_t count = loop->place_count ? loop->place_count * 2 : FIRST_PLACES;
    struct duet_place *places = realloc(loop->places, count * sizeof *places);
    if (places == NULL)
        return -ENOMEM;
    for (uint32_t i = loop->place_count; i < count; i++)
        places[i] = (struct duet_place){.generation = 1, /* no id is 0 */
                                        .next_free = i + 1 < count ? i + 1 : no_place};
    loop->first_free_place = loop->place_count;
    loop->places = places;
    loop->place_count = count;
    return 0;
}

static int take_place(struct duet_loop *loop, struct duet_source *source, uint64_t *id)
{
    if (loop->first_free_place == no_place && add_places(loop) < 0)
        return -ENOMEM;
    uint32_t i = loop->first_free_place;
    struct duet_place *place = &loop->places[i];
    loop->first_free_place = place->next_free;
    place->source = source;
    *id = (uint64_t)place->generation << 32 | i;
    return 0;
}

static void free_place(struct duet_loop *loop, uint64_t id)
{
    struct duet_place *place = &loop->places[(uint32_t)id];
    assert(place->generation == id >> 32);
    place->source = NULL;
    place->generation++;
    place->next_free = loop->first_free_place;
    loop->first_free_place = (uint32_t)id;
}

/* Only ids that were given out come back, so their places are there. */
static void tell_source(const struct duet_loop *loop, uint64_t id, uint32_t events)
{
    const struct duet_place *place = &loop->places[(uint32_t)id];
    if (place->generation == id >> 32)
        place->source->ready(place->source, events);
}

/* ---- Opening and closing ---- */

static void on_wake(struct duet_source *source, uint32_t events)
{
    (void)events;
    struct duet_loop *loop = DUET_HOLDER(source, struct duet_loop, wake_source);
    uint64_t count;
    ssize_t n = read(loop->wake_fd, &count, sizeof count);
    (void)n; /* EAGAIN: woken for a count that was read already */
}

int duet_loop_init(struct duet_loop *loop, void (*turn_over)(void *ctx), void *ctx)
{
    *loop = (struct duet_loop){
        .epoll_fd = -1, .wake_fd = -1, .timer_fd = -1, .turn_over = turn_over, .ctx = ctx};
    loop->first_free_place = no_place;
    read_clock(loop);
    duet_wheel_init(&loop->wheel, loop->now_ms);

    loop->epoll_fd = duet_fd_above_stdio(epoll_create1(EPOLL_CLOEXEC));
    if (loop->epoll_fd < 0)
        return -errno;
    loop->wake_fd = duet_fd_above_stdio(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (loop->wake_fd < 0)
        return -errno;
    loop->wake_source.ready = on_wake;
    return duet_loop_add(loop, loop->wake_fd, EPOLLIN, &loop->wake_source);
}

void duet_loop_done(struct duet_loop *loop)
{
    if (loop->epoll_fd >= 0)
        close(loop->epoll_fd);
    if (loop->wake_fd >= 0)
        close(loop->wake_fd);
    if (loop->timer_fd >= 0)
        close(loop->timer_fd);
    loop->epoll_fd = loop->wake_fd = loop->timer_fd = -1;
    free(loop->places);
    loop->places = NULL;
    loop->place_count = 0;
    loop->first_free_place = no_place;
}

static int control(struct duet_loop *loop, int op, int fd, uint32_t events, uint64_t id)
{
    struct epoll_event event = {.events = events, .data.u64 = id};
    return epoll_ctl(loop->epoll_fd, op, fd, &event) < 0 ? -errno : 0;
}

int duet_loop_add(struct duet_loop *loop, int fd, uint32_t events, struct duet_source *source)
{
    uint64_t id;
    int rc = take_place(loop, source, &id);
    if (rc < 0)
        return rc;
    rc = control(loop, EPOLL_CTL_ADD, fd, events, id);
    if (rc < 0)
        free_place(loop, id);
    else
        source->id = id;
    return rc;
}

int duet_loop_change(struct duet_loop *loop, int fd, uint32_t events,
                     struct duet_source *source)
{
    return control(loop, EPOLL_CTL_MOD, fd, events, source->id);
}

void duet_loop_remove(struct duet_loop *loop, int fd, struct duet_source *source)
{
    control(loop, EPOLL_CTL_DEL, fd, 0, 0);
    free_place(loop, source->id);
}

/* ---- Resting ---- */

/* Milliseconds until the next deadline, for epoll_wait: -1 for ever. */
static int until_deadline(const struct duet_loop *loop)
{
    uint64_t at = duet_wheel_next_ms(&loop->wheel);
    if (at == UINT64_MAX)
        return -1;
    if (at <= loop->now_ms)
        return 0;
    uint64_t ms = at - loop->now_ms;
    return ms > INT_MAX ? INT_MAX : (int)ms;
}

/* Says how it rests, then looks into the mailbox: whoever posts does it the other way round, so
 * one of both sees the other. */
static int rest(struct duet_loop *loop, enum duet_loop_rest how, int timeout,
                struct epoll_event *events)
{
    atomic_store(&loop->rest, how);
    if (atomic_load(&loop->mailbox) != NULL)
        timeout = 0;
    int n = epoll_wait(loop->epoll_fd, events, EVENTS_PER_TURN, timeout);
    atomic_store_explicit(&loop->rest, LOOP_AWAKE, memory_order_relaxed);
    return n;
}

/* Looks again and again for a while instead of resting: an event is met without a wake-up. */
static int spin(struct duet_loop *loop, struct epoll_event *events)
{
    uint64_t until = loop->now_ns + loop->busy_poll_us * UINT64_C(1000);
    do {
        int n = epoll_wait(loop->epoll_fd, events, EVENTS_PER_TURN, 0);
        if (n != 0 || atomic_load_explicit(&loop->mailbox, memory_order_relaxed) != NULL)
            return n;
        read_clock(loop);
    } while (loop->now_ns < until);
    return 0;
}

static int wait_for_events(struct duet_loop *loop, struct epoll_event *events)
{
    int timeout = until_deadline(loop);
    if (loop->busy_poll_us > 0 && timeout != 0) {
        int n = spin(loop, events);
        if (n != 0)
            return n;
        timeout = until_deadline(loop);
    }
    if (loop->expected_letters > 0 && (timeout < 0 || timeout > DOZE_MS)) {
        int n = rest(loop, LOOP_DOZING, DOZE_MS, events);
        if (n != 0 || atomic_load_explicit(&loop->mailbox, memory_order_relaxed) != NULL)
            return n;
        if (timeout > 0)
            timeout -= DOZE_MS;
    }
    return rest(loop, LOOP_ASLEEP, timeout, events);
}

/* ---- Whose thread ---- */

static _Thread_local const struct duet_loop *here; /* that this thread turns */

bool duet_loop_is_here(void)
{
    return here != NULL;
}

bool duet_loop_is_turning_here(const struct duet_loop *loop)
{
    return here == loop && loop->is_turning;
}

/* ---- Turns and letters ---- */

/* Takes all letters and delivers them, oldest first. */
static void empty_mailbox(struct duet_loop *loop)
{
    if (atomic_load_explicit(&loop->mailbox, memory_order_relaxed) == NULL)
        return;
    struct duet_letter *newest =
        atomic_exchange_explicit(&loop->mailbox, NULL, memory_order_acquire);
    struct duet_letter *oldest = NULL;
    while (newest != NULL) {
        struct duet_letter *older = newest->next;
        newest->next = oldest;
        oldest = newest;
        newest = older;
    }
    while (oldest != NULL) {
        struct duet_letter *letter = oldest;
        oldest = letter->next;
        letter->deliver(letter);
    }
}

/* Inlined into both of its callers: a loop turns for as little as one call. */
static inline __attribute__((always_inline)) int turn(struct duet_loop *loop,
                                                      const struct epoll_event *events, int n)
{
    if (n < 0 && errno != EINTR)
        return -errno;
    read_clock(loop);
    for (int i = 0; i < n; i++)
        tell_source(loop, events[i].data.u64, events[i].events);
    empty_mailbox(loop);
    duet_wheel_expire(&loop->wheel, loop->now_ms);
    loop->turn_over(loop->ctx);
    return 0;
}

int duet_loop_run(struct duet_loop *loop)
{
    struct epoll_event events[EVENTS_PER_TURN];
    int rc = 0;
    here = loop;
    loop->is_turning = true;
    while (!loop->stopping && rc == 0)
        rc = turn(loop, events, wait_for_events(loop, events));
    loop->is_turning = false;
    here = NULL;
    return rc;
}

/* ---- Turns for a program that waits itself ---- */

static void on_timer(struct duet_source *source, uint32_t events)
{
    (void)events;
    struct duet_loop *loop = DUET_HOLDER(source, struct duet_loop, timer_source);
    uint64_t count;
    ssize_t n = read(loop->timer_fd, &count, sizeof count);
    (void)n; /* EAGAIN: it was set anew meanwhile */
    loop->timer_at_ms = UINT64_MAX;
}

int duet_loop_lend(struct duet_loop *loop)
{
    loop->timer_fd =
        duet_fd_above_stdio(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
    if (loop->timer_fd < 0)
        return -errno;
    loop->timer_at_ms = UINT64_MAX;
    loop->timer_source.ready = on_timer;
    return duet_loop_add(loop, loop->timer_fd, EPOLLIN, &loop->timer_source);
}

static void set_timer(struct duet_loop *loop)
{
    uint64_t at_ms = duet_wheel_next_ms(&loop->wheel);
    if (at_ms == loop->timer_at_ms)
        return;
    struct itimerspec at = {0}; /* never */
    if (at_ms != UINT64_MAX)
        at.it_value = (struct timespec){.tv_sec = (time_t)(at_ms / 1000),
                                        .tv_nsec = (long)(at_ms % 1000) * 1000000};
    timerfd_settime(loop->timer_fd, TFD_TIMER_ABSTIME, &at, NULL);
    loop->timer_at_ms = at_ms;
}

/* As rest() does, but that a letter which has come before wakes the loop: nobody looks again.
 */
static void fall_asleep(struct duet_loop *loop)
{
    set_timer(loop);
    atomic_store(&loop->rest, LOOP_ASLEEP);
    if (atomic_load(&loop->mailbox) != NULL)
        duet_loop_announce(loop);
}

int duet_loop_turn(struct duet_loop *loop)
{
    struct epoll_event events[EVENTS_PER_TURN];
    atomic_store_explicit(&loop->rest, LOOP_AWAKE, memory_order_relaxed);
    here = loop;
    loop->is_turning = true;
    int rc = turn(loop, events, epoll_wait(loop->epoll_fd, events, EVENTS_PER_TURN, 0));
    loop->is_turning = false;
    if (loop->stopping || rc < 0)
        here = NULL;
    fall_asleep(loop);
    return rc;
}

void duet_loop_stop(struct duet_loop *loop)
{
    loop->stopping = true;
}

void duet_loop_post(struct duet_loop *loop, struct duet_letter *letter)
{
    struct duet_letter *newest = atomic_load_explicit(&loop->mailbox, memory_order_relaxed);
    do {
        letter->next = newest;
    } while (!atomic_compare_exchange_weak(&loop->mailbox, &newest, letter));
    if (atomic_load(&loop->rest) == LOOP_ASLEEP)
        duet_loop_announce(loop);
}

void duet_loop_announce(struct duet_loop *loop)
{
    if (atomic_load(&loop->rest) != LOOP_AWAKE &&
        atomic_exchange(&loop->rest, LOOP_AWAKE) != LOOP_AWAKE)
        duet_loop_wake(loop);
}

void duet_loop_wake(struct duet_loop *loop)
{
    duet_fd_signal(loop->wake_fd);
}
