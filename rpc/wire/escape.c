/*
 * Escapes. A backslash is left alone: the words are for people, and paths have some.
 */
#include "escape.h"

#include "utf8.h"

#include <string.h>

/* C0 and DEL, U+0080 to U+009F, U+2028 and U+2029. */
static bool is_control(const uint8_t *p, size_t size)
{
    if (size == 1)
        return p[0] < 0x20 || p[0] == 0x7f;
    if (size == 2)
        return p[0] == 0xc2 && p[1] < 0xa0;
    return size == 3 && p[0] == 0xe2 && p[1] == 0x80 && (p[2] == 0xa8 || p[2] == 0xa9);
}

static void put_hex(char *to, const uint8_t *bytes, size_t count)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < count; i++) {
        *to++ = '\\';
        *to++ = 'x';
        *to++ = digits[bytes[i] >> 4];
        *to++ = digits[bytes[i] & 15];
    }
}

size_t duet_escape(char *room, size_t room_size, const char *text, size_t size)
{
    const uint8_t *p = (const uint8_t *)text, *end = p + size;
    size_t used = 0;
    while (p < end) {
        size_t whole = duet_utf8_size(p, end), bytes = whole > 0 ? whole : 1;
        bool is_shown = whole > 0 && !is_control(p, whole);
        size_t need = is_shown ? bytes : DUET_ESCAPED_MAX * bytes;
        if (need >= room_size - used)
            break;
        if (is_shown)
            memcpy(room + used, p, bytes);
        else
            put_hex(room + used, p, bytes);
        used += need;
        p += bytes;
    }
    room[used] = '\0';
    return used;
}
