/*
 * Reading the XML-RPC calls and replies that peers really send: one pass over the bytes, no XML
 * parser.
 *
 * It knows an optional XML declaration, the tags of XML-RPC without attributes or prefixes,
 * text with the five predefined entities, and UTF-8. Everything else that XML has, and
 * everything that is wrong, is left to expat (xmlrpc_read), which has the words for it. What it
 * does read, expat reads as the same: tests and a fuzz target hold the two side by side.
 */
#ifndef DUET_XMLRPC_FAST_H
#define DUET_XMLRPC_FAST_H

#include "xmlrpc_build.h"

/* Reads the request's document: sets its method and params, or of a reply (by the request's
 * kind) is_fault and params, and returns true. False, and
 * request, fault and arena as they were, when it is not for this reader: then nothing is known
 * of it. The message's bytes are not altered and not needed after. */
bool duet_xml_fast_read(struct duet_xml_build *build, struct duet_incoming *request);

#endif
