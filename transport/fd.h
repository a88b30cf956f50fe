/*
 * What is the same for every fd of ours, whoever opens it. Any thread.
 */
#ifndef DUET_FD_H
#define DUET_FD_H

/* Takes what a call that makes an fd returned, -1 too, and gives one that is not stdin, stdout
 * or stderr: a program may have been started with those closed, and what it prints would go to
 * whoever has their number. -1 with errno on failure; then `fd` is closed. */
int duet_fd_above_stdio(int fd);

/* Makes an eventfd readable. Signal handlers too: errno stays as it is. */
void duet_fd_signal(int fd);

/* Ends a connected socket for its peer, whoever else holds it (a process that a handler has
 * started has copies of all our fds until it execs), and closes it. */
void duet_socket_close(int fd);

#endif
