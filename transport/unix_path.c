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

/* One that may not be read cannot be locked, but names in it can be looked at and removed. */
static int open_folder(const char *path)
{
    char folder[sizeof(struct sockaddr_un)] = ".";
    const char *slash = strrchr(path, '/');
    if (slash != NULL) /* "/s" is in "/" */
        snprintf(folder, sizeof folder, "%.*s", (int)(slash - path + (slash == path)), path);
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return duet_fd_above_stdio(fd < 0 ? open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC) : fd);
}

/* False when it cannot be locked, or not for too long. */
static bool lock_folder(int folder)
{
    for (int ms = 0; flock(folder, LOCK_EX | LOCK_NB) < 0; ms += LOCK_STEP_MS) {
        const struct timespec step = {.tv_nsec = LOCK_STEP_MS * 1000000L};
        if (errno != EWOULDBLOCK || ms >= LOCK_MS)
            return false;
        nanosleep(&step, NULL);
    }
    return true;
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

static const char *name_of(const struct duet_address *address)
{
    const char *slash = strrchr(address->un.sun_path, '/');
    return slash != NULL ? slash + 1 : address->un.sun_path;
}

/* Looked up in its folder, whichever the process has gone to since. */
static bool is_there(const struct duet_unix_path *path, int folder, const char *name)
{
    struct stat status;
    return fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
           status.st_dev == path->device && status.st_ino == path->inode;
}

void duet_unix_path_remove(const struct duet_unix_path *path,
                           const struct duet_address *address)
{
    if (is_there(path, path->folder, name_of(address)))
        unlinkat(path->folder, name_of(address), 0);
}

static int listen_at(struct duet_unix_path *path, int fd, const struct duet_address *address,
                     int backlog)
{
    struct stat status;
    if (bind(fd, &address->any, address->size) < 0)
        return -errno;
    int rc =
        fstatat(path->folder, name_of(address), &status, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
    if (rc < 0)
        return rc; /* gone already: nothing to remove */
    path->device = status.st_dev;
    path->inode = status.st_ino;
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
    *path = (struct duet_unix_path){.folder = open_folder(address->un.sun_path)};
    if (path->folder < 0)
        return -errno;
    int rc = 0;
    bool is_locked = lock_folder(path->folder);
    if (is_stale(address)) {
        /* Without the lock it may be one that another starter has bound just now. */
        if (!is_locked)
            rc = -ENOLCK;
        else
            unlink(address->un.sun_path);
    }
    if (rc == 0)
        rc = listen_at(path, fd, address, backlog);
    if (is_locked)
        flock(path->folder, LOCK_UN); /* a process that was forked meanwhile holds it too */
    if (rc < 0)
        duet_unix_path_done(path);
    return rc;
}

void duet_unix_path_leave(const struct duet_unix_path *path, int fd,
                          const struct duet_address *address)
{
    bool is_locked = lock_folder(path->folder); /* until then, nobody else takes it over */
    close(fd);
    /* By its name, which finds nothing once the process has gone elsewhere. */
    bool is_alive = is_there(path, AT_FDCWD, address->un.sun_path) && !is_stale(address);
    if (!is_alive)
        duet_unix_path_remove(path, address);
    if (is_locked)
        flock(path->folder, LOCK_UN);
}

void duet_unix_path_done(struct duet_unix_path *path)
{
    if (path->folder >= 0)
        close(path->folder);
    path->folder = -1;
}
