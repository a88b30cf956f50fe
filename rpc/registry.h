/*
 * Name -> method. A registry is set up by one thread, then shared and never changed: methods
 * that come or go while the server runs make a new registry, which the server swaps in. Finding
 * takes no lock and copies nothing. Whoever holds a registry or a method counts as one
 * reference.
 */
#ifndef DUET_REGISTRY_H
#define DUET_REGISTRY_H

#include "signature.h"

#include <stdatomic.h>

enum { DUET_METHOD_NAME_MAX = 200 };

/* One method. Everything here is written before the entry is shared; what calls will count
 * belongs behind the parts that every call reads, on a cache line of its own. An entry outlives
 * the registries it is in, so counters stay when other methods come and go. */
struct duet_method_entry {
    duet_handler handler;
    void *ctx;
    const char *name; /* NUL-terminated */
    size_t name_size;
    unsigned flags;
    struct duet_signature signature;
    const char *help; /* "" if there is none */
    atomic_size_t references;
};

struct duet_registry;

/* Who adds rows: names that begin with "system." are for the server itself. */
enum duet_registry_adder { DUET_ADDED_BY_USER, DUET_ADDED_BY_SERVER };

/* An empty registry with one reference; NULL when out of memory. */
struct duet_registry *duet_registry_new(void);

/* Any thread. Unref takes NULL; the last one frees. */
void duet_registry_ref(struct duet_registry *registry);
void duet_registry_unref(struct duet_registry *registry);

/* Adds the rows of a table up to its NULL row to a registry that nobody else sees yet. Copies
 * all they hold. All or none: -EEXIST, -EINVAL or -ENOMEM, with words. */
int duet_registry_add(struct duet_registry *registry, const duet_method *rows, void *ctx,
                      enum duet_registry_adder adder, char *words, size_t room);

/* The same into a copy, for a registry that is shared. `*made` is the caller's; set on success
 * only. */
int duet_registry_with(const struct duet_registry *old, const duet_method *rows, void *ctx,
                       enum duet_registry_adder adder, struct duet_registry **made, char *words,
                       size_t room);

/* A copy without one method. -ENOENT or -ENOMEM, with words. */
int duet_registry_without(const struct duet_registry *old, const char *name,
                          struct duet_registry **made, char *words, size_t room);

/* The method of that name, which need not end with a NUL; NULL if there is none. It is good for
 * as long as the caller holds the registry, or a reference of its own. */
struct duet_method_entry *duet_registry_find(const struct duet_registry *registry,
                                             const char *name, size_t size);

/* How many methods there are; and all of them, in the order of their names' bytes: sorted when
 * first asked for, NULL when out of memory. Belongs to the registry. */
size_t duet_registry_count(const struct duet_registry *registry);
struct duet_method_entry *const *duet_registry_sorted(const struct duet_registry *registry);

/* References to a method, for those who keep it longer than its registry. Any thread. */
void duet_method_ref(struct duet_method_entry *method);
void duet_method_unref(struct duet_method_entry *method);

#endif
