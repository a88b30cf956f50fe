/*
 * XML-RPC's grammar: what may stand where, and what it builds. Driven by the events of any XML
 * parser that sees to it that tags nest; knows no parser and no bytes. One thread.
 */
#ifndef DUET_XMLRPC_GRAMMAR_H
#define DUET_XMLRPC_GRAMMAR_H

#include "xmlrpc_build.h"
#include "xmlrpc_scalar.h"

enum duet_xml_place {
    BEFORE_CALL,
    IN_CALL,
    IN_RESPONSE,
    IN_METHOD_NAME,
    IN_PARAMS,
    IN_PARAM,
    IN_PARAM_DONE, /* after its one value */
    IN_FAULT,
    IN_FAULT_DONE, /* after its one value */
    IN_VALUE,      /* nothing but text so far */
    IN_SCALAR,
    IN_VALUE_DONE, /* after its one typed child */
    IN_ARRAY,
    IN_DATA,
    IN_ARRAY_DONE, /* after its one data */
    IN_STRUCT,
    IN_MEMBER,
    IN_NAME,
};

struct duet_xml_grammar {
    struct duet_incoming *request; /* method is set when it is known, is_fault too */
    struct duet_xml_build *build;
    enum duet_xml_place place;
    enum duet_xml_type scalar; /* IN_SCALAR: of this type */
    bool has_params;
};

/* Begins a document: a reply if the request's kind is DUET_KIND_RESPONSE, else a call. */
void duet_xml_grammar_start(struct duet_xml_grammar *grammar, struct duet_xml_build *build,
                            struct duet_incoming *request);

/* The events. All return 0, or DUET_FAILED with the request's fault set; then no more may come.
 * Names end with a NUL and may have a namespace prefix. */
int duet_xml_start_element(struct duet_xml_grammar *grammar, const char *name);
int duet_xml_end_element(struct duet_xml_grammar *grammar, const char *name);
int duet_xml_characters(struct duet_xml_grammar *grammar, const char *text, size_t size);

/* The end of the document: makes the request's params, of a reply too. */
int duet_xml_grammar_finish(struct duet_xml_grammar *grammar);

#endif
