/*
 * Fuzz target: Host and Origin, one a line, "-" for none. Whatever they are, nobody comes in
 * under a name or from an origin that is not on the lists, and what is let in is one form of
 * itself. What must hold is said here once more, by other means.
 */
#include "origin.h"
#include "web_name.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* A copy of exactly that size, so that a sanitizer sees a byte read too far; NULL for "-". */
static char *copy_of(const uint8_t *bytes, size_t size)
{
    char *copy = malloc(size > 0 ? size : 1);
    if (copy == NULL)
        abort();
    memcpy(copy, bytes, size);
    if (size != 1 || copy[0] != '-')
        return copy;
    free(copy);
    return NULL;
}

static void require(bool holds)
{
    if (!holds)
        abort();
}

/* A normal form is its own, has no letter that could end a header line, and fits. */
static void check_forms(const struct duet_asker *asker)
{
    char room[DUET_ORIGIN_MAX], again[DUET_ORIGIN_MAX];
    char host[DUET_HOST_MAX], host_again[DUET_HOST_MAX];
    int port;
    if (asker->origin != NULL && duet_origin_normal(asker->origin, asker->origin_size, room)) {
        require(duet_origin_normal(room, strlen(room), again) && strcmp(room, again) == 0);
        for (const char *p = room; *p != '\0'; p++)
            require(*p > 0x20 && *p < 0x7f);
        require(asker->origin_size < DUET_ORIGIN_MAX);
    }
    if (asker->host == NULL)
        return;
    enum duet_host_kind kind = duet_host_normal(asker->host, asker->host_size, host, &port);
    if (kind == DUET_HOST_NONE)
        return;
    require(port >= -1 && port <= 65535);
    require(duet_host_normal(host, strlen(host), host_again, &port) == kind &&
            strcmp(host, host_again) == 0 && port == -1);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    char *listed[] = {"https://app.example"}, *names[] = {"proxy.example"};
    const struct duet_texts origins = {listed, 1}, hosts = {names, 1}, none = {NULL, 0};
    const uint8_t *line = size > 0 ? memchr(bytes, '\n', size) : NULL;
    if (line == NULL)
        return 0;
    size_t host_size = (size_t)(line - bytes), origin_size = size - host_size - 1;
    struct duet_asker asker = {
        .host = copy_of(bytes, host_size),
        .host_size = host_size,
        .origin = copy_of(line + 1, origin_size),
        .origin_size = origin_size,
        .host_counts = true,
    };
    check_forms(&asker);
    enum duet_admission admission = duet_admission_of(&asker, &origins, &hosts);
    enum duet_admission unlisted = duet_admission_of(&asker, &none, &none);
    char words[256];
    duet_admission_words(admission, &asker, words, sizeof words);

    /* Lists let in, they never keep out; without them a page is let in from one of our names
     * only, and that says http. */
    if (unlisted < DUET_REJECTED_HOST)
        require(admission == unlisted);
    if (unlisted == DUET_ADMITTED_ORIGIN)
        require(origin_size > 7 && (asker.origin[0] | 0x20) == 'h' && asker.origin[4] == ':');
    require((asker.origin == NULL) == (admission == DUET_ADMITTED) ||
            admission >= DUET_REJECTED_HOST);
    free((char *)asker.host);
    free((char *)asker.origin);
    return 0;
}
