/*
 * system.multicall, a handler like any other.
 */
#ifndef DUET_MULTICALL_H
#define DUET_MULTICALL_H

#include "duet.h"

extern const char duet_multicall_name[];

int duet_multicall(duet_call *call, void *ctx);

/* The fault of an entry, as a struct: 0, or the error that sticks. */
int duet_multicall_write_fault(duet_call *call, duet_writer *writer);

#endif
