/*
 * Fuzz target: types, a signature that may use them, and arguments that are held against it. An
 * input is the types' text, a NUL, the signature's, a NUL, and the arguments as MessagePack.
 * Whatever they are: nothing is read outside, what is refused is refused with words and leaves
 * the arguments as they were, what passes passes again as it then is, and can be taken back.
 */
#include "codec_msgpack.h"
#include "signature.h"
#include "type_describe.h"
#include "type_names.h"
#include "writer.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static const struct duet_limits limits = {
    .max_message = 1 << 20, .max_values = 5000, .max_depth = 64};

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void write_params(struct duet_writer *writer, const struct duet_incoming *request)
{
    static struct duet_fault fault;
    duet_writer_init(writer, 4 << 20);
    duet_writer_start(writer, &duet_writer_ops_msgpack, (struct duet_style){0}, &fault, 100);
    require(duet_write_value(writer, (const duet_value *)&request->params) == 0);
}

static void require_same(const struct duet_writer *before, const struct duet_incoming *request)
{
    struct duet_writer now;
    write_params(&now, request);
    require(now.out.size == before->out.size &&
            memcmp(now.out.data, before->out.data, now.out.size) == 0);
    duet_writer_done(&now);
}

static void check(const struct duet_signature *signature, struct duet_incoming *request)
{
    struct duet_writer before, changed;
    write_params(&before, request);
    request->fault->code = 0;
    bool passes = duet_signature_check(signature, "m", request) == 0;
    require(passes == (request->fault->code == 0));
    if (passes) {
        struct duet_type_change *changes = request->changes;
        write_params(&changed, request);
        require(duet_signature_check(signature, "m", request) == 0);
        require_same(&changed, request);
        duet_writer_done(&changed);
        request->changes = changes;
        duet_signature_restore(request);
    }
    require_same(&before, request);
    duet_writer_done(&before);
}

static void read_arguments(const struct duet_signature *signature, const uint8_t *bytes,
                           size_t size)
{
    static const char head[] = "\x93\x02\xa1m"; /* a notification of m */
    struct duet_arena arena;
    struct duet_fault fault = {0};
    uint8_t *copy = malloc(sizeof head + size);
    require(copy != NULL);
    memcpy(copy, head, sizeof head - 1);
    if (size > 0)
        memcpy(copy + sizeof head - 1, bytes, size);
    copy[sizeof head - 1 + size] = 0xaa;
    duet_arena_init(&arena, 8 << 20);
    struct duet_incoming request = {.bytes = copy,
                                    .size = sizeof head - 1 + size,
                                    .limits = &limits,
                                    .arena = &arena,
                                    .fault = &fault};
    if (duet_msgpack_check(&request) == 0 && duet_codec_msgpack.head(&request) == 0 &&
        duet_codec_msgpack.decode(&request) == 0)
        check(signature, &request);
    duet_arena_done(&arena);
    free(copy);
}

/* Whatever was declared can be told of, and has an end. */
static void describe(const struct duet_signature *signature)
{
    struct duet_writer writer;
    struct duet_fault fault = {0};
    duet_writer_init(&writer, 64 << 20);
    duet_writer_start(&writer, &duet_writer_ops_msgpack, (struct duet_style){0}, &fault, 200);
    duet_write_record(&writer, DUET_DESCRIBED_FIELDS, DUET_RECORD_MAP);
    require(duet_types_describe(signature->types, &writer) == 0);
    require(duet_writer_finish(&writer) == 0);
    duet_writer_done(&writer);
}

static char *take_text(const uint8_t **bytes, size_t *size)
{
    const uint8_t *end = *size > 0 ? memchr(*bytes, 0, *size) : NULL;
    size_t length = end != NULL ? (size_t)(end - *bytes) : *size;
    char *text = malloc(length + 1);
    require(text != NULL);
    if (length > 0)
        memcpy(text, *bytes, length);
    text[length] = '\0';
    size_t used = length + (end != NULL);
    *bytes += used;
    *size -= used;
    return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    char words[1000] = "", *types = take_text(&bytes, &size);
    char *text = take_text(&bytes, &size);
    struct duet_type_names *names = duet_type_names_new();
    require(names != NULL);
    int rc = duet_type_names_add(names, types, words, sizeof words);
    require((rc < 0) == (words[0] != '\0'));

    struct duet_signature signature;
    words[0] = '\0';
    rc = duet_signature_init(&signature, text, NULL, names, words, sizeof words);
    require((rc < 0) == (words[0] != '\0'));
    duet_type_names_unref(names);
    if (rc == 0) {
        describe(&signature);
        read_arguments(&signature, bytes, size);
        duet_signature_done(&signature);
    }
    free(types);
    free(text);
    return 0;
}
