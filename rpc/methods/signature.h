/*
 * What a method takes and gives: "i:i d:d", parsed once when the method is added and checked
 * against the arguments of every call. Pure functions; a parsed signature is read-only and
 * shared by all threads.
 */
#ifndef DUET_SIGNATURE_H
#define DUET_SIGNATURE_H

#include "duet.h"
#include "error.h"

#include <msgpack/object.h>

enum {
    /* Room for two alternatives of sixty arguments each, or thirty of two; two cache lines. */
    DUET_SIGNATURE_CODES = 124
};

/* Alternatives one after the other, in the order they were declared: for each the number of
 * arguments, the result's type and the arguments' types. A plain copy is a copy. */
struct duet_signature {
    uint8_t alternatives; /* to hold arguments against; 0: accepts anything */
    uint8_t told;         /* in the codes: with "a:*" there are some, but nothing is checked */
    bool has_maps;        /* for which empty arrays are taken */
    uint8_t size;         /* codes in use */
    uint8_t codes[DUET_SIGNATURE_CODES];
};

/* Reads a signature; NULL or "" accepts anything. -EINVAL with words that say what is wrong and
 * where; `signature` is not to be used then. */
int duet_signature_parse(struct duet_signature *signature, const char *text, char *words,
                         size_t room);

/* Checks the arguments, an array, of a call of `method`. 0, or DUET_FAILED with a
 * DUET_FAULT_PARAMS that says which argument must be what. An empty array that is taken for a
 * map becomes one. */
int duet_signature_check(const struct duet_signature *signature, const char *method,
                         const msgpack_object *params, struct duet_fault *fault);

/* Makes those maps arrays again: for arguments that belong to somebody else. */
void duet_signature_restore(const msgpack_object *params);

/* Writes it as system.methodSignature answers: an array of alternatives, each an array of
 * XML-RPC type names with the result first; "undef" where anything is accepted. */
int duet_signature_write(const struct duet_signature *signature, duet_writer *writer);

#endif
