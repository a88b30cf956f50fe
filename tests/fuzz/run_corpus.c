/*
 * Runs a fuzz target over the files of a folder once, without a fuzzer: what it found before
 * stays found. usage: corpus_NAME FOLDER
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static int run_file(const char *folder, const char *name)
{
    enum { LARGEST = 1 << 20 };
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    uint8_t *room = malloc(LARGEST);
    if (file == NULL || room == NULL) {
        perror(path);
        exit(1);
    }
    size_t size = fread(room, 1, LARGEST, file);
    fclose(file);
    fprintf(stderr, "%s: %zu bytes\n", path, size); /* the last line names what crashed it */
    int rc = LLVMFuzzerTestOneInput(room, size);
    free(room);
    return rc;
}

int main(int argc, char *argv[])
{
    DIR *folder = argc == 2 ? opendir(argv[1]) : NULL;
    if (folder == NULL) {
        fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
        return 2;
    }
    int failed = 0, files = 0;
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        if (entry->d_name[0] == '.')
            continue;
        failed |= run_file(argv[1], entry->d_name);
        files++;
    }
    closedir(folder);
    return failed != 0 || files == 0;
}
