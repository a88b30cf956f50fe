/*
 * See options.h.
 */
#include "options.h"

#include <stdio.h>
#include <string.h>

static const char help[] =
    "usage: duetgen [--server] [-o FOLDER] [--jubatus] [--json] FILE.idl\n"
    "\n"
    "Reads an interface and writes C for it: calc.h and calc_server.c of calc.idl. A server "
    "fills\n"
    "in the functions of calc_methods and calls calc_register(server, &methods, ctx); all "
    "that\n"
    "they need is in calc.h.\n"
    "\n"
    "  --server     write what a server needs, which is what is written anyway\n"
    "  -o FOLDER    where the files go; here, if it is not given\n"
    "  --json       print the checked interface as JSON, and write no C unless --server says "
    "so\n"
    "  --jubatus    the type datum, and a first argument 'name' of every method, as jubatus "
    "has\n"
    "               them\n"
    "  -h, --help   print this\n"
    "  --version    print the version\n"
    "\n"
    "Exit status: 0; 1 for errors in the interface, or files that cannot be read or written;\n"
    "2 for a wrong command line. With errors nothing is written.\n";

static int complain(const char *words, const char *argument)
{
    fprintf(stderr, "duetgen: %s%s; --help shows what there is\n", words, argument);
    return 2;
}

static int print(const char *text)
{
    return fputs(text, stdout) < 0 || fflush(stdout) != 0;
}

static int read_flag(struct gen_options *options, const char *flag)
{
    if (strcmp(flag, "--jubatus") == 0)
        options->is_jubatus = true;
    else if (strcmp(flag, "--json") == 0)
        options->wants_json = true;
    else if (strcmp(flag, "--server") == 0)
        options->wants_server = true;
    else if (strcmp(flag, "--client") == 0)
        return complain("this version writes servers only: ", flag);
    else if (strcmp(flag, "-h") == 0 || strcmp(flag, "--help") == 0)
        return print(help);
    else if (strcmp(flag, "--version") == 0)
        return print("duetgen " DUETGEN_VERSION "\n");
    else
        return complain("unknown flag ", flag);
    return GEN_OPTIONS_GOOD;
}

int gen_options_read(struct gen_options *options, int argc, char *const argv[])
{
    *options = (struct gen_options){.folder = "."};
    bool has_flags = true;
    for (int i = 1; i < argc; i++) {
        if (has_flags && strcmp(argv[i], "--") == 0) {
            has_flags = false;
        } else if (has_flags && strcmp(argv[i], "-o") == 0) {
            if (i + 1 == argc)
                return complain("a folder must follow ", "-o");
            options->folder = argv[++i];
        } else if (has_flags && argv[i][0] == '-' && argv[i][1] != '\0') {
            int rc = read_flag(options, argv[i]);
            if (rc != GEN_OPTIONS_GOOD)
                return rc;
        } else if (options->file == NULL) {
            options->file = argv[i];
        } else {
            return complain("one interface at a time: unexpected argument ", argv[i]);
        }
    }
    options->wants_server = options->wants_server || !options->wants_json;
    return options->file != NULL ? GEN_OPTIONS_GOOD : complain("which interface? ", "FILE.idl");
}
