/*
 * The path of a unix socket: taken by one listener at a time, given back by the one that has
 * it. A listener that was killed leaves its path behind; it is taken over when nobody listens
 * there. Set-up is on the user's thread, giving back on a loop's.
 */
#ifndef DUET_UNIX_PATH_H
#define DUET_UNIX_PATH_H

#include "address.h"

#include <sys/types.h>

/* Which file is ours, and where: another one may have its name by now, and the process another
 * folder. */
struct duet_unix_path {
    int folder; /* an fd; -1: there is no path */
    dev_t device;
    ino_t inode;
};

/* Fills in `path`: binds the socket to its address, sets who may connect, and listens. 0;
 * -EADDRINUSE when somebody listens there; -ENOLCK when nobody does, but the folder cannot be
 * locked to remove what was left; or -errno. */
int duet_unix_path_listen(struct duet_unix_path *path, int fd,
                          const struct duet_address *address, int backlog);

/* Removes the path if it is still that of the socket, which must not be closed yet: then
 * another file cannot have its inode. */
void duet_unix_path_remove(const struct duet_unix_path *path,
                           const struct duet_address *address);

/* Closes the socket. Its path goes with it, unless somebody listens there all the same: a
 * process that was forked meanwhile and has the socket too. */
void duet_unix_path_leave(const struct duet_unix_path *path, int fd,
                          const struct duet_address *address);

/* Forgets the path, and leaves it where it is. */
void duet_unix_path_done(struct duet_unix_path *path);

#endif
