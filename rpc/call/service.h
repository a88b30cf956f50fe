/*
 * What a call needs of whoever serves it: limits, styles, hooks, and the books that all its
 * calls share. Filled in before the first call comes, then read-only; a call never learns whose
 * it is.
 */
#ifndef DUET_SERVICE_H
#define DUET_SERVICE_H

#include "block.h"
#include "codec.h"
#include "hooks.h"
#include "kept.h"
#include "method.h"

struct duet_service {
    struct duet_limits limits;
    struct duet_style style; /* of a connection that has shown nothing yet */
    bool raw_is_auto;        /* what its bytes show counts from then on */
    bool int_is_strict;      /* XML's <int> and <i4> hold 32 bits and no more */
    bool checks_results;     /* results must be what signatures say */
    size_t max_reply;
    size_t max_arena;       /* bytes of trees and strings of one call */
    size_t max_write_depth; /* of a reply */
    int64_t max_multicall;  /* calls in one system.multicall */
    unsigned timeout_ms;    /* of calls whose method has no time limit of its own; 0: none */
    long long drain_ms;     /* how long calls may run on once the server drains */
    size_t shards;          /* of each method's counters; the last one is shared by threads */

    struct duet_hook_list hooks;

    struct duet_budget *budget;            /* of messages and replies under way */
    _Atomic uint64_t *refused_over_budget; /* calls that it had no room for */

    const struct duet_keeper *keeper; /* of calls that are answered later */

    duet_server *server; /* what duet_call_server() says; nobody here looks into it */
};

/* How long a call may take to its answer, while somebody else holds it; 0: no limit. `method`
 * is NULL while it is not known. */
static inline unsigned duet_service_timeout_ms(const struct duet_service *service,
                                               const struct duet_method_entry *method)
{
    if (method == NULL || method->timeout_ms == 0)
        return service->timeout_ms;
    return method->timeout_ms != DUET_NO_TIMEOUT ? method->timeout_ms : 0;
}

#endif
