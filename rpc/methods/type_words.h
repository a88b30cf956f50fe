/*
 * What is wrong with a value that is not what its signature declares, in words. Only ever asked
 * for a call that fails. Any thread.
 */
#ifndef DUET_TYPE_WORDS_H
#define DUET_TYPE_WORDS_H

#include "type_check.h"

/* The fault of a call of `method` whose arguments fit none of the alternatives:
 *
 *     shop.order: argument 1 'order', item 3, "count": must be int, got string
 *
 * It tells of the alternative that took most of them. Returns DUET_FAILED. */
int duet_type_fail_arguments(const struct duet_types *types, const char *method,
                             const msgpack_object *params, struct duet_arena *arena,
                             struct duet_fault *fault);

/* The internal fault of a result that is none of those declared: 'result, item 3, "count": must
 * be int, got string', without the method. Returns DUET_FAILED. */
int duet_type_fail_result(const struct duet_types *types, msgpack_object *value,
                          struct duet_arena *arena, struct duet_fault *fault);

#endif
