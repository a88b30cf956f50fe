/*
 * The parser's memory: a steady thread does not touch malloc, a hostile document is bounded and
 * leaves nothing behind, and a thread that ends gives all back. The linker routes malloc,
 * realloc and free through this file (--wrap).
 */
#include "xmlrpc_expat.h"

#include "xmlrpc_reading.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static _Atomic long allocations, live;

void *__real_malloc(size_t size);
void *__real_realloc(void *block, size_t size);
void __real_free(void *block);
#define VISIBLE                                                                                \
    __attribute__((visibility("default"))) /* libc.so may call them by these names */
VISIBLE void *__wrap_malloc(size_t size);
VISIBLE void *__wrap_realloc(void *block, size_t size);
VISIBLE void __wrap_free(void *block);

void *__wrap_malloc(size_t size)
{
    allocations++;
    live++;
    return __real_malloc(size);
}

void *__wrap_realloc(void *block, size_t size)
{
    allocations++;
    live += block == NULL;
    return __real_realloc(block, size);
}

void __wrap_free(void *block)
{
    live -= block != NULL;
    __real_free(block);
}

static const char everyday[] =
    "<?xml version='1.0' "
    "encoding='UTF-8'?>\n<methodCall>\n<methodName>m</methodName>\n<params>\n"
    "<param>\n<value><struct><member><name>a</name><value><int>1</int></value></member>"
    "<member><name>b</name><value><array><data><value><double>1.5</double></value>"
    "<value><string>text &amp; text</string></value><value><base64>Zm9v</base64></value>"
    "<value><dateTime.iso8601>19980717T14:08:55</dateTime.iso8601></value></data></array>"
    "</value></member></struct></value>\n</param>\n</params>\n</methodCall>\n";

/* Reads without the copying that read_bytes does. */
static int read_again(struct reading *reading)
{
    duet_arena_reset(&reading->arena);
    return duet_xml_read(duet_xml_thread(), &reading->request);
}

static void a_steady_thread_does_not_touch_malloc(void **state)
{
    (void)state;
    struct reading reading;
    reading_init(&reading);
    read_text(&reading, everyday);
    assert_int_equal(read_again(&reading), 0);

    long before = allocations;
    for (int i = 0; i < 1000; i++)
        assert_int_equal(read_again(&reading), 0);
    assert_int_equal(allocations - before, 0);
    reading_done(&reading);
}

static void bad_documents_do_not_touch_malloc_either(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "<methodCall><methodName>m",
        "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>",
        "<a><b/></a>",
        "<methodCall>\x01</methodCall>",
        "<?xml version='1.0' encoding='KOI8-R'?><a/>",
        "<?xml version='1.0' encoding='latin1'?><a/>",
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct reading reading;
        reading_init(&reading);
        read_text(&reading, rows[i]);
        read_again(&reading);
        long before = allocations;
        for (int round = 0; round < 100; round++)
            assert_int_equal(read_again(&reading), DUET_FAILED);
        assert_int_equal(allocations - before, 0);
        reading_done(&reading);
    }
}

/* A document that begins and ends so, and repeats in between up to about `size` bytes. */
static void read_repeated(struct reading *reading, const char *begin, const char *repeated,
                          const char *end, size_t size)
{
    char *text = malloc(size + strlen(end) + 200), *to = stpcpy(text, begin);
    for (unsigned i = 0; (size_t)(to - text) < size; i++)
        to += sprintf(to, repeated, i);
    strcpy(to, end);
    read_text(reading, text);
    free(text);
}

static void a_hostile_document_is_bounded_and_leaves_nothing(void **state)
{
    (void)state;
    static const struct {
        const char *begin, *repeated, *end;
        int code; /* 0 when it is good */
    } rows[] = {
        {"<methodCall ", "a%x='' ", "/>", DUET_FAULT_LIMIT},
        {"<methodCall a='", "x%x", "'/>", DUET_FAULT_REQUEST},
        {"<methodCall><methodName>m</methodName><!--", "x%x", "--></methodCall>", 0},
        {"<methodCall><methodName>m</methodName><?a ", "x%x", "?></methodCall>", 0},
        {"<methodCall><methodName>", "x%x\n", "</methodName></methodCall>", 0},
        {"<methodCall><methodName><![CDATA[", "x%x", "]]></methodName></methodCall>", 0},
        {"<", "a%x", "/>", DUET_FAULT_LIMIT},
        {"<!DOCTYPE a [", "<!ENTITY a%x 'b'>", "]><a/>", DUET_FAULT_PARSE},
    };
    struct reading reading;
    reading_init(&reading);
    reading.limits.max_message = 1 << 20;
    read_text(&reading, everyday);
    duet_arena_reset(&reading.arena);
    long before = live;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        read_repeated(&reading, rows[i].begin, rows[i].repeated, rows[i].end, 1 << 20);
        assert_int_equal(reading.fault.code, rows[i].code);
        duet_arena_done(&reading.arena);
        assert_true(live <= before + 10);
        read_text(&reading, everyday);
        assert_int_equal(reading.rc, 0);
    }
    reading_done(&reading);
}

static void *read_once(void *ctx)
{
    struct reading reading;
    reading_init(&reading);
    read_text(&reading, ctx);
    reading_done(&reading);
    return reading.rc == 0 ? ctx : NULL;
}

static void a_thread_that_ends_gives_all_back(void **state)
{
    (void)state;
    long before = live;
    for (int i = 0; i < 10; i++) {
        pthread_t thread;
        void *result;
        assert_int_equal(pthread_create(&thread, NULL, read_once, (void *)everyday), 0);
        assert_int_equal(pthread_join(thread, &result), 0);
        assert_non_null(result);
    }
    assert_int_equal(live, before);
}

static void threads_have_parsers_of_their_own(void **state)
{
    (void)state;
    pthread_t threads[4];
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, read_once, (void *)everyday), 0);
    for (size_t i = 0; i < 4; i++) {
        void *result;
        pthread_join(threads[i], &result);
        assert_non_null(result);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_steady_thread_does_not_touch_malloc),
        cmocka_unit_test(bad_documents_do_not_touch_malloc_either),
        cmocka_unit_test(a_hostile_document_is_bounded_and_leaves_nothing),
        cmocka_unit_test(a_thread_that_ends_gives_all_back),
        cmocka_unit_test(threads_have_parsers_of_their_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
