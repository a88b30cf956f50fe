/*
 * Paths and expectations as text. Names and keys may be a caller's: they are cut here, and
 * escaped by the fault that they become part of.
 */
#include "type_words.h"

#include "escape.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* A text under construction. Cut when it does not fit. */
struct words {
    char text[600];
    size_t used;
};

__attribute__((format(printf, 2, 3))) static void add(struct words *words, const char *format,
                                                      ...)
{
    va_list args;
    va_start(args, format);
    size_t room = sizeof words->text - words->used;
    int n = vsnprintf(words->text + words->used, room, format, args);
    va_end(args);
    words->used += (size_t)n < room ? (size_t)n : room - 1;
}

/* ---- What must be */

/* The leaves that say roughly what a type takes, as bits. */
static unsigned leaves_of(const struct duet_types *types, duet_type_number type)
{
    bool or_nil;
    type = duet_type_resolve(types, type, &or_nil);
    unsigned nil = or_nil ? DUET_BIT(DUET_LEAF_NIL) : 0;
    if (type < DUET_LEAF_NUMBERS)
        return nil | DUET_BIT(duet_type_leaf(type));
    switch ((enum duet_form_kind)duet_type_form(types, type)->kind) {
    case DUET_FORM_ITEMS:
    case DUET_FORM_TUPLE:
        return nil | DUET_BIT(DUET_LEAF_ARRAY);
    case DUET_FORM_RECORD:
        return nil | DUET_BIT(DUET_LEAF_ARRAY) | DUET_BIT(DUET_LEAF_MAP);
    default:
        return nil | DUET_BIT(DUET_LEAF_MAP);
    }
}

/* A double reads the same whether it takes ints or not, and so with a map. */
static unsigned without_twins(unsigned leaves)
{
    const unsigned double_or_int = DUET_BIT(DUET_LEAF_DOUBLE_OR_INT);
    const unsigned map_or_no_items = DUET_BIT(DUET_LEAF_MAP_OR_NO_ITEMS);
    if (leaves & double_or_int)
        leaves = (leaves & ~double_or_int) | DUET_BIT(DUET_LEAF_DOUBLE);
    if (leaves & map_or_no_items)
        leaves = (leaves & ~map_or_no_items) | DUET_BIT(DUET_LEAF_MAP);
    return leaves;
}

/* "int, double or nil" */
static void add_leaves(struct words *words, unsigned leaves)
{
    leaves = without_twins(leaves);
    unsigned nil = leaves & DUET_BIT(DUET_LEAF_NIL), left = leaves & ~nil;
    for (int i = 0; left != 0; i++) {
        if (!(left & DUET_BIT(i)))
            continue;
        left &= ~DUET_BIT(i);
        unsigned to_come = left | nil;
        bool is_any = i == DUET_LEAF_ANY;
        add(words, "%s%s", is_any ? "any value" : duet_leaf_name((enum duet_leaf)i),
            to_come == 0                     ? ""
            : (to_come & (to_come - 1)) != 0 ? ", "
                                             : " or ");
    }
    if (nil)
        add(words, "nil");
}

/* ---- How many arguments */

/* What the alternatives with that many arguments take as argument `i`. */
static unsigned leaves_at(const struct duet_types *types, const struct duet_alternative *like,
                          uint32_t i)
{
    unsigned leaves = 0;
    for (uint32_t n = 0; n < types->alternative_count; n++) {
        const struct duet_alternative *alternative = &types->alternatives[n];
        if (alternative->count == like->count && alternative->least == like->least)
            leaves |= leaves_of(types, types->parts[alternative->first + i].type);
    }
    return leaves;
}

/* "no arguments", "1 argument (int or double)", "1 or 2 arguments (int, string or nil)" */
static void add_arity(struct words *words, const struct duet_types *types,
                      const struct duet_alternative *like)
{
    if (like->count == 0) {
        add(words, "no arguments");
        return;
    }
    if (like->least < like->count)
        add(words, "%u %s ", like->least, like->least + 1 == like->count ? "or" : "to");
    add(words, "%u argument%s (", like->count, like->count == 1 ? "" : "s");
    for (uint32_t i = 0; i < like->count && words->used < sizeof words->text - 1; i++) {
        if (i > 0)
            add(words, ", ");
        add_leaves(words, leaves_at(types, like, i));
    }
    add(words, ")");
}

static bool is_fewer(const struct duet_alternative *a, const struct duet_alternative *b)
{
    return a->count != b->count ? a->count < b->count : a->least < b->least;
}

/* The next alternative by number of arguments; NULL after the last. NULL is before the first.
 */
static const struct duet_alternative *next_arity(const struct duet_types *types,
                                                 const struct duet_alternative *after)
{
    const struct duet_alternative *next = NULL;
    for (uint32_t n = 0; n < types->alternative_count; n++) {
        const struct duet_alternative *one = &types->alternatives[n];
        if ((after == NULL || is_fewer(after, one)) && (next == NULL || is_fewer(one, next)))
            next = one;
    }
    return next;
}

static int fail_arity(const struct duet_types *types, const char *method, size_t got,
                      struct duet_fault *fault)
{
    struct words words = {.used = 0};
    const struct duet_alternative *like = next_arity(types, NULL);
    while (like != NULL) {
        const struct duet_alternative *next = next_arity(types, like);
        add_arity(&words, types, like);
        if (next != NULL)
            add(&words, "%s", next_arity(types, next) != NULL ? ", " : " or ");
        like = next;
    }
    return duet_fault_set(fault, DUET_FAULT_PARAMS, "%.200s: takes %s, got %zu", method,
                          words.text, got);
}

/* ---- Where */

/* As much of a name or key as words have room for. */
static void add_name(struct words *words, const char *name, size_t size)
{
    enum { SHOWN = 40 };
    char shown[SHOWN + 1];
    size_t whole = duet_escape(shown, sizeof shown, name, size < SHOWN ? size : SHOWN);
    add(words, "\"%s%s\"", shown, whole < size && size > SHOWN ? "…" : "");
}

static void add_key(struct words *words, const msgpack_object *key)
{
    const char *name;
    size_t size;
    if (duet_type_key_text(key, &name, &size))
        add_name(words, name, size);
    else if (key->type == MSGPACK_OBJECT_POSITIVE_INTEGER)
        add(words, "key %" PRIu64, key->via.u64);
    else if (key->type == MSGPACK_OBJECT_NEGATIVE_INTEGER)
        add(words, "key %" PRId64, key->via.i64);
    else
        add(words, "a %s as key", duet_type_name(duet_value_type((const duet_value *)key)));
}

/* Which value of a container it is about. */
static void add_step(struct words *words, const struct duet_type_level *level)
{
    add(words, ", ");
    if (level->kind == DUET_FORM_ITEMS || level->kind == DUET_FORM_TUPLE)
        add(words, "item %u", level->next);
    else
        add_key(words, &level->values[2 * ((size_t)level->next - 1)]);
}

/* `, item 3, "count"`: the way from the argument to the value, its middle left out if it is
 * long. True if there is any. */
static bool add_path(struct words *words, const struct duet_type_check *check)
{
    enum { SHOWN = 4 }; /* steps at either end */
    size_t depth = check->depth;
    if (check->failure == DUET_FAIL_KEY) /* it is the map's */
        depth--;
    for (size_t i = 1; i < depth; i++) {
        if (i > SHOWN && i + SHOWN < depth) {
            add(words, ", %zu more", depth - 1 - (size_t)2 * SHOWN);
            i = depth - SHOWN;
        }
        add_step(words, &check->levels[i]);
    }
    return depth > 1;
}

/* ---- What is there instead */

/* "string", or for an integer whose value is the trouble that value and why. */
static void add_got(struct words *words, const msgpack_object *object, unsigned leaves)
{
    duet_type type = duet_value_type((const duet_value *)object);
    unsigned double_or_int = leaves & DUET_BIT(DUET_LEAF_DOUBLE_OR_INT);
    if (type == DUET_TYPE_UINT && (leaves & DUET_BIT(DUET_LEAF_INT)))
        add(words, "%" PRIu64 ", which exceeds 64 bits signed", object->via.u64);
    else if (type == DUET_TYPE_UINT && double_or_int)
        add(words, "%" PRIu64 ", which a double does not hold exactly", object->via.u64);
    else if (type == DUET_TYPE_INT && double_or_int)
        add(words, "%" PRId64 ", which a double does not hold exactly", object->via.i64);
    else if (type == DUET_TYPE_INT && (leaves & DUET_BIT(DUET_LEAF_UINT)))
        add(words, "%" PRId64 ", which is negative", object->via.i64);
    else
        add(words, "%s", duet_type_name(type));
}

static void add_type_failure(struct words *words, const msgpack_object *got, unsigned leaves,
                             bool has_place)
{
    add(words, "%s must be ", has_place ? ":" : "");
    add_leaves(words, leaves);
    add(words, ", got ");
    add_got(words, got, leaves);
}

/* Notes which members of the form a value has: a record's array those in its places, a map
 * those that its keys name. */
static void note_members(const struct duet_types *types, const msgpack_object *object,
                         const struct duet_form *form, bool *is_there)
{
    bool is_array = object->type == MSGPACK_OBJECT_ARRAY;
    for (uint32_t i = 0; is_array && i < form->count; i++)
        is_there[i] = i < object->via.array.size;
    int64_t found = -1;
    for (uint32_t n = 0; !is_array && n < object->via.map.size; n++) {
        const char *name;
        size_t size;
        if (!duet_type_key_text(&object->via.map.ptr[n].key, &name, &size))
            continue;
        found = duet_form_find(types, form, name, size, (uint32_t)(found + 1));
        if (found >= 0)
            is_there[found] = true;
    }
}

/* The first one that is missing; without memory to find it, that one is. */
static void add_missing(struct words *words, const struct duet_type_check *check)
{
    const struct duet_types *types = check->types;
    const struct duet_form *form = check->form;
    const struct duet_part *part = &types->parts[form->first];
    bool *is_there = duet_arena_alloc(check->arena, form->count * sizeof *is_there);
    uint32_t i = 0;
    if (is_there == NULL) {
        add(words, ": one of its %u members is missing", form->least);
        return;
    }
    memset(is_there, 0, form->count * sizeof *is_there);
    note_members(types, check->got, form, is_there);
    while (i < form->count && (is_there[i] || part[i].required == DUET_PART_OPTIONAL))
        i++;
    assert(i < form->count);
    add(words, ": ");
    add_name(words, duet_part_name(types, &part[i]), part[i].name_size);
    add(words, " is missing");
}

static void add_failure(struct words *words, const struct duet_type_check *check,
                        unsigned leaves, bool has_place)
{
    const char *name;
    size_t size;
    switch (check->failure) {
    case DUET_FAIL_COUNT:
        add(words, ": must have %u items, got %u", check->form->count,
            check->got->via.array.size);
        break;
    case DUET_FAIL_MISSING:
        add_missing(words, check);
        break;
    case DUET_FAIL_KEY:
        add(words, ": its keys must be int, got ");
        if (duet_type_key_text(check->got, &name, &size))
            add_name(words, name, size);
        else
            add_got(words, check->got, DUET_BIT(DUET_LEAF_INT));
        break;
    default:
        add_type_failure(words, check->got, leaves, has_place);
    }
}

static int fail_memory(const struct duet_type_check *check, const char *method,
                       struct duet_fault *fault)
{
    const struct duet_account *account = check->arena->account;
    if (account != NULL && account->room == DUET_ROOM_NEVER)
        return duet_fault_set(fault, DUET_FAULT_LIMIT,
                              "%.200s: the values of the call need more memory than all calls "
                              "may have together (--max-buffered %zu)",
                              method, account->budget->max);
    if (account != NULL && account->room == DUET_ROOM_TAKEN)
        return duet_fault_set(fault, DUET_FAULT_BUSY,
                              "%.200s: the server is busy: no room for the values of the call "
                              "(--max-buffered %zu); try again",
                              method, account->budget->max);
    return duet_fault_set(fault, DUET_FAULT_LIMIT,
                          "%.200s: the values of the call need more memory than it may use "
                          "(see --max-message)",
                          method);
}

/* ---- Arguments */

/* Holds the arguments against an alternative; or the result, where there are none. True if that
 * fails, and not just for their number. */
static bool stops(struct duet_type_check *check, const struct duet_alternative *alternative,
                  const msgpack_object *params, msgpack_object *result)
{
    if (params == NULL)
        return !duet_type_check_value(check, alternative->result, result);
    uint32_t count = params->via.array.size;
    return count >= alternative->least && count <= alternative->count &&
           !duet_type_check_arguments(check, alternative, params);
}

/* How far a check came: the argument, how deep in it, and that it was of the right type. */
static uint64_t progress(const struct duet_type_check *check)
{
    bool is_inside = check->failure != DUET_FAIL_TYPE;
    return (uint64_t)check->levels[0].next << 32 | check->depth << 1 | is_inside;
}

/* Stops where the alternative that gets farthest does, and says what else could stand there.
 * False if none has that many arguments. */
static bool find_farthest(struct duet_type_check *check, const msgpack_object *params,
                          msgpack_object *result, unsigned *leaves)
{
    const struct duet_types *types = check->types;
    const struct duet_alternative *farthest = NULL, *last = NULL;
    uint64_t most = 0;
    for (uint32_t n = 0; n < types->alternative_count; n++) {
        const struct duet_alternative *alternative = &types->alternatives[n];
        if (!stops(check, alternative, params, result))
            continue;
        last = alternative;
        uint64_t far = progress(check);
        bool is_type = check->failure == DUET_FAIL_TYPE;
        if (farthest == NULL || far > most) {
            farthest = alternative;
            most = far;
            *leaves = 0;
        }
        if (far == most && is_type && (check->depth == 1 || *leaves == 0))
            *leaves |= leaves_of(types, check->type);
    }
    if (farthest != last) /* once more, for the way there */
        stops(check, farthest, params, result);
    return farthest != NULL;
}

int duet_type_fail_arguments(const struct duet_types *types, const char *method,
                             const msgpack_object *params, struct duet_arena *arena,
                             struct duet_fault *fault)
{
    struct duet_type_check check;
    unsigned leaves = 0;
    duet_type_check_init(&check, types, arena);
    if (!find_farthest(&check, params, NULL, &leaves))
        return fail_arity(types, method, params->via.array.size, fault);
    if (check.failure == DUET_FAIL_MEMORY)
        return fail_memory(&check, method, fault);
    struct words words = {.used = 0};
    uint32_t argument = check.levels[0].next - 1;
    add(&words, "argument %u", argument + 1);
    if (argument < types->argument_count)
        add(&words, " '%.40s'", types->texts + types->arguments[argument]);
    bool has_place = add_path(&words, &check);
    add_failure(&words, &check, leaves, has_place);
    return duet_fault_set(fault, DUET_FAULT_PARAMS, "%.200s: %s", method, words.text);
}

/* ---- Results */

int duet_type_fail_result(const struct duet_types *types, msgpack_object *value,
                          struct duet_arena *arena, struct duet_fault *fault)
{
    struct duet_type_check check;
    unsigned leaves = 0;
    duet_type_check_init(&check, types, arena);
    find_farthest(&check, NULL, value, &leaves);
    struct words words = {.used = 0};
    add(&words, "result");
    bool has_place = add_path(&words, &check);
    add_failure(&words, &check, leaves, has_place);
    return duet_fault_set(fault, DUET_FAULT_INTERNAL, "%s", words.text);
}
