/*
 * Pieces of a head's lines, as those who read its fields cut and compare them. Pure; nothing is
 * copied.
 */
#ifndef DUET_HTTP_TEXT_H
#define DUET_HTTP_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

struct duet_http_text {
    const uint8_t *at;
    size_t size;
};

static inline bool duet_http_is_blank(uint8_t byte)
{
    return byte == ' ' || byte == '\t';
}

static inline struct duet_http_text duet_http_trimmed(struct duet_http_text text)
{
    while (text.size > 0 && duet_http_is_blank(text.at[0])) {
        text.at++;
        text.size--;
    }
    while (text.size > 0 && duet_http_is_blank(text.at[text.size - 1]))
        text.size--;
    return text;
}

static inline bool duet_http_is_word(struct duet_http_text text, const char *word)
{
    return text.size == strlen(word) &&
           strncasecmp((const char *)text.at, word, text.size) == 0;
}

/* Cuts off what stands before the first `mark`, trimmed; `rest` goes on after it, or is
 * empty. */
static inline struct duet_http_text duet_http_cut(struct duet_http_text *rest, uint8_t mark)
{
    struct duet_http_text part = *rest;
    const uint8_t *end = rest->size > 0 ? memchr(rest->at, mark, rest->size) : NULL;
    if (end == NULL) {
        rest->size = 0;
        return duet_http_trimmed(part);
    }
    part.size = (size_t)(end - part.at);
    rest->at = end + 1;
    rest->size -= part.size + 1;
    return duet_http_trimmed(part);
}

/* Whether one of the eight bytes is a space or less: a borrow reaches its highest bit, which it
 * did not have. */
static inline bool duet_http_has_blank_in_eight(const uint8_t *at)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    uint64_t eight;
    memcpy(&eight, at, sizeof eight);
    return ((eight - ones * (' ' + 1)) & ~eight & ones * 0x80) != 0;
}

/* Whether a name has a space in it, or less. Names are a good part of a head, so by eights; the
 * last eight may have been looked at in part. */
static inline bool duet_http_has_blank(struct duet_http_text name)
{
    if (name.size < 8) {
        for (size_t i = 0; i < name.size; i++)
            if (name.at[i] <= ' ')
                return true;
        return false;
    }
    for (size_t i = 0; i + 8 < name.size; i += 8)
        if (duet_http_has_blank_in_eight(name.at + i))
            return true;
    return duet_http_has_blank_in_eight(name.at + name.size - 8);
}

#endif
