/*
 * UTF-8 as the Unicode standard's table 3-7 has it: no overlong forms, no surrogates.
 */
#include "utf8.h"

#include <stdbool.h>

size_t duet_utf8_size(const uint8_t *p, const uint8_t *end)
{
    size_t left = (size_t)(end - p);
    if (left == 0)
        return 0;
    if (p[0] < 0x80)
        return 1;
    if (p[0] >= 0xc2 && p[0] <= 0xdf)
        return left >= 2 && duet_utf8_continues(p[1]) ? 2 : 0;
    if ((p[0] & 0xf0) == 0xe0) {
        if (left < 3 || !duet_utf8_continues(p[1]) || !duet_utf8_continues(p[2]))
            return 0;
        bool overlong = p[0] == 0xe0 && p[1] < 0xa0;
        bool surrogate = p[0] == 0xed && p[1] >= 0xa0;
        return overlong || surrogate ? 0 : 3;
    }
    if (p[0] >= 0xf0 && p[0] <= 0xf4) {
        if (left < 4 || !duet_utf8_continues(p[1]) || !duet_utf8_continues(p[2]) ||
            !duet_utf8_continues(p[3]))
            return 0;
        bool overlong = p[0] == 0xf0 && p[1] < 0x90;
        bool beyond = p[0] == 0xf4 && p[1] > 0x8f;
        return overlong || beyond ? 0 : 4;
    }
    return 0;
}
