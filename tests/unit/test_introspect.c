/*
 * The system. methods against a running server, as bytes of MessagePack-RPC: each multicall
 * entry with the entry of the answer it must become.
 */
#include "served.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static int twice(duet_call *call, void *ctx)
{
    (void)ctx;
    return duet_reply_int(call, 2 * duet_arg_int(call, 0));
}

/* Fails with half a value written. */
static int half(duet_call *call, void *ctx)
{
    (void)ctx;
    duet_write_array(duet_call_writer(call), 2);
    duet_write_int(duet_call_writer(call), 1);
    return duet_fail(call, 7, "half");
}

static const duet_method methods[] = {
    {.name = "twice",
     .signature = "i:i",
     .handler = twice,
     .flags = DUET_INLINE,
     .help = "Doubles."},
    {.name = "half", .handler = half},
    {0},
};

static struct served served;
static int fd;

static int open_server(void **state)
{
    (void)state;
    served_open(&served, methods, NULL);
    duet_server_set(served.server, DUET_MAX_MULTICALL, 3);
    served_start(&served);
    fd = served_connect(&served);
    return 0;
}

/* Bytes of one message under construction. */
struct message {
    char bytes[4096];
    size_t size;
};

static void put(struct message *message, const void *bytes, size_t size)
{
    assert_true(message->size + size <= sizeof message->bytes);
    memcpy(message->bytes + message->size, bytes, size);
    message->size += size;
}

static void put_string(struct message *message, const char *text)
{
    size_t size = strlen(text);
    const unsigned char fix[] = {(unsigned char)(0xa0 + size)};
    const unsigned char str8[] = {0xd9, (unsigned char)size};
    if (size < 32)
        put(message, fix, sizeof fix);
    else
        put(message, str8, sizeof str8);
    put(message, text, size);
}

/* Calls a method with these packed arguments; its result, or error, must be these bytes. */
static void expect(const char *method, const struct message *params, bool good,
                   const struct message *answer)
{
    struct message request = {.size = 0}, reply = {.size = 0};
    put(&request, "\x94\x00\x01", 3);
    put_string(&request, method);
    put(&request, params->bytes, params->size);

    put(&reply, good ? "\x94\x01\x01\xc0" : "\x94\x01\x01", good ? 4 : 3);
    put(&reply, answer->bytes, answer->size);
    if (!good)
        put(&reply, "\xc0", 1);
    served_exchange(fd, request.bytes, request.size, reply.bytes, reply.size);
}

/* One string argument, and an answer that is `bytes`. */
static void expect_of(const char *method, const char *argument, const char *bytes)
{
    struct message params = {.size = 0}, answer = {.size = 0};
    put(&params, "\x91", 1);
    put_string(&params, argument);
    put(&answer, bytes, strlen(bytes));
    expect(method, &params, true, &answer);
}

/* `[code, words]` with a code of the list, as an int16. */
static void put_error(struct message *message, int code, const char *words)
{
    const unsigned char bytes[] = {0x92, 0xd1, (unsigned char)((code >> 8) & 0xff),
                                   (unsigned char)(code & 0xff)};
    put(message, bytes, sizeof bytes);
    put_string(message, words);
}

static void the_list_is_sorted_and_has_the_system_methods(void **state)
{
    (void)state;
    static const char *const names[] = {
        "half",
        "system.getCapabilities",
        "system.listMethods",
        "system.methodExist",
        "system.methodHelp",
        "system.methodSignature",
        "system.multicall",
        "system.stats",
        "twice",
    };
    const size_t count = sizeof names / sizeof *names;
    struct message none = {"\x90", 1}, answer = {.size = 0};
    put(&answer, (const char[]){(char)(0x90 + count)}, 1);
    for (size_t i = 0; i < count; i++)
        put_string(&answer, names[i]);
    expect("system.listMethods", &none, true, &answer);

    /* HomeMatic CCUs bring an argument: it changes nothing. */
    struct message some = {"\x92\xa1x\x07", 4};
    expect("system.listMethods", &some, true, &answer);
    expect_of("system.methodSignature", "system.listMethods",
              "\x91\x91\xa5"
              "array");
}

static void a_method_is_told_of(void **state)
{
    (void)state;
    expect_of("system.methodSignature", "twice", "\x91\x92\xa3int\xa3int");
    expect_of("system.methodSignature", "half", "\xa5undef");
    expect_of("system.methodHelp", "twice",
              "\xa8"
              "Doubles.");
    expect_of("system.methodHelp", "half", "\xa0");
    expect_of("system.methodExist", "half", "\xc3");
    expect_of("system.methodExist", "hal", "\xc2");
    expect_of("system.methodExist", "", "\xc2");
}

static void an_unknown_name_is_a_fault_that_names_it(void **state)
{
    (void)state;
    static const char *const asking[] = {"system.methodSignature", "system.methodHelp"};
    for (size_t i = 0; i < 2; i++) {
        struct message params = {"\x91\xa3nix", 5}, error = {.size = 0};
        put_error(&error, DUET_FAULT_METHOD, "no method named 'nix'");
        expect(asking[i], &params, false, &error);
    }
}

/* An entry that cannot be run becomes its fault, and those beside it are answered. */
static void each_multicall_entry_is_answered_on_its_own(void **state)
{
    (void)state;
#define NAME "\xaamethodName"
#define PARAMS "\xa6params"
    static const struct {
        const char *entry;
        size_t size;
        int code; /* 0: a result of 8 */
        const char *words;
    } rows[] = {
#define ENTRY(bytes) bytes, sizeof bytes - 1
        {ENTRY("\x82" NAME "\xa5twice" PARAMS "\x91\x04"), 0, NULL},
        {ENTRY("\x82" PARAMS "\x91\x04" NAME "\xc4\x05twice"), 0, NULL},
        {ENTRY("\x83" NAME "\xa5twice" PARAMS "\x91\x04\xa1x\xc0"), 0, NULL},
        {ENTRY("\x82" NAME "\xa5twice" PARAMS "\x90"), DUET_FAULT_PARAMS,
         "twice: takes 1 argument (int), got 0"},
        {ENTRY("\x82" NAME "\xa4half" PARAMS "\x90"), 7, "half"},
        {ENTRY("\x82" NAME "\xb0system.multicall" PARAMS "\x91\x90"), DUET_FAULT_REQUEST,
         "system.multicall must not call itself"},
        {ENTRY("\x82" NAME "\xa7twice\0x" PARAMS "\x91\x04"), DUET_FAULT_METHOD,
         "methodName has a NUL in it"},
        {ENTRY("\x81" PARAMS "\x90"), DUET_FAULT_REQUEST, "methodName must be string, got nil"},
        {ENTRY("\x81" NAME "\xa5twice"), DUET_FAULT_REQUEST, "params must be array, got nil"},
        {ENTRY("\x82" NAME "\xa5twice" PARAMS "\x80"), DUET_FAULT_REQUEST,
         "params must be array, got map"},
        {ENTRY("\x82" NAME "\x01" PARAMS "\x80"), DUET_FAULT_REQUEST,
         "methodName must be string, got int"},
        {ENTRY("\xc0"), DUET_FAULT_REQUEST, "a call must be a struct, got nil"},
        {ENTRY("\x90"), DUET_FAULT_REQUEST, "a call must be a struct, got array"},
    };
    static const char good[] = "\x82" NAME "\xa5twice" PARAMS "\x91\x15";
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct message params = {"\x91\x93", 2}, answer = {.size = 0};
        put(&params, good, sizeof good - 1);
        put(&params, rows[i].entry, rows[i].size);
        put(&params, good, sizeof good - 1);

        put(&answer, "\x93\x91\x2a", 3);
        if (rows[i].code == 0) {
            put(&answer, "\x91\x08", 2);
        } else {
            put(&answer,
                "\x82\xa9"
                "faultCode",
                11);
            const unsigned char code[] = {0xd1, (unsigned char)((rows[i].code >> 8) & 0xff),
                                          (unsigned char)(rows[i].code & 0xff)};
            if (rows[i].code > 0)
                put(&answer, code + 2, 1);
            else
                put(&answer, code, 3);
            put_string(&answer, "faultString");
            put_string(&answer, rows[i].words);
        }
        put(&answer, "\x91\x2a", 2);
        expect("system.multicall", &params, true, &answer);
    }
}

static void an_empty_multicall_has_an_empty_answer(void **state)
{
    (void)state;
    EXCHANGE(fd, "\x94\x00\x01\xb0system.multicall\x91\x90", "\x94\x01\x01\xc0\x90");
}

static void too_many_calls_are_refused_by_the_flag_that_bounds_them(void **state)
{
    (void)state;
    struct message params = {"\x91\x94\xc0\xc0\xc0\xc0", 6}, error = {.size = 0};
    put_error(&error, DUET_FAULT_LIMIT,
              "system.multicall of 4 calls exceeds --max-multicall 3");
    expect("system.multicall", &params, false, &error);
}

static int stop_server(void **state)
{
    (void)state;
    close(fd);
    served_stop(&served);
    return served.result;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_list_is_sorted_and_has_the_system_methods),
        cmocka_unit_test(a_method_is_told_of),
        cmocka_unit_test(an_unknown_name_is_a_fault_that_names_it),
        cmocka_unit_test(each_multicall_entry_is_answered_on_its_own),
        cmocka_unit_test(an_empty_multicall_has_an_empty_answer),
        cmocka_unit_test(too_many_calls_are_refused_by_the_flag_that_bounds_them),
    };
    return cmocka_run_group_tests(tests, open_server, stop_server);
}
