/*
 * See writer_move.h. In all formats a value looks the same wherever it stands.
 */
#include "writer_move.h"

#include "writer_parts.h"

#include <errno.h>

/* The bytes since then, those that are only referred to among them. */
static int copy_bytes(const struct duet_writer *from, const struct duet_place *since,
                      struct duet_buf *to)
{
    size_t at = since->size;
    int rc = 0;
    for (size_t i = since->references; rc == 0 && i < from->reference_count; i++) {
        const struct duet_writer_reference *reference = &from->references[i];
        rc = duet_buf_append(to, from->out.data + at, reference->at - at);
        if (rc == 0)
            rc = duet_buf_append(to, reference->object->via.bin.ptr, reference->size);
        at = reference->at;
    }
    if (rc == 0 && from->out.size > at)
        rc = duet_buf_append(to, from->out.data + at, from->out.size - at);
    return rc;
}

static int copy_levels(const struct duet_writer *from, struct duet_writer *to)
{
    for (size_t i = from->base; i < from->depth; i++) {
        int rc = duet_writer_reserve_level(to);
        if (rc < 0)
            return rc;
        to->levels[to->depth++] = from->levels[i];
    }
    return 0;
}

int duet_writer_move(struct duet_writer *from, const struct duet_writer_scope *scope,
                     struct duet_writer *to)
{
    int rc = copy_bytes(from, &scope->place, &to->out);
    if (rc == 0)
        rc = copy_levels(from, to);
    if (rc < 0)
        return duet_writer_stick(to, rc);
    to->wanted = from->wanted;
    return to->error = from->error;
}

int duet_writer_splice(struct duet_writer *writer, const void *bytes, size_t size)
{
    int rc = duet_writer_expect(writer);
    if (rc == 0)
        rc = duet_buf_append(&writer->out, bytes, size);
    return duet_writer_count(writer, rc);
}

int duet_writer_leave_out(struct duet_writer *writer)
{
    writer->may_refer = false;
    return duet_writer_count(writer, duet_writer_expect(writer));
}

/* What is referred to was written before anything was left out: its place stays. */
int duet_writer_insert(struct duet_writer *writer, const struct duet_writer_piece *pieces,
                       size_t count)
{
    struct duet_buf all, *out = &writer->out;
    duet_buf_init(&all, out->max);
    all.account = out->account;
    size_t at = 0, total = out->size;
    for (size_t i = 0; i < count; i++)
        total += pieces[i].size;
    int rc = duet_buf_reserve(&all, total);
    for (size_t i = 0; i < count && rc == 0; i++) {
        rc = duet_buf_append(&all, out->data + at, pieces[i].at - at);
        if (rc == 0)
            rc = duet_buf_append(&all, pieces[i].bytes, pieces[i].size);
        at = pieces[i].at;
    }
    if (rc == 0)
        rc = duet_buf_append(&all, out->data + at, out->size - at);
    if (rc < 0) {
        duet_buf_done(&all);
        return duet_writer_stick(writer, rc);
    }
    duet_buf_done(out);
    duet_buf_take(out, &all);
    return 0;
}
