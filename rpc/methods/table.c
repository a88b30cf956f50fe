/*
 * Tables of methods from programs of any age. See table.h.
 */
#include "table.h"

#include "method.h"
#include "sized.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A member that came into padding would read as garbage from older programs. */
_Static_assert(offsetof(duet_method, params) + sizeof(const char *) == sizeof(duet_method),
               "no padding at the end: a new member would begin in it");

_Static_assert(offsetof(duet_method, name) == 0, "the name is a row's first member");

enum { LEAST_ROW = offsetof(duet_method, handler) + sizeof(duet_handler) };

static const void *row_at(const void *table, size_t row_size, size_t i)
{
    return (const char *)table + i * row_size;
}

static const char *name_at(const void *table, size_t row_size, size_t i)
{
    const char *name;
    const char *row = row_at(table, row_size, i);
    memcpy(&name, row, sizeof name);
    return name;
}

int duet_table_count(const void *table, size_t row_size, size_t table_size, const char *what,
                     size_t *count, char *words, size_t room)
{
    size_t most = table_size / row_size;
    *count = 0;
    while (*count < most && name_at(table, row_size, *count) != NULL)
        (*count)++;
    if (*count < most)
        return 0;
    return duet_words_set(-EINVAL, words, room,
                          "a table of %s has no end: {0} must stand after its %zu row%s", what,
                          most, most == 1 ? "" : "s");
}

static int refuse_newer(const char *name, char *words, size_t room)
{
    char shown[DUET_METHOD_SHOWN];
    duet_method_show(shown, name, strlen(name));
    return duet_words_set(-EINVAL, words, room,
                          "method %s sets what libduet %s does not know: it was compiled "
                          "with the duet.h of a later version",
                          shown, DUET_VERSION);
}

int duet_table_read(const duet_method *table, size_t row_size, size_t table_size,
                    duet_method **rows, char *words, size_t room)
{
    size_t count;
    if (row_size < LEAST_ROW || row_size % _Alignof(duet_method) != 0)
        return duet_words_set(-EINVAL, words, room, "a row of %zu bytes is no duet_method",
                              row_size);
    int rc = duet_table_count(table, row_size, table_size, "methods", &count, words, room);
    if (rc < 0)
        return rc;

    duet_method *made = calloc(count + 1, sizeof *made);
    if (made == NULL)
        return duet_words_set(-ENOMEM, words, room, "out of memory");
    for (size_t i = 0; rc == 0 && i < count; i++)
        if (!duet_sized_take(&made[i], sizeof *made, row_at(table, row_size, i), row_size))
            rc = refuse_newer(made[i].name, words, room);
    if (rc < 0) {
        free(made);
        return rc;
    }
    *rows = made;
    return 0;
}
