/*
 * The texts of --help, --print-limits and --version, made from the table of options. Only
 * writes into memory: who prints it is the program's business.
 */
#include "args_text.h"

#include <stdio.h>
#include <stdlib.h>

static const char *const unit_names[] = {
    [DUET_UNIT_COUNT] = "count", [DUET_UNIT_BYTES] = "bytes",   [DUET_UNIT_MS] = "ms",
    [DUET_UNIT_US] = "us",       [DUET_UNIT_SWITCH] = "switch", [DUET_UNIT_CHOICE] = "choice",
};

/* Ends a text that grew in a memory stream: the text, or NULL if memory ran out on the way. */
static char *finish(FILE *out, char **text)
{
    bool failed = ferror(out) != 0;
    if (fclose(out) != 0 || failed) {
        free(*text);
        return NULL;
    }
    return *text;
}

/* A default as a user would type it: 16M rather than 16777216, 10s rather than 10000. */
static void short_text(duet_option option, int64_t value, char *text, size_t room)
{
    static const struct {
        enum duet_unit unit;
        int64_t factor;
        const char *suffix;
    } scales[] = {
        {DUET_UNIT_BYTES, 1 << 30, "G"}, {DUET_UNIT_BYTES, 1 << 20, "M"},
        {DUET_UNIT_BYTES, 1 << 10, "K"}, {DUET_UNIT_MS, 1000, "s"},
        {DUET_UNIT_MS, 1, "ms"},
    };
    for (size_t i = 0; value != 0 && i < sizeof scales / sizeof *scales; i++)
        if (scales[i].unit == duet_option_row(option)->unit && value % scales[i].factor == 0) {
            snprintf(text, room, "%" PRId64 "%s", value / scales[i].factor, scales[i].suffix);
            return;
        }
    duet_option_text(option, value, text, room);
}

/* "--max-message BYTES", "--raw new|old|auto", "--no-inline" */
static void flag_text(const struct duet_option_row *row, char *text, size_t room)
{
    static const char *const arguments[] = {
        [DUET_UNIT_COUNT] = " N", [DUET_UNIT_BYTES] = " BYTES", [DUET_UNIT_MS] = " MS",
        [DUET_UNIT_US] = " US",   [DUET_UNIT_SWITCH] = "",
    };
    if (row->unit == DUET_UNIT_CHOICE)
        snprintf(text, room, "%s %s", row->flag, row->choices);
    else
        snprintf(text, room, "%s%s", row->flag, arguments[row->unit]);
}

static void write_flag(FILE *out, duet_option option, int64_t value)
{
    const struct duet_option_row *row = duet_option_row(option);
    char flag[64], text[32];
    flag_text(row, flag, sizeof flag);
    short_text(option, value, text, sizeof text);
    fprintf(out, "  %-38s %s", flag, row->help);
    if (row->unit == DUET_UNIT_SWITCH)
        fputs("\n", out);
    else
        fprintf(out, " [%s]\n", text);
}

static void write_text_flag(FILE *out, enum duet_text text)
{
    const struct duet_text_row *row = duet_text_row(text);
    char flag[64];
    snprintf(flag, sizeof flag, "%s %s", row->flag, row->argument);
    fprintf(out, "  %-38s %s; may come several times\n", flag, row->help);
}

static void write_own_flags(FILE *out, const struct duet_own_flags *own, const char *program)
{
    fprintf(out, "Flags of %s:\n", program);
    for (int i = 0; i < own->count; i++) {
        const duet_flag *row = &own->at[i];
        char flag[64];
        snprintf(flag, sizeof flag, "%s%s%s", row->name, row->value != NULL ? " " : "",
                 row->value != NULL ? row->value : "");
        fprintf(out, "  %-38s %s\n", flag, row->help != NULL ? row->help : "");
    }
    fputs("\n", out);
}

/* With their defaults, whatever has been set; but not those that nobody may set. */
char *duet_args_help(const char *program, const struct duet_options *options,
                     const struct duet_own_flags *own)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (out == NULL)
        return NULL;

    fprintf(out, "Usage: %s [--listen ADDRESS]... [flags]%s\n\n", program,
            own->rest != NULL ? " [--] [arguments]" : "");
    if (own->count > 0)
        write_own_flags(out, own, program);
    fputs("Serves XML-RPC and MessagePack-RPC until SIGTERM or SIGINT.\n\n"
          "Addresses, and what is spoken there:\n"
          "  tcp://127.0.0.1:6789                   both protocols; used when none is given\n"
          "  tcp://[::1]:0                          both, on IPv6 and a free port\n"
          "  http://0.0.0.0:8080                    XML-RPC only, from every network\n"
          "  msgpack://localhost:7000               MessagePack-RPC only\n"
          "  unix:/run/app.sock                     both, on a unix socket\n"
          "  http+unix:PATH, msgpack+unix:PATH      one of them, on a unix socket\n"
          "  unix:PATH?mode=0660&group=adm          who may connect, if not as the umask says\n"
          "  unix:@NAME                             a unix socket without a file, for "
          "everybody\n\n"
          "Flags, with their defaults in brackets:\n"
          "  --listen ADDRESS                       serve there; may come several times\n",
          out);

    struct duet_options defaults;
    duet_options_init(&defaults);
    for (int i = 0; i < DUET_OPTION_COUNT; i++)
        if (!options->is_pinned[duet_option_at(i)])
            write_flag(out, duet_option_at(i), defaults.value[duet_option_at(i)]);
    for (int i = 0; i < DUET_TEXT_COUNT; i++)
        write_text_flag(out, (enum duet_text)i);

    fputs("  --print-limits                         print all values in force, and exit\n"
          "  --help                                 print this, and exit\n"
          "  --version                              print the version, and exit\n\n"
          "BYTES may end in K, M or G (powers of 1024), MS in ms, s, m or h. --flag=value "
          "works too.\n",
          out);
    return finish(out, &text);
}

/* "1-1024", "new|old|auto", "on|off" */
static void range_text(const struct duet_option_row *row, char *text, size_t room)
{
    if (row->unit == DUET_UNIT_CHOICE)
        snprintf(text, room, "%s", row->choices);
    else if (row->unit == DUET_UNIT_SWITCH)
        snprintf(text, room, "on|off");
    else
        snprintf(text, room, "%" PRId64 "-%" PRId64, row->min, row->max);
}

static const char limits_format[] = "%-22s %10s  %-6s  %-20s  %s\n";

/* Its values with commas between them, none of which has one. */
static void write_text_limit(FILE *out, enum duet_text text, const struct duet_texts *list)
{
    const struct duet_text_row *row = duet_text_row(text);
    char *joined = NULL;
    size_t size;
    FILE *values = open_memstream(&joined, &size);
    for (size_t i = 0; values != NULL && i < list->count; i++)
        fprintf(values, "%s%s", i > 0 ? "," : "", list->at[i]);
    bool is_good = values != NULL && fclose(values) == 0;
    fprintf(out, limits_format, row->flag,
            !is_good          ? "out of memory"
            : list->count > 0 ? joined
                              : "none",
            "list", row->range, row->help);
    free(joined);
}

char *duet_args_limits(const struct duet_options *options)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (out == NULL)
        return NULL;

    fprintf(out, limits_format, "flag", "value", "unit", "range", "what it bounds or chooses");
    for (int i = 0; i < DUET_OPTION_COUNT; i++) {
        duet_option option = duet_option_at(i);
        const struct duet_option_row *row = duet_option_row(option);
        char value[32], range[64];
        duet_option_text(option, duet_options_get(options, option), value, sizeof value);
        range_text(row, range, sizeof range);
        fprintf(out, limits_format, row->flag, value, unit_names[row->unit], range, row->help);
    }
    for (int i = 0; i < DUET_TEXT_COUNT; i++)
        write_text_limit(out, (enum duet_text)i, &options->texts[i]);
    return finish(out, &text);
}

char *duet_args_version(const char *program)
{
    char *text = NULL;
    if (asprintf(&text, "%s, with Duet %s\n", program, DUET_VERSION) < 0)
        return NULL;
    return text;
}
