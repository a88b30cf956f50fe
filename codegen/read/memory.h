/*
 * Memory of one run, freed as a whole: trees of an interface point all over each other. A run
 * that has no memory left ends the program.
 */
#ifndef IDL_MEMORY_H
#define IDL_MEMORY_H

#include <stddef.h>

struct idl_block;

struct idl_memory {
    struct idl_block *blocks; /* newest first; a zeroed struct has none */
};

/* Zeroed, aligned for any type, never NULL. */
void *idl_alloc(struct idl_memory *memory, size_t size);

/* A copy with a NUL behind it. */
char *idl_copy_text(struct idl_memory *memory, const char *text, size_t size);

char *idl_format(struct idl_memory *memory, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

void idl_memory_done(struct idl_memory *memory);

/* Says so, and ends the program. */
__attribute__((noreturn)) void idl_out_of_memory(void);

#endif
