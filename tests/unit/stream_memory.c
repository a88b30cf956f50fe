/*
 * The stream in memory. Its eventfd is readable while there are bytes, an end or an error to be
 * had, and writable always: a peer that takes nothing is asked again.
 */
#include "stream_memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* A test that uses it wrongly ends at once; also without NDEBUG's assert, and without cmocka.
 */
static void must(bool holds)
{
    if (!holds)
        abort();
}

/* Makes the eventfd readable, or not. */
static void set_readable(struct stream_memory *memory, bool is_readable)
{
    uint64_t count = 1;
    if (is_readable == memory->is_readable || memory->is_closed)
        return;
    ssize_t n = is_readable ? write(memory->fd, &count, sizeof count)
                            : read(memory->fd, &count, sizeof count);
    must(n == sizeof count);
    memory->is_readable = is_readable;
}

static void update(struct stream_memory *memory)
{
    set_readable(memory, memory->script_size > 0 || memory->has_ended || memory->error != 0);
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static ssize_t memory_read(struct duet_stream *stream, void *room, size_t size)
{
    struct stream_memory *memory = stream->state;
    if (memory->error != 0)
        return -memory->error;
    if (memory->script_size == 0)
        return memory->has_ended ? 0 : -EAGAIN;
    size_t n = least(least(size, memory->read_most), memory->script_size);
    memcpy(room, memory->script, n);
    memory->script += n;
    memory->script_size -= n;
    update(memory);
    return (ssize_t)n;
}

static ssize_t memory_writev(struct duet_stream *stream, const struct iovec *parts, int count)
{
    struct stream_memory *memory = stream->state;
    size_t left = memory->write_most, taken = 0;
    if (memory->error != 0)
        return -memory->error;
    for (int i = 0; i < count && left > 0; i++) {
        size_t n = least(parts[i].iov_len, left);
        if (duet_buf_append(&memory->written, parts[i].iov_base, n) < 0)
            return -ENOMEM;
        left -= n;
        taken += n;
    }
    return taken > 0 ? (ssize_t)taken : -EAGAIN;
}

static int memory_shutdown(struct duet_stream *stream)
{
    struct stream_memory *memory = stream->state;
    memory->is_shut = true;
    return memory->error != 0 ? -memory->error : 0;
}

/* The peer takes what is written at once. */
static int memory_pending(const struct duet_stream *stream, enum duet_stream_way way)
{
    const struct stream_memory *memory = stream->state;
    return way == STREAM_UNREAD ? (int)memory->script_size : 0;
}

static void memory_close(struct duet_stream *stream)
{
    struct stream_memory *memory = stream->state;
    close(memory->fd);
    memory->is_closed = true;
}

static const struct duet_stream_kind memory_kind = {
    .read = memory_read,
    .writev = memory_writev,
    .shutdown = memory_shutdown,
    .pending = memory_pending,
    .close = memory_close,
};

void stream_memory_init(struct stream_memory *memory)
{
    *memory = (struct stream_memory){.read_most = SIZE_MAX, .write_most = SIZE_MAX};
    duet_buf_init(&memory->written, SIZE_MAX);
    memory->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    must(memory->fd >= 0);
}

void stream_memory_done(struct stream_memory *memory)
{
    must(memory->is_closed);
    duet_buf_done(&memory->written);
}

struct duet_stream stream_memory_stream(struct stream_memory *memory)
{
    return (struct duet_stream){.kind = &memory_kind, .fd = memory->fd, .state = memory};
}

void stream_memory_say(struct stream_memory *memory, const void *bytes, size_t size)
{
    must(memory->script_size == 0);
    memory->script = bytes;
    memory->script_size = size;
    update(memory);
}

void stream_memory_end(struct stream_memory *memory)
{
    memory->has_ended = true;
    update(memory);
}

void stream_memory_fail(struct stream_memory *memory, int error)
{
    memory->error = error;
    update(memory);
}
