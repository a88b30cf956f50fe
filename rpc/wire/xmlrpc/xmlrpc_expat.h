/*
 * What a thread keeps between XML documents: one expat parser, the memory that it recycles, and
 * a builder. A thread that has read an everyday document reads the next one without touching
 * malloc; after a large one it lets go of what it took. Freed when the thread ends. Knows
 * nothing of XML-RPC.
 */
#ifndef DUET_XMLRPC_EXPAT_H
#define DUET_XMLRPC_EXPAT_H

#include "xmlrpc_build.h"

#include <expat.h>

struct duet_xml_thread {
    XML_Parser parser;
    bool used; /* the parser has seen a document and must be reset */
    struct duet_xml_build build;
};

/* This thread's own, made on first use. */
struct duet_xml_thread *duet_xml_thread(void);

/* A parser as new, with no handlers; it may take `max_bytes` of memory, and what
 * is more than a small size from the account, then it fails with XML_ERROR_NO_MEMORY. NULL when
 * there is no memory. */
XML_Parser duet_xml_parser_start(struct duet_xml_thread *thread, size_t max_bytes,
                                 struct duet_account *account);

/* Ends a document: lets go of the parser if it holds more than a small size. */
void duet_xml_parser_rest(struct duet_xml_thread *thread);

#endif
