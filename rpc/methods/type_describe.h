/*
 * Types as tools read them: what system.describe answers of a signature. Any thread.
 */
#ifndef DUET_TYPE_DESCRIBE_H
#define DUET_TYPE_DESCRIBE_H

#include "type.h"

/* Write fields of a record that is open: "signature", "alternatives" and "types", as duet.h
 * shows them. `types` may be NULL. 0, or the writer's error. */
enum { DUET_DESCRIBED_FIELDS = 3 };
int duet_types_describe(const struct duet_types *types, duet_writer *writer);

#endif
