/*
 * The command line: a hand table of the few flags that are not options, and the table of
 * options for the rest. Not getopt_long: that prints its own words, takes abbreviations that
 * break when a flag is added, and cannot suggest the flag that was meant.
 */
#include "args.h"

#include "args_text.h"
#include "nearest.h"
#include "setting.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* What a flag asks for, where it is not an option. */
enum request {
    REQUEST_LISTEN = DUET_SETTING_COUNT,
    REQUEST_LIMITS,
    REQUEST_HELP,
    REQUEST_VERSION,
    REQUEST_END /* and from here on, the program's own flags */
};

static const char *const requests[] = {"--listen", "--print-limits", "--help", "--version"};

struct reader {
    struct duet_options *options;
    const struct duet_own_flags *own;
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

static const char *flag_name(int flag, const void *ctx)
{
    const struct duet_own_flags *own = ctx;
    if (flag >= REQUEST_END)
        return own->at[flag - REQUEST_END].name;
    return flag < DUET_SETTING_COUNT ? duet_setting_flag(flag)
                                     : requests[flag - DUET_SETTING_COUNT];
}

static int find_flag(const struct duet_own_flags *own, const char *name, size_t size)
{
    if (size == 2 && memcmp(name, "-h", 2) == 0)
        return REQUEST_HELP;
    for (int flag = 0; flag < REQUEST_END + own->count; flag++)
        if (strlen(flag_name(flag, own)) == size &&
            memcmp(flag_name(flag, own), name, size) == 0)
            return flag;
    return -1;
}

bool duet_args_has(const char *name)
{
    static const struct duet_own_flags none;
    return find_flag(&none, name, strlen(name)) >= 0;
}

static int refuse_unknown(struct reader *reader, const char *name, size_t size)
{
    if (strncmp(name, "-", 1) != 0)
        return refuse(reader->result, "unexpected argument %.100s; --help shows the flags",
                      name);
    bool is_word = size > 2; /* what is shorter is near to anything short */
    const char *nearest = is_word ? duet_nearest(name, size, flag_name, reader->own,
                                                 REQUEST_END + reader->own->count)
                                  : NULL;
    if (nearest != NULL)
        return refuse(reader->result, "unknown flag %.*s: did you mean %s?",
                      (int)(size < 100 ? size : 100), name, nearest);
    return refuse(reader->result, "unknown flag %.*s; --help shows them all",
                  (int)(size < 100 ? size : 100), name);
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

static int read_setting(struct reader *reader, int setting, const char *attached)
{
    struct duet_args_result *result = reader->result;
    const char *value = "on";
    if (!duet_setting_is_switch(setting)) {
        char expected[160];
        value = take_value(reader, attached);
        duet_setting_expected(setting, expected, sizeof expected);
        if (value == NULL)
            return refuse(result, "%s needs a value: %s", duet_setting_flag(setting), expected);
    }
    return duet_setting_set(reader->options, setting, value, result->words,
                            sizeof result->words);
}

static int read_own(struct reader *reader, const duet_flag *flag, const char *attached)
{
    struct duet_args_result *result = reader->result;
    const char *value = flag->value != NULL ? take_value(reader, attached) : NULL;
    if (flag->value != NULL && value == NULL)
        return refuse(result, "%.100s needs a value: %.100s", flag->name, flag->value);
    return duet_own_flag_set(flag, value, result->words, sizeof result->words);
}

static bool takes_value(const struct reader *reader, int flag)
{
    if (flag >= REQUEST_END)
        return reader->own->at[flag - REQUEST_END].value != NULL;
    return flag < DUET_SETTING_COUNT ? !duet_setting_is_switch(flag) : flag == REQUEST_LISTEN;
}

static int read_flag(struct reader *reader)
{
    const char *argument = reader->argv[reader->next++];
    size_t size = strcspn(argument, "=");
    const char *attached = argument[size] == '=' ? argument + size + 1 : NULL;

    int flag = find_flag(reader->own, argument, size);
    if (flag < 0)
        return refuse_unknown(reader, argument, size);
    if (attached != NULL && !takes_value(reader, flag))
        return refuse(reader->result, "%.100s takes no value", flag_name(flag, reader->own));
    if (flag >= REQUEST_END)
        return read_own(reader, &reader->own->at[flag - REQUEST_END], attached);
    if (flag < DUET_SETTING_COUNT)
        return read_setting(reader, flag, attached);
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

    char *text = reader->text_wanted == REQUEST_HELP
                     ? duet_args_help(program, reader->options, reader->own)
                 : reader->text_wanted == REQUEST_LIMITS ? duet_args_limits(reader->options)
                                                         : duet_args_version(program);
    reader->result->text = text;
    return text != NULL ? 1 : -ENOMEM;
}

/* The second pass: every flag is known to be good. */
static int listen_to_all(struct reader *reader, duet_args_listen listen, void *ctx)
{
    int rc = 0;
    for (int i = 1; rc == 0 && i < reader->next; i++) {
        const char *argument = reader->argv[i];
        if (strcmp(argument, "--listen") == 0)
            rc = listen(reader->argv[++i], ctx);
        else if (strncmp(argument, "--listen=", 9) == 0)
            rc = listen(argument + 9, ctx);
    }
    return rc;
}

/* Where a program has arguments of its own: from the first that is no flag, or behind "--". */
static bool is_at_rest(const struct reader *reader)
{
    const char *argument = reader->argv[reader->next];
    bool is_flag = argument[0] == '-' && argument[1] != '\0' && strcmp(argument, "--") != 0;
    return reader->own->rest != NULL && !is_flag;
}

int duet_args_parse(struct duet_options *options, int argc, char *const argv[],
                    const struct duet_own_flags *own, duet_args_listen listen, void *ctx,
                    struct duet_args_result *result)
{
    *result = (struct duet_args_result){.text = NULL};
    struct reader reader = {.options = options,
                            .own = own,
                            .result = result,
                            .argv = argv,
                            .argc = argc,
                            .next = 1};

    while (reader.next < argc && !is_at_rest(&reader)) {
        int rc = read_flag(&reader);
        if (rc < 0)
            return rc;
    }
    if (own->rest != NULL) {
        bool is_marked = reader.next < argc && strcmp(argv[reader.next], "--") == 0;
        *own->rest = reader.next + is_marked;
    }
    if (reader.text_wanted)
        return make_text(&reader);
    return listen_to_all(&reader, listen, ctx);
}
