/*
 * The loop: sources, letters from many threads however it rests, deadlines, waking. A wake-up
 * that is lost shows as a test that never ends: the alarm in main ends it.
 */
#include "loop.h"

#include "holder.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

/* A loop that turns until `wanted` things have happened. */
struct rig {
    struct duet_loop loop;
    unsigned happened, wanted, turns;
};

static void on_turn_over(void *ctx)
{
    struct rig *rig = ctx;
    rig->turns++;
    if (rig->happened >= rig->wanted)
        duet_loop_stop(&rig->loop);
}

static void rig_open(struct rig *rig, unsigned wanted)
{
    memset(rig, 0, sizeof *rig);
    assert_int_equal(duet_loop_init(&rig->loop, on_turn_over, rig), 0);
    rig->wanted = wanted;
}

static void rig_run(struct rig *rig)
{
    rig->loop.stopping = false;
    assert_int_equal(duet_loop_run(&rig->loop), 0);
}

/* ---- Sources ---- */

struct reader {
    struct duet_source source;
    struct rig *rig;
    int fd;
    uint32_t events;
    unsigned told;
};

static void on_readable(struct duet_source *source, uint32_t events)
{
    struct reader *reader = (struct reader *)(void *)source;
    char byte;
    reader->told++;
    reader->events = events;
    reader->rig->happened++;
    if (events & EPOLLIN)
        assert_int_equal(recv(reader->fd, &byte, 1, 0), 1);
}

static void a_source_is_told_what_is_ready(void **state)
{
    (void)state;
    static struct rig rig;
    rig_open(&rig, 1);
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    struct reader reader = {.source.ready = on_readable, .rig = &rig, .fd = fds[0]};
    assert_int_equal(duet_loop_add(&rig.loop, fds[0], EPOLLIN, &reader.source), 0);
    assert_int_equal(duet_loop_add(&rig.loop, fds[0], EPOLLIN, &reader.source), -EEXIST);

    assert_int_equal(send(fds[1], "xy", 2, 0), 2);
    rig_run(&rig);
    assert_int_equal(reader.events, EPOLLIN);
    assert_int_equal(reader.told, 1);

    assert_int_equal(duet_loop_change(&rig.loop, fds[0], EPOLLOUT, &reader.source), 0);
    rig.wanted = 2;
    rig_run(&rig);
    assert_int_equal(reader.events, EPOLLOUT);

    duet_loop_remove(&rig.loop, fds[0], &reader.source);
    rig.wanted = 0;
    duet_loop_wake(&rig.loop);
    rig_run(&rig);
    assert_int_equal(reader.told, 2);
    close(fds[0]);
    close(fds[1]);
    duet_loop_done(&rig.loop);
}

/* Whichever of a pair is told first removes and frees the other. */
struct rival {
    struct duet_source source;
    struct rig *rig;
    int fd;
    struct rival *other;
};

static struct rival *told_first;

static void on_rival(struct duet_source *source, uint32_t events)
{
    struct rival *rival = (struct rival *)(void *)source;
    (void)events;
    told_first = rival;
    duet_loop_remove(&rival->rig->loop, rival->other->fd, &rival->other->source);
    free(rival->other);
    rival->rig->happened++;
    duet_loop_remove(&rival->rig->loop, rival->fd, &rival->source);
}

static void a_source_that_was_removed_in_this_turn_is_not_told(void **state)
{
    (void)state;
    static struct rig rig;
    rig_open(&rig, 1);
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    struct rival *pair[2];
    for (int i = 0; i < 2; i++) {
        pair[i] = calloc(1, sizeof *pair[i]);
        *pair[i] = (struct rival){.source.ready = on_rival, .rig = &rig, .fd = fds[i]};
        assert_int_equal(duet_loop_add(&rig.loop, fds[i], EPOLLOUT, &pair[i]->source), 0);
    }
    pair[0]->other = pair[1];
    pair[1]->other = pair[0];
    rig_run(&rig); /* both are ready in this turn */
    assert_int_equal(rig.happened, 1);
    free(told_first);
    close(fds[0]);
    close(fds[1]);
    duet_loop_done(&rig.loop);
}

static void a_place_that_is_taken_again_is_told_of_its_new_source_only(void **state)
{
    (void)state;
    enum { SOURCES = 200 }; /* more than the first places */
    static struct rig rig;
    static struct reader readers[SOURCES];
    int fds[SOURCES][2];
    rig_open(&rig, SOURCES);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < SOURCES; i++) {
            assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds[i]), 0);
            readers[i] =
                (struct reader){.source.ready = on_readable, .rig = &rig, .fd = fds[i][0]};
            assert_int_equal(duet_loop_add(&rig.loop, fds[i][0], EPOLLIN, &readers[i].source),
                             0);
            assert_int_equal(send(fds[i][1], "x", 1, 0), 1);
        }
        rig.happened = 0;
        rig_run(&rig);
        for (int i = 0; i < SOURCES; i++) {
            assert_int_equal(readers[i].told, 1);
            duet_loop_remove(&rig.loop, fds[i][0], &readers[i].source);
            close(fds[i][0]);
            close(fds[i][1]);
        }
    }
    duet_loop_done(&rig.loop);
}

static void a_bad_fd_is_an_error(void **state)
{
    (void)state;
    static struct rig rig;
    rig_open(&rig, 0);
    struct reader reader = {.source.ready = on_readable, .rig = &rig};
    assert_int_equal(duet_loop_add(&rig.loop, -1, EPOLLIN, &reader.source), -EBADF);
    assert_int_equal(duet_loop_change(&rig.loop, rig.loop.epoll_fd, EPOLLIN, &reader.source),
                     -EINVAL);
    duet_loop_done(&rig.loop);
}

/* ---- Letters ---- */

struct note {
    struct duet_letter letter;
    struct rig *rig;
    unsigned sender, number, delivered;
    struct note *then; /* posted when this one is delivered */
};

enum { SENDERS = 4, NOTES = 3000 };
static unsigned last_of[SENDERS];

static void on_note(struct duet_letter *letter)
{
    struct note *note = (struct note *)(void *)letter;
    assert_int_equal(note->delivered++, 0);
    assert_int_equal(note->number, last_of[note->sender] + 1); /* oldest first */
    last_of[note->sender] = note->number;
    note->rig->happened++;
    if (note->then != NULL)
        duet_loop_post(&note->rig->loop, &note->then->letter);
}

static void letters_arrive_once_and_in_order(void **state)
{
    (void)state;
    static struct rig rig;
    static struct note notes[5];
    rig_open(&rig, 5);
    memset(last_of, 0, sizeof last_of);
    for (unsigned i = 0; i < 5; i++) {
        notes[i] = (struct note){.letter.deliver = on_note, .rig = &rig, .number = i + 1};
        duet_loop_post(&rig.loop, &notes[i].letter);
    }
    rig_run(&rig);
    assert_int_equal(rig.turns, 1);
    assert_int_equal(last_of[0], 5);
    duet_loop_done(&rig.loop);
}

static void a_letter_posted_while_one_is_delivered_comes_too(void **state)
{
    (void)state;
    static struct rig rig;
    static struct note first, second;
    rig_open(&rig, 2);
    memset(last_of, 0, sizeof last_of);
    second = (struct note){.letter.deliver = on_note, .rig = &rig, .number = 2};
    first = (struct note){.letter.deliver = on_note, .rig = &rig, .number = 1, .then = &second};
    duet_loop_post(&rig.loop, &first.letter);
    rig_run(&rig);
    assert_int_equal(last_of[0], 2);
    duet_loop_done(&rig.loop);
}

struct sender {
    struct rig *rig;
    unsigned number;
    bool announces; /* only after the last one, as a worker does */
    struct note notes[NOTES];
};

static void *send_notes(void *arg)
{
    struct sender *sender = arg;
    for (unsigned i = 0; i < NOTES; i++) {
        sender->notes[i] = (struct note){.letter.deliver = on_note,
                                         .rig = sender->rig,
                                         .sender = sender->number,
                                         .number = i + 1};
        duet_loop_post(&sender->rig->loop, &sender->notes[i].letter);
    }
    if (sender->announces)
        duet_loop_announce(&sender->rig->loop);
    return NULL;
}

static void send_from_many_threads(unsigned expected_letters, unsigned busy_poll_us,
                                   bool announces)
{
    static struct rig rig;
    static struct sender senders[SENDERS];
    pthread_t threads[SENDERS];
    rig_open(&rig, SENDERS * NOTES);
    memset(last_of, 0, sizeof last_of);
    rig.loop.expected_letters = expected_letters;
    rig.loop.busy_poll_us = busy_poll_us;
    for (unsigned i = 0; i < SENDERS; i++) {
        senders[i].rig = &rig;
        senders[i].number = i;
        senders[i].announces = announces;
        assert_int_equal(pthread_create(&threads[i], NULL, send_notes, &senders[i]), 0);
    }
    rig_run(&rig);
    for (unsigned i = 0; i < SENDERS; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(last_of[i], NOTES);
    }
    duet_loop_done(&rig.loop);
}

static void no_letter_is_lost_however_the_loop_rests(void **state)
{
    (void)state;
    send_from_many_threads(0, 0, false);
    send_from_many_threads(1, 0, true);
    send_from_many_threads(1, 0, false); /* never announced: late, not lost */
    send_from_many_threads(0, 200, false);
    send_from_many_threads(1, 200, true);
}

/* A letter at a time, each posted when the one before has come: each meets a loop that is about
 * to rest. */
struct pingpong {
    struct rig rig;
    struct note note;
    _Atomic unsigned come;
};

static void on_ball(struct duet_letter *letter)
{
    struct pingpong *game = DUET_HOLDER(letter, struct pingpong, note.letter);
    game->rig.happened++;
    atomic_fetch_add(&game->come, 1);
}

static void *play(void *arg)
{
    struct pingpong *game = arg;
    for (unsigned i = 0; i < NOTES; i++) {
        duet_loop_post(&game->rig.loop, &game->note.letter);
        while (atomic_load(&game->come) <= i)
            continue;
    }
    return NULL;
}

static void a_letter_meets_a_loop_that_goes_to_rest(void **state)
{
    (void)state;
    static struct pingpong game;
    for (unsigned expected = 0; expected < 2; expected++) {
        enum { DOZES = 100 }; /* a doze is a millisecond */
        pthread_t thread;
        atomic_store(&game.come, 0);
        rig_open(&game.rig, DOZES);
        game.rig.loop.expected_letters = expected;
        game.note.letter.deliver = on_ball;
        pthread_create(&thread, NULL, play, &game);
        rig_run(&game.rig);
        game.rig.loop.expected_letters = 0;
        game.rig.wanted = NOTES;
        rig_run(&game.rig);
        pthread_join(thread, NULL);
        duet_loop_done(&game.rig.loop);
    }
}

/* ---- Deadlines and waking ---- */

struct timer {
    struct duet_deadline deadline;
    struct rig *rig;
};

static void on_expired(struct duet_deadline *deadline)
{
    struct timer *timer = (struct timer *)(void *)deadline;
    assert_true(timer->rig->loop.now_ms >= deadline->at_ms);
    timer->rig->happened++;
}

static void a_deadline_ends_the_rest(void **state)
{
    (void)state;
    static struct rig rig;
    static const unsigned polls[] = {0, 500}, letters[] = {0, 1};
    for (size_t i = 0; i < 4; i++) {
        rig_open(&rig, 1);
        rig.loop.busy_poll_us = polls[i & 1];
        rig.loop.expected_letters = letters[i >> 1];
        struct timer timer = {.deadline.expired = on_expired, .rig = &rig};
        duet_wheel_set(&rig.loop.wheel, &timer.deadline, rig.loop.now_ms + 12);
        rig_run(&rig);
        duet_loop_done(&rig.loop);
    }
}

static void *wake_it(void *arg)
{
    struct rig *rig = arg;
    duet_loop_wake(&rig->loop);
    return NULL;
}

static void a_wake_ends_an_endless_rest(void **state)
{
    (void)state;
    static struct rig rig;
    rig_open(&rig, 0);
    pthread_t thread;
    pthread_create(&thread, NULL, wake_it, &rig);
    rig_run(&rig);
    pthread_join(thread, NULL);

    duet_loop_wake(&rig.loop); /* also one that comes before the rest */
    duet_loop_wake(&rig.loop);
    rig.turns = 0;
    rig_run(&rig);
    assert_int_equal(rig.turns, 1);
    duet_loop_done(&rig.loop);
}

static void waking_leaves_errno_alone(void **state)
{
    (void)state;
    struct duet_loop closed = {.wake_fd = -1};
    errno = EAGAIN;
    duet_loop_wake(&closed);
    assert_int_equal(errno, EAGAIN);
}

static void on_signal(int number)
{
    (void)number;
}

struct pest {
    pthread_t victim;
    _Atomic bool enough;
};

static void *pester(void *arg)
{
    struct pest *pest = arg;
    while (!atomic_load(&pest->enough))
        pthread_kill(pest->victim, SIGUSR1);
    return NULL;
}

static void signals_do_not_end_it(void **state)
{
    (void)state;
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGUSR1, &action, NULL);
    static struct rig rig;
    rig_open(&rig, 1);
    struct timer timer = {.deadline.expired = on_expired, .rig = &rig};
    duet_wheel_set(&rig.loop.wheel, &timer.deadline, rig.loop.now_ms + 30);
    struct pest pest = {.victim = pthread_self()};
    pthread_t thread;
    pthread_create(&thread, NULL, pester, &pest);
    rig_run(&rig);
    atomic_store(&pest.enough, true);
    pthread_join(thread, NULL);
    duet_loop_done(&rig.loop);
}

/* ---- Lent to a program that waits for it ---- */

static bool is_readable(const struct rig *rig)
{
    struct pollfd look = {.fd = rig->loop.epoll_fd, .events = POLLIN};
    return poll(&look, 1, 0) == 1;
}

/* Waits for the loop as a program does, then turns it once. */
static void await_turn(struct rig *rig)
{
    struct pollfd look = {.fd = rig->loop.epoll_fd, .events = POLLIN};
    while (poll(&look, 1, -1) < 0)
        assert_int_equal(errno, EINTR);
    assert_int_equal(duet_loop_turn(&rig->loop), 0);
}

static void rig_lend(struct rig *rig)
{
    rig_open(rig, UINT_MAX);
    assert_int_equal(duet_loop_lend(&rig->loop), 0);
    assert_int_equal(duet_loop_turn(&rig->loop), 0); /* it does not wait */
    assert_false(is_readable(rig));
}

static void a_lent_loop_is_readable_when_a_letter_comes(void **state)
{
    (void)state;
    static struct rig rig;
    static struct note first, second;
    rig_lend(&rig);
    memset(last_of, 0, sizeof last_of);
    second = (struct note){.letter.deliver = on_note, .rig = &rig, .number = 2};
    first = (struct note){.letter.deliver = on_note, .rig = &rig, .number = 1, .then = &second};
    duet_loop_post(&rig.loop, &first.letter); /* it is asleep */
    assert_true(is_readable(&rig));
    await_turn(&rig);
    assert_int_equal(last_of[0], 1);
    assert_true(is_readable(&rig)); /* the second was posted while it was awake */
    await_turn(&rig);
    assert_int_equal(last_of[0], 2);
    assert_false(is_readable(&rig));
    duet_loop_done(&rig.loop);
}

static void a_lent_loop_never_dozes(void **state)
{
    (void)state;
    static struct rig rig;
    static struct note note;
    rig_lend(&rig);
    memset(last_of, 0, sizeof last_of);
    rig.loop.expected_letters = 1;
    rig.loop.busy_poll_us = 1000;
    assert_int_equal(duet_loop_turn(&rig.loop), 0);
    assert_int_equal(rig.loop.rest, LOOP_ASLEEP);
    note = (struct note){.letter.deliver = on_note, .rig = &rig, .number = 1};
    duet_loop_post(&rig.loop, &note.letter); /* nobody announces it */
    assert_true(is_readable(&rig));
    await_turn(&rig);
    assert_int_equal(rig.happened, 1);
    duet_loop_done(&rig.loop);
}

static void a_lent_loop_is_readable_when_a_deadline_passes(void **state)
{
    (void)state;
    static struct rig rig;
    rig_lend(&rig);
    struct timer timers[] = {{.deadline.expired = on_expired, .rig = &rig},
                             {.deadline.expired = on_expired, .rig = &rig}};
    duet_wheel_set(&rig.loop.wheel, &timers[0].deadline, rig.loop.now_ms + 50);
    duet_wheel_set(&rig.loop.wheel, &timers[1].deadline, rig.loop.now_ms + 20);
    assert_int_equal(duet_loop_turn(&rig.loop), 0);
    while (rig.happened < 2)
        await_turn(&rig);
    assert_int_equal(duet_loop_turn(&rig.loop), 0);
    assert_false(is_readable(&rig)); /* the timer is off */

    duet_wheel_set(&rig.loop.wheel, &timers[0].deadline, 1); /* one that lies behind us */
    assert_int_equal(duet_loop_turn(&rig.loop), 0);
    while (rig.happened < 3)
        await_turn(&rig);
    duet_loop_done(&rig.loop);
}

static void a_lent_loop_is_readable_until_its_sources_are_read(void **state)
{
    (void)state;
    static struct rig rig;
    rig_lend(&rig);
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    struct reader reader = {.source.ready = on_readable, .rig = &rig, .fd = fds[0]};
    assert_int_equal(duet_loop_add(&rig.loop, fds[0], EPOLLIN, &reader.source), 0);
    assert_int_equal(send(fds[1], "xy", 2, 0), 2);
    for (unsigned i = 1; i <= 2; i++) {
        assert_true(is_readable(&rig));
        await_turn(&rig);
        assert_int_equal(reader.told, i);
    }
    assert_false(is_readable(&rig));
    duet_loop_wake(&rig.loop);
    assert_true(is_readable(&rig));
    close(fds[0]);
    close(fds[1]);
    duet_loop_done(&rig.loop);
}

static void a_letter_meets_a_lent_loop_that_goes_to_rest(void **state)
{
    (void)state;
    static struct pingpong game;
    pthread_t thread;
    rig_lend(&game.rig);
    atomic_store(&game.come, 0);
    game.note.letter.deliver = on_ball;
    pthread_create(&thread, NULL, play, &game);
    while (game.rig.happened < NOTES)
        await_turn(&game.rig);
    pthread_join(thread, NULL);
    duet_loop_done(&game.rig.loop);
}

int main(void)
{
    alarm(100);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_source_is_told_what_is_ready),
        cmocka_unit_test(a_source_that_was_removed_in_this_turn_is_not_told),
        cmocka_unit_test(a_place_that_is_taken_again_is_told_of_its_new_source_only),
        cmocka_unit_test(a_bad_fd_is_an_error),
        cmocka_unit_test(letters_arrive_once_and_in_order),
        cmocka_unit_test(a_letter_posted_while_one_is_delivered_comes_too),
        cmocka_unit_test(no_letter_is_lost_however_the_loop_rests),
        cmocka_unit_test(a_letter_meets_a_loop_that_goes_to_rest),
        cmocka_unit_test(a_deadline_ends_the_rest),
        cmocka_unit_test(a_wake_ends_an_endless_rest),
        cmocka_unit_test(waking_leaves_errno_alone),
        cmocka_unit_test(signals_do_not_end_it),
        cmocka_unit_test(a_lent_loop_is_readable_when_a_letter_comes),
        cmocka_unit_test(a_lent_loop_never_dozes),
        cmocka_unit_test(a_lent_loop_is_readable_when_a_deadline_passes),
        cmocka_unit_test(a_lent_loop_is_readable_until_its_sources_are_read),
        cmocka_unit_test(a_letter_meets_a_lent_loop_that_goes_to_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
