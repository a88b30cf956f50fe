/*
 * A program's tables, whose rows have the size that its duet.h gave them. Any thread.
 */
#ifndef DUET_TABLE_H
#define DUET_TABLE_H

#include "duet.h"

/* How many rows stand before the end row of a table, whose name, a row's first member, is NULL.
 * `table_size` is SIZE_MAX if nobody knows it. 0, or -EINVAL with words if there is none: they
 * say of what it is a table ("methods"). */
int duet_table_count(const void *table, size_t row_size, size_t table_size, const char *what,
                     size_t *count, char *words, size_t room);

/* Copies the table into rows as this library knows them, up to and with its NULL row; what
 * they point to stays the program's. `table_size` is SIZE_MAX if nobody knows it. 0 and `*rows`
 * is malloced; or -EINVAL or -ENOMEM, with words. */
int duet_table_read(const duet_method *table, size_t row_size, size_t table_size,
                    duet_method **rows, char *words, size_t room);

#endif
