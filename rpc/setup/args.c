/*
 * The command line: a hand table of the few flags that are not options, and the table of
 * options for the rest. Not getopt_long: that prints its own words, takes abbreviations that
 * break when a flag is added, and cannot suggest the flag that was meant.
 */
#include "args.h"

#include "args_text.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a flag asks for, where it is not an option. */
enum request {
    REQUEST_LISTEN = DUET_OPTION_COUNT,
    REQUEST_LIMITS,
    REQUEST_HELP,
    REQUEST_VERSION,
    REQUEST_END
};

static const char *const requests[] = {"--listen", "--print-limits", "--help", "--version"};

struct reader {
    struct duet_options *options;
    struct duet_args_result *result;
    char *const *argv;
    int argc;
    int next;        /* argument to be read */
    int text_wanted; /* the first REQUEST_ that asked for text, or 0 */
};

__attribute__((format(printf, 2, 3))) static int refuse(struct duet_args_result *result,
                                                        const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(result->words, sizeof result->words, format, args);
    va_end(args);
    return -EINVAL;
}

static const char *flag_name(int flag)
{
    if (flag < DUET_OPTION_COUNT)
        return duet_option_flag((duet_option)flag);
    return requests[flag - DUET_OPTION_COUNT];
}

static int find_flag(const char *name, size_t size)
{
    if (size == 2 && memcmp(name, "-h", 2) == 0)
        return REQUEST_HELP;
    for (int flag = 0; flag < REQUEST_END; flag++)
        if (strlen(flag_name(flag)) == size && memcmp(flag_name(flag), name, size) == 0)
            return flag;
    return -1;
}

enum { LONGEST_GUESS = 31 }; /* longer than any flag: what is longer was not meant as one */

static size_t least(size_t a, size_t b, size_t c)
{
    size_t ab = a < b ? a : b;
    return ab < c ? ab : c;
}

/* How many letters must be put in, left out or changed to make one word of the other. */
static size_t distance(const char *a, size_t a_size, const char *b, size_t b_size)
{
    size_t row[LONGEST_GUESS + 1];
    assert(b_size <= LONGEST_GUESS);
    for (size_t j = 0; j <= b_size; j++)
        row[j] = j;
    for (size_t i = 1; i <= a_size; i++) {
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

/* The flag that was most likely meant; NULL when none is near. */
static const char *nearest_flag(const char *name, size_t size)
{
    const char *nearest = NULL;
    size_t best = size / 3 + 2; /* with more than every third letter wrong it is another word */
    if (size > LONGEST_GUESS)
        return NULL;
    for (int flag = 0; flag < REQUEST_END; flag++) {
        size_t d = distance(name, size, flag_name(flag), strlen(flag_name(flag)));
        if (d < best) {
            best = d;
            nearest = flag_name(flag);
        }
    }
    return nearest;
}

static int refuse_unknown(struct reader *reader, const char *name, size_t size)
{
    if (strncmp(name, "-", 1) != 0)
        return refuse(reader->result, "unexpected argument %.100s; --help shows the flags",
                      name);
    const char *nearest = nearest_flag(name, size);
    if (nearest != NULL)
        return refuse(reader->result, "unknown flag %.*s: did you mean %s?",
                      (int)(size < 100 ? size : 100), name, nearest);
    return refuse(reader->result, "unknown flag %.*s; --help shows them all",
                  (int)(size < 100 ? size : 100), name);
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

static bool read_value(duet_option option, const char *text, int64_t *value)
{
    const struct duet_option_row *row = duet_option_row(option);
    bool good = row->unit == DUET_UNIT_CHOICE ? read_choice(row->choices, text, value)
                                              : read_number(row->unit, text, value);
    return good && *value >= row->min && *value <= row->max;
}

/* What a value of the option must be, with what its suffixes may be. */
static void write_expected(duet_option option, char *text, size_t room)
{
    static const char *const hints[] = {
        [DUET_UNIT_COUNT] = "",
        [DUET_UNIT_BYTES] = " (K, M and G may follow)",
        [DUET_UNIT_MS] = " (ms or s may follow)",
        [DUET_UNIT_US] = " (us or ms may follow)",
        [DUET_UNIT_SWITCH] = "",
        [DUET_UNIT_CHOICE] = "",
    };
    char range[80];
    duet_option_range(option, range, sizeof range);
    snprintf(text, room, "%s%s", range, hints[duet_option_row(option)->unit]);
}

/* What follows "=" in the flag, or else the next argument; NULL when there is none. */
static const char *take_value(struct reader *reader, const char *attached)
{
    if (attached != NULL)
        return attached;
    if (reader->next == reader->argc || strncmp(reader->argv[reader->next], "--", 2) == 0)
        return NULL;
    return reader->argv[reader->next++];
}

static int read_option(struct reader *reader, duet_option option, const char *attached)
{
    const struct duet_option_row *row = duet_option_row(option);
    if (row->unit == DUET_UNIT_SWITCH) {
        reader->options->value[option] = !row->value;
        return 0;
    }

    char expected[160];
    write_expected(option, expected, sizeof expected);
    const char *text = take_value(reader, attached);
    if (text == NULL)
        return refuse(reader->result, "%s needs a value: %s", row->flag, expected);
    int64_t value;
    if (!read_value(option, text, &value))
        return refuse(reader->result, "%s %.100s: must be %s", row->flag, text, expected);
    reader->options->value[option] = value;
    return 0;
}

static bool takes_value(int flag)
{
    if (flag >= DUET_OPTION_COUNT)
        return flag == REQUEST_LISTEN;
    return duet_option_row((duet_option)flag)->unit != DUET_UNIT_SWITCH;
}

static int read_flag(struct reader *reader)
{
    const char *argument = reader->argv[reader->next++];
    size_t size = strcspn(argument, "=");
    const char *attached = argument[size] == '=' ? argument + size + 1 : NULL;

    int flag = find_flag(argument, size);
    if (flag < 0)
        return refuse_unknown(reader, argument, size);
    if (attached != NULL && !takes_value(flag))
        return refuse(reader->result, "%s takes no value", flag_name(flag));
    if (flag < DUET_OPTION_COUNT)
        return read_option(reader, (duet_option)flag, attached);
    if (flag != REQUEST_LISTEN) {
        reader->text_wanted = reader->text_wanted ? reader->text_wanted : flag;
        return 0;
    }

    reader->result->listened = true;
    if (take_value(reader, attached) == NULL)
        return refuse(reader->result, "--listen needs an address, as tcp://127.0.0.1:6789");
    return 0;
}

static int make_text(struct reader *reader)
{
    const char *program = reader->argc > 0 ? reader->argv[0] : "server";
    const char *slash = strrchr(program, '/');
    if (slash != NULL)
        program = slash + 1;

    char *text = reader->text_wanted == REQUEST_HELP     ? duet_args_help(program)
                 : reader->text_wanted == REQUEST_LIMITS ? duet_args_limits(reader->options)
                                                         : duet_args_version(program);
    reader->result->text = text;
    return text != NULL ? 1 : -ENOMEM;
}

/* The second pass: every flag is known to be good. */
static int listen_to_all(struct reader *reader, duet_args_listen listen, void *ctx)
{
    int rc = 0;
    for (int i = 1; rc == 0 && i < reader->argc; i++) {
        const char *argument = reader->argv[i];
        if (strcmp(argument, "--listen") == 0)
            rc = listen(reader->argv[++i], ctx);
        else if (strncmp(argument, "--listen=", 9) == 0)
            rc = listen(argument + 9, ctx);
    }
    return rc;
}

int duet_args_parse(struct duet_options *options, int argc, char *const argv[],
                    duet_args_listen listen, void *ctx, struct duet_args_result *result)
{
    *result = (struct duet_args_result){.text = NULL};
    struct reader reader = {
        .options = options, .result = result, .argv = argv, .argc = argc, .next = 1};

    while (reader.next < argc) {
        int rc = read_flag(&reader);
        if (rc < 0)
            return rc;
    }
    if (reader.text_wanted)
        return make_text(&reader);
    return listen_to_all(&reader, listen, ctx);
}
