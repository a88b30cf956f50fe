/*
 * dateTime.iso8601. Pure functions: no clock, no time zone database.
 */
#ifndef DUET_XMLRPC_TIME_H
#define DUET_XMLRPC_TIME_H

#include "duet.h"

#include <stddef.h>
#include <stdint.h>

enum {
    DUET_XML_TIME_SIZE = 17, /* 19980717T14:08:55 */
};

/* Reads a date in any of the forms that are in use: with and without dashes and colons, with a
 * fraction, Z or an offset (which is applied), a date alone. No zone means UTC. 0,
 * DUET_FAULT_REQUEST when it is no date, DUET_FAULT_PARAMS when it is a date that does not
 * exist. */
int duet_xml_time_read(const char *text, size_t size, duet_time *time);

/* Writes DUET_XML_TIME_SIZE characters. False when the year is not one of 0001 to 9999. */
bool duet_xml_time_write(char *room, int64_t seconds);

#endif
