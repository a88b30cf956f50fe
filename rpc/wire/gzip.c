/*
 * zlib's streams, kept per thread: setting one up costs a quarter of a megabyte of allocation,
 * resetting it nothing.
 */
#include "gzip.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include <zlib.h>

enum {
    GZIP = 16, /* added to the window's bits: gzip's header and trailer, not zlib's */
    LEVEL = 1, /* markup shrinks tenfold even so, at a third of the default level's time */
    MEMORY_LEVEL = 8,  /* zlib's default */
    FIRST_ROOM = 4096, /* then the output doubles: no more memory than it turns out to need */
};

struct streams {
    z_stream in, out;
    bool has_in, has_out;
};

static pthread_key_t key;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void free_streams(void *arg)
{
    struct streams *streams = arg;
    if (streams->has_in)
        inflateEnd(&streams->in);
    if (streams->has_out)
        deflateEnd(&streams->out);
    free(streams);
}

static void make_key(void)
{
    pthread_key_create(&key, free_streams);
}

static struct streams *this_threads_streams(void)
{
    pthread_once(&once, make_key);
    struct streams *streams = pthread_getspecific(key);
    if (streams == NULL) {
        streams = calloc(1, sizeof *streams);
        if (streams != NULL && pthread_setspecific(key, streams) != 0) {
            free(streams);
            streams = NULL;
        }
    }
    return streams;
}

static z_stream *ready_inflater(void)
{
    struct streams *streams = this_threads_streams();
    if (streams == NULL)
        return NULL;
    if (streams->has_in)
        return inflateReset(&streams->in) == Z_OK ? &streams->in : NULL;
    streams->has_in = inflateInit2(&streams->in, MAX_WBITS + GZIP) == Z_OK;
    return streams->has_in ? &streams->in : NULL;
}

static z_stream *ready_deflater(void)
{
    struct streams *streams = this_threads_streams();
    if (streams == NULL)
        return NULL;
    if (streams->has_out)
        return deflateReset(&streams->out) == Z_OK ? &streams->out : NULL;
    streams->has_out = deflateInit2(&streams->out, LEVEL, Z_DEFLATED, MAX_WBITS + GZIP,
                                    MEMORY_LEVEL, Z_DEFAULT_STRATEGY) == Z_OK;
    return streams->has_out ? &streams->out : NULL;
}

/* Makes room for more output and points the stream at it. */
static int give_room(z_stream *stream, struct duet_buf *out)
{
    size_t room = out->size > FIRST_ROOM ? out->size : FIRST_ROOM;
    if (room > out->max - out->size)
        room = out->max - out->size;
    if (room == 0)
        return -EMSGSIZE;
    int rc = duet_buf_reserve(out, room);
    if (rc < 0)
        return rc;
    stream->next_out = out->data + out->size;
    stream->avail_out = (uInt)room;
    return 0;
}

static void point_at(z_stream *stream, const void *bytes, size_t size)
{
    stream->next_in = (Bytef *)(uintptr_t)bytes; /* zlib only reads it */
    stream->avail_in = (uInt)size;
}

/* One step of inflate or deflate into new room. */
static int step(z_stream *stream, int (*run)(z_stream *stream, int flush), int flush,
                struct duet_buf *out, int *status)
{
    int rc = give_room(stream, out);
    if (rc < 0)
        return rc;
    uInt room = stream->avail_out;
    *status = run(stream, flush);
    out->size += room - stream->avail_out;
    return 0;
}

int duet_gzip_inflate(const void *bytes, size_t size, struct duet_buf *out)
{
    z_stream *stream = ready_inflater();
    if (stream == NULL || size > UINT32_MAX)
        return stream == NULL ? -ENOMEM : -EMSGSIZE;
    point_at(stream, bytes, size);
    for (;;) {
        int status, rc = step(stream, inflate, Z_NO_FLUSH, out, &status);
        if (rc < 0)
            return rc;
        if (status == Z_STREAM_END)
            return stream->avail_in == 0 ? 0 : -EINVAL;
        if (status == Z_MEM_ERROR)
            return -ENOMEM;
        if (status != Z_OK || (stream->avail_in == 0 && stream->avail_out > 0))
            return -EINVAL; /* damaged, or its end is missing */
    }
}

int duet_gzip_deflate(const void *bytes, size_t size, struct duet_buf *out)
{
    z_stream *stream = ready_deflater();
    if (stream == NULL || size > UINT32_MAX)
        return stream == NULL ? -ENOMEM : -EMSGSIZE;
    point_at(stream, bytes, size);
    for (;;) {
        int status, rc = step(stream, deflate, Z_FINISH, out, &status);
        if (rc < 0)
            return rc;
        if (status == Z_STREAM_END)
            return 0;
        if (status != Z_OK && status != Z_BUF_ERROR)
            return -ENOMEM;
    }
}
