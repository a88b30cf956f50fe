/*
 * Text into XML: whatever goes in, what comes out is well formed. And back.
 */
#include "xmlrpc_text.h"

#include <errno.h>
#include <expat.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define BAD "\xef\xbf\xbd"

static void text_is_escaped_and_replaced(void **state)
{
    (void)state;
    static const struct {
        const char *text, *xml;
        int at; /* what XML cannot carry; -1: nothing */
    } rows[] = {
        {"", "", -1},
        {"plain", "plain", -1},
        {"a<b>c&d", "a&lt;b&gt;c&amp;d", -1},
        {"]]>", "]]&gt;", -1},
        {"\"'", "\"'", -1},
        {"a\tb\nc\rd", "a\tb\nc&#13;d", -1},
        {"\x7f", "\x7f", -1},
        {"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80", "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80",
         -1},
        {"\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbd",
         "\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbd", -1},
        {"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", -1},
        {"ab\x1b[0m", "ab" BAD "[0m", 2},
        {"\x01", BAD, 0},
        {"x\xff", "x" BAD, 1},
        {"\xc0\x80", BAD BAD, 0},         /* overlong */
        {"\xe0\x80\xaf", BAD BAD BAD, 0}, /* overlong */
        {"\xed\xa0\x80", BAD BAD BAD, 0}, /* a surrogate */
        {"\xef\xbf\xbe", BAD BAD BAD, 0}, /* U+FFFE */
        {"\xf4\x90\x80\x80", BAD BAD BAD BAD, 0},
        {"\xf5\x80\x80\x80", BAD BAD BAD BAD, 0},
        {"a\xc3", "a" BAD, 1}, /* cut */
        {"a\xe2\x82", "a" BAD BAD, 1},
        {"a\xf0\x9f\x98", "a" BAD BAD BAD, 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct duet_buf out;
        size_t size = strlen(rows[i].text), bad = 0;
        duet_buf_init(&out, 1000);
        assert_int_equal(duet_xml_text_write(&out, rows[i].text, size, true, &bad), 0);
        assert_int_equal(out.size, strlen(rows[i].xml));
        assert_memory_equal(out.data, rows[i].xml, out.size);

        out.size = 0;
        int rc = duet_xml_text_write(&out, rows[i].text, size, false, &bad);
        assert_int_equal(rc, rows[i].at >= 0);
        if (rc == 1)
            assert_int_equal(bad, rows[i].at);
        duet_buf_done(&out);
    }
}

static void a_nul_in_text_is_a_control_character(void **state)
{
    (void)state;
    struct duet_buf out;
    size_t bad = 9;
    duet_buf_init(&out, 100);
    assert_int_equal(duet_xml_text_write(&out, "a\0b", 3, false, &bad), 1);
    assert_int_equal(bad, 1);
    duet_buf_done(&out);
}

static void any_bytes_make_well_formed_xml(void **state)
{
    (void)state;
    uint32_t seed = 12345;
    for (int round = 0; round < 3000; round++) {
        char text[24];
        for (size_t i = 0; i < sizeof text; i++) {
            seed = seed * 1664525 + 1013904223;
            text[i] = (char)(seed >> (seed >> 30 ? 24 : 20));
        }
        struct duet_buf out;
        size_t bad;
        duet_buf_init(&out, 1000);
        duet_buf_append(&out, "<x>", 3);
        assert_int_equal(duet_xml_text_write(&out, text, sizeof text, true, &bad), 0);
        duet_buf_append(&out, "</x>", 4);

        XML_Parser parser = XML_ParserCreate(NULL);
        assert_int_equal(XML_Parse(parser, (const char *)out.data, (int)out.size, 1),
                         XML_STATUS_OK);
        XML_ParserFree(parser);
        duet_buf_done(&out);
    }
}

static void a_full_buffer_is_an_error(void **state)
{
    (void)state;
    struct duet_buf out;
    size_t bad;
    duet_buf_init(&out, 7);
    assert_int_equal(duet_xml_text_write(&out, "abc<", 4, false, &bad), 0);
    assert_int_equal(duet_xml_text_write(&out, "x", 1, false, &bad), -EMSGSIZE);
    duet_buf_done(&out);
}

static void long_text_is_shown_in_whole_characters(void **state)
{
    (void)state;
    char text[301];
    for (size_t i = 0; i < 300; i += 3)
        memcpy(text + i, "\xe2\x82\xac", 3);
    assert_int_equal(duet_xml_shown(text, 300), 198);
    assert_int_equal(duet_xml_shown(text, 200), 200);
    memset(text, 0x80, 300);
    assert_int_equal(duet_xml_shown(text, 300), 0);
}

static void a_plain_text_ends_where_it_does_byte_by_byte(void **state)
{
    (void)state;
    static const char bytes[] = "abc \t\n'\"/]~\x7f<>&\r\x01\x1f\x80\xff";
    uint8_t text[24];
    for (size_t at = 0; at < sizeof text; at++) {
        for (size_t i = 0; i < sizeof bytes; i++) { /* the NUL, too */
            memset(text, 'x', sizeof text);
            text[at] = (uint8_t)bytes[i];
            bool is_plain = i < 12;
            for (size_t start = 0; start <= at; start++) {
                const uint8_t *end = duet_xml_plain_end(text + start, text + sizeof text);
                assert_int_equal(end - text, is_plain ? sizeof text : at);
                assert_ptr_equal(duet_xml_plain_end(text + start, text + at), text + at);
            }
        }
        size_t size = at < 20 ? 4 : 0;
        memcpy(text + at, "\xf0\x9f\x98\x80", size);
        assert_ptr_equal(duet_xml_plain_end(text, text + at + size), text + at + size);
        if (size > 0)
            assert_ptr_equal(duet_xml_plain_end(text, text + at + 3), text + at);
    }
}

static void the_five_entities_are_expanded_and_no_others(void **state)
{
    (void)state;
    static const struct {
        const char *xml, *text;
    } rows[] = {
        {"", ""},
        {"plain", "plain"},
        {"&lt;&gt;&amp;&quot;&apos;", "<>&\"'"},
        {"a&amp;lt;b", "a&lt;b"},
        {"a&ltb", NULL},
        {"&", NULL},
        {"a&am", NULL},
        {"&#65;", NULL},
        {"&AMP;", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char room[40];
        char *end = duet_xml_text_expand(room, rows[i].xml, strlen(rows[i].xml));
        assert_int_equal(end != NULL, rows[i].text != NULL);
        if (end == NULL)
            continue;
        assert_int_equal(end - room, strlen(rows[i].text));
        assert_memory_equal(room, rows[i].text, strlen(rows[i].text));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_escaped_and_replaced),
        cmocka_unit_test(a_nul_in_text_is_a_control_character),
        cmocka_unit_test(any_bytes_make_well_formed_xml),
        cmocka_unit_test(a_full_buffer_is_an_error),
        cmocka_unit_test(long_text_is_shown_in_whole_characters),
        cmocka_unit_test(a_plain_text_ends_where_it_does_byte_by_byte),
        cmocka_unit_test(the_five_entities_are_expanded_and_no_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
