/*
 * malloc for small blocks, mmap for large ones, and the account before both.
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

static bool pay(struct duet_account *account, size_t old_size, size_t size)
{
    enum duet_rank rank = size <= DUET_SMALL ? DUET_RANK_SMALL : DUET_RANK_RUNNING;
    if (account == NULL || size <= old_size)
        return true;
    return duet_account_take(account, size - old_size, rank);
}

static void pay_back(struct duet_account *account, size_t old_size, size_t size)
{
    if (account != NULL && size < old_size)
        duet_account_give(account, old_size - size);
}

void *duet_block_resize(struct duet_account *account, void *block, size_t old_size, size_t size)
{
    if (size == 0) {
        duet_block_free(account, block, old_size);
        return NULL;
    }
    if (!pay(account, old_size, size))
        return NULL;
    void *moved = move(block, old_size, size);
    if (moved == NULL)
        pay_back(account, size, old_size);
    else
        pay_back(account, old_size, size);
    return moved;
}

void duet_block_free(struct duet_account *account, void *block, size_t size)
{
    if (block == NULL)
        return;
    release(block, size);
    pay_back(account, size, 0);
}

void duet_block_give_back_holes(void)
{
#ifdef __GLIBC__
    malloc_trim(0);
#endif
}
