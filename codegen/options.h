/*
 * The command line of duetgen.
 */
#ifndef GEN_OPTIONS_H
#define GEN_OPTIONS_H

#include <stdbool.h>

struct gen_options {
    const char *file;
    const char *folder; /* that is written to */
    bool is_jubatus, wants_json, wants_server;
};

enum { GEN_OPTIONS_GOOD = -1 };

/* Reads it. GEN_OPTIONS_GOOD to go on; otherwise what was asked for (--help), or what is wrong,
 * is printed, and the result is the program's. */
int gen_options_read(struct gen_options *options, int argc, char *const argv[]);

#endif
