/*
 * What a fault carries beside code and words: one value, in the format of its call. A call has
 * it while it runs; with a fault that is passed on it goes from the call within to the call
 * around. Whoever holds the call.
 */
#ifndef DUET_FAULT_DATA_H
#define DUET_FAULT_DATA_H

struct duet_call;
struct duet_writer;

/* What the call's fault sends along: a whole value, for a caller that takes it; or NULL. */
struct duet_writer *duet_fault_data_of(const struct duet_call *call);

/* The fault of a call within is now the call's, and its data with it. Or it is over and its
 * fault nobody's. */
void duet_fault_data_pass(struct duet_call *call, struct duet_call *inner);
void duet_fault_data_drop(struct duet_call *inner);

/* Frees all that a call and those within it have made. */
void duet_fault_data_free(struct duet_call *call);

#endif
