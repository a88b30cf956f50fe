/*
 * Reading a whole XML-RPC document with expat.
 */
#ifndef DUET_XMLRPC_READ_H
#define DUET_XMLRPC_READ_H

#include "xmlrpc_expat.h"

/* Reads the request's document: sets its method and params, or of a reply (by the request's
 * kind) is_fault and params. Uses the thread's parser and
 * builder. 0, or DUET_FAILED with the request's fault set. */
int duet_xml_read(struct duet_xml_thread *thread, struct duet_incoming *request);

#endif
