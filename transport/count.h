/*
 * Counters that one thread writes and any thread may read: plain additions, but no torn reads.
 */
#ifndef DUET_COUNT_H
#define DUET_COUNT_H

#include <stdatomic.h>
#include <stdint.h>

/* Only ever called by the thread that the counter belongs to. */
static inline void duet_count(_Atomic uint64_t *counter, uint64_t n)
{
    uint64_t value = atomic_load_explicit(counter, memory_order_relaxed);
    atomic_store_explicit(counter, value + n, memory_order_relaxed);
}

/* For counters that several threads write. */
static inline void duet_count_shared(_Atomic uint64_t *counter, uint64_t n)
{
    atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

static inline uint64_t duet_counted(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

#endif
