/*
 * The calling side of both codecs: replies of all shapes, and what one side writes read by the
 * other: calls by head and decode, replies and faults by reply.
 */
#include "codec_msgpack.h"

#include "packed.h"
#include "random_value.h"
#include "writer.h"
#include "xmlrpc_agree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static struct duet_limits limits;
static struct duet_arena arena;
static struct duet_fault fault;
static struct duet_incoming incoming;
static struct duet_response response;
static struct duet_writer writer, plain;

static int set_up(void **state)
{
    (void)state;
    limits = (struct duet_limits){
        .max_message = 1 << 22, .max_head = 1 << 14, .max_values = 100000, .max_depth = 64};
    duet_arena_init(&arena, 1 << 24);
    duet_writer_init(&writer, 1 << 22);
    duet_writer_init(&plain, 1 << 22);
    incoming = (struct duet_incoming){.limits = &limits, .arena = &arena, .fault = &fault};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    free(incoming.bytes);
    duet_arena_done(&arena);
    duet_writer_done(&writer);
    duet_writer_done(&plain);
    return 0;
}

/* Puts the bytes where a sanitizer sees a read too far: one behind them is readable. */
static void load(const void *bytes, size_t size)
{
    free(incoming.bytes);
    incoming.bytes = malloc(size + 1);
    assert_non_null(incoming.bytes);
    if (size > 0)
        memcpy(incoming.bytes, bytes, size);
    incoming.bytes[size] = 0xaa;
    incoming.size = size;
    memset(&fault, 0, sizeof fault);
    duet_arena_reset(&arena);
}

static int read_reply(const struct duet_codec *codec, const void *bytes, size_t size)
{
    load(bytes, size);
    int rc = codec == &duet_codec_msgpack ? duet_msgpack_check(&incoming) : 0;
    return rc == 0 ? codec->reply(&incoming, &response) : rc;
}

static void start(struct duet_writer *to, const struct duet_writer_ops *ops)
{
    duet_writer_start(to, ops, (struct duet_style){0}, &fault, limits.max_depth);
}

static void expect_packed(const msgpack_object *value, const char *text)
{
    start(&plain, &duet_writer_ops_msgpack);
    assert_int_equal(duet_write_value(&plain, (const duet_value *)value), 0);
    assert_packed(plain.out.data, plain.out.size, "%s", text);
}

/* ---- MessagePack-RPC */

static void results_of_messagepack(void **state)
{
    (void)state;
    static const struct {
        const char *reply;
        uint32_t msgid;
        const char *result; /* NULL: a fault */
    } rows[] = {
        {"[1,1,nil,42.0]", 1, "42.0"},
        {"[1,0,nil,nil]", 0, "nil"},
        {"[1,4294967295,nil,{'a':[1,'x',b'y']}]", UINT32_MAX, "{'a':[1,'x',b'y']}"},
        {"[1,<cf0000000000000005>,nil,[]]", 5, "[]"},
        {"[1,5,nil,false]", 5, "false"},
        {"[1,5,'no',nil]", 5, NULL},
        {"[1,5,'no',7]", 5, NULL}, /* both: an error is an error */
        {"[1,5,false,7]", 5, NULL},
        {"[1,5,0,nil]", 5, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct packed reply = packed_from("%s", rows[i].reply);
        assert_int_equal(read_reply(&duet_codec_msgpack, reply.bytes, reply.size), 0);
        assert_int_equal(incoming.kind, DUET_KIND_RESPONSE);
        assert_true(incoming.has_msgid);
        assert_int_equal(incoming.msgid, rows[i].msgid);
        assert_int_equal(response.status,
                         rows[i].result != NULL ? DUET_RESPONSE_RESULT : DUET_RESPONSE_FAULT);
        expect_packed(&response.result, rows[i].result != NULL ? rows[i].result : "nil");
    }
}

static void what_is_no_reply_of_messagepack(void **state)
{
    (void)state;
    static const struct {
        const char *message;
        int code;
        const char *words;
        bool has_msgid;
    } rows[] = {
        {"[0,5,'m',[]]", DUET_FAULT_REQUEST, "a call where the reply to one must be", true},
        {"[2,'m',[]]", DUET_FAULT_REQUEST, "a call where the reply to one must be", false},
        {"[1,5,nil]", DUET_FAULT_REQUEST, "a response has 4 items, got 3", true},
        {"[1,5,nil,1,2]", DUET_FAULT_REQUEST, "a response has 4 items, got 5", true},
        {"[1,'5',nil,1]", DUET_FAULT_REQUEST, "msgid must be an integer", false},
        {"[1,-5,nil,1]", DUET_FAULT_REQUEST, "msgid must be an integer", false},
        {"[1,4294967296,nil,1]", DUET_FAULT_REQUEST, "msgid must be an integer", false},
        {"[3,5,nil,1]", DUET_FAULT_REQUEST, "a message begins with", true},
        {"[]", DUET_FAULT_REQUEST, "a message begins with", false},
        {"{}", DUET_FAULT_PARSE, "not a MessagePack-RPC message", false},
        {"[1,5,nil,1] 7", DUET_FAULT_REQUEST, "1 bytes follow the message", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct packed message = packed_from("%s", rows[i].message);
        incoming.has_msgid = false;
        assert_int_equal(read_reply(&duet_codec_msgpack, message.bytes, message.size),
                         DUET_FAILED);
        if (fault.code != rows[i].code || strstr(fault.message, rows[i].words) == NULL)
            fail_msg("%s: %d %s", rows[i].message, fault.code, fault.message);
        assert_int_equal(incoming.has_msgid, rows[i].has_msgid);
    }

    struct packed whole = packed_from("[1,5,[7,'no'],{'a':[1,2.5]}]");
    for (size_t size = 0; size < whole.size; size++)
        assert_int_equal(read_reply(&duet_codec_msgpack, whole.bytes, size), DUET_FAILED);
}

static void a_stream_brings_replies_byte_by_byte(void **state)
{
    (void)state;
    struct packed stream = packed_from("[1,5,nil,[1,{'a':2.5}]] [1,6,[7,'no'],nil]");
    const struct duet_framing *framing = &duet_framing_msgpack;
    void *walk = malloc(framing->state_size(&limits));
    assert_non_null(walk);
    size_t at = 0;
    for (uint32_t msgid = 5; msgid <= 6; msgid++) {
        struct duet_message message;
        size_t n = 0;
        framing->start(walk, &limits);
        do
            load(stream.bytes + at, ++n);
        while (framing->next(walk, incoming.bytes, n, &message) == DUET_FRAME_MORE);
        assert_int_equal(duet_codec_msgpack.reply(&incoming, &response), 0);
        assert_int_equal(incoming.msgid, msgid);
        at += n;
    }
    assert_int_equal(at, stream.size);
    assert_int_equal(response.code, 7);
    free(walk);
}

static void a_reply_has_no_more_memory_than_it_may(void **state)
{
    (void)state;
    duet_arena_done(&arena);
    duet_arena_init(&arena, 4096);
    uint8_t bytes[2 + 1 + 1 + 3 + 1000] = {0x94, 1, 5, 0xc0, 0xdc, 1000 >> 8, 1000 & 255};
    assert_int_equal(read_reply(&duet_codec_msgpack, bytes, 7 + 1000), DUET_FAILED);
    assert_int_equal(fault.code, DUET_FAULT_LIMIT);
}

static void the_deepest_reply_is_read(void **state)
{
    (void)state;
    limits.max_depth = 20;
    char text[200];
    snprintf(text, sizeof text,
             "[1,5,[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]],"
             "[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]");
    struct packed reply = packed_from("%s", text);
    assert_int_equal(read_reply(&duet_codec_msgpack, reply.bytes, reply.size), 0);
    assert_int_equal(response.status, DUET_RESPONSE_FAULT);
    assert_int_equal(response.data.type, MSGPACK_OBJECT_ARRAY);
}

/* ---- XML-RPC */

#define RESPONSE(inside) "<methodResponse>" inside "</methodResponse>"
#define RESULT(value) RESPONSE("<params><param>" value "</param></params>")
#define FAULT(value) RESPONSE("<fault><value>" value "</value></fault>")
#define MEMBER(name, value) "<member><name>" name "</name><value>" value "</value></member>"
#define CODE(value) MEMBER("faultCode", value)
#define WORDS(value) MEMBER("faultString", value)

/* Fast or not, the same comes of it. */
static int read_document(const char *text)
{
    assert_int_not_equal(agree_under_limits_on(DUET_KIND_RESPONSE, text, strlen(text)),
                         READ_DIFFERENTLY);
    return read_reply(&duet_codec_xmlrpc, text, strlen(text));
}

static void results_of_xmlrpc(void **state)
{
    (void)state;
    static const struct {
        const char *reply, *result;
    } rows[] = {
        {RESULT("<value><int>42</int></value>"), "42"},
        {RESULT("<value><i8>42</i8></value>"), "42"},
        {RESULT("<value>plain</value>"), "'plain'"},
        {RESULT("<value/>"), "''"},
        {RESULT("<value><nil/></value>"), "nil"},
        {RESULT("<value><ex:nil/></value>"), "nil"},
        {RESULT("<value><array><data><value><double>1.5</double></value></data></array>"
                "</value>"),
         "[1.5]"},
        {RESULT("<value><struct>" MEMBER("a", "<boolean>1</boolean>") "</struct></value>"),
         "{'a':true}"},
        /* Around it */
        {"<?xml version='1.0' encoding=\"UTF-8\"?>\r\n" RESULT("<value>x</value>") "\n \n",
         "'x'"},
        {"<?xml version=\"1.0\" encoding=\"iso-8859-1\"?>" RESULT("<value>\xe9</value>"),
         "'\xc3\xa9'"},
        {"\xef\xbb\xbf" RESULT("<value>x</value>"), "'x'"},
        {"<!-- a --><methodResponse xmlns:ex='http://ws.apache.org/xmlrpc/namespaces/"
         "extensions'>\n<params>\n <param>\n  <value><ex:i8>7</ex:i8></value>\n </param>\n"
         "</params>\n</methodResponse>",
         "7"},
        /* Methods that return nothing, of servers that know no nil */
        {RESPONSE("<params></params>"), "nil"},
        {RESPONSE("<params/>"), "nil"},
        {RESPONSE("<params><param/></params>"), "nil"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int rc = read_document(rows[i].reply);
        if (rc < 0)
            fail_msg("%s: %s", rows[i].reply, fault.message);
        assert_int_equal(response.status, DUET_RESPONSE_RESULT);
        assert_int_equal(incoming.kind, DUET_KIND_RESPONSE);
        assert_false(incoming.has_msgid);
        expect_packed(&response.result, rows[i].result);
    }
}

static void faults_of_xmlrpc(void **state)
{
    (void)state;
    static const struct {
        const char *reply;
        int64_t code;
        const char *message, *data;
    } rows[] = {
        {FAULT("<struct>" CODE("<int>4</int>") WORDS("<string>Too many.</string>") "</struct>"),
         4, "Too many.", "nil"},
        {FAULT("<struct>" CODE("<i4>-32601</i4>") WORDS("no") "</struct>"), -32601, "no",
         "nil"},
        {FAULT("<struct>" CODE("<i8>-506</i8>") WORDS("no") "</struct>"), -506, "no", "nil"},
        {FAULT("<struct>" CODE("<int> 4 </int>") WORDS("") "</struct>"), 4, "", "nil"},
        {FAULT("\n<struct>\n" WORDS("first") "\n" CODE("<int>4</int>") "\n</struct>\n"), 4,
         "first", "nil"},
        {FAULT("<struct>" CODE("<int>4</int>") "</struct>"), 4, "fault", "nil"},
        {FAULT("<struct>" WORDS("no") "</struct>"), DUET_FAULT_APPLICATION, "no", "nil"},
        {FAULT("<struct>" CODE("<int>4</int>") WORDS("no") MEMBER("at", "7") "</struct>"), 4,
         "no", "{'faultCode':4,'faultString':'no','at':'7'}"},
        {FAULT("<struct>" CODE("4") WORDS("no") "</struct>"), DUET_FAULT_APPLICATION, "no",
         "{'faultCode':'4','faultString':'no'}"},
        {FAULT("<struct></struct>"), DUET_FAULT_APPLICATION, "application error", "{}"},
        {FAULT("no"), DUET_FAULT_APPLICATION, "no", "nil"},
        {FAULT("<array><data/></array>"), DUET_FAULT_APPLICATION, "application error", "[]"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int rc = read_document(rows[i].reply);
        if (rc < 0)
            fail_msg("%s: %s", rows[i].reply, fault.message);
        assert_int_equal(response.status, DUET_RESPONSE_FAULT);
        if (response.code != rows[i].code || strcmp(response.message, rows[i].message) != 0)
            fail_msg("%s: %d %s", rows[i].reply, (int)response.code, response.message);
        assert_int_equal(response.result.type, MSGPACK_OBJECT_NIL);
        expect_packed(&response.data, rows[i].data);
    }
}

static void what_is_no_reply_of_xmlrpc(void **state)
{
    (void)state;
    static const struct {
        const char *document;
        int code;
        const char *words;
    } rows[] = {
        {"", DUET_FAULT_PARSE, "not well-formed"},
        {"<html>busy</html>", DUET_FAULT_REQUEST, "<html> where <methodResponse> must be"},
        {"<methodCall><methodName>m</methodName></methodCall>", DUET_FAULT_REQUEST,
         "<methodCall> where <methodResponse> must be"},
        {RESPONSE(""), DUET_FAULT_REQUEST, "<methodResponse> has neither <params> nor <fault>"},
        {RESPONSE("<params><param><value>1</value></param><param><value>2</value></param>"
                  "</params>"),
         DUET_FAULT_REQUEST, "a reply has one value, got 2"},
        {RESPONSE("<params/><fault><value>x</value></fault>"), DUET_FAULT_REQUEST,
         "a <fault> beside <params>"},
        {RESPONSE("<fault><value>x</value></fault><params/>"), DUET_FAULT_REQUEST,
         "<params> beside a <fault>"},
        {RESPONSE("<fault><value>x</value></fault><fault><value>x</value></fault>"),
         DUET_FAULT_REQUEST, "a second <fault>"},
        {RESPONSE("<fault><value>x</value><value>x</value></fault>"), DUET_FAULT_REQUEST,
         "<value> does not belong in <fault> after its value"},
        {RESPONSE("<params/><params/>"), DUET_FAULT_REQUEST, "a second <params>"},
        {RESPONSE("<fault></fault>"), DUET_FAULT_REQUEST, "<fault> is empty"},
        {RESPONSE("<fault>words</fault>"), DUET_FAULT_REQUEST,
         "text \"words\" does not belong in <fault>"},
        {RESPONSE("<methodName>m</methodName>"), DUET_FAULT_REQUEST,
         "<methodName> does not belong in <methodResponse>"},
        {RESULT("<value><int>x</int></value>"), DUET_FAULT_REQUEST,
         "the result: <int> holds \"x\", which is no integer"},
        {FAULT("<struct>" CODE("<int>x</int>") "</struct>"), DUET_FAULT_REQUEST,
         "the fault: <int> holds \"x\""},
        {RESULT("<value><i8>99999999999999999999</i8></value>"), DUET_FAULT_PARAMS,
         "the result: <i8>"},
        {"<!DOCTYPE a>" RESULT("<value>x</value>"), DUET_FAULT_PARSE, "DOCTYPE"},
        {RESULT("<value>\xff</value>"), DUET_FAULT_CHARACTER, "byte 0xff"},
        {RESULT("<value>x</value>") "x", DUET_FAULT_PARSE, "not well-formed"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(read_document(rows[i].document), DUET_FAILED);
        if (fault.code != rows[i].code || strstr(fault.message, rows[i].words) == NULL)
            fail_msg("%s: %d %s", rows[i].document, fault.code, fault.message);
    }

    static const char whole[] = FAULT("<struct>" CODE("<int>4</int>") WORDS("no") "</struct>");
    for (size_t size = 0; size < sizeof whole - 1; size++)
        assert_int_equal(read_reply(&duet_codec_xmlrpc, whole, size), DUET_FAILED);
}

static void limits_hold_for_replies(void **state)
{
    (void)state;
    limits.max_values = 3;
    limits.max_depth = 1;
    static const char two[] = RESULT("<value><array><data><value>1</value><value>2</value>"
                                     "</data></array></value>");
    static const char three[] = RESULT("<value><array><data><value>1</value><value>2</value>"
                                       "<value>3</value></data></array></value>");
    static const char deep[] = RESULT("<value><array><data><value><array><data/></array>"
                                      "</value></data></array></value>");
    assert_int_equal(read_document(two), 0);
    assert_int_equal(read_document(three), DUET_FAILED);
    assert_int_equal(fault.code, DUET_FAULT_LIMIT);
    assert_non_null(strstr(fault.message, "the result: a message of more than 3 values"));
    assert_int_equal(read_document(deep), DUET_FAILED);
    assert_int_equal(fault.code, DUET_FAULT_LIMIT);
    assert_non_null(strstr(fault.message, "the result: nesting of 2 levels exceeds"));
}

/* The plain ones go the quick way. */
static void the_replies_of_usual_servers_are_read_fast(void **state)
{
    (void)state;
    static const char *const replies[] = {
        RESULT("<value><int>42</int></value>"),
        "<?xml "
        "version='1.0'?>\n<methodResponse>\n<params>\n<param>\n<value><boolean>1</boolean>"
        "</value>\n</param>\n</params>\n</methodResponse>\n", /* Python */
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n<methodResponse>\r\n<params>\r\n<param>"
        "<value><string>x</string></value></param>\r\n</params>\r\n</methodResponse>\r\n",
        FAULT("<struct>" CODE("<int>4</int>") WORDS("<string>no</string>") "</struct>"),
    };
    for (size_t i = 0; i < sizeof replies / sizeof *replies; i++)
        assert_int_equal(
            agree_under_limits_on(DUET_KIND_RESPONSE, replies[i], strlen(replies[i])),
            READ_ALIKE);
}

/* ---- What one side writes the other reads */

static const struct duet_codec *const codecs[] = {&duet_codec_msgpack, &duet_codec_xmlrpc};

/* Writes what the seed gives as plain MessagePack: one value, or an array of `count`. */
static void write_plain(unsigned seed, size_t count, bool is_array)
{
    srand(seed);
    start(&plain, &duet_writer_ops_msgpack);
    if (is_array)
        duet_write_array(&plain, count);
    for (size_t i = 0; i < count; i++)
        write_random_value(&plain);
    assert_int_equal(duet_writer_finish(&plain), 0);
}

/* `writer` is free for it: what was read lies in the message and the arena. */
static void expect_same_as_plain(const struct duet_codec *codec, const msgpack_object *value)
{
    start(&writer, &duet_writer_ops_msgpack);
    assert_int_equal(duet_write_value(&writer, (const duet_value *)value), 0);
    if (writer.out.size != plain.out.size ||
        memcmp(writer.out.data, plain.out.data, plain.out.size) != 0)
        fail_msg("%s brought another value", codec->name);
}

static void calls_arrive_as_they_were_written(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= 1000; seed++) {
        const struct duet_codec *codec = codecs[seed % 2];
        size_t count = seed / 2 % 4;
        const char *method = random_texts[1 + seed % (RANDOM_TEXTS - 1)];
        enum duet_kind kind = seed % 3 == 0 ? DUET_KIND_NOTIFICATION : DUET_KIND_REQUEST;
        if (codec == &duet_codec_xmlrpc)
            method = "a.b/c:d_<caf\xc3\xa9>&\xf0\x9f\x98\x80"; /* spaces around are trimmed */
        write_plain(seed, count, true);

        srand(seed);
        start(&writer, codec->writer_ops);
        assert_int_equal(codec->begin_call(&writer, kind, seed * 65537, method, count), 0);
        for (size_t i = 0; i < count; i++)
            write_random_value(&writer);
        assert_int_equal(duet_writer_finish(&writer), 0);
        assert_int_equal(codec->end_call(&writer), 0);

        load(writer.out.data, writer.out.size);
        if (codec == &duet_codec_msgpack)
            assert_int_equal(duet_msgpack_check(&incoming), 0);
        assert_int_equal(codec->head(&incoming), 0);
        assert_int_equal(codec->decode(&incoming), 0);
        assert_int_equal(incoming.method_size, strlen(method));
        assert_memory_equal(incoming.method, method, strlen(method));
        if (codec == &duet_codec_msgpack) {
            assert_int_equal(incoming.kind, kind);
            assert_int_equal(incoming.has_msgid, kind == DUET_KIND_REQUEST);
            assert_int_equal(incoming.msgid, kind == DUET_KIND_REQUEST ? seed * 65537 : 0);
        }
        expect_same_as_plain(codec, &incoming.params);
    }
}

static void replies_arrive_as_they_were_written(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= 1000; seed++) {
        const struct duet_codec *codec = codecs[seed % 2];
        write_plain(seed, 1, false);
        srand(seed);
        start(&writer, codec->writer_ops);
        assert_int_equal(codec->begin_reply(&writer, seed), 0);
        write_random_value(&writer);
        assert_int_equal(duet_writer_finish(&writer), 0);
        assert_int_equal(codec->end_reply(&writer), 0);

        assert_int_equal(read_reply(codec, writer.out.data, writer.out.size), 0);
        assert_int_equal(response.status, DUET_RESPONSE_RESULT);
        if (codec == &duet_codec_msgpack)
            assert_int_equal(incoming.msgid, seed);
        expect_same_as_plain(codec, &response.result);
    }
}

static void faults_arrive_as_they_were_written(void **state)
{
    (void)state;
    static const int codes[] = {1, 0, -1, INT32_MAX, INT32_MIN, DUET_FAULT_BUSY};
    for (size_t i = 0; i < 2 * sizeof codes / sizeof *codes; i++) {
        const struct duet_codec *codec = codecs[i % 2];
        struct duet_fault sent = {.code = codes[i / 2]};
        snprintf(sent.message, sizeof sent.message, "%s", random_texts[i % RANDOM_TEXTS]);
        start(&writer, codec->writer_ops);
        assert_int_equal(codec->fault(&writer, 7, &sent), 0);
        assert_int_equal(read_reply(codec, writer.out.data, writer.out.size), 0);
        assert_int_equal(response.status, DUET_RESPONSE_FAULT);
        assert_int_equal(response.code, sent.code);
        assert_string_equal(response.message, sent.message);
        assert_int_equal(response.data.type, MSGPACK_OBJECT_NIL);
    }
}

static void calls_are_framed_byte_for_byte(void **state)
{
    (void)state;
    start(&writer, &duet_writer_ops_msgpack);
    duet_codec_msgpack.begin_call(&writer, DUET_KIND_REQUEST, 1, "double", 1);
    duet_write_double(&writer, 21);
    assert_int_equal(duet_writer_finish(&writer), 0);
    assert_int_equal(duet_codec_msgpack.end_call(&writer), 0);
    assert_packed(writer.out.data, writer.out.size, "[0,1,'double',[21.0]]");

    start(&writer, &duet_writer_ops_msgpack);
    duet_codec_msgpack.begin_call(&writer, DUET_KIND_NOTIFICATION, 1, "go", 0);
    assert_int_equal(duet_writer_finish(&writer), 0);
    assert_packed(writer.out.data, writer.out.size, "[2,'go',[]]");

    start(&writer, &duet_writer_ops_xmlrpc);
    duet_codec_xmlrpc.begin_call(&writer, DUET_KIND_REQUEST, 1, "a&b", 2);
    duet_write_int(&writer, 1);
    duet_write_array(&writer, 0);
    assert_int_equal(duet_writer_finish(&writer), 0);
    assert_int_equal(duet_codec_xmlrpc.end_call(&writer), 0);
    static const char two[] =
        "<?xml version=\"1.0\"?>\r\n<methodCall><methodName>a&amp;b</methodName><params><param>"
        "<value><int>1</int></value></param><param><value><array><data></data></array></value>"
        "</param></params></methodCall>\r\n";
    assert_int_equal(writer.out.size, sizeof two - 1);
    assert_memory_equal(writer.out.data, two, sizeof two - 1);

    start(&writer, &duet_writer_ops_xmlrpc);
    writer.style.nil = DUET_NIL_EX;
    duet_codec_xmlrpc.begin_call(&writer, DUET_KIND_REQUEST, 1, "m", 0);
    assert_int_equal(duet_codec_xmlrpc.end_call(&writer), 0);
    static const char none[] =
        "<?xml version=\"1.0\"?>\r\n<methodCall xmlns:ex=\"http://ws.apache.org/xmlrpc/"
        "namespaces/extensions\"><methodName>m</methodName><params></params></methodCall>\r\n";
    assert_int_equal(writer.out.size, sizeof none - 1);
    assert_memory_equal(writer.out.data, none, sizeof none - 1);
}

static void a_call_that_cannot_be_written_says_why(void **state)
{
    (void)state;
    start(&writer, &duet_writer_ops_xmlrpc);
    assert_int_equal(duet_codec_xmlrpc.begin_call(&writer, DUET_KIND_REQUEST, 1, "m\x01", 0),
                     DUET_FAULT_REQUEST);
    assert_int_equal(duet_writer_finish(&writer), DUET_FAULT_REQUEST); /* it sticks */
    assert_int_equal(fault.code, DUET_FAULT_REQUEST);
    assert_string_equal(fault.message, "the method's name holds byte 0x01 at offset 1, which "
                                       "XML cannot carry");

    for (size_t i = 0; i < 2; i++) {
        struct duet_writer small;
        duet_writer_init(&small, 5);
        start(&small, codecs[i]->writer_ops);
        assert_int_equal(
            codecs[i]->begin_call(&small, DUET_KIND_REQUEST, 1, "longer than that", 0),
            DUET_FAULT_LIMIT);
        assert_int_equal(fault.code, DUET_FAULT_LIMIT);
        assert_string_equal(fault.message, "call exceeds --max-message 5");
        duet_writer_done(&small);
    }

    struct duet_writer small;
    duet_writer_init(&small, strlen("<?xml version=\"1.0\"?>\r\n<methodCall><methodName>m"
                                    "</methodName><params></params></methodCall>\r"));
    start(&small, &duet_writer_ops_xmlrpc);
    assert_int_equal(duet_codec_xmlrpc.begin_call(&small, DUET_KIND_REQUEST, 1, "m", 0), 0);
    assert_int_equal(duet_writer_finish(&small), 0);
    assert_int_equal(duet_codec_xmlrpc.end_call(&small), DUET_FAULT_LIMIT);
    assert_non_null(strstr(fault.message, "call exceeds --max-message"));
    duet_writer_done(&small);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(results_of_messagepack),
        TEST(what_is_no_reply_of_messagepack),
        TEST(a_stream_brings_replies_byte_by_byte),
        TEST(a_reply_has_no_more_memory_than_it_may),
        TEST(the_deepest_reply_is_read),
        TEST(results_of_xmlrpc),
        TEST(faults_of_xmlrpc),
        TEST(what_is_no_reply_of_xmlrpc),
        TEST(limits_hold_for_replies),
        TEST(the_replies_of_usual_servers_are_read_fast),
        TEST(calls_arrive_as_they_were_written),
        TEST(replies_arrive_as_they_were_written),
        TEST(faults_arrive_as_they_were_written),
        TEST(calls_are_framed_byte_for_byte),
        TEST(a_call_that_cannot_be_written_says_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
