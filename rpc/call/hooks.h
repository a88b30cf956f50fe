/*
 * What a program wants to see of each call, before and after it. Set-up adds; from run on the
 * list is read-only, and the hooks run on whichever thread holds the call.
 */
#ifndef DUET_HOOKS_H
#define DUET_HOOKS_H

#include "duet.h"

struct duet_hook {
    duet_hooks hooks;
    void *ctx;
};

struct duet_hook_list {
    struct duet_hook *at;
    size_t count;
    bool has_admit; /* one of them has that */
};

/* Adds hooks from a struct of `size` bytes. 0, -EINVAL if it has members that are not 0 and not
 * known here, -ENOMEM; then the list is as it was. */
int duet_hook_list_add(struct duet_hook_list *list, const duet_hooks *hooks, size_t size,
                       void *ctx);

/* Tells all that want notices: words on one line. Any thread. */
void duet_hook_list_notice(const struct duet_hook_list *list, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

void duet_hook_list_done(struct duet_hook_list *list);

#endif
