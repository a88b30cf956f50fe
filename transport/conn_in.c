/*
 * Reading a connection: one read into the scratch that all connections share, or into the
 * connection's own buffer when a large message is under way; then the framing cuts messages off
 * until nothing whole is left or a limit says stop.
 */
#include "conn_parts.h"

#include <errno.h>
#include <stdio.h>

enum {
    CARRY_MAX = 1024,     /* bytes of an unfinished message that are carried back into the
                             scratch */
    OWN_READ = 64 * 1024, /* room for one read */
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
    if (conn->input == INPUT_ENDED)
        duet_conn_finish(conn);
    else if (conn->read_left == 0)
        duet_conn_take_no_calls(conn);
}

static int keep_state(struct duet_conn *conn)
{
    struct duet_conns *conns = conn->conns;
    size_t size = conn->framing->state_size(conns->limits);
    conn->framing_state = duet_conn_take_state(conn);
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
    if (is_new)
        duet_conn_note_move(conn);
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
    duet_conn_reuse_state(conn, conn->framing_state);
    conn->framing_state = NULL;
    conn->in_need = 0;
    conn->waiter.ticket = 0;
    duet_account_release(&conn->account); /* if the owner has not taken it over */
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

/* What follows a large message in its buffer, which then holds the message alone and may be
 * taken. False: there is more of it than of the message, or no memory, and nothing has changed.
 */
static bool split_off(struct duet_buf *own, size_t message_size, struct duet_buf *rest)
{
    size_t size = own->size - message_size;
    duet_buf_init(rest, own->max);
    rest->account = own->account;
    if (size == 0)
        return true;
    if (message_size < DUET_SCRATCH_SIZE || size > message_size ||
        duet_buf_reserve(rest, size + 1) < 0) /* and the byte after a message */
        return false;
    duet_buf_append(rest, own->data + message_size, size);
    own->size = message_size;
    return true;
}

/* Delivers the first message of the connection's own buffer, so that its bytes need not be
 * copied if it is large. True if what follows it has moved to another buffer. */
static bool deliver_first(struct duet_conn *conn, struct duet_message *message)
{
    struct duet_buf *own = &conn->in, rest;
    size_t size = own->size;
    bool is_whole = split_off(own, message->wire_size, &rest);
    conn->conns->events->message(conn, message, is_whole ? own : NULL);
    if (!is_whole)
        return false;
    bool is_taken = own->data == NULL && duet_conn_is_heard(conn);
    if (own->data != NULL)
        own->size = size;
    if (is_taken)
        duet_buf_take(own, &rest);
    duet_buf_done(&rest);
    return is_taken;
}

/* Cuts messages off the bytes and delivers them. Returns how many bytes are used up; `kept`
 * of those that follow are needed again. `own` is the connection's buffer if the bytes lie in
 * it, from its beginning on; it may be another one then. */
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
        size_t end = used + message->wire_size;
        is_fresh = true;
        conn->has_more = end < size;
        if (own == NULL || used > 0) {
            conns->events->message(conn, message, NULL);
        } else if (deliver_first(conn, message)) {
            bytes = own->data;
            size = own->size;
            end = 0;
        }
        used = end;
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
        conn->received += (size_t)n;
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

static struct duet_message *tell_under_way(struct duet_conn *conn)
{
    struct duet_message *message = &conn->conns->message;
    struct duet_buf *in = &conn->in;
    uint8_t *bytes = in->data != NULL ? in->data + conn->in_start : NULL;
    duet_conn_tell(conn, bytes, in->size - conn->in_start, message);
    return message;
}

void duet_conn_refuse_busy(struct duet_conn *conn)
{
    struct duet_message *message = tell_under_way(conn);
    message->bad = DUET_BAD_BUSY;
    message->status = 503;
    snprintf(message->reason, sizeof message->reason,
             "the server is busy: the messages and replies under way hold %zu bytes "
             "(--max-buffered %zu), and others wait for the room of this one; try again",
             atomic_load(&conn->conns->budget->used), conn->conns->budget->max);
    refuse(conn, message);
}

static void refuse_too_large(struct duet_conn *conn)
{
    struct duet_message *message = tell_under_way(conn);
    message->bad = DUET_BAD_LIMIT;
    message->status = 413;
    snprintf(message->reason, sizeof message->reason,
             "the message needs more memory than all messages and replies under way may have "
             "together (--max-buffered %zu)",
             conn->conns->budget->max);
    refuse(conn, message);
}

/* Memory follows the bytes: as much as there are, and the one after a message. */
static bool append(struct duet_conn *conn, const uint8_t *bytes, size_t size)
{
    if (duet_conn_reserve(conn, size + 1, size + 1) < 0) {
        duet_conn_close(conn);
        return false;
    }
    duet_buf_append(&conn->in, bytes, size);
    duet_conns_see_shortage(conn->conns);
    return true;
}

static void keep_in_buffer(struct duet_conn *conn, uint8_t *bytes, size_t size)
{
    if (conn->state == CONN_CLOSED)
        return;
    if (size == 0)
        duet_conns_reuse(conn->conns, &conn->in);
    else
        append(conn, bytes, size);
}

struct duet_scratch *duet_conns_hold_scratch(struct duet_conns *conns)
{
    if (conns->next_scratch == NULL)
        conns->next_scratch = duet_scratch_new();
    if (conns->next_scratch == NULL)
        return NULL;
    conns->scratch->users++;
    return conns->scratch;
}

/* What is held belongs to who holds it; the next read gets another one. */
static void change_scratch(struct duet_conns *conns)
{
    duet_scratch_release(conns->scratch);
    conns->scratch = conns->next_scratch;
    conns->next_scratch = NULL;
}

static void read_into_scratch(struct duet_conn *conn)
{
    uint8_t *scratch = conn->conns->scratch->bytes;
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
    if (conn->conns->next_scratch != NULL)
        change_scratch(conn->conns);
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

/* Moves each byte at most once for each that was used up. */
static void compact(struct duet_conn *conn)
{
    struct duet_buf *in = &conn->in;
    size_t held = in->size - conn->in_start;
    if (conn->in_start <= held)
        return;
    memmove(in->data, in->data + conn->in_start, held);
    in->size = held;
    conn->in_start = 0;
}

/* Room for the next read of a large message. It must have been let in for that; a reservation
 * that turns out too small is asked for anew. False: it waits, or is closed. */
static bool make_room(struct duet_conn *conn)
{
    struct duet_buf *in = &conn->in;
    size_t held = in->size - conn->in_start;
    size_t rest = (conn->in_need > held ? conn->in_need - held : OWN_READ) + 1;
    size_t room = rest < OWN_READ ? rest : OWN_READ;
    if (room <= in->capacity - in->size)
        return true; /* what is there is filled first */
    if (!duet_budget_can_hold(conn->conns->budget, conn->in_need)) {
        refuse_too_large(conn);
        return false;
    }
    bool is_let_in = conn->account.is_admitted && held < conn->room_for;
    if (!is_let_in && !duet_conn_ask_room(conn))
        return false;
    int rc = duet_conn_reserve(conn, room, rest);
    if (rc == -ENOBUFS) {
        duet_account_release(&conn->account);
        if (!duet_conn_ask_room(conn))
            return false;
        rc = duet_conn_reserve(conn, room, rest);
    }
    if (rc == -ENOBUFS && conn->account.room == DUET_ROOM_NEVER)
        refuse_too_large(conn);
    else if (rc == -ENOBUFS) /* more than may be reserved for one, and the rest is in use */
        duet_conn_refuse_busy(conn);
    else if (rc < 0)
        duet_conn_close(conn);
    return rc == 0;
}

/* The first of a message comes by way of the scratch, so that it costs no more memory than it
 * has sent; the rest straight into the buffer that it has to itself. */
static void read_into_own(struct duet_conn *conn)
{
    struct duet_buf *in = &conn->in;
    compact(conn);
    size_t held = in->size - conn->in_start, n;
    if (held + 1 < DUET_SCRATCH_SIZE && !conn->account.is_admitted) {
        uint8_t *scratch = conn->conns->scratch->bytes;
        n = receive(conn, scratch, DUET_SCRATCH_SIZE - 1 - held);
        if (n == 0 || !append(conn, scratch, n))
            return;
    } else {
        if (!make_room(conn)) {
            duet_conn_touch(conn);
            return;
        }
        size_t room = in->capacity - in->size - 1;
        n = receive(conn, in->data + in->size, room < DUET_TURN_SHARE ? room : DUET_TURN_SHARE);
        if (n == 0)
            return;
        in->size += n;
    }
    consume_own(conn);
}

void duet_conn_read(struct duet_conn *conn)
{
    if (conn->in.size - conn->in_start > CARRY_MAX || conn->in_need > DUET_SCRATCH_SIZE)
        read_into_own(conn);
    else
        read_into_scratch(conn);
    end_if_read_out(conn);
}

void duet_conn_resume(struct duet_conn *conn)
{
    if (!duet_conn_may_read(conn))
        return;
    if (duet_conn_has_leftover(conn))
        consume_own(conn);
    end_if_read_out(conn);
    duet_conn_touch(conn);
}

void duet_conn_discard(struct duet_conn *conn)
{
    uint8_t *scratch = conn->conns->scratch->bytes;
    ssize_t n = conn->stream.kind->read(&conn->stream, scratch, DUET_SCRATCH_SIZE);
    if (n == 0 || (n < 0 && n != -EAGAIN))
        duet_conn_close(conn);
    else if (n > 0 && conn->pace.taken >= (int64_t)conn->written)
        conn->active_ms = conn->conns->loop->now_ms; /* whoever has its answer may go on */
}
