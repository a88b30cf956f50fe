/*
 * duetgen: an interface file in, C out. One street: read, check, write.
 */
#include "check.h"
#include "json.h"
#include "options.h"
#include "read.h"
#include "write.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool print_json(const struct idl_interface *interface)
{
    struct gen_text text = {.bytes = NULL};
    gen_json(&text, interface);
    bool is_good = fwrite(text.bytes, 1, text.size, stdout) == text.size && fflush(stdout) == 0;
    if (!is_good)
        fprintf(stderr, "duetgen: standard output: %s\n", strerror(errno));
    gen_text_done(&text);
    return is_good;
}

static bool generate(const struct gen_options *options, struct idl_memory *memory)
{
    struct idl_reports reports = {.out = stderr};
    struct idl_interface interface = {.is_jubatus = options->is_jubatus};
    if (!idl_read(&interface, memory, &reports, options->file, idl_source_read)) {
        fprintf(stderr, "duetgen: %s: %s\n", options->file, strerror(errno));
        return false;
    }
    if (reports.errors == 0)
        idl_check(&interface, memory, &reports);
    if (reports.errors > 0)
        return false;
    if (options->wants_server && !gen_write(&interface, memory, &reports, options->folder))
        return false;
    return !options->wants_json || print_json(&interface);
}

int main(int argc, char *argv[])
{
    struct gen_options options;
    int rc = gen_options_read(&options, argc, argv);
    if (rc != GEN_OPTIONS_GOOD)
        return rc;
    struct idl_memory memory = {.blocks = NULL};
    bool is_good = generate(&options, &memory);
    idl_memory_done(&memory);
    return is_good ? EXIT_SUCCESS : EXIT_FAILURE;
}
