/*
 * The system. methods, as a table of ordinary methods. They are written with duet.h; all they
 * know beyond it is the registry they tell of.
 */
#ifndef DUET_INTROSPECT_H
#define DUET_INTROSPECT_H

#include "duet.h"

struct duet_registry;

/* Ends with a NULL row. */
extern const duet_method duet_introspection[];

/* The registry that the call was routed by; good until its handler returns. Defined by call. */
const struct duet_registry *duet_call_registry(const duet_call *call);

#endif
