/*
 * The types that a server knows by name, as they were written: signatures that use one compile
 * it into themselves, so what was registered never changes under a call, and methods of a
 * registry that is on its way out need nothing of this. Whoever adds methods or types, one at a
 * time; calls never come here.
 */
#ifndef DUET_TYPE_NAMES_H
#define DUET_TYPE_NAMES_H

#include <stddef.h>

struct duet_type_names;

struct duet_type_name {
    const char *name; /* not ended by a NUL */
    size_t name_size;
    const char *source; /* all that was given in one go */
    size_t at;          /* where in it the type itself begins */
};

/* None yet, with one reference; NULL when out of memory. Copies of a registry share them. */
struct duet_type_names *duet_type_names_new(void);
void duet_type_names_ref(struct duet_type_names *names);
void duet_type_names_unref(struct duet_type_names *names); /* takes NULL */

/* Adds the types of "line=(name:s,count:i) order={lines:[%line]}", which may contain each other
 * and those that are there already. All or none: -EINVAL, -EEXIST or -ENOMEM, with words. */
int duet_type_names_add(struct duet_type_names *names, const char *text, char *words,
                        size_t room);

/* The place of a name among them, or -1; and what stands there. Places change when types are
 * added. NULL has none. */
long duet_type_names_find(const struct duet_type_names *names, const char *name, size_t size);
const struct duet_type_name *duet_type_names_at(const struct duet_type_names *names,
                                                size_t place);
size_t duet_type_names_count(const struct duet_type_names *names);

#endif
