/*
 * The checked front of the writer, last part: coming back. A mark is a plain value that a
 * handler may keep for too long, take to another call or make up, so it is believed only after
 * a check: its seal says that it is of this writer and as it was taken, its number that it is
 * of this call and that nothing before it was rewound since, the rest that its container is
 * still open.
 *
 * Numbers grow for as long as the writer lives. To go back to mark 4 when 7 was the last ends 5
 * to 7; 4 and those before it stay good, and so are those from 8 on.
 */
#include "writer_parts.h"

#include <string.h>

_Static_assert(sizeof(struct duet_place) <= sizeof(duet_mark), "a mark holds a place");

/* Ends the marks that were taken after that number. When there is no room for another range,
 * the two newest become one, and the marks between them are no longer good either: those of the
 * outer levels and the one just rewound to are. */
static void lapse_after(struct duet_writer *writer, uint64_t number)
{
    struct duet_writer_lapse *lapses = writer->lapses;
    if (number == writer->last_mark)
        return;
    while (writer->lapse_count > 0 && lapses[writer->lapse_count - 1].after >= number)
        writer->lapse_count--;
    if (writer->lapse_count == DUET_WRITER_LAPSES) {
        writer->lapse_count--;
        lapses[writer->lapse_count - 1].last = lapses[writer->lapse_count].last;
    }
    lapses[writer->lapse_count++] = (struct duet_writer_lapse){number, writer->last_mark};
}

static bool has_lapsed(const struct duet_writer *writer, uint64_t number)
{
    if (number <= writer->first_mark || number > writer->last_mark)
        return true;
    for (unsigned i = 0; i < writer->lapse_count; i++)
        if (number > writer->lapses[i].after && number <= writer->lapses[i].last)
            return true;
    return false;
}

/* Whatever of a mark was made up, or comes from another writer's, changes it (FNV-1a, a number
 * at a time). It keeps out mistakes: who can write to memory need not forge marks. */
static uint32_t seal_of(const struct duet_writer *writer, const struct duet_place *place)
{
    const uint64_t parts[] = {
        (uintptr_t)writer,      place->number,         place->size,
        place->depth,           place->start,          place->left,
        place->wanted,          (unsigned)place->kind, place->references,
        (unsigned)place->error,
    };
    uint64_t seal = 0xcbf29ce484222325;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        seal = (seal ^ parts[i]) * 0x100000001b3;
    return (uint32_t)(seal ^ seal >> 32);
}

/* Also keeps to what there is, whatever a mark says that was made up with its seal. */
static bool is_good(const struct duet_writer *writer, const struct duet_place *place)
{
    if (place->seal != seal_of(writer, place) || has_lapsed(writer, place->number) ||
        place->size > writer->out.size || place->references > writer->reference_count ||
        place->depth < writer->base || place->depth > writer->depth || place->wanted > 1)
        return false;
    if (place->depth == writer->base)
        return true;
    const struct duet_writer_level *level = &writer->levels[place->depth - 1];
    return place->start == level->start && place->left >= level->left &&
           place->left <= level->count;
}

/* A place without a number: for scopes, which are left in order. */
static struct duet_place here(const struct duet_writer *writer)
{
    bool outside = writer->depth == writer->base;
    const struct duet_writer_level *level = outside ? NULL : duet_writer_top(writer);
    return (struct duet_place){
        .size = writer->out.size,
        .depth = writer->depth,
        .start = outside ? 0 : level->start,
        .left = outside ? 0 : level->left,
        .wanted = writer->wanted,
        .kind = outside ? 0 : (int)level->kind,
        .error = writer->error,
        .references = writer->reference_count,
    };
}

static void go_back(struct duet_writer *writer, const struct duet_place *place)
{
    writer->out.size = place->size;
    writer->depth = place->depth;
    writer->wanted = place->wanted;
    writer->error = place->error;
    while (writer->reference_count > place->references)
        writer->referred_bytes -= writer->references[--writer->reference_count].size;
    if (writer->depth > writer->base) {
        duet_writer_top(writer)->left = (uint32_t)place->left;
        duet_writer_top(writer)->kind = (enum duet_level_kind)place->kind;
    }
}

duet_mark duet_writer_mark(duet_writer *writer)
{
    if (writer == NULL) /* of a call that is over */
        return (duet_mark){{0}};
    struct duet_place place = here(writer);
    place.number = ++writer->last_mark;
    place.seal = seal_of(writer, &place);
    duet_mark mark = {{0}};
    memcpy(mark.opaque, &place, sizeof place);
    return mark;
}

void duet_writer_rewind(duet_writer *writer, duet_mark mark)
{
    struct duet_place place;
    if (writer == NULL)
        return;
    memcpy(&place, mark.opaque, sizeof place);
    if (is_good(writer, &place)) {
        go_back(writer, &place);
        lapse_after(writer, place.number);
    } else if (writer->error == 0) {
        duet_writer_misuse(writer, "went back to a mark that is stale, or of another call");
    }
}

int duet_writer_enter(struct duet_writer *writer, struct duet_writer_scope *scope)
{
    int rc = duet_writer_expect(writer);
    if (rc < 0)
        return rc;
    *scope = (struct duet_writer_scope){
        .place = here(writer),
        .base = writer->base,
        .wanted = writer->wanted,
        .first_mark = writer->first_mark,
        .last_mark = writer->last_mark,
    };
    writer->base = writer->depth;
    writer->wanted = 1;
    writer->first_mark = writer->last_mark;
    return 0;
}

int duet_writer_leave(struct duet_writer *writer, const struct duet_writer_scope *scope, int rc)
{
    if (rc == 0)
        rc = duet_writer_finish(writer);
    writer->base = scope->base;
    writer->wanted = scope->wanted;
    writer->first_mark = scope->first_mark;
    lapse_after(writer, scope->last_mark);
    if (rc < 0) {
        go_back(writer, &scope->place);
        return rc;
    }
    return duet_writer_count(writer, 0);
}
