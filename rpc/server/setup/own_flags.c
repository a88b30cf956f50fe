/*
 * A program's own flags. See own_flags.h.
 */
#include "own_flags.h"

#include "args.h"
#include "error.h"
#include "sized.h"
#include "table.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(offsetof(duet_flag, name) == 0, "the name is a row's first member");
_Static_assert(offsetof(duet_flag, ctx) + sizeof(void *) == sizeof(duet_flag),
               "no padding at the end: a new member would begin in it");

/* "--color", "-c": nothing that its value may begin with, or a shell would cut. */
static bool is_name(const char *name)
{
    size_t dashes = strspn(name, "-");
    return (dashes == 1 || dashes == 2) && name[dashes] != '\0' &&
           name[strcspn(name, "= \t\n")] == '\0';
}

static bool is_twice(const struct duet_own_flags *own, const char *name)
{
    for (int i = 0; i < own->count; i++)
        if (strcmp(own->at[i].name, name) == 0)
            return true;
    return false;
}

static int check(const struct duet_own_flags *own, const duet_flag *flag, char *words,
                 size_t room)
{
    const char *name = flag->name;
    if (!is_name(name))
        return duet_words_set(-EINVAL, words, room,
                              "\"%.100s\" is no flag's name: it must be as --color or -c",
                              name);
    if (flag->set == NULL)
        return duet_words_set(-EINVAL, words, room, "flag %.100s has no function to set it",
                              name);
    if (duet_args_has(name))
        return duet_words_set(-EEXIST, words, room, "flag %.100s is one of the server's own",
                              name);
    if (is_twice(own, name))
        return duet_words_set(-EEXIST, words, room, "flag %.100s is there twice", name);
    return 0;
}

static int take_row(struct duet_own_flags *own, const void *row, size_t row_size, char *words,
                    size_t room)
{
    duet_flag *flag = &own->at[own->count];
    if (!duet_sized_take(flag, sizeof *flag, row, row_size))
        return duet_words_set(-EINVAL, words, room,
                              "flag %.100s sets what libduet %s does not know: it was "
                              "compiled with the duet.h of a later version",
                              flag->name, DUET_VERSION);
    int rc = check(own, flag, words, room);
    if (rc == 0)
        own->count++;
    return rc;
}

int duet_own_flags_read(struct duet_own_flags *own, const duet_flag *table, size_t row_size,
                        size_t table_size, char *words, size_t room)
{
    enum { LEAST_ROW = offsetof(duet_flag, ctx) + sizeof(void *) };
    *own = (struct duet_own_flags){.at = NULL};
    size_t count;
    if (table == NULL)
        return 0;
    if (row_size < LEAST_ROW || row_size % _Alignof(duet_flag) != 0)
        return duet_words_set(-EINVAL, words, room, "a row of %zu bytes is no duet_flag",
                              row_size);
    int rc = duet_table_count(table, row_size, table_size, "flags", &count, words, room);
    if (rc < 0)
        return rc;
    if (count > INT_MAX || (own->at = calloc(count + 1, sizeof *own->at)) == NULL)
        return duet_words_set(-ENOMEM, words, room, "out of memory");
    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = take_row(own, (const char *)table + i * row_size, row_size, words, room);
    return rc;
}

void duet_own_flags_done(struct duet_own_flags *own)
{
    free(own->at);
    *own = (struct duet_own_flags){.at = NULL};
}

int duet_own_flag_set(const duet_flag *flag, const char *value, char *words, size_t room)
{
    char why[DUET_FLAG_WORDS] = "";
    int rc = flag->set(value, flag->ctx, why);
    why[sizeof why - 1] = '\0';
    if (rc == 0)
        return 0;
    if (why[0] == '\0')
        strcpy(why, "the program does not take it");
    return duet_words_set(rc < 0 ? rc : -EINVAL, words, room, "%.100s%s%.100s: %s", flag->name,
                          value != NULL ? " " : "", value != NULL ? value : "", why);
}
