/*
 * Options that are lists of texts: their table, and the lists. Set-up fills them on one thread;
 * from run on they are read-only.
 */
#ifndef DUET_TEXTS_H
#define DUET_TEXTS_H

#include <stdbool.h>
#include <stddef.h>

enum duet_text {
    DUET_TEXT_ALLOW_ORIGIN, /* origins in their normal form, "null", "*" */
    DUET_TEXT_ALLOW_HOST,   /* hosts in their normal form */
    DUET_TEXT_COUNT
};

struct duet_texts {
    char **at;
    size_t count;
};

struct duet_text_row {
    const char *flag;     /* "--allow-origin" */
    const char *argument; /* what --help calls its value */
    const char *expected; /* what a value must be, in words */
    const char *range;    /* the same in short */
    const char *help;
    /* Writes the value in its normal form into `room` (DUET_ORIGIN_MAX bytes); false if it is
     * none. */
    bool (*read)(const char *value, char *room);
};

const struct duet_text_row *duet_text_row(enum duet_text text);

/* Adds a value to the list, once. 0, -EINVAL for one that must not be, -ENOMEM; then the list
 * is as it was. */
int duet_texts_add(struct duet_texts *list, enum duet_text text, const char *value);

bool duet_texts_have(const struct duet_texts *list, const char *value);

void duet_texts_done(struct duet_texts *list);

#endif
