/*
 * What a worker does with a call. On a worker's thread.
 */
#ifndef DUET_ON_WORKER_H
#define DUET_ON_WORKER_H

#include "pool.h"

/* Runs a call that a home pushed, and sends it home; an item of the queue. If its method runs
 * too often already, it waits in line instead, and whoever leaves runs it. */
void duet_on_worker_run(struct duet_queue_link *item, unsigned worker);

/* This worker found nothing more to do: what it posted is looked at now. */
void duet_on_worker_rest(void *server, unsigned worker);

#endif
