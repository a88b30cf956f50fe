/*
 * The text of one interface file, and places in it. Knows no grammar.
 */
#ifndef IDL_SOURCE_H
#define IDL_SOURCE_H

#include "memory.h"

#include <stddef.h>

struct idl_source {
    const char *path; /* as it is shown to people */
    const char *text; /* ends with a NUL that `size` does not count */
    size_t size;
    unsigned long long device, number; /* which file it is; 0: none */
};

/* Some bytes of a file. */
struct idl_place {
    const struct idl_source *source;
    size_t offset, size;
};

/* Line and column count from 1, the column in characters; the line's text has no end of line.
 */
struct idl_line {
    size_t number, column;
    const char *text;
    size_t size;
};

struct idl_line idl_place_line(struct idl_place place);

/* From the first byte of one to the last of the other. */
struct idl_place idl_place_join(struct idl_place first, struct idl_place last);

/* Reads the file at `path`, shown as `shown`. NULL with errno set if it cannot be read; EFBIG
 * for one of more than 16 MB, which no interface is. */
struct idl_source *idl_source_read(struct idl_memory *memory, const char *path,
                                   const char *shown);

/* A source of the bytes, which it copies. */
struct idl_source *idl_source_of(struct idl_memory *memory, const char *path, const char *bytes,
                                 size_t size);

#endif
