/*
 * One word that the call's holder and its lender compare and swap.
 */
#include "fate.h"

#include "call.h"

#include <errno.h>

static enum duet_fate fate_of(const struct duet_call *call)
{
    return (enum duet_fate)atomic_load(&call->fate);
}

void duet_call_lend(struct duet_call *call)
{
    atomic_store_explicit(&call->fate, FATE_WANTED, memory_order_relaxed);
}

bool duet_call_is_lent(const struct duet_call *call)
{
    return fate_of(call) != FATE_OWN;
}

/* Its own answer would still be taken. */
static bool is_open(enum duet_fate fate)
{
    return fate == FATE_WANTED || fate == FATE_TIMING_OUT || fate == FATE_STOPPING;
}

/* Only its holder and its lender change it: at most one of both does so meanwhile. Returns what
 * it is now. */
static enum duet_fate change(struct duet_call *call, enum duet_fate fate)
{
    int now = atomic_load_explicit(&call->fate, memory_order_relaxed);
    while (is_open((enum duet_fate)now))
        if (atomic_compare_exchange_weak(&call->fate, &now, (int)fate))
            return fate;
    return (enum duet_fate)now;
}

bool duet_call_warn(struct duet_call *call, enum duet_fate fate)
{
    enum duet_fate warning = fate == FATE_TIMED_OUT ? FATE_TIMING_OUT : FATE_STOPPING;
    return change(call, warning) == warning;
}

void duet_call_concede(struct duet_call *call)
{
    enum duet_fate now = fate_of(call);
    if (now == FATE_TIMING_OUT || now == FATE_STOPPING)
        change(call, now == FATE_TIMING_OUT ? FATE_TIMED_OUT : FATE_STOPPED);
}

bool duet_call_doom(struct duet_call *call, enum duet_fate fate)
{
    return change(call, fate) == fate;
}

bool duet_call_is_doomed(const struct duet_call *call)
{
    return fate_of(call) > FATE_ENDED;
}

bool duet_call_is_answered(const struct duet_call *call)
{
    return fate_of(call) > FATE_DROPPED;
}

int duet_call_cancel_reason(const duet_call *call)
{
    if (call == NULL)
        return -EALREADY;
    switch (fate_of(call->root)) {
    case FATE_TIMING_OUT:
    case FATE_TIMED_OUT:
        return DUET_FAULT_TIMEOUT;
    case FATE_STOPPING:
    case FATE_STOPPED:
        return DUET_FAULT_CANCELLED;
    case FATE_DROPPED:
        return -ECONNRESET;
    case FATE_OWN:
    case FATE_WANTED:
    case FATE_ENDED:
        break;
    }
    return 0;
}

int duet_call_fail_as(struct duet_call *call, enum duet_fate fate)
{
    const struct duet_method_entry *method = call->method;
    const char *name = method != NULL ? duet_call_method(call) : "";
    if (fate == FATE_TIMED_OUT)
        return duet_fault_set(&call->fault, DUET_FAULT_TIMEOUT,
                              "%s%snot done after %u ms, which is its time limit", name,
                              name[0] != '\0' ? ": " : "",
                              duet_service_timeout_ms(call->service, method));
    if (method != NULL && method->flags & DUET_METHOD_DRAIN_CANCELS)
        return duet_fault_set(&call->fault, DUET_FAULT_CANCELLED,
                              "%.200s: cancelled: the server shuts down", method->name);
    return duet_fault_set(&call->fault, DUET_FAULT_CANCELLED,
                          "cancelled: the server shuts down and --drain-ms %lld have passed",
                          call->service->drain_ms);
}

void duet_call_end(struct duet_call *call)
{
    enum duet_fate now = change(call, FATE_ENDED);
    if (now <= FATE_DROPPED)
        return;
    duet_call_fail_as(call, now);
    duet_call_write_fault(call);
}
