/*
 * The last of three steps: the checked tree becomes files.
 */
#ifndef GEN_WRITE_H
#define GEN_WRITE_H

#include "output.h"
#include "report.h"
#include "tree.h"

enum { GEN_FILES = 2 }; /* header, server */

/* Makes the files of the interface that was asked for, to stand in the folder. False for names
 * that clash in C, which it tells in `reports`. Either way gen_text_done() frees their texts.
 */
bool gen_make(struct gen_file *files, const struct idl_interface *interface,
              struct idl_memory *memory, struct idl_reports *reports, const char *folder);

/* Makes and writes them. False if that fails, and nothing is written. */
bool gen_write(const struct idl_interface *interface, struct idl_memory *memory,
               struct idl_reports *reports, const char *folder);

#endif
