/*
 * gzip both ways, its limit, and streams that are not what they claim.
 */
#include "gzip.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static struct duet_buf deflated(const void *bytes, size_t size)
{
    struct duet_buf out;
    duet_buf_init(&out, 1 << 24);
    assert_int_equal(duet_gzip_deflate(bytes, size, &out), 0);
    return out;
}

static void what_is_compressed_inflates_to_the_same(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 1400, 4096, 100000, 1000003};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        uint8_t *bytes = malloc(sizes[i] + 1);
        for (size_t j = 0; j < sizes[i]; j++)
            bytes[j] = (uint8_t)(j * j >> 3);
        struct duet_buf small = deflated(bytes, sizes[i]), back;
        duet_buf_init(&back, sizes[i] + 1);
        assert_int_equal(duet_gzip_inflate(small.data, small.size, &back), 0);
        assert_int_equal(back.size, sizes[i]);
        if (sizes[i] > 0)
            assert_memory_equal(back.data, bytes, sizes[i]);
        duet_buf_done(&small);
        duet_buf_done(&back);
        free(bytes);
    }
}

static void a_bomb_stops_at_the_limit(void **state)
{
    (void)state;
    uint8_t *zeros = calloc(1, 1 << 23);
    struct duet_buf bomb = deflated(zeros, 1 << 23), back;
    assert_true(bomb.size < 100000);
    duet_buf_init(&back, 65536);
    assert_int_equal(duet_gzip_inflate(bomb.data, bomb.size, &back), -EMSGSIZE);
    assert_true(back.capacity <= 65536);
    duet_buf_done(&bomb);
    duet_buf_done(&back);
    free(zeros);
}

static void damage_is_refused_wherever_it_is(void **state)
{
    (void)state;
    static const char text[] = "<methodCall><methodName>double</methodName></methodCall>";
    struct duet_buf good = deflated(text, sizeof text), back;
    for (size_t cut = 0; cut < good.size; cut++) {
        duet_buf_init(&back, 1000);
        assert_int_equal(duet_gzip_inflate(good.data, cut, &back), -EINVAL);
        duet_buf_done(&back);
    }
    duet_buf_append(&good, "x", 1); /* something after its end */
    duet_buf_init(&back, 1000);
    assert_int_equal(duet_gzip_inflate(good.data, good.size, &back), -EINVAL);
    duet_buf_done(&back);
    duet_buf_init(&back, 1000);
    assert_int_equal(duet_gzip_inflate(text, sizeof text, &back), -EINVAL);
    duet_buf_done(&back);
    duet_buf_done(&good);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_compressed_inflates_to_the_same),
        cmocka_unit_test(a_bomb_stops_at_the_limit),
        cmocka_unit_test(damage_is_refused_wherever_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
