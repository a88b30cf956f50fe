/*
 * Looks at a value as it is written. A recorder is a format in front of a format: it notes what
 * passes, lets the other one write it, and shows the whole value to whoever asked for it. Its
 * memory is an arena; a value for which that is too small is written all the same, and not
 * shown. For one writer, on the thread that writes.
 */
#ifndef DUET_RECORDER_H
#define DUET_RECORDER_H

#include "arena.h"
#include "writer.h"

/* A value, or a key, or the beginning of a container. */
struct duet_recorded {
    msgpack_object object;
    size_t at;   /* where in the output it begins */
    size_t left; /* values still wanted after it */
};

struct duet_recorder {
    /* Is shown the value when its last part is written; what it returns is what that writing
     * returned: 0, or DUET_FAILED with the writer's fault set. The value lasts as long as the
     * arena. */
    int (*show)(struct duet_writer *writer, msgpack_object *value, void *ctx);
    void *ctx;

    const struct duet_writer_ops *below; /* the format that writes */
    struct duet_recorder *outer;         /* another one in front of it, of a value around */
    struct duet_arena *arena;
    struct duet_recorded *recorded;
    size_t count, capacity;
    bool has_given_up; /* there was no memory */
    bool is_covered;   /* by one of a value within, whose last part may be its own last one: it
                          is shown when that one has left */
};

/* Puts a recorder before the format of a writer that wants one value next. It is there until
 * the writer is started anew; or, for a value within another one, until it leaves. */
void duet_recorder_begin(struct duet_recorder *recorder, struct duet_writer *writer,
                         struct duet_arena *arena);

/* Gives a writer back the operations and the recorder that it had, when what was written since
 * is whole or was taken back. What is whole by it is shown, and may be an error that sticks. */
void duet_recorder_leave(struct duet_writer *writer, const struct duet_writer_ops *ops,
                         struct duet_recorder *recorder);

#endif
