/*
 * Text to XML: escaping, and the check that what goes out is well formed whatever came in. And
 * back, as far as that is simple.
 */
#include "xmlrpc_text.h"

#include "utf8.h"

#include <endian.h>
#include <string.h>

int duet_xml_shown(const char *text, size_t size)
{
    enum { SHOWN = 200 };
    if (size <= SHOWN)
        return (int)size;
    int shown = SHOWN;
    while (shown > 0 && duet_utf8_continues((uint8_t)text[shown]))
        shown--;
    return shown;
}

/* How each byte goes out: as it is, as an entity, not at all, or as part of a longer
 * character. */
enum { PLAIN, LESS, GREATER, AMPERSAND, RETURN, CONTROL, LONG };

#define FOUR(x) x, x, x, x
#define SIXTEEN(x) FOUR(x), FOUR(x), FOUR(x), FOUR(x)
static const uint8_t class_of[256] = {
    FOUR(CONTROL),
    FOUR(CONTROL),
    CONTROL,
    PLAIN,
    PLAIN,
    CONTROL,
    CONTROL,
    RETURN,
    CONTROL,
    CONTROL,
    SIXTEEN(CONTROL),
    FOUR(PLAIN),
    PLAIN,
    PLAIN,
    AMPERSAND,
    PLAIN,
    FOUR(PLAIN),
    FOUR(PLAIN),
    FOUR(PLAIN),
    FOUR(PLAIN),
    FOUR(PLAIN),
    LESS,
    PLAIN,
    GREATER,
    PLAIN,
    SIXTEEN(PLAIN),
    SIXTEEN(PLAIN),
    SIXTEEN(PLAIN),
    SIXTEEN(PLAIN),
    SIXTEEN(LONG),
    SIXTEEN(LONG),
    SIXTEEN(LONG),
    SIXTEEN(LONG),
    SIXTEEN(LONG),
    SIXTEEN(LONG),
    SIXTEEN(LONG),
    SIXTEEN(LONG),
};
#undef SIXTEEN
#undef FOUR

static const struct {
    const char *text;
    size_t size;
} entities[] = {
    [LESS] = {"&lt;", 4},
    [GREATER] = {"&gt;", 4}, /* or "]]>" would be an error */
    [AMPERSAND] = {"&amp;", 5},
    [RETURN] = {"&#13;", 5}, /* a bare one would be read as a newline */
    [CONTROL] = {"\xef\xbf\xbd", 3},
};

/* The size of a character of more than one byte that XML allows: not U+FFFE and U+FFFF. */
static size_t long_size(const uint8_t *p, const uint8_t *end)
{
    size_t size = duet_utf8_size(p, end);
    bool banned = size == 3 && p[0] == 0xef && p[1] == 0xbf && p[2] >= 0xbe;
    return banned ? 0 : size;
}

/* A word's bytes that may be anything but PLAIN, each by its highest bit; tab and newline are
 * among them. Right up to and including the lowest: only above it a borrow can have come by. */
static uint64_t suspects(uint64_t word)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), highs = ones << 7;
    uint64_t control = word - ones * 0x20;
    uint64_t angle = ((word | ones * 2) ^ ones * '>') - ones; /* that bit apart, '<' is '>' */
    uint64_t ampersand = (word ^ ones * '&') - ones;
    return (word | control | angle | ampersand) & highs;
}

/* The first byte from `p` on that may be anything but PLAIN. */
static const uint8_t *skip_words(const uint8_t *p, const uint8_t *end)
{
    for (; end - p >= 8; p += 8) {
        uint64_t word;
        memcpy(&word, p, sizeof word);
        uint64_t found = suspects(le64toh(word));
        if (found != 0)
            return p + __builtin_ctzll(found) / 8;
    }
    return p;
}

const uint8_t *duet_xml_plain_end(const uint8_t *p, const uint8_t *end)
{
    for (;;) {
        p = skip_words(p, end);
        if (p < end && class_of[*p] == PLAIN) {
            p++;
            continue;
        }
        if (p == end || class_of[*p] != LONG)
            return p;
        do {
            size_t size = long_size(p, end);
            if (size == 0)
                return p;
            p += size;
        } while (p < end && class_of[*p] == LONG);
    }
}

int duet_xml_text_write(struct duet_buf *out, const char *text, size_t size, bool replace,
                        size_t *bad)
{
    const uint8_t *p = (const uint8_t *)text, *end = p + size;
    while (p < end) {
        const uint8_t *stop = duet_xml_plain_end(p, end);
        int rc = duet_buf_append(out, p, (size_t)(stop - p));
        if (rc < 0 || stop == end)
            return rc;

        uint8_t class = class_of[*stop] == LONG ? CONTROL : class_of[*stop];
        if (class == CONTROL && !replace) {
            *bad = (size_t)(stop - (const uint8_t *)text);
            return 1;
        }
        rc = duet_buf_append(out, entities[class].text, entities[class].size);
        if (rc < 0)
            return rc;
        p = stop + 1;
    }
    return 0;
}

/* ---- And back */

static const struct {
    const char *text;
    size_t size;
    char meaning;
} predefined[] = {
    {"&amp;", 5, '&'},  {"&lt;", 4, '<'},    {"&gt;", 4, '>'},
    {"&quot;", 6, '"'}, {"&apos;", 6, '\''},
};

/* What the entity that the text begins with stands for, and the text after it; NUL when it is
 * none of the five. */
static char take_entity(const char **text, const char *end)
{
    for (size_t i = 0; i < sizeof predefined / sizeof *predefined; i++) {
        size_t size = predefined[i].size;
        if ((size_t)(end - *text) >= size && memcmp(*text, predefined[i].text, size) == 0) {
            *text += size;
            return predefined[i].meaning;
        }
    }
    return '\0';
}

char *duet_xml_text_expand(char *to, const char *from, size_t size)
{
    for (const char *end = from + size;;) {
        const char *entity = memchr(from, '&', (size_t)(end - from));
        size_t plain = (size_t)((entity != NULL ? entity : end) - from);
        memcpy(to, from, plain);
        to += plain;
        if (entity == NULL)
            return to;
        from = entity;
        char meaning = take_entity(&from, end);
        if (meaning == '\0')
            return NULL;
        *to++ = meaning;
    }
}
