/*
 * XML-RPC's scalar types: from a type's name and its text to a value. The words of a refusal
 * are made here; where it stands in the document is for the reader to add.
 */
#ifndef DUET_XMLRPC_SCALAR_H
#define DUET_XMLRPC_SCALAR_H

#include "xmlrpc_build.h"

enum duet_xml_type {
    DUET_XML_NONE, /* no scalar type has this name */
    DUET_XML_I1,
    DUET_XML_I2,
    DUET_XML_INT,
    DUET_XML_I8,
    DUET_XML_BIG_INTEGER,
    DUET_XML_BOOLEAN,
    DUET_XML_DOUBLE,
    DUET_XML_STRING,
    DUET_XML_TIME,
    DUET_XML_BASE64,
    DUET_XML_NIL,
    DUET_XML_FOREIGN, /* known, but carries what only a Java server could read */
};

/* The type of that name, which has no prefix. */
enum duet_xml_type duet_xml_type_find(const char *name, size_t size);

/* Turns the text that `build` has collected into one value and pushes it; not for types that
 * are NONE or FOREIGN. `name` is the tag as it was written. 0, or DUET_FAILED with the
 * request's fault set: DUET_FAULT_PARAMS for a value out of range, DUET_FAULT_REQUEST for text
 * that is none of the type. */
int duet_xml_scalar_push(struct duet_xml_build *build, enum duet_xml_type type,
                         const char *name);

#endif
