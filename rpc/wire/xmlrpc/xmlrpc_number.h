/*
 * Numbers as XML-RPC writes them: decimal text, whatever the locale. Pure functions.
 */
#ifndef DUET_XMLRPC_NUMBER_H
#define DUET_XMLRPC_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* XML's whitespace. */
static inline bool duet_xml_is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

/* Narrows the text to what stands between leading and trailing whitespace. */
static inline void duet_xml_trim(const char **text, size_t *size)
{
    while (*size > 0 && duet_xml_is_space(**text))
        (*text)++, (*size)--;
    while (*size > 0 && duet_xml_is_space((*text)[*size - 1]))
        (*size)--;
}

/* Reads [+-]digits with whitespace around it. 0, DUET_FAULT_REQUEST when that is not what it
 * is, DUET_FAULT_PARAMS when the magnitude exceeds 64 bits. Zero is never negative. */
int duet_xml_integer_read(const char *text, size_t size, bool *negative, uint64_t *magnitude);

/* Reads a decimal number, with or without point and exponent, or nan, inf, infinity in any
 * case. The byte after the text must be readable and none that a number may have. 0,
 * DUET_FAULT_REQUEST, or DUET_FAULT_PARAMS when it exceeds a double. */
int duet_xml_double_read(const char *text, size_t size, double *value);

enum {
    DUET_XML_INTEGER_ROOM = 20, /* -9223372036854775808 */
    DUET_XML_DOUBLE_ROOM = 352, /* 0. and 323 zeros, or 309 digits, and some */
};

/* Decimal digits into DUET_XML_INTEGER_ROOM characters; returns how many. */
size_t duet_xml_integer_write(char *room, int64_t value);

/* The shortest digits that read back as the same double, without exponent, always with a point,
 * into DUET_XML_DOUBLE_ROOM characters; returns how many, 0 for what is not finite. */
size_t duet_xml_double_write(char *room, double value);

#endif
