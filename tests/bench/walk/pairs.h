/*
 * Methods that are there twice: written by hand, and generated of generated.idl. What the
 * second costs more is what generated code costs.
 */
#ifndef DUET_PAIRS_H
#define DUET_PAIRS_H

#include "buf.h"

#include <duet.h>

/* Adds "twice", "copy", "sum", generated, and each of them by hand as "hand.twice", … */
void pairs_add(duet_server *server);

/* One request each, of such a name. */
void pairs_twice(struct duet_buf *buf, const char *name);
void pairs_copy(struct duet_buf *buf, const char *name);
void pairs_sum(struct duet_buf *buf, const char *name);

#endif
