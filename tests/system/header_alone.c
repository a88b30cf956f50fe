#include <duet.h>

/* A table as a program in this language writes it. */
static int nothing(duet_call *call, void *ctx)
{
    (void)ctx;
    return duet_reply_nil(call);
}

extern const duet_method header_alone_methods[];
const duet_method header_alone_methods[] = {
    {"nothing", "n:", nothing, DUET_METHOD_INLINE, "Answers nil.", 0, 0, NULL},
    {NULL, NULL, NULL, 0, NULL, 0, 0, NULL},
};

/* Structs written where they are passed, with commas in them. */
extern int header_alone_set_up(duet_server *server);
int header_alone_set_up(duet_server *server)
{
    duet_server_add(server, (duet_method[]){{.name = "nothing", .handler = nothing}, {0}},
                    NULL);
    duet_server_add_hooks(server, &(duet_hooks){.before = nothing, .after = NULL}, NULL);
    return duet_server_stats(server, &(duet_stats){.workers = 0});
}
