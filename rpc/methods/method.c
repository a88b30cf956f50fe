/*
 * Making methods of rows, and their counters. Set-up and any thread.
 */
#include "method.h"

#include "account.h"
#include "utf8.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void duet_method_ref(struct duet_method_entry *method)
{
    atomic_fetch_add_explicit(&method->references, 1, memory_order_relaxed);
}

void duet_method_unref(struct duet_method_entry *method)
{
    if (atomic_fetch_sub_explicit(&method->references, 1, memory_order_acq_rel) != 1)
        return;
    duet_gate_done(&method->gate);
    duet_signature_done(&method->signature);
    free(atomic_load(&method->counts));
    free(method);
}

/* Names are made of what clients can send and logs can show. The codecs trim spaces around a
 * name, so one that has them could never be called. */
static const char *why_bad_name(const char *name, size_t size, bool is_reserved_fine)
{
    if (size == 0)
        return "is empty";
    if (size > DUET_METHOD_NAME_MAX)
        return "is longer than 200 bytes";
    char shown[DUET_METHOD_SHOWN];
    if (duet_escape(shown, sizeof shown, name, size) != size)
        return "has a control character in it, or is no UTF-8";
    if (name[0] == ' ' || name[size - 1] == ' ')
        return "begins or ends with a space";
    if (!is_reserved_fine && strncmp(name, "system.", 7) == 0)
        return "is reserved: \"system.\" is the server's (DUET_METHOD_REPLACE takes it)";
    return NULL;
}

enum {
    MAX_TIMEOUT_MS = 86400 * 1000, /* as --call-timeout */
    FLAGS = DUET_METHOD_INLINE | DUET_METHOD_REFUSE_BUSY | DUET_METHOD_FIN_CANCELS |
            DUET_METHOD_REPLACE | DUET_METHOD_DRAIN_CANCELS,
};

static int check_row(const duet_method *row, enum duet_method_adder adder, char *words,
                     size_t room)
{
    bool is_fine = adder == DUET_ADDED_BY_SERVER || row->flags & DUET_METHOD_REPLACE;
    const char *bad = why_bad_name(row->name, strlen(row->name), is_fine);
    if (bad == NULL && adder == DUET_ADDED_BY_USER &&
        strcmp(row->name, DUET_METHOD_DEFAULT) == 0)
        bad = "is reserved: the default handler is counted under it";
    if (bad != NULL) {
        char shown[DUET_METHOD_SHOWN];
        duet_method_show(shown, row->name, strlen(row->name));
        return duet_words_set(-EINVAL, words, room, "method name \"%s\" %s", shown, bad);
    }
    if (row->handler == NULL)
        return duet_words_set(-EINVAL, words, room, "method %s has no handler", row->name);
    if (row->flags & ~(unsigned)FLAGS)
        return duet_words_set(-EINVAL, words, room,
                              "method %s has flags 0x%x, which there are not", row->name,
                              row->flags);
    if (row->flags & DUET_METHOD_REFUSE_BUSY && row->max_running == 0)
        return duet_words_set(-EINVAL, words, room,
                              "method %s has DUET_METHOD_REFUSE_BUSY, but no max_running",
                              row->name);
    if (row->timeout_ms > MAX_TIMEOUT_MS && row->timeout_ms != DUET_NO_TIMEOUT)
        return duet_words_set(-EINVAL, words, room,
                              "method %s: timeout_ms %u is more than a day (%d); "
                              "DUET_NO_TIMEOUT is none at all",
                              row->name, row->timeout_ms, MAX_TIMEOUT_MS);
    return 0;
}

/* One block for the method, its name and its help: what is added together lies together. */
static struct duet_method_entry *copy_row(const duet_method *row, void *ctx)
{
    const char *help = row->help ? row->help : "";
    size_t name_size = strlen(row->name), help_size = strlen(help);
    struct duet_method_entry *method = malloc(sizeof *method + name_size + help_size + 2);
    if (method == NULL)
        return NULL;

    char *name = (char *)(method + 1);
    memcpy(name, row->name, name_size + 1);
    memcpy(name + name_size + 1, help, help_size + 1);
    method->handler = row->handler;
    method->ctx = ctx;
    method->name = name;
    method->name_size = name_size;
    method->flags = row->flags;
    atomic_init(&method->is_kept_inline, false);
    method->timeout_ms = row->timeout_ms;
    method->is_default = false;
    duet_gate_init(&method->gate, row->max_running);
    atomic_init(&method->slow_inline, 0);
    atomic_init(&method->slow_is_told, false);
    atomic_init(&method->slow_is_suspected, false);
    atomic_init(&method->counts, NULL);
    atomic_init(&method->large_reply, 0);
    method->help = name + name_size + 1;
    method->signature = (struct duet_signature){.size = 0};
    atomic_init(&method->references, 1);
    return method;
}

size_t duet_method_show(char *room, const char *name, size_t size)
{
    if (size > DUET_METHOD_NAME_MAX)
        for (size = DUET_METHOD_NAME_MAX; size > 0 && duet_utf8_continues((uint8_t)name[size]);)
            size--;
    return duet_escape(room, DUET_METHOD_SHOWN, name, size);
}

int duet_method_new(const duet_method *row, void *ctx, enum duet_method_adder adder,
                    const struct duet_type_names *types, struct duet_method_entry **made,
                    char *words, size_t room)
{
    int rc = check_row(row, adder, words, room);
    if (rc < 0)
        return rc;

    struct duet_method_entry *method = copy_row(row, ctx);
    if (method == NULL)
        return duet_words_set(-ENOMEM, words, room, "out of memory");
    char why[800];
    rc = duet_signature_init(&method->signature, row->signature, row->params, types, why,
                             sizeof why);
    if (rc < 0) {
        duet_method_unref(method);
        return duet_words_set(rc, words, room, "%s: %s", row->name, why);
    }
    *made = method;
    return 0;
}

/* ---- Counters */

struct duet_counts *duet_method_make_counts(struct duet_method_entry *method, size_t shards)
{
    struct duet_counts *made =
        aligned_alloc(_Alignof(struct duet_counts), shards * sizeof *made);
    if (made == NULL)
        return NULL;
    memset(made, 0, shards * sizeof *made);
    struct duet_counts *there = NULL;
    if (atomic_compare_exchange_strong(&method->counts, &there, made))
        return made;
    free(made); /* another thread was first */
    return there;
}

/* The largest, which is forgotten by an eighth with each smaller one. Two threads may overwrite
 * each other's note: it is a guess. */
void duet_method_note_reply(struct duet_method_entry *method, size_t size)
{
    size_t large = duet_method_large_reply(method);
    if (size < large)
        size = large - (large - size + 7) / 8;
    atomic_store_explicit(&method->large_reply, size > DUET_SMALL ? size : 0,
                          memory_order_relaxed);
}

static uint64_t ended(const struct duet_counts *counts, enum duet_ended how)
{
    return atomic_load_explicit(&counts->ended[how], memory_order_relaxed);
}

void duet_counts_add(duet_call_stats *sum, const struct duet_counts *counts)
{
    sum->ok += ended(counts, ENDED_OK);
    sum->fault += ended(counts, ENDED_FAULT);
    sum->refused += ended(counts, ENDED_REFUSED);
    sum->cancelled += ended(counts, ENDED_CANCELLED);
    sum->dropped += ended(counts, ENDED_DROPPED);
    sum->timed_out += ended(counts, ENDED_TIMED_OUT);
    sum->queue_us += atomic_load_explicit(&counts->queue_ns, memory_order_relaxed) / 1000;
    sum->run_us += atomic_load_explicit(&counts->run_ns, memory_order_relaxed) / 1000;
}

void duet_method_sum(const struct duet_method_entry *method, size_t shards,
                     duet_call_stats *sum)
{
    *sum = (duet_call_stats){.slow_inline = atomic_load(&method->slow_inline)};
    const struct duet_counts *counts =
        atomic_load_explicit(&method->counts, memory_order_acquire);
    for (size_t i = 0; counts != NULL && i < shards; i++)
        duet_counts_add(sum, &counts[i]);
}
