/*
 * The flags that a program brings for its own command line: its table read and checked. Set-up
 * thread only.
 */
#ifndef DUET_OWN_FLAGS_H
#define DUET_OWN_FLAGS_H

#include "duet.h"

struct duet_own_flags {
    duet_flag *at; /* malloced; what they point to is the program's */
    int count;
    int *rest; /* where the program wants to know where reading has stopped, or NULL */
};

/* Copies the rows of a table (NULL: none) whose rows have `row_size` bytes. 0; or with words:
 * -EINVAL for a table without its end, or a row that is none, -EEXIST for a name that is there
 * twice or one of the server's own, -ENOMEM. duet_own_flags_done either way. */
int duet_own_flags_read(struct duet_own_flags *own, const duet_flag *table, size_t row_size,
                        size_t table_size, char *words, size_t room);

void duet_own_flags_done(struct duet_own_flags *own);

/* Hands a value, or NULL, to a flag. 0, or what it returned, with words. */
int duet_own_flag_set(const duet_flag *flag, const char *value, char *words, size_t room);

#endif
