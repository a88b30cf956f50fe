/*
 * See c_names.h.
 */
#include "c_names.h"

#include <stdlib.h>
#include <string.h>

/* Keywords of C11 and C++20, and macros of the headers that duet.h brings or compilers have. */
static const char *const taken[] = {
    "EOF",          "NULL",       "alignas",   "alignof",
    "and",          "and_eq",     "asm",       "auto",
    "bitand",       "bitor",      "bool",      "break",
    "case",         "catch",      "char",      "char16_t",
    "char32_t",     "char8_t",    "class",     "co_await",
    "co_return",    "co_yield",   "compl",     "concept",
    "const",        "const_cast", "consteval", "constexpr",
    "constinit",    "continue",   "decltype",  "default",
    "delete",       "do",         "double",    "dynamic_cast",
    "else",         "enum",       "errno",     "explicit",
    "export",       "extern",     "false",     "float",
    "for",          "friend",     "goto",      "i386",
    "if",           "inline",     "int",       "linux",
    "long",         "mutable",    "namespace", "new",
    "noexcept",     "not",        "not_eq",    "nullptr",
    "operator",     "or",         "or_eq",     "private",
    "protected",    "public",     "register",  "reinterpret_cast",
    "requires",     "restrict",   "return",    "short",
    "signed",       "sizeof",     "static",    "static_assert",
    "static_cast",  "stderr",     "stdin",     "stdout",
    "struct",       "switch",     "template",  "this",
    "thread_local", "throw",      "true",      "try",
    "typedef",      "typeid",     "typename",  "typeof",
    "union",        "unix",       "unsigned",  "using",
    "virtual",      "void",       "volatile",  "wchar_t",
    "while",        "xor",        "xor_eq",
};

static int compare(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Names that begin with "_" and a capital or another "_" are the compiler's. */
static bool is_taken(const char *word)
{
    return bsearch(&word, taken, sizeof taken / sizeof *taken, sizeof *taken, compare) !=
               NULL ||
           (word[0] == '_' && (word[1] == '_' || (word[1] >= 'A' && word[1] <= 'Z')));
}

const char *gen_member(struct idl_memory *memory, const char *word)
{
    if (word[0] == '_' && is_taken(word))
        return idl_format(memory, "x%s", word);
    return is_taken(word) ? idl_format(memory, "%s_", word) : word;
}

const char *gen_argument(struct idl_memory *memory, const char *word)
{
    /* What the function that reads them calls its own, or uses. */
    static const char *const used[] = {"call", "ctx",    "free",  "methods",
                                       "rc",   "reader", "result"};
    for (size_t i = 0; i < sizeof used / sizeof *used; i++)
        if (strcmp(word, used[i]) == 0)
            return idl_format(memory, "%s_", word);
    return gen_member(memory, word);
}

static bool is_lower(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

const char *gen_upper(struct idl_memory *memory, const char *word)
{
    char *upper = idl_alloc(memory, 2 * strlen(word) + 1);
    size_t size = 0;
    for (size_t i = 0; word[i] != '\0'; i++) {
        if (i > 0 && is_upper(word[i]) && is_lower(word[i - 1]))
            upper[size++] = '_';
        upper[size++] =
            word[i] >= 'a' && word[i] <= 'z' ? (char)(word[i] - 'a' + 'A') : word[i];
    }
    return upper;
}

const char *gen_flat(struct idl_memory *memory, const char *words)
{
    char *flat = idl_alloc(memory, 8 * strlen(words) + 1);
    size_t size = 0;
    for (size_t i = 0; words[i] != '\0'; i++) {
        char c = words[i];
        bool is_word = is_lower(c) || is_upper(c) || c == '_';
        if (is_word)
            flat[size++] = c;
        else if (size > 0 && flat[size - 1] != '_' && c != '>')
            flat[size++] = '_';
    }
    return flat;
}

const char *gen_file_stem(struct idl_memory *memory, const struct idl_file *file)
{
    const char *path = file->source->path, *slash = strrchr(path, '/');
    const char *name = slash != NULL ? slash + 1 : path;
    size_t size = strlen(name);
    if (size > 4 && strcmp(name + size - 4, ".idl") == 0)
        size -= 4;
    return idl_copy_text(memory, name, size);
}

static const char *find_namespace(const struct idl_file *file)
{
    const char *name = NULL;
    for (const struct idl_text *one = file->namespaces; one; one = one->next) {
        if (one->language != NULL && strcmp(one->language, "c") == 0)
            return one->text;
        if (one->language == NULL)
            name = one->text;
    }
    return name;
}

const char *gen_prefix(struct idl_memory *memory, const struct idl_file *file)
{
    const char *name = find_namespace(file);
    const char *flat = gen_flat(memory, name != NULL ? name : gen_file_stem(memory, file));
    bool is_name = flat[0] != '\0' && !(flat[0] >= '0' && flat[0] <= '9') && flat[0] != '_';
    return is_name ? flat : idl_format(memory, "idl_%s", flat);
}

const char *gen_service(struct idl_memory *memory, const struct idl_decl *service)
{
    const char *prefix = gen_prefix(memory, service->file);
    const char *name = service->name.text;
    if (strcmp(prefix, name) != 0)
        name = idl_format(memory, "%s_%s", prefix, name);
    return service->service.has_siblings && service->service.version > 0
               ? idl_format(memory, "%s_v%llu", name,
                            (unsigned long long)service->service.version)
               : name;
}
