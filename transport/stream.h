/*
 * What a connection reads and writes: bytes, in order, both ways. stream_socket is the
 * library's only kind; the tests have one in memory. A kind may turn what it carries into other
 * bytes, so nothing here is about sockets, except that the loop watches an fd. On the loop's
 * thread.
 */
#ifndef DUET_STREAM_H
#define DUET_STREAM_H

#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

struct duet_stream;

/* On which way `pending` counts. */
enum duet_stream_way {
    STREAM_UNREAD,  /* bytes that have come and can be read without waiting */
    STREAM_UNTAKEN, /* bytes written whose arrival at the peer is not known */
};

/* No function waits, and none says "interrupted": it tries again. A kind that must itself read
 * before it can write, or the other way round, answers -EAGAIN until it can go on, with its fd
 * ready for the call that its caller will make then. */
struct duet_stream_kind {
    /* Up to `size` bytes, which is not 0, into `room`. Returns how many; 0 when the peer will
     * send no more; -EAGAIN when nothing is there now; else -errno, and the stream is dead. May
     * give fewer than there are: whoever wants the rest asks again, without waiting for the
     * loop if `pending` says that it is not in the fd. */
    ssize_t (*read)(struct duet_stream *stream, void *room, size_t size);

    /* The bytes of `count` parts, 1 or more and none of them empty, one after another. Returns
     * how many were taken, perhaps not all; the parts from there on come again, with the same
     * bytes. -EAGAIN when it takes nothing now; else -errno, and the stream is dead. A peer
     * that is gone raises no signal. */
    ssize_t (*writev)(struct duet_stream *stream, const struct iovec *parts, int count);

    /* Nothing more is written: the peer reads to an end, behind what was. Reading goes on. 0 or
     * -errno. */
    int (*shutdown)(struct duet_stream *stream);

    /* How many bytes there are on that way; -errno when it cannot tell. Of the untaken only
     * differences mean anything where the kernel counts its bookkeeping too. */
    int (*pending)(const struct duet_stream *stream, enum duet_stream_way way);

    /* Ends both ways, whoever else holds the fd, and frees what the stream has. The last
     * call. */
    void (*close)(struct duet_stream *stream);
};

/* A value, moved freely before its first use: a connection keeps it inside. */
struct duet_stream {
    const struct duet_stream_kind *kind;
    int fd;      /* what the loop watches: readable and writable when the stream is */
    void *state; /* the kind's own; NULL for sockets */
};

/* A connected, non-blocking socket. */
struct duet_stream duet_stream_socket(int fd);

#endif
