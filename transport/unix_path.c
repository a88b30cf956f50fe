/*
 * Looking, removing, binding and listening are one step under a lock on the folder, so that of
 * two starters neither removes what the other has just bound. The lock leaves nothing behind,
 * not even after SIGKILL.
 */
#include "unix_path.h"

#include "fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    LOCK_MS = 5000, /* another starter needs a few ms; whoever holds it longer is none of us */
    LOCK_STEP_MS = 5,
};

static int open_folder(const char *path)
{
    char folder[sizeof(struct sockaddr_un)] = ".";
    const char *slash = strrchr(path, '/');
    if (slash != NULL) /* "/s" is in "/" */
        snprintf(folder, sizeof folder, "%.*s", (int)(slash - path + (slash == path)), path);
    return duet_fd_above_stdio(open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

/* -1 when the folder cannot be opened, or not be locked for too long. */
static int lock_folder(const char *path)
{
    int fd = open_folder(path);
    if (fd < 0)
        return -1;
    for (int ms = 0; flock(fd, LOCK_EX | LOCK_NB) < 0; ms += LOCK_STEP_MS) {
        const struct timespec step = {.tv_nsec = LOCK_STEP_MS * 1000000L};
        if (errno != EWOULDBLOCK || ms >= LOCK_MS) {
            close(fd);
            return -1;
        }
        nanosleep(&step, NULL);
    }
    return fd;
}

static void unlock_folder(int fd)
{
    if (fd < 0)
        return;
    flock(fd, LOCK_UN); /* a process that was forked meanwhile holds it too */
    close(fd);
}

/* A unix socket that nobody listens on. */
static bool is_stale(const struct duet_address *address)
{
    struct stat status;
    if (lstat(address->un.sun_path, &status) < 0 || !S_ISSOCK(status.st_mode))
        return false;
    /* Not to wait: a listener whose queue is full is alive. */
    int fd =
        duet_fd_above_stdio(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (fd < 0)
        return false;
    bool is_refused = connect(fd, &address->any, address->size) < 0 && errno == ECONNREFUSED;
    close(fd);
    return is_refused;
}

/* Before anybody can connect: it does not listen yet. */
static int set_access(const char *path, const struct duet_access *access)
{
    if (access->has_group && lchown(path, (uid_t)-1, access->group) < 0)
        return -errno;
    if (access->has_mode && chmod(path, access->mode) < 0)
        return -errno;
    return 0;
}

static int listen_at(struct duet_unix_path *path, int fd, const struct duet_address *address,
                     int backlog)
{
    struct stat status;
    if (bind(fd, &address->any, address->size) < 0)
        return -errno;
    int rc = lstat(address->un.sun_path, &status) < 0 ? -errno : 0;
    if (rc < 0)
        return rc; /* gone already: nothing to remove */
    *path = (struct duet_unix_path){.device = status.st_dev, .inode = status.st_ino};
    rc = set_access(address->un.sun_path, &address->access);
    if (rc == 0 && listen(fd, backlog) < 0)
        rc = -errno;
    if (rc < 0)
        duet_unix_path_remove(path, address);
    return rc;
}

int duet_unix_path_listen(struct duet_unix_path *path, int fd,
                          const struct duet_address *address, int backlog)
{
    int rc = 0, lock = lock_folder(address->un.sun_path);
    if (is_stale(address)) {
        /* Without the lock it may be one that another starter has bound just now. */
        if (lock < 0)
            rc = -ENOLCK;
        else
            unlink(address->un.sun_path);
    }
    if (rc == 0)
        rc = listen_at(path, fd, address, backlog);
    unlock_folder(lock);
    return rc;
}

void duet_unix_path_remove(const struct duet_unix_path *path,
                           const struct duet_address *address)
{
    struct stat status;
    if (lstat(address->un.sun_path, &status) == 0 && status.st_dev == path->device &&
        status.st_ino == path->inode)
        unlink(address->un.sun_path);
}
