/*
 * Answers what it is given, through the copy and equal of each type: what a client gets back is
 * what the typed function saw.
 */
#include "echo.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is a struct comes by pointer, and is copied into the result. */
#define ECHO_STRUCT(name, type)                                                                \
    static int name(duet_call *call, void *ctx, const echo_##type *value, echo_##type *result) \
    {                                                                                          \
        (void)ctx;                                                                             \
        echo_##type##_free(result);                                                            \
        int rc = echo_##type##_copy(result, value);                                            \
        if (rc == 0 && !echo_##type##_equal(result, value))                                    \
            return duet_fail(call, 1, "a copy is another value");                              \
        return rc;                                                                             \
    }

#define ECHO_VALUE(name, type)                                                                 \
    static int name(duet_call *call, void *ctx, type value, type *result)                      \
    {                                                                                          \
        (void)call;                                                                            \
        (void)ctx;                                                                             \
        *result = value;                                                                       \
        return 0;                                                                              \
    }

ECHO_STRUCT(scalars, scalars)
ECHO_STRUCT(maybes, maybes)
ECHO_STRUCT(containers, containers)
ECHO_STRUCT(tree, tree)
ECHO_STRUCT(first_, first)
ECHO_STRUCT(nothing, nothing)
ECHO_STRUCT(derived, derived)
ECHO_STRUCT(bytes, raw)
ECHO_STRUCT(maybe_int, maybe_int)
ECHO_STRUCT(maybe_bytes, maybe_raw)
ECHO_STRUCT(points, point_list)
ECHO_STRUCT(map_of_lists, int_string_list_map)
ECHO_STRUCT(nested_tuple, int_bool_tuple_tuple)
ECHO_VALUE(truth, bool)
ECHO_VALUE(i8, int8_t)
ECHO_VALUE(u32, uint32_t)
ECHO_VALUE(u64, uint64_t)
ECHO_VALUE(f32, float)
ECHO_VALUE(when, duet_time)
ECHO_VALUE(color, echo_color)

static int text(duet_call *call, void *ctx, const char *value, char **result)
{
    (void)call;
    (void)ctx;
    *result = value != NULL ? strdup(value) : NULL;
    return value == NULL || *result != NULL ? 0 : -ENOMEM;
}

static int any(duet_call *call, void *ctx, const duet_value *value)
{
    (void)ctx;
    return duet_reply_value(call, value);
}

static int maybe_place(duet_call *call, void *ctx, const echo_point *value, echo_point **result)
{
    (void)call;
    (void)ctx;
    if (value == NULL)
        return 0;
    *result = echo_point_new();
    return *result != NULL ? echo_point_copy(*result, value) : -ENOMEM;
}

static int many(duet_call *call, void *ctx, bool truth_, int8_t i8_, int16_t i16, int32_t i32,
                int64_t i64, uint8_t u8, uint16_t u16, uint32_t u32_, uint64_t u64_, float f32_,
                double f64, const echo_raw *bytes_, const char *text_, duet_time when_,
                echo_color color_, const duet_value *any_, const echo_point *place,
                echo_scalars *result)
{
    (void)call;
    (void)ctx;
    const echo_scalars all = {truth_,        i8_,   i16,    i32,  i64,   u8,
                              u16,           u32_,  u64_,   f32_, f64,   *bytes_,
                              (char *)text_, when_, color_, any_, *place};
    return echo_scalars_copy(result, &all);
}

/* Those that answer by themselves: at once, or through the call that they have kept. */
static int later(duet_call *call, void *ctx, int64_t value)
{
    (void)ctx;
    duet_kept kept = duet_call_keep(call);
    duet_kept_finish(kept, echo_answer_later(duet_kept_call(kept), value));
    return 0;
}

static int later_tree(duet_call *call, void *ctx, const echo_tree *value)
{
    (void)ctx;
    duet_kept kept = duet_call_keep(call);
    duet_kept_finish(kept, echo_answer_later_tree(duet_kept_call(kept), value));
    return 0;
}

static int later_text(duet_call *call, void *ctx, const char *value)
{
    (void)ctx;
    return echo_answer_later_text(call, value);
}

static int later_raw(duet_call *call, void *ctx, const echo_raw *value)
{
    (void)ctx;
    return echo_answer_later_raw(call, value);
}

static int later_place(duet_call *call, void *ctx, const echo_point *value)
{
    (void)ctx;
    return echo_answer_later_place(call, value);
}

static char *last_note;

static int note(duet_call *call, void *ctx, const char *text_)
{
    (void)call;
    (void)ctx;
    free(last_note);
    last_note = strdup(text_);
    return 0;
}

static int noted(duet_call *call, void *ctx, char **result)
{
    return text(call, ctx, last_note, result);
}

static echo_methods methods = {
    .scalars = scalars,
    .maybes = maybes,
    .containers = containers,
    .tree = tree,
    .first = first_,
    .nothing = nothing,
    .derived = derived,
    .truth = truth,
    .i8 = i8,
    .u32 = u32,
    .u64 = u64,
    .f32 = f32,
    .bytes = bytes,
    .text = text,
    .when = when,
    .color = color,
    .any = any,
    .maybe_int = maybe_int,
    .maybe_text = text,
    .maybe_bytes = maybe_bytes,
    .maybe_place = maybe_place,
    .points = points,
    .map_of_lists = map_of_lists,
    .nested_tuple = nested_tuple,
    .many = many,
    .later = later,
    .later_tree = later_tree,
    .later_text = later_text,
    .later_raw = later_raw,
    .later_place = later_place,
    .later_any = any,
    .note = note,
    .noted = noted,
};

int main(int argc, char *argv[])
{
    duet_server *server = duet_server_new();
    echo_register(server, &methods, NULL);
    duet_server_stop_on_signals(server);
    duet_server_set(server, DUET_OPT_WORKERS, 1); /* notes are not locked */
    int rc = duet_server_args(server, argc, argv);
    if (rc == 0) {
        printf("listening on %s\n", duet_server_address(server, 0));
        fflush(stdout);
        rc = duet_server_run(server);
    }
    if (rc < 0)
        fprintf(stderr, "%s\n", duet_server_error(server));
    duet_server_free(server);
    free(last_note);
    return rc < 0 ? 2 : rc;
}
