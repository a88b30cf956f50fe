/*
 * The second of three steps: what the names in a tree stand for, and whether it makes sense.
 * Completes the tree in place (what "once it is checked" in tree.h says).
 */
#ifndef IDL_CHECK_H
#define IDL_CHECK_H

#include "report.h"
#include "tree.h"

/* Tells what is wrong in `reports`; with errors there the tree is of no use. */
void idl_check(struct idl_interface *interface, struct idl_memory *memory,
               struct idl_reports *reports);

#endif
