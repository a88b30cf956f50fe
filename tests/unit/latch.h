/*
 * Handlers that wait for the test, so that nothing depends on how fast anything runs.
 */
#ifndef DUET_TESTS_LATCH_H
#define DUET_TESTS_LATCH_H

#include "duet.h"

/* Nobody has begun, nobody may go on: a cmocka setup. */
int latch_close(void **state);

/* A handler that waits until it is allowed to go on; then it answers whether its call is
 * cancelled. */
int latch_wait(duet_call *call, void *ctx);

/* Waits until so many handlers in all have begun. */
void latch_wait_until_begun(int count);

/* Lets so many more of them go on. */
void latch_allow(int count);

/* How many have begun so far, and how many at most ran at once. */
int latch_begun(void);
int latch_most(void);

#endif
