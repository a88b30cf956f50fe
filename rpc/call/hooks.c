/*
 * A list of hooks. See hooks.h; call.c runs them.
 */
#include "hooks.h"

#include "sized.h"

#include <errno.h>
#include <stdlib.h>

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
    return 0;
}

void duet_hook_list_done(struct duet_hook_list *list)
{
    free(list->at);
    *list = (struct duet_hook_list){NULL, 0};
}
