/*
 * See c_helpers.h. The texts are C as it is written out; which are needed is seen from their
 * names in the code.
 */
#include "c_helpers.h"

#include <string.h>

static const struct helper {
    const char *name; /* as it is called */
    const char *text;
} helpers[] = {
    {"copy_bytes(",
     "static int copy_bytes(uint8_t **to, size_t *size, const void *bytes, size_t count)\n"
     "{\n"
     "    *to = NULL;\n"
     "    *size = 0;\n"
     "    if (count == 0)\n"
     "        return 0;\n"
     "    *to = (uint8_t *)malloc(count);\n"
     "    if (*to == NULL)\n"
     "        return -ENOMEM;\n"
     "    memcpy(*to, bytes, count);\n"
     "    *size = count;\n"
     "    return 0;\n"
     "}\n\n"},
    {"copy_string(", "static int copy_string(char **to, const char *from)\n"
                     "{\n"
                     "    size_t size = from != NULL ? strlen(from) + 1 : 0;\n"
                     "    *to = NULL;\n"
                     "    if (from == NULL)\n"
                     "        return 0;\n"
                     "    *to = (char *)malloc(size);\n"
                     "    if (*to == NULL)\n"
                     "        return -ENOMEM;\n"
                     "    memcpy(*to, from, size);\n"
                     "    return 0;\n"
                     "}\n\n"},
    {"equal_strings(", "/* NULL is an empty string. */\n"
                       "static bool equal_strings(const char *a, const char *b)\n"
                       "{\n"
                       "    return strcmp(a != NULL ? a : \"\", b != NULL ? b : \"\") == 0;\n"
                       "}\n\n"},
    {"equal_or_nil(", "static bool equal_or_nil(const char *a, const char *b)\n"
                      "{\n"
                      "    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;\n"
                      "}\n\n"},
    {"grow(",
     "/* Room for more items than `count`; NULL when out of memory, and nothing has changed. "
     "*/\n"
     "static void *grow(void *items, size_t count, size_t *capacity, size_t size)\n"
     "{\n"
     "    size_t larger = count < 4 ? 8 : 2 * count;\n"
     "    void *grown = larger <= SIZE_MAX / size ? realloc(items, larger * size) : NULL;\n"
     "    if (grown != NULL)\n"
     "        *capacity = larger;\n"
     "    return grown;\n"
     "}\n\n"},
    {"struct block ", "struct block {\n"
                      "    struct block *next;\n"
                      "    duet_time items[1]; /* aligned as anything that is put there */\n"
                      "};\n\n"},
    {"struct reader ",
     "/* Reads the arguments of a call. */\n"
     "struct reader {\n"
     "    duet_call *call;\n"
     "    int rc;              /* 0, or that of the first argument that was refused */\n"
     "    struct block *block; /* memory of lists, the newest first */\n"
     "};\n\n"},
    {"take(", "/* Zeroed memory that reader_done() frees; NULL for nothing, or when there is "
              "no more. */\n"
              "static void *take(struct reader *reader, size_t count, size_t size)\n"
              "{\n"
              "    struct block *block = NULL;\n"
              "    if (count == 0)\n"
              "        return NULL;\n"
              "    if (count < (SIZE_MAX - sizeof *block) / size)\n"
              "        block = (struct block *)calloc(1, sizeof *block + count * size);\n"
              "    if (block == NULL) {\n"
              "        reader->rc = -ENOMEM;\n"
              "        return NULL;\n"
              "    }\n"
              "    block->next = reader->block;\n"
              "    reader->block = block;\n"
              "    return block->items;\n"
              "}\n\n"},
    {"reader_done(", "static void reader_done(struct reader *reader)\n"
                     "{\n"
                     "    while (reader->block != NULL) {\n"
                     "        struct block *block = reader->block;\n"
                     "        reader->block = block->next;\n"
                     "        free(block);\n"
                     "    }\n"
                     "}\n\n"},
    {"is_nil(", "static bool is_nil(const duet_value *value)\n"
                "{\n"
                "    return duet_value_type(value) == DUET_TYPE_NIL;\n"
                "}\n\n"},
    {"refuse_number(",
     "static void refuse_number(struct reader *reader, const char *name, const char "
     "*expected,\n"
     "                          const duet_value *from)\n"
     "{\n"
     "    char number[24];\n"
     "    if (reader->rc < 0)\n"
     "        return;\n"
     "    if (duet_value_type(from) == DUET_TYPE_UINT)\n"
     "        snprintf(number, sizeof number, \"%\" PRIu64, duet_value_uint(from));\n"
     "    else\n"
     "        snprintf(number, sizeof number, \"%\" PRId64, duet_value_int(from));\n"
     "    reader->rc = duet_fail(reader->call, DUET_FAULT_PARAMS, \"%s: '%s' must be %s, got "
     "%s\",\n"
     "                           duet_call_method(reader->call), name, expected, number);\n"
     "}\n\n"},
    {"integer_of(",
     "static int64_t integer_of(struct reader *reader, const duet_value *from, const char "
     "*name,\n"
     "                          int64_t least, int64_t most)\n"
     "{\n"
     "    int64_t number = duet_value_int(from);\n"
     "    char expected[64];\n"
     "    if (duet_value_type(from) != DUET_TYPE_UINT && number >= least && number <= most)\n"
     "        return number;\n"
     "    snprintf(expected, sizeof expected, \"%\" PRId64 \" to %\" PRId64, least, most);\n"
     "    refuse_number(reader, name, expected, from);\n"
     "    return 0;\n"
     "}\n\n"},
    {"key_of(",
     "static char *key_of(struct reader *reader, const duet_value *from, const char *name)\n"
     "{\n"
     "    duet_type type = duet_value_type(from);\n"
     "    if (type == DUET_TYPE_STRING || type == DUET_TYPE_BYTES)\n"
     "        return string_of(reader, from, name);\n"
     "    if (reader->rc == 0)\n"
     "        reader->rc = duet_fail(reader->call, DUET_FAULT_PARAMS,\n"
     "                               \"%s: keys in '%s' must be strings, got %s\",\n"
     "                               duet_call_method(reader->call), name, "
     "duet_type_name(type));\n"
     "    return NULL;\n"
     "}\n\n"},
    {"string_or_nil(", "static char *string_or_nil(struct reader *reader, const duet_value "
                       "*from, const char *name)\n"
                       "{\n"
                       "    return duet_value_type(from) != DUET_TYPE_NIL ? string_of(reader, "
                       "from, name) : NULL;\n"
                       "}\n\n"},
    {"string_of(",
     "/* The call's own string: a C string ends at its first NUL, so there may be none in it. "
     "*/\n"
     "static char *string_of(struct reader *reader, const duet_value *from, const char *name)\n"
     "{\n"
     "    size_t size;\n"
     "    const char *text = duet_value_string(from, &size);\n"
     "    if (strlen(text) != size && reader->rc == 0)\n"
     "        reader->rc = duet_fail(reader->call, DUET_FAULT_PARAMS, \"%s: '%s' has a NUL in "
     "it\",\n"
     "                               duet_call_method(reader->call), name);\n"
     "    return (char *)text;\n"
     "}\n\n"},
    {"bytes_of(", "/* The call's own bytes. */\n"
                  "static uint8_t *bytes_of(const duet_value *from, size_t *size)\n"
                  "{\n"
                  "    return (uint8_t *)duet_value_bytes(from, size);\n"
                  "}\n\n"},
    {"has_member(",
     "static bool has_member(const duet_value *map, const char *name)\n"
     "{\n"
     "    size_t i;\n"
     "    for (i = 0; i < duet_value_count(map); i++)\n"
     "        if (strcmp(duet_value_string(duet_value_key(map, i), NULL), name) == 0)\n"
     "            return true;\n"
     "    return false;\n"
     "}\n\n"},
    {"write_text(", "static void write_text(duet_writer *writer, const char *text)\n"
                    "{\n"
                    "    duet_write_text(writer, text != NULL ? text : \"\");\n"
                    "}\n\n"},
    {"write_text_or_nil(",
     "static void write_text_or_nil(duet_writer *writer, const char *text)\n"
     "{\n"
     "    if (text != NULL)\n"
     "        duet_write_text(writer, text);\n"
     "    else\n"
     "        duet_write_nil(writer);\n"
     "}\n\n"},
    {"write_key(", "static void write_key(duet_writer *writer, const char *key)\n"
                   "{\n"
                   "    duet_write_field(writer, key != NULL ? key : \"\");\n"
                   "}\n\n"},
    {"write_object(", "static void write_object(duet_writer *writer, const duet_value *value)\n"
                      "{\n"
                      "    if (value != NULL)\n"
                      "        duet_write_value(writer, value);\n"
                      "    else\n"
                      "        duet_write_nil(writer);\n"
                      "}\n\n"},
};

enum { COUNT = sizeof helpers / sizeof *helpers };

static int is_name(char c)
{
    return c == '_' || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* Whether the text has the name, and not as the end of a longer one. */
static int calls(const char *text, const char *name)
{
    for (const char *at = text; (at = strstr(at, name)) != NULL; at++)
        if (at == text || !is_name(at[-1]))
            return 1;
    return 0;
}

static void add(struct gen_text *out, char *done, size_t i)
{
    if (done[i])
        return;
    done[i] = 1;
    for (size_t j = 0; j < COUNT; j++)
        if (j != i && calls(helpers[i].text, helpers[j].name))
            add(out, done, j);
    gen_add(out, "%s", helpers[i].text);
}

void gen_helpers(struct gen_text *out, const struct gen_text *code)
{
    char done[COUNT] = {0};
    for (size_t i = 0; i < COUNT; i++)
        if (code->bytes != NULL && calls(code->bytes, helpers[i].name))
            add(out, done, i);
}
