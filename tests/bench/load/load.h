/*
 * A load generator: one thread, epoll, many connections, each with a number of requests in
 * flight. It works closed (a reply brings the next request) or at a fixed rate, where a latency
 * counts from the moment at which the request was due, so that a server that stalls cannot hide
 * it. Every reply is checked. What is sent and how a reply is read comes from a protocol.
 */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct load_options {
    unsigned connections, in_flight;
    double seconds, warm_up;
    double rate;        /* calls per second; 0: closed loop */
    const char *method; /* NULL: what the protocol calls by itself */
    size_t echo_bytes;  /* > 0: echo that many bytes instead of doubling a number */
    size_t echo_structs;
    bool reconnect; /* a new connection for each call */
    int pid;        /* of the server, or 0 */
    struct sockaddr_in address;
};

/* A request is a head that differs from call to call, and a body that all share. */
struct load_shape {
    size_t head_size;
    const uint8_t *body; /* NULL when there is none */
    size_t body_size;
    size_t reply_size; /* about; for the size of the buffers */
};

struct load_reply {
    uint32_t id; /* of protocols whose replies have one */
    bool has_value;
    uint64_t value; /* must be twice the request's number */
};

struct load_protocol {
    const char *name;
    bool in_order; /* replies carry no id: they come in the order of the requests */

    /* Builds what is sent; exits with words when an option does not fit the protocol. */
    void (*prepare)(const struct load_options *options, struct load_shape *shape);

    /* Writes a request's head: head_size bytes. */
    void (*write)(uint8_t *head, uint32_t id, uint32_t number);

    /* Reads one reply from what has arrived. Returns its size, or 0 when there is more to come;
     * leaves through load_bad when it is not what it must be. */
    size_t (*read)(const uint8_t *bytes, size_t size, struct load_reply *reply);
};

/* Reads the command line, makes the load, prints one line of JSON. Returns the exit code. */
int load_main(int argc, char *argv[], const struct load_protocol *protocol);

/* The command line; exits with words when it cannot be read. */
void load_parse(int argc, char *argv[], struct load_options *options);

/* Shows a reply that is wrong, and exits with 2. */
void load_bad(const char *why, const void *bytes, size_t size) __attribute__((noreturn));

/* Ids and numbers of one width in every encoding: five bytes in MessagePack, nine digits. */
static inline uint32_t load_number(uint32_t id)
{
    return 100000000u + (id * 2654435761u) % 400000000u;
}

/* `size` bytes that look random and are the same each time: letters, or any. For the body. */
void load_fill(uint8_t *bytes, size_t size, bool letters);

#endif
