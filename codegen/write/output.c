/*
 * See output.h.
 */
#include "output.h"

#include "memory.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void reserve(struct gen_text *text, size_t size)
{
    if (text->room - text->size > size)
        return;
    text->room = 2 * text->room + size + 4096;
    text->bytes = realloc(text->bytes, text->room);
    if (text->bytes == NULL)
        idl_out_of_memory();
}

void gen_add_bytes(struct gen_text *text, const char *bytes, size_t size)
{
    reserve(text, size);
    memcpy(text->bytes + text->size, bytes, size);
    text->size += size;
    text->bytes[text->size] = '\0';
}

void gen_add(struct gen_text *text, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int size = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (size > 0) {
        reserve(text, (size_t)size);
        vsnprintf(text->bytes + text->size, (size_t)size + 1, format, again);
        text->size += (size_t)size;
    }
    va_end(again);
}

void gen_text_done(struct gen_text *text)
{
    free(text->bytes);
    *text = (struct gen_text){.bytes = NULL};
}

/* ---- Files */

static bool complain(const char *path)
{
    fprintf(stderr, "duetgen: %s: %s\n", path, strerror(errno));
    return false;
}

/* A file beside the one that it will be; its path is malloced. NULL on failure. */
static char *write_beside(const struct gen_file *file)
{
    struct stat old;
    if (stat(file->path, &old) == 0 && S_ISDIR(old.st_mode)) {
        errno = EISDIR; /* rename() would say so when other files have taken their places */
        complain(file->path);
        return NULL;
    }
    size_t room = strlen(file->path) + sizeof ".XXXXXX";
    char *path = malloc(room);
    if (path == NULL)
        idl_out_of_memory();
    snprintf(path, room, "%s.XXXXXX", file->path);
    int fd = mkstemp(path);
    if (fd < 0) {
        complain(file->path);
        free(path);
        return NULL;
    }
    mode_t mask = umask(0);
    umask(mask);
    FILE *out = fchmod(fd, 0666 & ~mask) == 0 ? fdopen(fd, "wb") : NULL;
    bool is_good =
        out != NULL && fwrite(file->text.bytes, 1, file->text.size, out) == file->text.size;
    is_good = out != NULL && fclose(out) == 0 && is_good;
    if (out == NULL)
        close(fd);
    if (is_good)
        return path;
    complain(file->path);
    unlink(path);
    free(path);
    return NULL;
}

/* Puts what was written in its place, or with false takes it away. */
static bool settle(const struct gen_file *file, char *path, bool is_good)
{
    if (path == NULL)
        return is_good;
    if (is_good && rename(path, file->path) == 0) {
        free(path);
        return true;
    }
    if (is_good)
        complain(file->path);
    unlink(path);
    free(path);
    return false;
}

bool gen_write_files(const struct gen_file *files, size_t count)
{
    bool is_good = true;
    char **paths = calloc(count + 1, sizeof *paths);
    if (paths == NULL)
        idl_out_of_memory();
    for (size_t i = 0; is_good && i < count; i++) {
        paths[i] = write_beside(&files[i]);
        is_good = paths[i] != NULL;
    }
    for (size_t i = 0; i < count; i++)
        is_good = settle(&files[i], paths[i], is_good);
    free(paths);
    return is_good;
}
