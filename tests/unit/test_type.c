/*
 * Compiling with memory that runs out: each allocation fails in turn, and is told.
 */
#include "type.h"

#include "type_names.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- Allocations from here on until the one that fails; -1: all succeed */

static int left = -1;

static bool fails(void)
{
    return left >= 0 && left-- == 0;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
#define VISIBLE                                                                                \
    __attribute__((visibility("default"))) /* libc.so may call them by these names */
VISIBLE void *__wrap_malloc(size_t size);
VISIBLE void *__wrap_calloc(size_t count, size_t size);
VISIBLE void *__wrap_realloc(void *memory, size_t size);

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
    return fails() ? NULL : __real_realloc(memory, size);
}

static const char some[] = "line=(name:s,count:i) tree={value:%line,children?:[%tree]}";

static void each_allocation_of_a_signature_may_fail(void **state)
{
    (void)state;
    char words[100] = "";
    struct duet_type_names *names = duet_type_names_new();
    struct duet_types *types = NULL;
    assert_int_equal(duet_type_names_add(names, some, words, sizeof words), 0);
    int rc = -ENOMEM, allocations = 0;
    for (; rc == -ENOMEM; allocations++) {
        left = allocations;
        rc = duet_types_compile(&types, "[<i,s>]:%tree{*:%line}? d:d", "a b", names, words,
                                sizeof words);
        left = -1;
        assert_string_equal(words, rc == 0 ? words : "out of memory");
        assert_int_equal(types == NULL, rc < 0);
    }
    assert_int_equal(rc, 0);
    assert_true(allocations > 8);
    free(types);
    duet_type_names_unref(names);
}

static void each_allocation_of_named_types_may_fail(void **state)
{
    (void)state;
    char words[100] = "";
    struct duet_type_names *names = duet_type_names_new();
    assert_int_equal(duet_type_names_add(names, "old=i", words, sizeof words), 0);
    int rc = -ENOMEM, allocations = 0;
    for (; rc == -ENOMEM; allocations++) {
        left = allocations;
        rc = duet_type_names_add(names, some, words, sizeof words);
        left = -1;
        assert_string_equal(words, rc == 0 ? words : "out of memory");
        assert_int_equal(duet_type_names_count(names), rc == 0 ? 3 : 1);
    }
    assert_int_equal(rc, 0);
    assert_true(allocations > 8);
    duet_type_names_unref(names);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_allocation_of_a_signature_may_fail),
        cmocka_unit_test(each_allocation_of_named_types_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
