/*
 * What is wrong with a document that is no XML: expat's verdict and the bytes at hand, turned
 * into a fault that people understand.
 */
#ifndef DUET_XMLRPC_ERROR_H
#define DUET_XMLRPC_ERROR_H

#include "xmlrpc_encoding.h"

/* Sets the fault for expat's error in the request's document. Returns DUET_FAILED. */
int duet_xml_refuse(struct duet_incoming *request, XML_Parser parser,
                    const struct duet_xml_declared *declared);

/* Adds where the parser stands to the words of the fault. Returns DUET_FAILED. */
int duet_xml_fault_at(struct duet_fault *fault, XML_Parser parser);

#endif
