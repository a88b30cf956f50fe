/*
 * Unix sockets: one listener at a time has a path, what a killed one left is taken over, and
 * nobody removes what is not his.
 */
#include "folder.h"
#include "listener.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char words[512];

static int open_text(struct duet_listener *listener, const char *text)
{
    struct duet_address found[DUET_ADDRESSES_MAX];
    words[0] = '\0';
    assert_int_equal(duet_address_parse(found, text, words, sizeof words), 1);
    return duet_listener_open(listener, &found[0], words, sizeof words);
}

static int connect_to(const struct duet_listener *listener)
{
    int fd = socket(listener->address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, &listener->address.any, listener->address.size), 0);
    return fd;
}

static bool exists(const char *path)
{
    struct stat status;
    return lstat(path, &status) == 0;
}

static void a_unix_socket_goes_with_its_listener(void **state)
{
    (void)state;
    struct duet_listener listener;
    assert_int_equal(open_text(&listener, folder_socket), 0);
    assert_string_equal(listener.text, folder_socket);
    close(connect_to(&listener));
    duet_listener_close(&listener);
    assert_false(exists(folder_socket_path));
}

/* As if the process had died. */
static void die(struct duet_listener *listener)
{
    duet_unix_path_done(&listener->path);
    duet_listener_close(listener);
}

/* A path may be written as seen from a folder that the process leaves. */
static void a_relative_path_goes_with_its_listener_wherever_that_is(void **state)
{
    (void)state;
    struct duet_listener listener;
    int before = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    assert_true(before >= 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(chdir(folder), 0);
        assert_int_equal(open_text(&listener, i == 0 ? "unix:s" : "unix:./s"), 0);
        assert_int_equal(fchdir(before), 0);
        assert_true(exists(folder_socket_path));
        if (i == 0)
            duet_listener_close(&listener);
        else
            duet_listener_end(&listener);
        assert_false(exists(folder_socket_path));
    }
    close(before);
}

/* It is served by a process that was forked, and which the other one knows nothing of. */
static void a_path_that_somebody_else_listens_on_stays(void **state)
{
    (void)state;
    struct duet_listener parent, child;
    assert_int_equal(open_text(&parent, folder_socket), 0);
    child = parent;
    child.fd = dup(parent.fd);
    child.path.folder = dup(parent.path.folder);
    duet_listener_close(&parent);
    close(connect_to(&child));
    duet_listener_close(&child);
    assert_false(exists(folder_socket_path));
}

static void a_stale_unix_socket_is_replaced(void **state)
{
    (void)state;
    struct duet_listener dead, alive;
    assert_int_equal(open_text(&dead, folder_socket), 0);
    die(&dead);
    assert_int_equal(open_text(&alive, folder_socket), 0);
    close(connect_to(&alive));
    duet_listener_close(&alive);
}

static void a_living_unix_socket_is_not_replaced(void **state)
{
    (void)state;
    struct duet_listener first, second;
    assert_int_equal(open_text(&first, folder_socket), 0);
    assert_int_equal(open_text(&second, folder_socket), -EADDRINUSE);
    close(connect_to(&first));
    duet_listener_close(&first);
}

static void one_whose_queue_is_full_is_alive_and_not_waited_for(void **state)
{
    (void)state;
    struct duet_listener listener;
    struct duet_address found[DUET_ADDRESSES_MAX], *address = &found[0];
    assert_int_equal(duet_address_parse(found, folder_socket, words, sizeof words), 1);
    int busy = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(busy, &address->any, address->size), 0);
    assert_int_equal(listen(busy, 0), 0);
    int clients[64], count = 0;
    for (; count < 64; count++) {
        clients[count] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (connect(clients[count], &address->any, address->size) < 0)
            break;
    }
    assert_true(count < 64);

    assert_int_equal(open_text(&listener, folder_socket), -EADDRINUSE);
    assert_true(exists(folder_socket_path));
    for (int i = 0; i <= count; i++)
        close(clients[i]);
    close(busy);
}

static void a_file_in_the_way_is_left_alone(void **state)
{
    (void)state;
    struct duet_listener listener;
    int fd = open(folder_socket_path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(open_text(&listener, folder_socket), -EADDRINUSE);
    assert_true(exists(folder_socket_path));
}

static void a_missing_folder_is_named(void **state)
{
    (void)state;
    struct duet_listener listener;
    assert_int_equal(open_text(&listener, "unix:/nonexistent/folder/s"), -ENOENT);
    assert_non_null(strstr(words, "unix:/nonexistent/folder/s"));
    assert_non_null(strstr(words, "the folder does not exist"));
}

static void who_may_connect_is_set(void **state)
{
    (void)state;
    char text[256];
    struct stat status;
    struct duet_listener listener;
    mode_t old = umask(077);
    snprintf(text, sizeof text, "%s?mode=0626&group=%u", folder_socket, (unsigned)getgid());
    assert_int_equal(open_text(&listener, text), 0);
    assert_string_equal(listener.text, folder_socket);
    assert_int_equal(lstat(folder_socket_path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0626);
    assert_int_equal(status.st_gid, getgid());
    duet_listener_close(&listener);

    assert_int_equal(open_text(&listener, folder_socket), 0); /* as the umask says */
    assert_int_equal(lstat(folder_socket_path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0700);
    duet_listener_close(&listener);
    umask(old);
}

static void a_group_of_others_is_refused_and_leaves_nothing(void **state)
{
    (void)state;
    char text[256];
    struct duet_listener listener;
    snprintf(text, sizeof text, "%s?group=12345", folder_socket);
    uid_t self = geteuid();
    if (self == 0 && (chmod(folder, 0777) < 0 || seteuid(65534) < 0))
        skip();
    int rc = open_text(&listener, text);
    assert_int_equal(seteuid(self), 0);
    assert_int_equal(rc, -EPERM);
    assert_non_null(strstr(words, "group must be one that this process belongs to"));
    assert_false(exists(folder_socket_path));
}

static void the_socket_of_a_successor_is_left_alone(void **state)
{
    (void)state;
    struct duet_listener old, next;
    assert_int_equal(open_text(&old, folder_socket), 0);
    assert_int_equal(unlink(folder_socket_path), 0); /* somebody tidies up */
    assert_int_equal(open_text(&next, folder_socket), 0);
    duet_listener_end(&old);
    assert_true(exists(folder_socket_path));
    close(connect_to(&next));

    assert_int_equal(unlink(folder_socket_path), 0);
    int fd = open(folder_socket_path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    close(fd);
    duet_listener_close(&next); /* a file that is no socket even less */
    assert_true(exists(folder_socket_path));
}

/* Opens at the same time as others do. */
struct starter {
    pthread_t thread;
    pthread_barrier_t *barrier;
    struct duet_listener listener;
    int rc;
};

static void *start(void *arg)
{
    struct starter *starter = arg;
    struct duet_address found[DUET_ADDRESSES_MAX];
    char what[512];
    pthread_barrier_wait(starter->barrier);
    starter->rc = duet_address_parse(found, folder_socket, what, sizeof what);
    if (starter->rc == 1)
        starter->rc = duet_listener_open(&starter->listener, found, what, sizeof what);
    return NULL;
}

static void of_many_starters_one_listens(void **state)
{
    (void)state;
    enum { STARTERS = 4, ROUNDS = 50 };
    for (int round = 0; round < ROUNDS; round++) {
        struct starter starters[STARTERS];
        pthread_barrier_t barrier;
        pthread_barrier_init(&barrier, NULL, STARTERS);
        if (round % 2 == 0) { /* what a killed one leaves */
            struct duet_listener stale;
            assert_int_equal(open_text(&stale, folder_socket), 0);
            die(&stale);
        }
        for (int i = 0; i < STARTERS; i++) {
            starters[i].barrier = &barrier;
            pthread_create(&starters[i].thread, NULL, start, &starters[i]);
        }
        struct starter *winner = NULL;
        for (int i = 0; i < STARTERS; i++) {
            pthread_join(starters[i].thread, NULL);
            if (starters[i].rc == 0) {
                assert_null(winner);
                winner = &starters[i];
            } else {
                assert_int_equal(starters[i].rc, -EADDRINUSE);
            }
        }
        assert_non_null(winner);
        close(connect_to(&winner->listener));
        duet_listener_close(&winner->listener);
        assert_false(exists(folder_socket_path));
        pthread_barrier_destroy(&barrier);
    }
}

static bool no_locks;

int __wrap_flock(int fd, int operation);
int __real_flock(int fd, int operation);

int __wrap_flock(int fd, int operation)
{
    if (!no_locks)
        return __real_flock(fd, operation);
    errno = ENOTSUP;
    return -1;
}

static void without_a_lock_nothing_is_removed(void **state)
{
    (void)state;
    struct duet_listener dead, alive;
    assert_int_equal(open_text(&dead, folder_socket), 0);
    die(&dead);
    no_locks = true;
    int rc = open_text(&alive, folder_socket);
    assert_int_equal(rc, -ENOLCK);
    assert_non_null(strstr(words, "the folder cannot be locked to remove what was left"));
    assert_int_equal(unlink(folder_socket_path), 0);
    rc = open_text(&alive, folder_socket); /* what is free is taken all the same */
    no_locks = false;
    assert_int_equal(rc, 0);
    duet_listener_close(&alive);
}

static void an_abstract_name_has_no_file_and_one_listener(void **state)
{
    (void)state;
    char text[128];
    struct duet_listener first, second;
    snprintf(text, sizeof text, "unix:@%s", folder); /* nobody else has that */
    assert_int_equal(open_text(&first, text), 0);
    assert_string_equal(first.text, text);
    close(connect_to(&first));
    assert_int_equal(open_text(&second, text), -EADDRINUSE);
    assert_non_null(strstr(words, "or take another name"));
    duet_listener_end(&first);
    assert_int_equal(open_text(&second, text), 0);
    duet_listener_close(&second);
}

int main(void)
{
    alarm(100);
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(a_unix_socket_goes_with_its_listener),
        WITH_FOLDER(a_relative_path_goes_with_its_listener_wherever_that_is),
        WITH_FOLDER(a_path_that_somebody_else_listens_on_stays),
        WITH_FOLDER(a_stale_unix_socket_is_replaced),
        WITH_FOLDER(a_living_unix_socket_is_not_replaced),
        WITH_FOLDER(one_whose_queue_is_full_is_alive_and_not_waited_for),
        WITH_FOLDER(a_file_in_the_way_is_left_alone),
        cmocka_unit_test(a_missing_folder_is_named),
        WITH_FOLDER(who_may_connect_is_set),
        WITH_FOLDER(a_group_of_others_is_refused_and_leaves_nothing),
        WITH_FOLDER(the_socket_of_a_successor_is_left_alone),
        WITH_FOLDER(of_many_starters_one_listens),
        WITH_FOLDER(without_a_lock_nothing_is_removed),
        WITH_FOLDER(an_abstract_name_has_no_file_and_one_listener),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
