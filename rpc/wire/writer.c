/*
 * The checked front of the writer, first part: its life, and what may stand where. It counts
 * what each open container still wants; what a value looks like in bytes is the operations'
 * affair, which are called in valid order only. The first error sticks.
 */
#include "writer_parts.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

enum {
    KEEP_BYTES = 64 * 1024, /* what a recycled writer may hold on to */
    KEEP_FRAMES = 256,      /* 6 KiB */
};

/* ---- Life */

/* Of a writer's marks: with room for 2^40 of them, and none of 16 million other writers. */
static uint64_t first_number(void)
{
    static atomic_uint writers;
    return (uint64_t)atomic_fetch_add_explicit(&writers, 1, memory_order_relaxed) << 40;
}

void duet_writer_init(struct duet_writer *writer, size_t max_bytes)
{
    duet_buf_init(&writer->out, max_bytes);
    writer->ops = NULL;
    writer->recorder = NULL;
    writer->fault = NULL;
    writer->style = (struct duet_style){0};
    writer->error = 0;
    writer->wanted = 0;
    writer->depth = writer->base = writer->max_depth = 0;
    writer->last_mark = first_number();
    writer->capacity = DUET_WRITER_INLINE_LEVELS;
    writer->levels = writer->inline_levels;
}

static void free_levels(struct duet_writer *writer)
{
    if (writer->levels != writer->inline_levels)
        free(writer->levels);
    writer->levels = writer->inline_levels;
    writer->capacity = DUET_WRITER_INLINE_LEVELS;
}

void duet_writer_done(struct duet_writer *writer)
{
    duet_buf_done(&writer->out);
    free_levels(writer);
}

void duet_writer_start(struct duet_writer *writer, const struct duet_writer_ops *ops,
                       struct duet_style style, struct duet_fault *fault, size_t max_depth)
{
    duet_buf_reset(&writer->out, KEEP_BYTES);
    if (writer->capacity > KEEP_FRAMES)
        free_levels(writer);
    writer->ops = ops;
    writer->fault = fault;
    writer->style = style;
    writer->error = 0;
    writer->wanted = 1;
    writer->depth = writer->base = 0;
    writer->max_depth = max_depth;
    writer->first_mark = writer->last_mark;
    writer->lapse_count = 0;
    writer->is_call = false;
    writer->may_refer = false;
    writer->reference_count = 0;
    writer->referred_bytes = 0;
    writer->source = NULL;
}

static int fail_over_budget(const struct duet_writer *writer)
{
    const struct duet_account *account = writer->out.account;
    const char *what = writer->is_call ? "call" : "reply";
    if (account->room == DUET_ROOM_NEVER)
        return duet_fault_set(writer->fault, DUET_FAULT_LIMIT,
                              "a %s of more than %zu bytes needs more memory than all messages "
                              "and replies under way may have together (--max-buffered %zu)",
                              what, writer->out.capacity, account->budget->max);
    return duet_fault_set(writer->fault, DUET_FAULT_BUSY,
                          "the %s is busy: no room for a %s of more than %zu bytes beside the "
                          "messages and replies under way (--max-buffered %zu); try again",
                          writer->is_call ? "client" : "server", what, writer->out.capacity,
                          account->budget->max);
}

/* ---- What may stand where */

int duet_writer_stick(struct duet_writer *writer, int rc)
{
    if (writer->error < 0)
        return writer->error;
    if (rc == -EMSGSIZE)
        rc = duet_fault_set(writer->fault, DUET_FAULT_LIMIT,
                            writer->is_call ? "call exceeds --max-message %zu"
                                            : "reply exceeds --max-reply %zu",
                            writer->out.max);
    if (rc == DUET_FAILED)
        writer->fault->is_nameless = true;
    if (rc == -ENOBUFS)
        rc = fail_over_budget(writer);
    return writer->error = rc == DUET_FAILED ? duet_fault_rc(writer->fault) : rc;
}

int duet_writer_misuse(struct duet_writer *writer, const char *words)
{
    int rc = duet_fault_set(writer->fault, DUET_FAULT_INTERNAL, "the %s %s",
                            writer->is_call ? "caller" : "method", words);
    return duet_writer_stick(writer, rc);
}

int duet_writer_expect_slow(struct duet_writer *writer)
{
    if (writer->error < 0)
        return writer->error;
    if (writer->depth == writer->base)
        return writer->wanted > 0
                   ? 0
                   : duet_writer_misuse(writer, writer->is_call ? "wrote an argument too many"
                                                                : "wrote a second value");
    enum duet_level_kind kind = duet_writer_top(writer)->kind;
    if (kind == DUET_LEVEL_MAP || kind == DUET_LEVEL_FIELDS)
        return duet_writer_misuse(writer, "wrote a value where a key must stand");
    return 0;
}

/* Counts the value that was just written in the innermost container. */
static int count_in_container(struct duet_writer *writer)
{
    struct duet_writer_level *level = duet_writer_top(writer);
    level->left--;
    if (level->kind == DUET_LEVEL_MAP_KEYED) {
        level->kind = DUET_LEVEL_MAP;
        return writer->ops->end_member(writer);
    }
    if (level->kind == DUET_LEVEL_FIELDS_NAMED)
        level->kind = DUET_LEVEL_FIELDS;
    if (level->kind == DUET_LEVEL_ARGUMENTS)
        return writer->ops->end_argument(writer, level->left);
    return 0;
}

int duet_writer_close(struct duet_writer *writer)
{
    enum duet_level_kind kind = duet_writer_top(writer)->kind;
    writer->depth--;
    if (kind == DUET_LEVEL_ARGUMENTS)
        return 0;
    return kind == DUET_LEVEL_MAP ? writer->ops->end_map(writer)
                                  : writer->ops->end_array(writer);
}

int duet_writer_count_slow(struct duet_writer *writer, int rc)
{
    while (rc == 0 && writer->depth > writer->base) {
        rc = count_in_container(writer);
        if (rc == 0 && duet_writer_top(writer)->left > 0)
            return 0;
        if (rc == 0)
            rc = duet_writer_close(writer);
    }
    if (rc < 0)
        return duet_writer_stick(writer, rc);
    writer->wanted--;
    return 0;
}

/* ---- References */

bool duet_writer_refer(struct duet_writer *writer, size_t size)
{
    if (size < DUET_REFERENCE_FROM || !writer->may_refer || writer->source == NULL ||
        writer->reference_count == DUET_WRITER_REFERENCES)
        return false;
    writer->references[writer->reference_count++] = (struct duet_writer_reference){
        .at = writer->out.size, .size = size, .object = writer->source};
    writer->referred_bytes += size;
    return true;
}

/* ---- The end */

static int unfinished(struct duet_writer *writer)
{
    static const char *const items[] = {
        [DUET_LEVEL_ARRAY] = "items of an array",
        [DUET_LEVEL_MAP] = "pairs of a map",
        [DUET_LEVEL_MAP_KEYED] = "pairs of a map",
        [DUET_LEVEL_FIELDS] = "fields of a record",
        [DUET_LEVEL_FIELDS_NAMED] = "fields of a record",
        [DUET_LEVEL_ARGUMENTS] = "arguments",
    };
    const struct duet_writer_level *level = duet_writer_top(writer);
    int rc = duet_fault_set(writer->fault, DUET_FAULT_INTERNAL,
                            "the %s wrote %" PRIu32 " of %" PRIu32 " %s",
                            writer->is_call ? "caller" : "method", level->count - level->left,
                            level->count, items[level->kind]);
    return duet_writer_stick(writer, rc);
}

int duet_writer_finish(struct duet_writer *writer)
{
    if (writer->error < 0)
        return writer->error;
    if (writer->depth > writer->base)
        return unfinished(writer);
    return writer->wanted > 0 ? duet_write_nil(writer) : 0;
}
