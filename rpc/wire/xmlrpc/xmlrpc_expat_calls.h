/*
 * The calls of expat that go by other names since 2.8 (salt) and 2.9 (places), where the old
 * ones are deprecated. Built against an older header, these call the old ones.
 */
#ifndef DUET_XMLRPC_EXPAT_CALLS_H
#define DUET_XMLRPC_EXPAT_CALLS_H

#include <expat.h>
#include <stdint.h>
#include <string.h>

#define DUET_EXPAT_SINCE(minor)                                                                \
    (XML_MAJOR_VERSION > 2 || (XML_MAJOR_VERSION == 2 && XML_MINOR_VERSION >= (minor)))

#if DUET_EXPAT_SINCE(9)
#define DUET_EXPAT_PLACE(what) XML_GetCurrent##what##64
#else
#define DUET_EXPAT_PLACE(what) XML_GetCurrent##what
#endif

/* -1 when it knows no place. */
static inline int64_t duet_expat_byte_index(XML_Parser parser)
{
    return DUET_EXPAT_PLACE(ByteIndex)(parser);
}

static inline uint64_t duet_expat_line(XML_Parser parser)
{
    return DUET_EXPAT_PLACE(LineNumber)(parser);
}

/* Counted from 0. */
static inline uint64_t duet_expat_column(XML_Parser parser)
{
    return DUET_EXPAT_PLACE(ColumnNumber)(parser);
}

/* Against chosen names that collide in its tables. Before the first byte; older ones take only
 * as much of it as a long holds. */
static inline void duet_expat_salt(XML_Parser parser, const uint8_t salt[16])
{
#if DUET_EXPAT_SINCE(8)
    XML_SetHashSalt16Bytes(parser, salt);
#else
    unsigned long number;
    memcpy(&number, salt, sizeof number);
    XML_SetHashSalt(parser, number | 1); /* 0 would mean that none is set */
#endif
}

#endif
