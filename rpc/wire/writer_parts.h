/*
 * What the checked front's files share: writer.c keeps the counts, writer_values.c writes
 * values for writer_front.c, writer_marks.c takes them back. The inline halves are the whole
 * way of a value outside of any container.
 */
#ifndef DUET_WRITER_PARTS_H
#define DUET_WRITER_PARTS_H

#include "writer.h"

/* The innermost open container; there must be one. */
static inline struct duet_writer_level *duet_writer_top(const struct duet_writer *writer)
{
    return &writer->levels[writer->depth - 1];
}

/* Makes an error stick, with its words where it comes without. Returns it. */
int duet_writer_stick(struct duet_writer *writer, int rc);

/* Makes "the method …" a fault that sticks. Returns it. */
int duet_writer_misuse(struct duet_writer *writer, const char *words);

/* 0 when a value may stand here; else the error that sticks. */
int duet_writer_expect_slow(struct duet_writer *writer);

static inline int duet_writer_expect(struct duet_writer *writer)
{
    bool wanted = writer->depth == writer->base && writer->wanted > 0;
    return wanted && writer->error == 0 ? 0 : duet_writer_expect_slow(writer);
}

/* Takes the result of what wrote a whole value, and closes each container that this value
 * fills: a full container is a written value itself. Returns 0 or the error that sticks. */
int duet_writer_count_slow(struct duet_writer *writer, int rc);

static inline int duet_writer_count(struct duet_writer *writer, int rc)
{
    if (rc < 0 || writer->depth != writer->base)
        return duet_writer_count_slow(writer, rc);
    writer->wanted--;
    return 0;
}

/* Closes the innermost container: 0, or an operation's error. */
int duet_writer_close(struct duet_writer *writer);

/* Room for one more open container: 0 or -ENOMEM. */
int duet_writer_reserve_level(struct duet_writer *writer);

/* writer_values.c: what the functions of these names do (duet_write_…), for a writer that is
 * not NULL. */
int duet_writer_put_nil(struct duet_writer *writer);
int duet_writer_put_bool(struct duet_writer *writer, bool value);
int duet_writer_put_int(struct duet_writer *writer, int64_t value);
int duet_writer_put_uint(struct duet_writer *writer, uint64_t value);
int duet_writer_put_double(struct duet_writer *writer, double value);
int duet_writer_put_string(struct duet_writer *writer, const char *text, size_t size);
int duet_writer_put_bytes(struct duet_writer *writer, const void *bytes, size_t size);
int duet_writer_put_time(struct duet_writer *writer, duet_time value);
int duet_writer_put_value(struct duet_writer *writer, const duet_value *value);
int duet_writer_put_array(struct duet_writer *writer, size_t count);
int duet_writer_put_map(struct duet_writer *writer, size_t count);
int duet_writer_put_record(struct duet_writer *writer, size_t count, duet_record_form form);
int duet_writer_put_key(struct duet_writer *writer, const char *key, size_t size);
int duet_writer_put_int_key(struct duet_writer *writer, int64_t key);

#endif
