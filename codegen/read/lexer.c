/*
 * See lexer.h. Two kinds of comments are none: "#@" is a decorator and "#-" documentation, so
 * they are looked for before "#". ">>" is two signs, for list<list<int>>.
 */
#include "lexer.h"

#include "utf8.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct lexer {
    struct idl_memory *memory;
    struct idl_reports *reports;
    const struct idl_source *source;
    const char *at, *end;
    struct idl_token *items;
    size_t count, capacity;
    char *doc; /* that waits for its token; NULL: none */
    size_t doc_size, doc_room;
    bool begins_line;
};

static struct idl_place place_of(const struct lexer *lexer, const char *from, const char *to)
{
    return (struct idl_place){lexer->source, (size_t)(from - lexer->source->text),
                              (size_t)(to - from)};
}

/* The source ends with a NUL, so one character ahead may always be looked at. */
static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool begins(const struct lexer *lexer, const char *text)
{
    return strncmp(lexer->at, text, strlen(text)) == 0;
}

/* ---- Tokens */

static struct idl_token *add_token(struct lexer *lexer, enum idl_token_kind kind,
                                   const char *from, const char *to)
{
    if (lexer->count == lexer->capacity) {
        size_t capacity = lexer->capacity > 0 ? 2 * lexer->capacity : 256;
        struct idl_token *items = idl_alloc(lexer->memory, capacity * sizeof *items);
        if (lexer->count > 0)
            memcpy(items, lexer->items, lexer->count * sizeof *items);
        lexer->items = items;
        lexer->capacity = capacity;
    }
    struct idl_token *token = &lexer->items[lexer->count++];
    token->kind = kind;
    token->begins_line = lexer->begins_line;
    token->place = place_of(lexer, from, to);
    token->text = idl_copy_text(lexer->memory, from, (size_t)(to - from));
    token->size = (size_t)(to - from);
    token->doc = lexer->doc;
    lexer->doc = NULL;
    lexer->doc_size = 0;
    lexer->begins_line = false;
    lexer->at = to;
    return token;
}

static void lex_word(struct lexer *lexer)
{
    const char *to = lexer->at;
    while (is_letter(*to) || is_digit(*to))
        to++;
    add_token(lexer, IDL_TOKEN_WORD, lexer->at, to);
}

/* Digits, with a dot or an exponent a real number; 0x in front for hexadecimal ones. */
static const char *end_of_number(const char *at, bool *is_real)
{
    if (at[0] == '0' && (at[1] == 'x' || at[1] == 'X'))
        return at + 2 + strspn(at + 2, "0123456789abcdefABCDEF");
    at += strspn(at, "0123456789");
    if (at[0] == '.' && is_digit(at[1])) {
        *is_real = true;
        at += 1 + strspn(at + 1, "0123456789");
    }
    const char *sign = at + 1;
    if ((at[0] == 'e' || at[0] == 'E') && is_digit(sign[*sign == '-' || *sign == '+'])) {
        *is_real = true;
        at = sign + (*sign == '-' || *sign == '+');
        at += strspn(at, "0123456789");
    }
    return at;
}

static void lex_number(struct lexer *lexer)
{
    bool is_real = false;
    const char *from = lexer->at, *to = end_of_number(from, &is_real);
    if (is_letter(*to) || to[-1] == 'x' || to[-1] == 'X') {
        while (is_letter(*to) || is_digit(*to))
            to++;
        idl_error(lexer->reports, place_of(lexer, from, to), "'%.*s' is no number",
                  (int)(to - from), from);
        add_token(lexer, IDL_TOKEN_INTEGER, from, to);
        return;
    }
    struct idl_token *token =
        add_token(lexer, is_real ? IDL_TOKEN_REAL : IDL_TOKEN_INTEGER, from, to);
    if (is_real)
        return;
    errno = 0;
    bool is_hexadecimal = token->size > 1 && (token->text[1] == 'x' || token->text[1] == 'X');
    token->integer = strtoull(token->text, NULL, is_hexadecimal ? 16 : 10);
    if (errno == ERANGE)
        idl_error(lexer->reports, token->place, "%s does not fit into 64 bits", token->text);
}

/* ---- Strings */

static int hexadecimal(char c)
{
    return is_digit(c)            ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* The character behind a backslash at `at`; goes on behind it. */
static char unescape(struct lexer *lexer, const char **at)
{
    static const char letters[] = "nrt0\\\"'", meanings[] = "\n\r\t\0\\\"'";
    const char *from = *at - 1;
    const char *letter = **at != '\0' ? strchr(letters, **at) : NULL;
    if (letter != NULL) {
        (*at)++;
        return meanings[letter - letters];
    }
    if (**at == 'x' && hexadecimal((*at)[1]) >= 0 && hexadecimal((*at)[2]) >= 0) {
        *at += 3;
        return (char)(16 * hexadecimal((*at)[-2]) + hexadecimal((*at)[-1]));
    }
    idl_error(
        lexer->reports, place_of(lexer, from, *at + (*at < lexer->end)),
        "there is no such escape: \\n \\r \\t \\0 \\\\ \\\" \\xFF are those that there are");
    return '\\';
}

/* Where the quote is that ends it, or the end of its line. */
static const char *end_of_string(const struct lexer *lexer)
{
    const char *to = lexer->at + 1;
    while (to < lexer->end && *to != *lexer->at && *to != '\n')
        to += 1 + (*to == '\\' && to + 1 < lexer->end && to[1] != '\n');
    return to;
}

static void lex_string(struct lexer *lexer)
{
    const char *from = lexer->at, *to = end_of_string(lexer), *at = from + 1;
    char *text = idl_alloc(lexer->memory, (size_t)(to - from) + 1);
    size_t size = 0;
    while (at < to) {
        char c = *at++;
        text[size++] = c == '\\' && at < to ? unescape(lexer, &at) : c;
    }
    if (to == lexer->end || *to != *from)
        idl_error(lexer->reports, place_of(lexer, from, from + 1),
                  "this string does not end on its line");
    else
        to++;
    struct idl_token *token = add_token(lexer, IDL_TOKEN_STRING, from, to);
    token->text = text;
    token->size = size;
}

/* ---- Comments */

static const char *end_of_line(const struct lexer *lexer)
{
    const char *to = lexer->at;
    while (to < lexer->end && *to != '\n')
        to++;
    return to > lexer->at && to[-1] == '\r' ? to - 1 : to;
}

/* Appends a line to what the lines before it began. */
static void add_doc(struct lexer *lexer, const char *line, size_t size)
{
    size_t needed = lexer->doc_size + size + 2;
    if (lexer->doc == NULL || needed > lexer->doc_room) {
        lexer->doc_room = 2 * needed;
        char *doc = idl_alloc(lexer->memory, lexer->doc_room);
        if (lexer->doc != NULL)
            memcpy(doc, lexer->doc, lexer->doc_size);
        lexer->doc = doc;
    }
    if (lexer->doc_size > 0)
        lexer->doc[lexer->doc_size++] = '\n';
    for (size_t i = 0; i < size; i++) { /* other encodings, control characters: not passed on */
        size_t length = idl_utf8_character(line + i, size - i);
        bool is_text = length > 1 || (unsigned char)line[i] >= ' ' || line[i] == '\t';
        lexer->doc[lexer->doc_size++] = length > 0 && is_text ? line[i] : '?';
        for (; length > 1; length--)
            lexer->doc[lexer->doc_size++] = line[++i];
    }
    lexer->doc[lexer->doc_size] = '\0';
}

static void lex_doc(struct lexer *lexer)
{
    const char *to = end_of_line(lexer);
    lexer->at += 2;
    if (lexer->at < to && *lexer->at == ' ')
        lexer->at++;
    const char *last = to;
    while (last > lexer->at && (last[-1] == ' ' || last[-1] == '\t'))
        last--;
    add_doc(lexer, lexer->at, (size_t)(last - lexer->at));
    lexer->at = to;
}

static void lex_decorator(struct lexer *lexer)
{
    const char *from = lexer->at, *to = from + 2;
    while (is_letter(*to) || is_digit(*to))
        to++;
    if (to == from + 2) {
        idl_error(lexer->reports, place_of(lexer, from, to), "a name must follow #@");
        lexer->at = to;
        return;
    }
    struct idl_token *token = add_token(lexer, IDL_TOKEN_DECORATOR, from, to);
    token->text += 2;
    token->size -= 2;
}

/* They nest, as in the tools that had them first. */
static void skip_block_comment(struct lexer *lexer)
{
    const char *from = lexer->at;
    size_t depth = 0;
    do {
        if (begins(lexer, "/*") || begins(lexer, "*/")) {
            depth = *lexer->at == '/' ? depth + 1 : depth - 1;
            lexer->at++;
        } else if (*lexer->at == '\n') {
            lexer->begins_line = true;
        }
        lexer->at++;
    } while (depth > 0 && lexer->at < lexer->end);
    if (depth > 0)
        idl_error(lexer->reports, place_of(lexer, from, from + 2), "this comment does not end");
}

/* ---- One step */

static void lex_other(struct lexer *lexer)
{
    const char *from = lexer->at;
    if (begins(lexer, "%include") && !is_letter(from[8])) {
        add_token(lexer, IDL_TOKEN_C_INCLUDE, from, from + 8);
    } else if (begins(lexer, "::")) {
        add_token(lexer, IDL_TOKEN_SCOPE, from, from + 2);
    } else if (*from != '\0' && strchr("{}()<>?=:,;.-+*/", *from) != NULL) {
        add_token(lexer, IDL_TOKEN_SIGN, from, from + 1);
    } else {
        const char *to = from + 1;
        while (to < lexer->end && ((unsigned char)*to & 0xc0) == 0x80)
            to++;
        if ((unsigned char)*from < ' ' || *from == 0x7f)
            idl_error(lexer->reports, place_of(lexer, from, to),
                      "a control character (0x%02x) has no meaning here", (unsigned char)*from);
        else
            idl_error(lexer->reports, place_of(lexer, from, to), "'%.*s' has no meaning here",
                      (int)(to - from), from);
        lexer->at = to;
    }
}

static void lex_next(struct lexer *lexer)
{
    char c = *lexer->at;
    if (c == '\n') {
        lexer->begins_line = true;
        lexer->at++;
    } else if (c == ' ' || c == '\t' || c == '\r') {
        lexer->at++;
    } else if (begins(lexer, "#@")) {
        lex_decorator(lexer);
    } else if (begins(lexer, "#-")) {
        lex_doc(lexer);
    } else if (c == '#' || begins(lexer, "//")) {
        lexer->at = end_of_line(lexer);
    } else if (begins(lexer, "/*")) {
        skip_block_comment(lexer);
    } else if (is_letter(c)) {
        lex_word(lexer);
    } else if (is_digit(c)) {
        lex_number(lexer);
    } else if (c == '"' || c == '\'') {
        lex_string(lexer);
    } else {
        lex_other(lexer);
    }
}

struct idl_tokens idl_lex(struct idl_memory *memory, struct idl_reports *reports,
                          const struct idl_source *source)
{
    struct lexer lexer = {.memory = memory,
                          .reports = reports,
                          .source = source,
                          .at = source->text,
                          .end = source->text + source->size,
                          .begins_line = true};
    if (begins(&lexer, "\xef\xbb\xbf")) /* some editors begin UTF-8 with it */
        lexer.at += 3;
    while (lexer.at < lexer.end)
        lex_next(&lexer);
    lexer.begins_line = true;
    add_token(&lexer, IDL_TOKEN_END, lexer.end, lexer.end);
    return (struct idl_tokens){lexer.items, lexer.count};
}
