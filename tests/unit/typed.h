/*
 * Values held against signatures: both as text (packed.h), and the values as either codec reads
 * them. One signature at a time.
 */
#ifndef DUET_TESTS_TYPED_H
#define DUET_TESTS_TYPED_H

#include "signature.h"

/* What the signature may use ("" for nothing), the signature, and the names of its arguments
 * (NULL: none). Fails the test unless they are good. */
void typed_use(const char *types, const char *signature, const char *arguments);
void typed_done(void);

extern struct duet_signature typed_signature;

/* The arguments of a call of "m", as they were read by a codec, and what its check said: "", or
 * the words of its fault. Valid until the next one. */
extern struct duet_incoming typed_request;
const char *typed_check_msgpack(const char *params, ...) __attribute__((format(printf, 1, 2)));
const char *typed_check_xml(const char *params, ...) __attribute__((format(printf, 1, 2)));

/* The arguments as they are now, as text, must be this. */
void typed_expect(const char *params, ...) __attribute__((format(printf, 1, 2)));

/* In both, with the same words, or "". */
void typed_both(const char *words, const char *params, ...)
    __attribute__((format(printf, 2, 3)));

/* The words of a signature that is refused; of types that are. */
const char *typed_refuse(const char *types, const char *signature);

#endif
