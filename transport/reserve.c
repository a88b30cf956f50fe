/*
 * Taking the fd, using its place, putting it back. The place may be lost: another thread may
 * open something in between. Then the next connection that is accepted gives its own.
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

/* False when there is nothing to put back. */
static bool put_back(struct duet_reserve *reserve, int fd)
{
    if (fd < 0)
        return false;
    int other = atomic_exchange(&reserve->fd, fd); /* of a loop that did the same meanwhile */
    if (other >= 0)
        close(other);
    return true;
}

void duet_reserve_init(struct duet_reserve *reserve)
{
    atomic_store(&reserve->fd, make());
}

void duet_reserve_done(struct duet_reserve *reserve)
{
    int kept = atomic_exchange(&reserve->fd, -1);
    if (kept >= 0)
        close(kept);
}

static void turn_away(struct duet_reserve *reserve, int fd)
{
    atomic_fetch_add(&reserve->turned_away, 1);
    duet_socket_close(fd);
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
    if (fd >= 0)
        turn_away(reserve, fd);
    put_back(reserve, make());
    return rc;
}

bool duet_reserve_spares(struct duet_reserve *reserve, int fd)
{
    if (atomic_load_explicit(&reserve->fd, memory_order_relaxed) >= 0 ||
        put_back(reserve, make()))
        return true;
    turn_away(reserve, fd);
    put_back(reserve, make());
    return false;
}
