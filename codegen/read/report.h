/*
 * What is wrong with an interface, told as compilers do: file:line:column, the line, a caret.
 */
#ifndef IDL_REPORT_H
#define IDL_REPORT_H

#include "source.h"

#include <stdbool.h>
#include <stdio.h>

enum { IDL_MAX_ERRORS = 20 }; /* who has more mends those first */

struct idl_reports {
    FILE *out;
    int errors, warnings;
    bool is_quiet; /* what was told last was left out, and so are the notes on it */
    struct idl_place places[IDL_MAX_ERRORS]; /* of the errors */
};

/* Prints it, in the order in which they are found. After twenty errors the rest is left out,
 * and so is another error at a place that had one. */
void idl_error(struct idl_reports *reports, struct idl_place place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void idl_warning(struct idl_reports *reports, struct idl_place place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* What belongs to the error or the warning before it. */
void idl_note(struct idl_reports *reports, struct idl_place place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* "; did you mean 'string'?" for the nearest of the words, or "". Its caller looked at all
 * words that could stand there by idl_guess_try(). */
struct idl_guess {
    const char *word; /* that was written */
    const char *nearest;
    size_t distance;
};

struct idl_guess idl_guess_for(const char *word);
void idl_guess_try(struct idl_guess *guess, const char *candidate);
const char *idl_guess_words(const struct idl_guess *guess, struct idl_memory *memory);

#endif
