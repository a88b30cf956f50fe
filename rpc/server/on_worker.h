/*
 * What a worker does with a call. On a worker's thread; or on a loop's, where there are none.
 */
#ifndef DUET_ON_WORKER_H
#define DUET_ON_WORKER_H

#include "pool.h"
#include "wait.h"

struct duet_home;

/* Runs a call that a home pushed, and sends it home; an item of the queue. If its method runs
 * too often already, it waits in line instead, and whoever leaves runs it. */
void duet_on_worker_run(struct duet_queue_link *item, unsigned worker);

/* The same of a call that a handler takes in which waits for its client, on that handler's
 * thread; and of one that no handler waits for any more: it goes home, and to the workers. */
void duet_on_worker_run_inside(struct duet_inner *inner, struct duet_runner *runner);
void duet_on_worker_give_back(struct duet_inner *inner);

/* Where there are no workers: runs calls of a home on its loop, until they have had their share
 * of the turn. */
void duet_on_worker_turn(struct duet_home *home);

/* This worker found nothing more to do: what it posted is looked at now. */
void duet_on_worker_rest(void *server, unsigned worker);

#endif
