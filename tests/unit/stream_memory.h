/*
 * A stream in memory: what the peer says is a script, what it is told is captured. The loop
 * watches an eventfd that is readable while something is to be read, so that a connection on it
 * is one as on any other; no byte goes through the kernel.
 */
#ifndef DUET_TESTS_STREAM_MEMORY_H
#define DUET_TESTS_STREAM_MEMORY_H

#include "buf.h"
#include "stream.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct stream_memory {
    /* What the peer does. */
    const uint8_t *script; /* still to be read */
    size_t script_size;
    size_t read_most;  /* bytes that one read brings; SIZE_MAX at first */
    size_t write_most; /* bytes that one write takes; SIZE_MAX at first, 0: it takes none now */
    bool has_ended;    /* it says no more after the script */
    int error;         /* what reads and writes fail with from now on; 0: they do not */

    /* What it saw. */
    struct duet_buf written;
    bool is_shut, is_closed;

    int fd; /* the eventfd: the stream's, which closes it */
    bool is_readable;
};

/* A peer that says nothing yet. Its stream is for one connection, which closes it; what is
 * captured stays until stream_memory_done. */
void stream_memory_init(struct stream_memory *memory);
void stream_memory_done(struct stream_memory *memory);
struct duet_stream stream_memory_stream(struct stream_memory *memory);

/* The peer says these bytes after those it has said, which must have been read. They are not
 * copied. */
void stream_memory_say(struct stream_memory *memory, const void *bytes, size_t size);

/* It ends; or reads and writes fail with that errno. */
void stream_memory_end(struct stream_memory *memory);
void stream_memory_fail(struct stream_memory *memory, int error);

#endif
