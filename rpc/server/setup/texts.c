/*
 * The table of text options, and lists that grow. See texts.h.
 */
#include "texts.h"

#include "web_name.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool read_origin(const char *value, char *room)
{
    if (strcmp(value, "*") == 0 || strcmp(value, "null") == 0) {
        strcpy(room, value);
        return true;
    }
    return duet_origin_normal(value, strlen(value), room);
}

static bool read_host(const char *value, char *room)
{
    int port;
    size_t size = strlen(value);
    bool names_port = size > 0 && value[size - 1] == ':';
    return duet_host_normal(value, size, room, &port) != DUET_HOST_NONE && port < 0 &&
           !names_port;
}

static const struct duet_text_row rows[DUET_TEXT_COUNT] = {
    [DUET_TEXT_ALLOW_ORIGIN] = {"--allow-origin", "URL",
                                "an origin as https://app.example or http://127.0.0.1:3000 "
                                "(no path), null, or * for the pages of every site",
                                "URL|null|*", "whose pages may call, * for those of every site",
                                read_origin},
    [DUET_TEXT_ALLOW_HOST] = {"--allow-host", "NAME",
                              "a name as app.example, without scheme and port", "NAME",
                              "by which names browsers may call, beside localhost", read_host},
};

const struct duet_text_row *duet_text_row(enum duet_text text)
{
    return &rows[text];
}

bool duet_texts_have(const struct duet_texts *list, const char *value)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->at[i], value) == 0)
            return true;
    return false;
}

int duet_texts_add(struct duet_texts *list, enum duet_text text, const char *value)
{
    char normal[DUET_ORIGIN_MAX];
    if (!rows[text].read(value, normal))
        return -EINVAL;
    if (duet_texts_have(list, normal))
        return 0;
    char **at = realloc(list->at, (list->count + 1) * sizeof *at);
    if (at == NULL)
        return -ENOMEM;
    list->at = at;
    at[list->count] = strdup(normal);
    if (at[list->count] == NULL)
        return -ENOMEM;
    list->count++;
    return 0;
}

void duet_texts_done(struct duet_texts *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->at[i]);
    free(list->at);
    *list = (struct duet_texts){NULL, 0};
}
