/*
 * The stack of open containers and the collecting of text.
 */
#include "xmlrpc_build.h"

#include <stdio.h>
#include <string.h>

enum {
    FIRST_CAPACITY = 64,     /* objects; an everyday call fits */
    KEEP_CAPACITY = 2048,    /* 48 KiB for each thread that reads XML: what costs nothing */
    LARGEST_COUNT = 1 << 30, /* counts are 32 bits in the tree */
    LARGE_TEXT = 128 * 1024, /* more than an expat event delivers at once */
};

void duet_xml_build_init(struct duet_xml_build *build)
{
    *build = (struct duet_xml_build){0};
}

/* What a thread keeps between documents is nobody's; a call pays for more. */
static size_t cost_of(size_t capacity)
{
    return capacity > KEEP_CAPACITY ? capacity * sizeof(msgpack_object) : 0;
}

void duet_xml_build_done(struct duet_xml_build *build)
{
    duet_block_free(NULL, build->stack, build->capacity * sizeof *build->stack);
    if (build->account != NULL)
        duet_account_give(build->account, cost_of(build->capacity));
    duet_xml_build_init(build);
}

void duet_xml_build_start(struct duet_xml_build *build, struct duet_incoming *request)
{
    build->request = request;
    build->size = build->base = 0;
    build->depth = 0;
    build->values = 0;
    build->max_values = request->limits->max_values;
    if (build->max_values > LARGEST_COUNT)
        build->max_values = LARGEST_COUNT;
    duet_xml_text_start(build);
}

void duet_xml_build_rest(struct duet_xml_build *build)
{
    if (build->capacity > KEEP_CAPACITY)
        duet_xml_build_done(build);
    build->request = NULL;
}

int duet_xml_build_too_big(struct duet_xml_build *build)
{
    const struct duet_incoming *request = build->request;
    return duet_fault_set(request->fault, DUET_FAULT_LIMIT,
                          "a message of %zu bytes needs more memory to read than --max-message "
                          "%zu allows for",
                          request->size, request->limits->max_message);
}

static int fail_growth(struct duet_xml_build *build)
{
    return duet_fault_set(build->request->fault, DUET_FAULT_INTERNAL,
                          "out of memory while reading the arguments");
}

/* The account is remembered only while something was taken from it: the stack may outlive the
 * call. */
static int grow(struct duet_xml_build *build)
{
    size_t capacity = build->capacity > 0 ? build->capacity * 2 : FIRST_CAPACITY;
    size_t more = cost_of(capacity) - cost_of(build->capacity);
    struct duet_account *account = more > 0 ? build->request->arena->account : NULL;
    if (account != NULL && !duet_account_take(account, more, DUET_RANK_RUNNING))
        return fail_growth(build);
    msgpack_object *stack = duet_block_resize(
        NULL, build->stack, build->capacity * sizeof *stack, capacity * sizeof *stack);
    if (stack == NULL && account != NULL)
        duet_account_give(account, more);
    if (stack == NULL)
        return fail_growth(build);
    build->account = account;
    build->stack = stack;
    build->capacity = capacity;
    return 0;
}

/* Every value and every key is counted, so the stack holds at most twice max_values. */
static int push(struct duet_xml_build *build, msgpack_object object)
{
    if (build->values >= build->max_values)
        return duet_fault_set(build->request->fault, DUET_FAULT_LIMIT,
                              "%s: a message of more than %zu values exceeds "
                              "--max-values %zu",
                              duet_xml_build_where(build), build->max_values,
                              build->request->limits->max_values);
    if (build->size == build->capacity) {
        int rc = grow(build);
        if (rc < 0)
            return rc;
    }
    build->values++;
    build->stack[build->size++] = object;
    return 0;
}

int duet_xml_build_push(struct duet_xml_build *build, msgpack_object object)
{
    return push(build, object);
}

int duet_xml_build_open(struct duet_xml_build *build, msgpack_object_type type)
{
    unsigned max_depth = build->request->limits->max_depth;
    if (build->depth >= max_depth)
        return duet_fault_set(build->request->fault, DUET_FAULT_LIMIT,
                              "%s: nesting of %u levels exceeds --max-depth %u",
                              duet_xml_build_where(build), build->depth + 1, max_depth);
    int rc = push(build, (msgpack_object){.type = type, .via.u64 = build->base});
    if (rc < 0)
        return rc;
    build->base = build->size;
    build->depth++;
    return 0;
}

/* Moves the items from `base` on into the arena. */
static int take_items(struct duet_xml_build *build, size_t base, msgpack_object **items)
{
    size_t count = build->size - base;
    *items = NULL;
    if (count == 0)
        return 0;
    *items = duet_arena_alloc(build->request->arena, count * sizeof **items);
    if (*items == NULL)
        return duet_xml_build_too_big(build);
    memcpy(*items, build->stack + base, count * sizeof **items);
    build->size = base;
    return 0;
}

_Static_assert(sizeof(msgpack_object_kv) == 2 * sizeof(msgpack_object),
               "a key and a value on the stack are a pair of a map");

int duet_xml_build_close(struct duet_xml_build *build)
{
    uint32_t count = (uint32_t)(build->size - build->base);
    msgpack_object *items;
    int rc = take_items(build, build->base, &items);
    if (rc < 0)
        return rc;

    msgpack_object *marker = &build->stack[build->base - 1];
    build->base = (size_t)marker->via.u64;
    build->depth--;
    if (marker->type == MSGPACK_OBJECT_ARRAY)
        marker->via.array = (msgpack_object_array){.size = count, .ptr = items};
    else
        marker->via.map =
            (msgpack_object_map){.size = count / 2, .ptr = (msgpack_object_kv *)items};
    return 0;
}

/* A key that is not set yet is nil. */
int duet_xml_build_member(struct duet_xml_build *build)
{
    return push(build, (msgpack_object){.type = MSGPACK_OBJECT_NIL});
}

bool duet_xml_build_has_value(const struct duet_xml_build *build)
{
    return (build->size - build->base) % 2 == 0;
}

static msgpack_object *key_of_member(const struct duet_xml_build *build)
{
    return &build->stack[build->size - (duet_xml_build_has_value(build) ? 2 : 1)];
}

bool duet_xml_build_has_key(const struct duet_xml_build *build)
{
    return key_of_member(build)->type != MSGPACK_OBJECT_NIL;
}

void duet_xml_build_key(struct duet_xml_build *build, msgpack_object key)
{
    *key_of_member(build) = key;
}

int duet_xml_build_finish(struct duet_xml_build *build, msgpack_object *params)
{
    uint32_t count = (uint32_t)build->size;
    msgpack_object *items;
    int rc = take_items(build, 0, &items);
    if (rc < 0)
        return rc;
    params->type = MSGPACK_OBJECT_ARRAY;
    params->via.array = (msgpack_object_array){.size = count, .ptr = items};
    return 0;
}

const char *duet_xml_build_where(struct duet_xml_build *build)
{
    if (build->request->kind == DUET_KIND_RESPONSE)
        return build->request->is_fault ? "the fault" : "the result";
    size_t at = build->size;
    for (size_t base = build->base; base > 0; base = (size_t)build->stack[base - 1].via.u64)
        at = base - 1;
    snprintf(build->where, sizeof build->where, "argument %zu", at + 1);
    return build->where;
}

static bool resize_text(struct duet_xml_build *build, size_t room)
{
    struct duet_arena *arena = build->request->arena;
    if (build->text == NULL || !duet_arena_resize(arena, build->text, build->text_room, room))
        return false;
    build->text_room = room;
    return true;
}

/* Doubling keeps the copying linear in the text's size. Once a text is large, the next block
 * has room for all the text that a document of this size can hold: the copying ends, and later
 * texts fit behind it, because what is too much comes back when a text is kept. */
static int make_room(struct duet_xml_build *build, size_t need)
{
    size_t room = build->text_room * 2 > need ? build->text_room * 2 : need;
    if (resize_text(build, room) || resize_text(build, need))
        return 0;

    size_t all = build->request->size + 1; /* more only if it is not in UTF-8 */
    if (room > LARGE_TEXT && need <= all)
        room = all;
    char *text = duet_arena_alloc(build->request->arena, room);
    if (text == NULL && room > need)
        text = duet_arena_alloc(build->request->arena, room = need);
    if (text == NULL)
        return duet_xml_build_too_big(build);
    if (build->text != NULL)
        memcpy(text, build->text, build->text_size);
    build->text = text;
    build->text_room = room;
    return 0;
}

int duet_xml_text_add(struct duet_xml_build *build, const char *piece, size_t size)
{
    size_t need = build->text_size + size + 1;
    if (build->text == NULL)
        build->text_room = 0;
    if (need > build->text_room) {
        int rc = make_room(build, need);
        if (rc < 0)
            return rc;
    }
    memcpy(build->text + build->text_size, piece, size);
    build->text_size += size;
    build->text[build->text_size] = '\0';
    return 0;
}

void duet_xml_text_keep(struct duet_xml_build *build, size_t size)
{
    if (build->text == NULL)
        return;
    if (size > 0)
        build->text[size] = '\0';
    duet_arena_resize(build->request->arena, build->text, build->text_room,
                      size > 0 ? size + 1 : 0);
    duet_xml_text_start(build);
}

msgpack_object duet_xml_text_take(struct duet_xml_build *build)
{
    msgpack_object string = {.type = MSGPACK_OBJECT_STR};
    string.via.str.ptr = duet_xml_text(build);
    string.via.str.size = (uint32_t)build->text_size;
    duet_xml_text_keep(build, build->text_size);
    return string;
}
