/*
 * The checked interface as JSON, for programs that write something else than C of it.
 */
#ifndef GEN_JSON_H
#define GEN_JSON_H

#include "output.h"
#include "tree.h"

/* Appends one object: the file that was asked for, with those that it includes. */
void gen_json(struct gen_text *out, const struct idl_interface *interface);

#endif
