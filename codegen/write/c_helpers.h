/*
 * Functions that generated code uses and that are the same in all of it.
 */
#ifndef GEN_C_HELPERS_H
#define GEN_C_HELPERS_H

#include "output.h"

/* Appends those that `code` calls, and those that they call, each before who calls it. */
void gen_helpers(struct gen_text *out, const struct gen_text *code);

#endif
