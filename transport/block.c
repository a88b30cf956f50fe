/*
 * malloc for small blocks, mmap for large ones, and a counter before both.
 */
#include "block.h"

#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* From here on blocks are mapped: a fresh page costs as much as copying it, so what everyday
 * calls use comes from malloc. Sanitizers follow malloc, and not mremap. */
#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
#define MAPPED_FROM SIZE_MAX
#elif defined __has_feature
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define MAPPED_FROM SIZE_MAX
#endif
#endif
#ifndef MAPPED_FROM
#define MAPPED_FROM ((size_t)1024 * 1024)
#endif

static void note_height(struct duet_budget *budget, size_t used)
{
    if (used > budget->max / 2 &&
        !atomic_load_explicit(&budget->was_high, memory_order_relaxed))
        atomic_store_explicit(&budget->was_high, true, memory_order_relaxed);
}

bool duet_budget_take(struct duet_budget *budget, size_t size)
{
    size_t used = atomic_fetch_add(&budget->used, size);
    if (used > budget->max || size > budget->max - used) {
        atomic_fetch_sub(&budget->used, size);
        return false;
    }
    note_height(budget, used + size);
    return true;
}

void duet_budget_add(struct duet_budget *budget, size_t size)
{
    note_height(budget, atomic_fetch_add(&budget->used, size) + size);
}

/* After a flood, malloc's heaps are full of holes, which the next flood, of other sizes, may
 * not fill: they go back to the kernel. */
static void give_back_holes(void)
{
#ifdef __GLIBC__
    malloc_trim(0);
#endif
}

void duet_budget_give(struct duet_budget *budget, size_t size)
{
    size_t used = atomic_fetch_sub(&budget->used, size) - size;
    bool is_over =
        used < budget->max / 4 && atomic_load_explicit(&budget->was_high, memory_order_relaxed);
    if (is_over && atomic_exchange(&budget->was_high, false))
        give_back_holes();
}

static size_t cost_of(size_t size)
{
    return size > DUET_FREE_OF_CHARGE ? size : 0;
}

static bool take(struct duet_account *account, size_t cost)
{
    if (account == NULL || cost == 0 || duet_budget_take(account->budget, cost))
        return true;
    account->refused = true;
    return false;
}

static void give(struct duet_account *account, size_t cost)
{
    if (account != NULL && cost > 0)
        duet_budget_give(account->budget, cost);
}

static void *map(size_t size)
{
    void *block = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return block != MAP_FAILED ? block : NULL;
}

static void release(void *block, size_t size)
{
    if (size >= MAPPED_FROM)
        munmap(block, size);
    else
        free(block);
}

static void *remap(void *block, size_t old_size, size_t size)
{
    void *moved = mremap(block, old_size, size, MREMAP_MAYMOVE);
    return moved != MAP_FAILED ? moved : NULL;
}

/* To where its new size belongs. */
static void *move(void *block, size_t old_size, size_t size)
{
    bool was_mapped = old_size >= MAPPED_FROM, is_mapped = size >= MAPPED_FROM;
    if (was_mapped && is_mapped)
        return remap(block, old_size, size);
    if (!was_mapped && !is_mapped)
        return realloc(block, size);
    void *moved = is_mapped ? map(size) : malloc(size);
    if (moved == NULL)
        return NULL;
    if (old_size > 0)
        memcpy(moved, block, old_size < size ? old_size : size);
    release(block, old_size);
    return moved;
}

void *duet_block_resize(struct duet_account *account, void *block, size_t old_size, size_t size)
{
    size_t old_cost = cost_of(old_size), cost = cost_of(size);
    if (size == 0) {
        duet_block_free(account, block, old_size);
        return NULL;
    }
    if (cost > old_cost && !take(account, cost - old_cost))
        return NULL;
    void *moved = move(block, old_size, size);
    if (moved == NULL && cost > old_cost)
        give(account, cost - old_cost);
    if (moved != NULL && cost < old_cost)
        give(account, old_cost - cost);
    return moved;
}

void duet_block_disown(struct duet_account *account, size_t size)
{
    give(account, cost_of(size));
}

void duet_block_free(struct duet_account *account, void *block, size_t size)
{
    if (block == NULL)
        return;
    give(account, cost_of(size));
    release(block, size);
}
