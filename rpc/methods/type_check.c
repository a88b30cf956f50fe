/*
 * The walk: a stack of open containers, each with the types of what is in it. Linear in the
 * value's size, whatever the types are: a member is found where it is likely or by halving, a
 * map with fewer pairs than members that must be there is refused unread, and only the members
 * that must be there are ticked off. A key that comes twice is checked twice; the last one is
 * what the handler reads.
 */
#include "type_check.h"

#include <string.h>

enum { FEW = 64 }; /* members to tick off in one word */

_Static_assert(sizeof(msgpack_object_kv) == 2 * sizeof(msgpack_object),
               "a pair is two objects");

static bool fail(struct duet_type_check *check, enum duet_type_failure failure,
                 const msgpack_object *got)
{
    check->failure = failure;
    check->got = got;
    return false;
}

/* ---- Changes */

static bool note_change(struct duet_type_check *check, msgpack_object *object)
{
    struct duet_type_change *change = duet_arena_alloc(check->arena, sizeof *change);
    if (change == NULL)
        return fail(check, DUET_FAIL_MEMORY, object);
    *change = (struct duet_type_change){check->changes, object, *object};
    check->changes = change;
    return true;
}

void duet_type_restore(struct duet_type_change *changes)
{
    for (; changes != NULL; changes = changes->before) {
        msgpack_object *object = changes->object;
        /* A handler may have read strings of the map, which moves them. */
        if (object->type == MSGPACK_OBJECT_MAP)
            for (uint32_t i = 0; i < object->via.map.size; i++)
                changes->was.via.array.ptr[i] = object->via.map.ptr[i].val;
        *object = changes->was;
    }
}

static bool become_empty_map(struct duet_type_check *check, msgpack_object *object)
{
    if (!note_change(check, object))
        return false;
    *object = (msgpack_object){.type = MSGPACK_OBJECT_MAP};
    return true;
}

/* An array becomes the map of a record's members in their order; items beyond them are of no
 * interest, like members that are not declared. */
static bool become_map(struct duet_type_check *check, msgpack_object *object,
                       const struct duet_form *form)
{
    const struct duet_part *parts = check->types->parts + form->first;
    msgpack_object_array items = object->via.array;
    uint32_t count = items.size < form->count ? items.size : form->count;
    if (count == 0)
        return become_empty_map(check, object);
    msgpack_object_kv *pairs = duet_arena_alloc(check->arena, count * sizeof *pairs);
    if (pairs == NULL)
        return fail(check, DUET_FAIL_MEMORY, object);
    if (!note_change(check, object))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        pairs[i].key = (msgpack_object){.type = MSGPACK_OBJECT_STR};
        pairs[i].key.via.str.size = parts[i].name_size;
        pairs[i].key.via.str.ptr = duet_part_name(check->types, &parts[i]);
        pairs[i].val = items.ptr[i];
    }
    object->type = MSGPACK_OBJECT_MAP;
    object->via.map.size = count;
    object->via.map.ptr = pairs;
    return true;
}

/* ---- Keys */

bool duet_type_key_text(const msgpack_object *key, const char **text, size_t *size)
{
    if (key->type != MSGPACK_OBJECT_STR && key->type != MSGPACK_OBJECT_BIN)
        return false;
    bool is_string = key->type == MSGPACK_OBJECT_STR;
    *text = is_string ? key->via.str.ptr : key->via.bin.ptr;
    *size = is_string ? key->via.str.size : key->via.bin.size;
    return true;
}

/* The int that a text is, written in the one way that there is: no zeros before it, no +, no
 * -0. */
static bool read_int(const char *text, size_t size, int64_t *value)
{
    bool is_negative = size > 0 && text[0] == '-';
    size_t i = is_negative;
    uint64_t sum = 0, most = is_negative ? UINT64_C(1) << 63 : INT64_MAX;
    if (i == size || (text[i] == '0' && size > 1))
        return false;
    for (; i < size; i++) {
        unsigned digit = (unsigned)(text[i] - '0');
        if (digit > 9 || sum > (most - digit) / 10)
            return false;
        sum = 10 * sum + digit;
    }
    *value = (int64_t)(is_negative ? 0 - sum : sum);
    return true;
}

static bool take_int_key(struct duet_type_check *check, msgpack_object *key)
{
    const char *text;
    size_t size;
    int64_t value;
    if (duet_leaf_takes(DUET_LEAF_INT, key))
        return true;
    if (!duet_type_key_text(key, &text, &size) || !read_int(text, size, &value))
        return fail(check, DUET_FAIL_KEY, key);
    if (!note_change(check, key))
        return false;
    key->type = value < 0 ? MSGPACK_OBJECT_NEGATIVE_INTEGER : MSGPACK_OBJECT_POSITIVE_INTEGER;
    key->via.i64 = value;
    return true;
}

/* ---- Frames */

static bool push(struct duet_type_check *check, const struct duet_type_level *level)
{
    if (check->depth == check->capacity) {
        size_t size = check->capacity * sizeof *check->levels;
        struct duet_type_level *levels = duet_arena_alloc(check->arena, 2 * size);
        if (levels == NULL)
            return fail(check, DUET_FAIL_MEMORY, NULL);
        memcpy(levels, check->levels, size);
        check->levels = levels;
        check->capacity *= 2;
    }
    check->levels[check->depth++] = *level;
    return true;
}

static bool open_items(struct duet_type_check *check, const msgpack_object *object,
                       const struct duet_form *form)
{
    struct duet_type_level level = {
        .kind = (enum duet_form_kind)form->kind,
        .form = form,
        .values = object->via.array.ptr,
        .count = object->via.array.size,
        .first = form->first,
        .type = check->types->parts[form->first].type,
    };
    if (form->kind == DUET_FORM_TUPLE && level.count != form->count) {
        check->form = form;
        return fail(check, DUET_FAIL_COUNT, object);
    }
    return push(check, &level);
}

static bool open_pairs(struct duet_type_check *check, const msgpack_object *object,
                       const struct duet_form *form)
{
    bool has_members = form->kind == DUET_FORM_MEMBERS || form->kind == DUET_FORM_RECORD;
    struct duet_type_level level = {
        .kind = has_members ? DUET_FORM_MEMBERS : (enum duet_form_kind)form->kind,
        .form = form,
        .values = (msgpack_object *)object->via.map.ptr,
        .count = object->via.map.size,
        .first = form->first,
        .missing = has_members ? form->least : 0,
        .type = check->types->parts[form->first].type,
    };
    if (level.count < level.missing) {
        check->form = form;
        return fail(check, DUET_FAIL_MISSING, object);
    }
    if (level.missing > FEW) {
        size_t words = (level.missing + FEW - 1) / FEW;
        level.many = duet_arena_alloc(check->arena, words * sizeof *level.many);
        if (level.many == NULL)
            return fail(check, DUET_FAIL_MEMORY, object);
        memset(level.many, 0, words * sizeof *level.many);
    }
    return push(check, &level);
}

/* ---- Values */

static bool take_leaf(struct duet_type_check *check, msgpack_object *object,
                      duet_type_number type)
{
    enum duet_leaf leaf = duet_type_leaf(type);
    if (type & 1 && object->type == MSGPACK_OBJECT_NIL)
        return true;
    if (!duet_leaf_takes(leaf, object)) {
        check->type = type;
        return fail(check, DUET_FAIL_TYPE, object);
    }
    bool is_map = leaf != DUET_LEAF_MAP_OR_NO_ITEMS || object->type == MSGPACK_OBJECT_MAP;
    return is_map || become_empty_map(check, object);
}

/* Arrays and maps: what is in them is checked next. */
static bool take_form(struct duet_type_check *check, msgpack_object *object,
                      const struct duet_form *form)
{
    bool is_array = object->type == MSGPACK_OBJECT_ARRAY;
    if (form->kind == DUET_FORM_ITEMS || form->kind == DUET_FORM_TUPLE)
        return is_array ? open_items(check, object, form) : fail(check, DUET_FAIL_TYPE, object);
    if (is_array && form->kind == DUET_FORM_RECORD && !become_map(check, object, form))
        return false;
    if (is_array && form->kind != DUET_FORM_RECORD && object->via.array.size == 0 &&
        !become_empty_map(check, object))
        return false;
    return object->type == MSGPACK_OBJECT_MAP ? open_pairs(check, object, form)
                                              : fail(check, DUET_FAIL_TYPE, object);
}

static bool take(struct duet_type_check *check, msgpack_object *object, duet_type_number type)
{
    if (type < DUET_LEAF_NUMBERS)
        return take_leaf(check, object, type);
    bool or_nil;
    check->type = type;
    type = duet_type_resolve(check->types, type, &or_nil);
    if (or_nil && object->type == MSGPACK_OBJECT_NIL)
        return true;
    return type < DUET_LEAF_NUMBERS
               ? take_leaf(check, object, type | or_nil)
               : take_form(check, object, duet_type_form(check->types, type));
}

/* A member has come that must; the first time it does, it is missing no more. */
static void tick_off(struct duet_type_level *level, uint32_t required)
{
    uint64_t *word = level->many != NULL ? &level->many[required / FEW] : &level->few;
    uint64_t bit = UINT64_C(1) << required % FEW;
    level->missing -= (*word & bit) == 0;
    *word |= bit;
}

static bool take_member(struct duet_type_check *check, struct duet_type_level *level,
                        msgpack_object *pair)
{
    const char *name;
    size_t size;
    if (!duet_type_key_text(&pair[0], &name, &size))
        return true;
    int64_t i = duet_form_find(check->types, level->form, name, size, level->likely);
    if (i < 0)
        return true;
    const struct duet_part *part = &check->types->parts[level->first + i];
    level->likely = (uint32_t)i + 1;
    if (part->required == DUET_PART_OPTIONAL && pair[1].type == MSGPACK_OBJECT_NIL)
        return true;
    if (part->required != DUET_PART_OPTIONAL)
        tick_off(level, part->required);
    return take(check, &pair[1], part->type);
}

static bool take_next(struct duet_type_check *check, struct duet_type_level *level)
{
    size_t i = level->next++;
    msgpack_object *values = level->values;
    switch (level->kind) {
    case DUET_FORM_ITEMS:
        return take(check, &values[i], level->type);
    case DUET_FORM_TUPLE:
        return take(check, &values[i], check->types->parts[level->first + i].type);
    case DUET_FORM_INT_KEYS:
        return take_int_key(check, &values[2 * i]) &&
               take(check, &values[2 * i + 1], level->type);
    case DUET_FORM_ANY_KEYS:
        return take(check, &values[2 * i + 1], level->type);
    default:
        return take_member(check, level, &values[2 * i]);
    }
}

/* A container whose values are all checked. Its parent's last value is itself. */
static bool close_level(struct duet_type_check *check)
{
    const struct duet_type_level *level = &check->levels[--check->depth];
    if (level->missing == 0)
        return true;
    const struct duet_type_level *around = &check->levels[check->depth - 1];
    bool is_pair = around->kind != DUET_FORM_ITEMS && around->kind != DUET_FORM_TUPLE;
    check->form = level->form;
    size_t last = around->next - 1;
    return fail(check, DUET_FAIL_MISSING, &around->values[is_pair ? 2 * last + 1 : last]);
}

static bool walk(struct duet_type_check *check)
{
    bool holds = true;
    while (holds && check->depth > 0) {
        struct duet_type_level *level = &check->levels[check->depth - 1];
        holds = level->next < level->count ? take_next(check, level) : close_level(check);
    }
    if (!holds) {
        duet_type_restore(check->changes);
        check->changes = NULL;
    }
    return holds;
}

/* ---- From outside */

void duet_type_check_init(struct duet_type_check *check, const struct duet_types *types,
                          struct duet_arena *arena)
{
    check->types = types;
    check->arena = arena;
    check->changes = NULL;
    check->capacity = DUET_TYPE_INLINE_LEVELS;
    check->levels = check->inline_levels;
    check->failure = DUET_FAIL_NONE;
    check->form = NULL;
}

static bool walk_from(struct duet_type_check *check, const struct duet_type_level *level)
{
    check->depth = 0;
    return push(check, level) && walk(check);
}

bool duet_type_check_arguments(struct duet_type_check *check,
                               const struct duet_alternative *alternative,
                               const msgpack_object *params)
{
    const struct duet_type_level level = {
        .kind = DUET_FORM_TUPLE,
        .values = params->via.array.ptr,
        .count = params->via.array.size,
        .first = alternative->first,
    };
    return walk_from(check, &level);
}

bool duet_type_check_value(struct duet_type_check *check, duet_type_number type,
                           msgpack_object *value)
{
    const struct duet_type_level level = {
        .kind = DUET_FORM_ITEMS, .values = value, .count = 1, .type = type};
    return walk_from(check, &level);
}
