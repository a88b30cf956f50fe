/*
 * A program's table of methods, whose rows have the size that its duet.h gave them. Any thread.
 */
#ifndef DUET_TABLE_H
#define DUET_TABLE_H

#include "duet.h"

/* Copies the table into rows as this library knows them, up to and with its NULL row; what
 * they point to stays the program's. `table_size` is SIZE_MAX if nobody knows it. 0 and `*rows`
 * is malloced; or -EINVAL or -ENOMEM, with words. */
int duet_table_read(const duet_method *table, size_t row_size, size_t table_size,
                    duet_method **rows, char *words, size_t room);

#endif
