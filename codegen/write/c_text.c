/*
 * How C is laid out: comments, long lists, string literals.
 */
#include "c.h"

#include <string.h>

enum { WIDTH = 96 };

/* ---- Comments */

/* What would end a comment, or begin one in it, is taken apart. */
static const char *safe(struct idl_memory *memory, const char *text, size_t size)
{
    char *copy = idl_alloc(memory, 2 * size + 1);
    size_t n = 0;
    for (size_t i = 0; i < size; i++) {
        copy[n++] = text[i];
        if (i + 1 < size &&
            ((text[i] == '*' && text[i + 1] == '/') || (text[i] == '/' && text[i + 1] == '*')))
            copy[n++] = ' ';
    }
    return copy;
}

/* As much of a line as there is room for: up to a space, or all of a longer word. */
static size_t fitting(const char *line, size_t size, size_t room)
{
    if (size <= room)
        return size;
    size_t end = room;
    while (end > 0 && line[end] != ' ')
        end--;
    if (end == 0)
        for (end = room; end < size && line[end] != ' ';)
            end++;
    return end;
}

static void comment_line(struct gen_c *c, int indent, const char *line, size_t size,
                         bool *is_first)
{
    size_t room = (size_t)(WIDTH - indent - 6);
    do {
        size_t end = fitting(line, size, room);
        if (!*is_first)
            gen_add(c->out, "\n%*s *%s", indent, "", end > 0 ? " " : "");
        gen_add(c->out, "%.*s", (int)end, line);
        *is_first = false;
        line += end;
        size -= end;
        while (size > 0 && *line == ' ') {
            line++;
            size--;
        }
    } while (size > 0);
}

void gen_comment(struct gen_c *c, int indent, const char *doc)
{
    if (doc == NULL)
        return;
    doc = safe(c->memory, doc, strlen(doc));
    size_t size = strlen(doc);
    while (size > 0 && (doc[size - 1] == '\n' || doc[size - 1] == ' '))
        size--;
    if (size == 0)
        return;
    gen_add(c->out, "%*s/* ", indent, "");
    bool is_first = true;
    for (size_t i = 0; i <= size;) {
        const char *end = memchr(doc + i, '\n', size - i);
        size_t length = end != NULL ? (size_t)(end - doc) - i : size - i;
        comment_line(c, indent, doc + i, length, &is_first);
        i += length + 1;
    }
    gen_add(c->out, " */\n");
}

/* ---- Lists */

/* Whether one of them has no room even in a line of its own. */
static bool is_too_long(const char *const *items, size_t count, size_t indent, const char *tail)
{
    for (size_t i = 0; i < count; i++)
        if (indent + strlen(items[i]) + (i + 1 < count ? 1 : strcspn(tail, "\n")) > WIDTH)
            return true;
    return false;
}

void gen_list(struct gen_c *c, const char *head, const char *const *items, size_t count,
              const char *tail)
{
    const char *last_line = strrchr(head, '\n');
    size_t indent = strlen(last_line != NULL ? last_line + 1 : head), column = indent;
    gen_add(c->out, "%s", head);
    if (is_too_long(items, count, indent, tail)) {
        indent = column = 4 + strspn(last_line != NULL ? last_line + 1 : head, " ");
        gen_add(c->out, "\n%*s", (int)indent, "");
    }
    for (size_t i = 0; i < count; i++) {
        const char *end = i + 1 < count ? "," : tail;
        size_t size = strlen(items[i]) + strcspn(end, "\n");
        if (i > 0 && column + 1 + size > WIDTH) {
            gen_add(c->out, "\n%*s", (int)indent, "");
            column = indent;
        } else if (i > 0) {
            gen_add(c->out, " ");
            column++;
        }
        gen_add(c->out, "%s%s", items[i], i + 1 < count ? "," : "");
        column += size;
    }
    gen_add(c->out, "%s", tail);
}

/* ---- Literals */

/* Octal, for a hexadecimal escape has no end; no two '?' in a row, for they begin trigraphs. */
static size_t add_character(struct gen_c *c, const char *text, size_t i)
{
    unsigned char byte = (unsigned char)text[i];
    if (byte == '"' || byte == '\\')
        gen_add(c->out, "\\%c", byte);
    else if (byte == '\n')
        gen_add(c->out, "\\n");
    else if (byte == '?' && i > 0 && text[i - 1] == '?')
        gen_add(c->out, "\\?");
    else if (byte < ' ' || byte >= 0x7f)
        gen_add(c->out, "\\%03o", byte);
    else
        gen_add(c->out, "%c", byte);
    return i + 1;
}

void gen_literal(struct gen_c *c, int indent, const char *text, size_t size)
{
    enum { LONGEST = 4000 }; /* C compilers need not take more than 4,095 */
    size_t end = size < LONGEST ? size : LONGEST;
    gen_add(c->out, "\"");
    for (size_t i = 0; i < end;) {
        bool is_line = text[i] == '\n' && i + 1 < end;
        i = add_character(c, text, i);
        if (is_line)
            gen_add(c->out, "\"\n%*s\"", indent, "");
    }
    gen_add(c->out, "\"");
}
