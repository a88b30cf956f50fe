/*
 * Text to values. See setting.h.
 */
#include "setting.h"

#include "error.h"
#include "nearest.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_text(int setting)
{
    return setting >= DUET_OPTION_COUNT;
}

static const struct duet_option_row *option_row(int setting)
{
    return duet_option_row(duet_option_at(setting));
}

static const struct duet_text_row *text_row(int setting)
{
    return duet_text_row((enum duet_text)(setting - DUET_OPTION_COUNT));
}

const char *duet_setting_flag(int setting)
{
    return is_text(setting) ? text_row(setting)->flag : option_row(setting)->flag;
}

bool duet_setting_is_switch(int setting)
{
    return !is_text(setting) && option_row(setting)->unit == DUET_UNIT_SWITCH;
}

/* Suffixes that a number of a unit may have, and what they stand for. */
static const struct {
    enum duet_unit unit;
    const char *suffix;
    int64_t factor;
} suffixes[] = {
    {DUET_UNIT_COUNT, "", 1},        {DUET_UNIT_BYTES, "", 1},
    {DUET_UNIT_BYTES, "K", 1024},    {DUET_UNIT_BYTES, "M", 1024 * 1024},
    {DUET_UNIT_BYTES, "G", 1 << 30}, {DUET_UNIT_MS, "", 1},
    {DUET_UNIT_MS, "ms", 1},         {DUET_UNIT_MS, "s", 1000},
    {DUET_UNIT_MS, "m", 60 * 1000},  {DUET_UNIT_MS, "h", 3600 * 1000},
    {DUET_UNIT_US, "", 1},           {DUET_UNIT_US, "us", 1},
    {DUET_UNIT_US, "ms", 1000},
};

static bool read_number(enum duet_unit unit, const char *text, int64_t *value)
{
    char *end;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || errno != 0)
        return false; /* strtoll would take a sign and spaces */
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++)
        if (suffixes[i].unit == unit && strcasecmp(suffixes[i].suffix, end) == 0)
            return !__builtin_mul_overflow(number, suffixes[i].factor, value);
    return false;
}

/* A bare number is no time that a reader of a command line would understand. */
int duet_parse_time(const char *text, uint64_t *ms)
{
    int64_t value;
    if (text == NULL || ms == NULL || !read_number(DUET_UNIT_MS, text, &value))
        return -EINVAL;
    char last = text[strlen(text) - 1];
    if (value != 0 && last >= '0' && last <= '9')
        return -EINVAL;
    *ms = (uint64_t)value;
    return 0;
}

int duet_parse_size(const char *text, uint64_t *bytes)
{
    int64_t value;
    if (text == NULL || bytes == NULL || !read_number(DUET_UNIT_BYTES, text, &value))
        return -EINVAL;
    *bytes = (uint64_t)value;
    return 0;
}

static bool read_choice(const char *choices, const char *text, int64_t *value)
{
    size_t size = strlen(text);
    for (int64_t i = 0;; i++) {
        size_t word = strcspn(choices, "|");
        if (word == size && memcmp(choices, text, size) == 0) {
            *value = i;
            return true;
        }
        if (choices[word] == '\0')
            return false;
        choices += word + 1;
    }
}

/* "on" is as if its flag had been given. */
static bool read_switch(const char *text, int64_t *value)
{
    *value = strcmp(text, "on") == 0;
    return *value || strcmp(text, "off") == 0;
}

static bool read_value(const struct duet_option_row *row, const char *text, int64_t *value)
{
    bool good;
    if (row->unit == DUET_UNIT_CHOICE)
        good = read_choice(row->choices, text, value);
    else if (row->unit == DUET_UNIT_SWITCH)
        good = read_switch(text, value);
    else
        good = read_number(row->unit, text, value);
    return good && *value >= row->min && *value <= row->max;
}

void duet_setting_expected(int setting, char *text, size_t room)
{
    static const char *const hints[] = {
        [DUET_UNIT_COUNT] = "",
        [DUET_UNIT_BYTES] = " (K, M and G may follow)",
        [DUET_UNIT_MS] = " (ms, s, m or h may follow)",
        [DUET_UNIT_US] = " (us or ms may follow)",
        [DUET_UNIT_SWITCH] = "",
        [DUET_UNIT_CHOICE] = "",
    };
    if (is_text(setting) || duet_setting_is_switch(setting)) {
        snprintf(text, room, "%s",
                 is_text(setting) ? text_row(setting)->expected : "on or off");
        return;
    }
    char range[80];
    duet_option_range(duet_option_at(setting), range, sizeof range);
    snprintf(text, room, "%s%s", range, hints[option_row(setting)->unit]);
}

int duet_setting_set(struct duet_options *options, int setting, const char *value, char *words,
                     size_t room)
{
    int64_t number;
    int rc = 0;
    if (is_text(setting)) {
        enum duet_text text = (enum duet_text)(setting - DUET_OPTION_COUNT);
        rc = duet_texts_add(&options->texts[text], text, value);
    } else if (read_value(option_row(setting), value, &number)) {
        return duet_options_set(options, duet_option_at(setting), number, words, room);
    } else {
        rc = -EINVAL;
    }
    if (rc == -EINVAL) {
        char expected[160];
        duet_setting_expected(setting, expected, sizeof expected);
        snprintf(words, room, "%s %.100s: must be %s", duet_setting_flag(setting), value,
                 expected);
    }
    return rc;
}

static const char *name_of(int setting, const void *ctx)
{
    (void)ctx;
    return duet_setting_flag(setting) + strlen("--");
}

int duet_setting_set_named(struct duet_options *options, const char *name, const char *value,
                           char *words, size_t room)
{
    for (int setting = 0; setting < DUET_SETTING_COUNT; setting++)
        if (strcmp(name_of(setting, NULL), name) == 0)
            return duet_setting_set(options, setting, value, words, room);

    const char *nearest = duet_nearest(name, strlen(name), name_of, NULL, DUET_SETTING_COUNT);
    return duet_words_set(-EINVAL, words, room, "there is no option \"%.100s\"%s%s%s", name,
                          nearest != NULL ? ": did you mean \"" : "",
                          nearest != NULL ? nearest : "", nearest != NULL ? "\"?" : "");
}
