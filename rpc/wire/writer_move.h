/*
 * What is written elsewhere, or later: a value that one writer has begun goes on in another
 * one, and whole values of the same format are put where they belong.
 */
#ifndef DUET_WRITER_MOVE_H
#define DUET_WRITER_MOVE_H

#include "writer.h"

/* What has been written since a scope was entered, whole or not, goes to a writer of the same
 * format that wants one value, with the containers that are open in it, and the error if one
 * sticks. The scope is then to be left with an error. 0, or what sticks in `to`. */
int duet_writer_move(struct duet_writer *from, const struct duet_writer_scope *scope,
                     struct duet_writer *to);

/* One whole value, as another writer of the same format has written it. 0, or the error that
 * sticks. */
int duet_writer_splice(struct duet_writer *writer, const void *bytes, size_t size);

/* A value is left out here: it is inserted when all is written. From then on nothing is
 * referred to. 0, or the error that sticks. */
int duet_writer_leave_out(struct duet_writer *writer);

/* Values that were left out, in the order of their places. */
struct duet_writer_piece {
    size_t at; /* bytes of output before it */
    const uint8_t *bytes;
    size_t size;
};
int duet_writer_insert(struct duet_writer *writer, const struct duet_writer_piece *pieces,
                       size_t count);

#endif
