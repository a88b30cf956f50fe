/*
 * Tables of methods as programs of any age bring them.
 */
#include "table.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static int handler(duet_call *call, void *ctx)
{
    (void)call, (void)ctx;
    return 0;
}

/* A row of before there were time limits, and one of a version to come. */
struct old_row {
    const char *name;
    const char *signature;
    duet_handler handler;
    unsigned flags;
    const char *help;
};
struct new_row {
    duet_method method;
    const char *later;
};

static char words[300];
static duet_method *rows;

static int set_up(void **state)
{
    (void)state;
    words[0] = '\0';
    rows = NULL;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    free(rows);
    return 0;
}

static int read_table(const void *table, size_t row_size, size_t table_size)
{
    return duet_table_read(table, row_size, table_size, &rows, words, sizeof words);
}

static void rows_are_copied_up_to_the_end_row(void **state)
{
    (void)state;
    const duet_method table[] = {
        {.name = "a", .signature = "i:", .handler = handler, .max_running = 3},
        {.name = "b", .handler = handler, .help = "B.", .timeout_ms = 5},
        {0},
        {.name = "behind"},
    };
    assert_int_equal(read_table(table, sizeof *table, SIZE_MAX), 0);
    assert_memory_equal(rows, table, 3 * sizeof *table);
}

static void what_an_older_row_has_not_is_nothing(void **state)
{
    (void)state;
    const struct old_row table[] = {
        {"a", "i:", handler, DUET_METHOD_INLINE, "A."}, {"b", NULL, handler, 0, NULL}, {0}};
    assert_int_equal(read_table(table, sizeof *table, sizeof table), 0);
    assert_string_equal(rows[0].help, "A.");
    assert_int_equal(rows[0].flags, DUET_METHOD_INLINE);
    assert_int_equal(rows[0].timeout_ms, 0);
    assert_int_equal(rows[0].max_running, 0);
    assert_string_equal(rows[1].name, "b");
    assert_ptr_equal(rows[1].handler, handler);
    assert_null(rows[2].name);
}

static void what_only_a_newer_row_has_must_be_nothing(void **state)
{
    (void)state;
    struct new_row table[] = {{{.name = "a", .handler = handler}, NULL},
                              {{.name = "b\n", .handler = handler}, NULL},
                              {{0}, NULL}};
    assert_int_equal(read_table(table, sizeof *table, sizeof table), 0);
    assert_string_equal(rows[1].name, "b\n");
    table[1].later = "x";
    assert_int_equal(duet_table_read(&table[0].method, sizeof *table, sizeof table,
                                     &(duet_method *){NULL}, words, sizeof words),
                     -EINVAL);
    assert_string_equal(words, "method b\\x0a sets what libduet " DUET_VERSION
                               " does not know: it was compiled with the duet.h of a later "
                               "version");
}

static void a_table_without_an_end_row_is_refused(void **state)
{
    (void)state;
    const duet_method table[] = {{.name = "a", .handler = handler},
                                 {.name = "b", .handler = handler}};
    for (size_t part = 0; part < sizeof *table; part += 8)
        assert_int_equal(read_table(table, sizeof *table, sizeof table + part), -EINVAL);
    assert_string_equal(words,
                        "a table of methods has no end: {0} must stand after its 2 rows");
    assert_int_equal(read_table(table, sizeof *table, sizeof *table), -EINVAL);
    assert_string_equal(words, "a table of methods has no end: {0} must stand after its 1 row");
}

static void a_row_of_an_impossible_size_is_refused(void **state)
{
    (void)state;
    static const duet_method table[] = {{0}};
    static const size_t sizes[] = {0, 1, offsetof(duet_method, handler), sizeof *table - 1};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        assert_int_equal(read_table(table, sizes[i], SIZE_MAX), -EINVAL);
    assert_null(rows);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(rows_are_copied_up_to_the_end_row),
        TEST(what_an_older_row_has_not_is_nothing),
        TEST(what_only_a_newer_row_has_must_be_nothing),
        TEST(a_table_without_an_end_row_is_refused),
        TEST(a_row_of_an_impossible_size_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
