/*
 * The MessagePack-RPC codec: heads of every shape, cut and wrong; trees; replies and faults.
 */
#include "codec_msgpack.h"

#include "packed.h"
#include "writer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct duet_limits limits = {
    .max_message = 1 << 20, .max_values = 20000, .max_depth = 64};
static struct duet_arena arena;
static struct duet_fault fault;
static struct duet_incoming request;

static int set_up(void **state)
{
    (void)state;
    duet_arena_init(&arena, 1 << 20);
    request = (struct duet_incoming){.limits = &limits, .arena = &arena, .fault = &fault};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    free(request.bytes);
    duet_arena_done(&arena);
    return 0;
}

/* Puts the bytes where a sanitizer sees a read behind them. */
static void load(const void *bytes, size_t size)
{
    free(request.bytes);
    request.bytes = malloc(size);
    request.size = size;
    if (size > 0)
        memcpy(request.bytes, bytes, size);
    memset(&fault, 0, sizeof fault);
    duet_arena_reset(&arena);
}

static int head(const void *bytes, size_t size)
{
    load(bytes, size);
    return duet_codec_msgpack.head(&request);
}

/* Checks, reads and decodes a whole message. */
static int decode(const void *bytes, size_t size)
{
    load(bytes, size);
    int rc = duet_msgpack_check(&request);
    if (rc == 0)
        rc = duet_codec_msgpack.head(&request);
    if (rc == 0)
        rc = duet_codec_msgpack.decode(&request);
    return rc;
}

static int head_of(const char *text)
{
    struct packed message = packed_from("%s", text);
    return head(message.bytes, message.size);
}

static int decode_text(const char *text)
{
    struct packed message = packed_from("%s", text);
    return decode(message.bytes, message.size);
}

#define BYTES(text) text, sizeof(text) - 1

/* ---- Head */

static void a_request_is_read(void **state)
{
    (void)state;
    assert_int_equal(head_of("[0,1,'double',[21.0]]"), 0);
    assert_int_equal(request.kind, DUET_KIND_REQUEST);
    assert_true(request.has_msgid);
    assert_int_equal(request.msgid, 1);
    assert_int_equal(request.method_size, 6);
    assert_memory_equal(request.method, "double", 6);
    assert_int_equal(request.raw_seen, DUET_RAW_UNKNOWN);
}

static void a_msgid_may_come_in_any_encoding(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t size;
        uint32_t msgid;
    } rows[] = {
        {BYTES("\x7f"), 127},
        {BYTES("\xcc\x80"), 128},
        {BYTES("\xcc\x01"), 1},
        {BYTES("\xcd\x01\x02"), 0x102},
        {BYTES("\xce\xff\xff\xff\xff"), 0xffffffff},
        {BYTES("\xcf\0\0\0\0\xff\xff\xff\xff"), 0xffffffff},
        {BYTES("\xd0\x7f"), 127},
        {BYTES("\xd1\x01\x00"), 256},
        {BYTES("\xd2\x7f\xff\xff\xff"), 0x7fffffff},
        {BYTES("\xd3\0\0\0\0\x80\0\0\0"), 0x80000000},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char bytes[32] = "\x94\xd0\x00"; /* the type in a longer form, too */
        memcpy(bytes + 3, rows[i].bytes, rows[i].size);
        memcpy(bytes + 3 + rows[i].size, "\xa1m\x90", 3);
        assert_int_equal(head(bytes, rows[i].size + 6), 0);
        assert_true(request.has_msgid);
        assert_int_equal(request.msgid, rows[i].msgid);
        assert_memory_equal(request.method, "m", 1);
    }
}

static void a_method_may_be_a_string_or_bytes_and_tells_of_the_peer(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        size_t header_size, size;
        int raw_seen;
    } rows[] = {
        {BYTES("\xa5"), 5, DUET_RAW_UNKNOWN},
        {BYTES("\xbf"), 31, DUET_RAW_UNKNOWN},
        {BYTES("\xd9\x05"), 5, DUET_RAW_NEW_SEEN},
        {BYTES("\xda\x00\x05"), 5, DUET_RAW_UNKNOWN},
        {BYTES("\xda\x00\x20"), 32, DUET_RAW_OLD_SEEN},
        {BYTES("\xda\x00\xff"), 255, DUET_RAW_OLD_SEEN},
        {BYTES("\xda\x01\x00"), 256, DUET_RAW_UNKNOWN},
        {BYTES("\xdb\x00\x00\x00\x20"), 32, DUET_RAW_UNKNOWN},
        {BYTES("\xc4\x05"), 5, DUET_RAW_NEW_SEEN},
        {BYTES("\xc5\x00\x05"), 5, DUET_RAW_NEW_SEEN},
        {BYTES("\xc6\x00\x00\x00\x05"), 5, DUET_RAW_NEW_SEEN},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char bytes[300] = "\x94\x00\x01";
        char *next = bytes + 3;
        memcpy(next, rows[i].header, rows[i].header_size);
        next += rows[i].header_size;
        memset(next, 'm', rows[i].size);
        next += rows[i].size;
        *next++ = (char)0x90;
        assert_int_equal(head(bytes, (size_t)(next - bytes)), 0);
        assert_int_equal(request.method_size, rows[i].size);
        assert_int_equal(request.method[0], 'm');
        assert_int_equal(request.raw_seen, rows[i].raw_seen);
    }
}

static void notifications_and_responses_are_told_apart(void **state)
{
    (void)state;
    assert_int_equal(head_of("[2,'m',[]]"), 0);
    assert_int_equal(request.kind, DUET_KIND_NOTIFICATION);
    assert_false(request.has_msgid);
    assert_int_equal(head_of("[1,5,nil,true]"), 0);
    assert_int_equal(request.kind, DUET_KIND_RESPONSE);
    assert_int_equal(request.msgid, 5);
    assert_int_equal(head(BYTES("\xdc\x00\x04\x00\x05\xa1m\xc0")), 0);
    assert_int_equal(request.kind, DUET_KIND_REQUEST);
}

static void wrong_shapes_are_faults_that_find_their_caller(void **state)
{
    (void)state;
    enum { REQUEST = DUET_KIND_REQUEST, OTHER = DUET_KIND_NOTIFICATION };
    static const char begins[] =
        "a message begins with 0 (request), 1 (response) or 2 (notification)";
    static const char msgid_got[] = "msgid must be an integer from 0 to 4294967295, got ";
    static const struct {
        const char *message;
        bool has_msgid;
        int kind;
        const char *words, *got;
    } rows[] = {
        {"{1:2}", false, REQUEST, "a message must be an array, got map", ""},
        {"[]", false, REQUEST, begins, ""},
        {"['x',7,'m',[]]", false, REQUEST, begins, ""},
        {"[3,7,'m',[]]", true, REQUEST, begins, ""},
        {"[-1,7,'m',[]]", true, REQUEST, begins, ""},
        {"[0,7,'m']", true, REQUEST, "a request has 4 items, got 3", ""},
        {"[0,7]", true, REQUEST, "a request has 4 items, got 2", ""},
        {"[0]", false, REQUEST, "a request has 4 items, got 1", ""},
        {"[0,7,'m',[],1]", true, REQUEST, "a request has 4 items, got 5", ""},
        {"[2,'m']", false, OTHER, "a notification has 3 items, got 2", ""},
        {"[2,7,'m',[]]", false, OTHER, "a notification has 3 items, got 4", ""},
        {"[1,7,nil]", true, DUET_KIND_RESPONSE, "a response has 4 items, got 3", ""},
        {"[0,-1,'m',[]]", false, REQUEST, msgid_got, "a negative one"},
        {"[0,-4294967296,'m',[]]", false, REQUEST, msgid_got, "a negative one"},
        {"[0,4294967296,'m',[]]", false, REQUEST, msgid_got, "4294967296"},
        {"[0,'0','m',[]]", false, REQUEST, msgid_got, "string"},
        {"[0,0.0,'m',[]]", false, REQUEST, msgid_got, "double"},
        {"[0,nil,'m',[]]", false, REQUEST, msgid_got, "nil"},
        {"[0,7,5,[]]", true, REQUEST, "method must be a string, got int", ""},
        {"[0,7,true,[]]", true, REQUEST, "method must be a string, got bool", ""},
        {"[0,7,ext(1,'x'),[]]", true, REQUEST, "method must be a string, got ext", ""},
        {"[0,7,<dc 00 00>,[]]", true, REQUEST, "method must be a string, got array", ""},
        {"[0,7,'m',{}]", true, REQUEST, "params must be an array, got map", ""},
        {"[0,7,'m',b'']", true, REQUEST, "params must be an array, got bytes", ""},
        {"[0,7,'m',<de 00 00>]", true, REQUEST, "params must be an array, got map", ""},
        {"[2,'m',5]", false, OTHER, "params must be an array, got int", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char words[200];
        snprintf(words, sizeof words, "%s%s", rows[i].words, rows[i].got);
        assert_int_equal(head_of(rows[i].message), DUET_FAILED);
        assert_string_equal(fault.message, words);
        assert_int_equal(fault.code, DUET_FAULT_REQUEST);
        assert_int_equal(request.kind, rows[i].kind);
        assert_int_equal(request.has_msgid, rows[i].has_msgid);
        if (request.has_msgid)
            assert_int_equal(request.msgid, 7);
    }
}

static void a_cut_message_gives_its_msgid_as_soon_as_it_is_there(void **state)
{
    (void)state;
    static const char bytes[] = "\xdd\0\0\0\4\xcc\0\xce\0\0\0\x07\xd9\2mm\x90";
    for (size_t n = 0; n < sizeof bytes - 1; n++) {
        assert_int_equal(head(bytes, n), DUET_FAILED);
        assert_int_equal(fault.code, DUET_FAULT_PARSE);
        assert_string_equal(fault.message, "the message ends early");
        assert_int_equal(request.has_msgid, n >= 12);
    }
    assert_int_equal(head(bytes, sizeof bytes - 1), 0);

    assert_int_equal(head(BYTES("\x94\x00\x07\xdb\xff\xff\xff\xffmm")), DUET_FAILED);
    assert_true(request.has_msgid);
}

/* ---- The check of a body that no framing has walked */

static void a_body_must_be_one_whole_message(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t size;
        int code;
        const char *words;
    } rows[] = {
        {BYTES(""), DUET_FAULT_PARSE, "the message ends early, after 0 bytes"},
        {BYTES("\x94\x00\x07\xa1m\x91"), DUET_FAULT_PARSE,
         "the message ends early, after 6 bytes"},
        {BYTES("\x94\x00\x07\xa1m\x90\x90\x90"), DUET_FAULT_REQUEST,
         "2 bytes follow the message"},
        {BYTES("<?xml"), DUET_FAULT_PARSE, "not a MessagePack-RPC message: first byte 0x3c"},
        {BYTES("\x94\x00\x07\xa1m\xdd\xff\xff\xff\xff"), DUET_FAULT_LIMIT,
         "message of at least 4294967300 values exceeds --max-values 20000"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        load(rows[i].bytes, rows[i].size);
        assert_int_equal(duet_msgpack_check(&request), DUET_FAILED);
        assert_int_equal(fault.code, rows[i].code);
        assert_string_equal(fault.message, rows[i].words);
    }
    struct packed whole = packed_from("[0,7,'m',[1,[2]]]");
    load(whole.bytes, whole.size);
    assert_int_equal(duet_msgpack_check(&request), 0);
    assert_int_equal(request.values, 8);
}

/* ---- Trees */

static void every_encoding_becomes_its_object(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t size;
        msgpack_object object;
    } rows[] = {
        {BYTES("\xc0"), {.type = MSGPACK_OBJECT_NIL}},
        {BYTES("\xc2"), {.type = MSGPACK_OBJECT_BOOLEAN, .via.boolean = false}},
        {BYTES("\xc3"), {.type = MSGPACK_OBJECT_BOOLEAN, .via.boolean = true}},
        {BYTES("\x7f"), {.type = MSGPACK_OBJECT_POSITIVE_INTEGER, .via.u64 = 127}},
        {BYTES("\xcc\xff"), {.type = MSGPACK_OBJECT_POSITIVE_INTEGER, .via.u64 = 255}},
        {BYTES("\xcd\x01\x02"), {.type = MSGPACK_OBJECT_POSITIVE_INTEGER, .via.u64 = 0x102}},
        {BYTES("\xce\1\2\3\4"),
         {.type = MSGPACK_OBJECT_POSITIVE_INTEGER, .via.u64 = 0x1020304}},
        {BYTES("\xcf\xff\0\0\0\0\0\0\1"),
         {.type = MSGPACK_OBJECT_POSITIVE_INTEGER, .via.u64 = 0xff00000000000001}},
        {BYTES("\xe0"), {.type = MSGPACK_OBJECT_NEGATIVE_INTEGER, .via.i64 = -32}},
        {BYTES("\xd0\x80"), {.type = MSGPACK_OBJECT_NEGATIVE_INTEGER, .via.i64 = -128}},
        {BYTES("\xd0\x05"), {.type = MSGPACK_OBJECT_POSITIVE_INTEGER, .via.u64 = 5}},
        {BYTES("\xd1\x80\0"), {.type = MSGPACK_OBJECT_NEGATIVE_INTEGER, .via.i64 = -32768}},
        {BYTES("\xd1\0\x05"), {.type = MSGPACK_OBJECT_POSITIVE_INTEGER, .via.u64 = 5}},
        {BYTES("\xd2\x80\0\0\0"),
         {.type = MSGPACK_OBJECT_NEGATIVE_INTEGER, .via.i64 = INT32_MIN}},
        {BYTES("\xd3\x80\0\0\0\0\0\0\0"),
         {.type = MSGPACK_OBJECT_NEGATIVE_INTEGER, .via.i64 = INT64_MIN}},
        {BYTES("\xca\x3f\xc0\0\0"), {.type = MSGPACK_OBJECT_FLOAT64, .via.f64 = 1.5}},
        {BYTES("\xcb\x3f\xd3\x33\x33\x33\x33\x33\x34"),
         {.type = MSGPACK_OBJECT_FLOAT64, .via.f64 = 0.30000000000000004}},
        {BYTES("\xa2xy"), {.type = MSGPACK_OBJECT_STR, .via.str = {2, "xy"}}},
        {BYTES("\xd9\2xy"), {.type = MSGPACK_OBJECT_STR, .via.str = {2, "xy"}}},
        {BYTES("\xda\0\2xy"), {.type = MSGPACK_OBJECT_STR, .via.str = {2, "xy"}}},
        {BYTES("\xdb\0\0\0\2xy"), {.type = MSGPACK_OBJECT_STR, .via.str = {2, "xy"}}},
        {BYTES("\xa2\xff\xfe"), {.type = MSGPACK_OBJECT_STR, .via.str = {2, "\xff\xfe"}}},
        {BYTES("\xc4\2xy"), {.type = MSGPACK_OBJECT_BIN, .via.bin = {2, "xy"}}},
        {BYTES("\xc5\0\2xy"), {.type = MSGPACK_OBJECT_BIN, .via.bin = {2, "xy"}}},
        {BYTES("\xc6\0\0\0\2xy"), {.type = MSGPACK_OBJECT_BIN, .via.bin = {2, "xy"}}},
        {BYTES("\xd4\x85x"), {.type = MSGPACK_OBJECT_EXT, .via.ext = {-123, 1, "x"}}},
        {BYTES("\xd5\5xy"), {.type = MSGPACK_OBJECT_EXT, .via.ext = {5, 2, "xy"}}},
        {BYTES("\xd6\5wxyz"), {.type = MSGPACK_OBJECT_EXT, .via.ext = {5, 4, "wxyz"}}},
        {BYTES("\xd7\5stuvwxyz"), {.type = MSGPACK_OBJECT_EXT, .via.ext = {5, 8, "stuvwxyz"}}},
        {BYTES("\xd8\5stuvwxyzstuvwxyz"),
         {.type = MSGPACK_OBJECT_EXT, .via.ext = {5, 16, "stuvwxyzstuvwxyz"}}},
        {BYTES("\xc7\3\5xyz"), {.type = MSGPACK_OBJECT_EXT, .via.ext = {5, 3, "xyz"}}},
        {BYTES("\xc8\0\3\5xyz"), {.type = MSGPACK_OBJECT_EXT, .via.ext = {5, 3, "xyz"}}},
        {BYTES("\xc9\0\0\0\3\5xyz"), {.type = MSGPACK_OBJECT_EXT, .via.ext = {5, 3, "xyz"}}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char bytes[64] = "\x93\x02\xa1m\x92";
        memcpy(bytes + 5, rows[i].bytes, rows[i].size);
        bytes[5 + rows[i].size] = 0x2a;
        assert_int_equal(decode(bytes, rows[i].size + 6), 0);
        assert_int_equal(request.params.type, MSGPACK_OBJECT_ARRAY);
        assert_int_equal(request.params.via.array.size, 2);
        assert_true(msgpack_object_equal(request.params.via.array.ptr[0], rows[i].object));
        assert_int_equal(request.params.via.array.ptr[1].via.u64, 0x2a);
    }
}

/* Writes the tree back: the shortest proof that it is the one that came. */
static void expect_params(const void *bytes, size_t size)
{
    struct duet_writer writer;
    duet_writer_init(&writer, 1 << 20);
    duet_writer_start(&writer, &duet_writer_ops_msgpack, (struct duet_style){0}, &fault, 100);
    assert_int_equal(duet_write_value(&writer, (const duet_value *)&request.params), 0);
    assert_int_equal(duet_writer_finish(&writer), 0);
    assert_int_equal(writer.out.size, size);
    assert_memory_equal(writer.out.data, bytes, size);
    duet_writer_done(&writer);
}

static void containers_come_back_as_they_went(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "[]",
        "[[]]",
        "[{},[],{}]",
        "[{'k':[1,{'x':[]}],'l':[{}]}]",
        "[[[[[[[[[[[[[[[[[[[[1,2]]]]]]]]]]]]]]]]]]],3]",
        "[{[1,'k']:nil},2]", /* an array as a key */
        "[[[[1,2],3],4],[5,[6,[7,8]]]]",
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct packed message = packed_from("[0,7,'m',%s]", rows[i]);
        struct packed params = packed_from("%s", rows[i]);
        assert_int_equal(decode(message.bytes, message.size), 0);
        expect_params(params.bytes, params.size);
    }
    assert_int_equal(decode_text("[0,7,'m',<dd 00000001 df 00000001 de 0000 dc 0000>]"), 0);
    expect_params(BYTES("\x91\x81\x80\x90"));
}

static void nil_parameters_are_none(void **state)
{
    (void)state;
    assert_int_equal(decode_text("[0,7,'m',nil]"), 0);
    assert_int_equal(request.params.type, MSGPACK_OBJECT_ARRAY);
    assert_int_equal(request.params.via.array.size, 0);
}

static void the_deepest_allowed_tree_is_built(void **state)
{
    (void)state;
    char bytes[80] = "\x94\x00\x07\xa1m\x91";
    memset(bytes + 6, 0x91, 63);
    bytes[69] = (char)0x90;
    assert_int_equal(decode(bytes, 70), 0);
    expect_params(bytes + 5, 65);

    /* Two items at each level: every container around stays open. */
    memset(bytes + 5, 0x92, 65);
    char wide[200];
    memcpy(wide, bytes, 70);
    memset(wide + 70, 1, 66);
    assert_int_equal(decode(wide, 136), 0);
    expect_params(wide + 5, 131);
}

static void decoding_tells_old_peers_from_new_ones(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        size_t header_size, size;
        int raw_seen;
    } rows[] = {
        {BYTES("\xa1"), 1, DUET_RAW_UNKNOWN},
        {BYTES("\xda\x00\x1f"), 31, DUET_RAW_UNKNOWN},
        {BYTES("\xda\x00\x20"), 32, DUET_RAW_OLD_SEEN},
        {BYTES("\xda\x00\xff"), 255, DUET_RAW_OLD_SEEN},
        {BYTES("\xda\x01\x00"), 256, DUET_RAW_UNKNOWN},
        {BYTES("\xd9\x01"), 1, DUET_RAW_NEW_SEEN},
        {BYTES("\xc4\x01"), 1, DUET_RAW_NEW_SEEN},
        {BYTES("\xc5\x00\x01"), 1, DUET_RAW_NEW_SEEN},
        {BYTES("\xc6\x00\x00\x00\x01"), 1, DUET_RAW_NEW_SEEN},
        {BYTES("\xd4\x01"), 1, DUET_RAW_NEW_SEEN},
        {BYTES("\xc7\x01\x01"), 1, DUET_RAW_NEW_SEEN},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char bytes[300] = "\x94\x00\x07\xa1m\x91";
        memcpy(bytes + 6, rows[i].header, rows[i].header_size);
        memset(bytes + 6 + rows[i].header_size, 'x', rows[i].size);
        assert_int_equal(decode(bytes, 6 + rows[i].header_size + rows[i].size), 0);
        assert_int_equal(request.raw_seen, rows[i].raw_seen);
    }
}

static void a_tree_beyond_the_arena_is_a_limit(void **state)
{
    (void)state;
    char bytes[10010] = "\x94\x00\x07\xa1m\xdc\x27\x10";
    arena.max = 50000;
    assert_int_equal(decode(bytes, 8 + 10000), DUET_FAILED);
    assert_int_equal(fault.code, DUET_FAULT_LIMIT);
    assert_non_null(strstr(fault.message, "--max-message 1048576"));
}

/* ---- Replies */

static struct duet_writer writer;

static void begin(uint8_t error, uint8_t raw)
{
    duet_writer_init(&writer, 4096);
    duet_writer_start(&writer, &duet_writer_ops_msgpack,
                      (struct duet_style){.error = error, .raw = raw}, &fault, 64);
}

static void expect_reply(const char *text)
{
    assert_packed(writer.out.data, writer.out.size, "%s", text);
    duet_writer_done(&writer);
}

static void a_good_reply_is_framed(void **state)
{
    (void)state;
    begin(DUET_ERROR_STYLE_ARRAY, DUET_RAW_NEW);
    assert_int_equal(duet_codec_msgpack.begin_reply(&writer, 1), 0);
    assert_int_equal(duet_write_double(&writer, 42.0), 0);
    assert_int_equal(duet_writer_finish(&writer), 0);
    assert_int_equal(duet_codec_msgpack.end_reply(&writer), 0);
    expect_reply("[1,1,nil,42.0]");

    begin(DUET_ERROR_STYLE_ARRAY, DUET_RAW_NEW);
    assert_int_equal(duet_codec_msgpack.begin_reply(&writer, UINT32_MAX), 0);
    assert_int_equal(duet_writer_finish(&writer), 0);
    expect_reply("[1,4294967295,nil,nil]");
}

static void faults_are_written_in_the_style_of_the_peer(void **state)
{
    (void)state;
    static const struct {
        uint8_t style;
        int code;
        const char *reply;
    } rows[] = {
        {DUET_ERROR_STYLE_ARRAY, -32601, "[1,5,[-32601,'no'],nil]"},
        {DUET_ERROR_STYLE_ARRAY, 7, "[1,5,[7,'no'],nil]"},
        {DUET_ERROR_STYLE_STRING, -32601, "[1,5,'no',nil]"},
        {DUET_ERROR_STYLE_JUBATUS, -32601, "[1,5,1,nil]"},
        {DUET_ERROR_STYLE_JUBATUS, -32602, "[1,5,2,nil]"},
        {DUET_ERROR_STYLE_JUBATUS, -32500, "[1,5,'no',nil]"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct duet_fault no = {.code = rows[i].code, .message = "no"};
        begin(rows[i].style, DUET_RAW_NEW);
        assert_int_equal(duet_codec_msgpack.fault(&writer, 5, &no), 0);
        expect_reply(rows[i].reply);
    }
}

static void an_old_peer_gets_fault_words_as_raw(void **state)
{
    (void)state;
    struct duet_fault no = {.code = -32500, .message = "a message of more than 31 bytes !"};
    begin(DUET_ERROR_STYLE_STRING, DUET_RAW_OLD);
    assert_int_equal(duet_codec_msgpack.fault(&writer, 5, &no), 0);
    static const char raw[] = "\x94\x01\x05\xda\x00\x21"
                              "a message of more than 31 bytes !\xc0";
    assert_int_equal(writer.out.size, sizeof raw - 1);
    assert_memory_equal(writer.out.data, raw, sizeof raw - 1);
    duet_writer_done(&writer);
}

/* ---- Noise: what the walk lets pass is read without a step outside */

static void random_bytes_are_refused_or_decoded_but_never_harm(void **state)
{
    (void)state;
    srand(7);
    size_t good = 0;
    for (int i = 0; i < 200000; i++) {
        char bytes[64] = "\x94\x00\x07\xa1m\x94";
        size_t size = 6 + (size_t)rand() % 58;
        for (size_t k = 6; k < size; k++)
            bytes[k] = (char)(rand() >> 7);
        if (rand() & 1)
            bytes[rand() % 6] = (char)(rand() >> 7);
        head(bytes, size);
        struct duet_message message;
        _Alignas(16) char walk[1024];
        duet_framing_msgpack.start(walk, &limits);
        if (duet_framing_msgpack.next(walk, request.bytes, size, &message) == 1 &&
            decode(bytes, message.wire_size) == 0)
            good++;
    }
    assert_true(good > 1000);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_request_is_read),
        TEST(a_msgid_may_come_in_any_encoding),
        TEST(a_method_may_be_a_string_or_bytes_and_tells_of_the_peer),
        TEST(notifications_and_responses_are_told_apart),
        TEST(wrong_shapes_are_faults_that_find_their_caller),
        TEST(a_cut_message_gives_its_msgid_as_soon_as_it_is_there),
        TEST(a_body_must_be_one_whole_message),
        TEST(every_encoding_becomes_its_object),
        TEST(containers_come_back_as_they_went),
        TEST(nil_parameters_are_none),
        TEST(the_deepest_allowed_tree_is_built),
        TEST(decoding_tells_old_peers_from_new_ones),
        TEST(a_tree_beyond_the_arena_is_a_limit),
        TEST(a_good_reply_is_framed),
        TEST(faults_are_written_in_the_style_of_the_peer),
        TEST(an_old_peer_gets_fault_words_as_raw),
        TEST(random_bytes_are_refused_or_decoded_but_never_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
