/*
 * The table of options: one row for each duet_option with its flag, unit, default and range.
 * Set-up writes the values on one thread; from run on they are read-only.
 */
#ifndef DUET_OPTIONS_H
#define DUET_OPTIONS_H

#include "duet.h"
#include "texts.h"

enum {
    DUET_OPTION_COUNT = 39,
    DUET_OPTION_END = 128, /* all their numbers are below it */
};

enum duet_unit {
    DUET_UNIT_COUNT,
    DUET_UNIT_BYTES,
    DUET_UNIT_MS,
    DUET_UNIT_US,
    DUET_UNIT_SWITCH, /* 0, or 1 when its flag was given, which takes no value */
    DUET_UNIT_CHOICE, /* the place of a word in `choices` */
};

struct duet_option_row {
    duet_option option;
    const char *flag; /* "--max-message" */
    const char *help; /* what it bounds or chooses, in one line */
    enum duet_unit unit;
    int64_t value;       /* default; 0 for those that depend on the machine */
    int64_t min, max;    /* both allowed */
    const char *choices; /* "new|old|auto"; NULL for other units */
};

struct duet_options {
    int64_t value[DUET_OPTION_END]; /* by number: with gaps */
    bool is_pinned[DUET_OPTION_END];
    struct duet_texts texts[DUET_TEXT_COUNT];
};

/* All options at their defaults; those of loops and workers follow the CPUs this process may
 * use. */
void duet_options_init(struct duet_options *options);

/* Frees the texts. */
void duet_options_done(struct duet_options *options);

/* Sets one. -EINVAL, with words that name flag, value and range, when there is no such option,
 * the value is out of range, or the option is pinned to another one; nothing is set then. */
int duet_options_set(struct duet_options *options, duet_option option, int64_t value,
                     char *words, size_t room);

/* Sets one and pins it: nothing but another pin sets it any more. */
int duet_options_pin(struct duet_options *options, duet_option option, int64_t value,
                     char *words, size_t room);

/* The value of one, or what 0 stands for where that depends on another; 0 if there is no such
 * option. */
int64_t duet_options_get(const struct duet_options *options, duet_option option);

/* All options, in the order that they are listed in: `i` is 0 to DUET_OPTION_COUNT - 1. */
duet_option duet_option_at(int i);

/* The flag that sets an option, for refusals: "--max-message". "" for one that does not
 * exist. */
const char *duet_option_flag(duet_option option);

/* The row of an option that exists. */
const struct duet_option_row *duet_option_row(duet_option option);

/* "1 to 1024", "64 to 1073741824 bytes", "new, old or auto": what a value must be. */
void duet_option_range(duet_option option, char *text, size_t room);

/* A value as words: "16777216", "auto", "on". A switch is on when its flag was given. */
void duet_option_text(duet_option option, int64_t value, char *text, size_t room);

#endif
