/*
 * What is made of a fault, whatever a server sends for one. Those that come first are what
 * servers in the field send.
 */
#include "codec_msgpack.h"

#include "packed.h"
#include "response.h"
#include "writer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct duet_limits limits = {
    .max_message = 1 << 20, .max_values = 1000, .max_depth = 64};

struct row {
    const char *error;
    int64_t code;
    const char *message, *data;
};

static void expect(const struct row *row)
{
    struct packed packed = packed_from("[1,7,%s,nil]", row->error);
    uint8_t *bytes = malloc(packed.size + 1);
    assert_non_null(bytes);
    memcpy(bytes, packed.bytes, packed.size);
    bytes[packed.size] = 0xaa;
    struct duet_arena arena;
    struct duet_fault fault = {0};
    duet_arena_init(&arena, 1 << 20);
    struct duet_incoming reply = {.bytes = bytes,
                                  .size = packed.size,
                                  .limits = &limits,
                                  .arena = &arena,
                                  .fault = &fault};
    struct duet_response response;
    assert_int_equal(duet_msgpack_check(&reply), 0);
    assert_int_equal(duet_codec_msgpack.reply(&reply, &response), 0);
    assert_int_equal(reply.msgid, 7);

    assert_int_equal(response.status, DUET_RESPONSE_FAULT);
    assert_int_equal(response.result.type, MSGPACK_OBJECT_NIL);
    if (response.code != row->code || strcmp(response.message, row->message) != 0)
        fail_msg("%s: %d %s", row->error, (int)response.code, response.message);
    assert_int_equal(response.message_size, strlen(row->message));

    struct duet_writer writer;
    duet_writer_init(&writer, 4096);
    duet_writer_start(&writer, &duet_writer_ops_msgpack, (struct duet_style){0}, &fault, 64);
    assert_int_equal(duet_write_value(&writer, (const duet_value *)&response.data), 0);
    assert_packed(writer.out.data, writer.out.size, "%s", row->data);
    duet_writer_done(&writer);
    duet_arena_done(&arena);
    free(bytes);
}

static void every_kind_of_fault_is_read(void **state)
{
    (void)state;
    static const struct row rows[] = {
        /* msgpack-rpc-python, -ruby, rpclib: a message */
        {"\"'foo' method not found\"", DUET_FAULT_APPLICATION, "'foo' method not found", "nil"},
        {"b'words'", DUET_FAULT_APPLICATION, "words", "nil"},
        {"''", DUET_FAULT_APPLICATION, "", "nil"},
        /* msgpack-rpc-cpp, jubatus: two numbers, else anything */
        {"1", DUET_FAULT_METHOD, "method not found", "nil"},
        {"2", DUET_FAULT_PARAMS, "invalid arguments", "nil"},
        {"3", 3, "fault", "nil"},
        {"-32601", DUET_FAULT_METHOD, "method not found", "nil"},
        /* tinyrpc, Duet: a code and a message, perhaps more */
        {"[-32601,'no']", -32601, "no", "nil"},
        {"[1,'no']", 1, "no", "nil"},
        {"[7,'no',[1,2]]", 7, "no", "[1,2]"},
        {"[7,'no',nil]", 7, "no", "nil"},
        {"[7,b'no']", 7, "no", "nil"},
        {"[4294967296,'']", INT64_C(4294967296), "", "nil"},
        /* Neovim: a kind of error and a message */
        {"[0,'Invalid method: foo']", 0, "Invalid method: foo", "nil"},
        /* Maps, as XML-RPC and JSON-RPC have them */
        {"{'faultCode':4,'faultString':'Too many.'}", 4, "Too many.", "nil"},
        {"{'code':-1,'message':'no'}", -1, "no", "nil"},
        {"{'code':-1,'message':'no','data':{'a':1}}", -1, "no", "{'a':1}"},
        {"{'faultString':'no'}", DUET_FAULT_APPLICATION, "no", "nil"},
        {"{'faultCode':4}", 4, "fault", "nil"},
        {"{'faultCode':4,'faultString':'no','extra':1}", 4, "no",
         "{'faultCode':4,'faultString':'no','extra':1}"},
        {"{'faultCode':'4','faultString':'no'}", DUET_FAULT_APPLICATION, "no",
         "{'faultCode':'4','faultString':'no'}"},
        /* Whatever else is kept whole. */
        {"{}", DUET_FAULT_APPLICATION, "application error", "{}"},
        {"{'data':1}", DUET_FAULT_APPLICATION, "application error", "{'data':1}"},
        {"{1:2}", DUET_FAULT_APPLICATION, "application error", "{1:2}"},
        {"[]", DUET_FAULT_APPLICATION, "application error", "[]"},
        {"[7]", DUET_FAULT_APPLICATION, "application error", "[7]"},
        {"['no',7]", DUET_FAULT_APPLICATION, "application error", "['no',7]"},
        {"['.CallError','no']", DUET_FAULT_APPLICATION, "application error",
         "['.CallError','no']"},
        {"[7,'no',1,2]", DUET_FAULT_APPLICATION, "application error", "[7,'no',1,2]"},
        {"[18446744073709551615,'no']", DUET_FAULT_APPLICATION, "application error",
         "[18446744073709551615,'no']"},
        {"18446744073709551615", DUET_FAULT_APPLICATION, "application error",
         "18446744073709551615"},
        {"false", DUET_FAULT_APPLICATION, "application error", "false"},
        {"1.5", DUET_FAULT_APPLICATION, "application error", "1.5"},
        {"ext(5,'xy')", DUET_FAULT_APPLICATION, "application error", "ext(5,'xy')"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        expect(&rows[i]);
}

static void a_result_is_no_fault(void **state)
{
    (void)state;
    struct duet_response response;
    duet_response_result(&response, (msgpack_object){.type = MSGPACK_OBJECT_BOOLEAN});
    assert_int_equal(response.status, DUET_RESPONSE_RESULT);
    assert_int_equal(response.result.type, MSGPACK_OBJECT_BOOLEAN);
    assert_int_equal(response.data.type, MSGPACK_OBJECT_NIL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_fault_is_read),
        cmocka_unit_test(a_result_is_no_fault),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
