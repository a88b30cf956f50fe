/*
 * The words of an errno.
 */
#include "errno_words.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void an_error_has_its_own_words(void **state)
{
    (void)state;
    assert_string_not_equal(duet_errno_words(EADDRINUSE), duet_errno_words(EACCES));
    assert_string_equal(duet_errno_words(ENOENT), "No such file or directory");
}

static void a_number_that_is_no_error_has_words_too(void **state)
{
    (void)state;
    assert_non_null(duet_errno_words(99999));
    assert_string_not_equal(duet_errno_words(99999), "");
    assert_non_null(duet_errno_words(-1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_error_has_its_own_words),
        cmocka_unit_test(a_number_that_is_no_error_has_words_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
