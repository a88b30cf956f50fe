/*
 * Taking the fd, using its place, putting it back. Who finds it taken tries to make one.
 */
#include "reserve.h"

#include "fd.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

static int make(void)
{
    return duet_fd_above_stdio(eventfd(0, EFD_CLOEXEC)); /* needs no file: /dev may be empty */
}

static void put_back(struct duet_reserve *reserve, int fd)
{
    int other = atomic_exchange(&reserve->fd, fd);
    if (other >= 0)
        close(other);
}

void duet_reserve_init(struct duet_reserve *reserve)
{
    atomic_store(&reserve->fd, make());
}

void duet_reserve_done(struct duet_reserve *reserve)
{
    put_back(reserve, -1);
}

int duet_reserve_turn_away(struct duet_reserve *reserve, int listener)
{
    int kept = atomic_exchange(&reserve->fd, -1);
    if (kept < 0)
        kept = make();
    if (kept < 0)
        return -errno;
    close(kept);
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    int rc = fd < 0 ? -errno : 0;
    if (fd >= 0) {
        atomic_fetch_add(&reserve->turned_away, 1);
        duet_socket_close(fd);
    }
    put_back(reserve, make());
    return rc;
}
