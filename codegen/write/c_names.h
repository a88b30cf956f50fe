/*
 * Names in C for what an interface declares. They are words of the interface with a prefix of
 * its file; what means something else in C or C++ gets a '_' behind it.
 */
#ifndef GEN_C_NAMES_H
#define GEN_C_NAMES_H

#include "tree.h"

/* "calc": the file's namespace for C, or the first that is for all languages, or the name of
 * the file. */
const char *gen_prefix(struct idl_memory *memory, const struct idl_file *file);

/* The name of the file without folder and .idl. */
const char *gen_file_stem(struct idl_memory *memory, const struct idl_file *file);

/* A word as a member of a struct, or an argument of a function. */
const char *gen_member(struct idl_memory *memory, const char *word);
const char *gen_argument(struct idl_memory *memory, const char *word);

/* "PAYMENT_KIND" for "payment_kind" and for "PaymentKind". */
const char *gen_upper(struct idl_memory *memory, const char *word);

/* "pair_int_maybe_string" for "pair<int, string?>". */
const char *gen_flat(struct idl_memory *memory, const char *words);

/* What a service is called: "calc" for service calc of calc.idl, "shop_orders", and with its
 * version if there are others "shop_orders_v2". */
const char *gen_service(struct idl_memory *memory, const struct idl_decl *service);

#endif
