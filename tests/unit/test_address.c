/*
 * Addresses: what is read, what is refused and with which words, and that formatting is the way
 * back.
 */
#include "address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void good_addresses_are_read_and_written_back(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum duet_scheme scheme;
        int family;
        const char *formatted;
    } rows[] = {
        {"tcp://127.0.0.1:6789", DUET_SCHEME_BOTH, AF_INET, "tcp://127.0.0.1:6789"},
        {"tcp://0.0.0.0:0", DUET_SCHEME_BOTH, AF_INET, "tcp://0.0.0.0:0"},
        {"tcp://127.0.0.1:65535", DUET_SCHEME_BOTH, AF_INET, "tcp://127.0.0.1:65535"},
        {"http://127.0.0.1:80", DUET_SCHEME_HTTP, AF_INET, "http://127.0.0.1:80"},
        {"http://127.0.0.1:80/", DUET_SCHEME_HTTP, AF_INET, "http://127.0.0.1:80"},
        {"http://127.0.0.1:80/RPC2", DUET_SCHEME_HTTP, AF_INET, "http://127.0.0.1:80"},
        {"msgpack://127.0.0.1:1", DUET_SCHEME_MSGPACK, AF_INET, "msgpack://127.0.0.1:1"},
        {"tcp://[::1]:6789", DUET_SCHEME_BOTH, AF_INET6, "tcp://[::1]:6789"},
        {"http://[::]:8080", DUET_SCHEME_HTTP, AF_INET6, "http://[::]:8080"},
        {"msgpack://[2001:db8::1]:7", DUET_SCHEME_MSGPACK, AF_INET6,
         "msgpack://[2001:db8::1]:7"},
        {"unix:/run/x.sock", DUET_SCHEME_BOTH, AF_UNIX, "unix:/run/x.sock"},
        {"unix:x", DUET_SCHEME_BOTH, AF_UNIX, "unix:x"},
        {"http+unix:/run/x.sock", DUET_SCHEME_HTTP, AF_UNIX, "http+unix:/run/x.sock"},
        {"msgpack+unix:/run/a:b", DUET_SCHEME_MSGPACK, AF_UNIX, "msgpack+unix:/run/a:b"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct duet_address address;
        char words[256] = "", text[DUET_ADDRESS_TEXT_MAX];
        assert_int_equal(duet_address_parse(&address, rows[i].text, words, sizeof words), 0);
        assert_string_equal(words, "");
        assert_int_equal(address.scheme, rows[i].scheme);
        assert_int_equal(address.any.sa_family, rows[i].family);
        duet_address_format(&address, text);
        assert_string_equal(text, rows[i].formatted);
    }
}

static void bad_addresses_are_refused_with_words(void **state)
{
    (void)state;
    static const struct {
        const char *text, *words; /* a part of what is said */
    } rows[] = {
        {"", "expected tcp://HOST:PORT"},
        {"127.0.0.1:80", "got '127.0.0.1:80'"},
        {"TCP://127.0.0.1:80", "expected tcp://HOST:PORT"},
        {"udp://127.0.0.1:80", "expected tcp://HOST:PORT"},
        {"tcp:/127.0.0.1:80", "expected tcp://HOST:PORT"},
        {"tcp://", "expected HOST:PORT"},
        {"tcp://:", "expected HOST:PORT"},
        {"tcp://:80", "expected HOST:PORT"},
        {"tcp://127.0.0.1", "expected HOST:PORT"},
        {"tcp://127.0.0.1:", "expected HOST:PORT"},
        {"tcp://127.0.0.1:65536", "a port from 0 to 65535"},
        {"tcp://127.0.0.1:100000", "a port from 0 to 65535"},
        {"tcp://127.0.0.1:99999999999999999999", "a port from 0 to 65535"},
        {"tcp://127.0.0.1:-1", "a port from 0 to 65535"},
        {"tcp://127.0.0.1:+80", "a port from 0 to 65535"},
        {"tcp://127.0.0.1: 80", "a port from 0 to 65535"},
        {"tcp://127.0.0.1:http", "a port from 0 to 65535"},
        {"http://127.0.0.1:80/RPC3", "expected HOST:PORT"},
        {"http://127.0.0.1:80/RPC2/", "expected HOST:PORT"},
        {"tcp://[:80", "expected HOST:PORT"},
        {"tcp://[]:80", "expected HOST:PORT"},
        {"tcp://[::1:80", "expected HOST:PORT"},
        {"tcp://[::1]", "expected HOST:PORT"},
        {"tcp://::1:80", "IPv6 as [::1]:6789"},
        {"tcp://::1", "IPv6 as [::1]:6789"},
        {"tcp://1.2.3.4.5:80", "cannot resolve host '1.2.3.4.5'"},
        {"unix:", "1 to 107 bytes"},
        {"http+unix:", "1 to 107 bytes"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct duet_address address;
        char words[512] = "";
        assert_int_equal(duet_address_parse(&address, rows[i].text, words, sizeof words),
                         -EINVAL);
        if (strstr(words, rows[i].words) == NULL)
            fail_msg("'%s': \"%s\" does not say \"%s\"", rows[i].text, words, rows[i].words);
    }
}

static void the_words_of_an_endless_address_are_cut(void **state)
{
    (void)state;
    char text[5000], words[64];
    memset(text, 'x', sizeof text);
    memcpy(text, "tcp://", 6);
    text[sizeof text - 1] = '\0';
    struct duet_address address;
    assert_int_equal(duet_address_parse(&address, text, words, sizeof words), -EINVAL);
    assert_int_equal(strlen(words), sizeof words - 1);
}

static void a_unix_path_may_have_107_bytes_and_not_108(void **state)
{
    (void)state;
    char text[256], words[512], formatted[DUET_ADDRESS_TEXT_MAX];
    struct duet_address address;
    int start = snprintf(text, sizeof text, "msgpack+unix:");
    memset(text + start, 'p', 108);

    text[start + 107] = '\0';
    assert_int_equal(duet_address_parse(&address, text, words, sizeof words), 0);
    assert_int_equal(address.size, sizeof(struct sockaddr_un));
    duet_address_format(&address, formatted);
    assert_string_equal(formatted, text);

    text[start + 107] = 'p';
    text[start + 108] = '\0';
    assert_int_equal(duet_address_parse(&address, text, words, sizeof words), -EINVAL);
    assert_non_null(strstr(words, "has 108"));
}

static void localhost_resolves_to_loopback(void **state)
{
    (void)state;
    struct duet_address address;
    char words[256], text[DUET_ADDRESS_TEXT_MAX];
    assert_int_equal(duet_address_parse(&address, "tcp://localhost:5", words, sizeof words), 0);
    duet_address_format(&address, text);
    assert_true(strcmp(text, "tcp://127.0.0.1:5") == 0 || strcmp(text, "tcp://[::1]:5") == 0);
}

static void peers_are_written_without_a_scheme(void **state)
{
    (void)state;
    char text[64];
    struct sockaddr_in in4 = {.sin_family = AF_INET, .sin_port = htons(40312)};
    in4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    duet_peer_format((const struct sockaddr *)&in4, text, sizeof text);
    assert_string_equal(text, "127.0.0.1:40312");

    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(40312)};
    in6.sin6_addr = in6addr_loopback;
    duet_peer_format((const struct sockaddr *)&in6, text, sizeof text);
    assert_string_equal(text, "[::1]:40312");

    struct sockaddr_un un = {.sun_family = AF_UNIX};
    duet_peer_format((const struct sockaddr *)&un, text, sizeof text);
    assert_string_equal(text, "unix");

    duet_peer_format((const struct sockaddr *)&in4, text, 10);
    assert_string_equal(text, "127.0.0.1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_addresses_are_read_and_written_back),
        cmocka_unit_test(bad_addresses_are_refused_with_words),
        cmocka_unit_test(the_words_of_an_endless_address_are_cut),
        cmocka_unit_test(a_unix_path_may_have_107_bytes_and_not_108),
        cmocka_unit_test(localhost_resolves_to_loopback),
        cmocka_unit_test(peers_are_written_without_a_scheme),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
