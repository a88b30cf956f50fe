/*
 * Which protocol a connection speaks: every scheme, and every first byte.
 */
#include "protocol.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct duet_framing *framing_by(int first)
{
    const struct duet_protocol_row *row = duet_protocol_by_first((uint8_t)first);
    return row != NULL ? row->framing : NULL;
}

static void the_first_byte_tells(void **state)
{
    (void)state;
    for (int first = 0; first < 256; first++) {
        const struct duet_framing *expected = NULL;
        if ((first >= 0x90 && first <= 0x9f) || first == 0xdc || first == 0xdd)
            expected = &duet_framing_msgpack;
        else if (first == '\r' || first == '\n' ||
                 (first < 128 && strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZ", first & ~0x20) != NULL &&
                  (first & ~0x20) != 0))
            expected = &duet_framing_http;
        assert_ptr_equal(framing_by(first), expected);
    }
}

static void what_is_neither_is_nothing_of_ours(void **state)
{
    (void)state;
    static const int firsts[] = {0x16 /* TLS */, 0x00, ' ',  '<', '{', '0',
                                 0x7f,           0x80, 0xc1, 0xff};
    for (size_t i = 0; i < sizeof firsts / sizeof *firsts; i++)
        assert_null(duet_protocol_by_first((uint8_t)firsts[i]));
}

static void a_scheme_pins_its_protocol(void **state)
{
    (void)state;
    assert_ptr_equal(duet_protocol_of(DUET_SCHEME_HTTP)->framing, &duet_framing_http);
    assert_ptr_equal(duet_protocol_of(DUET_SCHEME_MSGPACK)->framing, &duet_framing_msgpack);
    assert_null(duet_protocol_of(DUET_SCHEME_BOTH));
}

static void only_http_answers_in_order(void **state)
{
    (void)state;
    assert_true(duet_protocol_by_first('P')->is_ordered);
    assert_false(duet_protocol_by_first(0x94)->is_ordered);
}

static void each_content_has_its_codec(void **state)
{
    (void)state;
    assert_ptr_equal(duet_protocol_codec(DUET_CONTENT_MSGPACK), &duet_codec_msgpack);
    assert_ptr_equal(duet_protocol_codec(DUET_CONTENT_XML), &duet_codec_xmlrpc);
    assert_null(duet_protocol_codec(DUET_CONTENT_NONE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_byte_tells),
        cmocka_unit_test(what_is_neither_is_nothing_of_ours),
        cmocka_unit_test(a_scheme_pins_its_protocol),
        cmocka_unit_test(only_http_answers_in_order),
        cmocka_unit_test(each_content_has_its_codec),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
