/*
 * The command line of a server program, read over the table of options: every option has a
 * flag, without a line of code here. Knows no server: it is given where to put the values and
 * whom to tell of an address. Set-up thread only.
 */
#ifndef DUET_ARGS_H
#define DUET_ARGS_H

#include "options.h"
#include "own_flags.h"

/* Called for each --listen. Returns 0 or a negative code, which ends the reading. */
typedef int (*duet_args_listen)(const char *address, void *ctx);

struct duet_args_result {
    char *text; /* what the user asked for, malloced: the caller frees it. NULL if nothing */
    char words[512]; /* of a failure; "" when it came from `listen`, which has its own */
    bool listened;   /* there was a --listen */
};

/* Whether the server itself has a flag of that name. */
bool duet_args_has(const char *name);

/* Reads all flags first, into `options` and to the program's `own`, and calls `listen` only
 * when all are good and no text was asked for. Fills `result` in every case. Returns 0 to go
 * on, 1 when `text` is to be printed instead, -EINVAL with words, -ENOMEM, or what `listen`
 * returned. */
int duet_args_parse(struct duet_options *options, int argc, char *const argv[],
                    const struct duet_own_flags *own, duet_args_listen listen, void *ctx,
                    struct duet_args_result *result);

#endif
