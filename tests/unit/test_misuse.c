/*
 * What handlers do wrong, against a running server: each misuse is a fault that names the
 * method, the same in both protocols, on a worker and inline; and the server goes on.
 */
#include "codec.h"
#include "served.h"
#include "writer.h"

#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct served served;

/* ---- Handlers: each does one thing wrong, to the writer of its call */

#define HANDLER(name) static int name(duet_call *call, void *ctx)
/* A size that no compiler knows: some warn of what these do. */
static size_t unseen(size_t size)
{
    volatile size_t same = size;
    return same;
}

#define WRITER                                                                                 \
    duet_writer *writer = duet_call_writer(call);                                              \
    (void)ctx

HANDLER(count_short)
{
    WRITER;
    duet_write_array(writer, 5);
    return duet_write_int(writer, 1);
}

HANDLER(count_long)
{
    WRITER;
    duet_write_array(writer, 1);
    duet_write_int(writer, 1);
    duet_write_int(writer, 2);
    return 0;
}

HANDLER(count_huge)
{
    WRITER;
    return duet_write_array(writer, SIZE_MAX);
}

HANDLER(map_huge)
{
    WRITER;
    return duet_write_map(writer, SIZE_MAX / 2);
}

HANDLER(count_unkept)
{
    WRITER;
    return duet_write_map(writer, 1000000);
}

HANDLER(record_short)
{
    WRITER;
    duet_write_array(writer, 2);
    duet_write_record(writer, 2, DUET_RECORD_MAP);
    duet_write_field(writer, "a");
    return duet_write_nil(writer);
}

HANDLER(key_in_array)
{
    WRITER;
    duet_write_array(writer, 1);
    return duet_write_key(writer, "a", 1);
}

HANDLER(key_first)
{
    WRITER;
    return duet_write_key(writer, "a", 1);
}

HANDLER(value_for_key)
{
    WRITER;
    duet_write_map(writer, 1);
    return duet_write_int(writer, 1);
}

HANDLER(two_keys)
{
    WRITER;
    duet_write_map(writer, 1);
    duet_write_key(writer, "a", 1);
    return duet_write_key(writer, "b", 1);
}

HANDLER(null_string)
{
    WRITER;
    return duet_write_string(writer, NULL, unseen(5));
}

HANDLER(null_text)
{
    (void)ctx;
    return duet_write_text(duet_call_writer(call), NULL);
}

HANDLER(null_bytes)
{
    WRITER;
    return duet_write_bytes(writer, NULL, unseen(5));
}

HANDLER(null_key)
{
    WRITER;
    duet_write_map(writer, 1);
    return duet_write_key(writer, NULL, unseen(SIZE_MAX));
}

HANDLER(null_field)
{
    WRITER;
    duet_write_record(writer, 1, DUET_RECORD_ARRAY);
    return duet_write_field(writer, NULL);
}

HANDLER(null_value)
{
    (void)ctx;
    return duet_reply_value(call, NULL);
}

HANDLER(string_huge)
{
    WRITER;
    return duet_write_string(writer, "abc", unseen(SIZE_MAX));
}

HANDLER(string_half)
{
    WRITER;
    return duet_write_string(writer, "abc", unseen(SIZE_MAX / 2));
}

HANDLER(bytes_huge)
{
    WRITER;
    return duet_write_bytes(writer, "abc", unseen(SIZE_MAX - 3));
}

HANDLER(key_huge)
{
    WRITER;
    duet_write_map(writer, 1);
    return duet_write_key(writer, "abc", unseen(UINT32_MAX - 1));
}

HANDLER(time_odd)
{
    (void)ctx;
    return duet_reply_time(call, (duet_time){INT64_MIN, UINT32_MAX});
}

HANDLER(too_deep)
{
    WRITER;
    for (int i = 0; i < 5000; i++)
        duet_write_array(writer, 1);
    return duet_write_int(writer, 1);
}

/* The first error counts, whatever comes after it. */
HANDLER(on_after_error)
{
    WRITER;
    duet_write_array(writer, 1);
    duet_write_key(writer, "k", 1);
    duet_write_map(writer, 3);
    duet_write_value(writer, NULL);
    duet_writer_rewind(writer, (duet_mark){{7}});
    return 0;
}

/* ---- Marks that are not good */

HANDLER(mark_after_earlier)
{
    WRITER;
    duet_write_array(writer, 2);
    duet_mark earlier = duet_writer_mark(writer);
    duet_write_string(writer, "aaaaaaaa", 8);
    duet_mark later = duet_writer_mark(writer);
    duet_writer_rewind(writer, earlier);
    duet_write_string(writer, "aaaaaaaaaaaaaaaa", 16);
    duet_writer_rewind(writer, later); /* would cut the longer string */
    return 0;
}

HANDLER(mark_of_closed)
{
    WRITER;
    duet_write_array(writer, 2);
    duet_write_array(writer, 1);
    duet_mark mark = duet_writer_mark(writer);
    duet_write_int(writer, 1);
    duet_writer_rewind(writer, mark);
    return 0;
}

HANDLER(mark_of_sibling)
{
    WRITER;
    duet_write_array(writer, 2);
    duet_write_array(writer, 2);
    duet_mark mark = duet_writer_mark(writer);
    duet_write_int(writer, 1);
    duet_write_int(writer, 1);
    duet_write_array(writer, 2);
    duet_writer_rewind(writer, mark);
    return 0;
}

HANDLER(mark_of_nothing)
{
    WRITER;
    duet_write_array(writer, 3);
    duet_writer_rewind(writer, (duet_mark){{0}});
    return 0;
}

HANDLER(mark_made_up)
{
    WRITER;
    duet_mark mark = duet_writer_mark(writer);
    for (size_t i = 1; i < sizeof mark.opaque / sizeof *mark.opaque; i++)
        mark.opaque[i] = 5000; /* all but what tells one mark from another */
    duet_writer_rewind(writer, mark);
    return 0;
}

static duet_mark kept;

HANDLER(mark_kept)
{
    WRITER;
    kept = duet_writer_mark(writer);
    return duet_write_int(writer, 1);
}

HANDLER(mark_of_other_call)
{
    WRITER;
    duet_writer_rewind(writer, kept);
    return 0;
}

HANDLER(mark_of_outer)
{
    WRITER;
    duet_write_array(writer, 1);
    kept = duet_writer_mark(writer);
    return duet_call_invoke(call, "mark_of_other_call", duet_arg(call, 0), writer);
}

HANDLER(mark_of_inner)
{
    WRITER;
    duet_write_array(writer, 2);
    duet_call_invoke(call, "mark_kept", duet_arg(call, 0), writer);
    duet_writer_rewind(writer, kept);
    return 0;
}

/* ---- Calls within calls, faults, questions */

HANDLER(invoke_nameless)
{
    WRITER;
    return duet_call_invoke(call, NULL, duet_arg(call, 0), writer);
}

HANDLER(invoke_argless)
{
    WRITER;
    return duet_call_invoke(call, "fine", NULL, writer);
}

HANDLER(invoke_writerless)
{
    (void)ctx;
    return duet_call_invoke(call, "fine", duet_arg(call, 0), NULL);
}

HANDLER(invoke_for_key)
{
    WRITER;
    duet_write_map(writer, 1);
    return duet_call_invoke(call, "fine", duet_arg(call, 0), writer);
}

HANDLER(invoke_failing)
{
    WRITER;
    duet_write_array(writer, 3);
    duet_write_int(writer, 1);
    duet_call_invoke(call, "count_short", duet_arg(call, 0), writer);
    duet_call_invoke(call, "fine", duet_arg(call, 0), writer);
    return 0;
}

HANDLER(fail_formless)
{
    (void)ctx;
    int (*any_format)(duet_call *, int, const char *, ...) = duet_fail; /* unseen by -Wformat */
    return any_format(call, 3, NULL);
}

HANDLER(return_positive)
{
    (void)call, (void)ctx;
    return 5;
}

HANDLER(return_errno)
{
    (void)call, (void)ctx;
    return -ENOENT;
}

HANDLER(return_failed)
{
    (void)call, (void)ctx;
    return DUET_FAILED; /* a number that never leaves the library, made up */
}

HANDLER(return_busy)
{
    (void)call, (void)ctx;
    return -EAGAIN;
}

HANDLER(return_large)
{
    (void)call, (void)ctx;
    return -EMSGSIZE;
}

HANDLER(return_code)
{
    (void)call, (void)ctx;
    return DUET_FAULT_PARAMS;
}

HANDLER(null_reply)
{
    (void)ctx;
    return duet_reply_string(call, NULL);
}

/* All that may be NULL or far away reads as nothing; the server is asked nonsense. */
HANDLER(fine)
{
    (void)ctx;
    size_t size = 7;
    duet_call_stats stats;
    duet_server *server = duet_call_server(call);
    int64_t sum =
        duet_value_int(NULL) + (int64_t)duet_value_uint(NULL) +
        (int64_t)duet_value_count(NULL) + (int64_t)duet_value_double(NULL) +
        duet_value_time(NULL).seconds + duet_value_ext_type(NULL) + duet_value_bool(NULL) +
        duet_value_type(NULL) + duet_value_type(duet_value_item(NULL, 0)) +
        duet_value_type(duet_value_key(NULL, 0)) + duet_value_type(duet_value_get(NULL, "a")) +
        duet_value_type(duet_value_get(duet_arg(call, 0), NULL)) +
        duet_value_type(duet_arg(call, SIZE_MAX)) + *duet_value_string(NULL, NULL) +
        *duet_arg_string(call, 100, &size);
    duet_value_bytes(NULL, NULL);
    sum += duet_server_stats(server, NULL) == -EINVAL ? 0 : 1;
    sum += duet_server_method_stats(server, NULL, &stats) == -EINVAL ? 0 : 1;
    sum += duet_server_method_stats(server, "fine", NULL) == -EINVAL ? 0 : 1;
    return duet_reply_int(call, sum + (int64_t)size + 1);
}

/* ---- What comes of each */

#define STALE "the method went back to a mark that is stale, or of another call"
#define LARGE "reply exceeds --max-reply 67108864"
#define ROW(name, code, words)                                                                 \
    {                                                                                          \
#name, name, code, #name ": " words                                                    \
    }
#define WRONG(name, words) ROW(name, DUET_FAULT_INTERNAL, words)

static const struct row {
    const char *name;
    duet_handler handler;
    int code; /* 0: it answers 1; or nil, with words */
    const char *words;
} rows[] = {
    WRONG(count_short, "the method wrote 1 of 5 items of an array"),
    WRONG(count_long, "the method wrote a second value"),
    ROW(count_huge, DUET_FAULT_LIMIT, LARGE),
    ROW(map_huge, DUET_FAULT_LIMIT, LARGE),
    WRONG(count_unkept, "the method wrote 0 of 1000000 pairs of a map"),
    WRONG(record_short, "the method wrote 1 of 2 pairs of a map"),
    WRONG(key_in_array, "the method wrote a key outside of a map"),
    WRONG(key_first, "the method wrote a key outside of a map"),
    WRONG(value_for_key, "the method wrote a value where a key must stand"),
    WRONG(two_keys, "the method wrote a key where a value must stand"),
    WRONG(null_string, "the method wrote a NULL string"),
    WRONG(null_text, "the method wrote a NULL string"),
    WRONG(null_bytes, "the method wrote NULL bytes"),
    WRONG(null_key, "the method wrote a NULL key"),
    WRONG(null_field, "the method wrote a NULL key"),
    WRONG(null_value, "the method wrote a NULL value"),
    ROW(string_huge, DUET_FAULT_LIMIT, LARGE),
    ROW(string_half, DUET_FAULT_LIMIT, LARGE),
    ROW(bytes_huge, DUET_FAULT_LIMIT, LARGE),
    ROW(key_huge, DUET_FAULT_LIMIT, LARGE),
    WRONG(time_odd, "the method wrote a time with more than 999,999,999 nanoseconds"),
    ROW(too_deep, DUET_FAULT_LIMIT, "the reply nests deeper than 1090 levels"),
    WRONG(on_after_error, "the method wrote a key outside of a map"),
    WRONG(mark_after_earlier, STALE),
    WRONG(mark_of_closed, STALE),
    WRONG(mark_of_sibling, STALE),
    WRONG(mark_of_nothing, STALE),
    WRONG(mark_made_up, STALE),
    {"mark_kept", mark_kept, 0, NULL},
    WRONG(mark_of_other_call, STALE),
    {"mark_of_outer", mark_of_outer, DUET_FAULT_INTERNAL, "mark_of_other_call: " STALE},
    WRONG(mark_of_inner, STALE),
    WRONG(invoke_nameless, "the method called another without a name"),
    WRONG(invoke_argless, "the method called another without arguments"),
    WRONG(invoke_writerless, "the method called another with a writer that is not its own"),
    WRONG(invoke_for_key, "the method wrote a value where a key must stand"),
    WRONG(invoke_failing, "the method wrote 2 of 3 items of an array"),
    {"fail_formless", fail_formless, 3, ""},
    WRONG(return_positive, "the method returned 5 where 0 or less is allowed"),
    WRONG(return_errno, "internal error: No such file or directory"),
    WRONG(return_failed, "the method failed without saying why"),
    ROW(return_busy, DUET_FAULT_BUSY, "busy: try again"),
    ROW(return_large, DUET_FAULT_LIMIT, "limit exceeded"),
    ROW(return_code, DUET_FAULT_PARAMS, "invalid arguments"),
    {"null_reply", null_reply, 0, ""},
    {"fine", fine, 0, NULL},
};
enum { ROWS = sizeof rows / sizeof *rows };

/* The body of the reply that a row must get. */
static void write_expected(struct duet_writer *writer, const struct duet_codec *codec,
                           const struct row *row)
{
    struct duet_fault fault = {.code = row->code};
    duet_writer_init(writer, 4096);
    duet_writer_start(writer, codec->writer_ops, (struct duet_style){0}, &fault, 8);
    if (row->code != 0) {
        snprintf(fault.message, sizeof fault.message, "%s", row->words);
        assert_int_equal(codec->fault(writer, 1, &fault), 0);
        return;
    }
    assert_int_equal(codec->begin_reply(writer, 1), 0);
    assert_int_equal(row->words ? duet_write_nil(writer) : duet_write_int(writer, 1), 0);
    assert_int_equal(codec->end_reply(writer), 0);
}

static void expect_msgpack(const struct row *row)
{
    char request[100];
    int size = snprintf(request, sizeof request, "\x94%c\x01%c%s\x91\x90", 0,
                        (char)(0xa0 + strlen(row->name)), row->name);
    struct duet_writer expected;
    write_expected(&expected, &duet_codec_msgpack, row);
    int fd = served_connect(&served);
    served_exchange(fd, request, (size_t)size, expected.out.data, expected.out.size);
    close(fd);
    duet_writer_done(&expected);
}

static void expect_xml(const struct row *row)
{
    char body[400], request[600], reply[4096];
    int size = snprintf(body, sizeof body,
                        "<methodCall><methodName>%s</methodName><params><param><value><array>"
                        "<data></data></array></value></param></params></methodCall>",
                        row->name);
    size = snprintf(request, sizeof request,
                    "POST / HTTP/1.0\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n\r\n%s", size,
                    body);
    struct duet_writer expected;
    write_expected(&expected, &duet_codec_xmlrpc, row);
    int fd = served_connect(&served);
    served_send(fd, request, (size_t)size);
    size_t got = served_read_all(fd, reply, sizeof reply);
    assert_true(got > expected.out.size);
    assert_memory_equal(reply + got - expected.out.size, expected.out.data, expected.out.size);
    close(fd);
    duet_writer_done(&expected);
}

static void open_with(unsigned flags)
{
    static duet_method methods[ROWS + 1];
    for (size_t i = 0; i < ROWS; i++)
        methods[i] =
            (duet_method){.name = rows[i].name, .handler = rows[i].handler, .flags = flags};
    served_open(&served, methods, NULL);
    served_start(&served);
}

static void each_misuse_is_a_fault_in_both_protocols(void **state)
{
    (void)state;
    for (unsigned flags = 0; flags <= DUET_METHOD_INLINE; flags += DUET_METHOD_INLINE) {
        open_with(flags);
        for (size_t i = 0; i < ROWS; i++) {
            expect_msgpack(&rows[i]);
            expect_xml(&rows[i]);
        }
        served_stop(&served);
        assert_int_equal(served.result, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_misuse_is_a_fault_in_both_protocols),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
