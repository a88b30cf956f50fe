/*
 * See write.h.
 */
#include "write.h"

#include "c.h"
#include "c_check.h"

bool gen_make(struct gen_file *files, const struct idl_interface *interface,
              struct idl_memory *memory, struct idl_reports *reports, const char *folder)
{
    struct gen_c c = {.memory = memory, .interface = interface, .file = interface->files};
    c.types.memory = memory;
    c.stem = gen_file_stem(memory, c.file);
    c.prefix = gen_prefix(memory, c.file);
    files[0] = (struct gen_file){.path = idl_format(memory, "%s/%s.h", folder, c.stem)};
    files[1] = (struct gen_file){.path = idl_format(memory, "%s/%s_server.c", folder, c.stem)};

    gen_types_collect(&c.types, interface);
    gen_check_names(&c.types, interface, reports);
    if (reports->errors > 0)
        return false;
    c.out = &files[0].text;
    gen_header(&c);
    c.out = &files[1].text;
    gen_server(&c);
    return true;
}

bool gen_write(const struct idl_interface *interface, struct idl_memory *memory,
               struct idl_reports *reports, const char *folder)
{
    struct gen_file files[GEN_FILES];
    bool is_good = gen_make(files, interface, memory, reports, folder) &&
                   gen_write_files(files, GEN_FILES);
    for (int i = 0; i < GEN_FILES; i++)
        gen_text_done(&files[i].text);
    return is_good;
}
