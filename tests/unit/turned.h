/*
 * A server whose first loop the test turns, as a program with a loop of its own does: it waits
 * for nothing but the fd, without a time. A wake-up that is lost shows as a test that never
 * ends; its alarm ends it.
 */
#ifndef DUET_TESTS_TURNED_H
#define DUET_TESTS_TURNED_H

#include "served.h"

#include <stdbool.h>

/* Whether there is something to read, or the end. */
bool turned_is_readable(int fd);

/* Waits until the server's fd asks for a turn, and gives it one. Returns what that returned. */
int turned(const struct served *served);

/* Turns until the server has nothing more to do. */
void turned_rest(const struct served *served);

/* Turns until a peer's socket has something to read; another loop may bring it. */
void turned_until_readable(const struct served *served, int fd);

/* Sends messages written as text (packed.h), turns, and reads what must be these replies, which
 * come at once. */
void turned_ask(const struct served *served, int fd, const char *request, const char *reply);

/* Turns until it has drained; then also waits for it and frees it; or drains it first. */
void turned_until_drained(const struct served *served);
void turned_finish(struct served *served);
void turned_stop(struct served *served);

#endif
