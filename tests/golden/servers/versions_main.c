/*
 * The same service, as the old and as the new version of an interface has it.
 */
#include "versions.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef IS_NEW
static int echo(duet_call *call, void *ctx, const versions_item *item, int32_t times,
                const char *note, const versions_maybe_int *maybe, versions_item *result)
{
    (void)call;
    (void)ctx;
    (void)times;
    (void)note;
    (void)maybe;
    versions_item_free(result);
    return versions_item_copy(result, item);
}

static int rest(duet_call *call, void *ctx, const versions_item *item, int32_t times,
                const char *note, const versions_maybe_int *maybe,
                versions_int_maybe_string_maybe_int_tuple *result)
{
    (void)call;
    (void)ctx;
    (void)item;
    result->item0 = times;
    result->item1 = note != NULL ? strdup(note) : NULL;
    result->item2 = *maybe;
    return 0;
}
#else
static int echo(duet_call *call, void *ctx, const versions_item *item, versions_item *result)
{
    (void)call;
    (void)ctx;
    return versions_item_copy(result, item);
}
#endif

static int all(duet_call *call, void *ctx, const versions_item_list *items,
               versions_item_list *result)
{
    (void)call;
    (void)ctx;
    return versions_item_list_copy(result, items);
}

static versions_methods methods = {
    .echo = echo,
    .all = all,
#ifdef IS_NEW
    .rest = rest,
#endif
};

int main(int argc, char *argv[])
{
    duet_server *server = duet_server_new();
    versions_register(server, &methods, NULL);
    duet_server_stop_on_signals(server);
    int rc = duet_server_args(server, argc, argv);
    if (rc == 0) {
        printf("listening on %s\n", duet_server_address(server, 0));
        fflush(stdout);
        rc = duet_server_run(server);
    }
    if (rc < 0)
        fprintf(stderr, "%s\n", duet_server_error(server));
    duet_server_free(server);
    return rc < 0 ? 2 : rc;
}
