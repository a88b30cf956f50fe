/*
 * Which limit of the system leaves no room for another thread, in words. For a server that
 * could not start all of its own; any thread.
 */
#ifndef DUET_THREAD_LIMIT_H
#define DUET_THREAD_LIMIT_H

#include <stddef.h>

/* Names the limit that seems to be reached, its value and how to raise it: "RLIMIT_NPROC is 4
 * (ulimit -u)". To be asked while the threads that did start are still there. */
void duet_thread_limit_describe(char *words, size_t room);

#endif
