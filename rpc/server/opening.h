/*
 * Opening and closing what a server needs to serve (opening.c); run.c calls them, and nobody
 * else.
 */
#ifndef DUET_OPENING_H
#define DUET_OPENING_H

#include "server.h"

/* Fixes the options, opens the loops, starts the workers. 0, or a negative code with its words
 * remembered; duet_opening_close either way. */
int duet_opening_open(struct duet_server *server);

/* Ends the workers and closes it all; every loop has ended. 0; or -ETIMEDOUT with words when
 * handlers do not come back: then nothing is closed. */
int duet_opening_close(struct duet_server *server);

/* The system refused a thread: remembers how far it came, and what stands in the way. */
void duet_opening_fail_threads(struct duet_server *server, int rc, const char *what,
                               size_t started, duet_option option);

#endif
