/*
 * The table of names, and windows-1252, which expat knows of no name.
 */
#include "xmlrpc_encoding.h"

#include <stdio.h>
#include <string.h>

/* As fold leaves them. IANA's names and aliases that an XML declaration can hold, those that
 * Python's reader takes besides, and what people write in their place. */
static const struct {
    const char *name;
    enum duet_xml_encoding encoding;
} known[] = {
    {"utf8", DUET_XML_UTF_8},
    {"csutf8", DUET_XML_UTF_8},
    {"u8", DUET_XML_UTF_8},
    {"usascii", DUET_XML_ASCII},
    {"ascii", DUET_XML_ASCII},
    {"us", DUET_XML_ASCII},
    {"csascii", DUET_XML_ASCII},
    {"iso646us", DUET_XML_ASCII},
    {"isoir6", DUET_XML_ASCII},
    {"ansix341968", DUET_XML_ASCII},
    {"ansix341986", DUET_XML_ASCII},
    {"iso646irv1991", DUET_XML_ASCII},
    {"ibm367", DUET_XML_ASCII},
    {"cp367", DUET_XML_ASCII},
    {"iso88591", DUET_XML_LATIN_1},
    {"iso885911987", DUET_XML_LATIN_1},
    {"isoir100", DUET_XML_LATIN_1},
    {"latin1", DUET_XML_LATIN_1},
    {"latin", DUET_XML_LATIN_1},
    {"l1", DUET_XML_LATIN_1},
    {"csisolatin1", DUET_XML_LATIN_1},
    {"ibm819", DUET_XML_LATIN_1},
    {"cp819", DUET_XML_LATIN_1},
    {"windows1252", DUET_XML_WINDOWS_1252},
    {"cswindows1252", DUET_XML_WINDOWS_1252},
    {"cp1252", DUET_XML_WINDOWS_1252},
    {"xcp1252", DUET_XML_WINDOWS_1252},
    {"utf16", DUET_XML_UTF_16},
    {"csutf16", DUET_XML_UTF_16},
    {"utf16le", DUET_XML_UTF_16},
    {"csutf16le", DUET_XML_UTF_16},
    {"utf16be", DUET_XML_UTF_16},
    {"csutf16be", DUET_XML_UTF_16},
    {"u16", DUET_XML_UTF_16},
};

/* Letters and digits alone, in lower case: "ISO_8859-1" and "iso8859-1" are one name (Unicode
 * Technical Standard 22, 1.4). Cut when it does not fit: no known name is that long. */
static void fold(const char *name, char *to, size_t room)
{
    size_t size = 0;
    for (; *name != '\0' && size + 1 < room; name++) {
        bool is_upper = *name >= 'A' && *name <= 'Z', is_lower = *name >= 'a' && *name <= 'z';
        if (is_upper || is_lower || (*name >= '0' && *name <= '9'))
            to[size++] = (char)(is_upper ? *name - 'A' + 'a' : *name);
    }
    to[size] = '\0';
}

void duet_xml_declare(struct duet_xml_declared *declared, const char *name)
{
    char folded[DUET_XML_ENCODING_NAME + 1];
    fold(name, folded, sizeof folded);
    declared->encoding = DUET_XML_ENCODING_UNKNOWN;
    snprintf(declared->name, sizeof declared->name, "%s", name);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(known[i].name, folded) == 0)
            declared->encoding = known[i].encoding;
}

const char *duet_xml_own_name(enum duet_xml_encoding encoding)
{
    static const char *const names[] = {
        [DUET_XML_UTF_8] = "UTF-8",        [DUET_XML_ASCII] = "US-ASCII",
        [DUET_XML_LATIN_1] = "ISO-8859-1", [DUET_XML_WINDOWS_1252] = NULL,
        [DUET_XML_UTF_16] = "UTF-16",      [DUET_XML_ENCODING_UNKNOWN] = NULL,
    };
    return names[encoding];
}

int duet_xml_describe(const struct duet_xml_declared *declared, XML_Encoding *info)
{
    /* Where windows-1252 is not ISO-8859-1; -1 where it has no character. */
    static const int other[] = {
        0x20ac, -1,     0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160,
        0x2039, 0x0152, -1,     0x017d, -1,     -1,     0x2018, 0x2019, 0x201c, 0x201d, 0x2022,
        0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, -1,     0x017e, 0x0178,
    };
    if (declared->encoding != DUET_XML_WINDOWS_1252)
        return XML_STATUS_ERROR;
    for (int i = 0; i < 256; i++)
        info->map[i] = i >= 0x80 && i <= 0x9f ? other[i - 0x80] : i;
    info->convert = NULL;
    info->release = NULL;
    return XML_STATUS_OK;
}

/* 0 or 1: the place of the more significant byte of each pair; -1 when it is no UTF-16. */
static int utf16_order(const uint8_t *bytes, size_t size)
{
    if (size < 2)
        return -1;
    if ((bytes[0] == 0xff && bytes[1] == 0xfe) || (bytes[0] == '<' && bytes[1] == 0))
        return 1;
    if ((bytes[0] == 0xfe && bytes[1] == 0xff) || (bytes[0] == 0 && bytes[1] == '<'))
        return 0;
    return -1;
}

bool duet_xml_is_utf16(const struct duet_incoming *request)
{
    return utf16_order(request->bytes, request->size) >= 0;
}

int duet_xml_check_utf16(struct duet_incoming *request)
{
    const uint8_t *bytes = request->bytes;
    int order = utf16_order(bytes, request->size);
    if (order < 0)
        return 0;

    bool wants_low = false;
    size_t i = 0;
    for (; i + 1 < request->size; i += 2) {
        uint8_t kind = bytes[i + (size_t)order] & 0xfc;
        bool is_low = kind == 0xdc;
        if (is_low != wants_low)
            break;
        wants_low = kind == 0xd8;
    }
    if (i == request->size && !wants_low)
        return 0;
    return duet_fault_set(request->fault, DUET_FAULT_CHARACTER,
                          "bad UTF-16 at byte %zu: half a character", i);
}
