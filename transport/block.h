/*
 * Memory from malloc or, when large, straight from the kernel, to which it goes straight back:
 * freed to malloc it would stay in the heap of whichever thread took it. Counted on an account.
 * Any thread.
 */
#ifndef DUET_BLOCK_H
#define DUET_BLOCK_H

#include "account.h"

/* Makes a block of `old_size` bytes one of `size`, keeping what it holds; it may move. NULL is
 * a block of 0 bytes, and so is what became one. Returns NULL, with the block as it was, when
 * out of memory, or when it is not small and its account finds no room. A NULL account is not
 * bounded. */
void *duet_block_resize(struct duet_account *account, void *block, size_t old_size,
                        size_t size);

void duet_block_free(struct duet_account *account, void *block, size_t size);

/* After a flood, malloc's heaps are full of holes, which the next flood, of other sizes, may
 * not fill: they go back to the kernel. */
void duet_block_give_back_holes(void);

#endif
