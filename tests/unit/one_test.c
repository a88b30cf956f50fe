/*
 * Part of every unit test: DUET_TEST='*drain*' build/tests/test_server runs only the tests
 * whose names match.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

__attribute__((constructor)) static void choose_tests(void)
{
    const char *pattern = getenv("DUET_TEST");
    if (pattern != NULL)
        cmocka_set_test_filter(pattern);
}
