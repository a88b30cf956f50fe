/*
 * Texts that grow, and files that are written whole or not at all.
 */
#ifndef GEN_OUTPUT_H
#define GEN_OUTPUT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct gen_text {
    char *bytes; /* ends with a NUL; NULL while it is empty */
    size_t size, room;
};

void gen_add(struct gen_text *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void gen_add_bytes(struct gen_text *text, const char *bytes, size_t size);
void gen_text_done(struct gen_text *text);

struct gen_file {
    const char *path;
    struct gen_text text;
};

/* Writes all of them, or none: each under another name first, and when all are there they take
 * their places. False with words on stderr. */
bool gen_write_files(const struct gen_file *files, size_t count);

#endif
