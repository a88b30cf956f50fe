/*
 * Hosts and origins: what is one, and its one form.
 */
#include "web_name.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void hosts_have_one_form_each(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum duet_host_kind kind;
        const char *host;
        int port;
    } rows[] = {
        {"localhost", DUET_HOST_LOCALHOST, "localhost", -1},
        {"LocalHost:6789", DUET_HOST_LOCALHOST, "localhost", 6789},
        {"localhost.", DUET_HOST_LOCALHOST, "localhost", -1},
        {"localhost.:80", DUET_HOST_LOCALHOST, "localhost", 80},
        {"localhost:", DUET_HOST_LOCALHOST, "localhost", -1},
        {"localhost.evil.example", DUET_HOST_NAME, "localhost.evil.example", -1},
        {"app.localhost:3000", DUET_HOST_LOCALHOST, "app.localhost", 3000},
        {"a.b.LOCALHOST.", DUET_HOST_LOCALHOST, "a.b.localhost", -1},
        {"evillocalhost", DUET_HOST_NAME, "evillocalhost", -1},
        {"app-localhost", DUET_HOST_NAME, "app-localhost", -1},
        {"127.0.0.1", DUET_HOST_NUMERIC, "127.0.0.1", -1},
        {"127.0.0.1:0080", DUET_HOST_NUMERIC, "127.0.0.1", 80},
        {"127.0.0.1.:1", DUET_HOST_NUMERIC, "127.0.0.1", 1},
        {"192.168.1.20:65535", DUET_HOST_NUMERIC, "192.168.1.20", 65535},
        {"[::1]", DUET_HOST_NUMERIC, "[::1]", -1},
        {"[2001:DB8::1]:8080", DUET_HOST_NUMERIC, "[2001:db8::1]", 8080},
        {"[fe80::1%25eth0]:1", DUET_HOST_NUMERIC, "[fe80::1%25eth0]", 1},
        {"[::ffff:127.0.0.1]", DUET_HOST_NUMERIC, "[::ffff:127.0.0.1]", -1},
        {"Example.org:443", DUET_HOST_NAME, "example.org", 443},
        {"example.org.", DUET_HOST_NAME, "example.org", -1},
        {"my_host-1", DUET_HOST_NAME, "my_host-1", -1},
        /* What browsers turn into four numbers before they send it. */
        {"127.1", DUET_HOST_NAME, "127.1", -1},
        {"2130706433", DUET_HOST_NAME, "2130706433", -1},
        {"0x7f.0.0.1", DUET_HOST_NAME, "0x7f.0.0.1", -1},
        {"127.0.0.1.evil.example", DUET_HOST_NAME, "127.0.0.1.evil.example", -1},
        {"127.0.0.256", DUET_HOST_NAME, "127.0.0.256", -1},

        {"", DUET_HOST_NONE, NULL, 0},
        {".", DUET_HOST_NONE, NULL, 0},
        {":80", DUET_HOST_NONE, NULL, 0},
        {"::1", DUET_HOST_NONE, NULL, 0},
        {"[::1", DUET_HOST_NONE, NULL, 0},
        {"[", DUET_HOST_NONE, NULL, 0},
        {"[]", DUET_HOST_NONE, NULL, 0},
        {"[::1]x", DUET_HOST_NONE, NULL, 0},
        {"[::1%25]", DUET_HOST_NONE, NULL, 0},
        {"[::1%25a]b]", DUET_HOST_NONE, NULL, 0},
        {"[127.0.0.1]", DUET_HOST_NONE, NULL, 0},
        {"[evil.example]", DUET_HOST_NONE, NULL, 0},
        {"localhost:65536", DUET_HOST_NONE, NULL, 0},
        {"localhost:99999999999999999999", DUET_HOST_NONE, NULL, 0},
        {"localhost:80:80", DUET_HOST_NONE, NULL, 0},
        {"localhost:x", DUET_HOST_NONE, NULL, 0},
        {"user@localhost", DUET_HOST_NONE, NULL, 0},
        {"localhost@evil.example", DUET_HOST_NONE, NULL, 0},
        {"localhost/", DUET_HOST_NONE, NULL, 0},
        {"local host", DUET_HOST_NONE, NULL, 0},
        {"localhost, evil.example", DUET_HOST_NONE, NULL, 0},
        {"localhost..", DUET_HOST_NONE, NULL, 0},
        {".localhost", DUET_HOST_NONE, NULL, 0},
        {"local..host", DUET_HOST_NONE, NULL, 0},
        {"\xc3\xa9.example", DUET_HOST_NONE, NULL, 0},
        {"*", DUET_HOST_NONE, NULL, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char room[DUET_HOST_MAX];
        int port;
        enum duet_host_kind kind =
            duet_host_normal(rows[i].text, strlen(rows[i].text), room, &port);
        if (kind != rows[i].kind)
            fail_msg("%s: %d", rows[i].text, kind);
        if (kind == DUET_HOST_NONE)
            continue;
        assert_string_equal(room, rows[i].host);
        assert_int_equal(port, rows[i].port);
    }
}

static void origins_have_one_form_each(void **state)
{
    (void)state;
    static const struct {
        const char *text, *origin; /* NULL: none */
    } rows[] = {
        {"https://app.example", "https://app.example"},
        {"HTTPS://App.Example:443/", "https://app.example"},
        {"https://app.example.", "https://app.example"},
        {"https://app.example:80", "https://app.example:80"},
        {"http://app.example:80", "http://app.example"},
        {"http://app.example:0443", "http://app.example:443"},
        {"http://[::1]:3000", "http://[::1]:3000"},
        {"http://127.0.0.1", "http://127.0.0.1"},
        {"ws://a:80", "ws://a"},
        {"chrome-extension://abcdefgh", "chrome-extension://abcdefgh"},
        {"capacitor://localhost", "capacitor://localhost"},
        {"web+app://x:80", "web+app://x:80"},
        {"file://", "file://"},
        {"file:///", "file://"},

        {"", NULL},
        {"null", NULL},
        {"*", NULL},
        {"app.example", NULL},
        {"//app.example", NULL},
        {"http:/app.example", NULL},
        {"http://", NULL},
        {"http:///", NULL},
        {"http://app.example/path", NULL},
        {"http://app.example?x", NULL},
        {"http://a http://b", NULL},
        {"http://a, http://b", NULL},
        {"http://user@app.example", NULL},
        {"1http://a", NULL},
        {"http ://a", NULL},
        {"http://*.example", NULL},
        {"http://a:65536", NULL},
        {"data:text/html,x", NULL},
        {"a23456789012345678901234567890123://x", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char room[DUET_ORIGIN_MAX];
        bool is_one = duet_origin_normal(rows[i].text, strlen(rows[i].text), room);
        if (is_one != (rows[i].origin != NULL))
            fail_msg("%s", rows[i].text);
        if (is_one)
            assert_string_equal(room, rows[i].origin);
    }
}

static void the_longest_fit_and_longer_ones_are_none(void **state)
{
    (void)state;
    char text[400], room[DUET_ORIGIN_MAX], host[DUET_HOST_MAX];
    int port;
    memset(text, 'a', sizeof text);
    assert_int_equal(duet_host_normal(text, DUET_HOST_MAX - 1, host, &port), DUET_HOST_NAME);
    assert_int_equal(duet_host_normal(text, DUET_HOST_MAX, host, &port), DUET_HOST_NONE);

    memcpy(text + 32, "://", 3);
    memcpy(text + 35 + DUET_HOST_MAX - 1, ":65535", 6);
    size_t size = 35 + DUET_HOST_MAX - 1 + 6;
    assert_true(duet_origin_normal(text, size, room));
    assert_int_equal(strlen(room), size);
    assert_memory_equal(room, text, size);
}

static void a_nul_ends_no_name(void **state)
{
    (void)state;
    char host[DUET_HOST_MAX], room[DUET_ORIGIN_MAX];
    int port;
    assert_int_equal(duet_host_normal("localhost\0x", 11, host, &port), DUET_HOST_NONE);
    assert_false(duet_origin_normal("http://localhost\0x", 18, room));
    assert_false(duet_origin_normal("http\0://localhost", 17, room));
}

static void the_origin_of_a_host_is_plain_http(void **state)
{
    (void)state;
    char room[DUET_ORIGIN_MAX];
    duet_origin_of_host("localhost", -1, room);
    assert_string_equal(room, "http://localhost");
    duet_origin_of_host("localhost", 80, room);
    assert_string_equal(room, "http://localhost");
    duet_origin_of_host("[::1]", 6789, room);
    assert_string_equal(room, "http://[::1]:6789");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hosts_have_one_form_each),
        cmocka_unit_test(origins_have_one_form_each),
        cmocka_unit_test(the_longest_fit_and_longer_ones_are_none),
        cmocka_unit_test(a_nul_ends_no_name),
        cmocka_unit_test(the_origin_of_a_host_is_plain_http),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
