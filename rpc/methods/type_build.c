/*
 * Lists of forms, parts and texts, and the block that they become. Set-up, any thread.
 */
#include "type_build.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- Lists */

static void *items_at(const struct duet_type_list *list, size_t i)
{
    return list->items != NULL ? (char *)list->items + i * list->item_size : NULL;
}

void *duet_type_list_add(struct duet_type_list *list, size_t count)
{
    if (list->items == NULL || list->count + count > list->capacity) {
        size_t capacity = 2 * list->capacity + count + 8;
        void *items = realloc(list->items, capacity * list->item_size);
        if (items == NULL)
            return NULL;
        list->items = items;
        list->capacity = capacity;
    }
    void *added = items_at(list, list->count);
    memset(added, 0, count * list->item_size);
    list->count += count;
    return added;
}

int duet_type_builder_init(struct duet_type_builder *builder, size_t names)
{
    *builder = (struct duet_type_builder){
        .forms.item_size = sizeof(struct duet_form),
        .parts.item_size = sizeof(struct duet_part),
        .named.item_size = sizeof(struct duet_named_type),
        .alternatives.item_size = sizeof(struct duet_alternative),
        .arguments.item_size = sizeof(uint32_t),
        .texts.item_size = 1,
        .pending.item_size = sizeof(struct duet_type_pending),
        .uses.item_size = sizeof(size_t),
    };
    builder->use_of = calloc(names + 1, sizeof *builder->use_of);
    return builder->use_of != NULL ? 0 : -ENOMEM;
}

void duet_type_builder_done(struct duet_type_builder *builder)
{
    free(builder->forms.items);
    free(builder->parts.items);
    free(builder->named.items);
    free(builder->alternatives.items);
    free(builder->arguments.items);
    free(builder->texts.items);
    free(builder->pending.items);
    free(builder->uses.items);
    free(builder->use_of);
}

int duet_type_builder_text(struct duet_type_builder *builder, const char *text, size_t size,
                           uint32_t *at)
{
    char *copy = duet_type_list_add(&builder->texts, size + 1);
    if (copy == NULL)
        return -ENOMEM;
    memcpy(copy, text, size);
    *at = (uint32_t)(builder->texts.count - size - 1);
    return 0;
}

int duet_type_builder_use(struct duet_type_builder *builder, size_t place, uint32_t *which)
{
    if (builder->use_of[place] == 0) {
        size_t *use = duet_type_list_add(&builder->uses, 1);
        if (use == NULL || duet_type_list_add(&builder->named, 1) == NULL)
            return -ENOMEM;
        *use = place;
        builder->use_of[place] = (uint32_t)builder->named.count;
    }
    *which = builder->use_of[place] - 1;
    return 0;
}

/* ---- Parts */

/* By size first: names that are looked for mostly differ there. */
static int compare_names(const void *a, const void *b)
{
    const struct duet_type_pending *left = a, *right = b;
    if (left->name_size != right->name_size)
        return left->name_size < right->name_size ? -1 : 1;
    int order = left->name_size > 0 ? memcmp(left->name, right->name, left->name_size) : 0;
    if (order != 0)
        return order;
    return left->name < right->name ? -1 : 1;
}

static bool is_same_name(const struct duet_type_pending *a, const struct duet_type_pending *b)
{
    return a->name_size == b->name_size &&
           (a->name_size == 0 || memcmp(a->name, b->name, a->name_size) == 0);
}

/* Once the parts are copied the pending ones are free to be sorted. */
static int sort_names(struct duet_part *parts, struct duet_type_pending *pending, size_t count,
                      const char **twice)
{
    for (size_t i = 0; i < count; i++)
        pending[i].part.sorted = (uint32_t)i;
    qsort(pending, count, sizeof *pending, compare_names);
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && is_same_name(&pending[i - 1], &pending[i])) {
            *twice = pending[i].name;
            return -EEXIST;
        }
        parts[i].sorted = pending[i].part.sorted;
    }
    return 0;
}

int duet_type_builder_close(struct duet_type_builder *builder, size_t start, bool has_names,
                            struct duet_form *form, const char **twice)
{
    size_t count = builder->pending.count - start;
    struct duet_part *parts = duet_type_list_add(&builder->parts, count);
    if (parts == NULL)
        return -ENOMEM;
    struct duet_type_pending *pending = items_at(&builder->pending, start);
    form->first = (uint32_t)(builder->parts.count - count);
    form->count = (uint32_t)count;
    form->least = 0;
    for (size_t i = 0; i < count; i++) {
        parts[i] = pending[i].part;
        parts[i].required = pending[i].is_optional ? DUET_PART_OPTIONAL : form->least++;
        parts[i].name_size = pending[i].name_size;
        if (has_names && duet_type_builder_text(builder, pending[i].name, pending[i].name_size,
                                                &parts[i].name) < 0)
            return -ENOMEM;
    }
    int rc = has_names ? sort_names(parts, pending, count, twice) : 0;
    builder->pending.count = start;
    return rc;
}

/* ---- What can be said when all types are read */

/* The builder's lists as what they will be, for those who read types. */
static struct duet_types view(const struct duet_type_builder *builder)
{
    return (struct duet_types){
        .forms = builder->forms.items,
        .parts = builder->parts.items,
        .named = builder->named.items,
        .alternatives = builder->alternatives.items,
        .arguments = builder->arguments.items,
        .texts = builder->texts.items,
        .named_count = (uint32_t)builder->named.count,
        .alternative_count = (uint32_t)builder->alternatives.count,
        .argument_count = (uint32_t)builder->arguments.count,
        .takes_anything = builder->takes_anything,
    };
}

duet_type_number duet_type_resolve(const struct duet_types *types, duet_type_number type,
                                   bool *or_nil)
{
    *or_nil = false;
    while (type >= DUET_LEAF_NUMBERS) {
        const struct duet_form *form = duet_type_form(types, type);
        *or_nil |= form->or_nil;
        if (form->kind != DUET_FORM_NAMED)
            return type;
        type = types->named[form->first].type;
    }
    *or_nil |= type & 1;
    return type;
}

/* An integer, an array or anything: with which of these does a type begin? */
enum { TAKES_INTEGERS = 1, TAKES_ARRAYS = 2 };

static unsigned takes_as_it_is(const struct duet_types *types, duet_type_number type)
{
    bool or_nil;
    type = duet_type_resolve(types, type, &or_nil);
    if (type >= DUET_LEAF_NUMBERS) {
        enum duet_form_kind kind = (enum duet_form_kind)duet_type_form(types, type)->kind;
        bool is_array = kind == DUET_FORM_ITEMS || kind == DUET_FORM_TUPLE;
        return is_array || kind == DUET_FORM_RECORD ? TAKES_ARRAYS : 0;
    }
    switch (duet_type_leaf(type)) {
    case DUET_LEAF_INT:
    case DUET_LEAF_UINT:
        return TAKES_INTEGERS;
    case DUET_LEAF_ARRAY:
    case DUET_LEAF_ANY:
        return TAKES_ARRAYS;
    default:
        return 0;
    }
}

/* What 'd' and 'm' mean as argument `i` of an alternative: see leaf.h. */
static duet_type_number narrowed(const struct duet_types *types, duet_type_number type,
                                 const struct duet_alternative *own, uint32_t i)
{
    enum duet_leaf leaf = duet_type_leaf(type), strict = leaf;
    if (leaf != DUET_LEAF_DOUBLE_OR_INT && leaf != DUET_LEAF_MAP_OR_NO_ITEMS)
        return type;
    unsigned taken = 0;
    for (uint32_t n = 0; n < types->alternative_count; n++) {
        const struct duet_alternative *other = &types->alternatives[n];
        bool meets = other->least <= own->count && other->count >= own->least;
        if (other != own && meets && i < other->count)
            taken |= takes_as_it_is(types, types->parts[other->first + i].type);
    }
    if (leaf == DUET_LEAF_DOUBLE_OR_INT && taken & TAKES_INTEGERS)
        strict = DUET_LEAF_DOUBLE;
    if (leaf == DUET_LEAF_MAP_OR_NO_ITEMS && taken & TAKES_ARRAYS)
        strict = DUET_LEAF_MAP;
    return 2 * strict + (type & 1);
}

static void count_least(const struct duet_types *types, struct duet_alternative *alternative)
{
    bool or_nil = true;
    alternative->least = alternative->count;
    while (alternative->least > 0) {
        uint32_t last = alternative->first + alternative->least - 1;
        duet_type_resolve(types, types->parts[last].type, &or_nil);
        if (!or_nil)
            return;
        alternative->least--;
    }
}

void duet_type_builder_settle(struct duet_type_builder *builder)
{
    const struct duet_types types = view(builder);
    struct duet_alternative *alternatives = builder->alternatives.items;
    struct duet_part *parts = builder->parts.items;
    for (size_t n = 0; n < builder->alternatives.count; n++)
        count_least(&types, &alternatives[n]);
    for (size_t n = 0; n < builder->alternatives.count; n++)
        for (uint32_t i = 0; i < alternatives[n].count; i++) {
            struct duet_part *part = &parts[alternatives[n].first + i];
            if (part->type < DUET_LEAF_NUMBERS)
                part->type = narrowed(&types, part->type, &alternatives[n], i);
        }
}

/* ---- Types without end */

/* A form on the way down, and which of its parts comes next. */
struct step {
    duet_type_number type;
    uint32_t next;
};

/* What a value of this form has inside it whatever the value, part by part. False after the
 * last. */
static bool next_inside(const struct duet_types *types, struct step *step,
                        duet_type_number *inside)
{
    const struct duet_form *form = duet_type_form(types, step->type);
    if (form->or_nil)
        return false;
    if (form->kind == DUET_FORM_NAMED) {
        *inside = types->named[form->first].type;
        return step->next++ == 0;
    }
    bool has_members = form->kind == DUET_FORM_MEMBERS || form->kind == DUET_FORM_RECORD;
    while ((has_members || form->kind == DUET_FORM_TUPLE) && step->next < form->count) {
        const struct duet_part *part = &types->parts[form->first + step->next++];
        *inside = part->type;
        if (!has_members || part->required != DUET_PART_OPTIONAL)
            return true;
    }
    return false;
}

/* Goes down from `type` with a stack as deep as there are forms; `open` has those that it is
 * in. */
static long find_endless(const struct duet_types *types, duet_type_number type,
                         struct step *stack, uint8_t *seen)
{
    enum { OPEN = 1, DONE = 2 };
    size_t depth = 0;
    if (type < DUET_LEAF_NUMBERS || seen[type - DUET_LEAF_NUMBERS] == DONE)
        return -1;
    seen[type - DUET_LEAF_NUMBERS] = OPEN;
    stack[depth++] = (struct step){type, 0};
    while (depth > 0) {
        struct step *top = &stack[depth - 1];
        if (!next_inside(types, top, &type)) {
            seen[top->type - DUET_LEAF_NUMBERS] = DONE;
            depth--;
            continue;
        }
        if (type < DUET_LEAF_NUMBERS || seen[type - DUET_LEAF_NUMBERS] == DONE)
            continue;
        if (seen[type - DUET_LEAF_NUMBERS] == OPEN) { /* only a name leads back */
            uint32_t which = duet_type_form(types, top->type)->first;
            return (long)which; /* there are fewer names than bytes */
        }
        seen[type - DUET_LEAF_NUMBERS] = OPEN;
        stack[depth++] = (struct step){type, 0};
    }
    return -1;
}

long duet_type_builder_endless(const struct duet_type_builder *builder)
{
    const struct duet_types types = view(builder);
    size_t forms = builder->forms.count;
    struct step *stack = malloc((forms + 1) * sizeof *stack);
    uint8_t *seen = calloc(forms + 1, 1);
    long found = stack != NULL && seen != NULL ? -1 : -ENOMEM;
    for (uint32_t i = 0; found == -1 && i < types.named_count; i++)
        found = find_endless(&types, types.named[i].type, stack, seen);
    free(stack);
    free(seen);
    return found;
}

/* ---- The block */

/* Copies a list behind what the block has already; it must begin aligned. */
static const void *put(char *block, size_t *used, const struct duet_type_list *list)
{
    size_t size = list->count * list->item_size;
    char *start = block + *used;
    if (size > 0)
        memcpy(start, list->items, size);
    *used += (size + 7) & ~(size_t)7;
    return start;
}

struct duet_types *duet_type_builder_pack(const struct duet_type_builder *builder)
{
    const struct duet_type_list *lists[] = {&builder->forms,     &builder->parts,
                                            &builder->named,     &builder->alternatives,
                                            &builder->arguments, &builder->texts};
    size_t size = sizeof(struct duet_types);
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        size += (lists[i]->count * lists[i]->item_size + 7) & ~(size_t)7;
    struct duet_types *types = malloc(size);
    if (types == NULL)
        return NULL;

    size_t used = sizeof *types;
    *types = view(builder);
    types->forms = put((char *)types, &used, &builder->forms);
    types->parts = put((char *)types, &used, &builder->parts);
    types->named = put((char *)types, &used, &builder->named);
    types->alternatives = put((char *)types, &used, &builder->alternatives);
    types->arguments = put((char *)types, &used, &builder->arguments);
    types->texts = put((char *)types, &used, &builder->texts);
    return types;
}
