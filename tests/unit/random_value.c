/*
 * See random_value.h.
 */
#include "random_value.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *const random_texts[RANDOM_TEXTS] = {
    "",          "plain",        " spaces \t around\n", "<b>&amp;</b>",
    "]]>",       "\r\n",         "caf\xc3\xa9",         "\xf0\x9f\x98\x80\xf0\x9f\x91\x8d",
    "\"quoted'", "\xef\xbf\xbd", "\x7f\xc2\x80",
};

static uint64_t random_bits(void)
{
    uint64_t bits = 0;
    for (int i = 0; i < 5; i++)
        bits = bits << 15 ^ (uint64_t)rand();
    return bits;
}

static void write_random_double(struct duet_writer *writer)
{
    double value;
    do {
        uint64_t bits = random_bits();
        memcpy(&value, &bits, sizeof value);
    } while (!isfinite(value));
    duet_write_double(writer, value);
}

static void write_random_text(struct duet_writer *writer, bool as_key)
{
    char text[100] = "";
    for (int n = rand() % 4; n > 0; n--)
        strcat(text, random_texts[rand() % RANDOM_TEXTS]);
    if (as_key)
        duet_write_key(writer, text, strlen(text));
    else
        duet_write_string(writer, text, strlen(text));
}

static void write_random_bytes(struct duet_writer *writer)
{
    uint8_t bytes[80];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(rand() >> 4);
    duet_write_bytes(writer, bytes, (size_t)rand() % sizeof bytes);
}

static void write_random_scalar(struct duet_writer *writer)
{
    switch (rand() % 7) {
    case 0:
        duet_write_nil(writer);
        break;
    case 1:
        duet_write_bool(writer, rand() & 1);
        break;
    case 2:
        duet_write_int(writer, (int64_t)random_bits() >> rand() % 64);
        break;
    case 3:
        write_random_double(writer);
        break;
    case 4:
        write_random_text(writer, false);
        break;
    case 5:
        write_random_bytes(writer);
        break;
    default:
        duet_write_time(writer, (duet_time){(int64_t)(random_bits() % 253402300800), 0});
    }
}

/* Containers get rarer with depth. */
void write_random_value(struct duet_writer *writer)
{
    size_t depth = writer->depth;
    do {
        enum duet_level_kind kind =
            writer->depth > 0 ? writer->levels[writer->depth - 1].kind : DUET_LEVEL_ARRAY;
        if (kind == DUET_LEVEL_MAP)
            write_random_text(writer, true);
        bool container = (size_t)rand() % (writer->depth + 2) == 0;
        if (container && rand() & 1)
            duet_write_map(writer, (size_t)rand() % 5);
        else if (container)
            duet_write_array(writer, (size_t)rand() % 6);
        else
            write_random_scalar(writer);
    } while (writer->depth > depth);
}
