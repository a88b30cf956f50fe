/*
 * One option set from text, whatever its kind: numbers with their suffixes, words, switches,
 * and lists that a value is added to. The one reader for flags and for duet_server_set_text().
 * Set-up thread only.
 */
#ifndef DUET_SETTING_H
#define DUET_SETTING_H

#include "options.h"

/* The place of an option in their list, or DUET_OPTION_COUNT and an enum duet_text. */
enum { DUET_SETTING_COUNT = DUET_OPTION_COUNT + DUET_TEXT_COUNT };

/* The flag that sets it: "--max-message". */
const char *duet_setting_flag(int setting);

/* A switch: its flag takes no value. */
bool duet_setting_is_switch(int setting);

/* What its value must be, with what may follow a number: "1 to 1024", "64 to … bytes (K, M and
 * G may follow)", "on or off". */
void duet_setting_expected(int setting, char *text, size_t room);

/* Sets it, or adds to its list. 0, -ENOMEM, or -EINVAL with words that name flag, value and
 * what is expected; then nothing is set. */
int duet_setting_set(struct duet_options *options, int setting, const char *value, char *words,
                     size_t room);

/* The same by a flag's name without its dashes; -EINVAL also for a name that there is not. */
int duet_setting_set_named(struct duet_options *options, const char *name, const char *value,
                           char *words, size_t room);

#endif
