/*
 * What a method takes and gives, compiled once when the method is added and held against the
 * arguments of every call: "i:i d:d", or with types that go inside (type.h). Read-only once it
 * is made, and shared by all threads.
 */
#ifndef DUET_SIGNATURE_H
#define DUET_SIGNATURE_H

#include "codec.h"
#include "type.h"

enum {
    /* Room for two alternatives of sixty arguments each, or thirty of two; two cache lines. */
    DUET_SIGNATURE_LEAVES = 124
};

struct duet_signature {
    /* What consists of a few letters alone has them here too, for a check of a few
     * instructions: alternatives one after the other, for each the number of arguments and
     * their letters. */
    uint8_t alternatives; /* 0: there are none here, and the types tell */
    bool has_maps;        /* for which empty arrays are taken */
    uint8_t size;         /* of the leaves in use */
    uint8_t leaves[DUET_SIGNATURE_LEAVES];
    bool is_checked;          /* by its types, which are more than letters */
    struct duet_types *types; /* all of it; NULL: it says nothing */
};

/* Compiles a signature, NULL or "" for one that accepts anything, with the names of its
 * arguments (NULL: none). `names` has the types that it may use, and may be NULL. -EINVAL with
 * words that say what is wrong and where, or -ENOMEM; then there is nothing to free. */
int duet_signature_init(struct duet_signature *signature, const char *text,
                        const char *arguments, const struct duet_type_names *names, char *words,
                        size_t room);

/* Frees it. Takes one of zeros. */
void duet_signature_done(struct duet_signature *signature);

/* Checks the decoded arguments of a call of `method`. 0, or DUET_FAILED with the request's
 * fault set: DUET_FAULT_PARAMS, which says which argument must be what. What came in another
 * form than declared, as an empty array for a map, is changed into that. */
int duet_signature_check(const struct duet_signature *signature, const char *method,
                         struct duet_incoming *request);

/* Holds a result against the alternatives' result types, and may change it. 0, or DUET_FAILED
 * with a DUET_FAULT_INTERNAL that says where it is another one, but not of which method. One
 * that there is no memory for passes. */
int duet_signature_check_result(const struct duet_signature *signature, msgpack_object *value,
                                struct duet_arena *arena, struct duet_fault *fault);

/* Takes these changes back: for arguments that belong to somebody else. */
void duet_signature_restore(struct duet_incoming *request);

/* Writes it as system.methodSignature answers: an array of alternatives, each an array of
 * XML-RPC type names with the result first; "undef" where anything is accepted. */
int duet_signature_write(const struct duet_signature *signature, duet_writer *writer);

#endif
