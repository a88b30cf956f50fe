/*
 * Values at random, of every type that both formats have, for tests that hold two ways against
 * each other. They come from rand: the same seed gives the same values whatever they are
 * written to.
 */
#ifndef DUET_TESTS_RANDOM_VALUE_H
#define DUET_TESTS_RANDOM_VALUE_H

#include "writer.h"

/* Texts that are easy to get wrong. */
enum { RANDOM_TEXTS = 11 };
extern const char *const random_texts[RANDOM_TEXTS];

/* Writes one value, with all that is in it. */
void write_random_value(struct duet_writer *writer);

#endif
