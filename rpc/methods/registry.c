/*
 * The registry: a hash table with open addressing, at most half full, of references to methods.
 * Names in it come from the program, never from the network, so the hash needs no secret: a
 * caller can only look for names, and a miss costs one short probe whatever it is.
 */
#include "registry.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_CAPACITY = 32 }; /* slots; a power of two, for the mask */

struct slot {
    uint64_t hash;
    struct duet_method_entry *method; /* NULL: free */
};

typedef struct duet_method_entry **method_list;

struct duet_registry {
    struct slot *slots;
    size_t mask; /* slots - 1 */
    size_t count;
    struct duet_type_names *types;            /* shared by all copies */
    struct duet_method_entry *default_method; /* or NULL */
    atomic_size_t references;
    _Atomic(method_list) sorted; /* NULL until asked for; set once while shared */
};

/* ---- Hashing */

/* Mixes by the two halves of a 128-bit product, eight bytes of the name at a time. */
#ifdef __SIZEOF_INT128__
static uint64_t mix(uint64_t a, uint64_t b)
{
    __extension__ unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}
#else /* 32 bits: the product by hand, of halves */
static uint64_t mix(uint64_t a, uint64_t b)
{
    uint64_t low = (a & UINT32_MAX) * (b & UINT32_MAX);
    uint64_t middle = (a >> 32) * (b & UINT32_MAX) + (low >> 32);
    uint64_t other = (a & UINT32_MAX) * (b >> 32) + (middle & UINT32_MAX);
    uint64_t high = (a >> 32) * (b >> 32) + (middle >> 32) + (other >> 32);
    return (a * b) ^ high;
}
#endif

static uint64_t read_word(const char *bytes, size_t size)
{
    uint64_t word = 0;
    memcpy(&word, bytes, size);
    return word;
}

/* Each call has its name hashed: in place, for that is half of its cost. */
__attribute__((always_inline)) static inline uint64_t hash_of(const char *name, size_t size)
{
    /* Odd constants with as many ones as zeros: the golden ratio and the root of three. */
    uint64_t hash = size * UINT64_C(0x9e3779b97f4a7c15);
    for (; size >= 8; name += 8, size -= 8)
        hash = mix(hash ^ read_word(name, 8), UINT64_C(0xbb67ae8584caa73b));
    /* The rest in pieces of fixed sizes, which compile to plain loads. */
    uint64_t rest = 0;
    if (size & 4) {
        rest = read_word(name, 4);
        name += 4;
    }
    if (size & 2) {
        rest = rest << 16 | read_word(name, 2);
        name += 2;
    }
    if (size & 1)
        rest = rest << 8 | read_word(name, 1);
    return mix(hash ^ rest, UINT64_C(0x9e3779b97f4a7c15));
}

static bool is_named(const struct duet_method_entry *method, const char *name, size_t size)
{
    return method->name_size == size && memcmp(method->name, name, size) == 0;
}

/* The slot of that name, or the free one where it would go. */
static struct slot *find_slot(const struct duet_registry *registry, uint64_t hash,
                              const char *name, size_t size)
{
    for (size_t i = (size_t)hash & registry->mask;; i = (i + 1) & registry->mask) {
        struct slot *slot = &registry->slots[i];
        if (slot->method == NULL || (slot->hash == hash && is_named(slot->method, name, size)))
            return slot;
    }
}

struct duet_method_entry *duet_registry_find(const struct duet_registry *registry,
                                             const char *name, size_t size)
{
    if (size > DUET_METHOD_NAME_MAX)
        return NULL;
    return find_slot(registry, hash_of(name, size), name, size)->method;
}

/* ---- Registries */

static int out_of_memory(char *words, size_t room)
{
    return duet_words_set(-ENOMEM, words, room, "out of memory");
}

static struct duet_registry *new_with_capacity(size_t capacity)
{
    struct duet_registry *registry = malloc(sizeof *registry);
    struct slot *slots = calloc(capacity, sizeof *slots);
    if (registry == NULL || slots == NULL) {
        free(registry);
        free(slots);
        return NULL;
    }
    registry->slots = slots;
    registry->mask = capacity - 1;
    registry->count = 0;
    registry->types = NULL;
    registry->default_method = NULL;
    atomic_init(&registry->references, 1);
    atomic_init(&registry->sorted, NULL);
    return registry;
}

struct duet_registry *duet_registry_new(void)
{
    struct duet_registry *registry = new_with_capacity(FIRST_CAPACITY);
    if (registry == NULL)
        return NULL;
    registry->types = duet_type_names_new();
    if (registry->types != NULL)
        return registry;
    duet_registry_unref(registry);
    return NULL;
}

struct duet_type_names *duet_registry_types(const struct duet_registry *registry)
{
    return registry->types;
}

void duet_registry_ref(struct duet_registry *registry)
{
    atomic_fetch_add_explicit(&registry->references, 1, memory_order_relaxed);
}

void duet_registry_unref(struct duet_registry *registry)
{
    if (registry == NULL ||
        atomic_fetch_sub_explicit(&registry->references, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i <= registry->mask; i++)
        if (registry->slots[i].method != NULL)
            duet_method_unref(registry->slots[i].method);
    duet_type_names_unref(registry->types);
    if (registry->default_method != NULL)
        duet_method_unref(registry->default_method);
    free(registry->slots);
    free(atomic_load(&registry->sorted));
    free(registry);
}

/* Puts a method whose name is new into a table that has room. Takes the reference. */
static void put(struct duet_registry *registry, uint64_t hash, struct duet_method_entry *method)
{
    *find_slot(registry, hash, method->name, method->name_size) = (struct slot){hash, method};
    registry->count++;
}

/* Makes room for one more at most half full; doubling keeps adding linear over all. */
static int grow(struct duet_registry *registry)
{
    if (registry->count + 1 <= (registry->mask + 1) / 2)
        return 0;
    struct duet_registry *larger = new_with_capacity(2 * (registry->mask + 1));
    if (larger == NULL)
        return -ENOMEM;
    for (size_t i = 0; i <= registry->mask; i++)
        if (registry->slots[i].method != NULL)
            put(larger, registry->slots[i].hash, registry->slots[i].method);

    free(registry->slots);
    registry->slots = larger->slots;
    registry->mask = larger->mask;
    free(larger);
    return 0;
}

/* `*replaced` is the method whose place it takes, with the reference to that, or NULL. */
static int add_row(struct duet_registry *registry, const duet_method *row, void *ctx,
                   enum duet_method_adder adder, struct duet_method_entry **replaced,
                   char *words, size_t room)
{
    struct duet_method_entry *method = NULL;
    if (grow(registry) < 0)
        return out_of_memory(words, room);
    int rc = duet_method_new(row, ctx, adder, registry->types, &method, words, room);
    if (rc < 0)
        return rc;

    uint64_t hash = hash_of(method->name, method->name_size);
    struct slot *slot = find_slot(registry, hash, method->name, method->name_size);
    if (slot->method != NULL && !(row->flags & DUET_METHOD_REPLACE)) {
        duet_method_unref(method);
        return duet_words_set(-EEXIST, words, room,
                              "method %s is there already (DUET_METHOD_REPLACE takes its "
                              "place)",
                              row->name);
    }
    *replaced = slot->method;
    if (slot->method == NULL)
        put(registry, hash, method);
    else
        slot->method = method;
    return 0;
}

/* Frees a slot. Methods that stand behind it, up to the next free slot, may have wanted it:
 * each is put in again. */
static void take_out(struct duet_registry *registry, struct slot *slot)
{
    duet_method_unref(slot->method);
    slot->method = NULL;
    registry->count--;

    size_t i = (size_t)(slot - registry->slots);
    for (;;) {
        i = (i + 1) & registry->mask;
        struct slot moved = registry->slots[i];
        if (moved.method == NULL)
            return;
        registry->slots[i].method = NULL;
        *find_slot(registry, moved.hash, moved.method->name, moved.method->name_size) = moved;
    }
}

static struct slot *slot_of(const struct duet_registry *registry, const char *name)
{
    size_t size = strlen(name);
    return find_slot(registry, hash_of(name, size), name, size);
}

/* The last step of adding rows: the methods that they have replaced go; or the rows do, the
 * last one first, and those are back. */
static void settle_rows(struct duet_registry *registry, const duet_method *rows,
                        struct duet_method_entry **replaced, size_t count, bool is_good)
{
    for (size_t i = count; i-- > 0;) {
        struct slot *slot = is_good ? NULL : slot_of(registry, rows[i].name);
        if (slot != NULL && replaced[i] == NULL) {
            take_out(registry, slot);
        } else if (replaced[i] != NULL) {
            duet_method_unref(slot != NULL ? slot->method : replaced[i]);
            if (slot != NULL)
                slot->method = replaced[i];
        }
    }
}

int duet_registry_add(struct duet_registry *registry, const duet_method *rows, void *ctx,
                      enum duet_method_adder adder, char *words, size_t room)
{
    assert(atomic_load(&registry->references) == 1);
    int rc = 0;
    size_t count = 0, added = 0;
    while (rows[count].name != NULL)
        count++;
    struct duet_method_entry **replaced = calloc(count + 1, sizeof *replaced);
    if (replaced == NULL)
        return out_of_memory(words, room);
    while (rc == 0 && added < count) {
        rc = add_row(registry, &rows[added], ctx, adder, &replaced[added], words, room);
        if (rc == 0)
            added++;
    }
    settle_rows(registry, rows, replaced, added, rc == 0);
    free(replaced);
    free(atomic_exchange(&registry->sorted, NULL));
    return rc;
}

static struct duet_registry *copy(const struct duet_registry *old)
{
    struct duet_registry *made = new_with_capacity(old->mask + 1);
    if (made == NULL)
        return NULL;
    memcpy(made->slots, old->slots, (old->mask + 1) * sizeof *old->slots);
    made->count = old->count;
    made->types = old->types;
    duet_type_names_ref(made->types);
    made->default_method = old->default_method;
    if (made->default_method != NULL)
        duet_method_ref(made->default_method);
    for (size_t i = 0; i <= made->mask; i++)
        if (made->slots[i].method != NULL)
            duet_method_ref(made->slots[i].method);
    return made;
}

int duet_registry_with(const struct duet_registry *old, const duet_method *rows, void *ctx,
                       enum duet_method_adder adder, struct duet_registry **made, char *words,
                       size_t room)
{
    struct duet_registry *registry = copy(old);
    if (registry == NULL)
        return out_of_memory(words, room);
    int rc = duet_registry_add(registry, rows, ctx, adder, words, room);
    if (rc < 0) {
        duet_registry_unref(registry);
        return rc;
    }
    *made = registry;
    return 0;
}

int duet_registry_without(const struct duet_registry *old, const char *name,
                          struct duet_registry **made, char *words, size_t room)
{
    if (slot_of(old, name)->method == NULL)
        return duet_words_set(-ENOENT, words, room, "there is no method %.200s", name);
    struct duet_registry *registry = copy(old);
    if (registry == NULL)
        return out_of_memory(words, room);
    take_out(registry, slot_of(registry, name));
    *made = registry;
    return 0;
}

/* ---- For all other names */

struct duet_method_entry *duet_registry_default(const struct duet_registry *registry)
{
    return registry->default_method;
}

void duet_registry_set_default(struct duet_registry *registry, struct duet_method_entry *method)
{
    assert(atomic_load(&registry->references) == 1);
    if (registry->default_method != NULL)
        duet_method_unref(registry->default_method);
    method->is_default = true;
    registry->default_method = method;
}

/* ---- In order */

size_t duet_registry_count(const struct duet_registry *registry)
{
    return registry->count;
}

static int compare_names(const void *a, const void *b)
{
    const struct duet_method_entry *const *left = a, *const *right = b;
    return strcmp((*left)->name, (*right)->name);
}

static method_list sort(const struct duet_registry *registry)
{
    method_list methods = malloc((registry->count + 1) * sizeof *methods);
    if (methods == NULL)
        return NULL;
    size_t n = 0;
    for (size_t i = 0; i <= registry->mask; i++)
        if (registry->slots[i].method != NULL)
            methods[n++] = registry->slots[i].method;
    qsort(methods, n, sizeof *methods, compare_names);
    return methods;
}

struct duet_method_entry *const *duet_registry_sorted(const struct duet_registry *registry)
{
    /* A cache, and so the one thing that changes while the registry is shared. Two threads may
     * sort at the same time; the first one's list stays. */
    _Atomic(method_list) *sorted = (_Atomic(method_list) *)&registry->sorted;
    method_list methods = atomic_load(sorted);
    if (methods != NULL)
        return methods;
    methods = sort(registry);
    method_list other = NULL;
    if (methods == NULL || atomic_compare_exchange_strong(sorted, &other, methods))
        return methods;
    free(methods);
    return other;
}
