/*
 * Names that are different in an interface and would be the same in C.
 */
#ifndef GEN_C_CHECK_H
#define GEN_C_CHECK_H

#include "c_types.h"

/* Tells of them in `reports`. */
void gen_check_names(const struct gen_types *types, const struct idl_interface *interface,
                     struct idl_reports *reports);

#endif
