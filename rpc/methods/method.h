/*
 * One registered method: what every call of it reads, what its calls count, and the gate that
 * bounds how many run. Read-only but for counters and gate once it is shared. It outlives the
 * registries it is in, so counters stay when other methods come and go.
 */
#ifndef DUET_METHOD_H
#define DUET_METHOD_H

#include "count.h"
#include "escape.h"
#include "gate.h"
#include "signature.h"

#include <stdatomic.h>

enum {
    DUET_METHOD_NAME_MAX = 200,
    DUET_METHOD_SHOWN = DUET_METHOD_NAME_MAX * DUET_ESCAPED_MAX + 1, /* its room in words */
};

/* How a call ended: each in exactly one way. */
enum duet_ended {
    ENDED_OK,
    ENDED_FAULT,
    ENDED_REFUSED,   /* before it ran: a full queue, a busy method, a limit */
    ENDED_CANCELLED, /* answered with a fault at the end of a drain, while it ran or waited */
    ENDED_DROPPED,   /* its client was gone before the answer */
    ENDED_TIMED_OUT, /* answered with a fault at its deadline */
    ENDED_KINDS
};

/* Counters of one thread (or shared): on cache lines of their own. */
struct duet_counts {
    _Alignas(64) _Atomic uint64_t ended[ENDED_KINDS];
    _Atomic uint64_t queue_ns, run_ns; /* of calls that ran on workers */
};

struct duet_method_entry {
    duet_handler handler;
    void *ctx;
    const char *name; /* NUL-terminated */
    size_t name_size;
    unsigned flags;
    unsigned timeout_ms; /* DUET_NO_TIMEOUT; 0: the server's */
    struct duet_signature signature;
    const char *help;            /* "" if there is none */
    _Atomic bool is_kept_inline; /* calls of it have been kept that ran on their loop */
    bool is_default;             /* runs for the names that no method has */
    atomic_size_t references;
    _Atomic(struct duet_counts *) counts; /* an array, made by the first call that counts */
    struct duet_gate gate;
    _Atomic uint64_t slow_inline; /* calls that held their loop too long: see slow_inline.h */
    _Atomic bool slow_is_told, slow_is_suspected;
    _Atomic size_t large_reply; /* how large its replies to small requests are; 0: small */
};

/* Who adds rows: names that begin with "system." are for the server itself, unless a user's row
 * says DUET_METHOD_REPLACE. */
enum duet_method_adder { DUET_ADDED_BY_USER, DUET_ADDED_BY_SERVER };

/* What the handler of all other names is called where methods are counted and named. */
#define DUET_METHOD_DEFAULT "(default)"

/* Makes a method of a row, with one reference. Copies all it holds; its signature may use these
 * types (NULL: none). -EINVAL or -ENOMEM, with words. */
int duet_method_new(const duet_method *row, void *ctx, enum duet_method_adder adder,
                    const struct duet_type_names *types, struct duet_method_entry **made,
                    char *words, size_t room);

/* A name as a caller sent it, for words: escaped, and cut as no method's name is longer. `room`
 * has DUET_METHOD_SHOWN bytes. Returns the size. */
size_t duet_method_show(char *room, const char *name, size_t size);

/* References, for those who keep it longer than its registry. Any thread. */
void duet_method_ref(struct duet_method_entry *method);
void duet_method_unref(struct duet_method_entry *method);

struct duet_counts *duet_method_make_counts(struct duet_method_entry *method, size_t shards);

/* The counters of shard `i` of `shards`; NULL when out of memory, and then nothing is
 * counted. */
static inline struct duet_counts *duet_method_counts(struct duet_method_entry *method,
                                                     size_t shards, size_t i)
{
    struct duet_counts *counts = atomic_load_explicit(&method->counts, memory_order_acquire);
    if (counts == NULL)
        counts = duet_method_make_counts(method, shards);
    return counts != NULL ? &counts[i] : NULL;
}

/* How large a reply of it may be: about as the largest of late, or 0 if they are small. Notes
 * one that is large or was expected to be. Any thread. */
static inline size_t duet_method_large_reply(const struct duet_method_entry *method)
{
    return atomic_load_explicit(&method->large_reply, memory_order_relaxed);
}
void duet_method_note_reply(struct duet_method_entry *method, size_t size);

/* Adds up all shards. Any thread; a moment's truth. */
void duet_counts_add(duet_call_stats *sum, const struct duet_counts *counts);
void duet_method_sum(const struct duet_method_entry *method, size_t shards,
                     duet_call_stats *sum);

#endif
