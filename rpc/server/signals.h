/*
 * SIGTERM and SIGINT for one server a process, from duet_server_stop_on_signals() on.
 */
#ifndef DUET_SIGNALS_H
#define DUET_SIGNALS_H

#include "server.h"

/* The signals are what they were before; from here on no handler touches the server. Does
 * nothing for a server that never had them. */
void duet_signals_give_back(struct duet_server *server);

#endif
