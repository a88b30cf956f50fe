/*
 * What is the same for every fd of ours, whoever opens it. Any thread.
 */
#ifndef DUET_FD_H
#define DUET_FD_H

/* Ends a connected socket for its peer, whoever else holds it (a process that a handler has
 * started has copies of all our fds until it execs), and closes it. */
void duet_socket_close(int fd);

#endif
