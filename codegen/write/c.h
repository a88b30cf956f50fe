/*
 * What the writers of C share: the interface, its types, and how C is laid out.
 */
#ifndef GEN_C_H
#define GEN_C_H

#include "c_names.h"
#include "c_types.h"
#include "output.h"

struct gen_c {
    struct idl_memory *memory;
    const struct idl_interface *interface;
    const struct idl_file *file; /* that C is made of */
    const char *stem, *prefix;
    struct gen_types types;
    struct gen_text *out;        /* where it goes now */
    int open_structs;            /* that are being defined */
    const char *handler_prefix;  /* "shop_" in serve_shop_open, where there are several
                                    services */
    const char *reader, *writer; /* what they are called here */
};

/* ---- c_text.c: layout, no line longer than 96 */

/* A comment of its own, made of documentation; nothing for NULL. */
void gen_comment(struct gen_c *c, int indent, const char *doc);

/* "head(a, b);" with as many of the items in a line as there is room for, the next line below
 * the first of them. `head` ends with what opens them. */
void gen_list(struct gen_c *c, const char *head, const char *const *items, size_t count,
              const char *tail);

/* A string literal, or several below each other, one a line of the text. */
void gen_literal(struct gen_c *c, int indent, const char *text, size_t size);

/* ---- c_header.c, c_service.c: what programs see */

void gen_header(struct gen_c *c);
void gen_service_header(struct gen_c *c, const struct idl_decl *service);

/* The prototype of a method's function: "int (*open)(…)" with `name` "(*open)". */
void gen_function(struct gen_c *c, const char *head, const struct idl_method *method,
                  const char *tail);

/* Whether its function has a result to store: otherwise it answers by itself, or there is none.
 */
bool gen_has_result(const struct idl_method *method);

/* The prototype of what answers a method that does so later: "int calc_answer_double(…)"; false
 * for those that have nothing of their own to answer. */
bool gen_answer(struct gen_c *c, const struct idl_decl *service,
                const struct idl_method *method, const char *tail);

/* ---- c_values.c, c_containers.c: init, free, copy, equal */

void gen_values(struct gen_c *c);
void gen_container(struct gen_c *c, const struct gen_type *type);

/* What is got of a map for a key: "const int64_t *". */
bool gen_is_got_itself(const struct idl_type *type);
const char *gen_map_got(struct gen_c *c, const struct idl_type *value);

/* Statements and expressions that do one of them to a part of a value. */
const char *gen_init_part(struct gen_c *c, const struct idl_type *type, const char *part);
void gen_free_part(struct gen_c *c, int indent, const struct idl_type *type, const char *part);
const char *gen_copy_part(struct gen_c *c, const struct idl_type *type, const char *to,
                          const char *from);
const char *gen_equal_part(struct gen_c *c, const struct idl_type *type, const char *a,
                           const char *b);

/* "&x", but "x" for "(*x)". */
const char *gen_address_of(struct gen_c *c, const char *part);

/* The C expression of a default, or NULL for one that is all zeros. */
const char *gen_standard(struct gen_c *c, const struct idl_type *type,
                         const struct idl_literal *literal);

/* ---- c_read.c, c_write.c: from values that came, to the writer */

void gen_readers(struct gen_c *c);
void gen_writers(struct gen_c *c);
bool gen_is_struct(const struct idl_type *type);
bool gen_needs_reader(const struct idl_type *type);

/* Whether the field's default is to be set where it is missing, since it is not all zeros. */
bool gen_has_default(struct gen_c *c, const struct idl_field *field);

/* Statements that read `from` into `to`; `name` is what a refusal calls it, in quotes. The
 * first sets the default where the expression `is_missing` is true. */
void gen_read_field(struct gen_c *c, const struct idl_field *field, const char *to,
                    const char *from, const char *is_missing);
void gen_read_part(struct gen_c *c, int indent, const struct idl_type *type, const char *to,
                   const char *from, const char *name);
void gen_write_part(struct gen_c *c, int indent, const struct idl_type *type,
                    const char *value);

/* ---- c_signature.c */

/* What may be missing may be nil too: arrays have no other way to leave out one in the middle.
 */
bool gen_may_be_missing(const struct idl_field *field);

/* "(name:s,count:i)" of a message; "d:d" of a method. `names` begins the names of messages. */
const char *gen_message_signature(struct gen_c *c, const char *names,
                                  const struct idl_decl *message);
const char *gen_method_signature(struct gen_c *c, const char *names,
                                 const struct idl_method *method);

/* ---- c_server.c */

void gen_server(struct gen_c *c);

#endif
