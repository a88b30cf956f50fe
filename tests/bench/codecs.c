/*
 * What reading and writing costs by itself, in one thread and without a socket: our codecs,
 * and on the same bytes the libraries that others would use: msgpack-c, expat with handlers
 * that do nothing, xmlrpc-c. Sees the private headers, as the unit tests do. Prints one line of
 * JSON for each measurement.
 */
#include "codec.h"
#include "framing.h"
#include "writer.h"
#include "xmlrpc_expat_calls.h"

#include <expat.h>
#include <msgpack.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <xmlrpc-c/base.h>

enum { STRUCTS = 1000, XML_ROOM = 512 * 1024, ROUNDS = 15 };

/* Who reads or writes, once, exactly what a measurement is about; 0 or a failure. */
typedef int (*work_function)(void);

static double round_us = 20000; /* how long a round lasts */

static const struct duet_limits limits = {
    .max_message = 16 << 20, .max_head = 16 << 10, .max_values = 1000000, .max_depth = 64};

/* The message under work: pristine, and the copy that a reader may alter. */
static uint8_t *pristine, *message;
static size_t message_size;

static void stop(const char *what)
{
    fprintf(stderr, "codecs: %s failed\n", what);
    exit(1);
}

/* ---- Measuring */

static double now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static void repeat(const char *name, work_function work, uint64_t times)
{
    for (uint64_t i = 0; i < times; i++)
        if (work() != 0)
            stop(name);
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* How often the work fits into a round. */
static uint64_t times_for_a_round(const char *name, work_function work)
{
    for (uint64_t times = 1;; times *= 4) {
        double start = now_us();
        repeat(name, work, times);
        double took = now_us() - start;
        if (took > round_us / 8)
            return (uint64_t)((double)times * round_us / took) + 1;
    }
}

/* The median of several rounds. */
static void measure(const char *what, const char *who, work_function work, size_t bytes)
{
    char name[100];
    snprintf(name, sizeof name, "%s by %s", what, who);
    uint64_t times = times_for_a_round(name, work);
    double us[ROUNDS];
    for (int i = 0; i < ROUNDS; i++) {
        double start = now_us();
        repeat(name, work, times);
        us[i] = (now_us() - start) / (double)times;
    }
    qsort(us, ROUNDS, sizeof *us, compare);
    double median = us[ROUNDS / 2];
    printf("{\"what\": \"%s\", \"who\": \"%s\", \"ns\": %.1f, \"bytes\": %zu, "
           "\"mb_per_s\": %.1f}\n",
           what, who, median * 1000, bytes, (double)bytes / median);
    fflush(stdout);
}

/* ---- What is read */

static void set_message(const void *bytes, size_t size)
{
    pristine = realloc(pristine, size + 1);
    message = realloc(message, size + 1);
    if (pristine == NULL || message == NULL)
        stop("malloc");
    memcpy(pristine, bytes, size);
    pristine[size] = 0;
    memcpy(message, pristine, size + 1);
    message_size = size;
}

static void pack_text(msgpack_packer *packer, const char *text)
{
    msgpack_pack_str_with_body(packer, text, strlen(text));
}

static void pack_struct(msgpack_packer *packer, unsigned i)
{
    char name[32];
    snprintf(name, sizeof name, "name-%06u", i);
    msgpack_pack_map(packer, 3);
    pack_text(packer, "id");
    msgpack_pack_unsigned_int(packer, i);
    pack_text(packer, "name");
    pack_text(packer, name);
    pack_text(packer, "score");
    msgpack_pack_double(packer, i + 0.25);
}

/* A request: double(123456789), or echo of so many structs. */
static void set_msgpack(unsigned structs)
{
    msgpack_sbuffer buffer;
    msgpack_packer packer;
    msgpack_sbuffer_init(&buffer);
    msgpack_packer_init(&packer, &buffer, msgpack_sbuffer_write);
    msgpack_pack_array(&packer, 4);
    msgpack_pack_int(&packer, 0);
    msgpack_pack_unsigned_int(&packer, 0x12345678);
    pack_text(&packer, structs > 0 ? "echo" : "double");
    msgpack_pack_array(&packer, 1);
    if (structs > 0)
        msgpack_pack_array(&packer, structs);
    else
        msgpack_pack_unsigned_int(&packer, 123456789);
    for (unsigned i = 0; i < structs; i++)
        pack_struct(&packer, i);
    set_message(buffer.data, buffer.size);
    msgpack_sbuffer_destroy(&buffer);
}

static size_t put_xml_structs(char *to, unsigned structs)
{
    size_t size = (size_t)sprintf(to, "<value><array><data>\n");
    for (unsigned i = 0; i < structs; i++)
        size += (size_t)sprintf(
            to + size,
            "<value><struct>\n<member>\n<name>id</name>\n<value><int>%u</int></value>\n"
            "</member>\n<member>\n<name>name</name>\n<value><string>name-%06u</string>"
            "</value>\n</member>\n<member>\n<name>score</name>\n<value><double>%u.25</double>"
            "</value>\n</member>\n</struct></value>\n",
            i, i, i);
    return size + (size_t)sprintf(to + size, "</data></array></value>\n");
}

static void set_xml(unsigned structs)
{
    char *text = malloc(XML_ROOM);
    if (text == NULL)
        stop("malloc");
    size_t size =
        (size_t)sprintf(text,
                        "<?xml version='1.0'?>\n<methodCall>\n<methodName>%s</methodName>\n"
                        "<params>\n<param>\n",
                        structs > 0 ? "echo" : "double");
    if (structs > 0)
        size += put_xml_structs(text + size, structs);
    else
        size += (size_t)sprintf(text + size, "<value><int>123456789</int></value>\n");
    size += (size_t)sprintf(text + size, "</param>\n</params>\n</methodCall>\n");
    set_message(text, size);
    free(text);
}

/* ---- Ours */

static const struct duet_codec *codec;
static struct duet_arena arena;
static struct duet_fault fault;
static struct duet_incoming request;
static struct duet_writer writer;

static int duet_walk(void)
{
    static uint64_t state[64]; /* checked by main */
    struct duet_message walked;
    duet_framing_msgpack.start(state, &limits);
    enum duet_frame frame = duet_framing_msgpack.next(state, message, message_size, &walked);
    return frame == DUET_FRAME_WHOLE ? 0 : -1;
}

static int duet_decode(void)
{
    memcpy(message, pristine, message_size); /* reading may alter it */
    duet_arena_reset(&arena);
    request = (struct duet_incoming){.bytes = message,
                                     .size = message_size,
                                     .limits = &limits,
                                     .arena = &arena,
                                     .fault = &fault};
    int rc = codec->head(&request);
    return rc == 0 ? codec->decode(&request) : rc;
}

/* As a call of MessagePack-RPC comes: the walk first. */
static int duet_walk_and_decode(void)
{
    return duet_walk() == 0 ? duet_decode() : -1;
}

/* A whole reply whose result is the request's argument. */
static int duet_encode(void)
{
    duet_writer_start(&writer, codec->writer_ops, (struct duet_style){0}, &fault, 64);
    int rc = codec->begin_reply(&writer, 0x12345678);
    if (rc == 0)
        rc = duet_write_value(&writer, (const duet_value *)request.params.via.array.ptr);
    if (rc == 0)
        rc = codec->end_reply(&writer);
    return rc == 0 && writer.out.size > 0 ? 0 : -1;
}

/* ---- msgpack-c */

static msgpack_zone *zone;
static msgpack_object unpacked;
static msgpack_sbuffer packed;

static int msgpack_c_decode(void)
{
    size_t offset = 0;
    memcpy(message, pristine, message_size);
    msgpack_zone_clear(zone);
    return msgpack_unpack((const char *)message, message_size, &offset, zone, &unpacked) ==
                   MSGPACK_UNPACK_SUCCESS
               ? 0
               : -1;
}

static int msgpack_c_encode(void)
{
    msgpack_packer packer;
    msgpack_sbuffer_clear(&packed);
    msgpack_packer_init(&packer, &packed, msgpack_sbuffer_write);
    int rc = msgpack_pack_array(&packer, 4);
    rc |= msgpack_pack_int(&packer, 1);
    rc |= msgpack_pack_unsigned_int(&packer, 0x12345678);
    rc |= msgpack_pack_nil(&packer);
    rc |= msgpack_pack_object(&packer, unpacked.via.array.ptr[3].via.array.ptr[0]);
    return rc;
}

/* ---- expat, with handlers that do nothing */

static XML_Parser parser;

static void XMLCALL no_start(void *data, const XML_Char *name, const XML_Char **attributes)
{
    (void)data;
    (void)name;
    (void)attributes;
}

static void XMLCALL no_end(void *data, const XML_Char *name)
{
    (void)data;
    (void)name;
}

static void XMLCALL no_text(void *data, const XML_Char *text, int size)
{
    (void)data;
    (void)text;
    (void)size;
}

static int expat_parse(void)
{
    memcpy(message, pristine, message_size);
    XML_ParserReset(parser, NULL);
    duet_expat_salt(parser, (const uint8_t[16]){1}); /* else each document draws random
                                                        numbers */
    XML_SetElementHandler(parser, no_start, no_end);
    XML_SetCharacterDataHandler(parser, no_text);
    return XML_Parse(parser, (const char *)message, (int)message_size, 1) == XML_STATUS_OK ? 0
                                                                                           : -1;
}

/* ---- xmlrpc-c */

static xmlrpc_env env;
static xmlrpc_value *argument;

static int xmlrpc_c_decode(void)
{
    const char *method;
    xmlrpc_value *params;
    memcpy(message, pristine, message_size);
    xmlrpc_parse_call(&env, (const char *)message, message_size, &method, &params);
    if (env.fault_occurred)
        return -1;
    if (argument != NULL)
        xmlrpc_DECREF(argument);
    xmlrpc_array_read_item(&env, params, 0, &argument);
    xmlrpc_DECREF(params);
    free((void *)method);
    return env.fault_occurred;
}

static int xmlrpc_c_encode(void)
{
    xmlrpc_mem_block *block = XMLRPC_MEMBLOCK_NEW(char, &env, 0);
    xmlrpc_serialize_response(&env, block, argument);
    XMLRPC_MEMBLOCK_FREE(char, block);
    return env.fault_occurred;
}

/* ---- All of it */

static size_t encoded_size(void)
{
    if (duet_decode() != 0 || duet_encode() != 0)
        stop("duet");
    return duet_writer_size(&writer);
}

static void measure_msgpack(const char *decode, const char *encode)
{
    codec = &duet_codec_msgpack;
    size_t size = encoded_size();
    measure(decode, "duet, the walk alone", duet_walk, message_size);
    measure(decode, "duet, walk and decode", duet_walk_and_decode, message_size);
    measure(decode, "msgpack-c", msgpack_c_decode, message_size);
    measure(encode, "duet", duet_encode, size);
    measure(encode, "msgpack-c", msgpack_c_encode, size);
}

static void measure_xml(const char *decode, const char *encode)
{
    codec = &duet_codec_xmlrpc;
    size_t size = encoded_size();
    measure(decode, "duet", duet_decode, message_size);
    measure(decode, "expat, empty handlers", expat_parse, message_size);
    measure(decode, "xmlrpc-c", xmlrpc_c_decode, message_size);
    measure(encode, "duet", duet_encode, size);
    measure(encode, "xmlrpc-c", xmlrpc_c_encode, size);
}

static void set_up(void)
{
    duet_arena_init(&arena, (size_t)256 << 20);
    duet_writer_init(&writer, (size_t)64 << 20);
    zone = msgpack_zone_new(MSGPACK_ZONE_CHUNK_SIZE);
    msgpack_sbuffer_init(&packed);
    parser = XML_ParserCreate(NULL);
    xmlrpc_env_init(&env);
    xmlrpc_limit_set(XMLRPC_XML_SIZE_LIMIT_ID, XML_ROOM);
    if (zone == NULL || parser == NULL || duet_framing_msgpack.state_size(&limits) > 512)
        stop("set-up");
}

static void tear_down(void)
{
    xmlrpc_DECREF(argument);
    xmlrpc_env_clean(&env);
    XML_ParserFree(parser);
    msgpack_sbuffer_destroy(&packed);
    msgpack_zone_free(zone);
    duet_writer_done(&writer);
    duet_arena_done(&arena);
    free(message);
    free(pristine);
}

int main(int argc, char *argv[])
{
    if (argc > 1 && strcmp(argv[1], "--quick") == 0)
        round_us = 1000;
    set_up();
    set_msgpack(0);
    measure_msgpack("msgpack: read double(n)", "msgpack: write its reply");
    set_msgpack(STRUCTS);
    measure_msgpack("msgpack: read 1,000 structs", "msgpack: write 1,000 structs");
    set_xml(0);
    measure_xml("xml: read double(n)", "xml: write its reply");
    set_xml(STRUCTS);
    measure_xml("xml: read 1,000 structs", "xml: write 1,000 structs");
    tear_down();
    return 0;
}
