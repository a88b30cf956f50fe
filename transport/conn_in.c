/*
 * Reading a connection: one read into the scratch that all connections share, or into the
 * connection's own buffer when a large message is under way; then the framing cuts messages off
 * until nothing whole is left or a limit says stop.
 */
#include "conn_parts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    CARRY_MAX = 1024,     /* bytes of an unfinished message that are carried back into the
                             scratch */
    OWN_READ = 64 * 1024, /* room for one read when the length of the message is not known */
    ROOM_AHEAD = 1024 * 1024, /* memory given to a message on its word alone; then it must send
                                 as much as it asks */
};

bool duet_conn_has_leftover(const struct duet_conn *conn)
{
    return conn->in.size > conn->in_start && conn->framing_state == NULL;
}

bool duet_conn_has_unread(const struct duet_conn *conn)
{
    return duet_conn_is_heard(conn) && (duet_conn_has_leftover(conn) ||
                                        (duet_conn_is_limited(conn) && conn->read_left > 0));
}

/* Finishes a connection that will get nothing more to read. */
static void end_if_read_out(struct duet_conn *conn)
{
    if (!duet_conn_is_heard(conn) || duet_conn_has_leftover(conn))
        return;
    if (conn->input == INPUT_ENDED || conn->read_left == 0)
        duet_conn_finish(conn);
}

static int keep_state(struct duet_conn *conn)
{
    struct duet_conns *conns = conn->conns;
    size_t size = conn->framing->state_size(conns->limits);
    conn->framing_state = duet_conns_take_state(conns);
    if (conn->framing_state == NULL)
        return -ENOMEM;
    memcpy(conn->framing_state, conns->scratch_state, size);
    return 0;
}

/* A message is under way: its state is kept, and its time runs from its first byte, its body's
 * from the end of the head; both only once the peer takes what was written to it. */
static void await_more(struct duet_conn *conn, const struct duet_message *message, bool is_new)
{
    if (conn->framing_state == NULL && keep_state(conn) < 0) {
        duet_conn_close(conn);
        return;
    }
    bool was_in_body = conn->in_body && !is_new;
    conn->in_body = message->in_body;
    conn->in_need = message->need;
    if ((is_new || conn->in_body != was_in_body) && !conn->write_blocked) {
        duet_conn_wait_since_now(conn);
        conn->pace.bytes = message->kept; /* which came with the last byte of the head */
    }
    if (message->interim != NULL)
        duet_conn_send(conn, message->interim, strlen(message->interim), NULL, 0);
}

/* No message is under way any more. */
static void drop_state(struct duet_conn *conn)
{
    duet_conns_reuse_state(conn->conns, conn->framing_state);
    conn->framing_state = NULL;
    conn->in_need = 0;
}

void duet_conn_tell(const struct duet_conn *conn, uint8_t *bytes, size_t size,
                    struct duet_message *message)
{
    *message = (struct duet_message){
        .notes = conn->framing->notes,
        .body = bytes,
        .body_size = size,
    };
    if (conn->framing_state != NULL)
        conn->framing->tell(conn->framing_state, bytes, size, message);
}

static void refuse(struct duet_conn *conn, struct duet_message *message)
{
    conn->conns->events->bad(conn, message);
    duet_conn_finish(conn);
}

static bool choose_framing(struct duet_conn *conn, uint8_t first)
{
    if (conn->framing == NULL)
        conn->framing = conn->conns->events->choose(conn, first);
    if (conn->framing == NULL)
        duet_conn_close(conn);
    return conn->framing != NULL;
}

/* Cuts messages off the bytes and delivers them. Returns how many bytes are used up; `kept`
 * of those that follow are needed again. `own` is the connection's buffer if the bytes lie in
 * it. */
static size_t consume(struct duet_conn *conn, uint8_t *bytes, size_t size, struct duet_buf *own,
                      size_t *kept)
{
    struct duet_conns *conns = conn->conns;
    struct duet_message *message = &conns->message;
    const struct duet_framing *framing = conn->framing;
    bool is_fresh = conn->framing_state == NULL;
    void *state = is_fresh ? conns->scratch_state : conn->framing_state;
    size_t used = 0;

    *kept = 0;
    conn->is_paused = false;
    while (used < size) {
        if (!duet_conn_may_read(conn)) {
            duet_conn_count_pause(conn);
            *kept = duet_conn_is_heard(conn) ? size - used : 0;
            break;
        }
        if (is_fresh)
            framing->start(state, conns->limits);
        enum duet_frame frame = framing->next(state, bytes + used, size - used, message);
        if (frame == DUET_FRAME_MORE) {
            *kept = message->kept;
            await_more(conn, message, is_fresh);
            return used;
        }
        if (frame == DUET_FRAME_BAD) {
            refuse(conn, message);
            break;
        }
        struct duet_buf *whole = used == 0 && message->wire_size == size ? own : NULL;
        used += message->wire_size;
        is_fresh = true;
        conn->has_more = used < size;
        conns->events->message(conn, message, whole);
    }
    drop_state(conn);
    return used;
}

/* As long as what was written waits to be taken, nothing that is sent counts. */
static void note_received(struct duet_conn *conn, size_t n)
{
    if (conn->write_blocked)
        return;
    if (conn->framing_state == NULL)
        conn->active_ms = conn->conns->loop->now_ms;
    else
        conn->pace.bytes += n;
}

/* A read, with its outcomes sorted: > 0 bytes, 0 nothing to be had now; the connection may be
 * finished or closed after. */
static size_t receive(struct duet_conn *conn, uint8_t *room, size_t size)
{
    if (size > conn->read_left)
        size = conn->read_left;
    if (size == 0)
        return 0;
    ssize_t n = conn->stream.kind->read(&conn->stream, room, size);
    if (n > 0) {
        duet_count(&conn->conns->bytes_in, (size_t)n);
        note_received(conn, (size_t)n);
        if (duet_conn_is_limited(conn))
            conn->read_left -= (size_t)n;
        return (size_t)n;
    }
    if (n == 0) {
        duet_conn_enter_input(conn, INPUT_ENDED);
        duet_conn_touch(conn);
    } else if (n != -EAGAIN) {
        duet_conn_close(conn);
    }
    return 0;
}

/* All connections together hold too much: this one, which wants more, gives way. Waiting
 * instead could be for ever, if all that hold something wait. `bytes` are what there is of the
 * message. */
static void refuse_over_budget(struct duet_conn *conn, uint8_t *bytes, size_t size)
{
    struct duet_message *message = &conn->conns->message;
    duet_count(&conn->conns->refused_buffered, 1);
    duet_conn_tell(conn, bytes, size, message);
    message->bad = DUET_BAD_BUSY;
    message->status = 503;
    snprintf(message->reason, sizeof message->reason,
             "the server is busy: the messages under way hold %zu bytes (--max-buffered %zu); "
             "try again",
             atomic_load(&conn->conns->budget->used), conn->conns->budget->max);
    refuse(conn, message);
}

/* Memory that a message gets ahead of its bytes: as much as it asks, up to a megabyte, or as
 * much again as it has sent. */
static size_t room_ahead(const struct duet_conn *conn, size_t held)
{
    size_t more = conn->in_need > held ? conn->in_need - held : OWN_READ;
    size_t ahead = held > ROOM_AHEAD ? held : ROOM_AHEAD;
    return more < ahead ? more : ahead;
}

/* The same, with whole messages unread behind calls whose answers must come first. */
static void finish_over_budget(struct duet_conn *conn)
{
    duet_count(&conn->conns->refused_buffered, 1);
    duet_conn_finish(conn);
}

static void keep_in_buffer(struct duet_conn *conn, uint8_t *bytes, size_t size)
{
    if (conn->state == CONN_CLOSED)
        return;
    if (size == 0) {
        duet_conns_reuse(conn->conns, &conn->in);
        return;
    }
    if (size > CARRY_MAX && size > conn->charged &&
        !duet_conn_has_budget(conn, size - conn->charged)) {
        if (conn->framing_state != NULL)
            refuse_over_budget(conn, bytes, size);
        else
            finish_over_budget(conn);
        return;
    }
    bool is_large =
        conn->in_need > DUET_SCRATCH_SIZE && duet_conn_has_budget(conn, conn->in_need);
    size_t room = is_large ? size + room_ahead(conn, size) : size;
    if (duet_conn_reserve(conn, room + 1) < 0) { /* and the byte after a message */
        duet_conn_close(conn);
        return;
    }
    duet_buf_append(&conn->in, bytes, size);
}

static void read_into_scratch(struct duet_conn *conn)
{
    uint8_t *scratch = conn->conns->scratch;
    size_t held = conn->in.size - conn->in_start;
    if (held > 0)
        memcpy(scratch, conn->in.data + conn->in_start, held);
    /* A byte less, for the one after a message: a full read then still fits 64 KiB when
     * kept. */
    size_t n = receive(conn, scratch + held, DUET_SCRATCH_SIZE - 1 - held);
    if (n == 0 || !choose_framing(conn, scratch[0]))
        return;

    size_t kept;
    conn->in.size = conn->in_start = 0;
    size_t used = consume(conn, scratch, held + n, NULL, &kept);
    keep_in_buffer(conn, scratch + used, kept);
}

/* Cuts the messages in the connection's own buffer off, and moves on in it. */
static void consume_own(struct duet_conn *conn)
{
    struct duet_buf *in = &conn->in;
    size_t start = conn->in_start, kept;
    struct duet_buf *whole = start == 0 ? in : NULL;
    size_t used = consume(conn, in->data + start, in->size - start, whole, &kept);
    if (!duet_conn_is_heard(conn) || in->data == NULL)
        return;
    conn->in_start = start + used;
    in->size = conn->in_start + kept;
    if (kept == 0) {
        duet_conns_reuse(conn->conns, in);
        conn->in_start = 0;
    }
}

/* Room in the connection's own buffer for what is still to come of the message, plus the byte
 * after it. */
static int make_room(struct duet_conn *conn)
{
    struct duet_buf *in = &conn->in;
    size_t held = in->size - conn->in_start;
    if (conn->in_start > held) { /* moves each byte at most once for each that was used up */
        memmove(in->data, in->data + conn->in_start, held);
        in->size = held;
        conn->in_start = 0;
    }
    size_t room = room_ahead(conn, held) + 1, is_free = in->capacity - in->size;
    if (room <= is_free || is_free > OWN_READ)
        return 0; /* what is there is filled first */
    if (!duet_conn_has_budget(conn, room - is_free))
        return -ENOBUFS;
    return duet_conn_reserve(conn, room);
}

static void read_into_own(struct duet_conn *conn)
{
    int rc = make_room(conn);
    if (rc == -ENOBUFS) {
        refuse_over_budget(conn, conn->in.data + conn->in_start,
                           conn->in.size - conn->in_start);
        return;
    }
    if (rc < 0) {
        duet_conn_close(conn);
        return;
    }
    struct duet_buf *in = &conn->in;
    size_t room = in->capacity - in->size - 1;
    size_t most = room < DUET_TURN_SHARE ? room : DUET_TURN_SHARE;
    if (!duet_conn_has_budget(conn, most)) {
        refuse_over_budget(conn, in->data + conn->in_start, in->size - conn->in_start);
        return;
    }
    size_t n = receive(conn, in->data + in->size, most);
    if (n == 0)
        return;
    in->size += n;
    consume_own(conn);
}

void duet_conn_read(struct duet_conn *conn)
{
    if (conn->in.size - conn->in_start > CARRY_MAX || conn->in_need > DUET_SCRATCH_SIZE)
        read_into_own(conn);
    else
        read_into_scratch(conn);
    duet_conn_charge(conn);
    end_if_read_out(conn);
}

void duet_conn_resume(struct duet_conn *conn)
{
    if (!duet_conn_may_read(conn))
        return;
    if (duet_conn_has_leftover(conn))
        consume_own(conn);
    duet_conn_charge(conn);
    end_if_read_out(conn);
    duet_conn_touch(conn);
}

void duet_conn_discard(struct duet_conn *conn)
{
    uint8_t *scratch = conn->conns->scratch;
    ssize_t n = conn->stream.kind->read(&conn->stream, scratch, DUET_SCRATCH_SIZE);
    if (n == 0 || (n < 0 && n != -EAGAIN))
        duet_conn_close(conn);
    else if (n > 0 && conn->pace.taken >= (int64_t)conn->written)
        conn->active_ms = conn->conns->loop->now_ms; /* whoever has its answer may go on */
}
