/*
 * One word that the call's holder and its lender compare and swap.
 */
#include "fate.h"

#include "call.h"

static enum duet_fate fate_of(const struct duet_call *call)
{
    return (enum duet_fate)atomic_load_explicit(&call->fate, memory_order_acquire);
}

void duet_call_lend(struct duet_call *call)
{
    atomic_store_explicit(&call->fate, FATE_WANTED, memory_order_relaxed);
}

bool duet_call_doom(struct duet_call *call, enum duet_fate fate)
{
    int wanted = FATE_WANTED;
    return atomic_compare_exchange_strong(&call->fate, &wanted, (int)fate);
}

bool duet_call_is_doomed(const struct duet_call *call)
{
    return fate_of(call) > FATE_ENDED;
}

bool duet_call_is_answered(const struct duet_call *call)
{
    return fate_of(call) > FATE_DROPPED;
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
    return duet_fault_set(&call->fault, DUET_FAULT_CANCELLED,
                          "cancelled: the server shuts down and --drain-ms %lld have passed",
                          call->service->drain_ms);
}

void duet_call_end(struct duet_call *call)
{
    int now = FATE_WANTED;
    if (atomic_compare_exchange_strong(&call->fate, &now, FATE_ENDED) || now <= FATE_DROPPED)
        return;
    duet_call_fail_as(call, (enum duet_fate)now);
    duet_call_write_fault(call);
}
