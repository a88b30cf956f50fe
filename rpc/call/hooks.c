/*
 * A list of hooks. See hooks.h; those about calls are run by call_hooks.c.
 */
#include "hooks.h"

#include "escape.h"
#include "sized.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int duet_hook_list_add(struct duet_hook_list *list, const duet_hooks *hooks, size_t size,
                       void *ctx)
{
    struct duet_hook hook = {.ctx = ctx};
    if (!duet_sized_take(&hook.hooks, sizeof hook.hooks, hooks, size))
        return -EINVAL;
    struct duet_hook *at = realloc(list->at, (list->count + 1) * sizeof *at);
    if (at == NULL)
        return -ENOMEM;
    list->at = at;
    at[list->count++] = hook;
    list->has_admit = list->has_admit || hook.hooks.admit != NULL;
    return 0;
}

void duet_hook_list_notice(const struct duet_hook_list *list, const char *format, ...)
{
    enum { LONGEST = 1024 }; /* as long as an error of set-up */
    char words[LONGEST], line[LONGEST];
    va_list args;
    va_start(args, format);
    vsnprintf(words, sizeof words, format, args);
    va_end(args);
    duet_escape(line, sizeof line, words, strlen(words));
    for (size_t i = 0; i < list->count; i++)
        if (list->at[i].hooks.notice != NULL)
            list->at[i].hooks.notice(line, list->at[i].ctx);
}

void duet_hook_list_done(struct duet_hook_list *list)
{
    free(list->at);
    *list = (struct duet_hook_list){.at = NULL};
}
