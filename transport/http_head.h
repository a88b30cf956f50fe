/*
 * What goes before the body of an HTTP message. Struct in, bytes out: the `wrap` of HTTP's
 * framings.
 */
#ifndef DUET_HTTP_HEAD_H
#define DUET_HTTP_HEAD_H

#include "framing.h"

/* The head of a reply. A content type of NULL or "" writes no Content-Type; what is longer than
 * framing.h says is a mistake of ours. */
size_t duet_http_head_write(char *room, const struct duet_head *head);

/* The head of a request with a body, and of one that asks for a reply without one: its content
 * type, size and compression are not looked at. */
size_t duet_http_post_write(char *room, const struct duet_head *head);
size_t duet_http_head_request_write(char *room, const struct duet_head *head);

/* "OK" for 200; "Unknown" for a status that Duet does not send. */
const char *duet_http_phrase(int status);

#endif
