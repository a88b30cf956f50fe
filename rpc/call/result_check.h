/*
 * --check-results: what a handler answers is held against the result that its signature
 * declares.
 */
#ifndef DUET_RESULT_CHECK_H
#define DUET_RESULT_CHECK_H

struct duet_call;

/* From here on the value that is written to the call's writer is watched; one of another type
 * becomes an error of the writer as soon as it is whole. For a call whose service checks
 * results, before its handler runs. */
void duet_call_check_result(struct duet_call *call);

#endif
