/*
 * The one list of fault codes with their words, and the making of faults. No I/O, no globals;
 * any thread.
 */
#include "error.h"

#include "duet.h"
#include "errno_words.h"
#include "escape.h"
#include "utf8.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct {
    int code;
    const char *words;
} list[] = {
    {DUET_FAULT_PARSE, "not well formed"},
    {DUET_FAULT_ENCODING, "unsupported encoding"},
    {DUET_FAULT_CHARACTER, "invalid character for encoding"},
    {DUET_FAULT_REQUEST, "invalid request"},
    {DUET_FAULT_METHOD, "method not found"},
    {DUET_FAULT_PARAMS, "invalid arguments"},
    {DUET_FAULT_INTERNAL, "internal error"},
    {DUET_FAULT_APPLICATION, "application error"},
    {DUET_FAULT_LIMIT, "limit exceeded"},
    {DUET_FAULT_TIMEOUT, "timed out"},
    {DUET_FAULT_CANCELLED, "cancelled"},
    {DUET_FAULT_SHUTTING_DOWN, "shutting down"},
    {DUET_FAULT_UNAUTHORIZED, "unauthorized"},
    {DUET_FAULT_BUSY, "busy: try again"},
};

const char *duet_fault_words(int code)
{
    for (size_t i = 0; i < sizeof list / sizeof *list; i++)
        if (list[i].code == code)
            return list[i].words;
    return "fault";
}

/* Cuts a text that vsnprintf ended in the middle of a UTF-8 character back to the last whole
 * one. */
static void cut_at_character(char *text)
{
    size_t size = strlen(text), start = size;
    while (start > 0 && size - start < 4 && ((unsigned char)text[start - 1] & 0xc0) == 0x80)
        start--;
    if (start > 0 && (unsigned char)text[start - 1] >= 0xc0)
        text[start - 1] = '\0';
}

/* Formats into `words`, of DUET_FAULT_MESSAGE_MAX + 1 bytes. */
static void format_words(char *words, const char *format, va_list args)
{
    const size_t room = DUET_FAULT_MESSAGE_MAX + 1;
    int size = vsnprintf(words, room, format != NULL ? format : "", args);
    if (size >= (int)room)
        cut_at_character(words);
}

/* The words may be made of those that stand in the fault: they are made elsewhere first. */
int duet_fault_vset(struct duet_fault *fault, int code, const char *format, va_list args)
{
    char words[DUET_FAULT_MESSAGE_MAX + 1];
    format_words(words, format, args);
    fault->code = code ? code : DUET_FAULT_APPLICATION;
    fault->is_nameless = false;
    fault->data = NULL;
    duet_escape(fault->message, sizeof fault->message, words, strlen(words));
    return DUET_FAILED;
}

static void replace_what_is_no_utf8(char *text)
{
    uint8_t *p = (uint8_t *)text, *end = p + strlen(text);
    while (p < end) {
        size_t size = duet_utf8_size(p, end);
        if (size == 0)
            *p = '?';
        p += size ? size : 1;
    }
}

int duet_fault_vset_verbatim(struct duet_fault *fault, int code, const char *format,
                             va_list args)
{
    char words[DUET_FAULT_MESSAGE_MAX + 1];
    format_words(words, format, args);
    replace_what_is_no_utf8(words);
    fault->code = code ? code : DUET_FAULT_APPLICATION;
    fault->is_nameless = false;
    fault->data = NULL;
    memcpy(fault->message, words, strlen(words) + 1);
    return DUET_FAILED;
}

int duet_fault_set(struct duet_fault *fault, int code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int rc = duet_fault_vset(fault, code, format, args);
    va_end(args);
    return rc;
}

/* The code that an errno has a counterpart in; 0: none. */
static int code_of_errno(int number)
{
    switch (number) {
    case EMSGSIZE:
        return DUET_FAULT_LIMIT;
    case EAGAIN:
    case EBUSY:
        return DUET_FAULT_BUSY;
    default:
        return 0;
    }
}

static int nameless(struct duet_fault *fault, int rc)
{
    fault->is_nameless = true;
    return rc;
}

int duet_fault_rc(const struct duet_fault *fault)
{
    return fault->code < 0 ? fault->code : DUET_FAULT_APPLICATION;
}

int duet_fault_from(struct duet_fault *fault, int code)
{
    if (fault->code != 0 && code == duet_fault_rc(fault))
        return DUET_FAILED;
    if (code == DUET_FAILED) {
        if (fault->code == 0)
            return nameless(fault, duet_fault_set(fault, DUET_FAULT_INTERNAL,
                                                  "the method failed without saying why"));
        return DUET_FAILED;
    }
    if (code > DUET_FAULT_LIMIT && code < 0 && code_of_errno(-code) != 0)
        code = code_of_errno(-code);
    if (code <= DUET_FAULT_LIMIT)
        return nameless(fault, duet_fault_set(fault, code, "%s", duet_fault_words(code)));
    return nameless(fault, duet_fault_set(fault, DUET_FAULT_INTERNAL, "%s: %s",
                                          duet_fault_words(DUET_FAULT_INTERNAL),
                                          duet_errno_words(-code)));
}

int duet_words_set(int rc, char *words, size_t room, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(words, room, format, args);
    va_end(args);
    return rc;
}
