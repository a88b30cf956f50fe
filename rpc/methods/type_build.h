/*
 * A compiled type under construction: lists that grow, and at the end one block of them. Only
 * type_parse.c and type_names.c know it.
 */
#ifndef DUET_TYPE_BUILD_H
#define DUET_TYPE_BUILD_H

#include "type.h"

#include <stddef.h>

/* Items side by side, in memory that grows. */
struct duet_type_list {
    void *items;
    size_t item_size, count, capacity;
};

/* A part whose form is still being read. */
struct duet_type_pending {
    const char *name; /* in the text that is read */
    uint32_t name_size;
    bool is_optional;
    struct duet_part part;
};

struct duet_type_builder {
    struct duet_type_list forms, parts, named, alternatives, arguments, texts;
    struct duet_type_list pending; /* of all forms that are being read, inner ones last */
    struct duet_type_list uses;    /* for each of the named types, its place among the names */
    uint32_t *use_of;              /* and back: for each name 1 more than which, or 0 */
    bool takes_anything;
};

/* `names` is how many names there may be used. -ENOMEM; done frees in any case. */
int duet_type_builder_init(struct duet_type_builder *builder, size_t names);
void duet_type_builder_done(struct duet_type_builder *builder);

/* Room for so many more items, cleared; NULL when out of memory. */
void *duet_type_list_add(struct duet_type_list *list, size_t count);

/* A text with a NUL behind it: where it begins in `*at`. */
int duet_type_builder_text(struct duet_type_builder *builder, const char *text, size_t size,
                           uint32_t *at);

/* Makes parts of what is pending from `start` on: they belong to one form or alternative. With
 * names they are sorted, and if one comes twice, `*twice` is the later one and the result
 * -EEXIST. */
int duet_type_builder_close(struct duet_type_builder *builder, size_t start, bool has_names,
                            struct duet_form *form, const char **twice);

/* Which of the named types the name at that place is; it becomes one. */
int duet_type_builder_use(struct duet_type_builder *builder, size_t place, uint32_t *which);

/* How many of the arguments must be there, and what their letters mean beside other
 * alternatives': when all types are read. */
void duet_type_builder_settle(struct duet_type_builder *builder);

/* The named type that cannot end, for it holds itself whatever the value; -1 if there is none.
 * -ENOMEM is -ENOMEM. */
long duet_type_builder_endless(const struct duet_type_builder *builder);

/* All of it in one block. NULL when out of memory. */
struct duet_types *duet_type_builder_pack(const struct duet_type_builder *builder);

#endif
