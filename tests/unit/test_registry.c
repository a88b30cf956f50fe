/*
 * The registry: finding, all-or-none adding, copies that share methods, order, and that nothing
 * is quadratic.
 */
#include "registry.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int handler(duet_call *call, void *ctx)
{
    (void)call;
    (void)ctx;
    return 0;
}

/* ---- Fixture: an empty registry, and the words of whatever was refused */

static struct duet_registry *registry;
static char words[400];

static int set_up(void **state)
{
    (void)state;
    registry = duet_registry_new();
    words[0] = '\0';
    return registry == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    duet_registry_unref(registry);
    return 0;
}

static struct duet_method_entry *find_in(const struct duet_registry *some, const char *name)
{
    return duet_registry_find(some, name, strlen(name));
}

static struct duet_method_entry *find(const char *name)
{
    return find_in(registry, name);
}

static int add(const duet_method *rows, void *ctx)
{
    return duet_registry_add(registry, rows, ctx, DUET_ADDED_BY_USER, words, sizeof words);
}

static int add_one(const char *name)
{
    const duet_method rows[] = {{.name = name, .handler = handler}, {0}};
    return add(rows, NULL);
}

static void what_was_added_is_found_with_all_it_had(void **state)
{
    (void)state;
    char name[] = "double", help[] = "Twice.", signature[] = "i:i d:d";
    const duet_method rows[] = {{.name = name,
                                 .signature = signature,
                                 .handler = handler,
                                 .flags = DUET_METHOD_INLINE,
                                 .help = help},
                                {.name = "b", .handler = handler},
                                {0}};
    int ctx;
    assert_int_equal(add(rows, &ctx), 0);
    memset(name, 'x', 6); /* everything was copied */
    memset(help, 'x', 6);

    const struct duet_method_entry *method = duet_registry_find(registry, "double(", 6);
    assert_non_null(method);
    assert_string_equal(method->name, "double");
    assert_int_equal(method->name_size, 6);
    assert_string_equal(method->help, "Twice.");
    assert_int_equal(method->signature.alternatives, 2);
    assert_int_equal(method->flags, DUET_METHOD_INLINE);
    assert_true(method->handler == handler);
    assert_ptr_equal(method->ctx, &ctx);
    assert_string_equal(find("b")->help, "");
    assert_int_equal(find("b")->signature.alternatives, 0);
    assert_int_equal(duet_registry_count(registry), 2);
    assert_string_equal(words, "");
}

static void what_was_not_added_is_not_found(void **state)
{
    (void)state;
    assert_null(find(""));
    assert_null(find("double"));
    assert_int_equal(add_one("double"), 0);
    assert_null(find(""));
    assert_null(find("doubl"));
    assert_null(find("Double"));
    assert_null(duet_registry_find(registry, "double", 7));
    char *endless = calloc(1, 1 << 20);
    assert_null(duet_registry_find(registry, endless, 1 << 20));
    free(endless);
}

static void names_of_every_length_are_told_apart(void **state)
{
    (void)state;
    char name[DUET_METHOD_NAME_MAX + 1] = "";
    for (size_t size = 1; size <= DUET_METHOD_NAME_MAX; size++) {
        name[size - 1] = 'a';
        assert_int_equal(add_one(name), 0);
    }
    for (size_t size = 1; size <= DUET_METHOD_NAME_MAX; size++) {
        assert_int_equal(duet_registry_find(registry, name, size)->name_size, size);
        for (size_t i = 0; i < size; i++) {
            name[i] = 'b';
            assert_null(duet_registry_find(registry, name, size));
            name[i] = 'a';
        }
    }
}

static void bad_rows_are_refused_in_words(void **state)
{
    (void)state;
    char long_name[DUET_METHOD_NAME_MAX + 2];
    memset(long_name, 'n', sizeof long_name);
    long_name[sizeof long_name - 1] = '\0';
    char long_words[300];
    snprintf(long_words, sizeof long_words, "method name \"%.200s\" is longer than 200 bytes",
             long_name);
    const struct {
        duet_method row;
        int rc;
        const char *words;
    } rows[] = {
        {{.name = "", .handler = handler}, -EINVAL, "method name \"\" is empty"},
        {{.name = long_name, .handler = handler}, -EINVAL, long_words},
        {{.name = "a\nb", .handler = handler},
         -EINVAL,
         "method name \"a\\x0ab\" has a control character in it, or is no UTF-8"},
        {{.name = "caf\xe9", .handler = handler},
         -EINVAL,
         "method name \"caf\\xe9\" has a control character in it, or is no UTF-8"},
        {{.name = " a", .handler = handler},
         -EINVAL,
         "method name \" a\" begins or ends with a space"},
        {{.name = "system.x", .handler = handler},
         -EINVAL,
         "method name \"system.x\" is reserved: \"system.\" is the server's "
         "(DUET_METHOD_REPLACE "
         "takes it)"},
        {{.name = "m"}, -EINVAL, "method m has no handler"},
        {{.name = "m", .signature = "i:q", .handler = handler},
         -EINVAL,
         "m: signature \"i:q\": at 3 'q': no such type (n b i u d s r t a m v, [T], {name:T}, "
         "(name:T), <T,U>, %name)"},
        {{.name = "m", .signature = "i:ii", .params = "x", .handler = handler},
         -EINVAL,
         "m: params \"x\": it has 1 names, the signature up to 2 arguments"},
        {{.name = "old", .handler = handler},
         -EEXIST,
         "method old is there already (DUET_METHOD_REPLACE takes its place)"},
        {{.name = "new0", .handler = handler},
         -EEXIST,
         "method new0 is there already (DUET_METHOD_REPLACE takes its place)"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        duet_registry_unref(registry);
        registry = duet_registry_new();
        assert_int_equal(add_one("old"), 0);

        /* Enough good rows before the bad one to make the table grow. */
        char names[40][8];
        duet_method table[42] = {{0}};
        for (int n = 0; n < 40; n++) {
            snprintf(names[n], sizeof names[n], "new%d", n);
            table[n] = (duet_method){.name = names[n], .handler = handler};
        }
        table[40] = rows[i].row;
        assert_int_equal(add(table, NULL), rows[i].rc);
        assert_string_equal(words, rows[i].words);
        assert_int_equal(duet_registry_count(registry), 1);
        assert_non_null(find("old"));
        for (int n = 0; n < 40; n++)
            assert_null(find(names[n]));
    }
}

/* Signatures use the types that are there when their methods are added, also in a copy. */
static void types_are_named_before_the_methods_that_use_them(void **state)
{
    (void)state;
    struct duet_registry *more = NULL;
    const duet_method rows[] = {{.name = "m", .signature = "i:%line", .handler = handler}, {0}};
    const duet_method later[] = {{.name = "n", .signature = "i:%late", .handler = handler},
                                 {0}};
    assert_int_equal(add(rows, NULL), -EINVAL);
    assert_string_equal(words, "m: signature \"i:%line\": at 3 '%line': no such type; "
                               "duet_server_add_types() must have named it before it is used");
    struct duet_type_names *types = duet_registry_types(registry);
    assert_int_equal(duet_type_names_add(types, "line={a:i}", words, sizeof words), 0);
    assert_int_equal(add(rows, NULL), 0);

    assert_int_equal(duet_type_names_add(types, "late=s", words, sizeof words), 0);
    assert_int_equal(duet_registry_with(registry, later, NULL, DUET_ADDED_BY_USER, &more, words,
                                        sizeof words),
                     0);
    assert_ptr_equal(duet_registry_types(more), types);
    duet_registry_unref(registry);
    registry = more;
    assert_true(find("m")->signature.is_checked);
    assert_int_equal(find("n")->signature.alternatives, 1);
}

static void the_server_may_add_system_methods(void **state)
{
    (void)state;
    const duet_method rows[] = {{.name = "system.x", .handler = handler}, {0}};
    assert_int_equal(
        duet_registry_add(registry, rows, NULL, DUET_ADDED_BY_SERVER, words, sizeof words), 0);
    assert_non_null(find("system.x"));
}

static void a_copy_with_more_leaves_the_old_one_as_it_was(void **state)
{
    (void)state;
    struct duet_registry *more = NULL, *none = NULL;
    const duet_method rows[] = {{.name = "b", .handler = handler}, {0}};
    assert_int_equal(add_one("a"), 0);
    duet_registry_ref(registry); /* shared, as while a server runs */

    assert_int_equal(duet_registry_with(registry, rows, NULL, DUET_ADDED_BY_USER, &more, words,
                                        sizeof words),
                     0);
    assert_null(find("b"));
    assert_int_equal(duet_registry_count(registry), 1);
    assert_non_null(find_in(more, "b"));
    assert_ptr_equal(find_in(more, "a"), find("a"));
    assert_int_equal(
        duet_registry_with(more, rows, NULL, DUET_ADDED_BY_USER, &none, words, sizeof words),
        -EEXIST);
    assert_null(none);

    duet_registry_unref(registry);
    duet_registry_unref(registry);
    registry = NULL;
    assert_string_equal(find_in(more, "a")->name, "a");
    duet_registry_unref(more);
}

static void a_method_lives_as_long_as_a_call_holds_it(void **state)
{
    (void)state;
    struct duet_registry *fewer = NULL;
    assert_int_equal(add_one("a"), 0);
    struct duet_method_entry *method = find("a");
    duet_method_ref(method);

    assert_int_equal(duet_registry_without(registry, "a", &fewer, words, sizeof words), 0);
    duet_registry_unref(registry);
    registry = NULL;
    assert_null(find_in(fewer, "a"));
    assert_string_equal(method->name, "a");
    duet_method_unref(method);
    assert_int_equal(duet_registry_without(fewer, "a", &fewer, words, sizeof words), -ENOENT);
    assert_string_equal(words, "there is no method a");
    duet_registry_unref(fewer);
}

static void removing_any_one_keeps_all_others(void **state)
{
    (void)state;
    enum { METHODS = 200 };
    char name[16];
    for (int i = 0; i < METHODS; i++) {
        snprintf(name, sizeof name, "m%d", i);
        assert_int_equal(add_one(name), 0);
    }
    for (int gone = 0; gone < METHODS; gone++) {
        struct duet_registry *rest = NULL;
        snprintf(name, sizeof name, "m%d", gone);
        assert_int_equal(duet_registry_without(registry, name, &rest, words, sizeof words), 0);
        assert_int_equal(duet_registry_count(rest), METHODS - 1);
        for (int i = 0; i < METHODS; i++) {
            snprintf(name, sizeof name, "m%d", i);
            assert_true((find_in(rest, name) == NULL) == (i == gone));
        }
        duet_registry_unref(rest);
    }
}

static void the_list_is_in_the_order_of_names(void **state)
{
    (void)state;
    static const char *const names[] = {"b", "a.b", "a", "B", "\xc3\xa9", "ab"};
    static const char *const sorted[] = {"B", "a", "a.b", "ab", "b", "\xc3\xa9"};
    assert_non_null(duet_registry_sorted(registry));
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(add_one(names[i]), 0);
        struct duet_method_entry *const *methods = duet_registry_sorted(registry);
        for (size_t j = 1; j < duet_registry_count(registry); j++)
            assert_true(strcmp(methods[j - 1]->name, methods[j]->name) < 0);
    }
    struct duet_method_entry *const *methods = duet_registry_sorted(registry);
    for (size_t i = 0; i < 6; i++)
        assert_string_equal(methods[i]->name, sorted[i]);
    assert_ptr_equal(methods, duet_registry_sorted(registry));
}

static void *sort_and_find(void *arg)
{
    struct duet_registry *shared = arg;
    struct duet_method_entry *const *methods = duet_registry_sorted(shared);
    for (size_t i = 0; i < duet_registry_count(shared); i++)
        if (duet_registry_find(shared, methods[i]->name, methods[i]->name_size) != methods[i])
            return NULL;
    duet_registry_unref(shared);
    return shared;
}

static void threads_share_a_registry_without_a_lock(void **state)
{
    (void)state;
    enum { THREADS = 4 };
    char name[16];
    for (int i = 0; i < 1000; i++) {
        snprintf(name, sizeof name, "m%d", i);
        assert_int_equal(add_one(name), 0);
    }
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        duet_registry_ref(registry);
        assert_int_equal(pthread_create(&threads[i], NULL, sort_and_find, registry), 0);
    }
    duet_registry_unref(registry); /* the last thread frees it */
    registry = NULL;
    for (int i = 0; i < THREADS; i++) {
        void *result;
        pthread_join(threads[i], &result);
        assert_non_null(result);
    }
}

/* Were adding row by row quadratic, this would take minutes and not a blink. */
static void a_hundred_thousand_methods_are_added_one_by_one(void **state)
{
    (void)state;
    enum { METHODS = 100000 };
    char name[32];
    for (int i = 0; i < METHODS; i++) {
        snprintf(name, sizeof name, "service.method%d", i);
        assert_int_equal(add_one(name), 0);
    }
    assert_int_equal(duet_registry_count(registry), METHODS);
    for (int i = 0; i < METHODS; i++) {
        snprintf(name, sizeof name, "service.method%d", i);
        assert_string_equal(find(name)->name, name);
    }
    assert_non_null(duet_registry_sorted(registry));
}

static void a_row_may_take_the_place_of_a_method(void **state)
{
    (void)state;
    const duet_method again[] = {
        {.name = "old", .handler = handler, .flags = DUET_METHOD_REPLACE, .help = "again"},
        {.name = "new", .handler = handler, .flags = DUET_METHOD_REPLACE},
        {.name = "old", .handler = handler, .flags = DUET_METHOD_REPLACE, .help = "twice"},
        {0}};
    assert_int_equal(add_one("old"), 0);
    assert_int_equal(add(again, NULL), 0);
    assert_int_equal(duet_registry_count(registry), 2);
    assert_string_equal(find("old")->help, "twice");
    assert_non_null(find("new"));
}

/* Where a later row is refused, those that were replaced are back. */
static void what_was_replaced_is_back_when_a_later_row_is_refused(void **state)
{
    (void)state;
    const duet_method again[] = {
        {.name = "old", .handler = handler, .flags = DUET_METHOD_REPLACE, .help = "again"},
        {.name = "old", .handler = handler, .flags = DUET_METHOD_REPLACE, .help = "twice"},
        {.name = "new", .handler = handler},
        {.name = "new", .handler = handler},
        {0}};
    assert_int_equal(add_one("old"), 0);
    const struct duet_method_entry *old = find("old");
    assert_int_equal(add(again, NULL), -EEXIST);
    assert_int_equal(duet_registry_count(registry), 1);
    assert_ptr_equal(find("old"), old);
    assert_null(find("new"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(what_was_added_is_found_with_all_it_had),
        TEST(what_was_not_added_is_not_found),
        TEST(names_of_every_length_are_told_apart),
        TEST(bad_rows_are_refused_in_words),
        TEST(types_are_named_before_the_methods_that_use_them),
        TEST(the_server_may_add_system_methods),
        TEST(a_copy_with_more_leaves_the_old_one_as_it_was),
        TEST(a_method_lives_as_long_as_a_call_holds_it),
        TEST(removing_any_one_keeps_all_others),
        TEST(the_list_is_in_the_order_of_names),
        TEST(threads_share_a_registry_without_a_lock),
        TEST(a_hundred_thousand_methods_are_added_one_by_one),
        TEST(a_row_may_take_the_place_of_a_method),
        TEST(what_was_replaced_is_back_when_a_later_row_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
