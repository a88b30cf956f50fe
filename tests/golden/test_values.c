/*
 * What generated types do with values: copies that are equal and whole, defaults, containers
 * that grow; and each of their allocations failing in turn, which leaves nothing behind.
 */
#include "echo.h"
#include "versions.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- Allocations, counted; the one that is to fail is counted down to */

static long living, fail_at;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *block, size_t size);
void __real_free(void *block);
#define VISIBLE                                                                                \
    __attribute__((visibility("default"))) /* libc.so may call them by these names */
VISIBLE void *__wrap_malloc(size_t size);
VISIBLE void *__wrap_calloc(size_t count, size_t size);
VISIBLE void *__wrap_realloc(void *block, size_t size);
VISIBLE void __wrap_free(void *block);

static bool fails(void)
{
    return fail_at > 0 && --fail_at == 0;
}

static void *counted(void *block)
{
    living += block != NULL;
    return block;
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : counted(__real_malloc(size));
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails() ? NULL : counted(__real_calloc(count, size));
}

void *__wrap_realloc(void *block, size_t size)
{
    if (fails())
        return NULL;
    void *larger = __real_realloc(block, size);
    living += block == NULL && larger != NULL;
    return larger;
}

void __wrap_free(void *block)
{
    living -= block != NULL;
    __real_free(block);
}

/* ---- Values with something of everything in them */

static char *text(const char *words)
{
    char *copy = malloc(strlen(words) + 1);
    assert_non_null(copy);
    return strcpy(copy, words);
}

static void fill_scalars(echo_scalars *value)
{
    assert_int_equal(echo_scalars_init(value), 0);
    value->text = text("text");
    value->bytes.bytes = (uint8_t *)text("ab");
    value->bytes.size = 3;
    value->f64 = 0.5;
    value->color = ECHO_COLOR_BLUE;
    value->when.nanoseconds = 5;
}

static void fill_containers(echo_containers *value)
{
    assert_int_equal(echo_containers_init(value), 0);
    for (int i = 0; i < 20; i++)
        *echo_int_list_add(&value->ints) = i;
    *echo_string_list_add(&value->texts) = text("a");
    *echo_string_list_add(&value->texts) = NULL;
    *echo_maybe_string_list_add(&value->maybe_texts) = NULL;
    *echo_maybe_string_list_add(&value->maybe_texts) = text("b");
    echo_maybe_int_list_add(&value->maybe_ints)->is_set = true;
    echo_point_list_add(&value->points)->x = 1;
    *echo_maybe_point_list_add(&value->maybe_points) = echo_point_new();
    *echo_maybe_point_list_add(&value->maybe_points) = NULL;
    echo_raw *raw = echo_raw_list_add(echo_raw_list_list_add(&value->nested));
    raw->bytes = (uint8_t *)text("c");
    raw->size = 1;
    *echo_string_string_map_add(&value->words, "k") = text("v");
    *echo_int_color_map_add(&value->colors, -7) = ECHO_COLOR_GREEN;
    echo_color_point_map_add(&value->points_of, ECHO_COLOR_RED)->y = 2;
    echo_scalars_list *deep = echo_string_scalars_list_map_add(&value->deep, "deep");
    fill_scalars(echo_scalars_list_add(deep));
    *echo_long_maybe_point_map_add(&value->maybe_values, 5) = echo_point_new();
    value->odd.item1 = text("d");
    echo_string_double_list_tuple *row = echo_string_double_list_tuple_list_add(&value->rows);
    row->item0 = text("e");
    *echo_double_list_add(&row->item1) = 3;
    value->generic.first = text("f");
}

static void fill_maybes(echo_maybes *value)
{
    assert_int_equal(echo_maybes_init(value), 0);
    value->bytes.is_set = true;
    value->bytes.value.bytes = (uint8_t *)text("a");
    value->bytes.value.size = 1;
    value->text = text("b");
    value->place = echo_point_new();
    value->numbers.is_set = true;
    *echo_int_list_add(&value->numbers.value) = 5;
    value->places.is_set = true;
    echo_string_point_map_add(&value->places.value, "c")->x = 1;
    value->both.is_set = true;
    value->both.value.item1 = text("d");
}

static void fill_tree(echo_tree *value)
{
    assert_int_equal(echo_tree_init(value), 0);
    value->name = text("root");
    echo_tree_list_add(&value->children)->name = text("leaf");
    echo_string_tree_map_add(&value->by_name, "k")->parent = echo_tree_new();
    value->parent = echo_tree_new();
    value->parent->name = text("parent");
}

/* ---- Tests */

/* A copy is equal, and owns all it has; one that fails at any allocation leaves nothing. */
#define COPIES(type, change)                                                                   \
    static void type##_copies(void **state)                                                    \
    {                                                                                          \
        (void)state;                                                                           \
        echo_##type value, copy;                                                               \
        long before = living;                                                                  \
        fill_##type(&value);                                                                   \
        long filled = living;                                                                  \
        int rc = -ENOMEM;                                                                      \
        for (int i = 1; rc < 0; i++) {                                                         \
            fail_at = i;                                                                       \
            rc = echo_##type##_copy(&copy, &value);                                            \
            assert_int_equal(living, rc < 0 ? filled : filled + filled - before);              \
            assert_true(rc == 0 || rc == -ENOMEM);                                             \
        }                                                                                      \
        assert_true(fail_at > 0);                                                              \
        fail_at = 0;                                                                           \
        assert_true(echo_##type##_equal(&copy, &value));                                       \
        change;                                                                                \
        assert_false(echo_##type##_equal(&copy, &value));                                      \
        assert_false(echo_##type##_equal(&value, &copy));                                      \
        echo_##type##_free(&value);                                                            \
        echo_##type##_free(&value);                                                            \
        echo_##type##_free(&copy);                                                             \
        echo_##type##_free(NULL);                                                              \
        assert_int_equal(living, before);                                                      \
    }

COPIES(scalars, copy.when.nanoseconds = 6)
COPIES(containers, copy.deep.entries[0].value.items[0].text[0] = 'x')
COPIES(maybes, copy.both.is_set = false)
COPIES(tree, copy.by_name.entries[0].value.parent->name = text("other"))

static void a_null_string_is_an_empty_one_unless_it_may_be_nil(void **state)
{
    (void)state;
    echo_scalars a, b;
    echo_maybes c, d;
    assert_int_equal(echo_scalars_init(&a) + echo_scalars_init(&b), 0);
    assert_int_equal(echo_maybes_init(&c) + echo_maybes_init(&d), 0);
    b.text = text("");
    d.text = text("");
    assert_true(echo_scalars_equal(&a, &b));
    assert_false(echo_maybes_equal(&c, &d));
    echo_scalars_free(&b);
    echo_maybes_free(&d);
}

static void a_list_that_cannot_grow_is_as_it_was(void **state)
{
    (void)state;
    echo_int_list list;
    echo_int_list_init(&list);
    for (int i = 0; i < 8; i++)
        *echo_int_list_add(&list) = i;
    fail_at = 1;
    assert_null(echo_int_list_add(&list));
    assert_int_equal(list.count, 8);
    *echo_int_list_add(&list) = 8;
    for (int i = 0; i <= 8; i++)
        assert_int_equal(list.items[i], i);
    echo_int_list_free(&list);
}

static void a_map_finds_what_it_has(void **state)
{
    (void)state;
    echo_string_tree_map map;
    echo_string_tree_map_init(&map);
    assert_null(echo_string_tree_map_get(&map, "a"));
    for (int i = 1; i <= 2; i++) { /* its entries, then a key */
        fail_at = i;
        assert_null(echo_string_tree_map_add(&map, "a"));
        assert_int_equal(map.count, 0);
    }
    echo_tree *tree = echo_string_tree_map_add(&map, "a");
    assert_ptr_equal(echo_string_tree_map_add(&map, "a"), tree);
    assert_ptr_equal(echo_string_tree_map_get(&map, "a"), tree);
    assert_null(echo_string_tree_map_get(&map, ""));
    assert_int_equal(map.count, 1);
    echo_string_tree_map_free(&map);
}

static void maps_are_equal_in_any_order(void **state)
{
    (void)state;
    echo_int_color_map a, b;
    echo_int_color_map_init(&a);
    echo_int_color_map_init(&b);
    for (int i = 0; i < 5; i++) {
        *echo_int_color_map_add(&a, i) = ECHO_COLOR_GREEN;
        *echo_int_color_map_add(&b, 4 - i) = ECHO_COLOR_GREEN;
    }
    assert_true(echo_int_color_map_equal(&a, &b));
    *echo_int_color_map_add(&b, 3) = ECHO_COLOR_RED;
    assert_false(echo_int_color_map_equal(&a, &b));
    echo_int_color_map_free(&a);
    echo_int_color_map_free(&b);
}

static void defaults_are_set_or_nothing_is(void **state)
{
    (void)state;
    versions_item item;
    long before = living;
    int rc = -ENOMEM;
    for (int i = 1; rc < 0; i++) {
        fail_at = i;
        rc = versions_item_init(&item);
        assert_true(rc == 0 || living == before);
    }
    fail_at = 0;
    assert_int_equal(item.weight, 7);
    assert_null(item.color);
    assert_string_equal(item.unit, "piece");
    assert_int_equal(item.discount.is_set, true);
    assert_int_equal(item.discount.value, 3);
    assert_int_equal(item.stamp.size, 2);
    assert_memory_equal(item.stamp.bytes, "ab", 2);
    versions_item_free(&item);
    assert_int_equal(living, before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scalars_copies),
        cmocka_unit_test(containers_copies),
        cmocka_unit_test(maybes_copies),
        cmocka_unit_test(tree_copies),
        cmocka_unit_test(a_null_string_is_an_empty_one_unless_it_may_be_nil),
        cmocka_unit_test(a_list_that_cannot_grow_is_as_it_was),
        cmocka_unit_test(a_map_finds_what_it_has),
        cmocka_unit_test(maps_are_equal_in_any_order),
        cmocka_unit_test(defaults_are_set_or_nothing_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
