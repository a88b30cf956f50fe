/*
 * See memory.h. Blocks are many times larger than what is asked for, and what is larger than
 * that gets one of its own.
 */
#include "memory.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_BYTES = 65536, ALIGNMENT = 16 };

struct idl_block {
    struct idl_block *next;
    size_t used, size;
    _Alignas(ALIGNMENT) unsigned char bytes[];
};

void idl_out_of_memory(void)
{
    fputs("duetgen: out of memory\n", stderr);
    exit(EXIT_FAILURE);
}

static struct idl_block *new_block(struct idl_memory *memory, size_t size)
{
    size_t room = size > BLOCK_BYTES ? size : BLOCK_BYTES;
    struct idl_block *block = calloc(1, sizeof *block + room);
    if (block == NULL)
        idl_out_of_memory();
    block->size = room;
    block->next = memory->blocks;
    memory->blocks = block;
    return block;
}

void *idl_alloc(struct idl_memory *memory, size_t size)
{
    if (size > SIZE_MAX / 2)
        idl_out_of_memory();
    size_t rounded = (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    struct idl_block *block = memory->blocks;
    if (block == NULL || block->size - block->used < rounded)
        block = new_block(memory, rounded);
    void *place = block->bytes + block->used;
    block->used += rounded;
    return place;
}

char *idl_copy_text(struct idl_memory *memory, const char *text, size_t size)
{
    char *copy = idl_alloc(memory, size + 1);
    memcpy(copy, text, size);
    return copy;
}

char *idl_format(struct idl_memory *memory, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int size = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *text = idl_alloc(memory, (size_t)(size < 0 ? 0 : size) + 1);
    vsnprintf(text, (size_t)(size < 0 ? 0 : size) + 1, format, again);
    va_end(again);
    return text;
}

void idl_memory_done(struct idl_memory *memory)
{
    while (memory->blocks != NULL) {
        struct idl_block *block = memory->blocks;
        memory->blocks = block->next;
        free(block);
    }
}
