/*
 * See utf8.h. RFC 3629: no longer forms than needed, no surrogates, nothing above U+10FFFF.
 */
#include "utf8.h"

size_t idl_utf8_character(const char *text, size_t size)
{
    static const unsigned long least[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned char first = (unsigned char)text[0];
    size_t length = first < 0x80   ? 1
                    : first < 0xc0 ? 0
                    : first < 0xe0 ? 2
                    : first < 0xf0 ? 3
                                   : 4;
    if (length <= 1 || length > size)
        return length <= 1 ? length : 0;
    unsigned long character = first & (0xffu >> (length + 1));
    for (size_t i = 1; i < length; i++) {
        unsigned char byte = (unsigned char)text[i];
        if ((byte & 0xc0) != 0x80)
            return 0;
        character = character << 6 | (byte & 0x3f);
    }
    bool is_good = character >= least[length] && character <= 0x10ffff &&
                   (character < 0xd800 || character > 0xdfff) && first < 0xf8;
    return is_good ? length : 0;
}

bool idl_utf8_is_whole(const char *text, size_t size)
{
    for (size_t i = 0, length; i < size; i += length) {
        length = idl_utf8_character(text + i, size - i);
        if (length == 0)
            return false;
    }
    return true;
}
