/*
 * HTTP requests that are no calls: a page that says what this is, the health check, OPTIONS,
 * and 404 for the rest. On the loop's thread.
 */
#include "home_parts.h"

#include <stdio.h>
#include <string.h>

static const char about[] =
    "This is a Duet server: it answers remote procedure calls.\n"
    "\n"
    "XML-RPC: POST to / or /RPC2. In Python:\n"
    "    xmlrpc.client.ServerProxy('http://HOST:PORT/RPC2').system.listMethods()\n"
    "MessagePack-RPC: plain TCP on the same port, or a POST with Content-Type: "
    "application/msgpack.\n";

#define TEXT "text/plain; charset=utf-8"
#define ALLOWED "Allow: POST, GET, HEAD, OPTIONS\r\n"

static void send_text(struct duet_conn *conn, const struct duet_message *message, int status,
                      const char *text, const char *extra)
{
    duet_home_send(conn,
                   &(struct duet_head){
                       .status = status,
                       .content_type = TEXT,
                       .body_size = strlen(text),
                       .notes = message->notes,
                       .extra = extra,
                   },
                   text);
}

void duet_pages_reject(struct duet_conn *conn, const struct duet_message *message)
{
    char body[DUET_REASON_MAX + 2];
    int size = snprintf(body, sizeof body, "%s\n", message->reason);
    struct duet_head head = {
        .status = message->status,
        .content_type = TEXT,
        .body_size = (size_t)size,
        .notes = message->notes,
        .close = true,
        .extra = message->status == 405   ? ALLOWED
                 : message->status == 503 ? "Retry-After: 1\r\n"
                                          : "",
    };
    duet_home_send(conn, &head, body);
}

static bool asks_for(const struct duet_message *message, const char *path)
{
    return message->target_size == strlen(path) &&
           memcmp(message->target, path, message->target_size) == 0;
}

bool duet_pages_is_health(const struct duet_message *message)
{
    const uint32_t other = DUET_NOTE_OPTIONS | DUET_NOTE_NOT_FOUND | DUET_NOTE_BAD_METHOD;
    return message->content == DUET_CONTENT_NONE && (message->notes & other) == 0 &&
           asks_for(message, "/healthz");
}

void duet_pages_answer(struct duet_home *home, struct duet_conn *conn,
                       const struct duet_message *message)
{
    bool is_up = !atomic_load_explicit(&home->server->is_draining, memory_order_relaxed);
    if (message->notes & DUET_NOTE_NOT_FOUND)
        send_text(conn, message, 404, "No such page: XML-RPC is served at / and /RPC2.\n", "");
    else if (message->notes & DUET_NOTE_BAD_METHOD)
        send_text(conn, message, 405,
                  "This method is not allowed here: calls are sent with POST.\n", ALLOWED);
    else if (message->notes & DUET_NOTE_OPTIONS)
        send_text(conn, message, 204, "", ALLOWED);
    else if (asks_for(message, "/") || asks_for(message, "/RPC2"))
        send_text(conn, message, 200, about, "");
    else if (duet_pages_is_health(message))
        send_text(conn, message, is_up ? 200 : 503, is_up ? "ok\n" : "draining\n", "");
    else
        send_text(conn, message, 404,
                  "No such page: this is an RPC server; calls are POSTed to / or /RPC2.\n", "");
}
