/*
 * An interface file of any bytes is read, checked and, when it is a good one, written as JSON
 * and as C.
 */
#include "check.h"
#include "json.h"
#include "read.h"
#include "write.h"

#include <errno.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static const uint8_t *input;
static size_t input_size;

/* Its includes are the same file by other names: circles, and files that are there twice. */
static struct idl_source *open_input(struct idl_memory *memory, const char *path,
                                     const char *shown)
{
    (void)path;
    return idl_source_of(memory, shown, (const char *)input, input_size);
}

static void run(struct idl_reports *reports, bool is_jubatus)
{
    struct idl_memory memory = {.blocks = NULL};
    struct idl_interface interface = {.is_jubatus = is_jubatus};
    reports->errors = 0;
    idl_read(&interface, &memory, reports, "fuzz.idl", open_input);
    if (reports->errors == 0)
        idl_check(&interface, &memory, reports);
    if (reports->errors == 0) {
        struct gen_text text = {.bytes = NULL};
        struct gen_file files[GEN_FILES];
        gen_json(&text, &interface);
        gen_text_done(&text);
        gen_make(files, &interface, &memory, reports, ".");
        for (int i = 0; i < GEN_FILES; i++)
            gen_text_done(&files[i].text);
    }
    idl_memory_done(&memory);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static struct idl_reports reports;
    if (reports.out == NULL)
        reports.out = fopen("/dev/null", "w");
    if (reports.out == NULL)
        abort();
    input = bytes;
    input_size = size;
    run(&reports, false);
    run(&reports, true);
    return 0;
}
