/*
 * base64 (RFC 4648, section 4): lenient about whitespace and missing padding, because clients
 * are; strict about everything else, because skipped junk is lost data.
 */
#include "xmlrpc_base64.h"

#include "duet.h"

enum { SPACE = 64, PADDING = 65, JUNK = 66 };

/* What each byte means: a digit's value, or one of the above. */
static const uint8_t meaning[256] = {
#define J4 JUNK, JUNK, JUNK, JUNK
#define J16 J4, J4, J4, J4
    J4,   J4,   JUNK, SPACE, SPACE, JUNK, JUNK, SPACE, JUNK, JUNK,    J16,  SPACE, JUNK, JUNK,
    JUNK, J4,   JUNK, JUNK,  JUNK,  62,   JUNK, JUNK,  JUNK, 63,      52,   53,    54,   55,
    56,   57,   58,   59,    60,    61,   JUNK, JUNK,  JUNK, PADDING, JUNK, JUNK,  JUNK, 0,
    1,    2,    3,    4,     5,     6,    7,    8,     9,    10,      11,   12,    13,   14,
    15,   16,   17,   18,    19,    20,   21,   22,    23,   24,      25,   JUNK,  JUNK, JUNK,
    JUNK, JUNK, JUNK, 26,    27,    28,   29,   30,    31,   32,      33,   34,    35,   36,
    37,   38,   39,   40,    41,    42,   43,   44,    45,   46,      47,   48,    49,   50,
    51,   JUNK, JUNK, JUNK,  JUNK,  JUNK, J16,  J16,   J16,  J16,     J16,  J16,   J16,  J16,
#undef J16
#undef J4
};

/* The bytes of a last group of two or three digits; -1 when no byte has so few. */
static ptrdiff_t decode_rest(uint8_t *to, uint32_t bits, unsigned digits)
{
    if (digits == 1)
        return -1;
    if (digits >= 2)
        to[0] = (uint8_t)(bits >> (digits == 2 ? 4 : 10));
    if (digits == 3)
        to[1] = (uint8_t)(bits >> 2);
    return digits == 0 ? 0 : (ptrdiff_t)digits - 1;
}

ptrdiff_t duet_xml_base64_decode(char *text, size_t size, size_t *bad)
{
    const uint8_t *from = (const uint8_t *)text;
    uint8_t *to = (uint8_t *)text; /* never passes `from`: four digits make three bytes */
    uint32_t bits = 0;
    unsigned digits = 0, padding = 0;

    for (size_t i = 0; i < size; i++) {
        uint8_t means = meaning[from[i]];
        if (means < SPACE && padding == 0) {
            bits = bits << 6 | means;
            if (++digits == 4) {
                *to++ = (uint8_t)(bits >> 16);
                *to++ = (uint8_t)(bits >> 8);
                *to++ = (uint8_t)bits;
                bits = digits = 0;
            }
        } else if (means == PADDING && digits >= 2 && digits + padding < 4) {
            padding++;
        } else if (means != SPACE) {
            *bad = i;
            return DUET_FAULT_REQUEST;
        }
    }

    ptrdiff_t rest = decode_rest(to, bits, digits);
    if (rest < 0) {
        *bad = size;
        return DUET_FAULT_REQUEST;
    }
    return to + rest - (uint8_t *)text;
}

void duet_xml_base64_encode(char *room, const uint8_t *bytes, size_t size)
{
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (; size >= 3; size -= 3, bytes += 3) {
        *room++ = digits[bytes[0] >> 2];
        *room++ = digits[(bytes[0] & 3) << 4 | bytes[1] >> 4];
        *room++ = digits[(bytes[1] & 15) << 2 | bytes[2] >> 6];
        *room++ = digits[bytes[2] & 63];
    }
    if (size == 0)
        return;

    uint8_t second = size == 2 ? bytes[1] : 0;
    *room++ = digits[bytes[0] >> 2];
    *room++ = digits[(bytes[0] & 3) << 4 | second >> 4];
    *room++ = size == 2 ? digits[(second & 15) << 2] : '=';
    *room = '=';
}
