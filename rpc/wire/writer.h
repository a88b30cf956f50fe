/*
 * Streaming one value into bytes: the checked front that duet.h's duet_write_ functions are,
 * and the small operations that a wire format implements for it. The front keeps the count of
 * what each open container still wants, so an operation is only ever called where a value (or a
 * key) may stand. Errors stick. One thread at a time.
 */
#ifndef DUET_WRITER_H
#define DUET_WRITER_H

#include "buf.h"
#include "codec.h"

/* What a format does for each kind of value. All append to writer->out and return 0, -ENOMEM,
 * -EMSGSIZE (the reply's limit), or DUET_FAILED with writer->fault set. */
struct duet_writer_ops {
    int (*nil)(struct duet_writer *writer);
    int (*boolean)(struct duet_writer *writer, bool value);
    int (*integer)(struct duet_writer *writer, int64_t value);
    int (*natural)(struct duet_writer *writer, uint64_t value); /* above INT64_MAX only */
    int (*real)(struct duet_writer *writer, double value);
    int (*string)(struct duet_writer *writer, const char *text, size_t size);
    int (*bytes)(struct duet_writer *writer, const void *bytes, size_t size);
    int (*time)(struct duet_writer *writer, duet_time value);
    int (*ext)(struct duet_writer *writer, int type, const void *bytes, size_t size);

    /* Containers: begin with the count, end after the last item. In a map each value has its
     * key before it and end_member after it. A key is a string in what handlers write; a copied
     * value may bring others. */
    int (*begin_array)(struct duet_writer *writer, size_t count);
    int (*end_array)(struct duet_writer *writer);
    int (*begin_map)(struct duet_writer *writer, size_t count);
    int (*key)(struct duet_writer *writer, const msgpack_object *key);
    int (*end_member)(struct duet_writer *writer);
    int (*end_map)(struct duet_writer *writer);

    /* After an argument of a call, with the number of those to come. */
    int (*end_argument)(struct duet_writer *writer, size_t left);

    bool has_field_names; /* records are always maps (XML-RPC's struct) */
};

extern const struct duet_writer_ops duet_writer_ops_msgpack;
extern const struct duet_writer_ops duet_writer_ops_xmlrpc;

/* A container that is open, and what it wants next. */
enum duet_level_kind {
    DUET_LEVEL_ARRAY,        /* a value */
    DUET_LEVEL_MAP,          /* a key */
    DUET_LEVEL_MAP_KEYED,    /* the value of that key */
    DUET_LEVEL_FIELDS,       /* a field of a record that is sent as an array */
    DUET_LEVEL_FIELDS_NAMED, /* the value of that field */
    DUET_LEVEL_ARGUMENTS,    /* of a call: a value */
};
struct duet_writer_level {
    const msgpack_object *source; /* when a value is copied: where its next item lies */
    uint32_t left, count;         /* a key and its value count as one */
    enum duet_level_kind kind;
    uint32_t start; /* where its items begin in the output: no two of one depth are alike */
};

enum { DUET_WRITER_INLINE_LEVELS = 16 };

/* A large string that is not copied into the output: it belongs there after `at` bytes of it.
 * Where it lies the object says, which a reader of it may still move (duet_value_string). */
struct duet_writer_reference {
    size_t at, size;
    const msgpack_object *object;
};

enum {
    DUET_WRITER_REFERENCES = 2,      /* each costs a reply two more pieces to write */
    DUET_REFERENCE_FROM = 32 * 1024, /* bytes: a smaller copy is cheaper than a piece of its
                                        own */
};

enum { DUET_WRITER_LAPSES = 8 }; /* savepoints within savepoints: nobody nests as many */

/* The marks with the numbers after one and up to another are no longer good. */
struct duet_writer_lapse {
    uint64_t after, last;
};

struct duet_recorder;

struct duet_writer {
    struct duet_buf out;
    const struct duet_writer_ops *ops;
    struct duet_recorder *recorder; /* the newest, if the operations are those of one */
    struct duet_fault *fault;       /* where an operation puts the words of its error */
    struct duet_style style;
    int error;     /* the first error, or 0 */
    size_t wanted; /* values still wanted outside of any container: 1, then 0 */
    size_t depth;  /* open containers */
    size_t base;   /* of these, the ones that were open before a scope */
    size_t max_depth;
    uint64_t first_mark, last_mark; /* those up to the first are of other calls or scopes */
    unsigned lapse_count;
    struct duet_writer_lapse lapses[DUET_WRITER_LAPSES];
    bool is_call;   /* what is written is a call, not a reply */
    bool may_refer; /* what values lie in outlives the output: set after start */
    unsigned reference_count;
    size_t referred_bytes;
    const msgpack_object *source; /* the value that the operation under way copies, or NULL */
    struct duet_writer_reference references[DUET_WRITER_REFERENCES];
    size_t capacity;                  /* of levels */
    struct duet_writer_level *levels; /* inline_levels, or malloced when it grew */
    struct duet_writer_level inline_levels[DUET_WRITER_INLINE_LEVELS];
};

/* Sets up a writer that owns nothing yet; its output may hold `max_bytes`. It points into
 * itself: it must not be moved. */
void duet_writer_init(struct duet_writer *writer, size_t max_bytes);

/* Makes it ready for one value in a format; keeps its memory (up to a small size) and its
 * maximum. */
void duet_writer_start(struct duet_writer *writer, const struct duet_writer_ops *ops,
                       struct duet_style style, struct duet_fault *fault, size_t max_depth);

/* Opens a call, whose head was written with the outcome `rc`: `count` arguments are wanted
 * next, instead of one value. 0, or the error that sticks. */
int duet_writer_open_call(struct duet_writer *writer, int rc, size_t count);

/* Leaves a large string out of the output and refers to it, if that may be; false: it has to be
 * copied. For operations. */
bool duet_writer_refer(struct duet_writer *writer, size_t size);

/* Bytes of the whole output, those referred to included. */
static inline size_t duet_writer_size(const struct duet_writer *writer)
{
    return writer->out.size + writer->referred_bytes;
}

/* One value, as another writer of this format has written it. 0, or the error that sticks. */
int duet_writer_put_raw(struct duet_writer *writer, const void *bytes, size_t size);

/* 0 when exactly one value was written whole; else the sticky error, or DUET_FAILED with the
 * fault set ("the method wrote 2 of 5 items of an array"). A writer that got nothing at all
 * writes nil. */
int duet_writer_finish(struct duet_writer *writer);

void duet_writer_done(struct duet_writer *writer);

/* Where a writer stands: what a duet_mark holds. */
struct duet_place {
    uint64_t number; /* of the mark */
    size_t size, depth, start, left, wanted;
    int kind, error;
    unsigned references;
    uint32_t seal; /* of a mark: over all the rest and the writer that it is of */
};

/* One value within another, written by somebody else (a method that calls a method): between
 * enter and leave the writer behaves like a fresh one that wants one value, and nothing written
 * then can touch the containers around it. */
struct duet_writer_scope {
    struct duet_place place;
    size_t base, wanted;
    uint64_t first_mark, last_mark;
};

/* 0, or the error that sticks because no value may stand here; then do not leave. */
int duet_writer_enter(struct duet_writer *writer, struct duet_writer_scope *scope);

/* `rc` is how the other one ended. When it is below 0, or when not exactly one value was
 * written (none is nil), all that was written since enter is discarded, no error sticks, and
 * the error is returned. */
int duet_writer_leave(struct duet_writer *writer, const struct duet_writer_scope *scope,
                      int rc);

#endif
