/*
 * Name -> method. A registry is set up by one thread, then shared and never changed: methods
 * that come or go while the server runs make a new registry, which the server swaps in. Finding
 * takes no lock and copies nothing. Whoever holds a registry or a method counts as one
 * reference.
 */
#ifndef DUET_REGISTRY_H
#define DUET_REGISTRY_H

#include "method.h"
#include "type_names.h"

struct duet_registry;

/* An empty registry with one reference; NULL when out of memory. */
struct duet_registry *duet_registry_new(void);

/* Any thread. Unref takes NULL; the last one frees. */
void duet_registry_ref(struct duet_registry *registry);
void duet_registry_unref(struct duet_registry *registry);

/* The types that signatures of methods to be added may use by name. All copies of a registry
 * have the same ones; methods that are there already are not touched by what is added to
 * them. They belong to whoever adds methods, one at a time. */
struct duet_type_names *duet_registry_types(const struct duet_registry *registry);

/* Adds the rows of a table up to its NULL row to a registry that nobody else sees yet. Copies
 * all they hold. All or none: -EEXIST, -EINVAL or -ENOMEM, with words. */
int duet_registry_add(struct duet_registry *registry, const duet_method *rows, void *ctx,
                      enum duet_method_adder adder, char *words, size_t room);

/* The same into a copy, for a registry that is shared. `*made` is the caller's; set on success
 * only. */
int duet_registry_with(const struct duet_registry *old, const duet_method *rows, void *ctx,
                       enum duet_method_adder adder, struct duet_registry **made, char *words,
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

/* The method for names that no other one has; NULL if there is none. It is in no list. */
struct duet_method_entry *duet_registry_default(const struct duet_registry *registry);

/* Sets it, in the place of an earlier one, in a registry that nobody else sees yet. Takes the
 * reference. */
void duet_registry_set_default(struct duet_registry *registry,
                               struct duet_method_entry *method);

#endif
