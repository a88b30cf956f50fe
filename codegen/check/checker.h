/*
 * What the checks share. Each kind of declaration has a file; they call each other where one
 * must be known before another makes sense.
 */
#ifndef IDL_CHECKER_H
#define IDL_CHECKER_H

#include "check.h"

struct idl_checker {
    struct idl_memory *memory;
    struct idl_reports *reports;
    struct idl_file *file; /* whose names are in sight */
    bool is_jubatus;
};

/* ---- names.c */

/* The declaration of that name in the file or those that it includes, or NULL. */
struct idl_decl *idl_find(const struct idl_file *file, const char *name);

/* All that are in sight, for guesses: those for which `fits` returns true. */
void idl_guess_decls(struct idl_guess *guess, const struct idl_file *file,
                     bool (*fits)(const struct idl_decl *decl));

/* Names that are declared twice, and those that are kept for types. */
void idl_check_names(struct idl_checker *checker);

/* ---- types.c */

/* Finds what the names in a type stand for. False if it is no type for a value; it was told. */
bool idl_check_type(struct idl_checker *checker, struct idl_type *type);

/* ---- generics.c */

/* The message that `pair<int>` is, made when it is first used and still to be checked. NULL if
 * the types are not as many as its parameters; it was told. */
struct idl_decl *idl_instance(struct idl_checker *checker, struct idl_decl *generic,
                              struct idl_type *type);

/* Whether a generic message that nobody uses makes sense. */
void idl_check_generic(struct idl_checker *checker, struct idl_decl *generic);

/* ---- messages.c */

void idl_check_message(struct idl_checker *checker, struct idl_decl *decl);
void idl_check_enum(struct idl_checker *checker, struct idl_decl *decl);

/* Types, names, defaults of a list of fields, and their order. */
void idl_check_fields(struct idl_checker *checker, struct idl_field *fields);

/* Messages that contain themselves have no end. */
void idl_check_containment(struct idl_checker *checker, struct idl_decl *decl);

/* ---- literals.c */

/* Whether the literal is a value of the type; names in it become what they stand for. */
bool idl_check_literal(struct idl_checker *checker, struct idl_literal *literal,
                       const struct idl_type *type);
void idl_check_constant(struct idl_checker *checker, struct idl_decl *decl);

/* ---- services.c, versions.c, decorators.c */

void idl_check_service(struct idl_checker *checker, struct idl_decl *decl);
void idl_check_application(struct idl_checker *checker, struct idl_decl *decl);
void idl_check_methods(struct idl_checker *checker, struct idl_service *service);
void idl_check_versions(struct idl_checker *checker, struct idl_decl *decl);
void idl_check_decorators(struct idl_checker *checker, struct idl_method *method);

#endif
