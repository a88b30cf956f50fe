/*
 * What goes before the body of an HTTP reply. Struct in, bytes out. framing_http's `wrap`.
 */
#ifndef DUET_HTTP_HEAD_H
#define DUET_HTTP_HEAD_H

#include "framing.h"

/* As duet_framing's wrap. A content type of NULL or "" writes no Content-Type; longer ones than
 * 128 bytes and an `extra` longer than DUET_HEAD_EXTRA_MAX are mistakes of ours. */
size_t duet_http_head_write(char *room, const struct duet_head *head);

/* "OK" for 200; "Unknown" for a status that Duet does not send. */
const char *duet_http_phrase(int status);

#endif
