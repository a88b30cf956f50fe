/*
 * The null server's workers, and the one answer that they and the loop give: what it costs to
 * hand calls to another thread, and nothing else.
 */
#ifndef BENCH_NULL_WORKERS_H
#define BENCH_NULL_WORKERS_H

#include <arpa/inet.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum {
    DOUBLE_REQUEST = 20,
    DOUBLE_REPLY = 13,
    NULL_JOB_BYTES = 16 * 1024, /* as much as the server reads at once */
};

/* [0, msgid, "double", [n]] to [1, msgid, nil, 2 n], in the one encoding of our generators. */
static inline void null_answer_double(const uint8_t *request, uint8_t *reply)
{
    uint32_t number;
    memcpy(&number, request + 16, 4);
    number = htonl(2 * ntohl(number));
    memcpy(reply, "\x94\x01\xce", 3);
    memcpy(reply + 3, request + 3, 4);
    reply[7] = 0xc0;
    reply[8] = 0xce;
    memcpy(reply + 9, &number, 4);
}

/* Starts the one worker. */
void null_workers_start(void);

/* Hands over `count` requests that lie side by side, NULL_JOB_BYTES at most; the answers leave
 * in one write. */
void null_workers_push(int fd, const uint8_t *requests, size_t count);

#endif
