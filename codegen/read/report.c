/*
 * See report.h.
 */
#include "report.h"

#include <stdarg.h>
#include <string.h>

enum {
    MAX_WARNINGS = 100,
    MAX_SHOWN = 200 /* bytes of a line; longer ones are no lines that people wrote */
};

/* The line, and a caret below the first character with ~ below the others. Tabs stay tabs, so
 * that the caret stands where it should whatever their width. */
static void show_line(FILE *out, struct idl_place place, struct idl_line line)
{
    size_t before = place.offset - (size_t)(line.text - place.source->text);
    if (line.size > MAX_SHOWN || before > line.size)
        return;
    fprintf(out, "    %.*s\n    ", (int)line.size, line.text);
    for (size_t i = 0; i < before; i++)
        if (((unsigned char)line.text[i] & 0xc0) != 0x80)
            fputc(line.text[i] == '\t' ? '\t' : ' ', out);
    fputc('^', out);
    for (size_t i = before + 1; i < before + place.size && i < line.size; i++)
        if (((unsigned char)line.text[i] & 0xc0) != 0x80)
            fputc('~', out);
    fputc('\n', out);
}

static void report(struct idl_reports *reports, struct idl_place place, const char *kind,
                   const char *format, va_list args)
{
    struct idl_line line = idl_place_line(place);
    fprintf(reports->out, "%s:%zu:%zu: %s: ", place.source->path, line.number, line.column,
            kind);
    vfprintf(reports->out, format, args);
    fputc('\n', reports->out);
    show_line(reports->out, place, line);
}

static bool had_error(const struct idl_reports *reports, struct idl_place place)
{
    for (int i = 0; i < reports->errors && i < IDL_MAX_ERRORS; i++)
        if (reports->places[i].source == place.source &&
            reports->places[i].offset == place.offset)
            return true;
    return false;
}

void idl_error(struct idl_reports *reports, struct idl_place place, const char *format, ...)
{
    reports->is_quiet = reports->errors > IDL_MAX_ERRORS || had_error(reports, place);
    if (reports->is_quiet)
        return;
    if (reports->errors++ == IDL_MAX_ERRORS) {
        reports->is_quiet = true;
        fprintf(reports->out, "%s: more than %d errors: the rest is left out\n",
                place.source->path, IDL_MAX_ERRORS);
        return;
    }
    reports->places[reports->errors - 1] = place;
    va_list args;
    va_start(args, format);
    report(reports, place, "error", format, args);
    va_end(args);
}

void idl_warning(struct idl_reports *reports, struct idl_place place, const char *format, ...)
{
    reports->is_quiet = reports->warnings++ >= MAX_WARNINGS;
    if (reports->is_quiet)
        return;
    va_list args;
    va_start(args, format);
    report(reports, place, "warning", format, args);
    va_end(args);
}

void idl_note(struct idl_reports *reports, struct idl_place place, const char *format, ...)
{
    if (reports->is_quiet)
        return;
    va_list args;
    va_start(args, format);
    report(reports, place, "note", format, args);
    va_end(args);
}

/* ---- Guesses */

enum { LONGEST_GUESS = 63 };

static size_t least(size_t a, size_t b, size_t c)
{
    size_t ab = a < b ? a : b;
    return ab < c ? ab : c;
}

/* How many letters must be put in, left out or changed to make one word of the other. */
static size_t distance(const char *a, const char *b)
{
    size_t row[LONGEST_GUESS + 1], b_size = strlen(b);
    for (size_t j = 0; j <= b_size; j++)
        row[j] = j;
    for (size_t i = 1; a[i - 1] != '\0'; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b_size; j++) {
            size_t changed = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            row[j] = least(row[j] + 1, row[j - 1] + 1, changed);
        }
    }
    return row[b_size];
}

struct idl_guess idl_guess_for(const char *word)
{
    /* With more than every third letter wrong it is another word. */
    return (struct idl_guess){word, NULL, strlen(word) / 3 + 2};
}

void idl_guess_try(struct idl_guess *guess, const char *candidate)
{
    if (strlen(guess->word) > LONGEST_GUESS || strlen(candidate) > LONGEST_GUESS)
        return;
    size_t d = distance(guess->word, candidate);
    if (d < guess->distance && d < strlen(candidate)) {
        guess->distance = d;
        guess->nearest = candidate;
    }
}

const char *idl_guess_words(const struct idl_guess *guess, struct idl_memory *memory)
{
    return guess->nearest == NULL ? ""
                                  : idl_format(memory, "; did you mean '%s'?", guess->nearest);
}
