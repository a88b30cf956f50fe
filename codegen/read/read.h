/*
 * The first of three steps: a file, and those that it includes, become a tree.
 */
#ifndef IDL_READ_H
#define IDL_READ_H

#include "report.h"
#include "tree.h"

/* How a file is opened: idl_source_read(), but in tests. */
typedef struct idl_source *idl_opener(struct idl_memory *memory, const char *path,
                                      const char *shown);

/* Reads the interface at `path`. Errors are told in `reports`; with any, the tree has gaps and
 * only shows what else is wrong. False if the file itself could not be read. */
bool idl_read(struct idl_interface *interface, struct idl_memory *memory,
              struct idl_reports *reports, const char *path, idl_opener *open);

#endif
