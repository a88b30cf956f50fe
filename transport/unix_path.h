/*
 * The path of a unix socket: taken by one listener at a time, given back by the one that has
 * it. A listener that was killed leaves its path behind; it is taken over when nobody listens
 * there. Set-up is on the user's thread, giving back on a loop's.
 */
#ifndef DUET_UNIX_PATH_H
#define DUET_UNIX_PATH_H

#include "address.h"

#include <sys/types.h>

/* Which file is ours: another one may have its name by now. */
struct duet_unix_path {
    dev_t device;
    ino_t inode;
};

/* Binds the socket to its address, sets who may connect, and listens. 0; -EADDRINUSE when
 * somebody listens there; -ENOLCK when nobody does, but the folder cannot be locked to remove
 * what was left; or -errno. */
int duet_unix_path_listen(struct duet_unix_path *path, int fd,
                          const struct duet_address *address, int backlog);

/* Removes the path if it is still that of the socket, which must not be closed yet: then
 * another file cannot have its inode. */
void duet_unix_path_remove(const struct duet_unix_path *path,
                           const struct duet_address *address);

#endif
