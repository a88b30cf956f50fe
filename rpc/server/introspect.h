/*
 * The system. methods, as a table of ordinary methods. They are written with duet.h; all they
 * know beyond it is the registry they tell of.
 */
#ifndef DUET_INTROSPECT_H
#define DUET_INTROSPECT_H

#include "duet.h"

/* Ends with a NULL row. */
extern const duet_method duet_introspection[];

#endif
