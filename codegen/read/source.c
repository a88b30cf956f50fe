/*
 * See source.h.
 */
#include "source.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { MAX_BYTES = 16 << 20 };

/* Of a character in UTF-8 every byte but the first is 10xxxxxx. */
static int begins_character(char byte)
{
    return ((unsigned char)byte & 0xc0) != 0x80;
}

struct idl_line idl_place_line(struct idl_place place)
{
    const struct idl_source *source = place.source;
    size_t offset = place.offset < source->size ? place.offset : source->size;
    struct idl_line line = {1, 1, source->text, 0};
    for (size_t i = 0; i < offset; i++) {
        line.column += (size_t)begins_character(source->text[i]);
        if (source->text[i] == '\n') {
            line.number++;
            line.column = 1;
            line.text = source->text + i + 1;
        }
    }
    while (line.text + line.size < source->text + source->size && line.text[line.size] != '\n')
        line.size++;
    if (line.size > 0 && line.text[line.size - 1] == '\r')
        line.size--;
    return line;
}

struct idl_place idl_place_join(struct idl_place first, struct idl_place last)
{
    first.size = last.offset + last.size - first.offset;
    return first;
}

struct idl_source *idl_source_of(struct idl_memory *memory, const char *path, const char *bytes,
                                 size_t size)
{
    struct idl_source *source = idl_alloc(memory, sizeof *source);
    source->path = idl_copy_text(memory, path, strlen(path));
    source->text = idl_copy_text(memory, bytes, size);
    source->size = size;
    return source;
}

static struct idl_source *read_open(struct idl_memory *memory, FILE *file, const char *shown)
{
    struct stat status;
    if (fstat(fileno(file), &status) < 0)
        return NULL;
    if (S_ISDIR(status.st_mode)) {
        errno = EISDIR;
        return NULL;
    }
    if (status.st_size > MAX_BYTES) {
        errno = EFBIG;
        return NULL;
    }
    size_t room = 4096 + (size_t)status.st_size, size = 0;
    char *bytes = idl_alloc(memory, room);
    for (size_t n; (n = fread(bytes + size, 1, room - size, file)) > 0;) {
        size += n;
        if (size == room) { /* a pipe, or a file that grows */
            char *more = idl_alloc(memory, room *= 2);
            bytes = memcpy(more, bytes, size);
        }
        if (size > MAX_BYTES) {
            errno = EFBIG;
            return NULL;
        }
    }
    if (ferror(file))
        return NULL;
    struct idl_source *source = idl_source_of(memory, shown, bytes, size);
    source->device = status.st_dev;
    source->number = status.st_ino;
    return source;
}

struct idl_source *idl_source_read(struct idl_memory *memory, const char *path,
                                   const char *shown)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return NULL;
    struct idl_source *source = read_open(memory, file, shown);
    int error = errno;
    fclose(file);
    errno = error;
    return source;
}
