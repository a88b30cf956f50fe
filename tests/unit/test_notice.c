/*
 * Bytes that several write, each in its turn.
 */
#include "notice.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void it_takes_the_bytes_and_lives_as_long_as_its_last_reader(void **state)
{
    (void)state;
    struct duet_buf bytes;
    duet_buf_init(&bytes, 100);
    assert_int_equal(duet_buf_append(&bytes, "head and body", 13), 0);
    struct duet_notice *notice = duet_notice_new(&bytes, 9);
    assert_non_null(notice);
    assert_null(bytes.data);
    assert_int_equal(duet_notice_size(notice), 4);
    struct duet_notice *other = duet_notice_ref(notice);
    duet_notice_unref(notice);
    assert_memory_equal(other->bytes.data + other->from, "body", 4);
    duet_notice_unref(other);
    duet_notice_unref(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_takes_the_bytes_and_lives_as_long_as_its_last_reader),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
