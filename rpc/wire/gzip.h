/*
 * gzip, as HTTP's Content-Encoding: inflating requests under a limit, compressing replies. On
 * the thread that decodes or answers, with one stream of each kind per thread, which lives as
 * long as the thread.
 */
#ifndef DUET_GZIP_H
#define DUET_GZIP_H

#include "buf.h"

/* Appends what the bytes inflate to; `out->max` is the limit. 0, -EMSGSIZE when it would be
 * passed, -EINVAL when they are not one whole gzip stream, -ENOMEM. */
int duet_gzip_inflate(const void *bytes, size_t size, struct duet_buf *out);

/* Appends the bytes compressed, fast rather than small. 0, -EMSGSIZE or -ENOMEM. */
int duet_gzip_deflate(const void *bytes, size_t size, struct duet_buf *out);

#endif
