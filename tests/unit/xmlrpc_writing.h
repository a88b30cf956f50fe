/*
 * For the tests of what writes XML-RPC: a writer with nothing but its output, fault and style,
 * for calling operations directly.
 */
#ifndef DUET_TEST_XMLRPC_WRITING_H
#define DUET_TEST_XMLRPC_WRITING_H

#include "writer.h"

#include <string.h>

struct writing {
    struct duet_writer writer;
    struct duet_fault fault;
};

static inline struct duet_writer *writing_init(struct writing *writing, size_t max)
{
    memset(writing, 0, sizeof *writing);
    duet_buf_init(&writing->writer.out, max);
    writing->writer.ops = &duet_writer_ops_xmlrpc;
    writing->writer.fault = &writing->fault;
    return &writing->writer;
}

static inline void writing_done(struct writing *writing)
{
    duet_buf_done(&writing->writer.out);
}

/* What was written since the last time, ended by a NUL; valid until more is written. */
static inline const char *written(struct writing *writing)
{
    struct duet_buf *out = &writing->writer.out;
    if (duet_buf_append(out, "", 1) < 0)
        return "";
    out->size = 0;
    return (const char *)out->data;
}

#endif
