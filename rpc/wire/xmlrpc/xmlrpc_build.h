/*
 * Building a call's arguments in the arena, one event at a time: the part that every reader of
 * XML-RPC shares. Counts values and levels and holds them against the limits; knows no XML. The
 * items of open containers wait on one stack; closing a container copies its items into an
 * exact array, so nothing is recursive and nothing is copied twice. One thread.
 */
#ifndef DUET_XMLRPC_BUILD_H
#define DUET_XMLRPC_BUILD_H

#include "codec.h"

#include <stdbool.h>
#include <stddef.h>

struct duet_xml_build {
    struct duet_incoming *request;

    /* An open container is a marker (its type, and in via.u64 the base before it) and the items
     * above; a member of a map is a key and then a value. */
    msgpack_object *stack;
    size_t size, capacity;
    struct duet_account *account; /* that it was taken from */
    size_t base;                  /* the first item of the innermost open container */
    unsigned depth;
    size_t values, max_values;

    /* Text that is being collected; NULL when there is none yet. */
    char *text;
    size_t text_size, text_room;

    char where[32]; /* for duet_xml_build_where */
};

/* An empty builder: zero bytes are one too. */
void duet_xml_build_init(struct duet_xml_build *build);
void duet_xml_build_done(struct duet_xml_build *build);

/* Begins the arguments of a request, whose arena, limits and fault it uses; it keeps its memory
 * from the last one. */
void duet_xml_build_start(struct duet_xml_build *build, struct duet_incoming *request);

/* Ends a request: lets go of its memory if it is more than a small size. */
void duet_xml_build_rest(struct duet_xml_build *build);

/* All that follow return 0, or DUET_FAILED with the request's fault set. */

/* Adds one value where one may stand: as an argument, an item, or after a member's key. */
int duet_xml_build_push(struct duet_xml_build *build, msgpack_object object);

/* A container (MSGPACK_OBJECT_ARRAY or _MAP) and its end. */
int duet_xml_build_open(struct duet_xml_build *build, msgpack_object_type type);
int duet_xml_build_close(struct duet_xml_build *build);

/* Begins a member of the map; its key may be set before or after its value is pushed. */
int duet_xml_build_member(struct duet_xml_build *build);
void duet_xml_build_key(struct duet_xml_build *build, msgpack_object key);
bool duet_xml_build_has_key(const struct duet_xml_build *build);
bool duet_xml_build_has_value(const struct duet_xml_build *build);

/* Makes the array of all arguments, or of all that a reply holds. */
int duet_xml_build_finish(struct duet_xml_build *build, msgpack_object *params);

/* What is being built, for messages: "argument 2", "the result". Good until the next time. */
const char *duet_xml_build_where(struct duet_xml_build *build);

/* The type of the innermost open container; MSGPACK_OBJECT_NIL when there is none. */
static inline msgpack_object_type duet_xml_build_inside(const struct duet_xml_build *build)
{
    return build->depth > 0 ? build->stack[build->base - 1].type : MSGPACK_OBJECT_NIL;
}

/* ---- Text, which comes in pieces */

static inline void duet_xml_text_start(struct duet_xml_build *build)
{
    build->text = NULL;
    build->text_size = 0;
}

int duet_xml_text_add(struct duet_xml_build *build, const char *piece, size_t size);

/* The whole text with a NUL after it (that text_size does not count); it may be altered. */
static inline char *duet_xml_text(struct duet_xml_build *build)
{
    static char empty[1];
    return build->text != NULL ? build->text : empty;
}

/* Keeps the first `size` bytes of the text (and a NUL after them) in the arena; 0 keeps
 * nothing. */
void duet_xml_text_keep(struct duet_xml_build *build, size_t size);

/* A whole string in the arena: duet_xml_text and duet_xml_text_keep. */
msgpack_object duet_xml_text_take(struct duet_xml_build *build);

/* Sets the fault for an arena that gave NULL. */
int duet_xml_build_too_big(struct duet_xml_build *build);

#endif
