/*
 * Memory whose size the peers decide: messages, trees, replies. All of it together has a
 * ceiling, so that no mix of requests takes more than the server may use. Large blocks come
 * straight from the kernel and go straight back to it: freed to malloc, they would stay in the
 * heap of whichever thread took them. Any thread.
 */
#ifndef DUET_BLOCK_H
#define DUET_BLOCK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

/* A smaller block costs nothing: it is an everyday call's, and whoever holds many of them
 * accounts for them together. */
enum { DUET_FREE_OF_CHARGE = 64 * 1024 + 64 }; /* 64 KiB with a header of its holder's */

/* What the holders of all blocks may have together. */
struct duet_budget {
    _Atomic size_t used;
    size_t max;
    _Atomic bool was_high; /* more than half of it was used, and malloc keeps what was freed */
};

/* In whose name blocks are taken: one holder, one thread at a time. */
struct duet_account {
    struct duet_budget *budget;
    bool refused; /* the budget had no room for a block, until its holder clears it */
};

/* Takes that much of the budget if there is room for it. */
bool duet_budget_take(struct duet_budget *budget, size_t size);
void duet_budget_give(struct duet_budget *budget, size_t size);

/* The same without asking. */
void duet_budget_add(struct duet_budget *budget, size_t size);

/* Makes a block of `old_size` bytes one of `size`, keeping what it holds; it may move. NULL is
 * a block of 0 bytes, and so is what became one. Returns NULL, with the block as it was, when
 * out of memory or over budget. A NULL account is not bounded. */
void *duet_block_resize(struct duet_account *account, void *block, size_t old_size,
                        size_t size);

/* The block stays, and whoever has it now accounts for it. */
void duet_block_disown(struct duet_account *account, size_t size);

void duet_block_free(struct duet_account *account, void *block, size_t size);

#endif
