/*
 * Connections under test: a loop that runs on the test's own thread, turn by turn, the peer's
 * end of each connection, and a tiny framing. Nothing sleeps: a turn either takes what is there
 * or waits for an event, and the alarm that each test program sets ends one that never comes.
 *
 * The framing, by first byte: 0 to 250 is the length of the body that follows; LARGE is
 * followed by four bytes of length, most significant first; GREET is answered at once with "go"
 * when it has come, and has one byte of length; BAD is bad. The head is what stands before the
 * body.
 */
#ifndef DUET_TESTS_CONN_RIG_H
#define DUET_TESTS_CONN_RIG_H

#include "conn.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { LARGE = 0xfe, GREET = 0xfd, BAD = 0xff };

struct rig {
    struct duet_loop loop;
    struct duet_conns conns;
    struct duet_limits limits;
    struct duet_budget budget;

    /* What the owner does. */
    const struct duet_framing *framing; /* NULL: chooses none */
    uint32_t max_in_flight;
    bool echoes;      /* answers each message with its body */
    bool holds;       /* holds each message as a call in flight */
    bool takes_whole; /* takes the buffer of a message that fills one */
    bool says_bad;    /* answers a bad message with "bad" */
    size_t needs;     /* what each message will need; 0: its size */
    void (*on_message)(struct rig *rig, struct duet_conn *conn); /* after the above; may be
                                                                    NULL */

    /* What it saw. */
    struct duet_buf log; /* the bodies, one after another */
    size_t messages, whole_messages, last_wire_size;
    unsigned bads, fins, abandons, closes, resumed;
    bool last_was_last; /* duet_conn_is_last of the last message */
    int bad_status;
    char reason[DUET_REASON_MAX];
};

/* A rig that echoes, with generous limits. */
void rig_open(struct rig *rig);
void rig_close(struct rig *rig);

/* A connection of the rig over that stream. */
struct duet_conn *rig_open_conn(struct rig *rig, struct duet_stream stream,
                                const struct sockaddr *peer);

/* A connection of the rig; its peer's end, non-blocking, in `peer`. A pair of unix sockets, or
 * TCP over loopback. */
struct duet_conn *rig_connect(struct rig *rig, int *peer);
struct duet_conn *rig_connect_tcp(struct rig *rig, int *peer);

/* Memory that is held for connections, without what is kept for the next ones. */
size_t rig_held(const struct rig *rig);

/* One turn: takes what is there, does not wait. */
void rig_turn(struct rig *rig);

/* One turn that waits for an event, a letter or a deadline. */
void rig_wait(struct rig *rig);

#define RIG_UNTIL(rig, condition)                                                              \
    do {                                                                                       \
        while (!(condition))                                                                   \
            rig_wait(rig);                                                                     \
    } while (0)

/* Turns on without an event, until the loop's clock has gone `ms` further. */
void rig_let_pass(struct rig *rig, uint64_t ms);

/* The peer sends it all, the loop turning meanwhile; or as much as goes without. */
void peer_send(struct rig *rig, int peer, const void *bytes, size_t size);
size_t peer_send_some(int peer, const void *bytes, size_t size);
#define PEER_SENDS(rig, peer, text) peer_send(rig, peer, text, sizeof(text) - 1)

/* The peer reads exactly these bytes, the loop turning meanwhile. */
void peer_expect(struct rig *rig, int peer, const void *bytes, size_t size);
#define PEER_READS(rig, peer, text) peer_expect(rig, peer, text, sizeof(text) - 1)

/* The peer reads to a clean end; returns how many bytes came before. */
size_t peer_read_to_end(struct rig *rig, int peer);

/* What has come and was not read: at the peer's end, or at ours. */
size_t unread(int fd);

/* The bodies so far are these; they are forgotten. */
void log_expect(struct rig *rig, const void *bytes, size_t size);
#define LOG_IS(rig, text) log_expect(rig, text, sizeof(text) - 1)

/* A LARGE message with a body that is different everywhere: malloced. */
uint8_t *large_message(size_t body_size);
enum { LARGE_HEAD = 5 };

/* Something sent by reference that counts how often it was released. */
struct parcel {
    struct duet_out out;
    unsigned released;
};
struct parcel parcel_of(const void *bytes, size_t size);

#endif
