/*
 * The texts a server program prints when asked: --help, --print-limits, --version. Each is
 * malloced and the caller's; NULL when out of memory.
 */
#ifndef DUET_ARGS_TEXT_H
#define DUET_ARGS_TEXT_H

#include "options.h"
#include "own_flags.h"

char *duet_args_help(const char *program, const struct duet_options *options,
                     const struct duet_own_flags *own);
char *duet_args_limits(const struct duet_options *options);
char *duet_args_version(const char *program);

#endif
