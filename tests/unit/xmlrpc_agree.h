/*
 * For the tests of the fast reader: reads a document with it and with expat, and holds what
 * they make of it side by side. Needs no test library, so that a fuzz target can use it.
 */
#ifndef DUET_TEST_XMLRPC_AGREE_H
#define DUET_TEST_XMLRPC_AGREE_H

#include "codec.h"
#include "duet.h"
#include "xmlrpc_expat.h"
#include "xmlrpc_fast.h"
#include "xmlrpc_read.h"

#include <stdlib.h>
#include <string.h>

/* One reader's view of a document: a heap block of its exact size, so that the address
 * sanitizer sees a read past it, and what came of it. */
struct view {
    struct duet_arena arena;
    struct duet_fault fault;
    struct duet_incoming request;
    uint8_t *bytes;
    bool is_read;
};

static inline void view_init(struct view *view, const struct duet_limits *limits,
                             const void *bytes, size_t size, size_t after)
{
    memset(view, 0, sizeof *view);
    duet_arena_init(&view->arena, (size_t)64 << 20);
    view->bytes = malloc(size + after > 0 ? size + after : 1);
    if (view->bytes == NULL)
        abort();
    if (size > 0)
        memcpy(view->bytes, bytes, size);
    view->request = (struct duet_incoming){.bytes = view->bytes,
                                           .size = size,
                                           .limits = limits,
                                           .arena = &view->arena,
                                           .fault = &view->fault};
}

static inline void view_done(struct view *view)
{
    duet_arena_done(&view->arena);
    free(view->bytes);
}

static inline bool same_bytes(const char *a, size_t a_size, const char *b, size_t b_size)
{
    return a_size == b_size && (a_size == 0 || memcmp(a, b, a_size) == 0);
}

static inline bool same_tree(const msgpack_object *a, const msgpack_object *b);

static inline bool same_items(const msgpack_object *a, const msgpack_object *b, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!same_tree(&a[i], &b[i]))
            return false;
    return true;
}

/* The same to the last bit: of doubles, too. */
static inline bool same_tree(const msgpack_object *a, const msgpack_object *b)
{
    if (a->type != b->type)
        return false;
    switch (a->type) {
    case MSGPACK_OBJECT_NIL:
        return true;
    case MSGPACK_OBJECT_BOOLEAN:
        return a->via.boolean == b->via.boolean;
    case MSGPACK_OBJECT_STR: /* both copy strings, and end them with a NUL */
        return same_bytes(a->via.str.ptr, a->via.str.size, b->via.str.ptr, b->via.str.size) &&
               a->via.str.ptr[a->via.str.size] == '\0';
    case MSGPACK_OBJECT_BIN:
        return same_bytes(a->via.bin.ptr, a->via.bin.size, b->via.bin.ptr, b->via.bin.size);
    case MSGPACK_OBJECT_EXT:
        return a->via.ext.type == b->via.ext.type &&
               same_bytes(a->via.ext.ptr, a->via.ext.size, b->via.ext.ptr, b->via.ext.size);
    case MSGPACK_OBJECT_ARRAY:
        return a->via.array.size == b->via.array.size &&
               same_items(a->via.array.ptr, b->via.array.ptr, a->via.array.size);
    case MSGPACK_OBJECT_MAP: /* pairs are two objects in a row */
        return a->via.map.size == b->via.map.size &&
               same_items((const msgpack_object *)a->via.map.ptr,
                          (const msgpack_object *)b->via.map.ptr, 2 * (size_t)a->via.map.size);
    default: /* integers and doubles */
        return a->via.u64 == b->via.u64;
    }
}

static inline bool same_call(const struct duet_incoming *a, const struct duet_incoming *b)
{
    return same_bytes(a->method, a->method_size, b->method, b->method_size) &&
           a->is_fault == b->is_fault && same_tree(&a->params, &b->params);
}

/* Whatever the fast reader made of it, the message is untouched; and what it does not read
 * leaves no trace. */
static inline bool is_clean(const struct view *view, const void *bytes)
{
    const struct duet_incoming *request = &view->request;
    if (request->size > 0 && memcmp(view->bytes, bytes, request->size) != 0)
        return false;
    bool untouched = request->method == NULL && request->params.type == MSGPACK_OBJECT_NIL &&
                     !request->is_fault && view->arena.pieces == NULL &&
                     view->arena.next == NULL && view->arena.total == 0;
    return view->fault.code == 0 && (view->is_read || untouched);
}

enum agreement { LEFT_TO_EXPAT, READ_ALIKE, READ_DIFFERENTLY };

static inline enum agreement agree_on(enum duet_kind kind, const struct duet_limits *limits,
                                      bool int_is_strict, const void *bytes, size_t size)
{
    struct view fast, expat;
    view_init(&fast, limits, bytes, size, 0);
    view_init(&expat, limits, bytes, size, 1); /* where one byte more may be read */
    fast.request.kind = expat.request.kind = kind;
    fast.request.int_is_strict = expat.request.int_is_strict = int_is_strict;
    struct duet_xml_thread *thread = duet_xml_thread();
    fast.is_read = duet_xml_fast_read(&thread->build, &fast.request);
    expat.is_read = fast.is_read && duet_xml_read(thread, &expat.request) == 0;

    enum agreement agreement = LEFT_TO_EXPAT;
    if (fast.is_read)
        agreement = expat.is_read && same_call(&fast.request, &expat.request)
                        ? READ_ALIKE
                        : READ_DIFFERENTLY;
    if (!is_clean(&fast, bytes))
        agreement = READ_DIFFERENTLY;
    view_done(&fast);
    view_done(&expat);
    return agreement;
}

/* The same of a call. */
static inline enum agreement agree(const struct duet_limits *limits, bool int_is_strict,
                                   const void *bytes, size_t size)
{
    return agree_on(DUET_KIND_REQUEST, limits, int_is_strict, bytes, size);
}

/* Under limits that nothing small meets, and under tight ones; with wide integers and strict.
 */
static inline enum agreement agree_under_limits_on(enum duet_kind kind, const void *bytes,
                                                   size_t size)
{
    static const struct duet_limits wide = {
        .max_message = 16 << 20, .max_head = 16384, .max_values = 1000000, .max_depth = 64};
    static const struct duet_limits tight = {
        .max_message = 16 << 20, .max_head = 16384, .max_values = 5, .max_depth = 2};
    enum agreement agreement = agree_on(kind, &wide, false, bytes, size);
    if (agree_on(kind, &wide, true, bytes, size) == READ_DIFFERENTLY ||
        agree_on(kind, &tight, false, bytes, size) == READ_DIFFERENTLY)
        return READ_DIFFERENTLY;
    return agreement;
}

/* The same of a call. */
static inline enum agreement agree_under_limits(const void *bytes, size_t size)
{
    return agree_under_limits_on(DUET_KIND_REQUEST, bytes, size);
}

#endif
