/*
 * The calling side of a codec, for calling_side.py. usage: codec_pipe xmlrpc|msgpack. Reads
 * jobs from stdin, each a line and that many bytes:
 *
 *     call METHOD SIZE   arguments, as a MessagePack array: the call that the codec makes of
 * them reply SIZE         a reply: what it says
 *
 * and answers each with a line "WHAT SIZE" and that many bytes: "call" and the call; "result"
 * and the value, "fault" and [code, message, data], both as MessagePack; or "bad" and the
 * reason.
 */
#include "codec_msgpack.h"
#include "writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROOM = 16 << 20, METHOD_ROOM = 256 };

static const struct duet_limits limits = {
    .max_message = ROOM, .max_head = 16384, .max_values = 1000000, .max_depth = 64};
static struct duet_arena arena;
static struct duet_fault fault;
static struct duet_writer writer;

_Noreturn static void die(const char *why)
{
    fprintf(stderr, "codec_pipe: %s\n", why);
    exit(EXIT_FAILURE);
}

static void answer(const char *what, const void *bytes, size_t size)
{
    printf("%s %zu\n", what, size);
    fwrite(bytes, 1, size, stdout);
    fflush(stdout);
}

/* What was written, or why it was not. */
static void answer_written(const char *what, int rc)
{
    if (rc == 0)
        rc = duet_writer_finish(&writer);
    if (rc == 0)
        answer(what, writer.out.data, writer.out.size);
    else
        answer("bad", fault.message, strlen(fault.message));
}

static void start(const struct duet_writer_ops *ops)
{
    duet_writer_start(&writer, ops, (struct duet_style){0}, &fault, limits.max_depth + 1);
}

/* The job's bytes are the params of a notification: as such they are read. */
static int read_arguments(struct duet_incoming *job, const uint8_t *bytes, size_t size)
{
    static const uint8_t before[] = {0x93, 2, 0xa1, 'm'};
    job->size = sizeof before + size;
    job->bytes = duet_arena_alloc(&arena, job->size + 1);
    if (job->bytes == NULL)
        die("no memory");
    memcpy(job->bytes, before, sizeof before);
    memcpy(job->bytes + sizeof before, bytes, size);
    int rc = duet_msgpack_check(job);
    if (rc == 0)
        rc = duet_codec_msgpack.head(job);
    return rc == 0 ? duet_codec_msgpack.decode(job) : rc;
}

static void write_call(const struct duet_codec *codec, struct duet_incoming *job,
                       const char *method, const uint8_t *bytes, size_t size)
{
    int rc = read_arguments(job, bytes, size);
    const duet_value *params = (const duet_value *)&job->params;
    start(codec->writer_ops);
    if (rc == 0)
        rc = codec->begin_call(&writer, DUET_KIND_REQUEST, 7, method, duet_value_count(params));
    for (size_t i = 0; rc == 0 && i < duet_value_count(params); i++)
        rc = duet_write_value(&writer, duet_value_item(params, i));
    if (rc == 0)
        rc = duet_writer_finish(&writer);
    answer_written("call", rc == 0 ? codec->end_call(&writer) : rc);
}

static int write_fault(const struct duet_response *response)
{
    duet_write_array(&writer, 3);
    duet_write_int(&writer, response->code);
    duet_write_string(&writer, response->message, response->message_size);
    return duet_write_value(&writer, (const duet_value *)&response->data);
}

static void read_reply(const struct duet_codec *codec, struct duet_incoming *job)
{
    struct duet_response response;
    int rc = codec == &duet_codec_msgpack ? duet_msgpack_check(job) : 0;
    if (rc == 0)
        rc = codec->reply(job, &response);
    start(&duet_writer_ops_msgpack);
    if (rc == 0 && response.status == DUET_RESPONSE_FAULT)
        answer_written("fault", write_fault(&response));
    else if (rc == 0)
        answer_written("result",
                       duet_write_value(&writer, (const duet_value *)&response.result));
    else
        answer_written("bad", rc);
}

static void do_job(const struct duet_codec *codec, const char *line, uint8_t *bytes)
{
    char method[METHOD_ROOM];
    size_t size;
    bool is_call = sscanf(line, "call %255s %zu", method, &size) == 2;
    if ((!is_call && sscanf(line, "reply %zu", &size) != 1) || size >= ROOM)
        die("no such job");
    if (fread(bytes, 1, size, stdin) != size)
        die("the job ends early");

    memset(&fault, 0, sizeof fault);
    duet_arena_reset(&arena);
    struct duet_incoming job = {
        .bytes = bytes, .size = size, .limits = &limits, .arena = &arena, .fault = &fault};
    if (is_call)
        write_call(codec, &job, method, bytes, size);
    else
        read_reply(codec, &job);
}

int main(int argc, char *argv[])
{
    const struct duet_codec *codec =
        argc == 2 && strcmp(argv[1], "msgpack") == 0 ? &duet_codec_msgpack : &duet_codec_xmlrpc;
    char line[METHOD_ROOM + 64];
    uint8_t *bytes = malloc(ROOM);
    if (bytes == NULL)
        die("no memory");
    duet_arena_init(&arena, (size_t)1 << 30);
    duet_writer_init(&writer, ROOM);
    while (fgets(line, sizeof line, stdin) != NULL)
        do_job(codec, line, bytes);
    duet_writer_done(&writer);
    duet_arena_done(&arena);
    free(bytes);
    return 0;
}
